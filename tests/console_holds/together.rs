//! Two people on one hold, one decision on many, and what is kept for a case.

use super::decide::release;
use super::*;

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
