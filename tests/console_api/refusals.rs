//! What is not done, and how a program is told.

use super::console::{Held, bench};
use super::{Body, Method, Request, StatusCode, header, program};
use beadle::console::Key;
use beadle::console::scope::Scope;
use beadle::store::{AccountChange, HoldState, Role};
use serde_json::json;

const DENIED: StatusCode = StatusCode::FORBIDDEN;
const MISSING: StatusCode = StatusCode::NOT_FOUND;
const WRONG: StatusCode = StatusCode::BAD_REQUEST;

#[tokio::test]
async fn every_refusal_is_a_problem() {
    let bench = bench().await;
    let dpo = bench.person(Role::Dpo, &[]).await;
    let all = program(&bench, &dpo, &Scope::ALL).await;
    let doors = beadle::console::doors(&bench.site);
    let mut seen = 0;
    for door in doors.list() {
        if !matches!(door.key, Key::Token(_)) {
            continue;
        }
        // Nothing of this name is there, and no body fits.
        let path = door.path.replace("{kind}", "nothing");
        let path = path
            .split('/')
            .map(|part| if part.starts_with('{') { "none" } else { part });
        let path = path.collect::<Vec<_>>().join("/");
        let bare = Request::builder().method(&door.method).uri(&path);
        let bare = bench.answer(bare.body(Body::empty()).unwrap()).await;
        bare.is(StatusCode::UNAUTHORIZED);
        assert!(
            bare.headers.contains_key(header::WWW_AUTHENTICATE),
            "{path}"
        );
        let answer = all
            .call(door.method.clone(), &path, Some(&json!([1])))
            .await;
        if !answer.0.status.is_success() {
            seen += 1;
            assert_eq!(
                answer.kind(),
                "application/problem+json",
                "{} {path}",
                door.method
            );
            let known = [400, 403, 404, 422];
            assert!(
                known.contains(&answer.0.status.as_u16()),
                "{path}: {}",
                answer.0.body
            );
        }
    }
    assert!(seen > 45, "{seen}");
    let nowhere = all.get("/api/v1/nothing").await;
    nowhere.refused(MISSING, "missing");
}

#[tokio::test]
async fn a_body_that_does_not_fit_is_told_where_and_never_what() {
    let bench = bench().await;
    let id = bench.hold(Held::default()).await;
    let dpo = bench.person(Role::Dpo, &[]).await;
    let all = program(&bench, &dpo, &Scope::ALL).await;
    let path = format!("/api/v1/holds/{id}/claim");
    let missing = all.post(&path, json!({})).await;
    let missing = missing.refused(WRONG, "wrong").json();
    assert_eq!(
        missing["detail"],
        "the field version is missing at line 1, column 2"
    );
    for body in [
        json!({"version": "Oliver Whitcombe"}),
        json!({"version": 1, "Whitcombe": true}),
        json!("Whitcombe"),
    ] {
        let answer = all.post(&path, body).await;
        answer.refused(WRONG, "wrong");
        assert!(!answer.0.body.contains("Whitcombe"), "{}", answer.0.body);
    }
    let nobody = json!({"version": 1, "reason": "checked", "recipients": []});
    let release = format!("/api/v1/holds/{id}/release");
    all.post(&release, nobody).await.refused(WRONG, "wrong");
    let form = json!({"version": 1, "reason": "checked", "recipients": [0], "form": "shout"});
    all.post(&release, form).await.refused(WRONG, "wrong");
    for wrong in [
        "state=lost",
        "from=yesterday",
        "category=weather",
        "cursor=x",
    ] {
        let answer = all.get(&format!("/api/v1/holds?{wrong}")).await;
        answer.refused(WRONG, "wrong");
    }
    all.get("/api/v1/ledger?about=x")
        .await
        .refused(WRONG, "wrong");
    all.get("/api/v1/ledger?upto=x")
        .await
        .refused(WRONG, "wrong");
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_and_changes_nothing() {
    let bench = bench().await;
    let id = bench.hold(Held::default()).await;
    let dpo = bench.person(Role::Dpo, &[]).await;
    let all = program(&bench, &dpo, &Scope::ALL).await;
    let version: i64 = bench.version(id).await.parse().unwrap();
    let stale = version + 3;
    let before = bench.store.ledger_end().await.unwrap();
    for (act, body) in [
        ("claim", json!({"version": stale})),
        (
            "refuse",
            json!({"version": stale, "reason": "too-much", "tell_sender": true}),
        ),
        (
            "release",
            json!({"version": stale, "reason": "checked", "recipients": [0]}),
        ),
        (
            "release/plan",
            json!({"version": stale, "reason": "checked", "recipients": [0]}),
        ),
        (
            "legal-hold",
            json!({"version": stale, "place": true, "text": "case 12"}),
        ),
    ] {
        let answer = all.post(&format!("/api/v1/holds/{id}/{act}"), body).await;
        answer.refused(StatusCode::CONFLICT, "decided");
    }
    let other = bench.person(Role::Head, &["oak"]).await;
    let person = format!("/api/v1/people/{}", other.account.id);
    let changed = bench.store.change_account(
        other.account.id,
        other.account.version,
        AccountChange::Disabled(true),
        "test",
        std::time::SystemTime::now(),
    );
    changed.await.unwrap();
    let stale = json!({"version": other.account.version});
    let answer = all.post(&format!("{person}/enable"), stale).await;
    answer.is(StatusCode::CONFLICT);
    let hold = bench.store.open_hold(id).await.unwrap();
    assert_eq!(hold.summary.state, HoldState::Held);
    // The new account's, its session's and its change's: none of ours.
    let about = id.to_string();
    let since = bench
        .store
        .ledger_of(before + 1, 100, Some(&about), None)
        .await;
    assert!(since.unwrap().is_empty());
}

#[tokio::test]
async fn scopes_and_schools_are_kept() {
    let bench = bench().await;
    let oak = bench.hold(Held::default()).await;
    let elm = bench
        .hold(Held {
            from: "office@elm.trust.example",
            ..Held::default()
        })
        .await;
    let head = bench.person(Role::Head, &["elm"]).await;
    let all = program(&bench, &head, &Scope::ALL).await;
    let list = all.get("/api/v1/holds").await.json();
    assert_eq!(list["holds"].as_array().unwrap().len(), 1);
    assert_eq!(list["holds"][0]["id"], elm.to_string());
    let body = json!({"version": 1, "reason": "checked", "recipients": [0]});
    for path in [
        "",
        "/message",
        "/unmask",
        "/save",
        "/release",
        "/release/plan",
    ] {
        let place = format!("/api/v1/holds/{oak}{path}");
        let answer = match path {
            "" => all.get(&place).await,
            _ => all.post(&place, body.clone()).await,
        };
        answer.refused(MISSING, "missing");
    }
    for place in ["/api/v1/ledger", "/api/v1/people", "/api/v1/deliveries"] {
        all.get(place).await.refused(DENIED, "denied");
    }
    // A part of it: the list without decisions and without text.
    let reads = program(&bench, &head, &[Scope::HoldsRead]).await;
    let one = reads.get(&format!("/api/v1/holds/{elm}")).await;
    let one = one.is(StatusCode::OK).json();
    assert_eq!(one["may"]["read"], false);
    assert_eq!(one["line"]["subject"], json!(null));
    for act in ["message", "save", "release", "refuse"] {
        let place = format!("/api/v1/holds/{elm}/{act}");
        reads
            .post(&place, body.clone())
            .await
            .refused(DENIED, "denied");
    }
    let it = bench.person(Role::It, &[]).await;
    let it = program(&bench, &it, &Scope::ALL).await;
    let one = it.get(&format!("/api/v1/holds/{elm}")).await;
    let text = &one.is(StatusCode::OK).0.body;
    for content in ["The trip", "O••••", "in the body"] {
        assert!(!text.contains(content), "{text}");
    }
    // A token of somebody who was disabled meanwhile is none.
    let off = AccountChange::Disabled(true);
    let account = &head.account;
    let now = std::time::SystemTime::now();
    let off = bench
        .store
        .change_account(account.id, account.version, off, "test", now);
    off.await.unwrap();
    let answer = all.call(Method::GET, "/api/v1/holds", None).await;
    answer.refused(StatusCode::UNAUTHORIZED, "token");
}
