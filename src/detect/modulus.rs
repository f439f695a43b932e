//! Whether a British account number fits its sort code, by a weight table that the administrator supplies.
//!
//! # Invariants
//! No table is built in: its publisher grants no licence to pass it on. A sort code that the table does not list proves nothing, and a
//! number that fits is only possible, not real.
//!
//! # Standards
//! Vocalink, Validating Account Numbers, UK Modulus Checking, 5.50: sections 3 (methods), 5.2 (exceptions), 6.2 (text files).
//!
//! # Known gaps
//! Account numbers of other lengths than eight digits (section 4.2) are not looked for.

/// Why a table cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct ModulusError {
    /// The line, from 1.
    pub line: usize,
    /// What was found, what is allowed, and the mend.
    pub reason: String,
}

/// What the table says of a sort code with an account number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// The account number may belong to the sort code.
    Fits,
    /// No account of the sort code can have this number.
    Misfit,
    /// The table does not list the sort code, or the account is of a kind that has no check.
    Unlisted,
}

/// How the weighted digits are summed and what divides the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Standard10,
    Standard11,
    DoubleAlternate,
}

/// Weights of the digits u to z (sort code) and a to h (account).
type Weights = [i32; 14];
/// A sort code's and an account's digits in the same order.
type Digits = [i32; 14];

/// Positions of the account's digits a, b, c, g and h (section 3, notation).
const A: usize = 6;
const B: usize = 7;
const C: usize = 8;
const G: usize = 12;
const H: usize = 13;

/// Exception 2: weights where a is not 0 and g is not 9.
const EURO: Weights = [0, 0, 1, 2, 5, 3, 6, 4, 8, 7, 10, 9, 3, 1];
/// Exception 2: weights where a is not 0 and g is 9.
const EURO_NINE: Weights = [0, 0, 0, 0, 0, 0, 0, 0, 8, 7, 10, 9, 3, 1];
/// Exception 9: where all euro accounts of that bank are held.
const EURO_SORT_CODE: u32 = 309_634;
/// Exception 8: the sort code to check with.
const EIGHT_SORT_CODE: u32 = 90_126;
/// Exception 1: what a financial institution's number before the sort code would add.
const INSTITUTION: i32 = 27;

/// One line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    first: u32,
    last: u32,
    method: Method,
    weights: Weights,
    exception: u8,
}

/// The weight table, with the substitutions of exception 5.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModulusTable {
    /// In the order of their first sort code; two rules of one range in the order of the file.
    rules: Vec<Rule>,
    /// Original and substitute, ascending.
    substitutes: Vec<(u32, u32)>,
}

impl ModulusTable {
    /// Reads the two text files of the publisher (`valacdos.txt`, `scsubtab.txt`); the second may be empty.
    pub fn parse(weights: &str, substitutes: &str) -> Result<Self, ModulusError> {
        let mut rules = lines(weights)
            .map(|(line, fields)| rule(line, &fields))
            .collect::<Result<Vec<_>, _>>()?;
        if rules.is_empty() {
            return Err(ModulusError {
                line: 1,
                reason: "found no rule; allowed: the lines of the modulus weight table (`valacdos.txt`); download the file again".to_owned(),
            });
        }
        rules.sort_by_key(|rule| rule.first);
        let mut substitutes = lines(substitutes)
            .map(|(line, fields)| match fields[..] {
                [original, substitute] => {
                    Ok((sort_code(line, original)?, sort_code(line, substitute)?))
                }
                _ => Err(malformed(line, "a sort code and its substitute")),
            })
            .collect::<Result<Vec<_>, _>>()?;
        substitutes.sort_unstable();
        Ok(Self { rules, substitutes })
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there are none; [`Self::parse`] gives no such table.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether an account number fits a sort code. Both are ASCII digits, six and eight; anything else is unlisted.
    pub fn check(&self, sort: &[u8], account: &[u8]) -> Fit {
        let (Some(code), Some(digits)) = (number(sort, 6), digits(sort, account)) else {
            return Fit::Unlisted;
        };
        let end = self.rules.partition_point(|rule| rule.first <= code);
        // Ranges do not overlap but for the two checks of one range, so the last two that begin before the code are all.
        let found: Vec<&Rule> = self.rules[end.saturating_sub(2)..end]
            .iter()
            .filter(|rule| rule.last >= code)
            .collect();
        let fits = match found[..] {
            [] => return Fit::Unlisted,
            [first, ..] if first.exception == 6 && is_foreign(&digits) => return Fit::Unlisted,
            [only] => self.passes(only, code, &digits),
            [first, second, ..] => {
                let one = self.passes(first, code, &digits);
                match (first.exception, second.exception) {
                    (2, 9) | (10, 11) | (12, 13) => one || self.passes(second, code, &digits),
                    _ => one && self.passes(second, code, &digits),
                }
            }
        };
        if fits { Fit::Fits } else { Fit::Misfit }
    }

    /// One check of a sort code, with its exception (section 5.2).
    fn passes(&self, rule: &Rule, code: u32, digits: &Digits) -> bool {
        let mut weights = rule.weights;
        match rule.exception {
            1 => (total(rule.method, &weights, digits) + INSTITUTION) % 10 == 0,
            2 => {
                substitute_euro(&mut weights, digits);
                divides(rule.method, &weights, digits)
            }
            3 if matches!(digits[C], 6 | 9) => true,
            4 => total(rule.method, &weights, digits).rem_euclid(11) == digits[G] * 10 + digits[H],
            5 => {
                let place = self
                    .substitutes
                    .binary_search_by_key(&code, |(original, _)| *original);
                let code = place.map_or(code, |place| self.substitutes[place].1);
                check_digit(rule.method, &weights, &with_sort_code(code, digits))
            }
            7 if digits[G] == 9 => {
                weights[..=B].fill(0);
                divides(rule.method, &weights, digits)
            }
            8 => divides(
                rule.method,
                &weights,
                &with_sort_code(EIGHT_SORT_CODE, digits),
            ),
            9 => divides(
                rule.method,
                &weights,
                &with_sort_code(EURO_SORT_CODE, digits),
            ),
            10 => {
                if digits[G] == 9 && digits[B] == 9 && matches!(digits[A], 0 | 9) {
                    weights[..=B].fill(0);
                }
                divides(rule.method, &weights, digits)
            }
            14 => divides(rule.method, &weights, digits) || shifted(rule.method, &weights, digits),
            _ => divides(rule.method, &weights, digits),
        }
    }
}

/// The fields of each line that has some, with its number.
fn lines(text: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    text.trim_start_matches('\u{feff}')
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.split_ascii_whitespace().collect::<Vec<_>>()))
        .filter(|(_, fields)| !fields.is_empty())
}

fn malformed(line: usize, allowed: &str) -> ModulusError {
    ModulusError {
        line,
        reason: format!("found another form; allowed: {allowed}; download the file again"),
    }
}

fn rule(line: usize, fields: &[&str]) -> Result<Rule, ModulusError> {
    let [first, last, method, rest @ ..] = fields else {
        return Err(malformed(
            line,
            "two sort codes, a method, 14 weights and perhaps an exception",
        ));
    };
    let method = match *method {
        "MOD10" => Method::Standard10,
        "MOD11" => Method::Standard11,
        "DBLAL" => Method::DoubleAlternate,
        _ => return Err(malformed(line, "MOD10, MOD11 or DBLAL as the third field")),
    };
    if !(14..=15).contains(&rest.len()) {
        return Err(malformed(line, "14 weights and perhaps an exception"));
    }
    let mut weights = [0; 14];
    for (weight, field) in weights.iter_mut().zip(rest) {
        *weight = field
            .parse()
            .ok()
            .filter(|weight| (-999..=999).contains(weight))
            .ok_or_else(|| malformed(line, "weights of at most three digits"))?;
    }
    let exception = rest.get(14).map_or(Ok(0), |field| {
        field
            .parse()
            .ok()
            .filter(|exception| (1..=14).contains(exception))
            .ok_or_else(|| malformed(line, "exceptions 1 to 14"))
    })?;
    let rule = Rule {
        first: sort_code(line, first)?,
        last: sort_code(line, last)?,
        method,
        weights,
        exception,
    };
    if rule.last < rule.first {
        return Err(malformed(line, "a range that ends behind its beginning"));
    }
    Ok(rule)
}

fn sort_code(line: usize, field: &str) -> Result<u32, ModulusError> {
    number(field.as_bytes(), 6).ok_or_else(|| malformed(line, "sort codes of six digits"))
}

fn number(text: &[u8], length: usize) -> Option<u32> {
    (text.len() == length && text.iter().all(u8::is_ascii_digit)).then(|| {
        text.iter()
            .fold(0, |value, byte| value * 10 + u32::from(byte - b'0'))
    })
}

fn digits(sort: &[u8], account: &[u8]) -> Option<Digits> {
    let mut digits = [0; 14];
    if sort.len() != 6 || account.len() != 8 {
        return None;
    }
    for (digit, byte) in digits.iter_mut().zip(sort.iter().chain(account)) {
        *digit = byte.is_ascii_digit().then(|| i32::from(byte - b'0'))?;
    }
    Some(digits)
}

fn with_sort_code(mut code: u32, digits: &Digits) -> Digits {
    let mut digits = *digits;
    for digit in digits[..A].iter_mut().rev() {
        *digit = (code % 10).cast_signed();
        code /= 10;
    }
    digits
}

/// Exception 6: a foreign-currency account, which no check covers.
fn is_foreign(digits: &Digits) -> bool {
    (4..=8).contains(&digits[A]) && digits[G] == digits[H]
}

fn substitute_euro(weights: &mut Weights, digits: &Digits) {
    if digits[A] != 0 {
        *weights = if digits[G] == 9 { EURO_NINE } else { EURO };
    }
}

/// The weighted sum: of the products, or of the digits of the products (sections 3.1 and 3.2).
fn total(method: Method, weights: &Weights, digits: &Digits) -> i32 {
    let products = weights
        .iter()
        .zip(digits)
        .map(|(weight, digit)| weight * digit);
    if method == Method::DoubleAlternate {
        products.map(digit_sum).sum()
    } else {
        products.sum()
    }
}

fn digit_sum(mut number: i32) -> i32 {
    let mut sum = 0;
    while number != 0 {
        sum += number % 10;
        number /= 10;
    }
    sum
}

fn modulus(method: Method) -> i32 {
    if method == Method::Standard11 { 11 } else { 10 }
}

fn divides(method: Method, weights: &Weights, digits: &Digits) -> bool {
    total(method, weights, digits).rem_euclid(modulus(method)) == 0
}

/// Exception 5: the remainder must give g (standard) or h (double alternate).
fn check_digit(method: Method, weights: &Weights, digits: &Digits) -> bool {
    let modulus = modulus(method);
    let remainder = total(method, weights, digits).rem_euclid(modulus);
    let expected = if method == Method::DoubleAlternate {
        digits[H]
    } else {
        digits[G]
    };
    match remainder {
        0 => expected == 0,
        1 if modulus == 11 => false,
        _ => modulus - remainder == expected,
    }
}

/// Exception 14: the last digit, if it is 0, 1 or 9, is dropped and a 0 put before the account number.
fn shifted(method: Method, weights: &Weights, digits: &Digits) -> bool {
    if !matches!(digits[H], 0 | 1 | 9) {
        return false;
    }
    let mut moved = *digits;
    moved.copy_within(A..H, B);
    moved[A] = 0;
    divides(method, weights, &moved)
}
