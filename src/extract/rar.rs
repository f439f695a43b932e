//! RAR 1.3 to 7: every member, under limits that count what comes out.
//!
//! # Invariants
//! A password counts as right only when a member's own checksum says so. Targets of links are names too. Bytes after the archive are read
//! as a file of their own.
//!
//! # Standards
//! RAR 5.0 technote; the older formats as the `rars` crate knows them.
//!
//! # Known gaps
//! Members that go on in another volume are unread, even when all volumes are attached. After a closed member of a solid archive the
//! later ones are unread.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use rars::{
    Archive, ArchiveMember, ArchiveMemberDetail, ArchiveReadOptions, ArchiveReader, Error,
    ErrorKind, ExtractionDecision, ExtractionErrorAction,
};

use crate::extract::bounded::{self, DICTIONARY, Stop, Taken};
use crate::extract::content::{Location, ProtectionState, UnreadReason, View};
use crate::extract::gather::Gather;
use crate::extract::password::{self, TRAVELS};
use crate::limits::Budget;
use crate::mime::charset;

/// Opens archives since 1.5; `RE~^` opens older ones.
pub(crate) const MAGIC: &[u8] = b"Rar!\x1a\x07";
const KIND: &str = "application/vnd.rar";
/// What headers may take, in bytes: names of the most files that are read, a kilobyte each.
const HEADERS: u64 = 2 << 20;
/// Microseconds of one try: RAR 3 derives its key in 2^18 rounds of SHA-1, RAR 5 in 2^15 of HMAC-SHA-256 unless it says otherwise.
const TRY_RAR3: u64 = 60_000;
const ROUND_RAR5_NANOS: u64 = 500;
/// RAR 5's rounds as a power of two beyond which nothing is tried.
const MOST_POWER: u8 = 20;
/// Bytes decrypted and unpacked in a microsecond.
const BYTES_A_MICRO: u64 = 50;

/// Reads an archive.
pub(crate) fn read(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    match open(bytes, None, gather.budget) {
        Ok(archive) => {
            if is_cut(bytes) || archive.members().next().is_none() {
                gather.unread(location, UnreadReason::Broken, KIND);
            }
            whole(gather, location, &archive, None, depth);
        }
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PasswordRequired | ErrorKind::BadPassword
            ) =>
        {
            closed_names(gather, location, bytes, depth);
        }
        Err(error) => gather.unread(location, reason(&error), KIND),
    }
    if let Some(end) = end(bytes) {
        bounded::after_end(gather, location, &bytes[end..], depth);
    }
}

fn options<'o>(word: Option<&'o str>, budget: &Budget) -> ArchiveReadOptions<'o> {
    ArchiveReadOptions::with_optional_password(word.map(str::as_bytes))
        .with_max_header_count(budget.limits.files as u64 * 4)
        .with_max_header_bytes(HEADERS)
        .with_max_member_output_bytes(budget.limits.file_bytes)
        .with_max_total_output_bytes(budget.limits.unpacked_bytes)
        .with_rar50_dictionary_size_limit(DICTIONARY)
        .with_max_reader_workspace_bytes(DICTIONARY * 2)
}

fn open(bytes: &[u8], word: Option<&str>, budget: &Budget) -> Result<Archive, Error> {
    ArchiveReader::read_with_options(bytes, options(word, budget))
}

fn reason(error: &Error) -> UnreadReason {
    match error.kind() {
        ErrorKind::ResourceLimit => UnreadReason::TooBig,
        ErrorKind::Cancelled => UnreadReason::TimedOut,
        ErrorKind::UnsupportedFeature | ErrorKind::UnsupportedFormat => UnreadReason::Unsupported,
        _ => UnreadReason::Broken,
    }
}

/// Where the last block ends, if something follows it.
fn end(bytes: &[u8]) -> Option<usize> {
    end_of_blocks(bytes).filter(|end| *end < bytes.len())
}

/// Whether the archive ends within a block or before its end mark: members that were behind it are not even known by name. Archives before
/// RAR 3 have no end mark.
fn is_cut(bytes: &[u8]) -> bool {
    /// The shortest header of a block.
    const SHORTEST: usize = 7;
    /// The end mark of RAR 5 without its checksum: its size, its type.
    const MARK: &[u8] = &[3, 5];
    let Some(end) = end_of_blocks(bytes) else {
        return false;
    };
    let marked = !bytes.starts_with(b"Rar!\x1a\x07\x01\0")
        || bytes
            .get(..end)
            .is_some_and(|blocks| memchr::memmem::rfind(blocks, MARK) == end.checked_sub(4));
    let rest = bytes.get(end..);
    let partly =
        rest.is_some_and(|rest| rest.len() < SHORTEST && rest.iter().any(|byte| *byte != 0));
    rest.is_none() || partly || !marked
}

/// Where the last block ends, as its header says. `None` when headers are encrypted, and for RAR 1.3.
fn end_of_blocks(bytes: &[u8]) -> Option<usize> {
    if bytes.starts_with(b"Rar!\x1a\x07\x01\0") {
        end_of_new(bytes)
    } else if bytes.starts_with(b"Rar!\x1a\x07\0") {
        end_of_old(bytes)
    } else {
        None
    }
}

/// Blocks of RAR 1.5 to 4: checksum, type, flags, size of the header, and of what follows it.
fn end_of_old(bytes: &[u8]) -> Option<usize> {
    let u16_at = |at: usize| -> Option<usize> {
        let pair: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
        Some(usize::from(u16::from_le_bytes(pair)))
    };
    let u32_at = |at: usize| -> Option<usize> { Some(u16_at(at)? | u16_at(at + 2)? << 16) };
    let mut at = 7usize;
    loop {
        let (kind, flags, header) = match (bytes.get(at + 2), u16_at(at + 3), u16_at(at + 5)) {
            (Some(kind @ 0x72..=0x7b), Some(flags), Some(header)) if header >= 7 => {
                (*kind, flags, header)
            }
            _ => return Some(at),
        };
        if kind == 0x73 && flags & 0x80 != 0 {
            return None;
        }
        let mut follows = 0;
        if flags & 0x8000 != 0 || matches!(kind, 0x74 | 0x7a) {
            follows = u32_at(at + 7)?;
            if flags & 0x100 != 0 && matches!(kind, 0x74 | 0x7a) {
                follows |= u32_at(at + 32)? << 32;
            }
        }
        at = at.checked_add(header)?.checked_add(follows)?;
        if kind == 0x7b || at >= bytes.len() {
            return Some(at);
        }
    }
}

/// Blocks of RAR 5: checksum, size, then type, flags and the size of what follows as variable numbers.
fn end_of_new(bytes: &[u8]) -> Option<usize> {
    let mut at = 8usize;
    loop {
        let mut cursor = at + 4;
        let Some(size) = number(bytes, &mut cursor).filter(|size| *size > 0) else {
            return Some(at);
        };
        let header_end = cursor.checked_add(size)?;
        let (kind, flags) = (number(bytes, &mut cursor)?, number(bytes, &mut cursor)?);
        match kind {
            4 => return None,
            1..=5 => {}
            _ => return Some(at),
        }
        if flags & 1 != 0 {
            number(bytes, &mut cursor)?;
        }
        let follows = if flags & 2 != 0 {
            number(bytes, &mut cursor)?
        } else {
            0
        };
        at = header_end.checked_add(follows)?;
        if kind == 5 || at >= bytes.len() {
            return Some(at);
        }
    }
}

/// A number of seven bits a byte, the lowest first.
fn number(bytes: &[u8], at: &mut usize) -> Option<usize> {
    let mut out = 0usize;
    for shift in (0..63).step_by(7) {
        let byte = *bytes.get(*at)?;
        *at += 1;
        out |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(out);
        }
    }
    None
}

/// An archive whose headers are encrypted.
fn closed_names(gather: &mut Gather<'_>, location: &Location, bytes: &[u8], depth: usize) {
    let cost = if bytes.starts_with(b"Rar!\x1a\x07\x01") {
        rounds(header_power(bytes).unwrap_or(MOST_POWER + 1))
    } else {
        Some(TRY_RAR3)
    };
    let Some(cost) = cost else {
        opaque(gather, location);
        return;
    };
    let budget = gather.budget;
    let opened = password::attempt(gather, cost, |word| {
        let archive = open(bytes, Some(word), budget).ok()?;
        // Old headers have a checksum of 16 bits: a wrong word may seem right, but finds no member.
        archive.members().next()?;
        Some((archive, zeroize::Zeroizing::new(word.to_owned())))
    });
    if let Some((archive, word)) = opened {
        gather.protect(location, ProtectionState::Apparent, TRAVELS);
        whole(gather, location, &archive, Some(&word), depth);
    } else {
        gather.protect(
            location,
            ProtectionState::Password,
            "RAR archive encrypted with AES",
        );
    }
}

fn opaque(gather: &mut Gather<'_>, location: &Location) {
    gather.protect(
        location,
        ProtectionState::Opaque,
        "encryption that could not be confirmed",
    );
    gather.unread(location, UnreadReason::Unsupported, KIND);
}

/// The rounds of RAR 5's encryption header: checksum, then size, type, flags, version and flags as variable numbers, then one byte.
fn header_power(bytes: &[u8]) -> Option<u8> {
    let mut at = 8 + 4;
    for _ in 0..5 {
        number(bytes, &mut at)?;
    }
    bytes.get(at).copied()
}

fn rounds(power: u8) -> Option<u64> {
    (power <= MOST_POWER).then(|| ((1u64 << power) * ROUND_RAR5_NANOS / 1_000).max(100))
}

/// What is known of a member before it is unpacked.
fn name(member: &ArchiveMember) -> String {
    charset::decode(member.meta.name_bytes(), Some("utf-8"))
}

/// How a closed member is protected, and what a try costs.
enum Cipher {
    Aes(u64),
    Old(u64),
    Unknown,
}

fn cipher(archive: &Archive, member: &ArchiveMember) -> Cipher {
    match &member.detail {
        ArchiveMemberDetail::Rar15To40 { unpack_version, .. } if *unpack_version >= 29 => {
            Cipher::Aes(TRY_RAR3)
        }
        ArchiveMemberDetail::Rar15To40 { .. } | ArchiveMemberDetail::Rar13 { .. } => {
            Cipher::Old(1_000)
        }
        ArchiveMemberDetail::Rar50Plus { .. } => archive
            .as_rar50()
            .and_then(|archive| {
                archive
                    .files()
                    .find(|file| file.name_bytes() == member.meta.name_bytes())
            })
            .and_then(|file| file.encryption.as_ref())
            .and_then(|encryption| rounds(encryption.kdf_count))
            .map_or(Cipher::Unknown, Cipher::Aes),
        _ => Cipher::Unknown,
    }
}

fn whole(
    gather: &mut Gather<'_>,
    location: &Location,
    archive: &Archive,
    word: Option<&str>,
    depth: usize,
) {
    if let Ok(Some(comment)) = archive.comment_with_options(options(word, gather.budget)) {
        let text = charset::decode(&comment, None);
        gather.unit(location, View::Properties, text);
    }
    let most = gather.budget.limits.files;
    let members: Vec<ArchiveMember> = archive.members().take(most + 1).collect();
    if members.len() > most {
        gather.unread(location, UnreadReason::TooBig, KIND);
    }
    let closed = members
        .iter()
        .enumerate()
        .filter(|(_, member)| member.meta.is_encrypted && !member.meta.is_directory)
        .min_by_key(|(_, member)| member.meta.unpacked_size);
    let found = match closed {
        Some((index, member)) if word.is_none() => {
            try_words(gather, location, archive, (index, member))
        }
        _ => None,
    };
    let word = word.or(found.as_ref().map(|word| word.as_str()));
    unpack(gather, location, archive, (&members, word), depth);
}

/// Tries the words on the smallest encrypted member, and says how the archive is protected.
fn try_words(
    gather: &mut Gather<'_>,
    location: &Location,
    archive: &Archive,
    (index, member): (usize, &ArchiveMember),
) -> Option<zeroize::Zeroizing<String>> {
    let cipher = cipher(archive, member);
    let (Cipher::Aes(cost) | Cipher::Old(cost)) = cipher else {
        opaque(gather, location);
        return None;
    };
    let cost = cost + member.meta.packed_size / BYTES_A_MICRO;
    let budget = gather.budget;
    let opened = password::attempt(gather, cost, |word| {
        archive
            .read_member_at_with_options(index, options(Some(word), budget))
            .ok()
            .flatten()
            .map(|_| zeroize::Zeroizing::new(word.to_owned()))
    });
    match (&opened, cipher) {
        (Some(_), _) => gather.protect(location, ProtectionState::Apparent, TRAVELS),
        (None, Cipher::Aes(_)) => gather.protect(
            location,
            ProtectionState::Password,
            "RAR archive encrypted with AES",
        ),
        (None, _) => {
            gather.protect(
                location,
                ProtectionState::Apparent,
                "RAR archive of an old kind, whose cipher can be broken",
            );
            gather.unread(location, UnreadReason::Unsupported, KIND);
        }
    }
    opened
}

/// Where the members' bytes go, one after the other.
#[derive(Default)]
struct Sinks {
    done: Vec<Out>,
}

/// One member that was begun.
struct Out {
    index: usize,
    taken: Taken,
    stop: Option<Stop>,
}

struct Sink {
    sinks: Rc<RefCell<Sinks>>,
    budget: Budget,
}

impl Write for Sink {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        let mut sinks = self.sinks.borrow_mut();
        let Some(out) = sinks.done.last_mut() else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        match out.taken.push(piece, &self.budget) {
            Ok(()) => Ok(piece.len()),
            Err(stop) => {
                out.stop = Some(stop);
                Err(io::ErrorKind::FileTooLarge.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn unpack(
    gather: &mut Gather<'_>,
    location: &Location,
    archive: &Archive,
    (members, word): (&[ArchiveMember], Option<&str>),
    depth: usize,
) {
    let sinks = Rc::new(RefCell::new(Sinks::default()));
    let budget = gather.budget;
    let solid = archive.is_solid();
    let mut next = 0;
    let decide = |member: &ArchiveMember| {
        let index = next;
        next += 1;
        let meta = &member.meta;
        let split = meta.is_split_before || meta.is_split_after;
        let closed = meta.is_encrypted && word.is_none();
        if index >= members.len() || budget.is_cancelled() {
            return Ok(ExtractionDecision::Stop);
        }
        if meta.is_directory || meta.is_redirection || split || closed {
            // A solid archive cannot be read on past a member that was not.
            let ends = solid && !meta.is_directory && !meta.is_redirection;
            return Ok(if ends {
                ExtractionDecision::Stop
            } else {
                ExtractionDecision::Skip
            });
        }
        sinks.borrow_mut().done.push(Out {
            index,
            taken: Taken::new(usize::try_from(meta.packed_size).unwrap_or(usize::MAX)),
            stop: None,
        });
        Ok(ExtractionDecision::Extract(Box::new(Sink {
            sinks: Rc::clone(&sinks),
            budget: budget.clone(),
        })))
    };
    let fault = |_: &ArchiveMember, error: &Error| {
        if let Some(out) = sinks.borrow_mut().done.last_mut() {
            out.stop = out.stop.or(Some(stop_of(error)));
        }
        Ok(ExtractionErrorAction::Continue)
    };
    let result = archive.extract_with_control_and_errors(options(word, budget), decide, fault);
    let mut outs = std::mem::take(&mut sinks.borrow_mut().done);
    if let Err(error) = &result
        && let Some(last) = outs.last_mut()
    {
        last.stop = last.stop.or(Some(stop_of(error)));
    }
    let mut outs = outs.into_iter().peekable();
    for (index, member) in members.iter().enumerate() {
        if gather.stopped(location) {
            return;
        }
        let out = outs.next_if(|out| out.index == index);
        said(gather, location, member, out, word.is_some(), depth);
    }
}

fn stop_of(error: &Error) -> Stop {
    match reason(error) {
        UnreadReason::TooBig => Stop::TooBig,
        UnreadReason::TimedOut => Stop::TimedOut,
        UnreadReason::Unsupported => Stop::Unsupported,
        _ => Stop::Broken,
    }
}

/// One member: its names, and its content or why there is none.
fn said(
    gather: &mut Gather<'_>,
    location: &Location,
    member: &ArchiveMember,
    out: Option<Out>,
    opened: bool,
    depth: usize,
) {
    let name = name(member);
    let meta = &member.meta;
    if let ArchiveMemberDetail::Rar50Plus {
        redirection: Some(link),
        ..
    } = &member.detail
    {
        let target = charset::decode(&link.target_name, Some("utf-8"));
        gather.unit(location, View::FileName, target);
    }
    if meta.is_directory || meta.is_redirection {
        gather.unit(location, View::FileName, name);
        return;
    }
    let inside = location.inside(&name);
    if let Some(out) = out {
        let had = (out.taken.bytes.as_slice(), out.stop);
        bounded::found(gather, &inside, &name, KIND, had, depth);
        return;
    }
    gather.unit(&inside, View::FileName, name);
    gather.file(&inside, "application/octet-stream", 0, false);
    if !meta.is_encrypted || opened {
        gather.unread(&inside, UnreadReason::Unsupported, KIND);
    }
}
