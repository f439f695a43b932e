//! One hold, its text and its files: who sees what, and what the ledger has of it.

use super::*;

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
