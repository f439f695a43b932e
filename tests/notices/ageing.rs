//! Reminders under a clock that is turned: over a weekend, over holidays with an end in them, by two nodes, and after a restart.

use jiff::civil::DateTime;

use super::*;

fn at(when: DateTime) -> SystemTime {
    let zone = jiff::tz::TimeZone::get("Europe/London").unwrap();
    zone.to_timestamp(when).unwrap().try_into().unwrap()
}

/// Friday 4 December 2026 and the days after it.
fn december(day: i8, hour: i8) -> DateTime {
    jiff::civil::date(2026, 12, day).at(hour, 0, 0, 0)
}

async fn hold(bench: &Bench, number: u8, arrived: DateTime) {
    let mut held = received(number, SENDER, OUTSIDE, &marked(number, "", NAMED));
    held.arrived = at(arrived);
    let reply = bench.accept(held).await;
    assert!(reply.contains("held for review"), "{reply}");
}

/// Reminders by the time they were sent, of a round at every hour from `from` up to `to`.
async fn reminders(bench: &Bench, from: DateTime, to: DateTime) -> Vec<(DateTime, Sent)> {
    let mut found = Vec::new();
    let mut hour = from;
    while hour <= to {
        bench.notices.round(&bench.tools, at(hour)).await.unwrap();
        let sent = bench.sent_at(at(hour)).await;
        let sent = sent.into_iter().filter(|sent| sent.kind == "role-ageing");
        found.extend(sent.map(|sent| (hour, sent)));
        hour = hour.checked_add(jiff::Span::new().hours(1)).unwrap();
    }
    found
}

#[tokio::test]
async fn a_weekend_makes_nothing_old_and_what_grew_old_stands_in_one_message() {
    let bench = bench().await;
    hold(&bench, 1, december(4, 14)).await;
    hold(&bench, 2, december(4, 15)).await;
    hold(&bench, 3, december(5, 10)).await;
    let found = reminders(&bench, december(4, 9), december(9, 18)).await;
    let times: Vec<_> = found.iter().map(|(hour, _)| *hour).collect();
    assert_eq!(
        times,
        [
            december(7, 16),
            december(8, 8),
            december(8, 16),
            december(9, 8),
            december(9, 16)
        ],
        "24 hours of Friday's are over on Monday afternoon, of Saturday's on Monday night"
    );
    assert!(
        found
            .iter()
            .all(|(_, sent)| sent.to == ["dpo@trust.example"]),
        "the head and IT do not review"
    );
    let said = |index: usize, text: &str| {
        let flat = found[index].1.text.split_whitespace();
        let flat = flat.collect::<Vec<_>>().join(" ");
        assert!(flat.contains(text), "{text} in {flat}");
    };
    said(
        0,
        "- 2 for longer than 24 hours, the first ends undecided in 26 days",
    );
    said(1, "- 3 for longer than 24 hours");
    said(
        2,
        "- 2 for longer than 48 hours, the first ends undecided in 25 days - 1 for longer than 24 hours",
    );
    assert!(found[0].1.subject.contains("2 held messages wait"));
    assert!(!found[0].1.text.contains("within 3 days"));
}

#[tokio::test]
async fn what_is_about_to_end_is_said_in_the_holidays_too() {
    let bench = bench_with(POLICY, |settings| {
        let holidays = ["2026-12-19/2027-01-08".to_owned()];
        settings.calendar = Calendar::parse(&holidays).unwrap();
    })
    .await;
    hold(&bench, 1, december(4, 14)).await;
    let first = |day| jiff::civil::date(2027, 1, day).at(8, 0, 0, 0);
    let before = reminders(&bench, december(4, 9), december(18, 18)).await;
    assert_eq!(before.len(), 10, "each working day: 7 to 18 December");
    let found = reminders(&bench, december(18, 19), first(6)).await;
    let times: Vec<_> = found.iter().map(|(hour, _)| *hour).collect();
    assert_eq!(
        times,
        [december(31, 8), first(1), first(2), first(3)],
        "it ends on 3 January at 14:00"
    );
    let text = found[0].1.text.replace("\r\n", " ");
    assert!(
        text.contains("1 will end undecided within 3 days."),
        "{text}"
    );
    assert!(found[3].1.text.contains("undecided today"));
}

#[tokio::test]
async fn a_reminder_comes_once_from_two_nodes_and_after_a_restart_and_is_made_up_for() {
    let bench = bench().await;
    hold(&bench, 1, december(4, 14)).await;
    assert_eq!(reminders(&bench, december(4, 15), december(6, 9)).await, []);
    // The relay is off until Tuesday morning; then two nodes look at the clock at once.
    let tuesday = at(december(8, 8));
    let other = Notices::new(
        Settings {
            from: Address::parse("dataprotection@trust.example").unwrap(),
            trust: TrustText::default(),
            digest_at: jiff::civil::time(7, 30, 0, 0),
            limits: Limits {
                per_role: 3,
                per_sender: 5,
            },
            links: None,
            schools: Schools::default(),
            ageing: Some(Duration::from_hours(24)),
            calendar: Calendar::default(),
        },
        Templates::embedded(),
        bench.store.clone(),
    );
    let (one, two) = tokio::join!(
        bench.notices.round(&bench.tools, tuesday),
        other.round(&bench.tools, tuesday)
    );
    one.and(two).unwrap();
    let sent = bench.sent_at(tuesday).await;
    let ageing = sent.iter().filter(|sent| sent.kind == "role-ageing");
    assert_eq!(ageing.count(), 1, "{sent:?}");
    // The process dies once it is kept, and begins anew within the hour.
    bench.store.close().await;
    let config = Config::new(bench.folder.path());
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    let store = Custody::open(config, key).await.unwrap();
    let queued = store.list_queue(None, 100).await.unwrap().len();
    let again = Notices::new(
        Settings {
            from: Address::parse("dataprotection@trust.example").unwrap(),
            trust: TrustText::default(),
            digest_at: jiff::civil::time(7, 30, 0, 0),
            limits: Limits {
                per_role: 3,
                per_sender: 5,
            },
            links: None,
            schools: Schools::default(),
            ageing: Some(Duration::from_hours(24)),
            calendar: Calendar::default(),
        },
        Templates::embedded(),
        store.clone(),
    );
    let later = tuesday + Duration::from_mins(30);
    again.round(&bench.tools, later).await.unwrap();
    assert_eq!(store.list_queue(None, 100).await.unwrap().len(), queued);
}

#[tokio::test]
async fn nobody_is_reminded_when_that_is_off_or_once_it_is_decided() {
    let off = bench_with(POLICY, |settings| settings.ageing = None).await;
    hold(&off, 1, december(4, 14)).await;
    assert_eq!(reminders(&off, december(4, 15), december(8, 18)).await, []);
    let bench = bench().await;
    hold(&bench, 1, december(4, 14)).await;
    let desk = Desk::new(bench.store.clone(), Arc::new(|_| None));
    let by = By {
        actor: "dpo",
        reason: "not needed",
        at: at(december(4, 16)),
    };
    let id = received(1, SENDER, OUTSIDE, "").id;
    desk.refuse(id, by, Tell::Nobody).await.unwrap();
    assert_eq!(
        reminders(&bench, december(4, 17), december(8, 18)).await,
        []
    );
}
