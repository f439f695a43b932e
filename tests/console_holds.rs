//! Held messages in the console: who sees what, who decides, what a decision needs, and what senders do with their own.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod console;

use axum::http::StatusCode;
use beadle::console::acts::hold_decide::{self, Why};
use beadle::console::refusal::Refusal;
use beadle::detect::Category;
use beadle::store::{HoldState, Judgement, Role};
use console::{Bench, Held, Person, bench, bench_with};

const OK: StatusCode = StatusCode::OK;
const SEE_OTHER: StatusCode = StatusCode::SEE_OTHER;
const WRONG: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
const DENIED: StatusCode = StatusCode::FORBIDDEN;
const MISSING: StatusCode = StatusCode::NOT_FOUND;
const CONFLICT: StatusCode = StatusCode::CONFLICT;

async fn dpo(bench: &Bench) -> Person {
    bench.person(Role::Dpo, &[]).await
}

#[tokio::test]
async fn the_list_shows_each_role_what_it_may_see() {
    let bench = bench().await;
    let oak = bench.hold(Held::default()).await;
    let elm = bench
        .hold(Held {
            from: "teacher@elm.trust.example",
            subject: "Sports day",
            ..Held::default()
        })
        .await;
    let none = bench
        .hold(Held {
            from: "office@trust.example",
            subject: "Budget",
            ..Held::default()
        })
        .await;
    let nursery = bench
        .hold(Held {
            from: "carer@nursery.oak.trust.example",
            subject: "Nap time",
            ..Held::default()
        })
        .await;
    let reference = |id: beadle::mail::QueueId| id.reference().to_string();

    let list = bench.get(&dpo(&bench).await, "/holds").await;
    list.is(OK)
        .says("The trip")
        .says("Sports day")
        .says("Budget")
        .says("1 to 4 of 4");

    let head = bench.person(Role::Head, &["oak"]).await;
    let list = bench.get(&head, "/holds").await;
    list.is(OK).says("The trip").says(&reference(oak));
    for other in [elm, none, nursery] {
        list.hides(&reference(other));
    }
    list.hides("Sports day").hides("Budget").hides("Nap time");

    // Several schools, and one that no longer is.
    let head = bench.person(Role::Head, &["elm", "nursery", "gone"]).await;
    let list = bench.get(&head, "/holds").await;
    list.says(&reference(elm))
        .says(&reference(nursery))
        .hides(&reference(oak));
    let gone = bench.person(Role::Head, &["gone"]).await;
    bench
        .get(&gone, "/holds")
        .await
        .is(OK)
        .says("Nothing waits");

    // IT sees addresses and never a subject; an auditor neither subject nor text.
    for role in [Role::It, Role::Auditor] {
        let list = bench.get(&bench.person(role, &[]).await, "/holds").await;
        list.is(OK)
            .says("teacher@oak.trust.example")
            .hides("The trip")
            .hides("name=\"hold\"");
    }
    let sender = bench
        .signed_in(Role::Sender, &[], Some("teacher@oak.trust.example"))
        .await;
    bench.get(&sender, "/holds").await.is(DENIED);
}

#[tokio::test]
async fn the_list_is_narrowed_and_a_searched_text_stands_in_no_address() {
    let bench = bench().await;
    bench.hold(Held::default()).await;
    bench
        .hold(Held {
            subject: "Asthma plan",
            category: Category::Medical,
            rule: "health",
            ..Held::default()
        })
        .await;
    let dpo = dpo(&bench).await;
    let found = bench
        .post(
            &dpo,
            "/holds/search",
            &[("text", "asthma"), ("state", "waiting")],
        )
        .await;
    found.is(SEE_OTHER);
    let to = found.location().to_owned();
    assert!(
        to.contains("q=") && !to.to_lowercase().contains("asthma"),
        "{to}"
    );
    bench
        .get(&dpo, &to)
        .await
        .is(OK)
        .says("Asthma plan")
        .hides("The trip")
        .says("value=\"asthma\"");
    // It is nobody else's.
    let other = bench.person(Role::Dpo, &[]).await;
    bench
        .get(&other, &to)
        .await
        .is(OK)
        .says("Your search has ended")
        .hides("value=\"asthma\"");

    for (query, seen, unseen) in [
        ("category=medical", "Asthma plan", "The trip"),
        ("rule=pupil-name", "The trip", "Asthma plan"),
        ("school=oak", "The trip", "Nothing waits"),
    ] {
        let list = bench.get(&dpo, &format!("/holds?{query}")).await;
        list.is(OK).says(seen).hides(unseen);
    }
    bench
        .get(&dpo, "/holds?school=elm")
        .await
        .is(OK)
        .says("No message matches");
    bench
        .get(&dpo, "/holds?state=released")
        .await
        .is(OK)
        .says("No message matches");
    for query in ["state=odd", "from=soon", "category=odd", "at=odd"] {
        bench
            .get(&dpo, &format!("/holds?{query}"))
            .await
            .is(WRONG)
            .says("There is a problem");
    }
    let today = bench
        .get(&dpo, "/holds?from=2020-01-01&until=2099-12-31")
        .await;
    today.is(OK).says("The trip");
    bench
        .get(&dpo, "/holds?until=2020-01-01")
        .await
        .is(OK)
        .hides("The trip");
}

#[tokio::test]
async fn pages_join() {
    let bench = bench().await;
    for number in 0..30u64 {
        let age = std::time::Duration::from_mins(100 - number);
        bench
            .hold(Held {
                age,
                ..Held::default()
            })
            .await;
    }
    let dpo = dpo(&bench).await;
    let first = bench.get(&dpo, "/holds").await;
    first
        .is(OK)
        .says("1 to 25 of 30")
        .says("rel=\"next\"")
        .hides("rel=\"prev\"");
    let next = href(&first.body, "rel=\"next\"");
    let second = bench.get(&dpo, &next).await;
    second.is(OK).says("26 to 30 of 30").hides("rel=\"next\"");
    let mut seen: Vec<&str> = ids(&first.body).chain(ids(&second.body)).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 30);
    let back = bench.get(&dpo, &href(&second.body, "rel=\"prev\"")).await;
    assert_eq!(
        ids(&back.body).collect::<Vec<_>>(),
        ids(&first.body).collect::<Vec<_>>()
    );
}

/// The address of the link with this attribute.
fn href(page: &str, with: &str) -> String {
    let before = page.split(with).next().unwrap();
    let from = before.rsplit("href=\"").next().unwrap();
    from.split('"')
        .next()
        .unwrap()
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

/// Ids that can be ticked.
fn ids(page: &str) -> impl Iterator<Item = &str> {
    page.split("name=\"hold\" value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
}

#[tokio::test]
async fn a_hold_shows_each_role_what_it_may_see_and_the_ledger_has_it() {
    let bench = bench().await;
    let id = bench.hold(Held::default()).await;
    let path = format!("/holds/{id}");
    let dpo = dpo(&bench).await;
    let shown = bench.get(&dpo, &path).await;
    shown
        .is(OK)
        .says("The trip")
        .says("1 pupil in the body")
        .says("O•••• W•••")
        .says("plan.csv")
        .says("parent@home.example");
    shown
        .says("Refuse this message")
        .says("Check before release")
        .hides("Oliver");
    let order = [
        "id=\"next\"",
        "Why it was held",
        "What was found",
        "id=\"decide\"",
        "What happened",
    ];
    let places: Vec<usize> = order
        .iter()
        .map(|part| shown.body.find(part).unwrap())
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    assert_eq!(bench.ledger(id).await, ["held", "opened"]);

    // By its reference too, as notices have it.
    bench
        .get(&dpo, &format!("/holds/{}", id.reference()))
        .await
        .is(OK)
        .says("The trip");

    let auditor = bench
        .get(&bench.person(Role::Auditor, &[]).await, &path)
        .await;
    auditor
        .is(OK)
        .says("O•••• W•••")
        .hides("The trip")
        .hides("Refuse this message")
        .hides("Read the message");
    let it = bench.get(&bench.person(Role::It, &[]).await, &path).await;
    it.is(OK)
        .says("parent@home.example")
        .says("A pupil is named");
    it.hides("The trip")
        .hides("O•••• W•••")
        .hides("1 pupil in the body")
        .hides("plan.csv")
        .hides("Refuse this message");
    let head = bench.person(Role::Head, &["elm"]).await;
    bench.get(&head, &path).await.is(MISSING).hides("The trip");
    let head = bench.person(Role::Head, &["oak"]).await;
    bench
        .get(&head, &path)
        .await
        .is(OK)
        .says("The trip")
        .says("Refuse this message");
    let sender = bench
        .signed_in(Role::Sender, &[], Some("teacher@oak.trust.example"))
        .await;
    bench.get(&sender, &path).await.is(DENIED);
    bench.get(&dpo, "/holds/AAAAAAAAAAAAAAAA").await.is(MISSING);
}

#[tokio::test]
async fn a_confidential_hold_shows_nothing_of_its_content() {
    let bench = bench().await;
    let id = bench
        .hold(Held {
            confidential: true,
            subject: "Grievance",
            ..Held::default()
        })
        .await;
    let dpo = dpo(&bench).await;
    bench.get(&dpo, "/holds").await.is(OK).hides("Grievance");
    let shown = bench.get(&dpo, &format!("/holds/{id}")).await;
    shown
        .is(OK)
        .says("confidential channel")
        .hides("Grievance")
        .hides("O•••• W•••")
        .hides("plan.csv")
        .hides("Read the message");
    for path in ["message", "unmask", "save", "attachments/1"] {
        let answer = bench.post(&dpo, &format!("/holds/{id}/{path}"), &[]).await;
        assert_eq!(answer.status, WRONG, "{path}");
    }
    assert!(!bench.ledger(id).await.contains(&"read".to_owned()));
}

#[tokio::test]
async fn text_is_read_on_a_mark_that_the_ledger_has() {
    let bench = bench().await;
    let id = bench.hold(Held::default()).await;
    let dpo = dpo(&bench).await;
    // Without asking first there is nothing.
    let bare = bench.get(&dpo, &format!("/holds/{id}/message")).await;
    bare.is(SEE_OTHER).hides("comes to the trip");

    let asked = bench.post(&dpo, &format!("/holds/{id}/message"), &[]).await;
    asked.is(SEE_OTHER);
    let masked = bench.get(&dpo, asked.location()).await;
    masked
        .is(OK)
        .says("comes to the trip")
        .says("class=\"finding\"")
        .hides("Whitcombe")
        .hides("<iframe");
    assert_eq!(bench.ledger(id).await, ["held", "read"]);

    // The mark of one way of looking is none of the other, nor anybody else's.
    let query = asked.location().split_once('?').unwrap().1.to_owned();
    bench
        .get(&dpo, &format!("/holds/{id}/unmasked?{query}"))
        .await
        .is(SEE_OTHER);
    let other = bench.person(Role::Dpo, &[]).await;
    bench.get(&other, asked.location()).await.is(SEE_OTHER);
    let old = query.replace("at=1", "at=0");
    bench
        .get(&dpo, &format!("/holds/{id}/message?{old}"))
        .await
        .is(SEE_OTHER);

    let asked = bench.post(&dpo, &format!("/holds/{id}/unmask"), &[]).await;
    let clear = bench.get(&dpo, asked.location()).await;
    clear
        .is(OK)
        .says("Oliver Whitcombe")
        .says("<iframe class=\"preview\" sandbox title");
    assert_eq!(bench.ledger(id).await, ["held", "read", "unmasked"]);

    let query = asked.location().split_once('?').unwrap().1;
    let frame = bench
        .get(&dpo, &format!("/holds/{id}/preview/1?{query}"))
        .await;
    frame
        .is(OK)
        .says("Oliver")
        .hides("script")
        .hides("tracker.example/a.gif\"");
    let policy = frame
        .headers
        .get("content-security-policy")
        .unwrap()
        .to_str()
        .unwrap();
    assert!(
        policy.starts_with("sandbox; default-src 'none'"),
        "{policy}"
    );
    assert_eq!(frame.headers.get("x-frame-options").unwrap(), "SAMEORIGIN");
    bench
        .get(&dpo, &format!("/holds/{id}/preview/1"))
        .await
        .is(MISSING);
    bench
        .get(&dpo, &format!("/holds/{id}/preview/9?{query}"))
        .await
        .is(MISSING);

    let versions = bench
        .get(&dpo, &format!("/holds/{id}/versions?{query}"))
        .await;
    versions.is(OK).says("<del>").says("<ins>");

    for role in [Role::Auditor, Role::It] {
        let person = bench.person(role, &[]).await;
        bench
            .post(&person, &format!("/holds/{id}/message"), &[])
            .await
            .is(DENIED);
        bench
            .post(&person, &format!("/holds/{id}/unmask"), &[])
            .await
            .is(DENIED);
        bench
            .post(&person, &format!("/holds/{id}/save"), &[])
            .await
            .is(DENIED);
    }
    let head = bench.person(Role::Head, &["elm"]).await;
    bench
        .post(&head, &format!("/holds/{id}/message"), &[])
        .await
        .is(MISSING);
}

#[tokio::test]
async fn files_are_saved_as_what_no_program_opens() {
    let bench = bench().await;
    let id = bench.hold(Held::default()).await;
    let dpo = dpo(&bench).await;
    let file = bench
        .post(&dpo, &format!("/holds/{id}/attachments/1"), &[])
        .await;
    file.is(OK).says("a,b");
    assert_eq!(
        file.headers.get("content-type").unwrap(),
        "application/octet-stream"
    );
    let name = file
        .headers
        .get("content-disposition")
        .unwrap()
        .to_str()
        .unwrap();
    assert!(
        name.starts_with("attachment;") && !name.contains("plan"),
        "{name}"
    );
    bench
        .post(&dpo, &format!("/holds/{id}/attachments/7"), &[])
        .await
        .is(MISSING);
    bench
        .post(&dpo, &format!("/holds/{id}/save"), &[])
        .await
        .is(OK)
        .says("Oliver Whitcombe");
    assert_eq!(bench.ledger(id).await, ["held", "saved", "saved", "saved"]);
}

fn release<'a>(version: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [
        &[
            ("version", version),
            ("reason", "entitled"),
            ("form", "held"),
            ("to", "0"),
            ("to", "2"),
        ],
        more,
    ]
    .concat()
}

#[tokio::test]
async fn a_release_says_what_it_sends_before_it_does() {
    let bench = bench().await;
    let id = bench.hold(Held::default()).await;
    let dpo = dpo(&bench).await;
    let path = format!("/holds/{id}/release");
    let version = bench.version(id).await;
    let plan = bench.post(&dpo, &path, &release(&version, &[])).await;
    plan.is(OK)
        .says("It goes to 2 of 3 people.")
        .says("2 of 3 people outside")
        .says("carer@home.example")
        .says("name=\"confirmed\"");
    assert_eq!(bench.ledger(id).await, ["held"], "nothing is done yet");

    let sent = bench
        .post(
            &dpo,
            &path,
            &release(&version, &[("confirmed", "yes"), ("judgement", "partly")]),
        )
        .await;
    sent.is(SEE_OTHER);
    let shown = bench.get(&dpo, sent.location()).await;
    shown
        .is(OK)
        .says("Released. The message is on its way.")
        .says("released this message");
    let hold = bench.store.open_hold(id).await.unwrap();
    assert_eq!(hold.summary.state, HoldState::Released);
    assert_eq!(hold.summary.judgement, Some(Judgement::Partly));
    assert_eq!(
        hold.reason.as_deref(),
        Some("The recipients may have this data")
    );
    let delivery = &bench
        .store
        .lease_due(
            std::time::SystemTime::now(),
            "w",
            1,
            std::time::Duration::from_mins(1),
        )
        .await
        .unwrap()[0];
    let to: Vec<String> = delivery
        .envelope
        .rcpts
        .iter()
        .map(|rcpt| rcpt.address().unwrap().to_string())
        .collect();
    assert_eq!(to, ["parent@home.example", "nurse@clinic.example"]);
}

#[tokio::test]
async fn a_release_in_other_forms() {
    let bench = bench_with(true).await;
    let dpo = dpo(&bench).await;
    for (form, more, says) in [
        ("initials", vec![], "with initials for pupils’ names"),
        ("without", vec![("without", "1")], "without 1 attachment"),
        (
            "held",
            vec![("encrypt", "yes")],
            "Only by the route that encrypts",
        ),
    ] {
        let id = bench.hold(Held::default()).await;
        let version = bench.version(id).await;
        let fields = [
            vec![
                ("version", version.as_str()),
                ("reason", "checked"),
                ("form", form),
                ("to", "0"),
                ("to", "1"),
                ("to", "2"),
            ],
            more,
        ]
        .concat();
        let path = format!("/holds/{id}/release");
        bench
            .post(&dpo, &path, &fields)
            .await
            .is(OK)
            .says(says)
            .says("It goes to all 3 people");
        let sent = [fields, vec![("confirmed", "yes")]].concat();
        bench.post(&dpo, &path, &sent).await.is(SEE_OTHER);
        assert_eq!(
            bench.store.open_hold(id).await.unwrap().summary.state,
            HoldState::Released,
            "{form}"
        );
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_decision_is_said_and_what_was_typed_stays() {
    let bench = bench().await;
    let id = bench
        .hold(Held {
            category: Category::Medical,
            ..Held::default()
        })
        .await;
    let dpo = dpo(&bench).await;
    let path = format!("/holds/{id}/release");
    let version = bench.version(id).await;
    let nobody = [
        ("version", version.as_str()),
        ("reason", "entitled"),
        ("form", "held"),
        ("text", "kept words"),
    ];
    bench
        .post(&dpo, &path, &nobody)
        .await
        .is(WRONG)
        .says("Choose at least one person")
        .says("kept words");
    // Health data needs words beside the reason.
    bench
        .post(&dpo, &path, &release(&version, &[]))
        .await
        .is(WRONG)
        .says("Write why this may go");
    bench
        .post(&dpo, &path, &release(&version, &[("text", " . ")]))
        .await
        .is(WRONG);
    bench
        .post(
            &dpo,
            &path,
            &release(&version, &[("text", "agreed by telephone")]),
        )
        .await
        .is(OK);
    bench
        .post(
            &dpo,
            &path,
            &release(&version, &[("text", "x"), ("encrypt", "yes")]),
        )
        .await
        .is(WRONG)
        .says("no route that encrypts");
    let fields = [
        ("version", version.as_str()),
        ("reason", "odd"),
        ("to", "0"),
        ("text", "x"),
    ];
    bench
        .post(&dpo, &path, &fields)
        .await
        .is(WRONG)
        .says("Choose a reason");
    let fields = [
        ("version", version.as_str()),
        ("reason", "entitled"),
        ("to", "9"),
        ("text", "x"),
    ];
    bench.post(&dpo, &path, &fields).await.is(WRONG);
    let fields = [
        ("version", version.as_str()),
        ("reason", "entitled"),
        ("form", "without"),
        ("to", "0"),
        ("text", "x"),
    ];
    bench
        .post(&dpo, &path, &fields)
        .await
        .is(WRONG)
        .says("Choose the attachments to leave out");
    let refuse = format!("/holds/{id}/refuse");
    bench
        .post(&dpo, &refuse, &[("version", &version), ("reason", "other")])
        .await
        .is(WRONG)
        .says("in your own words");
    assert_eq!(
        bench.store.open_hold(id).await.unwrap().summary.state,
        HoldState::Held
    );
}

#[tokio::test]
async fn of_two_reviewers_the_second_learns_who_was_first() {
    let bench = bench().await;
    let id = bench.hold(Held::default()).await;
    let (first, second) = (dpo(&bench).await, bench.person(Role::Head, &["oak"]).await);
    let version = bench.version(id).await;
    let refuse = format!("/holds/{id}/refuse");
    let fields = [
        ("version", version.as_str()),
        ("reason", "wrong-person"),
        ("tell", "yes"),
    ];
    bench.post(&first, &refuse, &fields).await.is(SEE_OTHER);
    let late = bench.post(&second, &refuse, &fields).await;
    late.is(CONFLICT)
        .says("Pat dpo 2 was first")
        .says("Refused");
    let late = bench
        .post(
            &second,
            &format!("/holds/{id}/release"),
            &release(&version, &[]),
        )
        .await;
    late.is(CONFLICT).says("was first");
    let ledger = bench.ledger(id).await;
    assert_eq!(
        ledger.iter().filter(|action| *action == "refused").count(),
        1
    );
}

#[tokio::test]
async fn who_may_not_decide_does_not() {
    let bench = bench().await;
    let id = bench.hold(Held::default()).await;
    let version = bench.version(id).await;
    let fields = [
        ("version", version.as_str()),
        ("reason", "wrong-person"),
        ("to", "0"),
        ("text", "x"),
        ("place", "yes"),
    ];
    let acts = [
        "release",
        "refuse",
        "claim",
        "take-over",
        "unclaim",
        "approve",
        "decline",
        "withdraw",
        "judge",
        "legal-hold",
    ];
    for role in [Role::It, Role::Auditor, Role::Sender] {
        let person = bench.person(role, &[]).await;
        for act in acts {
            bench
                .post(&person, &format!("/holds/{id}/{act}"), &fields)
                .await
                .is(DENIED);
        }
    }
    let elsewhere = bench.person(Role::Head, &["elm"]).await;
    for act in &acts[..9] {
        let answer = bench
            .post(&elsewhere, &format!("/holds/{id}/{act}"), &fields)
            .await;
        assert_eq!(
            answer.status,
            if *act == "judge" { WRONG } else { MISSING },
            "{act}"
        );
    }
    bench
        .post(&elsewhere, &format!("/holds/{id}/legal-hold"), &fields)
        .await
        .is(DENIED);
    // Nobody decides on what they sent, whatever their role.
    let own = bench
        .signed_in(Role::Dpo, &[], Some("Teacher@oak.trust.example"))
        .await;
    for act in [
        "release",
        "refuse",
        "claim",
        "approve",
        "decline",
        "legal-hold",
    ] {
        bench
            .post(&own, &format!("/holds/{id}/{act}"), &fields)
            .await
            .is(DENIED);
    }
    bench
        .get(&own, &format!("/holds/{id}"))
        .await
        .is(OK)
        .says("You sent this message")
        .hides("Refuse this message");
    let why = Why {
        version: 1,
        reason: "wrong-person".into(),
        ..Why::default()
    };
    let caller = own.caller();
    let refused = hold_decide::refuse(&bench.site, &caller, &id.to_string(), &why, false).await;
    assert!(matches!(refused, Err(Refusal::Denied)), "{refused:?}");
    assert_eq!(
        bench.store.open_hold(id).await.unwrap().summary.state,
        HoldState::Held
    );
}

#[tokio::test]
async fn a_claim_keeps_others_out_until_it_is_taken_over() {
    let bench = bench().await;
    let id = bench.hold(Held::default()).await;
    let (one, two) = (dpo(&bench).await, dpo(&bench).await);
    let version = bench.version(id).await;
    bench
        .post(
            &one,
            &format!("/holds/{id}/claim"),
            &[("version", &version)],
        )
        .await
        .is(SEE_OTHER);
    bench
        .get(&one, "/holds?state=mine")
        .await
        .is(OK)
        .says("The trip")
        .says("You have it");
    bench
        .get(&two, "/holds?state=mine")
        .await
        .is(OK)
        .hides("The trip");
    let version = bench.version(id).await;
    let fields = [("version", version.as_str()), ("reason", "wrong-person")];
    bench
        .get(&two, &format!("/holds/{id}"))
        .await
        .is(OK)
        .says("Take it over")
        .hides("Refuse this message");
    bench
        .post(&two, &format!("/holds/{id}/refuse"), &fields)
        .await
        .is(CONFLICT)
        .says("Pat dpo 2 is looking at this message");
    bench
        .post(&two, &format!("/holds/{id}/take-over"), &fields)
        .await
        .is(SEE_OTHER);
    let version = bench.version(id).await;
    bench
        .post(
            &two,
            &format!("/holds/{id}/unclaim"),
            &[("version", &version)],
        )
        .await
        .is(SEE_OTHER);
    assert_eq!(
        bench.store.open_hold(id).await.unwrap().summary.state,
        HoldState::Held
    );
}

#[tokio::test]
async fn two_people_release_what_needs_two() {
    let bench = bench().await;
    let id = bench
        .hold(Held {
            two_people: true,
            ..Held::default()
        })
        .await;
    let (one, two) = (dpo(&bench).await, dpo(&bench).await);
    let version = bench.version(id).await;
    let path = format!("/holds/{id}/release");
    bench
        .post(&one, &path, &release(&version, &[]))
        .await
        .is(OK)
        .says("a second person must agree first");
    bench
        .post(&one, &path, &release(&version, &[("confirmed", "yes")]))
        .await
        .is(SEE_OTHER);
    assert_eq!(
        bench.store.open_hold(id).await.unwrap().summary.state,
        HoldState::Awaiting
    );
    let version = bench.version(id).await;
    let fields = [
        ("version", version.as_str()),
        ("reason", "checked"),
        ("text", "seen"),
    ];
    // Who asked does not agree.
    bench
        .get(&one, &format!("/holds/{id}"))
        .await
        .says("Take my request back")
        .hides("Agree and release");
    bench
        .post(&one, &format!("/holds/{id}/approve"), &fields)
        .await
        .is(WRONG)
        .says("another person must agree");
    // Declined it waits again; asked for again and withdrawn too.
    bench
        .post(&two, &format!("/holds/{id}/decline"), &fields)
        .await
        .is(SEE_OTHER);
    let version = bench.version(id).await;
    bench
        .post(&one, &path, &release(&version, &[("confirmed", "yes")]))
        .await
        .is(SEE_OTHER);
    let version = bench.version(id).await;
    bench
        .post(
            &one,
            &format!("/holds/{id}/withdraw"),
            &[("version", &version)],
        )
        .await
        .is(SEE_OTHER);
    let version = bench.version(id).await;
    bench
        .post(&one, &path, &release(&version, &[("confirmed", "yes")]))
        .await
        .is(SEE_OTHER);
    let version = bench.version(id).await;
    bench
        .get(&two, &format!("/holds/{id}"))
        .await
        .is(OK)
        .says("asks for its release")
        .says("Agree and release");
    let fields = [("version", version.as_str()), ("reason", "checked")];
    bench
        .post(&two, &format!("/holds/{id}/approve"), &fields)
        .await
        .is(SEE_OTHER);
    assert_eq!(
        bench.store.open_hold(id).await.unwrap().summary.state,
        HoldState::Released
    );
}

#[tokio::test]
async fn a_legal_hold_is_placed_and_lifted() {
    let bench = bench().await;
    let id = bench.hold(Held::default()).await;
    let dpo = dpo(&bench).await;
    let path = format!("/holds/{id}/legal-hold");
    let version = bench.version(id).await;
    bench
        .post(&dpo, &path, &[("version", &version), ("place", "yes")])
        .await
        .is(WRONG);
    bench
        .post(
            &dpo,
            &path,
            &[("version", &version), ("place", "yes"), ("text", "case 12")],
        )
        .await
        .is(SEE_OTHER);
    assert!(bench.store.open_hold(id).await.unwrap().summary.legal_hold);
    bench
        .get(&dpo, &format!("/holds/{id}"))
        .await
        .is(OK)
        .says("case 12");
    let version = bench.version(id).await;
    bench
        .post(
            &dpo,
            &path,
            &[
                ("version", &version),
                ("place", "no"),
                ("text", "case 12 closed"),
            ],
        )
        .await
        .is(SEE_OTHER);
    assert!(!bench.store.open_hold(id).await.unwrap().summary.legal_hold);
}

#[tokio::test]
async fn many_are_decided_together_when_they_are_alike() {
    let bench = bench().await;
    let dpo = dpo(&bench).await;
    let (a, b) = (
        bench.hold(Held::default()).await,
        bench.hold(Held::default()).await,
    );
    let (one, two) = (a.to_string(), b.to_string());
    let list = bench
        .post(&dpo, "/holds/bulk", &[("hold", &one), ("hold", &two)])
        .await;
    list.is(OK)
        .says("2 messages")
        .says("Type 2 to confirm")
        .says("value=\"release\"");
    let version = bench.version(a).await;
    let holds = [format!("{a}.{version}"), format!("{b}.{version}")];
    let fields = [
        ("hold", holds[0].as_str()),
        ("hold", holds[1].as_str()),
        ("together", "refuse"),
        ("reason", "too-much"),
    ];
    let untyped = bench.post(&dpo, "/holds/bulk/decide", &fields).await;
    untyped.is(WRONG).says("Type 2 to confirm");
    // One of them changes meanwhile: the other is decided all the same.
    bench
        .post(&dpo, &format!("/holds/{b}/claim"), &[("version", &version)])
        .await
        .is(SEE_OTHER);
    let done = bench
        .post(
            &dpo,
            "/holds/bulk/decide",
            &[&fields[..], &[("number", "2")]].concat(),
        )
        .await;
    done.is(OK)
        .says("1 of 2 messages are decided")
        .says("Not done:");
    assert_eq!(
        bench.store.open_hold(a).await.unwrap().summary.state,
        HoldState::Refused
    );
    assert_eq!(
        bench.store.open_hold(b).await.unwrap().summary.state,
        HoldState::Claimed
    );
    assert_eq!(bench.ledger(a).await, ["held", "refused"]);
}

#[tokio::test]
async fn what_must_be_looked_at_is_never_released_together() {
    let bench = bench().await;
    let dpo = dpo(&bench).await;
    for held in [
        Held {
            two_people: true,
            ..Held::default()
        },
        Held {
            category: Category::Medical,
            ..Held::default()
        },
        Held {
            confidential: true,
            ..Held::default()
        },
    ] {
        let id = bench.hold(held).await;
        let list = bench
            .post(&dpo, "/holds/bulk", &[("hold", &id.to_string())])
            .await;
        list.is(OK).says("one by one").hides("value=\"release\"");
        let hold = format!("{id}.{}", bench.version(id).await);
        let fields = [
            ("hold", hold.as_str()),
            ("together", "release"),
            ("reason", "entitled"),
            ("number", "1"),
            ("text", "x"),
        ];
        let done = bench.post(&dpo, "/holds/bulk/decide", &fields).await;
        done.is(OK).says("0 of 1 messages are decided");
        assert_eq!(
            bench.store.open_hold(id).await.unwrap().summary.state,
            HoldState::Held
        );
    }
    let unlike = [
        bench.hold(Held::default()).await,
        bench
            .hold(Held {
                rule: "health",
                ..Held::default()
            })
            .await,
    ];
    let unlike = unlike.map(|id| id.to_string());
    let fields = [("hold", unlike[0].as_str()), ("hold", unlike[1].as_str())];
    bench
        .post(&dpo, "/holds/bulk", &fields)
        .await
        .is(StatusCode::BAD_REQUEST)
        .says("not held for the same reason");
    bench
        .post(&dpo, "/holds/bulk", &[])
        .await
        .is(StatusCode::BAD_REQUEST);
    let head = bench.person(Role::Head, &["elm"]).await;
    bench.post(&head, "/holds/bulk", &fields).await.is(MISSING);
    let auditor = bench.person(Role::Auditor, &[]).await;
    bench
        .post(&auditor, "/holds/bulk", &fields)
        .await
        .is(DENIED);
}

#[tokio::test]
async fn senders_see_and_act_on_their_own_and_nothing_else() {
    let bench = bench().await;
    let id = bench
        .hold(Held {
            message: PLAIN.into(),
            ..Held::default()
        })
        .await;
    let other = bench
        .hold(Held {
            from: "head@oak.trust.example",
            subject: "Not theirs",
            ..Held::default()
        })
        .await;
    let sender = bench
        .signed_in(Role::Sender, &[], Some("teacher@oak.trust.example"))
        .await;
    let list = bench.get(&sender, "/mine").await;
    list.is(OK).says("The trip").hides("Not theirs");
    let path = format!("/mine/{}", id.reference());
    let shown = bench.get(&sender, &path).await;
    shown
        .is(OK)
        .says("A pupil is named")
        .says("O•••• W•••")
        .hides("Oliver");
    bench
        .get(&sender, &format!("/mine/{}", other.reference()))
        .await
        .is(MISSING)
        .hides("Not theirs");
    for act in ["say", "initials", "take-back"] {
        let fields = [("version", "1"), ("text", "please")];
        bench
            .post(
                &sender,
                &format!("/mine/{}/{act}", other.reference()),
                &fields,
            )
            .await
            .is(MISSING);
    }

    // A word leaves the claim alone, and the list tells of it.
    let dpo = dpo(&bench).await;
    let version = bench.version(id).await;
    bench
        .post(
            &dpo,
            &format!("/holds/{id}/claim"),
            &[("version", &version)],
        )
        .await
        .is(SEE_OTHER);
    let say = format!("{path}/say");
    bench
        .post(
            &sender,
            &say,
            &[("version", &bench.version(id).await), ("text", " ")],
        )
        .await
        .is(WRONG);
    for number in 0..5 {
        let text = format!("The parent asked me, {number}");
        let version = bench.version(id).await;
        bench
            .post(
                &sender,
                &say,
                &[("version", &version), ("text", &text), ("asks", "yes")],
            )
            .await
            .is(SEE_OTHER);
    }
    let version = bench.version(id).await;
    bench
        .post(&sender, &say, &[("version", &version), ("text", "more")])
        .await
        .is(WRONG)
        .says("five times");
    let hold = bench.store.open_hold(id).await.unwrap();
    assert_eq!(hold.summary.state, HoldState::Claimed);
    assert!(hold.summary.claim.is_some());
    bench
        .get(&dpo, "/holds")
        .await
        .is(OK)
        .says("Sender asks for release");
    bench
        .get(&dpo, &format!("/holds/{id}"))
        .await
        .is(OK)
        .says("The parent asked me, 4")
        .says("asks for release");
    let auditor = bench.person(Role::Auditor, &[]).await;
    bench
        .get(&auditor, &format!("/holds/{id}"))
        .await
        .is(OK)
        .hides("The parent asked me");

    // What a reviewer has in hand is not sent under them; taken back it may be.
    bench
        .post(
            &sender,
            &format!("{path}/initials"),
            &[("version", &version)],
        )
        .await
        .is(CONFLICT)
        .says("A reviewer is looking")
        .hides("Pat dpo");
    bench
        .post(
            &sender,
            &format!("{path}/take-back"),
            &[("version", &version)],
        )
        .await
        .is(SEE_OTHER);
    let hold = bench.store.open_hold(id).await.unwrap();
    assert_eq!(hold.summary.state, HoldState::Refused);
    let ledger = bench.ledger(id).await;
    assert!(
        ledger.contains(&"withdrawn-by-sender".to_owned()),
        "{ledger:?}"
    );
}

const PLAIN: &str = "Message-ID: <N@trust.example>\r\nFrom: teacher@oak.trust.example\r\nTo: parent@home.example\r\n\
    Subject: The trip\r\n\r\nOliver Whitcombe comes to the trip on Monday.\r\n";

#[tokio::test]
async fn a_sender_sends_the_version_with_initials_when_policy_lets_it_pass() {
    let bench = bench().await;
    let id = bench
        .hold(Held {
            message: PLAIN.into(),
            two_people: true,
            ..Held::default()
        })
        .await;
    let sender = bench
        .signed_in(Role::Sender, &[], Some("teacher@oak.trust.example"))
        .await;
    let path = format!("/mine/{}", id.reference());
    let version = bench.version(id).await;
    let sent = bench
        .post(
            &sender,
            &format!("{path}/initials"),
            &[("version", &version)],
        )
        .await;
    sent.is(SEE_OTHER);
    bench
        .get(&sender, sent.location())
        .await
        .is(OK)
        .says("Sent with initials");
    let ledger = bench.ledger(id).await;
    assert!(
        ledger.ends_with(&["sent-by-sender".to_owned(), "released".to_owned()]),
        "{ledger:?}"
    );

    // Something else stands in it: it waits for a reviewer.
    let more = PLAIN.replace(
        "on Monday",
        "on Monday. Her card is 4111 1111 1111 1111 and his NHS number is 999 123 4560",
    );
    let id = bench
        .hold(Held {
            message: more,
            ..Held::default()
        })
        .await;
    let version = bench.version(id).await;
    let path = format!("/mine/{}/initials", id.reference());
    bench
        .post(&sender, &path, &[("version", &version)])
        .await
        .is(WRONG)
        .says("With initials it would still be held");
    assert_eq!(
        bench.store.open_hold(id).await.unwrap().summary.state,
        HoldState::Held
    );
}

#[tokio::test]
async fn a_form_of_another_sign_in_does_nothing() {
    let bench = bench().await;
    let id = bench.hold(Held::default()).await;
    let (one, two) = (dpo(&bench).await, dpo(&bench).await);
    let mixed = Person {
        csrf: two.csrf.clone(),
        ..one.clone()
    };
    let fields = [("version", "1"), ("reason", "wrong-person")];
    bench
        .post(&mixed, &format!("/holds/{id}/refuse"), &fields)
        .await
        .is(DENIED);
    assert_eq!(bench.ledger(id).await, ["held"]);
}
