//! Departures from the grammar that two mail programs could read differently; policy rules on each.

/// One kind of malformed structure.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Defect {
    /// Base64 with characters or padding that programs treat differently.
    BrokenBase64,
    /// A multipart without a usable boundary, or whose boundary never occurs or never closes.
    BrokenBoundary,
    /// A header that must be single stands twice with different values.
    DuplicateHeader,
    /// Encoded text (base64, uuencode) where the structure shows none: preamble, epilogue, inside text.
    HiddenEncoding,
    /// A header line without a colon, or a body that starts without an empty line.
    MalformedHeader,
    /// More parts or deeper nesting than the limits allow.
    TooComplex,
    /// A multipart or message whose transfer encoding is not an identity.
    EncodedComposite,
    /// A transfer encoding that is unknown.
    UnknownEncoding,
    /// NUL or other control characters that programs cut text at.
    ControlCharacters,
    /// `message/partial` or `message/external-body`: the content is elsewhere.
    PartialMessage,
    /// An archive whose directory and local headers tell different stories.
    ContainerMismatch,
}

impl Defect {
    /// The name used in policies, records and output.
    pub fn name(self) -> &'static str {
        match self {
            Self::BrokenBase64 => "broken-base64",
            Self::BrokenBoundary => "broken-boundary",
            Self::DuplicateHeader => "duplicate-header",
            Self::HiddenEncoding => "hidden-encoding",
            Self::MalformedHeader => "malformed-header",
            Self::TooComplex => "too-complex",
            Self::EncodedComposite => "encoded-composite",
            Self::UnknownEncoding => "unknown-encoding",
            Self::ControlCharacters => "control-characters",
            Self::PartialMessage => "partial-message",
            Self::ContainerMismatch => "container-mismatch",
        }
    }
}
