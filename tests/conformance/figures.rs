//! What reports count, what reviewers judge, and breaches: by both databases, to one node and to several.

use std::time::Duration;

use beadle::detect::Category;
use beadle::policy::Severity;
use beadle::quarantine::{Tell, To};
use beadle::store::{
    Custody, FigureOutcome, Figures, IncidentAnswers, IncidentDraft, IncidentError, Judgement,
    Origin, Refusal, StoreError,
};

use crate::fixtures::{DAY, NAME, address, by, desk, id, new_hold, start};
use crate::place::Place;

fn origin(school: &str) -> Origin {
    Origin {
        school: Some(school.into()),
        group: Some("office".into()),
        sender: Some(-7),
    }
}

fn refusal(byte: u8) -> Refusal {
    Refusal {
        id: id(byte),
        at: start() + Duration::from_secs(u64::from(byte)),
        rules: vec!["subject-name".into(), "body-name".into()],
        categories: vec![Category::Medical],
        explanation: "Refused under policy standard.".into(),
        severity: Some(Severity::Criminal),
        people: 3,
        origin: origin("elm"),
    }
}

fn outcomes(figures: &Figures) -> Vec<FigureOutcome> {
    let all = figures.between(0, i64::MAX);
    all.iter().map(|figure| figure.outcome).collect()
}

pub async fn figures_follow_every_act_and_outlive_the_content(place: Place) {
    let store = place.open().await;
    let now = start() + Duration::from_mins(20);
    let mut new = new_hold(1);
    new.origin = origin("oak");
    store.hold(new).await.unwrap();
    for byte in 2..=4 {
        store.hold(new_hold(byte)).await.unwrap();
    }
    // Read once before anything is decided: what follows is followed and not read anew.
    let first = store.figures(now).await.unwrap();
    assert_eq!(outcomes(&first), [FigureOutcome::Waiting; 4]);
    store.record_refusal(&refusal(5)).await.unwrap();
    let desk = desk(&store);
    desk.release(id(1), by("consent"), To::All).await.unwrap();
    desk.refuse(id(2), by("no"), Tell::Nobody).await.unwrap();
    let judge = |number, judgement, actor| store.judge_hold(id(number), judgement, actor, now);
    judge(1, Judgement::Partly, "a.reviewer").await.unwrap();
    judge(1, Judgement::Wrong, "b.reviewer").await.unwrap();
    assert_eq!(
        judge(77, Judgement::Right, "a.reviewer").await,
        Err(StoreError::Missing)
    );
    let figures = store.figures(now).await.unwrap();
    let expected = [
        FigureOutcome::Released,
        FigureOutcome::Refused,
        FigureOutcome::Waiting,
        FigureOutcome::Waiting,
        FigureOutcome::TurnedAway,
    ];
    assert_eq!(outcomes(&figures), expected);
    let released = figures.get(id(1)).unwrap();
    assert_eq!(released.judgement, Some(Judgement::Wrong));
    assert_eq!(released.decided_after, Some(599));
    assert_eq!(
        (released.severity, released.people),
        (Some(Severity::High), 1)
    );
    assert_eq!(figures.school(released), Some("oak"));
    assert_eq!(figures.group(released), Some("office"));
    assert_eq!(released.sender, Some(-7));
    assert_eq!(figures.rules(released).collect::<Vec<_>>(), ["body-name"]);
    assert_eq!(figures.categories(released), [Category::PupilName]);
    let turned = figures.get(id(5)).unwrap();
    assert_eq!(
        (turned.severity, turned.people),
        (Some(Severity::Criminal), 3)
    );
    assert_eq!(figures.school(turned), Some("elm"));
    // A snapshot that somebody holds does not change under them.
    assert_eq!(outcomes(&first), [FigureOutcome::Waiting; 4]);

    // The content ends; what was decided and judged stays, for this process and for the next.
    let later = start() + 200 * DAY;
    store.expire_due(later).await.unwrap();
    // A release on its way keeps its content; a refusal does not.
    assert_eq!(store.open_hold(id(2)).await, Err(StoreError::Missing));
    let ended = [
        FigureOutcome::Released,
        FigureOutcome::Refused,
        FigureOutcome::Expired,
        FigureOutcome::Expired,
        FigureOutcome::TurnedAway,
    ];
    assert_eq!(outcomes(&store.figures(later).await.unwrap()), ended);
    let other = place.node(1).await;
    let read = other.figures(later).await.unwrap();
    assert_eq!(outcomes(&read), ended);
    assert_eq!(read.get(id(1)).unwrap().judgement, Some(Judgement::Wrong));
    // Also a purged hold can be judged.
    other
        .judge_hold(id(2), Judgement::Right, "a.reviewer", later)
        .await
        .unwrap();
    let followed = store.figures(later).await.unwrap();
    assert_eq!(
        followed.get(id(2)).unwrap().judgement,
        Some(Judgement::Right)
    );
    judged_twice(&store).await;
    assert_eq!(store.verify_ledger(None).await.unwrap().first_bad, None);
}

/// The ledger has both judgements of the first hold, each with the one before.
async fn judged_twice(store: &Custody) {
    let about = id(1).to_string();
    let judged = store.ledger_of(1, 100, Some(&about), None);
    let judged = judged.await.unwrap();
    let judged: Vec<&str> = judged
        .iter()
        .filter(|entry| entry.action == "judged")
        .map(|entry| entry.detail.as_str())
        .collect();
    assert_eq!(
        judged,
        [
            r#"{"before":null,"judgement":"partly"}"#,
            r#"{"before":"partly","judgement":"wrong"}"#
        ]
    );
}

pub async fn a_sender_is_the_same_again_and_no_more(place: Place) {
    let store = place.open().await;
    let token = |text| store.sender_token(&address(text));
    assert_eq!(
        token("A.Teacher@trust.example"),
        token("a.teacher@TRUST.example")
    );
    assert_ne!(
        token("a.teacher@trust.example"),
        token("b.teacher@trust.example")
    );
    let other = place.node(1).await;
    assert_eq!(
        other.sender_token(&address("a.teacher@trust.example")),
        token("a.teacher@trust.example")
    );
}

pub async fn a_breach_is_kept_sealed_versioned_and_in_the_ledger(place: Place) {
    let store = place.open().await;
    let aware = start() - Duration::from_hours(5);
    let draft = IncidentDraft {
        aware_at: Some(aware),
        school: Some("oak".into()),
        holds: vec![id(1), id(2)],
        answers: IncidentAnswers {
            nature: format!("A list with {NAME} went out"),
            ..IncidentAnswers::default()
        },
    };
    let opened = store
        .open_incident(draft.clone(), "a.dpo", start())
        .await
        .unwrap();
    let read = store.incident(opened).await.unwrap();
    assert_eq!(read.answers, draft.answers);
    assert_eq!((read.version, read.aware_at), (1, aware));
    assert_eq!(read.due_at(), aware + Duration::from_hours(72));
    assert_eq!(read.holds, [id(1), id(2)]);

    let mut changed = draft.clone();
    changed.aware_at = None;
    changed.answers.measures = "Recalled".into();
    let at = start() + Duration::from_hours(1);
    let change = |version| store.change_incident(opened, version, changed.clone(), "a.dpo", at);
    change(1).await.unwrap();
    assert_eq!(change(1).await, Err(IncidentError::Changed));
    let read = store.incident(opened).await.unwrap();
    assert_eq!((read.version, read.aware_at), (2, aware));
    assert_eq!(read.answers.measures, "Recalled");

    let future = IncidentDraft {
        aware_at: Some(start() + DAY),
        ..IncidentDraft::default()
    };
    assert_eq!(
        store.open_incident(future, "a.dpo", start()).await,
        Err(IncidentError::Future)
    );
    let second = store
        .open_incident(IncidentDraft::default(), "a.dpo", at)
        .await
        .unwrap();
    store.close_incident(opened, 2, "a.dpo", at).await.unwrap();
    let list = store.incidents(10).await.unwrap();
    let ids: Vec<_> = list.iter().map(|incident| incident.id).collect();
    assert_eq!(ids, [second, opened]);
    assert_eq!(list[1].closed_at, Some(at));
    let prefix = opened.to_string()[..10].to_owned();
    assert_eq!(store.find_incident(&prefix).await, Ok(opened));
    let reference = opened.reference().to_string();
    assert_eq!(store.find_incident(&reference).await, Ok(opened));

    let about = opened.to_string();
    let entries = store.ledger_of(1, 100, Some(&about), None);
    let entries = entries.await.unwrap();
    let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        actions,
        ["incident-opened", "incident-changed", "incident-closed"]
    );
    assert!(entries.iter().all(|entry| !entry.detail.contains(NAME)));
    if place.is_sqlite() {
        store.close().await;
        let file = std::fs::read(place.data_dir(0).join("beadle.db")).unwrap();
        let name = NAME.as_bytes();
        assert!(!file.windows(name.len()).any(|window| window == name));
    }
}
