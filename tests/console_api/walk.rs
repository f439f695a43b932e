//! A program works through held messages: finds one, reads it, releases it to fewer people, sees it in the ledger, gets the report.

use super::console::{Held, bench};
use super::document::{document, fits};
use super::{Method, StatusCode, program};
use beadle::console::scope::Scope;
use beadle::store::{HoldState, Role};
use serde_json::json;

const OK: StatusCode = StatusCode::OK;
const DONE: StatusCode = StatusCode::NO_CONTENT;

#[tokio::test]
async fn from_the_list_to_the_report() {
    let bench = bench().await;
    let document = document(&bench).await;
    let id = bench.hold(Held::default()).await;
    let dpo = bench.person(Role::Dpo, &[]).await;
    let all = program(&bench, &dpo, &Scope::ALL).await;
    let list = all.get("/api/v1/holds?state=held").await;
    let list = list.is(OK).json();
    fits(&document, ("GET", "/api/v1/holds"), "200", &list);
    assert_eq!(list["holds"][0]["id"], id.to_string());
    let found = all
        .post("/api/v1/holds/search", json!({"wanted": {"text": "trip"}}))
        .await;
    assert_eq!(found.is(OK).json()["holds"][0]["subject"], "The trip");
    let none = all
        .post("/api/v1/holds/search", json!({"wanted": {"text": "fair"}}))
        .await;
    assert_eq!(none.is(OK).json()["count"], 0);

    let path = format!("/api/v1/holds/{id}");
    let one = all.get(&path).await.is(OK).json();
    fits(&document, ("GET", "/api/v1/holds/{id}"), "200", &one);
    let recipients = one["recipients"].as_array().unwrap();
    assert_eq!(recipients.len(), 3);
    let nurse = &recipients[2];
    assert_eq!(nurse["address"], "nurse@clinic.example");
    let release = json!({
        "version": one["line"]["version"], "reason": "checked", "text": "the clinic asked",
        "recipients": [nurse["number"]], "judgement": "partly"
    });
    let plan = all
        .post(&format!("{path}/release/plan"), release.clone())
        .await;
    let plan = plan.is(OK).json();
    fits(
        &document,
        ("POST", "/api/v1/holds/{id}/release/plan"),
        "200",
        &plan,
    );
    assert_eq!(plan["to"], json!(["nurse@clinic.example"]));
    assert_eq!(plan["not_to"].as_array().unwrap().len(), 2);
    let released = all.post(&format!("{path}/release"), release.clone()).await;
    assert_eq!(released.is(OK).json()["outcome"], "released");
    // Whoever comes second is told so.
    all.post(&format!("{path}/release"), release)
        .await
        .refused(StatusCode::CONFLICT, "decided");

    let hold = bench.store.open_hold(id).await.unwrap();
    assert_eq!(hold.summary.state, HoldState::Released);
    let entries = all.get(&format!("/api/v1/ledger?about={id}")).await;
    let entries = entries.is(OK).json();
    fits(&document, ("GET", "/api/v1/ledger"), "200", &entries);
    let actions: Vec<&str> = entries["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .collect();
    for action in ["released", "judged", "opened", "held"] {
        assert!(actions.contains(&action), "no {action} in {actions:?}");
    }
    let name = &dpo.account.name;
    let by = all.post(
        "/api/v1/ledger/search",
        json!({"actor": name, "action": "released"}),
    );
    assert_eq!(
        by.await.is(OK).json()["entries"].as_array().unwrap().len(),
        1
    );
    let report = all.get("/api/v1/reports/summary?form=csv").await;
    report.is(OK);
    assert!(report.kind().starts_with("text/csv"), "{}", report.kind());
    let report = all.get("/api/v1/reports/summary").await;
    assert!(report.is(OK).json().is_object());
}

#[tokio::test]
async fn each_look_at_a_message_is_in_the_ledger_and_masked_until_it_is_in_clear() {
    let bench = bench().await;
    let document = document(&bench).await;
    let id = bench.hold(Held::default()).await;
    let head = bench.person(Role::Head, &["oak"]).await;
    let reads = program(&bench, &head, &[Scope::HoldsRead, Scope::HoldsContent]).await;
    let path = format!("/api/v1/holds/{id}");
    let body = json!({});
    let masked = reads.post(&format!("{path}/message"), body.clone()).await;
    let text = masked.is(OK).json();
    fits(
        &document,
        ("POST", "/api/v1/holds/{id}/message"),
        "200",
        &text,
    );
    assert!(!masked.0.body.contains("Whitcombe"), "{}", masked.0.body);
    assert!(masked.0.body.contains("comes to the trip"));
    assert_eq!(text["pages"], json!([]));
    let subject = text["headers"].as_array().unwrap().iter();
    let mut subject = subject.filter(|field| field["name"] == "Subject");
    assert!(subject.next().unwrap()["value"].is_null());
    assert_eq!(bench.ledger(id).await.last().unwrap(), "read");

    let clear = reads.post(&format!("{path}/unmask"), body.clone()).await;
    clear.is(OK);
    assert!(clear.0.body.contains("Oliver Whitcombe"));
    assert_eq!(clear.json()["pages"], json!([1]));
    assert_eq!(bench.ledger(id).await.last().unwrap(), "unmasked");
    let count = bench.ledger(id).await.len();
    let page = reads.post(&format!("{path}/preview/1"), body.clone()).await;
    let page = page.is(OK).json();
    fits(
        &document,
        ("POST", "/api/v1/holds/{id}/preview/{part}"),
        "200",
        &page,
    );
    let page = page["document"].as_str().unwrap();
    assert!(
        page.contains("Whitcombe") && !page.contains("<script"),
        "{page}"
    );
    let sides = reads.post(&format!("{path}/versions"), body.clone()).await;
    let sides = sides.is(OK).json();
    fits(
        &document,
        ("POST", "/api/v1/holds/{id}/versions"),
        "200",
        &sides,
    );
    assert!(!sides["places"].as_array().unwrap().is_empty());
    assert_eq!(bench.ledger(id).await[count..], ["unmasked", "unmasked"]);

    let file = reads
        .post(&format!("{path}/attachments/1"), body.clone())
        .await;
    file.is(OK);
    assert_eq!(
        (file.kind(), file.0.body.trim_end()),
        ("application/octet-stream", "a,b\r\n1,2")
    );
    let whole = reads.post(&format!("{path}/save"), body.clone()).await;
    assert!(whole.is(OK).0.body.contains("Message-ID:"));
    assert_eq!(bench.ledger(id).await[count + 2..], ["saved", "saved"]);
    for nothing in ["attachments/9", "attachments/x", "preview/9"] {
        let answer = reads.post(&format!("{path}/{nothing}"), body.clone()).await;
        answer.refused(StatusCode::NOT_FOUND, "missing");
    }
}

#[tokio::test]
async fn decisions_claims_and_a_second_person() {
    let bench = bench().await;
    let (one, two) = (
        bench.person(Role::Dpo, &[]).await,
        bench.person(Role::Dpo, &[]).await,
    );
    let scopes = [Scope::HoldsRead, Scope::HoldsDecide];
    let (first, second) = (
        program(&bench, &one, &scopes).await,
        program(&bench, &two, &scopes).await,
    );
    let id = bench
        .hold(Held {
            two_people: true,
            ..Held::default()
        })
        .await;
    let path = format!("/api/v1/holds/{id}");
    let at = |version: &str| -> i64 { version.parse().unwrap() };
    let version = at(&bench.version(id).await);
    let claim = first
        .post(&format!("{path}/claim"), json!({"version": version}))
        .await;
    claim.is(DONE);
    let version = at(&bench.version(id).await);
    let taken = json!({"version": version, "reason": "too-much", "tell_sender": false});
    second
        .post(&format!("{path}/refuse"), taken)
        .await
        .refused(StatusCode::CONFLICT, "desk");
    let over = json!({"version": version, "take_over": true});
    second.post(&format!("{path}/claim"), over).await.is(DONE);
    let version = at(&bench.version(id).await);
    second
        .post(&format!("{path}/unclaim"), json!({"version": version}))
        .await
        .is(DONE);
    let version = at(&bench.version(id).await);
    let ask = json!({"version": version, "reason": "checked", "recipients": [0, 1, 2]});
    let asked = first.post(&format!("{path}/release"), ask).await;
    assert_eq!(asked.is(StatusCode::ACCEPTED).json()["outcome"], "asked");
    let version = at(&bench.version(id).await);
    let yes = json!({"version": version, "reason": "checked"});
    first
        .post(&format!("{path}/approve"), yes)
        .await
        .refused(StatusCode::UNPROCESSABLE_ENTITY, "desk");
    let no = json!({"version": version, "text": "ask the parents first"});
    second.post(&format!("{path}/decline"), no).await.is(DONE);
    let version = at(&bench.version(id).await);
    let kept = json!({"version": version, "place": true, "text": "case 12"});
    first
        .post(&format!("{path}/legal-hold"), kept)
        .await
        .is(DONE);
    first
        .post(&format!("{path}/judge"), json!({"judgement": "right"}))
        .await
        .is(DONE);
    let hold = bench.store.open_hold(id).await.unwrap();
    assert!(hold.summary.legal_hold);
    let version = at(&bench.version(id).await);
    let refuse = json!({"version": version, "reason": "too-much", "tell_sender": true});
    first.post(&format!("{path}/refuse"), refuse).await.is(DONE);
    let actions = bench.ledger(id).await;
    for action in [
        "claimed",
        "unclaimed",
        "requested",
        "declined",
        "legal-hold",
        "judged",
        "refused",
    ] {
        assert!(
            actions.iter().any(|one| one == action),
            "no {action} in {actions:?}"
        );
    }
}

#[tokio::test]
async fn many_of_one_kind_are_decided_each_by_itself() {
    let bench = bench().await;
    let dpo = bench.person(Role::Dpo, &[]).await;
    let decides = program(&bench, &dpo, &[Scope::HoldsRead, Scope::HoldsDecide]).await;
    let (a, b) = (
        bench.hold(Held::default()).await,
        bench.hold(Held::default()).await,
    );
    let other = bench
        .hold(Held {
            rule: "another-rule",
            ..Held::default()
        })
        .await;
    let ids = json!({"holds": [a.to_string(), b.to_string()]});
    let plan = decides
        .post("/api/v1/holds/bulk/plan", ids)
        .await
        .is(OK)
        .json();
    let version = &plan["holds"][0]["version"];
    let hold = |id: &str, version: i64| json!({"id": id, "version": version});
    let version = version.as_i64().unwrap();
    let decision = json!({
        "together": "refuse", "reason": "not-work",
        "holds": [hold(&a.to_string(), version), hold(&b.to_string(), version + 7), hold(&other.to_string(), version)]
    });
    let results = decides
        .post("/api/v1/holds/bulk", decision)
        .await
        .is(OK)
        .json();
    let done: Vec<bool> = results
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["done"] == true)
        .collect();
    assert_eq!(done, [true, false, false], "{results}");
    for (id, state) in [
        (a, HoldState::Refused),
        (b, HoldState::Held),
        (other, HoldState::Held),
    ] {
        assert_eq!(
            bench.store.open_hold(id).await.unwrap().summary.state,
            state
        );
    }
}

#[tokio::test]
async fn searches_are_kept_and_pages_join() {
    let bench = bench().await;
    for _ in 0..27 {
        bench.hold(Held::default()).await;
    }
    let dpo = bench.person(Role::Dpo, &[]).await;
    let reads = program(&bench, &dpo, &[Scope::HoldsRead]).await;
    let first = reads.get("/api/v1/holds").await.is(OK).json();
    let next = first["next"].as_str().unwrap();
    let second = reads
        .get(&format!("/api/v1/holds?cursor={next}"))
        .await
        .is(OK)
        .json();
    let ids = |page: &serde_json::Value| -> Vec<String> {
        let holds = page["holds"].as_array().unwrap().iter();
        holds
            .map(|hold| hold["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let (mut all, more) = (ids(&first), ids(&second));
    assert_eq!((all.len(), more.len()), (25, 2));
    all.extend(more);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 27);

    let views = "/api/v1/holds/views";
    let new = json!({"name": "Trips", "wanted": {"state": "all", "text": "trip & fair"}});
    let made = reads.post(views, new).await.is(StatusCode::CREATED).json();
    let place = format!("{views}/{}", made["id"].as_str().unwrap());
    let kept = reads.get(&place).await.is(OK).json();
    assert_eq!(
        (&kept["name"], &kept["wanted"]["text"]),
        (&"Trips".into(), &"trip & fair".into())
    );
    assert_eq!(reads.get(views).await.json().as_array().unwrap().len(), 1);
    let other = bench.person(Role::Dpo, &[]).await;
    let others = program(&bench, &other, &[Scope::HoldsRead]).await;
    others
        .get(&place)
        .await
        .refused(StatusCode::NOT_FOUND, "missing");
    reads.call(Method::DELETE, &place, None).await.is(DONE);
    reads
        .get(&place)
        .await
        .refused(StatusCode::NOT_FOUND, "missing");
}

#[tokio::test]
async fn senders_work_with_their_own() {
    let bench = bench().await;
    let document = document(&bench).await;
    let own = bench.hold(Held::default()).await;
    let other = bench
        .hold(Held {
            from: "office@elm.trust.example",
            ..Held::default()
        })
        .await;
    let address = Some("teacher@oak.trust.example");
    let sender = bench.signed_in(Role::Sender, &[], address).await;
    let mine = program(&bench, &sender, &[Scope::Own]).await;
    let list = mine.get("/api/v1/mine").await.is(OK).json();
    fits(&document, ("GET", "/api/v1/mine"), "200", &list);
    assert_eq!(list["messages"].as_array().unwrap().len(), 1);
    let path = format!("/api/v1/mine/{own}");
    let one = mine.get(&path).await.is(OK).json();
    fits(&document, ("GET", "/api/v1/mine/{reference}"), "200", &one);
    let word = json!({"version": one["version"], "text": "the clinic needs it", "asks": true});
    mine.post(&format!("{path}/say"), word).await.is(DONE);
    let stale = json!({"version": one["version"]});
    mine.post(&format!("{path}/take-back"), stale)
        .await
        .refused(StatusCode::CONFLICT, "decided");
    let one = mine.get(&path).await.json();
    let now = json!({"version": one["version"]});
    mine.post(&format!("{path}/take-back"), now).await.is(DONE);
    mine.get(&format!("/api/v1/mine/{other}"))
        .await
        .refused(StatusCode::NOT_FOUND, "missing");
    mine.get("/api/v1/holds")
        .await
        .refused(StatusCode::FORBIDDEN, "denied");
}
