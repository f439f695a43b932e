//! The people of a roster compiled for matching, and as bytes that can be kept on disk.
//!
//! # Invariants
//! The bytes hold keyed hashes and numbers, no letter of a name and no digit of a date or an identifier. They carry a keyed hash over
//! all of themselves: what was written under another key, for other sources or by another format, or was changed since, is not read.
//!
//! # Standards
//! SipHash-2-4-128 (Aumasson, Bernstein 2012) as the message authentication code.

use crate::detect::index::{Names, Pair};
use crate::detect::known::{Form, Known, Owners};
use crate::detect::names;
use crate::detect::options::Options;
use crate::detect::spelling::Neighbours;
use crate::detect::token::Keys;
use crate::roster::Roster;

const MAGIC: &[u8; 8] = b"BEADLEIX";
/// Rises with every change of the layout, of the hashes, or of the forms of names.
const FORMAT: u32 = 2;
/// Bytes before the part that the code covers: magic, format, code.
const HEAD: usize = 8 + 4 + 16;

/// Pupils and staff, compiled.
#[derive(Debug, Default)]
pub struct PeopleIndex {
    /// Words of names with their flags, by ascending hash, each once.
    pub(super) words: Vec<(u64, u32)>,
    pub(super) names: Names,
    pub(super) neighbours: Option<Neighbours>,
    pub(super) known: Known,
}

impl PeopleIndex {
    /// Compiles pupils and staff. `secret` keys every hash.
    pub fn build(roster: &Roster, staff: &Roster, options: Options, secret: [u8; 16]) -> Self {
        let keys = &Keys::new(secret);
        let mut words = Vec::with_capacity(roster.len() * 3);
        let names = Names::build(keys, roster, staff, options, &mut words);
        words.sort_unstable();
        words.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 |= if same { next.1 } else { 0 };
            same
        });
        words.shrink_to_fit();
        let neighbours = options
            .spelling
            .then(|| Neighbours::build(keys, names::words(keys, roster)));
        Self {
            words,
            names,
            neighbours,
            known: Known::build(keys, roster),
        }
    }

    /// The bytes to keep. `sources` stands for everything it was built from and comes back in [`Self::from_bytes`].
    pub fn to_bytes(&self, sources: u128, secret: [u8; 16]) -> Vec<u8> {
        let mut body = sources.to_le_bytes().to_vec();
        put_pairs(&mut body, &self.words);
        put(
            &mut body,
            self.names
                .pairs()
                .flat_map(|pair| pair.to_words())
                .map(u64::to_le_bytes),
        );
        let lists = self.names.lists();
        put(
            &mut body,
            lists.iter().map(|list| (list.len() as u32).to_le_bytes()),
        );
        put(
            &mut body,
            lists.iter().flatten().map(|person| person.to_le_bytes()),
        );
        let middles = self.names.middles();
        put(
            &mut body,
            middles
                .iter()
                .flat_map(|(person, hash)| [person.to_le_bytes(), hash.to_le_bytes()]),
        );
        let neighbours = self.neighbours.as_ref();
        put(&mut body, neighbours.iter().map(|_| [1]));
        let slips = neighbours.map(Neighbours::entries).unwrap_or_default();
        put(
            &mut body,
            slips
                .iter()
                .flat_map(|(key, hash)| [key.to_le_bytes(), hash.to_le_bytes()]),
        );
        put_known(&mut body, &self.known);
        let code = Keys::new(secret).value("compiled index", &body);
        let mut bytes = Vec::with_capacity(HEAD + body.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&code.to_le_bytes());
        bytes.append(&mut body);
        bytes
    }

    /// Reads what [`Self::to_bytes`] gave for the same sources under the same key; none for anything else.
    pub fn from_bytes(bytes: &[u8], sources: u128, secret: [u8; 16]) -> Option<Self> {
        let (head, body) = bytes.split_at_checked(HEAD)?;
        let expected = [MAGIC.as_slice(), &FORMAT.to_le_bytes()].concat();
        let code = head.strip_prefix(expected.as_slice())?;
        let body_code = Keys::new(secret).value("compiled index", body);
        if code != body_code.to_le_bytes() {
            return None;
        }
        let mut rest = Rest(body.strip_prefix(sources.to_le_bytes().as_slice())?);
        let words = rest.pairs()?;
        let pairs: Vec<Pair> = rest.tuples(u64::from_le_bytes, Pair::from_words)?;
        let lengths = rest.items(u32::from_le_bytes)?;
        let members = rest.items(u32::from_le_bytes)?;
        let middles = rest.tuples(u32::from_le_bytes, |[person, hash]| (person, hash))?;
        let has_neighbours = rest.items(|[flag]: [u8; 1]| flag)?;
        let slips = rest.tuples(u64::from_le_bytes, |[key, hash]| (key, hash))?;
        let known = known(&mut rest)?;
        let mut members = members.into_iter();
        let lists = lengths
            .into_iter()
            .map(|length| members.by_ref().take(length as usize).collect())
            .collect();
        Some(Self {
            words,
            names: Names::from_parts(&pairs, lists, middles)?,
            neighbours: (!has_neighbours.is_empty()).then(|| Neighbours::from_entries(slips)),
            known,
        })
    }
}

fn put_known(body: &mut Vec<u8>, known: &Known) {
    put(body, known.born.iter().map(|hash| hash.to_le_bytes()));
    put(body, known.form.iter().map(|place| place.to_le_bytes()));
    let form = |form: &Form| [form.hash, u64::from(form.len) << 1 | u64::from(form.coded)];
    put(
        body,
        known.forms.iter().flat_map(form).map(u64::to_le_bytes),
    );
    put(body, known.contact_ends.iter().map(|end| end.to_le_bytes()));
    put(body, known.contacts.iter().map(|hash| hash.to_le_bytes()));
    put_pairs(body, &known.upns.0);
    put_pairs(body, &known.ulns.0);
}

fn known(rest: &mut Rest<'_>) -> Option<Known> {
    let form = |[hash, shape]: [u64; 2]| Form {
        hash,
        len: (shape >> 1) as u32,
        coded: shape & 1 == 1,
    };
    let known = Known {
        born: rest.items(u32::from_le_bytes)?,
        form: rest.items(u32::from_le_bytes)?,
        forms: rest.tuples(u64::from_le_bytes, form)?,
        contact_ends: rest.items(u32::from_le_bytes)?,
        contacts: rest.items(u64::from_le_bytes)?,
        upns: Owners(rest.pairs()?),
        ulns: Owners(rest.pairs()?),
    };
    let even = known.form.len() == known.born.len() && known.contact_ends.len() == known.born.len();
    (even && rest.0.is_empty()).then_some(known)
}

fn put_pairs(body: &mut Vec<u8>, pairs: &[(u64, u32)]) {
    put(body, pairs.iter().map(|(hash, _)| hash.to_le_bytes()));
    put(body, pairs.iter().map(|(_, value)| value.to_le_bytes()));
}

/// Writes a count and the items.
fn put<const N: usize>(out: &mut Vec<u8>, items: impl Iterator<Item = [u8; N]>) {
    let at = out.len();
    out.extend_from_slice(&[0; 8]);
    items.for_each(|item| out.extend_from_slice(&item));
    let count = (out.len() - at - 8) / N;
    out[at..at + 8].copy_from_slice(&(count as u64).to_le_bytes());
}

/// What has not been read yet.
struct Rest<'b>(&'b [u8]);

impl Rest<'_> {
    /// Items that belong together in tuples of `K`.
    fn tuples<S: Copy, T, const N: usize, const K: usize>(
        &mut self,
        item: impl Fn([u8; N]) -> S,
        tuple: impl Fn([S; K]) -> T,
    ) -> Option<Vec<T>> {
        let items = self.items(item)?;
        let (tuples, rest) = items.as_chunks::<K>();
        rest.is_empty()
            .then(|| tuples.iter().map(|items| tuple(*items)).collect())
    }

    /// What [`put_pairs`] wrote.
    fn pairs(&mut self) -> Option<Vec<(u64, u32)>> {
        let hashes = self.items(u64::from_le_bytes)?;
        let values = self.items(u32::from_le_bytes)?;
        (hashes.len() == values.len()).then(|| hashes.into_iter().zip(values).collect())
    }

    /// Reads a count and as many items; none when there are fewer.
    fn items<T, const N: usize>(&mut self, item: impl Fn([u8; N]) -> T) -> Option<Vec<T>> {
        let (count, rest) = self.0.split_first_chunk::<8>()?;
        let length = usize::try_from(u64::from_le_bytes(*count))
            .ok()?
            .checked_mul(N)?;
        let (own, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(
            own.as_chunks::<N>()
                .0
                .iter()
                .map(|bytes| item(*bytes))
                .collect(),
        )
    }
}
