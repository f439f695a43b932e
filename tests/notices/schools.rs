//! Heads are told of their own school's mail only, at once and by digest, and the digest of the trust counts by school.

use beadle::policy::SchoolConfig;

use super::*;

const OAK: &str = "marksender@oak.trust.example";
const ELM: &str = "marksender@elm.trust.example";

fn school(id: &str, name: &str) -> SchoolConfig {
    SchoolConfig {
        id: id.to_owned(),
        name: name.to_owned(),
        domains: vec![format!("{id}.trust.example")],
    }
}

async fn schooled(when: &str) -> Bench {
    let heads = format!(
        r#"head = {{ addresses = ["head@oak.trust.example", "head@elm.trust.example", "chief@trust.example"], when = "{when}" }}"#
    );
    let policy = POLICY.replace(
        r#"head = { addresses = ["head@trust.example"], when = "daily" }"#,
        &heads,
    );
    assert_ne!(policy, POLICY);
    let policy = policy.replace("far.trust.example", "elm.trust.example");
    bench_with(&policy, |settings| {
        settings.schools =
            Schools::new(&[school("oak", "Oak Primary"), school("elm", "Elm Academy")]).unwrap();
    })
    .await
}

async fn hold(bench: &Bench, number: u8, from: &str) -> String {
    let held = received(number, from, OUTSIDE, &marked(number, "", NAMED));
    let reference = held.id.reference().to_string();
    let reply = bench.accept(held).await;
    assert!(reply.contains("held for review"), "{reply}");
    reference
}

fn to_of(sent: &[Sent], kind: &str) -> Vec<String> {
    let of = sent.iter().filter(|sent| sent.kind == kind);
    of.map(|sent| sent.to.join(" ")).collect()
}

#[tokio::test]
async fn a_head_is_told_at_once_of_the_own_school_only() {
    let bench = schooled("at-once").await;
    hold(&bench, 1, OAK).await;
    assert_eq!(
        to_of(&bench.sent().await, "role-hold"),
        [
            "chief@trust.example",
            "dpo@trust.example",
            "head@oak.trust.example"
        ]
    );
    hold(&bench, 2, ELM).await;
    assert_eq!(
        to_of(&bench.sent().await, "role-hold"),
        [
            "chief@trust.example",
            "dpo@trust.example",
            "far@trust.example",
            "head@elm.trust.example"
        ]
    );
    hold(&bench, 3, SENDER).await;
    assert_eq!(
        to_of(&bench.sent().await, "role-hold"),
        ["chief@trust.example", "dpo@trust.example"],
        "of no school"
    );
}

#[tokio::test]
async fn a_head_has_a_digest_of_the_own_school_and_the_trust_one_by_school() {
    let bench = schooled("daily").await;
    let start = SystemTime::now();
    bench.notices.round(&bench.tools, start).await.unwrap();
    let oak = [hold(&bench, 1, OAK).await, hold(&bench, 2, OAK).await];
    let elm = hold(&bench, 3, ELM).await;
    let other = hold(&bench, 4, SENDER).await;
    let desk = Desk::new(bench.store.clone(), Arc::new(|_| None));
    let by = By {
        actor: "dpo",
        reason: "not needed",
        at: SystemTime::now(),
    };
    let decided = received(2, OAK, OUTSIDE, "").id;
    desk.refuse(decided, by, Tell::Nobody).await.unwrap();
    bench.sent().await;
    let tomorrow = start + Duration::from_hours(24);
    bench.notices.round(&bench.tools, tomorrow).await.unwrap();
    let sent = bench.sent_at(tomorrow).await;
    let to = |address: &str| {
        let found = sent
            .iter()
            .find(|sent| sent.kind == "role-digest" && sent.to == [address]);
        let text = &found.unwrap_or_else(|| panic!("{address}: {sent:?}")).text;
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let heads = to("head@oak.trust.example");
    assert!(
        heads.contains(&oak[0]) && heads.contains("(name): 2 held"),
        "{heads}"
    );
    assert!(
        heads.contains("Oak Primary: 2 held, 0 refused, 1 decided, 1 waiting now"),
        "{heads}"
    );
    assert!(heads.contains("Decided: 0 released, 1 refused."), "{heads}");
    for hidden in [&*elm, &*other, "Elm"] {
        assert!(!heads.contains(hidden), "{hidden} in {heads}");
    }
    let far = to("far@trust.example");
    assert!(far.contains(&elm) && !far.contains(&oak[0]), "{far}");
    let trust = to("dpo@trust.example");
    for said in [
        "Oak Primary: 2 held, 0 refused, 1 decided, 1 waiting now",
        "Elm Academy: 1 held, 0 refused, 0 decided, 1 waiting now",
        "Decided: 0 released, 1 refused, 0 ended undecided.",
        &*oak[0],
        &*elm,
        &*other,
    ] {
        assert!(trust.contains(said), "{said} in {trust}");
    }
    assert!(!trust.contains(&oak[1]), "it is decided");
}
