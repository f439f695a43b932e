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

    /// Day `serial` of a spreadsheet's calendar, in which 1900 was a leap year: 1 is 1 January 1900.
    pub fn of_sheet_day(serial: u32) -> Option<Self> {
        // The calendar has a 29 February 1900 that never was; before it, days are counted from one day later.
        let days = i64::from(serial) - if serial < 61 { 25_568 } else { 25_569 };
        // Civil date from days since 1970 (H. Hinnant, "chrono-compatible low-level date algorithms").
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let moon = (5 * of_year + 2) / 153;
        let day = of_year - (153 * moon + 2) / 5 + 1;
        let month = if moon < 10 { moon + 3 } else { moon - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        Self::new(
            u32::try_from(year).ok()?,
            u32::try_from(month).ok()?,
            u32::try_from(day).ok()?,
        )
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

    #[test]
    fn days_of_spreadsheets() {
        assert_eq!(Date::of_sheet_day(40614), Date::new(2011, 3, 12));
        assert_eq!(Date::of_sheet_day(59), Date::new(1900, 2, 28));
        assert_eq!(Date::of_sheet_day(u32::MAX), None);
    }
}
