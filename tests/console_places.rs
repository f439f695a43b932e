//! Every page beside those of holds, through the doors and signed in: who may open it, what each answer must have, what no address may hold.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod console;

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use beadle::console::{Key, Permission};
use beadle::mail::QueueId;
use beadle::policy::Policy;
use beadle::store::Role;
use console::{Answer, Bench, Held, Person, bench};

/// The pages of this test, with what it takes to open them.
const PAGES: [(&str, Permission); 13] = [
    ("/forwarding", Permission::SeeForwarding),
    ("/policies", Permission::SeePolicies),
    ("/policies/propose", Permission::ChangePolicies),
    ("/detectors", Permission::SeeDetectors),
    ("/detectors/nhs-number", Permission::SeeDetectors),
    ("/roster", Permission::SeeRoster),
    ("/people", Permission::SeePeople),
    ("/retention", Permission::SeeRetention),
    ("/ledger", Permission::SeeLedger),
    ("/ledger/verify", Permission::SeeLedger),
    ("/deliveries", Permission::SeeQueue),
    ("/deliveries?state=dead", Permission::SeeQueue),
    ("/health", Permission::SeeHealth),
];

async fn everybody(bench: &Bench) -> Vec<Person> {
    let mut people = Vec::new();
    for (role, schools) in [
        (Role::Dpo, &[][..]),
        (Role::Head, &["oak"][..]),
        (Role::It, &[][..]),
        (Role::Auditor, &[][..]),
        (Role::Sender, &[][..]),
    ] {
        people.push(bench.person(role, schools).await);
    }
    people
}

/// What every page has: one heading of the first order, nothing that the policy for content would stop, no key instead of words.
fn is_whole(answer: &Answer, path: &str) {
    let body = &answer.body;
    assert_eq!(body.matches("<h1").count(), 1, "{path}: {body}");
    for wrong in [" style=", "<script>", " onclick=", "javascript:"] {
        assert!(!body.contains(wrong), "{path}: {wrong}");
    }
    let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str();
    assert!(policy.unwrap().starts_with("default-src 'none'"), "{path}");
}

#[tokio::test]
async fn each_page_opens_for_those_who_may_and_for_nobody_else() {
    let bench = bench().await;
    bench.hold(Held::default()).await;
    for who in everybody(&bench).await {
        let access = who.caller().access;
        for (path, permission) in PAGES {
            let answer = bench.get(&who, path).await;
            let expected = if access.may(permission) {
                StatusCode::OK
            } else {
                StatusCode::FORBIDDEN
            };
            answer.is(expected);
            is_whole(&answer, path);
        }
    }
}

#[tokio::test]
async fn every_form_of_these_places_is_denied_without_its_permission_and_without_its_token() {
    let bench = bench().await;
    let places = [
        "/policies",
        "/roster",
        "/people",
        "/retention",
        "/ledger",
        "/deliveries",
    ];
    let doors = beadle::console::doors(&bench.site);
    let forms = doors.list().iter().filter(|door| {
        door.method == axum::http::Method::POST
            && places.iter().any(|place| door.path.starts_with(place))
    });
    let people = everybody(&bench).await;
    let mut seen = 0;
    for door in forms {
        seen += 1;
        let (Key::Needs(permission) | Key::Fresh(permission)) = door.key else {
            panic!("{} is open", door.path);
        };
        let path = door.path.replace("{id}", "AAAAAAAAAAAAAAAA");
        for who in &people {
            let access = who.caller().access;
            if !access.may(permission) {
                let answer = bench.post(who, &path, &[("version", "1")]).await;
                answer.is(StatusCode::FORBIDDEN);
            }
            let foreign = Request::post(&path)
                .header(header::COOKIE, &who.cookie)
                .header("sec-fetch-site", "same-origin")
                .body(Body::from("csrf=wrong"));
            let answer = bench.answer(foreign.unwrap()).await;
            answer.is(StatusCode::FORBIDDEN);
        }
    }
    assert!(seen >= 15, "{seen} forms");
}

#[tokio::test]
async fn the_first_page_counts_what_waits_and_a_sender_begins_with_their_own() {
    let bench = bench().await;
    let age = Duration::from_hours(30);
    let oldest = bench
        .hold(Held {
            age,
            ..Held::default()
        })
        .await;
    bench.hold(Held::default()).await;
    let dpo = bench.person(Role::Dpo, &[]).await;
    let page = bench.get(&dpo, "/").await;
    page.is(StatusCode::OK)
        .says("2 messages wait</h1>")
        .says(&format!("href=\"/holds/{oldest}\""))
        .hides("The trip");
    is_whole(&page, "/");
    let elm = bench.person(Role::Head, &["elm"]).await;
    bench.get(&elm, "/").await.says("No message waits</h1>");
    let sender = bench.person(Role::Sender, &[]).await;
    let sent = bench.get(&sender, "/").await;
    assert_eq!(sent.location(), "/mine");
}

#[tokio::test]
async fn a_name_that_is_looked_for_stands_in_no_address() {
    let bench = bench().await;
    bench.hold(Held::default()).await;
    let auditor = bench.person(Role::Auditor, &[]).await;
    let by = [("actor", "relay"), ("action", "held")];
    let found = bench.post(&auditor, "/ledger", &by).await;
    found
        .is(StatusCode::OK)
        .says("value=\"relay\"")
        .says("Held");
    let plain = bench.post(&auditor, "/ledger", &[("action", "held")]).await;
    plain.is(StatusCode::SEE_OTHER);
    assert_eq!(plain.location(), "/ledger?action=held");
}

#[tokio::test]
async fn jobs_end_and_their_pages_say_so() {
    let bench = bench().await;
    bench.hold(Held::default()).await;
    let dpo = bench.person(Role::Dpo, &[]).await;
    for (form, there, says) in [
        (
            "/ledger/verify",
            "/ledger/verify",
            "The ledger holds to entry",
        ),
        (
            "/retention/count",
            "/retention",
            "The text of 1 message is kept.",
        ),
        ("/roster/count", "/roster", "Counted on"),
    ] {
        let begun = bench.post(&dpo, form, &[]).await;
        begun.is(StatusCode::SEE_OTHER);
        assert!(begun.location().starts_with(there), "{}", begun.location());
        // Small as it is, it has ended before the form was answered.
        bench.get(&dpo, there).await.is(StatusCode::OK).says(says);
    }
}

#[tokio::test]
async fn a_policy_goes_from_one_person_to_a_second_by_the_doors() {
    let bench = bench().await;
    let first = bench.person(Role::Dpo, &[]).await;
    let second = bench.person(Role::Dpo, &[]).await;
    let text = Policy::embedded_text("standard").unwrap();
    let text = text.replacen("\nheld_days = 30", "\nheld_days = 20", 1);
    let form = [("text", text.as_str()), ("reason", "Shorter")];
    let made = bench.post(&first, "/policies/propose", &form).await;
    made.is(StatusCode::SEE_OTHER);
    let place = made.location().split('?').next().unwrap().to_owned();
    let why = [("reason", "Agreed")];
    let own = bench.post(&first, &format!("{place}/approve"), &why).await;
    own.is(StatusCode::UNPROCESSABLE_ENTITY)
        .says("Somebody else must decide this");
    let agreed = bench.post(&second, &format!("{place}/approve"), &why).await;
    agreed.is(StatusCode::SEE_OTHER);
    let late = bench.post(&second, &format!("{place}/reject"), &why).await;
    late.is(StatusCode::CONFLICT);
    let id: QueueId = place.strip_prefix("/policies/").unwrap().parse().unwrap();
    let about = id.to_string();
    let entries = bench.store.ledger_of(1, 100, Some(&about), None);
    let actions: Vec<String> = entries
        .await
        .unwrap()
        .into_iter()
        .map(|entry| entry.action)
        .collect();
    assert_eq!(actions, ["policy-proposed", "policy-approved"]);
}
