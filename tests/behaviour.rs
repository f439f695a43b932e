//! Automatic forwarding that only many messages together show, under a turned clock, and what must not be taken for it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use beadle::limits::{Budget, Limits};
use beadle::mail::{Address, Domain, Envelope};
use beadle::mime;
use beadle::policy::behaviour::{
    Behaviour, IDS_AT_MOST, Moment, PAIRS_AT_MOST, Passage, Shape, Snapshot,
};
use beadle::policy::sighting::{Sighting, adds_nothing};
use beadle::policy::{ClientFacts, Policy};
use jiff::{Span, Timestamp, civil};
use proptest::prelude::*;

/// A trust's relay: its state and its clock, which stands at nine on a Monday.
struct Trust {
    state: Behaviour,
    policy: Policy,
    now: Timestamp,
    sent: u32,
}

/// One message: who hands it over for whom, and its text.
struct Mail<'a> {
    from: &'a str,
    to: &'a [&'a str],
    text: String,
}

const HOME: &[&str] = &["jo.private@mail.example"];

impl Trust {
    fn new() -> Self {
        let internal = [Domain::parse("trust.example").unwrap()];
        Self {
            state: Behaviour::default(),
            policy: Policy::embedded("standard")
                .unwrap()
                .with_domains(&internal, &[]),
            now: "2026-11-02T09:00:00Z".parse().unwrap(),
            sent: 0,
        }
    }

    fn moment(&self) -> Moment {
        Moment::new(self.now, local(self.now))
    }

    fn turn(&mut self, hours: i64, minutes: i64) {
        self.now += Span::new().hours(hours).minutes(minutes);
    }

    /// Turns the clock to this hour of the next day.
    fn turn_to(&mut self, hour: i8) {
        let day = local(self.now).date().tomorrow().unwrap();
        let at = day.at(hour, 20, 0, 0);
        self.now = jiff::tz::Offset::UTC.to_timestamp(at).unwrap();
    }

    fn passage(&mut self, mail: &Mail<'_>) -> Passage {
        self.sent += 1;
        let raw = mail.text.replace('\n', "\r\n");
        let headers = mime::headers::section(raw.as_bytes()).headers;
        let from = (!mail.from.is_empty()).then(|| Address::parse(mail.from).unwrap());
        let envelope = Envelope::of(from, mail.to.iter().map(|to| Address::parse(to).unwrap()));
        let client = ClientFacts { own_server: true };
        let classes = &self.policy.classes;
        let mut sighting = Sighting::of(&envelope, client, &headers, classes, self.now);
        if sighting.asks_for_body() {
            let budget = Budget::new(Arc::new(Limits::default()));
            sighting.read(adds_nothing(&mime::parse(raw.as_bytes(), &budget)));
        }
        sighting.hashed(hash)
    }

    /// Sends a message and gives its marks.
    fn send(&mut self, mail: &Mail<'_>) -> Vec<Arc<str>> {
        let passage = self.passage(mail);
        let marks = self.state.marks(&passage, self.moment());
        self.state.note(&passage, self.moment());
        assert!(marks.iter().all(|mark| mark.score < 70), "{marks:?}");
        marks.into_iter().map(|mark| mark.id).collect()
    }

    fn quiet(&mut self, mail: &Mail<'_>) {
        let marks = self.send(mail);
        assert!(marks.is_empty(), "{marks:?} at {}: {}", self.now, mail.text);
    }

    /// A message of an outside author that jo's mailbox redirects, written so many seconds ago.
    fn redirected(&self, author: &str, seconds: i64) -> Mail<'static> {
        Mail {
            from: "jo@trust.example",
            to: HOME,
            text: format!(
                "From: {author}\nTo: jo@trust.example\nSubject: News\nDate: {}\nMessage-ID: <{}.{author}>\n\nHello.\n",
                date(self.now - Span::new().seconds(seconds)),
                self.sent
            ),
        }
    }

    /// What Outlook makes of a rule that it runs itself, or a person who presses Forward and adds `words`.
    fn passed_on(&self, to: &'static [&'static str], words: &str) -> Mail<'static> {
        Mail {
            from: "jo@trust.example",
            to,
            text: format!(
                "From: Jo <jo@trust.example>\nTo: {}\nSubject: FW: Trip\nDate: {}\nMessage-ID: <{}@trust.example>\n\
                 In-Reply-To: <{}@home.example>\n\n{words}\n\n-----Original Message-----\nFrom: A Parent <parent@home.example>\nSent: Monday\n\
                 To: Jo <jo@trust.example>\nSubject: Trip\n\nAre there places left?\n",
                to[0],
                date(self.now),
                self.sent,
                self.sent
            ),
        }
    }
}

fn local(at: Timestamp) -> civil::DateTime {
    jiff::tz::Offset::UTC.to_datetime(at)
}

fn date(at: Timestamp) -> String {
    jiff::fmt::rfc2822::to_string(&at.to_zoned_datetime(jiff::tz::TimeZone::UTC)).unwrap()
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn has(marks: &[Arc<str>], id: &str) -> bool {
    marks.iter().any(|mark| **mark == *id)
}

#[test]
fn b1_forwarded_mail_at_all_hours_of_the_night() {
    let mut trust = Trust::new();
    for (hour, marked) in [
        (2, false),
        (14, false),
        (5, false),
        (23, false),
        (2, false),
        (3, true),
        (15, true),
    ] {
        trust.turn_to(hour);
        let mail = trust.redirected("parent@home.example", 1_000);
        assert_eq!(has(&trust.send(&mail), "B1"), marked, "{}", trust.now);
    }
    // Four weeks of daylight later the nights are forgotten.
    for _ in 0..28 {
        trust.turn_to(12);
    }
    let mail = trust.redirected("parent@home.example", 1_000);
    trust.quiet(&mail);
}

#[test]
fn b1_takes_three_nights() {
    let mut trust = Trust::new();
    trust.turn_to(0);
    for _ in 0..5 {
        let mail = trust.redirected("parent@home.example", 1_000);
        trust.quiet(&mail);
        trust.turn(1, 0);
    }
}

#[test]
fn b2_mail_that_goes_out_again_at_once() {
    let mut trust = Trust::new();
    for number in 1..=6 {
        let mail = trust.redirected("parent@home.example", 8);
        assert_eq!(has(&trust.send(&mail), "B2"), number >= 5, "{number}");
        trust.turn(0, 50);
    }
    // A clock that is ahead of ours is no delay; an old date is one.
    let mail = trust.redirected("parent@home.example", -90);
    assert!(has(&trust.send(&mail), "B2"));
    trust.turn(25, 0);
    let mail = trust.redirected("parent@home.example", 8);
    trust.quiet(&mail);
}

#[test]
fn b2_leaves_a_person_alone_who_redirects_what_was_read() {
    let mut trust = Trust::new();
    for _ in 0..12 {
        let mail = trust.redirected("parent@home.example", 40 * 60);
        trust.quiet(&mail);
        trust.turn(0, 20);
    }
}

#[test]
fn b3_a_message_that_came_in_goes_out_again() {
    let mut trust = Trust::new();
    let text = "From: parent@home.example\nTo: jo@trust.example\nMessage-ID: <77@home.example>\n\nHello.\n";
    let came_in = Mail {
        from: "parent@home.example",
        to: &["jo@trust.example"],
        text: text.to_owned(),
    };
    trust.quiet(&came_in);
    trust.turn(0, 1);
    let goes_out = Mail {
        from: "jo@trust.example",
        to: HOME,
        text: text.to_owned(),
    };
    assert!(has(&trust.send(&goes_out), "B3"));
    trust.turn(48, 1);
    trust.quiet(&goes_out);
}

#[test]
fn b3_a_quotation_follows_at_once_on_what_it_quotes() {
    for (seconds, marked) in [(5, true), (600, false)] {
        let mut trust = Trust::new();
        let came_in = Mail {
            from: "parent@home.example",
            to: &["jo@trust.example"],
            text: "From: parent@home.example\nTo: jo@trust.example\nMessage-ID: <1@home.example>\n\nHello.\n".to_owned(),
        };
        trust.quiet(&came_in);
        trust.now += Span::new().seconds(seconds);
        let mail = trust.passed_on(HOME, "");
        assert_eq!(has(&trust.send(&mail), "B3"), marked);
    }
}

#[test]
fn b3_a_colleagues_message_comes_again_from_another_mailbox() {
    let mut trust = Trust::new();
    let text = "From: head@trust.example\nTo: staff@trust.example, governor@home.example\nMessage-ID: <5@trust.example>\nDate: Mon, 2 Nov 2026 09:00:00 +0000\n\nAgenda.\n";
    let first = |from, to| Mail {
        from,
        to,
        text: text.to_owned(),
    };
    trust.quiet(&first("head@trust.example", &["governor@home.example"]));
    // The server hands the same message over once for each domain, and once more for a blind copy; a client tries again.
    trust.quiet(&first("head@trust.example", &["blind@council.example"]));
    trust.quiet(&first("head@trust.example", &["governor@home.example"]));
    trust.quiet(&first("Head+x@trust.example", &["other@home.example"]));
    assert!(has(&trust.send(&first("jo@trust.example", HOME)), "B3"));
}

#[test]
fn b4_several_outside_senders_to_one_outside_address() {
    let mut trust = Trust::new();
    for (author, marked) in [
        ("parent@home.example", false),
        ("shop@letters.example", false),
        ("other@home.example", false),
        ("nurse@clinic.example", true),
    ] {
        let mail = trust.redirected(author, 4_000);
        assert_eq!(has(&trust.send(&mail), "B4"), marked, "{author}");
        trust.turn(30, 0);
    }
    trust.turn(8 * 24, 0);
    let mail = trust.redirected("parent@home.example", 4_000);
    trust.quiet(&mail);
}

#[test]
fn b4_counts_mail_whose_mailbox_nobody_names() {
    let mut trust = Trust::new();
    let mut last = Vec::new();
    for author in ["a@one.example", "b@two.example", "c@three.example"] {
        let mut mail = trust.redirected(author, 4_000);
        mail.from = "SRS0=ab=cd=one.example=a@trust.example";
        last = trust.send(&mail);
    }
    assert!(has(&last, "B4"));
}

#[test]
fn af_client_rule_behaviour() {
    let mut trust = Trust::new();
    let mut marked = Vec::new();
    for day in 0..4 {
        for hour in [1, 4, 7, 9, 10, 12, 15, 18, 21] {
            if day > 0 || hour > 9 {
                let at = civil::date(2026, 11, 2 + day).at(hour, 7, 0, 0);
                trust.now = jiff::tz::Offset::UTC.to_timestamp(at).unwrap();
                let mail = trust.passed_on(HOME, "");
                marked.push(trust.send(&mail));
            }
        }
        // One of them arrives in the small hours as well.
        trust.turn_to(3);
        let mail = trust.passed_on(HOME, "");
        marked.push(trust.send(&mail));
    }
    assert!(marked.iter().take(10).all(Vec::is_empty), "{marked:?}");
    let last = marked.last().unwrap();
    assert!(has(last, "B5") && has(last, "B1"), "{last:?}");
}

#[test]
fn a_person_who_passes_mail_on_by_hand_is_left_alone() {
    let mut trust = Trust::new();
    for _ in 0..25 {
        // From breakfast to midnight, to one colleague outside, seldom with a word.
        for hour in [7, 9, 12, 16, 19, 22] {
            let mail = trust.passed_on(&["partner.teacher@college.example"], "");
            trust.quiet(&mail);
            trust.turn_to(hour);
        }
    }
    // Awake at night, and with something to say.
    for hour in [1, 2, 3, 4, 5, 1, 2, 3] {
        trust.turn_to(hour);
        let mail = trust.passed_on(
            &["partner.teacher@college.example"],
            "Could you look at this?",
        );
        trust.quiet(&mail);
    }
}

#[test]
fn a_mailbox_that_passes_mail_on_to_many_is_no_rule_of_its_own() {
    let mut trust = Trust::new();
    let mut marks = Vec::new();
    for (index, hour) in [1, 8, 9, 10, 11, 12, 3, 13, 14, 15, 16, 17, 5, 18, 19, 20]
        .into_iter()
        .enumerate()
    {
        trust.turn_to(hour);
        let to: &[&str] = if index % 3 == 0 {
            &["b@two.example"]
        } else {
            HOME
        };
        let mail = trust.passed_on(to, "");
        marks.extend(trust.send(&mail));
    }
    assert!(!has(&marks, "B5"), "{marks:?}");
}

#[test]
fn a_person_who_often_writes_to_one_colleague_outside_is_left_alone() {
    let mut trust = Trust::new();
    for number in 0..400 {
        let mail = Mail {
            from: "jo@trust.example",
            to: &["partner.teacher@college.example"],
            text: format!(
                "From: jo@trust.example\nTo: partner.teacher@college.example\nSubject: RE: Trip\nDate: {}\nMessage-ID: <{number}@trust.example>\nIn-Reply-To: <9@college.example>\n\nYes.\n",
                date(trust.now)
            ),
        };
        trust.quiet(&mail);
        trust.turn(1, 7);
    }
    assert_eq!(trust.state.sizes().0, 0, "nothing is kept of ordinary mail");
}

#[test]
fn a_system_that_reports_to_a_fixed_address_is_left_alone() {
    let mut trust = Trust::new();
    for number in 0..24 * 30 {
        let mail = Mail {
            from: "mis@trust.example",
            to: &["intake@vendor.example"],
            text: format!(
                "From: MIS <mis@trust.example>\nTo: intake@vendor.example\nSubject: Nightly export\nDate: {}\nMessage-ID: <{number}.mis@trust.example>\n\nDone.\n",
                date(trust.now)
            ),
        };
        trust.quiet(&mail);
        trust.turn(1, 0);
    }
}

#[test]
fn a_form_that_writes_in_a_visitors_name_is_left_alone() {
    let mut trust = Trust::new();
    let forms = [
        "Sender: www@trust.example\nMessage-ID: <{}@form.example>",
        "Message-ID: <{}@www.trust.example>",
    ];
    for number in 0..60 {
        let identity = forms[number % 2].replace("{}", &number.to_string());
        let mail = Mail {
            from: "www@trust.example",
            to: &["support@contractor.example"],
            text: format!(
                "From: visitor@v{}.example\nTo: support@contractor.example\nSubject: Form\nDate: {}\n{identity}\n\nHello.\n",
                number % 7,
                date(trust.now)
            ),
        };
        trust.quiet(&mail);
        trust.turn(1, 0);
    }
}

#[test]
fn a_newsletter_mailbox_is_left_alone() {
    let mut trust = Trust::new();
    // It writes to parents by the hundred under bounce addresses of its own, one message with one Message-ID for all of them ...
    for number in 0..300 {
        let mail = Mail {
            from: "news+b17@trust.example",
            to: &["parent@home.example"],
            text: format!(
                "From: News <news@trust.example>\nTo: parent@home.example\nCc: news@trust.example\nSubject: Week {}\nDate: {}\nMessage-ID: <w{}@trust.example>\n\nHello.\n",
                number / 100,
                date(trust.now),
                number / 100
            ),
        };
        trust.quiet(&mail);
    }
    // ... and a person passes the newsletters that it gets on to a colleague, each morning.
    for _ in 0..60 {
        trust.turn_to(8);
        let mail = trust.passed_on(&["editor@print.example"], "");
        trust.quiet(&mail);
    }
}

#[test]
fn vacation_replies_reports_and_lists_are_no_forwards() {
    let mut trust = Trust::new();
    let kinds = [
        (
            "",
            "From: jo@trust.example\nAuto-Submitted: auto-replied\nSubject: FW: Away\nIn-Reply-To: <1@home.example>",
        ),
        (
            "",
            "From: mailer-daemon@trust.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b",
        ),
        (
            "parents-bounces@lists.trust.example",
            "From: visitor@home.example\nList-Id: <parents.lists.trust.example>\nDelivered-To: parents@lists.trust.example",
        ),
        (
            "jo@trust.example",
            "From: parent@home.example\nResent-From: jo@trust.example\nResent-To: a@home.example\nResent-Date: Mon, 2 Nov 2026 09:00:00 +0000",
        ),
    ];
    for hour in [1, 2, 3, 4, 5, 1, 2, 3] {
        trust.turn_to(hour);
        for (from, headers) in kinds {
            for number in 0..6 {
                let text = format!(
                    "{headers}\nDate: {}\nMessage-ID: <{hour}@v{number}.example>\n\n-----Original Message-----\n",
                    date(trust.now)
                );
                let mail = Mail {
                    from,
                    to: &["a@home.example"],
                    text: text.replace("visitor@home", &format!("visitor@v{number}")),
                };
                trust.quiet(&mail);
            }
        }
    }
}

#[test]
fn a_restart_forgets_nothing() {
    let mut trust = Trust::new();
    for _ in 0..4 {
        let mail = trust.redirected("parent@home.example", 8);
        trust.quiet(&mail);
        trust.turn(0, 10);
    }
    let text = serde_json::to_string(&trust.state.snapshot()).unwrap();
    assert!(
        !text.contains("home.example") && !text.contains("jo"),
        "hashes only"
    );
    let kept: Snapshot = serde_json::from_str(&text).unwrap();
    trust.state = Behaviour::restored(kept);
    assert_eq!(
        serde_json::to_string(&trust.state.snapshot()).unwrap(),
        text
    );
    let mail = trust.redirected("parent@home.example", 8);
    assert!(has(&trust.send(&mail), "B2"));
}

#[test]
fn memory_is_bounded_and_the_oldest_goes_first() {
    let mut trust = Trust::new();
    let passage = |number: u64| Passage {
        mailbox: Some(number),
        targets: vec![number],
        shape: Shape::Relayed,
        author_domain: 1,
        lag: Some(1),
        message_id: Some(number),
        shared_inside: true,
        ..Passage::default()
    };
    let many = (IDS_AT_MOST + 500) as u64;
    for number in 0..many {
        trust.now += Span::new().seconds(1);
        let mut passage = passage(number);
        if number < many - 3_000 {
            passage.shape = Shape::Ordinary;
        }
        trust.state.note(&passage, trust.moment());
    }
    assert_eq!(trust.state.sizes(), (PAIRS_AT_MOST, IDS_AT_MOST));
    let snapshot = trust.state.snapshot();
    assert_eq!(
        Behaviour::restored(snapshot).sizes(),
        (PAIRS_AT_MOST, IDS_AT_MOST)
    );
    let again = |number| Passage {
        mailbox: Some(many),
        ..passage(number)
    };
    assert!(
        trust.state.marks(&again(0), trust.moment()).is_empty(),
        "forgotten"
    );
    let marks = trust.state.marks(&again(many - 1), trust.moment());
    assert_eq!(&*marks[0].id, "B3");
    trust.turn(49, 0);
    trust.state.forget(trust.moment());
    assert_eq!(trust.state.sizes(), (PAIRS_AT_MOST, 0));
    trust.turn(90 * 24, 0);
    trust.state.forget(trust.moment());
    assert_eq!(trust.state.sizes(), (0, 0));
}

proptest! {
    #[test]
    fn any_order_of_times_is_survived(steps in proptest::collection::vec((any::<i32>(), 0u64..4, 0u8..3, any::<u32>()), 0..60)) {
        let mut state = Behaviour::default();
        for (seconds, number, shape, lag) in steps {
            let at = Timestamp::from_second(i64::from(seconds)).unwrap();
            let passage = Passage {
                mailbox: Some(number / 2),
                targets: vec![number],
                shape: [Shape::Ordinary, Shape::Relayed, Shape::Quoted][usize::from(shape)],
                author_domain: number,
                lag: Some(lag),
                message_id: Some(number),
                ..Passage::default()
            };
            let now = Moment::new(at, local(at));
            let marks = state.marks(&passage, now);
            prop_assert!(marks.iter().all(|mark| mark.score < 70));
            state.note(&passage, now);
            state.forget(now);
            prop_assert_eq!(Behaviour::restored(state.snapshot()).snapshot(), state.snapshot());
        }
    }
}
