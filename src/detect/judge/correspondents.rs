//! Quoted headers: who wrote and received an earlier message, and whether such a person is one of the trust's at all.
//!
//! # Invariants
//! Somebody whose address stands beside the name in a quoted header, outside the trust's own domains, is not known to be the pupil:
//! the finding is of low confidence unless something else says that the pupil is meant. Where the trust's domains are not known, no
//! such thing is concluded. Every look is bounded by [`REACH`] bytes and [`LINES`] lines.
//!
//! # Known gaps
//! A pupil who writes from an address of their own outside the trust is of low confidence in the quoted header, not in the text. A
//! quoted header without addresses ("To: Hall, Oliver; Whitcombe, Ann") says nothing of who is outside.

use crate::detect::judge::Judge;
use crate::detect::raw::RawName;

/// Bytes looked at before a name.
const REACH: usize = 2048;
/// Lines over which a list of recipients is followed back.
const LINES: usize = 40;
/// Bytes between a name and its address.
const APART: usize = 48;
/// Bytes on each side of a name in which other addresses make a list, and how many do.
const AROUND: usize = 160;
const MANY: usize = 4;
/// How the lines begin that name people.
const PEOPLE: &[&str] = &[
    "from:",
    "to:",
    "cc:",
    "bcc:",
    "reply-to:",
    "sent by:",
    "on behalf of",
    "please respond to",
];
/// How the other lines of a quoted header begin.
const OTHERS: &[&str] = &["date:", "sent:", "subject:", "importance:", "message-id:"];

impl Judge<'_> {
    /// Whether a place stands in a line of a quoted header that names people, or in one that goes on from it.
    pub(super) fn is_in_header(&self, at: usize) -> bool {
        let text = self.scene.text();
        let low = text.ceil_char_boundary(at.saturating_sub(REACH));
        let mut lines = text[low..at].rsplit('\n').map(unquoted).take(LINES);
        let first = lines.next().unwrap_or_default();
        if begins(first, PEOPLE) {
            return true;
        }
        if begins(first, OTHERS) {
            return false;
        }
        for line in lines {
            // Only a list goes on over the end of its line.
            let list = line.contains(['@', ';']) || line.trim_end().ends_with([',', '<', '/']);
            if !list {
                return false;
            }
            if begins(line, PEOPLE) {
                return true;
            }
        }
        false
    }

    /// Whether the bearer of a name wrote or received an earlier message from outside the trust.
    pub(super) fn is_outsider(&self, name: &RawName) -> bool {
        if self.context.inside.is_empty() || self.scene.table.is_some() || name.columns.is_some() {
            return false;
        }
        let text = self.scene.text();
        let after = &text[name.range.end..];
        let after = &after[..after.floor_char_boundary(APART * 4)];
        let outside = match after.strip_prefix('@') {
            Some(host) => domain_of(host),
            None => address_behind(after),
        }
        .is_some_and(|domain| !self.is_inside(domain));
        outside
            && (self.is_in_header(name.range.start)
                || is_attributed(after)
                || self.is_listed_with_others(name))
    }

    /// Whether so many addresses stand around a name that it is one of a list.
    fn is_listed_with_others(&self, name: &RawName) -> bool {
        let window = self.scene.window(&name.range, AROUND);
        memchr::memchr_iter(b'@', self.scene.bytes(window)).count() >= MANY
    }

    fn is_inside(&self, domain: &str) -> bool {
        let domain = domain.to_ascii_lowercase();
        self.context.inside.iter().any(|own| {
            let below = domain.strip_suffix(own.as_str());
            below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
        })
    }

    /// Whether the words at a place are the forenames of the surname and comma before them: "Hall, Oliver".
    pub(super) fn ends_an_entry(&self, at: usize) -> bool {
        let before = self.scene.text()[..at].trim_end_matches(' ');
        let word = before
            .strip_suffix(',')
            .and_then(|before| before.rsplit(|c: char| !c.is_alphabetic()).next());
        word.is_some_and(|word| word.starts_with(char::is_uppercase))
    }
}

/// A line without the marks of a quote.
fn unquoted(line: &str) -> &str {
    line.trim_start_matches(['>', ' ', '*', '|', '\t'])
}

fn begins(line: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| {
        line.get(..start.len())
            .is_some_and(|line| line.eq_ignore_ascii_case(start))
    })
}

/// Whether the words of an earlier message follow: "<a@depot.example> wrote:", "<a@depot.example> on 09/12/2000".
fn is_attributed(after: &str) -> bool {
    let dated = after
        .split_once("> on ")
        .is_some_and(|(_, date)| date.starts_with(|c: char| c.is_ascii_digit()));
    dated
        || ["wrote:", "writes:"]
            .iter()
            .any(|verb| after.contains(verb))
}

/// The domain of the address in brackets behind a name: "<", "[mailto:", "(E-mail) <".
fn address_behind(after: &str) -> Option<&str> {
    let mut rest = after;
    loop {
        let open = rest.find(['<', '[', '('])?;
        let gap = &rest[..open];
        let near = after.len() - rest.len() + open <= APART;
        if !near || gap.contains([',', ';', '@']) || gap.contains("\n\n") {
            return None;
        }
        rest = &rest[open + 1..];
        let inside = rest
            .split(['>', ']', ')', ' ', '\n'])
            .next()
            .unwrap_or_default();
        if let Some((_, host)) = inside.split_once('@') {
            return domain_of(host);
        }
    }
}

fn domain_of(host: &str) -> Option<&str> {
    let end = host
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '.' && c != '-')
        .unwrap_or(host.len());
    let domain = host[..end].trim_end_matches('.');
    domain.contains('.').then_some(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_follow_are_attributed() {
        assert!(is_attributed(" <ow@depot.example> on 09/12/2000 07:49:26"));
        assert!(is_attributed(" <ow@depot.example> wrote:"));
        assert!(!is_attributed(" <ow@depot.example> on Monday"));
    }

    #[test]
    fn the_address_of_a_name_stands_behind_it() {
        for (after, domain) in [
            (" <a@depot.example> wrote:", Some("depot.example")),
            ("\" [mailto:a@depot.example]", Some("depot.example")),
            (" (E-mail)\" <a@depot.example>", Some("depot.example")),
            (" A. <a.b@mail.depot.example>;", Some("mail.depot.example")),
            ("; Ann Hall <a@depot.example>", None),
            (", Ann Hall <a@depot.example>", None),
            ("\n\n<a@depot.example>", None),
            (" (Legal)", None),
            (" <", None),
            ("", None),
        ] {
            assert_eq!(address_behind(after), domain, "{after}");
        }
    }
}
