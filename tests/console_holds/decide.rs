//! Decisions: what each needs, who may take it, who was first.

use super::*;

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
        assert_eq!(answer.status, MISSING, "{act}");
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

/// A release to the first and the third recipient.
pub(super) fn release<'a>(
    version: &'a str,
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
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
