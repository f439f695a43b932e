//! Identifiers in one unit: what the check, the words around and the people around make of a number.
//!
//! # Invariants
//! A checksum alone is never high, except for UPN and IBAN: one ten-digit number in eleven passes the NHS check by chance.

use std::ops::Range;

use crate::detect::catalogue::Check;
use crate::detect::checks;
use crate::detect::context::WINDOW;
use crate::detect::engine::Checked;
use crate::detect::finding::{Confidence, PersonId};
use crate::detect::judge::{Anchor, Draft, Judge};
use crate::detect::modulus::Fit;
use crate::detect::numbers::{Number, NumberKind};
use crate::detect::papers;
use crate::detect::raw::Raw;

/// Card numbers of so many digits or fewer need a word that says so.
const SHORT_CARD: usize = 13;

impl<'j> Judge<'j> {
    /// Identifiers that confirm a name beside them.
    pub(super) fn note_ids(&mut self, raw: &Raw) {
        let confirms = |number: &&Number| match number.kind {
            NumberKind::Upn => true,
            NumberKind::Nhs => {
                !self.is_telephone(&number.range) || self.is_called_nhs(&number.range)
            }
            _ => false,
        };
        let ids = raw.numbers.iter().filter(confirms);
        self.ids = ids.map(|number| number.range.clone()).collect();
    }

    pub(super) fn numbers(&mut self, raw: &Raw) {
        for (index, number) in raw.numbers.iter().enumerate() {
            let draft = match number.kind {
                NumberKind::Card => self.card(&number.range),
                NumberKind::Iban => self.iban(&number.range),
                NumberKind::Nhs | NumberKind::Uln | NumberKind::Utr => {
                    self.ten_digits(number.kind, &number.range)
                }
                NumberKind::Nino { whole } => self.nino(&number.range, whole),
                NumberKind::Passport => self.paper(Check::Passport, &number.range, None),
                NumberKind::MachineReadable => self.paper(
                    Check::MachineReadable,
                    &number.range,
                    Some(Confidence::High),
                ),
                NumberKind::DrivingLicence => self.driving_licence(&number.range),
                NumberKind::Upn => self.upn(&number.range),
                NumberKind::SortCode { .. } | NumberKind::Account => None,
            };
            if let NumberKind::SortCode { .. } = number.kind {
                if let Some((draft, text)) = self.sort_code(raw, index) {
                    self.push_text(draft, text);
                }
                continue;
            }
            if let Some(draft) = draft {
                if matches!(
                    number.kind,
                    NumberKind::Upn | NumberKind::Nhs | NumberKind::Uln
                ) && draft.confidence > Confidence::Low
                {
                    self.anchors.push(Anchor {
                        person: draft.person,
                        forename: None,
                        range: draft.range.clone(),
                        weak: false,
                    });
                }
                self.push(draft);
            }
        }
    }

    /// A finding of a value that is compared by its letters and digits.
    pub(super) fn draft<'d>(
        &self,
        checked: &'d Checked,
        range: &Range<usize>,
        confidence: Confidence,
        reasons: Vec<String>,
    ) -> Draft<'d> {
        let value = self
            .scene
            .bytes(range.clone())
            .iter()
            .filter(|b| b.is_ascii_alphanumeric())
            .map(u8::to_ascii_uppercase);
        Draft {
            detector: &checked.id,
            category: checked.detector.category,
            confidence,
            range: range.clone(),
            person: None,
            value: value.collect(),
            reasons,
            obfuscated: false,
        }
    }

    /// A keyword in the column's header or in the window, as a reason.
    pub(super) fn keyword(
        &self,
        checked: &Checked,
        range: &Range<usize>,
        reach: usize,
    ) -> Option<String> {
        if let Some(word) = self
            .scene
            .header(range)
            .and_then(|header| checked.keywords.find(header.as_bytes()))
        {
            return Some(format!("column header \"{word}\""));
        }
        let window = self.scene.window(range, reach);
        let word = checked
            .keywords
            .find(self.scene.bytes(window.start..range.start))
            .or_else(|| {
                checked
                    .keywords
                    .find(self.scene.bytes(range.end..window.end))
            })?;
        Some(format!("keyword \"{word}\" nearby"))
    }

    /// A word in the column's header or just before says that it is another kind of number.
    fn is_denied(&self, checked: &Checked, range: &Range<usize>) -> bool {
        let header = self.scene.header(range);
        if header.is_some_and(|header| checked.negative.find(header.as_bytes()).is_some()) {
            return true;
        }
        let window = self.scene.window(range, 40);
        checked
            .negative
            .find(self.scene.bytes(window.start..range.start))
            .is_some()
    }

    fn card(&self, range: &Range<usize>) -> Option<Draft<'j>> {
        let checked = self.engine.checked(Check::PaymentCard)?;
        if self.scene.is_in_link(range) {
            return None;
        }
        let mut reasons = vec!["issuer range, length and Luhn check agree".to_owned()];
        let keyword = self.keyword(checked, range, 100);
        if keyword.is_none() && self.is_denied(checked, range) {
            return None;
        }
        let digits = self
            .scene
            .bytes(range.clone())
            .iter()
            .filter(|byte| byte.is_ascii_digit())
            .count();
        let confidence = match keyword {
            Some(_) => Confidence::High,
            // Article numbers (EAN-13) pass as short Visa and Maestro numbers, which hardly exist any more.
            None if digits <= SHORT_CARD => Confidence::Low,
            None => Confidence::Medium,
        };
        reasons.extend(keyword);
        Some(self.draft(checked, range, confidence, reasons))
    }

    fn iban(&self, range: &Range<usize>) -> Option<Draft<'j>> {
        let checked = self.engine.checked(Check::Iban)?;
        let reasons = vec!["country, length and check digits agree".to_owned()];
        Some(self.draft(checked, range, Confidence::High, reasons))
    }

    /// Ten digits are of one kind: a tax reference where a word says so, else what their sum says.
    fn ten_digits(&self, kind: NumberKind, range: &Range<usize>) -> Option<Draft<'j>> {
        if self.scene.is_in_link(range) {
            return None;
        }
        let digits = self.digits(range);
        if papers::utr(&digits)
            && let Some(draft) = self.utr(range)
        {
            return Some(draft);
        }
        match kind {
            NumberKind::Nhs => self.health(Check::NhsNumber, range, checks::nhs_family(&digits)),
            NumberKind::Uln => self.uln(range, &digits),
            _ => None,
        }
    }

    fn digits(&self, range: &Range<usize>) -> Vec<u8> {
        let bytes = self.scene.bytes(range.clone()).iter().copied();
        bytes.filter(u8::is_ascii_digit).collect()
    }

    fn utr(&self, range: &Range<usize>) -> Option<Draft<'j>> {
        let checked = self.engine.checked(Check::Utr)?;
        let keyword = self.keyword(checked, range, 60)?;
        if self.is_denied(checked, range) {
            return None;
        }
        let reasons = vec!["check digit agrees".to_owned(), keyword];
        Some(self.draft(checked, range, Confidence::High, reasons))
    }

    fn uln(&self, range: &Range<usize>, digits: &[u8]) -> Option<Draft<'j>> {
        let (known, keys) = (&self.engine.known, &self.engine.indexes.keys);
        let own = known.by_uln(keys, digits).map(PersonId);
        let sum = "check digit agrees";
        if own.is_none() {
            return self.health(Check::Uln, range, sum);
        }
        let reasons = [sum, "it is a pupil's on the roster"].map(str::to_owned);
        let checked = self.engine.checked(Check::Uln)?;
        let draft = self.draft(checked, range, Confidence::High, reasons.to_vec());
        Some(Draft {
            person: own,
            ..draft
        })
    }

    /// An identifier of a person; without a keyword it has this confidence, or is none.
    fn paper(
        &self,
        check: Check,
        range: &Range<usize>,
        alone: Option<Confidence>,
    ) -> Option<Draft<'j>> {
        let checked = self.engine.checked(check)?;
        if self.scene.is_in_link(range) {
            return None;
        }
        let keyword = self.keyword(checked, range, 80);
        if keyword.is_none() && self.is_denied(checked, range) {
            return None;
        }
        let confidence = match (&keyword, alone) {
            (Some(_), _) => Confidence::High,
            (None, alone) => alone?,
        };
        let mut reasons = vec!["shape and check agree".to_owned()];
        reasons.extend(keyword);
        let person = self.person_beside(range);
        let draft = self.draft(checked, range, confidence, reasons);
        Some(Draft { person, ..draft })
    }

    fn nino(&self, range: &Range<usize>, whole: bool) -> Option<Draft<'j>> {
        // In small letters it may be part of an address or a code.
        let capitals = !self
            .scene
            .bytes(range.clone())
            .iter()
            .any(u8::is_ascii_lowercase);
        let alone = (whole && capitals).then_some(Confidence::Medium);
        self.paper(Check::Nino, range, alone)
    }

    /// High when the surname in it stands nearby, too.
    fn driving_licence(&self, range: &Range<usize>) -> Option<Draft<'j>> {
        let mut draft = self.paper(Check::DrivingLicence, range, Some(Confidence::Medium))?;
        let surname: Vec<u8> = self.scene.bytes(range.start..range.start + 5).to_vec();
        let surname = surname.strip_suffix(b"99").unwrap_or(&surname);
        let surname = surname.strip_suffix(b"9").unwrap_or(surname);
        let window = self.scene.window(range, 100);
        let words = [window.start..range.start, range.end..window.end]
            .map(|part| self.scene.bytes(part).to_ascii_lowercase());
        let begins = |word: &[u8]| {
            word.get(..surname.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(surname))
        };
        if words
            .iter()
            .flat_map(|part| part.split(|b| !b.is_ascii_alphabetic()))
            .any(begins)
        {
            draft.confidence = Confidence::High;
            draft
                .reasons
                .push("the surname in it stands nearby".to_owned());
        }
        Some(draft)
    }

    /// The pupil whose name stands in the same row, or close by.
    fn person_beside(&self, range: &Range<usize>) -> Option<PersonId> {
        let reach = if self.scene.table.is_some() {
            WINDOW
        } else {
            150
        };
        let window = self.scene.window(range, reach);
        self.nearest(range, &window)
            .filter(|anchor| !anchor.weak)
            .and_then(|anchor| anchor.person)
    }

    /// A ten-digit number that only the words and the people around make sure.
    fn health(&self, check: Check, range: &Range<usize>, sum: &'static str) -> Option<Draft<'j>> {
        let checked = self.engine.checked(check)?;
        let mut reasons = vec![sum.to_owned()];
        let keyword = self.keyword(checked, range, 80);
        if keyword.is_none() && self.is_denied(checked, range) {
            return None;
        }
        let person = self.person_beside(range);
        let grouped = self
            .scene
            .bytes(range.clone())
            .iter()
            .any(|b| !b.is_ascii_digit());
        // A learner number is written on end; of the NHS's family those without hyphens are.
        let other = if check == Check::NhsNumber {
            self.is_telephone(range)
        } else {
            grouped
        };
        let confidence = match (&keyword, person) {
            (Some(_), _) => Confidence::High,
            (None, _) if other => Confidence::Low,
            (None, Some(_)) if grouped && check == Check::NhsNumber => Confidence::High,
            (None, Some(_)) => Confidence::Medium,
            (None, None) => Confidence::Low,
        };
        reasons.extend(keyword);
        if person.is_some() {
            reasons.push("a pupil's name nearby".to_owned());
        }
        let draft = self.draft(checked, range, confidence, reasons);
        Some(Draft { person, ..draft })
    }

    fn upn(&self, range: &Range<usize>) -> Option<Draft<'j>> {
        let checked = self.engine.checked(Check::Upn)?;
        if self.scene.is_in_link(range) && self.keyword(checked, range, 40).is_none() {
            return None;
        }
        let draft = self.draft(
            checked,
            range,
            Confidence::High,
            vec!["check letter agrees".to_owned()],
        );
        let (known, keys) = (&self.engine.known, &self.engine.indexes.keys);
        let person = known.by_upn(keys, &draft.value).map(PersonId);
        let mut draft = Draft { person, ..draft };
        if person.is_some() {
            draft
                .reasons
                .push("it is a pupil's on the roster".to_owned());
        }
        draft.reasons.extend(self.keyword(checked, range, 60));
        Some(draft)
    }

    /// What the administrator's table says of the two numbers; without one, nothing.
    fn fit(&self, sort: &Range<usize>, account: &Range<usize>) -> Fit {
        let digits = |range: &Range<usize>| -> Vec<u8> {
            let bytes = self.scene.bytes(range.clone()).iter().copied();
            bytes.filter(u8::is_ascii_digit).collect()
        };
        self.engine.modulus.as_ref().map_or(Fit::Unlisted, |table| {
            table.check(&digits(sort), &digits(account))
        })
    }

    /// A sort code with an account number beside it; the two are the value, not the words between.
    fn sort_code(&self, raw: &Raw, index: usize) -> Option<(Draft<'j>, String)> {
        let pairs = raw.numbers[index].kind == NumberKind::SortCode { pairs: true };
        let checked = self.engine.checked(Check::SortCode)?;
        let sort = &raw.numbers[index].range;
        let reach = if self.scene.table.is_some() {
            WINDOW
        } else {
            60
        };
        let window = self.scene.window(sort, reach);
        let account = raw
            .numbers
            .iter()
            .skip(index.saturating_sub(3))
            .take(8)
            .filter(|number| number.kind == NumberKind::Account)
            .map(|number| &number.range)
            .find(|account| account.start >= window.start && account.end <= window.end)?;
        let both = sort.start.min(account.start)..sort.end.max(account.end);
        if self.scene.is_in_link(sort) {
            return None;
        }
        let keyword = self.keyword(checked, &both, 60).or_else(|| {
            let word = checked.keywords.find(self.scene.bytes(both.clone()))?;
            Some(format!("keyword \"{word}\" nearby"))
        });
        let separator = self
            .scene
            .bytes(sort.clone())
            .get(2)
            .copied()
            .unwrap_or(b' ');
        let dated = looks_like_date(self.scene.bytes(sort.clone()))
            || looks_like_day(self.scene.bytes(account.clone()));
        let fit = self.fit(sort, account);
        let alone = !dated && !self.is_denied(checked, &both);
        let confidence = match (&keyword, pairs, fit) {
            (Some(_), _, Fit::Misfit) => Confidence::Low,
            (Some(_), _, _) => Confidence::High,
            (None, true, Fit::Fits) if alone => Confidence::Medium,
            (None, true, Fit::Unlisted) if alone && separator == b'-' => Confidence::Medium,
            (None, _, _) => return None,
        };
        let mut reasons = vec!["sort code and account number together".to_owned()];
        reasons.extend(keyword);
        reasons.extend(said_of(fit));
        let text = format!(
            "{} {}",
            self.scene.original(sort.clone()),
            self.scene.original(account.clone())
        );
        let mut draft = self.draft(checked, &both, confidence, reasons);
        draft.value = text.bytes().filter(u8::is_ascii_digit).collect();
        Some((draft, text))
    }
}

/// What the table of the banks adds to the evidence.
fn said_of(fit: Fit) -> Option<String> {
    match fit {
        Fit::Fits => Some("the account number fits its sort code".to_owned()),
        Fit::Misfit => Some("no account of that sort code has such a number".to_owned()),
        Fit::Unlisted => None,
    }
}

/// Whether three pairs of digits could be a date (05-02-14).
fn looks_like_date(text: &[u8]) -> bool {
    let digits: Vec<u32> = text
        .iter()
        .filter(|b| b.is_ascii_digit())
        .map(|b| u32::from(b - b'0'))
        .collect();
    let [a, b, c, d, ..] = digits[..] else {
        return false;
    };
    let (first, second) = (a * 10 + b, c * 10 + d);
    (1..=31).contains(&first) && (1..=12).contains(&second)
}

/// Whether eight digits could be a day (20260105).
fn looks_like_day(text: &[u8]) -> bool {
    text.starts_with(b"19") || text.starts_with(b"20")
}
