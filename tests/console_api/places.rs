//! The rest of the console, for programs: each place answers as the document says.

use super::console::{Held, bench};
use super::document::{document, fits};
use super::{Method, StatusCode, program};
use beadle::console::scope::Scope;
use beadle::policy::Policy;
use beadle::store::Role;
use serde_json::json;

const OK: StatusCode = StatusCode::OK;
const DONE: StatusCode = StatusCode::NO_CONTENT;

#[tokio::test]
async fn each_place_answers_as_the_document_says() {
    let bench = bench().await;
    let document = document(&bench).await;
    bench.hold(Held::default()).await;
    let it = bench.person(Role::It, &[]).await;
    let dpo = bench.person(Role::Dpo, &[]).await;
    let (all, operates) = (
        program(&bench, &dpo, &Scope::ALL).await,
        program(&bench, &it, &Scope::ALL).await,
    );
    for (path, query) in [
        ("overview", ""),
        ("forwarding", "?school=oak"),
        ("policies", ""),
        ("policies/in-force", ""),
        ("policies/in-force/text", ""),
        ("detectors", ""),
        ("roster", ""),
        ("roster/count", ""),
        ("people", ""),
        ("retention", ""),
        ("retention/count", ""),
        ("ledger", "?action=held"),
        ("ledger/verify", ""),
        ("account", ""),
        ("holds/views", ""),
        ("breaches", ""),
        ("deliveries", "?state=dead"),
        ("health", ""),
    ] {
        let place = format!("/api/v1/{path}");
        let answer = all.get(&format!("{place}{query}")).await;
        let answer = answer.is(OK).json();
        fits(&document, ("GET", &place), "200", &answer);
    }
    let detector = all.get("/api/v1/detectors/nhs-number").await.is(OK).json();
    fits(
        &document,
        ("GET", "/api/v1/detectors/{id}"),
        "200",
        &detector,
    );
    let person = format!("/api/v1/people/{}", dpo.account.id);
    let person = all.get(&person).await.is(OK).json();
    fits(&document, ("GET", "/api/v1/people/{id}"), "200", &person);
    assert_eq!(person["line"]["own"], true);
    assert!(all.get("/api/v1/ledger/head").await.is(OK).json().is_null());
    operates.get("/api/v1/health").await.is(OK);
    operates
        .get("/api/v1/ledger")
        .await
        .refused(StatusCode::FORBIDDEN, "denied");
    let away = operates
        .post("/api/v1/deliveries/0G0G40R40G2GC1R8/retry", json!({}))
        .await;
    away.refused(StatusCode::NOT_FOUND, "missing");
    let why = json!({"reason": "it was sent by another way"});
    let away = operates
        .post("/api/v1/deliveries/0G0G40R40G2GC1R8/cancel", why)
        .await;
    away.refused(StatusCode::NOT_FOUND, "missing");
}

#[tokio::test]
async fn jobs_are_begun_and_looked_at() {
    let bench = bench().await;
    let document = document(&bench).await;
    bench.hold(Held::default()).await;
    let dpo = bench.person(Role::Dpo, &[]).await;
    let all = program(&bench, &dpo, &Scope::ALL).await;
    for (place, found) in [
        ("/api/v1/ledger/verify", "/result/holds"),
        ("/api/v1/retention/count", "/result/messages"),
        ("/api/v1/roster/count", "/result/pupils"),
    ] {
        assert_eq!(all.get(place).await.is(OK).json()["state"], "none");
        let begun = all
            .post(place, json!({}))
            .await
            .is(StatusCode::ACCEPTED)
            .json();
        fits(&document, ("POST", place), "202", &begun);
        let ended = all.get(place).await.is(OK).json();
        fits(&document, ("GET", place), "200", &ended);
        // Small as it is, it has ended before it was answered.
        assert_eq!(ended["state"], "done");
        assert!(ended.pointer(found).is_some(), "{ended}");
    }
    let verified = all.get("/api/v1/ledger/verify").await.json();
    assert_eq!(verified["result"]["holds"], true);
}

#[tokio::test]
async fn a_policy_goes_from_one_program_to_another_persons() {
    let bench = bench().await;
    let document = document(&bench).await;
    let (one, two) = (
        bench.person(Role::Dpo, &[]).await,
        bench.person(Role::Dpo, &[]).await,
    );
    let scopes = [Scope::TrustRead, Scope::PoliciesChange];
    let (first, second) = (
        program(&bench, &one, &scopes).await,
        program(&bench, &two, &scopes).await,
    );
    let text = Policy::embedded_text("standard").unwrap();
    let broken = text.replacen("action = \"refuse\"", "action = \"explode\"", 1);
    let broken = json!({"text": broken, "reason": "Shorter"});
    let broken = first.post("/api/v1/policies", broken).await;
    broken.refused(StatusCode::UNPROCESSABLE_ENTITY, "mistakes");
    assert_eq!(broken.json()["problems"][0]["key"], "rule[1].action");
    let shorter = text.replacen("\nheld_days = 30", "\nheld_days = 20", 1);
    let new = json!({"text": shorter, "reason": "Shorter"});
    let made = first.post("/api/v1/policies", new).await;
    let made = made.is(StatusCode::CREATED).json();
    let place = format!("/api/v1/policies/{}", made["id"].as_str().unwrap());
    let shown = second.get(&place).await.is(OK).json();
    fits(&document, ("GET", "/api/v1/policies/{id}"), "200", &shown);
    assert_eq!(
        (&shown["own"], &shown["open"]),
        (&json!(false), &json!(true))
    );
    let replay = format!("{place}/replay");
    let tried = first.post(&replay, json!({"days": 30})).await;
    let tried = tried.is(StatusCode::ACCEPTED).json();
    fits(
        &document,
        ("POST", "/api/v1/policies/{id}/replay"),
        "202",
        &tried,
    );
    assert_eq!(first.get(&replay).await.is(OK).json()["state"], "done");
    let why = json!({"reason": "Agreed"});
    let own = first.post(&format!("{place}/approve"), why.clone()).await;
    own.refused(StatusCode::BAD_REQUEST, "wrong");
    let agreed = second.post(&format!("{place}/approve"), why.clone()).await;
    assert_eq!(agreed.is(OK).json()["state"], "approved");
    let late = second.post(&format!("{place}/reject"), why).await;
    late.refused(StatusCode::CONFLICT, "decided");
}

#[tokio::test]
async fn people_are_managed_and_sessions_end() {
    let bench = bench().await;
    let dpo = bench.person(Role::Dpo, &[]).await;
    let other = bench.person(Role::Head, &["oak"]).await;
    let all = program(&bench, &dpo, &Scope::ALL).await;
    let place = format!("/api/v1/people/{}", other.account.id);
    let out = all.post(&format!("{place}/sign-out"), json!({})).await;
    assert_eq!(out.is(OK).json()["sessions"], 1);
    bench.get(&other, "/holds").await.is(StatusCode::SEE_OTHER);
    let version = other.account.version;
    let grants = |version: i64, role: &str, school: &str| json!({"version": version, "grants": [{"role": role, "schools": [school]}]});
    let grant = format!("{place}/grants");
    for wrong in [
        grants(version, "king", "oak"),
        grants(version, "head", "atlantis"),
    ] {
        let answer = all.call(Method::PUT, &grant, Some(&wrong)).await;
        answer.refused(StatusCode::BAD_REQUEST, "wrong");
    }
    let elm = grants(version, "head", "elm");
    all.call(Method::PUT, &grant, Some(&elm)).await.is(DONE);
    let again = all.call(Method::PUT, &grant, Some(&elm)).await;
    again.is(StatusCode::CONFLICT);
    let person = all.get(&place).await.json();
    assert_eq!(person["line"]["grants"][0]["schools"], json!(["elm"]));
    let now = json!({"version": person["line"]["version"]});
    all.post(&format!("{place}/disable"), now).await.is(DONE);
    let now = json!({"version": all.get(&place).await.json()["line"]["version"]});
    all.post(&format!("{place}/enable"), now).await.is(DONE);
    all.call(Method::DELETE, &place, None).await.is(DONE);
    all.get(&place)
        .await
        .refused(StatusCode::NOT_FOUND, "missing");
    let myself = format!("/api/v1/people/{}", dpo.account.id);
    let myself = all.call(Method::DELETE, &myself, None).await;
    myself.refused(StatusCode::BAD_REQUEST, "wrong");
    let account = all.get("/api/v1/account").await.json();
    assert_eq!(account["sessions"].as_array().unwrap().len(), 1);
    let ended = all.post("/api/v1/account/sessions/end", json!({})).await;
    assert_eq!(ended.is(OK).json()["sessions"], 1);
    bench.get(&dpo, "/holds").await.is(StatusCode::SEE_OTHER);
}
