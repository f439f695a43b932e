//! Machine-readable zones of the fictitious state UTO of ICAO Doc 9303, and driving licences of surnames that nobody has.

use crate::random::Random;

/// The check digit of a field: values times 7, 3, 1 in turn, modulo ten.
pub fn check(field: &str) -> u32 {
    let value = |c: char| match c {
        '<' => 0,
        c => c.to_digit(36).unwrap_or(0),
    };
    field
        .chars()
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(c, weight)| value(c) * weight)
        .sum::<u32>()
        % 10
}

pub fn padded(text: &str, length: usize) -> String {
    format!("{text:<<length$}")
}

/// A name of letters as a zone has it.
pub fn zone_name(random: &mut Random) -> String {
    let (surname, forename) = (
        random.pick(&["QUORNBY", "ZWELTER", "OXTHORPE<VANE", "YPSTONE"]),
        random.pick(&["ANNA<MARIA", "JO", "LEVI", "TESSA<JANE"]),
    );
    format!("{surname}<<{forename}")
}

/// Six digits of a date.
pub fn date(random: &mut Random) -> String {
    format!(
        "{:02}{:02}{:02}",
        random.below(100),
        1 + random.below(12),
        1 + random.below(28)
    )
}

/// The second line of a passport, or of a card with less room for what is optional.
pub fn passport_line(random: &mut Random, optional: usize) -> String {
    let number = format!("{}{}", random.pick(&["L", "", "ZE"]), random.digits(7));
    let number = padded(&number, 9);
    let (born, ends) = (date(random), date(random));
    let sex = random.pick(&["M", "F", "<"]);
    let begin = format!(
        "{number}{}UTO{born}{}{sex}{ends}{}",
        check(&number),
        check(&born),
        check(&ends)
    );
    let more = padded(random.pick(&["ZE18422", "", "99"]), optional);
    let more = match optional {
        14 => format!("{more}{}", check(&more)),
        _ => more,
    };
    let composite = format!("{}{}{}{more}", &begin[..10], &begin[13..20], &begin[21..28]);
    format!("{begin}{more}{}", check(&composite))
}

/// A line with another digit at a place.
pub fn wrong_at(line: &str, at: usize) -> String {
    let at = (at..line.len())
        .find(|at| line.as_bytes()[*at].is_ascii_digit())
        .unwrap_or(at);
    let digit = (line.as_bytes()[at] - b'0' + 1) % 10;
    format!("{}{digit}{}", &line[..at], &line[at + 1..])
}

/// A licence number of a surname that nobody has.
pub fn licence(random: &mut Random) -> String {
    let surname = random.pick(&["QZXJK", "QZXJ9", "XJQ99", "ZZQXV"]);
    let month = 1 + random.below(12) + 50 * random.below(2);
    format!(
        "{surname}{}{month:02}{:02}{}{}{}{}",
        random.below(10),
        1 + random.below(28),
        random.below(10),
        random.pick(&["SM", "J9", "AB", "K9"]),
        random.below(10),
        random.pick(&["IJ", "XX", "AA", "QZ"])
    )
}
