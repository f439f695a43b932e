//! What senders see of their own, and what they do.

use super::*;

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
    let more = PLAIN.replace("on Monday", "on Monday. His UPN is Q999400119001");
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
