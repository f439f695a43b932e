//! What explains marks of forwarding: reports, automatic answers, the trust's own lists, journals, calendars, a person who redirects.
//!
//! # Invariants
//! An exclusion asks for an envelope or author of the trust beside the header that claims it: anybody can write a header.
//!
//! # Standards
//! RFC 3834 (Auto-Submitted), RFC 5322 3.6.6 (Resent fields), RFC 2919 and RFC 2369 (List fields), RFC 6522 (reports).

use super::auto_forward::{Marks, Seen};
use super::header_text::{addresses, contains_one, list_host, starts_with};

impl Seen<'_> {
    /// RFC 6522, and bounces of older servers. Reports have the null sender (RFC 3461 6.1, RFC 8098 3); one with an outside
    /// sender is a report that is being forwarded.
    pub(super) fn is_report(&self) -> bool {
        if !self.sender_is_own_or_null() || (self.mail_from().is_some() && !self.author_is_own()) {
            return false;
        }
        let multipart = self
            .first("Content-Type")
            .is_some_and(|value| starts_with(value, "multipart/report"));
        let senders = &self.patterns.file.exclusions.report_senders;
        multipart
            || (self.mail_from().is_none()
                && self
                    .from
                    .iter()
                    .any(|a| senders.contains(&a.local().to_lowercase())))
    }

    /// RFC 3834; the last branch is the shape of Exchange's out-of-office and template replies, which carry F1.
    pub(super) fn is_auto_reply(&self, marks: &Marks) -> bool {
        let words = &self.patterns.file.exclusions;
        let own = self.sender_is_own_or_null() && self.author_is_own();
        if !own || marks.has(&words.never_with_reply) {
            return false;
        }
        let submitted = self.first("Auto-Submitted").unwrap_or_default();
        let said = words
            .auto_submitted
            .iter()
            .any(|w| starts_with(submitted, w))
            || words
                .auto_reply_headers
                .iter()
                .any(|name| self.first(name).is_some_and(|value| value != "no"))
            || self
                .first("Precedence")
                .is_some_and(|v| words.precedence.iter().any(|w| v.eq_ignore_ascii_case(w)));
        said || (starts_with(submitted, "auto-generated") && self.is_exchange_reply())
    }

    fn is_exchange_reply(&self) -> bool {
        let suppress = self.first("X-Auto-Response-Suppress").unwrap_or_default();
        let subject = self.first("Subject").unwrap_or_default();
        let forwards = &self.patterns.file.exclusions.forward_subjects;
        self.mail_from().is_none()
            && suppress
                .split(',')
                .any(|w| ["all", "oof"].contains(&w.trim().to_ascii_lowercase().as_str()))
            && self.facts.envelope.rcpts.len() == 1
            && self.facts.content.files.is_empty()
            && !forwards.iter().any(|prefix| starts_with(subject, prefix))
    }

    /// A List header alone is no excuse: newsletters that a mailbox forwards carry them too.
    pub(super) fn is_own_list(&self) -> bool {
        let names = ["List-Id", "List-Post", "List-Unsubscribe"];
        let Some(sender) = self.mail_from() else {
            return false;
        };
        let local = sender.local().to_lowercase();
        let own_host = self.first("List-Id").is_none_or(|id| {
            list_host(id).is_some_and(|host| self.classes.of_domain(&host).is_internal())
        });
        names.iter().any(|name| self.first(name).is_some())
            && self.is_own(sender)
            && contains_one(&local, &self.patterns.file.exclusions.list_senders)
            && own_host
    }

    pub(super) fn is_journal(&self) -> bool {
        let source = self
            .first("X-MS-Exchange-Generated-Message-Source")
            .unwrap_or_default();
        let agents = ["Journal Agent", "Approval Processing Agent"];
        let said = self.facts.headers.has("X-MS-Journal-Report")
            || source.split(',').any(|name| agents.contains(&name.trim()));
        let archive = self
            .classes
            .position(&self.patterns.file.exclusions.journal_class);
        let to_archive = archive.is_none_or(|index| {
            let rcpts = &self.facts.envelope.rcpts;
            rcpts.iter().all(|rcpt| {
                rcpt.address().is_some_and(|address| {
                    let set = self.classes.of(address);
                    set.has(index) || set.is_internal()
                })
            })
        });
        said && to_archive && self.sender_is_own_or_null() && !self.author_is_outside()
    }

    /// Google Calendar sends in the name of an account of ours; without that name it is an invitation that came in and goes out again.
    pub(super) fn is_from_calendar(&self) -> bool {
        let services = &self.patterns.file.exclusions.calendar_senders;
        let own = self.from.iter().any(|address| self.is_own(address));
        own && self.mail_from().is_some_and(|sender| {
            let domain = sender.domain().as_str();
            services.iter().any(|service| service == domain)
        })
    }

    /// RFC 5322 3.6.6: a person's program adds the whole Resent block and submits under the person's address.
    pub(super) fn is_manual_redirect(&self) -> bool {
        let headers = self.facts.headers;
        let own = headers
            .first("Resent-From")
            .is_some_and(|value| addresses(value).iter().any(|a| self.may_be_own(a)));
        own && headers.has("Resent-To")
            && (headers.has("Resent-Message-ID") || headers.has("Resent-Date"))
            && self
                .mail_from()
                .is_some_and(|sender| self.may_be_own(sender))
    }
}
