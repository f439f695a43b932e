//! Reads the keys of a TOML document one by one and collects every mistake, so that an administrator mends a file in one go.
//!
//! # Invariants
//! A mistake names the line, the key, what was found, what is allowed and the mend. Addresses in the file are not repeated.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error as _, Visitor};
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::spelling::nearest;

/// One mistake in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The line, counted from 1.
    pub line: usize,
    /// The key with its path (`rule[2].when.recipients`), empty for the file as a whole.
    pub key: String,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
    /// What to change.
    pub mend: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if !self.key.is_empty() {
            write!(f, ", {}", self.key)?;
        }
        write!(
            f,
            ": found {}; allowed: {}; {}",
            self.found, self.allowed, self.mend
        )
    }
}

/// The text of a file and the mistakes found in it so far.
#[derive(Debug)]
pub(super) struct Sink {
    /// Offsets of the line ends.
    ends: Vec<usize>,
    pub(super) mistakes: Vec<Mistake>,
}

impl Sink {
    pub(super) fn new(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self {
            ends: ends.map(|(offset, _)| offset).collect(),
            mistakes: Vec::new(),
        }
    }

    /// The line of a byte offset.
    pub(super) fn line(&self, offset: usize) -> usize {
        1 + self.ends.partition_point(|end| *end < offset)
    }

    pub(super) fn mistake(
        &mut self,
        line: usize,
        key: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
        mend: impl Into<String>,
    ) {
        self.mistakes.push(Mistake {
            line,
            key: key.into(),
            found: found.into(),
            allowed: allowed.into(),
            mend: mend.into(),
        });
    }

    /// Reports a word that is not among the allowed ones, with the nearest of them as the mend.
    pub(super) fn wrong_word(&mut self, line: usize, key: &str, word: &str, allowed: &[&str]) {
        let mend = nearest(word, allowed).map_or_else(
            || "use one of the allowed words".to_owned(),
            |near| format!("did you mean \"{near}\"?"),
        );
        self.mistake(line, key, format!("\"{word}\""), allowed.join(", "), mend);
    }
}

/// A value with the line it stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lined<T> {
    pub(super) value: T,
    pub(super) line: usize,
}

/// One table that is being read.
#[derive(Debug)]
pub(super) struct Fields<'a, 'i> {
    path: String,
    pub(super) line: usize,
    table: &'a DeTable<'i>,
    asked: Vec<&'static str>,
}

impl<'a, 'i> Fields<'a, 'i> {
    pub(super) fn new(path: impl Into<String>, line: usize, table: &'a DeTable<'i>) -> Self {
        Self {
            path: path.into(),
            line,
            table,
            asked: Vec::new(),
        }
    }

    /// The full path of a key of this table.
    pub(super) fn key(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// Whether the key is there at all.
    pub(super) fn has(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    fn get(&mut self, name: &'static str) -> Option<&'a Spanned<DeValue<'i>>> {
        self.asked.push(name);
        self.table.get(name)
    }

    /// The line of a key, or of the table when the key is absent.
    pub(super) fn line_of(&self, sink: &Sink, name: &str) -> usize {
        self.table
            .get(name)
            .map_or(self.line, |value| sink.line(value.span().start))
    }

    fn wrong_type(
        &self,
        sink: &mut Sink,
        name: &str,
        value: &Spanned<DeValue<'_>>,
        allowed: &str,
        mend: &str,
    ) {
        let found = format!("a value of type {}", value.get_ref().type_str());
        let line = sink.line(value.span().start);
        sink.mistake(line, self.key(name), found, allowed, mend);
    }

    /// An optional text.
    pub(super) fn text(&mut self, sink: &mut Sink, name: &'static str) -> Option<Lined<String>> {
        let value = self.get(name)?;
        if let Some(text) = value.get_ref().as_str() {
            let line = sink.line(value.span().start);
            return Some(Lined {
                value: text.to_owned(),
                line,
            });
        }
        self.wrong_type(sink, name, value, "a text", "put it in double quotes");
        None
    }

    /// A text that must be there and not be empty.
    pub(super) fn required_text(&mut self, sink: &mut Sink, name: &'static str) -> Lined<String> {
        let present = self.table.contains_key(name);
        let text = self.text(sink, name);
        match text {
            Some(text) if !text.value.trim().is_empty() => text,
            Some(_) => {
                let line = self.line_of(sink, name);
                self.missing(sink, line, name, "an empty text");
                Lined {
                    value: String::new(),
                    line,
                }
            }
            None => {
                if !present {
                    self.missing(sink, self.line, name, "nothing");
                }
                Lined {
                    value: String::new(),
                    line: self.line,
                }
            }
        }
    }

    fn missing(&self, sink: &mut Sink, line: usize, name: &str, found: &str) {
        let mend = format!("add {name} = \"...\"");
        sink.mistake(line, self.key(name), found, "a text, required", mend);
    }

    /// A list of texts; empty when the key is absent.
    pub(super) fn texts(&mut self, sink: &mut Sink, name: &'static str) -> Vec<Lined<String>> {
        let Some(value) = self.get(name) else {
            return Vec::new();
        };
        let Some(array) = value.get_ref().as_array() else {
            let mend = "put it in square brackets";
            self.wrong_type(sink, name, value, "a list of texts", mend);
            return Vec::new();
        };
        self.items(sink, name, array)
    }

    fn items(&self, sink: &mut Sink, name: &str, array: &DeArray<'_>) -> Vec<Lined<String>> {
        let mut texts = Vec::new();
        for item in array {
            if let Some(text) = item.get_ref().as_str() {
                let line = sink.line(item.span().start);
                texts.push(Lined {
                    value: text.to_owned(),
                    line,
                });
            } else {
                self.wrong_type(sink, name, item, "a text", "put it in double quotes");
            }
        }
        texts
    }

    /// A list of texts that is not empty; an absent key gives none. An empty list of conditions could be read either way.
    pub(super) fn some_texts(&mut self, sink: &mut Sink, name: &'static str) -> Vec<Lined<String>> {
        let empty = |value: &Spanned<DeValue<'_>>| {
            let array = value.get_ref().as_array();
            array.is_some_and(|list| list.is_empty())
        };
        if self.table.get(name).is_some_and(empty) {
            let line = self.line_of(sink, name);
            let key = self.key(name);
            let mend = "name one, or remove the key";
            sink.mistake(line, key, "an empty list", "at least one word", mend);
        }
        self.texts(sink, name)
    }

    /// An optional word of a fixed set.
    pub(super) fn choice<T: DeserializeOwned>(
        &mut self,
        sink: &mut Sink,
        name: &'static str,
    ) -> Option<T> {
        let text = self.text(sink, name)?;
        self.word(sink, name, &text, &[])
    }

    /// A list of words of a fixed set.
    pub(super) fn choices<T: DeserializeOwned>(
        &mut self,
        sink: &mut Sink,
        name: &'static str,
    ) -> Vec<T> {
        let texts = self.some_texts(sink, name);
        texts
            .iter()
            .filter_map(|text| self.word(sink, name, text, &[]))
            .collect()
    }

    /// A list of words of a fixed set, or `["any"]`.
    pub(super) fn choices_or_any<T: DeserializeOwned>(
        &mut self,
        sink: &mut Sink,
        name: &'static str,
    ) -> Option<AnyOf<T>> {
        let texts = self.some_texts(sink, name);
        if texts.is_empty() {
            return None;
        }
        if texts.iter().any(|text| text.value == "any") {
            return Some(AnyOf::Any);
        }
        let words = texts
            .iter()
            .filter_map(|text| self.word(sink, name, text, &["any"]));
        Some(AnyOf::Of(words.collect()))
    }

    fn word<T: DeserializeOwned>(
        &self,
        sink: &mut Sink,
        name: &str,
        text: &Lined<String>,
        also: &[&'static str],
    ) -> Option<T> {
        let read: Result<T, ValueError> = T::deserialize(StrDeserializer::new(&text.value));
        if let Ok(word) = read {
            return Some(word);
        }
        let mut allowed = also.to_vec();
        allowed.extend(words_of::<T>());
        sink.wrong_word(text.line, &self.key(name), &text.value, &allowed);
        None
    }

    /// An optional whole number, not negative.
    pub(super) fn number(&mut self, sink: &mut Sink, name: &'static str) -> Option<u64> {
        let value = self.get(name)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|digits| u64::from_str_radix(digits.as_str(), digits.radix()).ok());
        if number.is_none() {
            let mend = "write digits without quotes";
            self.wrong_type(sink, name, value, "a whole number from 0", mend);
        }
        number
    }

    /// An optional `true` or `false`.
    pub(super) fn flag(&mut self, sink: &mut Sink, name: &'static str) -> Option<bool> {
        let value = self.get(name)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            let mend = "write it without quotes";
            self.wrong_type(sink, name, value, "true or false", mend);
        }
        flag
    }

    /// An optional time of day, written as `18:00`.
    pub(super) fn time(
        &mut self,
        sink: &mut Sink,
        name: &'static str,
    ) -> Option<jiff::civil::Time> {
        let text = self.text(sink, name)?;
        let read = text.value.parse();
        if read.is_err() {
            let found = format!("\"{}\"", text.value);
            let allowed = "a time of day, HH:MM";
            sink.mistake(
                text.line,
                self.key(name),
                found,
                allowed,
                "write it as 18:00",
            );
        }
        read.ok()
    }

    /// An optional date, written as a TOML date or as a text `YYYY-MM-DD`.
    pub(super) fn date(
        &mut self,
        sink: &mut Sink,
        name: &'static str,
    ) -> Option<jiff::civil::Date> {
        let value = self.get(name)?;
        let text = match value.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        let date = text.parse().ok();
        if date.is_none() {
            let mend = "write it as 2027-07-31";
            self.wrong_type(
                sink,
                name,
                value,
                "a date of the calendar, YYYY-MM-DD",
                mend,
            );
        }
        date
    }

    /// A table of its own; absent is `None`.
    pub(super) fn table(&mut self, sink: &mut Sink, name: &'static str) -> Option<Fields<'a, 'i>> {
        let value = self.get(name)?;
        let Some(table) = value.get_ref().as_table() else {
            self.wrong_type(sink, name, value, "a table", "write it as { key = value }");
            return None;
        };
        Some(Fields::new(
            self.key(name),
            sink.line(value.span().start),
            table,
        ))
    }

    /// An array of tables (`[[name]]`); empty when the key is absent.
    pub(super) fn tables(&mut self, sink: &mut Sink, name: &'static str) -> Vec<Fields<'a, 'i>> {
        let Some(value) = self.get(name) else {
            return Vec::new();
        };
        let mend = format!("start each entry with [[{name}]]");
        let Some(array) = value.get_ref().as_array() else {
            self.wrong_type(sink, name, value, "a list of tables", &mend);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for (index, item) in array.iter().enumerate() {
            if let Some(table) = item.get_ref().as_table() {
                let path = format!("{}[{}]", self.key(name), index + 1);
                tables.push(Fields::new(path, sink.line(item.span().start), table));
            } else {
                self.wrong_type(sink, name, item, "a table", &mend);
            }
        }
        tables
    }

    /// Every key with its value as a table of its own, for tables whose keys the file chooses.
    pub(super) fn entries(&self, sink: &mut Sink) -> Vec<(Lined<String>, Fields<'a, 'i>)> {
        let mut entries: Vec<(usize, Lined<String>, Fields<'a, 'i>)> = Vec::new();
        for (name, value) in self.table {
            let line = sink.line(name.span().start);
            let text = name.get_ref().to_string();
            if let Some(table) = value.get_ref().as_table() {
                let fields = Fields::new(self.key(&text), line, table);
                entries.push((name.span().start, Lined { value: text, line }, fields));
            } else {
                let mend = "write it as { domains = [\"...\"] }";
                self.wrong_type(sink, &text, value, "a table", mend);
            }
        }
        entries.sort_by_key(|(start, ..)| *start);
        entries
            .into_iter()
            .map(|(_, name, fields)| (name, fields))
            .collect()
    }

    /// Every key with its value as a list of texts, for tables whose keys the file chooses.
    pub(super) fn lists(&self, sink: &mut Sink) -> Vec<(Lined<String>, Vec<Lined<String>>)> {
        let mut lists = Vec::new();
        for (name, value) in self.table {
            let line = sink.line(name.span().start);
            let text = name.get_ref().to_string();
            let Some(array) = value.get_ref().as_array() else {
                let mend = "put it in square brackets";
                self.wrong_type(sink, &text, value, "a list of texts", mend);
                continue;
            };
            let texts = self.items(sink, &text, array);
            lists.push((Lined { value: text, line }, texts));
        }
        lists.sort_by_key(|(name, _)| name.line);
        lists
    }

    /// Reports every key that was never asked for.
    pub(super) fn finish(self, sink: &mut Sink) {
        for name in self.table.keys() {
            let text = name.get_ref();
            if !self.asked.iter().any(|asked| asked == text) {
                let line = sink.line(name.span().start);
                let mend = nearest(text, &self.asked).map_or_else(
                    || "remove it".to_owned(),
                    |near| format!("did you mean {near}?"),
                );
                let allowed = self.asked.join(", ");
                sink.mistake(line, self.key(text), "an unknown key", allowed, mend);
            }
        }
    }
}

/// A condition on members of a set: any of them, or one of those listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyOf<T> {
    /// Every member meets it.
    Any,
    /// These members meet it.
    Of(Vec<T>),
}

impl<T: PartialEq> AnyOf<T> {
    /// Whether `member` meets the condition.
    pub fn holds(&self, member: &T) -> bool {
        match self {
            Self::Any => true,
            Self::Of(list) => list.contains(member),
        }
    }
}

/// The names serde knows of an enum's variants, so that the allowed words never lag behind the type.
pub(super) fn words_of<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut words: &'static [&'static str] = &[];
    let probe = Probe {
        words: &mut words,
        life: PhantomData,
    };
    let outcome: Result<T, ValueError> = T::deserialize(probe);
    drop(outcome);
    words
}

/// Every variant of an enum without fields.
pub(super) fn all_of<T: DeserializeOwned>() -> impl Iterator<Item = T> {
    words_of::<T>().iter().filter_map(|word| {
        let read: Result<T, ValueError> = T::deserialize(StrDeserializer::new(word));
        read.ok()
    })
}

/// A deserializer that only looks at what an enum says of itself.
struct Probe<'a> {
    words: &'a mut &'static [&'static str],
    life: PhantomData<&'a ()>,
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ValueError> {
        Err(ValueError::custom("only looking"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, ValueError> {
        *self.words = variants;
        Err(ValueError::custom("only looking"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
