//! The header section: fields in order, values unfolded, names compared without case.
//!
//! # Standards
//! RFC 5322 2.2; RFC 2047 decoding is asked for explicitly with [`Field::decoded`].

/// One header field of the top level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name as written.
    pub name: String,
    /// The value, unfolded, trimmed, bytes above 127 as UTF-8 or, failing that, Latin-1.
    pub value: String,
}

/// The header section of a message or part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// The fields in the order they stand.
    pub fields: Vec<Field>,
}

impl Headers {
    /// Values of every field of this name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |field| field.name.eq_ignore_ascii_case(name))
            .map(|field| field.value.as_str())
    }

    /// Value of the first field of this name.
    pub fn first<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        self.all(name).next()
    }

    /// Whether a field of this name exists.
    pub fn has(&self, name: &str) -> bool {
        self.first(name).is_some()
    }
}
