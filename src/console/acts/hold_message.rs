//! The text of a held message as plain data, cut to what a look may show.
//!
//! # Invariants
//! What is masked is masked here, so that neither page nor program has it in hand: what was found, header fields that say what the message is
//! about, names of files that stand in places. Pages of HTML, which mask nothing, and the version with initials are for looks in clear. [`look`],
//! [`page`] and [`both`] enter the look in the ledger first; [`text`] does not: its caller has.

use serde::Serialize;
use utoipa::ToSchema;

use super::hold_content::{self, Look};
use crate::console::refusal::Refusal;
use crate::console::signed::Caller;
use crate::console::site::Site;
use crate::quarantine::view::{self, AttachmentView, MessageView, PartView, Reading, Run};

/// A message.
#[derive(Clone, Serialize, ToSchema)]
pub struct MessageText {
    /// What people call it by.
    pub reference: String,
    /// What was found stands in clear.
    pub in_clear: bool,
    /// The header fields in their order.
    pub headers: Vec<HeaderText>,
    /// The texts, in the order in which they were read.
    pub parts: Vec<PartText>,
    /// The attachments.
    pub attachments: Vec<FileText>,
    /// Numbers of the pages of HTML, for a look in clear.
    pub pages: Vec<usize>,
    /// Not everything is shown.
    pub cut: bool,
}

/// A header field.
#[derive(Clone, Serialize, ToSchema)]
pub struct HeaderText {
    /// Its name as written.
    pub name: String,
    /// Its value, decoded; none where it says what the message is about and is masked: it stands in the text.
    pub value: Option<String>,
}

/// A piece of text.
#[derive(Clone, Serialize, ToSchema)]
pub struct RunText {
    /// The text, or what stands for it.
    pub text: String,
    /// The category of what was found here.
    pub category: Option<&'static str>,
}

/// A row of a table.
#[derive(Clone, Serialize, ToSchema)]
pub struct RowText {
    /// Its number as findings have it.
    pub place: String,
    /// Its cells.
    pub cells: Vec<Vec<RunText>>,
}

/// The text of one place.
#[derive(Clone, Serialize, ToSchema)]
pub struct PartText {
    /// Where it stands; none where the name of a file in it is masked.
    pub place: Option<String>,
    /// The number of the attachment it stands in.
    pub attachment: Option<usize>,
    /// The text, unless it is a table.
    pub runs: Vec<RunText>,
    /// The rows of a table.
    pub rows: Vec<RowText>,
    /// Findings that stand behind what is shown.
    pub beyond: usize,
    /// There is more text than is shown.
    pub cut: bool,
}

/// An attachment.
#[derive(Clone, Serialize, ToSchema)]
pub struct FileText {
    /// Its number, from 1.
    pub number: usize,
    /// Its name.
    pub name: String,
    /// The type that its content says.
    pub kind: String,
    /// Its size in bytes.
    pub bytes: usize,
    /// Its name or declared type says another type than its content.
    pub mismatch: bool,
    /// How it is protected, in words.
    pub protection: Vec<&'static str>,
    /// Types of what could not be read in it.
    pub unread: Vec<String>,
    /// Pictures in it were read by OCR, which makes mistakes.
    pub recognised: bool,
}

/// A message beside its version with initials.
#[derive(Clone, Serialize, ToSchema)]
pub struct VersionsText {
    /// The places that differ.
    pub places: Vec<SideText>,
    /// Policy would let the version pass.
    pub passes: bool,
}

/// A place before and after.
#[derive(Clone, Serialize, ToSchema)]
pub struct SideText {
    /// Where.
    pub place: String,
    /// As it is held.
    pub before: Vec<PieceText>,
    /// With initials.
    pub after: Vec<PieceText>,
}

/// A piece of a place.
#[derive(Clone, Serialize, ToSchema)]
pub struct PieceText {
    /// The text.
    pub text: String,
    /// The other has something else here.
    pub changed: bool,
}

/// A look at a message, which the ledger has.
pub async fn look(
    site: &Site,
    caller: &Caller,
    id: &str,
    look: Look,
) -> Result<MessageText, Refusal> {
    hold_content::note(site, caller, id, look).await?;
    text(site, caller, id, look).await
}

/// The same, where the look has been noted.
pub async fn text(
    site: &Site,
    caller: &Caller,
    id: &str,
    look: Look,
) -> Result<MessageText, Refusal> {
    let (hold, view) = hold_content::read(site, caller, id).await?;
    let reading = match look {
        Look::Text => Reading::Masked,
        Look::Clear => Reading::Revealed,
    };
    let reference = hold.summary.id.reference().to_string();
    Ok(shown(reference, &view, reading))
}

/// One page of a message in clear, in which nothing is live; the ledger has the look.
pub async fn page(
    site: &Site,
    caller: &Caller,
    id: &str,
    number: usize,
) -> Result<String, Refusal> {
    hold_content::note(site, caller, id, Look::Clear).await?;
    hold_content::preview(site, caller, id, number).await
}

/// A message beside its version with initials, in clear; the ledger has the look.
pub async fn both(site: &Site, caller: &Caller, id: &str) -> Result<VersionsText, Refusal> {
    hold_content::note(site, caller, id, Look::Clear).await?;
    versions(site, caller, id).await
}

/// The same, where the look has been noted.
pub async fn versions(site: &Site, caller: &Caller, id: &str) -> Result<VersionsText, Refusal> {
    let (sides, passes) = hold_content::versions(site, caller, id).await?;
    let pieces = |pieces: Vec<view::Piece>| {
        let all = pieces.into_iter();
        all.map(|piece| PieceText {
            text: piece.text.reveal().to_owned(),
            changed: piece.changed,
        })
        .collect()
    };
    let sides = sides.into_iter().filter(|side| side.changed);
    Ok(VersionsText {
        places: sides
            .map(|side| SideText {
                place: side.place,
                before: pieces(side.before),
                after: pieces(side.after),
            })
            .collect(),
        passes,
    })
}

fn shown(reference: String, view: &MessageView, reading: Reading) -> MessageText {
    let in_clear = reading == Reading::Revealed;
    let header = |field: &view::HeaderView| HeaderText {
        name: field.name.clone(),
        value: (in_clear || !field.about).then(|| field.value.reveal().to_owned()),
    };
    let pages = view.html.iter().filter(|_| in_clear);
    MessageText {
        reference,
        in_clear,
        headers: view.headers.iter().map(header).collect(),
        parts: view.parts.iter().map(|one| part(one, reading)).collect(),
        attachments: view
            .attachments
            .iter()
            .map(|one| file(one, reading))
            .collect(),
        pages: pages.map(|page| page.number).collect(),
        cut: view.cut,
    }
}

fn part(part: &PartView, reading: Reading) -> PartText {
    let read = |one: &Run| run(one, reading);
    let rows = part.rows();
    let hidden = part.attachment.is_some() && reading == Reading::Masked;
    PartText {
        place: (!hidden).then(|| part.place.clone()),
        attachment: part.attachment,
        runs: match rows {
            Some(_) => Vec::new(),
            None => part.runs.iter().map(read).collect(),
        },
        rows: rows
            .unwrap_or_default()
            .iter()
            .map(|row| RowText {
                place: row.place.clone(),
                cells: row
                    .cells
                    .iter()
                    .map(|cell| cell.iter().map(read).collect())
                    .collect(),
            })
            .collect(),
        beyond: part.beyond,
        cut: part.cut,
    }
}

fn run(run: &Run, reading: Reading) -> RunText {
    RunText {
        text: run.read(reading).to_owned(),
        category: run.finding.as_ref().map(|found| found.category.name()),
    }
}

fn file(file: &AttachmentView, reading: Reading) -> FileText {
    FileText {
        number: file.number,
        name: file.name.iter().map(|run| run.read(reading)).collect(),
        kind: file.kind.clone(),
        bytes: file.bytes,
        mismatch: file.mismatch,
        protection: file.protection.iter().map(|guard| guard.reason).collect(),
        unread: file.unread.iter().map(|one| one.kind.clone()).collect(),
        recognised: file.recognised,
    }
}
