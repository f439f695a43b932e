//! Records of binary workbooks before 2007 and the strings and cells in them.
//!
//! # Standards
//! MS-XLS 2.1.4 (records), 2.5.240 and 2.5.293 (strings), 2.4.122 (RK numbers in 2.5.217).

use std::borrow::Cow;

use crate::extract::binary::{Fields, u16_at, u32_at};
use crate::extract::codepage;
use crate::extract::xlsx;

/// One record with the place of its header in the stream.
pub(crate) struct Record<'a> {
    pub(crate) at: usize,
    pub(crate) kind: u16,
    pub(crate) data: &'a [u8],
}

/// All records of a stream; one that is cut short is given as far as it goes.
pub(crate) fn records(stream: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut fields = Fields::of(stream);
    std::iter::from_fn(move || {
        let at = fields.at();
        let kind = fields.u16()?;
        let size = usize::from(fields.u16()?);
        let size = size.min(fields.rest().len());
        Some(Record {
            at,
            kind,
            data: fields.take(size)?,
        })
    })
}

/// What the records before the sheets say.
#[derive(Default)]
pub(crate) struct Book {
    /// Strings have a byte of flags (BIFF8).
    wide: bool,
    page: u32,
    pub(crate) strings: Vec<String>,
    formats: Vec<(u16, bool)>,
    /// For each cell style: it shows a date.
    dates: Vec<bool>,
    from_1904: bool,
}

impl Book {
    /// A substream begins.
    pub(crate) fn begin(&mut self, data: &[u8]) {
        self.wide = u16_at(data, 0).is_some_and(|version| version >= 0x600);
        if self.page == 0 {
            self.page = 1252;
        }
    }

    /// A record before the sheets.
    pub(crate) fn global(&mut self, record: &Record<'_>) {
        match record.kind {
            0x42 => self.page = u16_at(record.data, 0).map_or(1252, u32::from),
            0x22 => self.from_1904 = u16_at(record.data, 0) == Some(1),
            0x41e => {
                let Some(id) = u16_at(record.data, 0) else {
                    return;
                };
                let code = if self.wide {
                    self.text(record.data, 2)
                } else {
                    codepage::text(record.data.get(3..).unwrap_or_default(), self.page)
                };
                self.formats.push((id, xlsx::is_date_format(&code)));
            }
            0xe0 => {
                let id = u16_at(record.data, 2).unwrap_or(0);
                let own = self.formats.iter().rev().find(|(known, _)| *known == id);
                self.dates
                    .push(own.map_or(xlsx::is_date_number(u32::from(id)), |(_, date)| *date));
            }
            _ => {}
        }
    }

    /// A string with a 16-bit count at an offset.
    pub(crate) fn text(&self, data: &[u8], at: usize) -> String {
        text(data, at, self.wide, self.page)
    }

    fn number(&self, value: f64, style: u16) -> String {
        let date = self.dates.get(usize::from(style)).copied().unwrap_or(false);
        xlsx::number(&value.to_string(), date, self.from_1904)
    }
}

/// The type in a BOF record: 5 is the workbook itself, 16 a sheet.
pub(crate) fn kind_of_substream(data: &[u8]) -> Option<u16> {
    u16_at(data, 2)
}

/// A sheet's offset, whether it is hidden, and its name.
pub(crate) fn bound_sheet(data: &[u8], book: &Book) -> Option<(usize, bool, String)> {
    let at = u32_at(data, 0)? as usize;
    let hidden = data.get(4)? & 3 != 0;
    let count = usize::from(*data.get(6)?);
    let name = if book.wide {
        characters(&mut Fields::from(data, 7), count)
    } else {
        codepage::text(data.get(7..)?, book.page)
    };
    Some((at, hidden, name))
}

/// A string with a 16-bit count at an offset, as long as it goes.
pub(crate) fn text(data: &[u8], at: usize, wide: bool, page: u32) -> String {
    let mut fields = Fields::from(data, at);
    let Some(count) = fields.u16().map(usize::from) else {
        return String::new();
    };
    if wide {
        return characters(&mut fields, count);
    }
    let rest = fields.rest();
    codepage::text(&rest[..count.min(rest.len())], page)
}

/// Flags, runs of formatting, then characters.
fn characters(fields: &mut Fields<'_>, count: usize) -> String {
    let Some(flags) = fields.byte() else {
        return String::new();
    };
    if flags & 8 != 0 {
        let _runs = fields.u16();
    }
    if flags & 4 != 0 {
        let _phonetic = fields.u32();
    }
    let rest = fields.rest();
    if flags & 1 == 0 {
        encoding_rs::mem::decode_latin1(&rest[..count.min(rest.len())]).into_owned()
    } else {
        utf16(&rest[..(count * 2).min(rest.len())])
    }
}

fn utf16(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    String::from_utf16_lossy(&units)
}

/// The text of a drawing or comment: its count in the first record, flags and characters in the next.
pub(crate) fn drawn_text(head: &[u8], body: &[u8]) -> String {
    let count = u16_at(head, 10).map_or(0, usize::from);
    let mut fields = Fields::of(body);
    characters(&mut fields, count)
}

/// The strings of a table that goes over several records.
pub(crate) fn shared_strings(pieces: &[&[u8]]) -> Vec<String> {
    let mut reader = Pieces {
        records: pieces,
        record: 0,
        fields: Fields::from(pieces.first().copied().unwrap_or_default(), 8),
    };
    let mut strings = Vec::new();
    while let Some(string) = reader.string() {
        strings.push(string);
    }
    strings
}

/// A cursor over the pieces of one long record.
struct Pieces<'a> {
    records: &'a [&'a [u8]],
    record: usize,
    fields: Fields<'a>,
}

impl Pieces<'_> {
    /// Goes on to the next piece where this one is used up; `None` at the end.
    fn refill(&mut self) -> Option<bool> {
        if !self.fields.is_done() {
            return Some(false);
        }
        self.record += 1;
        self.fields = Fields::of(self.records.get(self.record)?);
        Some(true)
    }

    fn string(&mut self) -> Option<String> {
        self.refill()?;
        let mut left = usize::from(self.fields.u16()?);
        self.refill()?;
        let mut flags = self.fields.byte()?;
        let runs = if flags & 8 == 0 {
            0
        } else {
            usize::from(self.fields.u16()?) * 4
        };
        let phonetic = if flags & 4 == 0 {
            0
        } else {
            self.fields.size()?
        };
        let mut out = String::new();
        while left > 0 {
            match self.refill() {
                // Each piece says anew how wide its characters are.
                Some(true) => flags = self.fields.byte()?,
                Some(false) => {}
                None => return Some(out),
            }
            let width = 1 + usize::from(flags & 1);
            let count = left.min(self.fields.rest().len() / width);
            if count == 0 {
                self.fields.skip(self.fields.rest().len())?;
                continue;
            }
            let raw = self.fields.take(count * width)?;
            if width == 1 {
                out.push_str(&encoding_rs::mem::decode_latin1(raw));
            } else {
                out.push_str(&utf16(raw));
            }
            left -= count;
        }
        self.skip(runs.saturating_add(phonetic));
        Some(out)
    }

    fn skip(&mut self, mut count: usize) {
        while count > 0 && self.refill().is_some() {
            let step = count.min(self.fields.rest().len());
            if step == 0 || self.fields.skip(step).is_none() {
                continue;
            }
            count -= step;
        }
    }
}

/// What a cell shows.
pub(crate) enum Value<'b> {
    /// This text.
    Shown(Cow<'b, str>),
    /// The text of the next string record.
    StringFollows,
}

/// The cells of a record with their row and column, counted from 0.
pub(crate) fn cells<'b>(record: &Record<'_>, book: &'b Book) -> Vec<(u32, usize, Value<'b>)> {
    let parse = || -> Option<Vec<(u32, usize, Value<'b>)>> {
        let mut fields = Fields::of(record.data);
        let row = u32::from(fields.u16()?);
        let column = usize::from(fields.u16()?);
        if record.kind == 0xbd {
            return Some(many(&mut fields, row, column, book));
        }
        let style = fields.u16()?;
        let shown: Cow<'b, str> = match record.kind {
            0x203 => book.number(fields.f64()?, style).into(),
            0x27e => book.number(rk(fields.u32()?), style).into(),
            0xfd => book.strings.get(fields.size()?)?.as_str().into(),
            0x204 | 0xd6 => book.text(record.data, 6).into(),
            0x205 => {
                let value = fields.byte()?;
                if fields.byte()? == 0 {
                    truth(value).into()
                } else {
                    return None;
                }
            }
            0x06 | 0x206 | 0x406 => {
                let result = fields.take(8)?;
                match (result[6], result[7], result[0]) {
                    (0xff, 0xff, 0) => return Some(vec![(row, column, Value::StringFollows)]),
                    (0xff, 0xff, 1) => truth(result[2]).into(),
                    (0xff, 0xff, _) => return None,
                    _ => book
                        .number(f64::from_le_bytes(result.try_into().ok()?), style)
                        .into(),
                }
            }
            _ => return None,
        };
        Some(vec![(row, column, Value::Shown(shown))])
    };
    parse().unwrap_or_default()
}

/// Numbers side by side.
fn many<'b>(
    fields: &mut Fields<'_>,
    row: u32,
    first: usize,
    book: &Book,
) -> Vec<(u32, usize, Value<'b>)> {
    let mut found = Vec::new();
    while let (Some(style), Some(raw)) = (fields.u16(), fields.u32()) {
        found.push((
            row,
            first + found.len(),
            Value::Shown(book.number(rk(raw), style).into()),
        ));
    }
    found
}

pub(crate) fn truth(value: u8) -> String {
    if value == 1 { "TRUE" } else { "FALSE" }.to_owned()
}

/// A number in 30 bits: whole or the upper half of a double, and whether it is a hundredth.
pub(crate) fn rk(raw: u32) -> f64 {
    let value = if raw & 2 == 0 {
        f64::from_bits(u64::from(raw & !3) << 32)
    } else {
        f64::from(raw.cast_signed() >> 2)
    };
    if raw & 1 == 0 { value } else { value / 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_numbers() {
        assert!((rk((40_614 << 2) | 2) - 40_614.0).abs() < f64::EPSILON);
        assert!((rk((1250 << 2) | 3) - 12.5).abs() < f64::EPSILON);
        assert!((rk(0x3ff0_0000) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn strings_go_on_in_the_next_record_in_another_width() {
        let first = b"\0\0\0\0\0\0\0\0\x06\0\0Ame";
        let second = b"\x01l\0i\0a\0\x03\0\0Kai";
        assert_eq!(shared_strings(&[first, second]), ["Amelia", "Kai"]);
    }
}
