//! How much a page draws when forms draw forms, found before anything is drawn: `hayro` follows every call.
//!
//! # Invariants
//! Work is bounded by the allowance: the calls are followed one by one, and the walk stops where the allowance does. A form's content is
//! looked through once, whatever draws it.
//!
//! # Standards
//! ISO 32000-2 8.10 (form XObjects), 12.5.5 (appearance streams).

use std::collections::HashMap;
use std::rc::Rc;

use hayro_syntax::content::TypedIter;
use hayro_syntax::content::ops::TypedInstruction;
use hayro_syntax::object::array::Array;
use hayro_syntax::object::dict::Dict;
use hayro_syntax::object::stream::Stream;
use hayro_syntax::object::{Name, Object, ObjectIdentifier, Rect};
use hayro_syntax::page::{Page, Resources};

use crate::extract::content::UnreadReason;

/// Bytes of content that one page may have interpreted. A letterhead is some hundred kilobytes, a map of a county some megabytes.
const MOST_OF_PAGE: u64 = 32 << 20;
/// Bytes that all pages of a document together may: `hayro` keeps the content of each page, and a worker has a gigabyte.
const MOST_OF_ALL: u64 = 384 << 20;
/// What a call costs beside the content it runs: states saved, a clip, a transform.
const CALL: u64 = 256;
/// Calls within calls that `hayro` 0.9 follows; deeper ones it leaves out.
const DEEPEST: usize = 50;

/// A form by the object of its stream and the object whose resources it runs under.
type Key = (ObjectIdentifier, ObjectIdentifier);

/// What a form draws.
struct Form<'a> {
    cost: u64,
    /// Forms, and how often.
    calls: Vec<(Stream<'a>, u32)>,
    resources: Option<Resources<'a>>,
    /// It does not decode, or has no frame, without which `hayro` leaves it out and other viewers do not.
    broken: bool,
}

/// The forms of a document that were looked through, and what may still be drawn.
pub(super) struct Draws<'a> {
    forms: HashMap<Key, Rc<Form<'a>>>,
    left: u64,
    page: u64,
    fault: Option<UnreadReason>,
}

impl<'a> Draws<'a> {
    pub(super) fn new() -> Self {
        Self {
            forms: HashMap::new(),
            left: MOST_OF_ALL,
            page: 0,
            fault: None,
        }
    }

    /// Whether the pages so far took all there is.
    pub(super) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Why not all that a page draws can be read. After `TooBig` the page must not be interpreted.
    pub(super) fn fault(&mut self, page: &Page<'a>) -> Option<UnreadReason> {
        self.page = MOST_OF_PAGE.min(self.left);
        let allowed = self.page;
        self.fault = None;
        let owner = page.raw().obj_id().unwrap_or(ObjectIdentifier::new(0, 0));
        let resources = page.resources();
        let content = page.page_stream().unwrap_or_default();
        self.spend(content.len() as u64);
        for (stream, count) in calls(content, resources) {
            self.times(&stream, count, (resources, owner), 1);
        }
        for stream in appearances(page) {
            self.times(&stream, 1, (resources, owner), 1);
        }
        self.left = self.left.saturating_sub(allowed - self.page);
        self.fault
    }

    fn spend(&mut self, cost: u64) {
        if cost > self.page {
            self.fault = Some(UnreadReason::TooBig);
        }
        self.page = self.page.saturating_sub(cost);
    }

    fn is_over(&self) -> bool {
        self.fault == Some(UnreadReason::TooBig)
    }

    fn times(
        &mut self,
        stream: &Stream<'a>,
        count: u32,
        (outer, owner): (&Resources<'a>, ObjectIdentifier),
        depth: usize,
    ) {
        if depth > DEEPEST {
            self.fault = self.fault.or(Some(UnreadReason::TooDeep));
            return;
        }
        let own = stream.dict().contains_key(b"Resources");
        let id = stream.obj_id();
        let owner = if own { id } else { owner };
        let form = Rc::clone(
            self.forms
                .entry((id, owner))
                .or_insert_with(|| Rc::new(read(stream, outer))),
        );
        if form.broken {
            self.fault = self.fault.or(Some(UnreadReason::Broken));
        }
        for _ in 0..count {
            self.spend(form.cost);
            for (inner, count) in &form.calls {
                if self.is_over() {
                    return;
                }
                let resources = form.resources.as_ref().unwrap_or(outer);
                self.times(inner, *count, (resources, owner), depth + 1);
            }
            if self.is_over() {
                return;
            }
        }
    }
}

fn read<'a>(stream: &Stream<'a>, outer: &Resources<'a>) -> Form<'a> {
    let dict = stream.dict();
    let resources = dict.get::<Dict<'_>>(b"Resources").map(Resources::new);
    let content = stream.decoded_data();
    let framed = dict.get::<Rect>(b"BBox").is_some();
    let broken = content.is_err() || !framed;
    let content = content.unwrap_or_default();
    Form {
        cost: content.len() as u64 + CALL,
        calls: calls(&content, resources.as_ref().unwrap_or(outer)),
        resources,
        broken,
    }
}

/// The forms that a content draws, and how often.
fn calls<'a>(content: &[u8], resources: &Resources<'a>) -> Vec<(Stream<'a>, u32)> {
    let mut out: Vec<(Stream<'a>, u32)> = Vec::new();
    // Most contents draw nothing: one look for the operator spares the walk.
    if memchr::memmem::find(content, b"Do").is_none() {
        return out;
    }
    let mut places: HashMap<Vec<u8>, Option<usize>> = HashMap::new();
    let mut operations = TypedIter::new(content);
    while let Some(operation) = operations.next() {
        let TypedInstruction::XObject(call) = operation else {
            continue;
        };
        let place = *places.entry(call.0.as_ref().to_vec()).or_insert_with(|| {
            let stream = resources.get_x_object(call.0).filter(is_form)?;
            out.push((stream, 0));
            Some(out.len() - 1)
        });
        if let Some((_, count)) = place.and_then(|place| out.get_mut(place)) {
            *count = count.saturating_add(1);
        }
    }
    out
}

fn is_form(stream: &Stream<'_>) -> bool {
    stream
        .dict()
        .get::<Name<'_>>(b"Subtype")
        .is_some_and(|kind| kind.as_str() == "Form")
}

/// The streams that annotations are drawn with, in any of their states.
fn appearances<'a>(page: &Page<'a>) -> Vec<Stream<'a>> {
    let mut out = Vec::new();
    let Some(list) = page.raw().get::<Array<'a>>(b"Annots") else {
        return out;
    };
    for note in list.iter::<Dict<'a>>() {
        let shown = note
            .get::<Dict<'a>>(b"AP")
            .and_then(|faces| faces.get::<Object<'a>>(b"N"));
        match shown {
            Some(Object::Stream(stream)) => out.push(stream),
            Some(Object::Dict(states)) => {
                let name = note.get::<Name<'_>>(b"AS");
                out.extend(name.and_then(|name| states.get::<Stream<'a>>(name.as_ref())));
            }
            _ => {}
        }
    }
    out
}
