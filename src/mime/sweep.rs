//! The second view of a message: whatever is encoded anywhere in its raw bytes, whether or not the structure says so.
//!
//! # Invariants
//! Only what the tree did not already read comes out. What decodes to neither text nor a known kind of file is noise
//! (signatures, keys, tokens in links) and is dropped.
//!
//! # Known gaps
//! Runs shorter than [`SHORTEST`] are not looked for.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use crate::limits::Budget;
use crate::mime::Defect;
use crate::mime::charset;
use crate::mime::coded::{self, CodedFile};
use crate::mime::transfer;
use crate::mime::tree::{Role, Tree};

/// Shortest base64 line that is tried: 40 characters are 30 bytes, a name and a number.
pub const SHORTEST: usize = 40;

/// Where a swept text came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Encoded text inside a text part.
    InsideText,
    /// Encoded text outside every part: preamble, epilogue, or anywhere when the structure was not readable.
    Outside,
    /// Not encoded: the raw text of a message or of its preamble and epilogue.
    Plain,
}

/// Something the sweep decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// Where it was.
    pub origin: Origin,
    /// A name that came with it (uuencode, yEnc, BinHex).
    pub name: Option<String>,
    /// The decoded bytes.
    pub bytes: Vec<u8>,
    /// The bytes as text, when they are text.
    pub text: Option<String>,
    /// Length of the encoded text it came from.
    pub encoded: usize,
}

/// Sweeps what the tree left unread.
pub(crate) fn sweep(raw: &[u8], tree: &mut Tree<'_>, budget: &Budget) -> Vec<Swept> {
    match bare_returns(raw) {
        Some(lines) => {
            let mut found = swept(raw, tree, budget);
            let known = found.len();
            let mut seen: HashSet<u64> = HashSet::new();
            encoded(&lines, &mut seen, &mut found, budget);
            // A return within a text is an oddity of its writer; one that hides something encoded is not.
            if found.len() > known {
                tree.defects.push(Defect::ControlCharacters);
            }
            found
        }
        None => swept(raw, tree, budget),
    }
}

/// The message with every CR that no LF follows as a line end of its own: some programs take it for one.
fn bare_returns(raw: &[u8]) -> Option<Vec<u8>> {
    let bare = |at: &usize| raw.get(at + 1) != Some(&b'\n');
    memchr::memchr_iter(b'\r', raw).find(bare)?;
    let mut lines = raw.to_vec();
    for at in memchr::memchr_iter(b'\r', raw).filter(bare) {
        lines[at] = b'\n';
    }
    Some(lines)
}

/// The lines of a body that are no base64.
fn prose(body: &[u8]) -> Vec<u8> {
    body.split_inclusive(|byte| *byte == b'\n')
        .filter(|line| {
            let text = line.trim_ascii();
            text.contains(&b' ') && !is_run(text, true)
        })
        .flatten()
        .copied()
        .collect()
}

fn swept(raw: &[u8], tree: &mut Tree<'_>, budget: &Budget) -> Vec<Swept> {
    let mut seen: HashSet<u64> = HashSet::new();
    let mut found = Vec::new();
    let mut hidden = false;
    if tree.opened {
        let clean: Vec<(Range<usize>, Role)> = tree
            .parts
            .iter()
            .map(|part| (part.range.clone(), part.role))
            .collect();
        for part in tree
            .parts
            .iter()
            .filter(|part| part.role != Role::Multipart && part.role != Role::Message)
        {
            match &part.text {
                Some(_) => {
                    runs(
                        &part.bytes,
                        Origin::InsideText,
                        &mut seen,
                        &mut found,
                        budget,
                        0,
                    );
                    if let Some(text) = charset::hidden_utf7(&part.bytes, part.param("charset")) {
                        let length = part.bytes.len();
                        keep(
                            text.into_bytes(),
                            None,
                            length,
                            Origin::Plain,
                            &mut seen,
                            &mut found,
                        );
                    }
                }
                None if !part.clean => runs(
                    &part.bytes,
                    Origin::Outside,
                    &mut seen,
                    &mut found,
                    budget,
                    0,
                ),
                None => {}
            }
        }
        // What stands between broken base64 is shown by programs that give up on it.
        let leaf = |role| matches!(role, Role::Body | Role::Attachment);
        for part in tree
            .parts
            .iter()
            .filter(|part| !part.clean && leaf(part.role))
        {
            let said = prose(raw.get(part.range.clone()).unwrap_or_default());
            let length = said.len();
            keep(said, None, length, Origin::Plain, &mut seen, &mut found);
        }
        let broken = !tree.defects.is_empty();
        let mut outside = tree.outside.clone();
        if broken {
            outside.extend(uncovered(raw.len(), &clean));
        }
        for range in outside {
            hidden |= outside_text(&raw[range], &mut seen, &mut found, budget);
        }
        if broken && structural(&tree.defects) {
            everything(raw, &mut seen, &mut found, budget);
        }
    } else {
        everything(raw, &mut seen, &mut found, budget);
    }
    if hidden
        || found
            .iter()
            .any(|swept| swept.origin == Origin::Outside || swept.name.is_some())
    {
        tree.defects.push(Defect::HiddenEncoding);
    }
    found
}

/// Defects after which programs may cut the message into other parts.
fn structural(defects: &[Defect]) -> bool {
    defects.iter().any(|defect| {
        matches!(
            defect,
            Defect::BrokenBoundary
                | Defect::DuplicateHeader
                | Defect::MalformedHeader
                | Defect::TooComplex
                | Defect::EncodedComposite
                | Defect::UnknownEncoding
        )
    })
}

/// The raw bytes as text, plain and with quoted-printable undone, and every run in them.
fn everything(raw: &[u8], seen: &mut HashSet<u64>, found: &mut Vec<Swept>, budget: &Budget) {
    encoded(raw, seen, found, budget);
    keep(raw.to_vec(), None, raw.len(), Origin::Plain, seen, found);
}

/// What stands encoded in these bytes, in base64, uuencode and the like, or in quoted-printable.
fn encoded(raw: &[u8], seen: &mut HashSet<u64>, found: &mut Vec<Swept>, budget: &Budget) {
    let undone = transfer::quoted_printable(raw);
    if undone != raw {
        runs(&undone, Origin::Outside, seen, found, budget, 0);
        keep(undone, None, raw.len(), Origin::Plain, seen, found);
    }
    runs(raw, Origin::Outside, seen, found, budget, 0);
}

fn uncovered(len: usize, parts: &[(Range<usize>, Role)]) -> Vec<Range<usize>> {
    let mut leaves: Vec<&Range<usize>> = parts
        .iter()
        .filter(|(range, role)| {
            !range.is_empty() && !matches!(role, Role::Multipart | Role::Message)
        })
        .map(|(range, _)| range)
        .collect();
    leaves.sort_by_key(|range| range.start);
    let mut gaps = Vec::new();
    let mut at = 0;
    for leaf in leaves {
        if leaf.start > at {
            gaps.push(at..leaf.start);
        }
        at = at.max(leaf.end);
    }
    if at < len {
        gaps.push(at..len);
    }
    gaps
}

/// Text before the first and after the last boundary: not shown by careful programs, shown by others. Says whether it hid something.
fn outside_text(
    bytes: &[u8],
    seen: &mut HashSet<u64>,
    found: &mut Vec<Swept>,
    budget: &Budget,
) -> bool {
    let trimmed = bytes.trim_ascii();
    // "This is a multi-part message in MIME format." and its cousins are below this.
    if trimmed.len() < 16 {
        return false;
    }
    let before = found.len();
    runs(trimmed, Origin::Outside, seen, found, budget, 0);
    let hid = found.len() > before;
    if keep(
        trimmed.to_vec(),
        None,
        trimmed.len(),
        Origin::Plain,
        seen,
        found,
    ) && let undone = transfer::quoted_printable(trimmed)
        && undone != trimmed
    {
        keep(undone, None, trimmed.len(), Origin::Plain, seen, found);
    }
    hid
}

/// Every base64 run and uuencode block of `bytes`, and what is encoded inside those.
fn runs(
    bytes: &[u8],
    origin: Origin,
    seen: &mut HashSet<u64>,
    found: &mut Vec<Swept>,
    budget: &Budget,
    depth: usize,
) {
    if depth > budget.limits.encoded_nesting || budget.is_cancelled() {
        return;
    }
    for file in files(bytes) {
        let length = file.bytes.len();
        if !budget.take_unpacked(length as u64) {
            return;
        }
        let inner = file.bytes.clone();
        if keep(file.bytes, Some(file.name), length, origin, seen, found) {
            runs(&inner, origin, seen, found, budget, depth + 1);
        }
    }
    for range in base64_runs(bytes) {
        let decoded = transfer::base64(&bytes[range.clone()]).bytes;
        if !budget.take_unpacked(decoded.len() as u64) {
            return;
        }
        let inner = decoded.clone();
        if keep(decoded, None, range.len(), origin, seen, found) {
            runs(&inner, origin, seen, found, budget, depth + 1);
        }
    }
}

/// Files that stand in a text by conventions older than MIME.
fn files(bytes: &[u8]) -> Vec<CodedFile> {
    let mut files = Vec::new();
    if memchr::memmem::find(bytes, b"begin").is_some() {
        files.extend(coded::uuencoded(bytes));
        files.extend(coded::yencoded(bytes));
    }
    if memchr::memmem::find(bytes, b"with BinHex").is_some() {
        files.extend(coded::binhex(bytes));
    }
    files
}

/// Runs of lines that look like base64. Most text has none, so each line is refused at its first foreign byte.
fn base64_runs(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut open: Option<Range<usize>> = None;
    let mut at = 0;
    while at < bytes.len() {
        let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |n| at + n + 1);
        let line = bytes[at..end].trim_ascii();
        let looks = is_run(line, open.is_some());
        match (&mut open, looks) {
            (Some(run), true) => run.end = end,
            (None, true) => open = Some(at..end),
            (Some(run), false) if line.is_empty() => run.end = end,
            (Some(_), false) => out.extend(open.take()),
            (None, false) => {}
        }
        at = end;
    }
    out.extend(open);
    out.retain(|run| {
        bytes[run.clone()]
            .iter()
            .filter(|byte| transfer::is_base64_byte(**byte))
            .count()
            >= SHORTEST
    });
    out
}

/// The first line of a run must be long; the last may be short. A blank now and then is forgiven, a sentence is not.
fn is_run(line: &[u8], inside: bool) -> bool {
    // Quoting marks of a reply before the run.
    let line = line.strip_prefix(b"> ").unwrap_or(line);
    if line.is_empty() || (!inside && line.len() < SHORTEST) {
        return false;
    }
    let mut blanks = 0usize;
    for byte in line {
        match byte {
            b' ' | b'\t' => {
                blanks += 1;
                if blanks > line.len() / 24 + 1 {
                    return false;
                }
            }
            b'-' | b'_' => {}
            byte if transfer::is_base64_byte(*byte) => {}
            _ => return false,
        }
    }
    if inside && line.len() < SHORTEST {
        return line.len().is_multiple_of(4) || line.ends_with(b"=");
    }
    // A rule of dashes or underscores, a word without variety.
    let lower = line.iter().any(u8::is_ascii_lowercase);
    let upper = line.iter().any(u8::is_ascii_uppercase);
    lower && upper
}

/// Keeps text and files not met before; says whether it was worth keeping.
fn keep(
    bytes: Vec<u8>,
    name: Option<String>,
    encoded: usize,
    origin: Origin,
    seen: &mut HashSet<u64>,
    found: &mut Vec<Swept>,
) -> bool {
    let text = readable(&bytes);
    if text.is_none() && !known_file(&bytes) && name.is_none() {
        return false;
    }
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    if !seen.insert(hasher.finish()) {
        return false;
    }
    found.push(Swept {
        origin,
        name,
        bytes,
        text,
        encoded,
    });
    true
}

/// The bytes as text if a person could read them.
fn readable(bytes: &[u8]) -> Option<String> {
    if bytes.len() < 8 {
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) if charset::wide(bytes).is_some() => charset::decode(bytes, None),
        Err(_) => {
            let plain = bytes
                .iter()
                .filter(|b| b.is_ascii_graphic() || b.is_ascii_whitespace())
                .count();
            if plain * 100 < bytes.len() * 90 {
                return None;
            }
            charset::decode(bytes, None)
        }
    };
    let odd = text
        .chars()
        .filter(|c| c.is_control() && !c.is_whitespace())
        .count();
    (odd * 50 <= text.chars().count()).then_some(text)
}

/// Magic numbers of what a person could have wanted to send.
fn known_file(bytes: &[u8]) -> bool {
    const MAGIC: [&[u8]; 9] = [
        b"PK\x03\x04",
        b"%PDF-",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"7z\xbc\xaf\x27\x1c",
        b"Rar!\x1a\x07",
        b"\x1f\x8b\x08",
        b"\x89PNG\r\n",
        b"\xff\xd8\xff",
        b"{\\rtf",
    ];
    MAGIC.iter().any(|magic| bytes.starts_with(magic))
}
