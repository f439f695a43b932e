//! Calendar dates as rosters and letters write them.
//!
//! # Known gaps
//! A two-digit year is read as 20xx: pupils are born in this century.

/// A day of the calendar.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date {
    /// The year, four digits.
    pub year: u16,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day, 1 to 31.
    pub day: u8,
}

impl std::fmt::Debug for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Date(..)")
    }
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

impl Date {
    /// A date that exists in the calendar, between 1900 and 2099.
    pub fn new(year: u32, month: u32, day: u32) -> Option<Self> {
        let leap =
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        ((1900..2100).contains(&year) && (1..=days).contains(&day)).then_some(Self {
            year: year as u16,
            month: month as u8,
            day: day as u8,
        })
    }

    /// The date that a workbook keeps as this number of days since the end of 1899; none for a number no pupil's or teacher's birth has.
    pub fn from_serial(text: &str) -> Option<Self> {
        let days: i64 = text
            .split_once('.')
            .map_or(text, |(days, _)| days)
            .parse()
            .ok()?;
        // 1920 to 2079: other numbers in such a column are years or mistakes.
        if !(7_306..65_745).contains(&days) {
            return None;
        }
        let date = jiff::civil::date(1899, 12, 30)
            .checked_add(jiff::Span::new().days(days))
            .ok()?;
        Self::new(
            date.year().try_into().ok()?,
            date.month().try_into().ok()?,
            date.day().try_into().ok()?,
        )
    }

    /// Year, month and day, as [`Self::parse`] reads them.
    pub(super) fn written(self) -> String {
        format!("{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }

    /// Reads `05/02/2014`, `5.2.14`, `2014-02-05`, `2014-02-05T00:00:00`, `20140205`, `5 Feb 2014`, `5th February 2014`,
    /// `February 5, 2014`. Day comes before month, as the United Kingdom writes it.
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        if let [first, ..] = words[..]
            && first.len() >= 8
            && first.bytes().take(8).all(|b| b.is_ascii_digit())
        {
            let number = |range: std::ops::Range<usize>| first[range].parse().ok();
            return Self::new(number(0..4)?, number(4..6)?, number(6..8)?);
        }
        let [a, b, c, ..] = words[..] else {
            return None;
        };
        if let Some(month) = month(b) {
            return Self::new(year(c)?, month, day(a)?);
        }
        if let Some(month) = month(a) {
            return Self::new(year(c)?, month, day(b)?);
        }
        if a.len() == 4 {
            return Self::new(a.parse().ok()?, b.parse().ok()?, day(c)?);
        }
        Self::new(year(c)?, b.parse().ok()?, day(a)?)
    }
}

fn month(word: &str) -> Option<u32> {
    let start = word.get(..3)?.to_ascii_lowercase();
    let index = MONTHS.iter().position(|month| *month == start)?;
    Some(index as u32 + 1)
}

fn day(word: &str) -> Option<u32> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &word[digits..];
    let plain = matches!(rest, "" | "st" | "nd" | "rd" | "th") || rest.starts_with('T');
    (plain && digits <= 2).then(|| word[..digits].parse().ok())?
}

fn year(word: &str) -> Option<u32> {
    if !word.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: u32 = word.parse().ok()?;
    match word.len() {
        4 => Some(number),
        2 => Some(2000 + number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_ways_schools_write_dates() {
        let expected = Date::new(2014, 2, 5);
        assert!(expected.is_some());
        for text in [
            "05/02/2014",
            "5.2.14",
            "2014-02-05",
            "2014-02-05T00:00:00",
            "20140205",
            "5 Feb 2014",
            "5th February 2014",
            "February 5, 2014",
            "05-02-2014 00:00",
        ] {
            assert!(Date::parse(text) == expected, "{text}");
        }
        for text in [
            "",
            "31/02/2014",
            "2014",
            "12/2014",
            "soon",
            "1/13/2014",
            "é/é/é",
        ] {
            assert!(Date::parse(text).is_none(), "{text}");
        }
    }
}
