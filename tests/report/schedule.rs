//! Reports by mail: each once, whatever crashes, on whichever node.

use beadle::app::config::Config;
use beadle::app::reports::{Every, Schedule, ScheduledConfig};
use beadle::policy::Policy;
use beadle::report::{Form, ReportKind};
use beadle::store::{Custody, QueueState};
use mail_parser::{MessageParser, MimeHeaders as _};
use std::time::Duration;

use crate::custody::DAY;
use crate::sample::{Sample, at, open, senders, zone};

fn config() -> Config {
    let mut config = Config::default();
    config.trust.internal_domains = vec!["trust.example".into()];
    config.notices.from = Some("dpo@trust.example".into());
    config.reports.scheduled = vec![ScheduledConfig {
        name: "Heads".into(),
        report: ReportKind::Summary,
        every: Every::Week,
        format: Form::Pdf,
        to: vec!["head@oak.trust.example".into()],
        ..ScheduledConfig::default()
    }];
    config
}

async fn round(schedule: &Schedule, store: &Custody, when: &str) -> usize {
    let policy = Policy::embedded("standard").unwrap();
    schedule
        .round(store, &senders(), &policy, &zone(), at(when))
        .await
        .unwrap()
}

async fn queued(store: &Custody) -> usize {
    let all = store
        .list_queue(Some(QueueState::Waiting), 100)
        .await
        .unwrap();
    // The releases of the sample wait too.
    all.len() - 2
}

#[tokio::test]
async fn a_report_goes_out_once_a_week_whatever_happens() {
    let sample = Sample::new().await;
    let schedule = Schedule::of(&config()).unwrap().unwrap();
    let store = &sample.store;
    assert_eq!(round(&schedule, store, "2026-11-09T05:00:00").await, 0);
    assert_eq!(round(&schedule, store, "2026-11-09T06:00:00").await, 1);
    assert_eq!(round(&schedule, store, "2026-11-09T06:05:00").await, 0);
    assert_eq!(queued(store).await, 1);
    // The process ends and begins anew; another node looks too.
    let again = open(sample.folder.path()).await;
    assert_eq!(round(&schedule, &again, "2026-11-10T12:00:00").await, 0);
    let monday = "2026-11-16T06:00:00";
    let (one, other) = tokio::join!(
        round(&schedule, store, monday),
        round(&schedule, &again, monday)
    );
    assert_eq!(one + other, 1, "one node sends it");
    assert_eq!(queued(store).await, 2);
}

#[tokio::test]
async fn the_mail_carries_the_report() {
    let sample = Sample::new().await;
    let schedule = Schedule::of(&config()).unwrap().unwrap();
    let monday = "2026-11-09T06:00:00";
    round(&schedule, &sample.store, monday).await;
    let leases = sample
        .store
        .lease_due(at(monday) + DAY, "w", 10, Duration::from_mins(1))
        .await
        .unwrap();
    let mut letters = Vec::new();
    for lease in leases {
        let message = sample.store.delivery_message(&lease).await.unwrap();
        letters.push(message);
    }
    let letter = letters
        .iter()
        .filter_map(|bytes| MessageParser::new().parse(&bytes[..]))
        .find(|message| message.header("X-Beadle-Notice").is_some())
        .unwrap();
    assert_eq!(
        letter.subject(),
        Some("Mail protection: summary, 2026-11-02 to 2026-11-08")
    );
    let file = letter.attachment(0).unwrap();
    assert_eq!(
        file.attachment_name(),
        Some("summary-2026-11-02-2026-11-08.pdf")
    );
    assert!(file.contents().starts_with(b"%PDF-1.7"));
    let text = letter.body_text(0).unwrap();
    assert!(text.contains("Held for review: 2"), "{text}");
}

#[test]
fn a_schedule_that_cannot_be_used_says_so() {
    assert!(Schedule::of(&Config::default()).unwrap().is_none());
    let refused = |change: fn(&mut Config)| {
        let mut config = config();
        change(&mut config);
        Schedule::of(&config).unwrap_err()
    };
    let outside = refused(|c| c.reports.scheduled[0].to = vec!["a@elsewhere.example".into()]);
    assert!(
        outside.contains("outside trust.internal_domains"),
        "{outside}"
    );
    let breach = refused(|c| c.reports.scheduled[0].report = ReportKind::Breach);
    assert!(breach.contains("is not mailed"), "{breach}");
    let school = refused(|c| c.reports.scheduled[0].schools = vec!["ash".into()]);
    assert!(school.contains("`ash`"), "{school}");
    let twice = refused(|c| {
        let first = c.reports.scheduled[0].clone();
        c.reports.scheduled.push(first);
    });
    assert!(twice.contains("twice"), "{twice}");
    assert!(refused(|c| c.notices.from = None).contains("notices.from"));
}
