//! A held message as a reviewer may see it: its text with the findings marked in place, its attachments, its page without anything live.
//!
//! # Invariants
//! Everything is a function of the message's bytes, an engine, a reader and limits; nothing is fetched and nothing of the message runs. What is
//! given out is bounded whatever the message holds: [`PART_BYTES`] of text a part, [`MESSAGE_BYTES`] and [`PARTS`] a message, and `cut` says that
//! there is more. Text stands in `Secret`s, so that a view that is logged by mistake tells nothing.
//!
//! # Known gaps
//! Reading a message again costs what judging it cost: it belongs on a thread that may block, under a budget. Roster and detectors may have
//! changed since the message was held, so that marks may differ from the findings on record. Whether a reviewer may see a confidential hold at
//! all is for the caller. Masking hides what was found and nothing else: where `findings.unfinished` says that a limit ended the search, and in a page
//! ([`html`] masks nothing), a text may name somebody unmarked, so both are for those who may read content.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod attachments;
mod compare;
mod html;
mod recipients;
mod similar;
mod text;
mod why;

pub use attachments::{AttachmentView, Guard, Nested, NotRead};
pub use compare::{Piece, Side, compare};
pub use html::{CONTENT_SECURITY_POLICY, HEADERS, HtmlPart, html};
pub use recipients::{Known, RecipientView, recipients};
pub use similar::{Similar, query as similar_query, similar};
pub use text::{Cell, FindingMark, Origin, PartView, Reading, Row, Run};
pub use why::{Reason, why};

use crate::detect::{Engine, Findings, ScanContext, Secret};
use crate::extract::{self, Reader};
use crate::limits::Budget;
use crate::mime::{self, Message};

/// Text of one part that is shown, in bytes: some 70 printed pages, more than anybody reads on a screen.
pub const PART_BYTES: usize = 200 << 10;
/// Text of one message that is shown, in bytes.
pub const MESSAGE_BYTES: usize = 2 << 20;
/// Parts of one message that are shown.
pub const PARTS: usize = 1_000;
/// Header fields that are shown, and bytes of each.
const FIELDS: usize = 200;
const FIELD_BYTES: usize = 2_000;

/// Fields that say what the message is about; what stands in them is content, not addressing.
const ABOUT: [&str; 4] = ["subject", "thread-topic", "comments", "keywords"];

/// What a message is read with.
#[derive(Clone, Copy)]
pub struct Tools<'a> {
    /// Finds what the relay finds.
    pub engine: &'a Engine,
    /// Reads rich attachments.
    pub reader: &'a dyn Reader,
}

impl std::fmt::Debug for Tools<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tools(..)")
    }
}

/// A header field of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderView {
    /// Its name as written.
    pub name: String,
    /// Its value, decoded.
    pub value: Secret,
    /// It says what the message is about (Subject, Keywords), so that it is shown only where all text is.
    pub about: bool,
}

/// A message as a reviewer may see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MessageView {
    /// The texts, in the order in which they were read.
    pub parts: Vec<PartView>,
    /// The attachments, numbered as `strip::attachments` numbers them.
    pub attachments: Vec<AttachmentView>,
    /// The bodies that are pages of HTML; [`html`] shows one.
    pub html: Vec<HtmlPart>,
    /// The header fields in their order.
    pub headers: Vec<HeaderView>,
    /// What was found, by number: `findings.list[0]` has number 1.
    pub findings: Findings,
    /// Not everything is shown.
    pub cut: bool,
}

/// Looks at a message. `context` says who takes part, as for judging it.
pub fn of(raw: &[u8], tools: &Tools<'_>, context: &ScanContext, budget: &Budget) -> MessageView {
    let message = mime::parse(raw, budget);
    let content = extract::walk(&message, budget, tools.reader);
    let (findings, marks) = tools.engine.scan_marked(&content, context, budget);
    let attachments = attachments::of(&message, &content, &findings, &marks);
    let shown = text::parts(&content, &findings, marks, &attachments);
    let (headers, headers_cut) = headers(&message);
    MessageView {
        parts: shown.parts,
        attachments,
        html: html::pages(&message),
        headers,
        cut: shown.cut || headers_cut || findings.unfinished,
        findings,
    }
}

fn headers(message: &Message<'_>) -> (Vec<HeaderView>, bool) {
    let all = &message.headers.fields;
    let mut cut = all.len() > FIELDS;
    let fields = all.iter().take(FIELDS).map(|field| {
        let value = text::shown(&field.decoded());
        let end = value.floor_char_boundary(FIELD_BYTES);
        cut |= end < value.len();
        HeaderView {
            about: ABOUT.contains(&field.name.to_ascii_lowercase().as_str()),
            name: text::shown(&field.name),
            value: Secret::new(&value[..end]),
        }
    });
    let fields = fields.collect();
    (fields, cut)
}
