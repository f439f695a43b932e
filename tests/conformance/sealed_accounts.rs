//! What somebody with a database's password sees of accounts, and can do to them; and bounds that several nodes keep together.

use std::time::{Duration, SystemTime};

use beadle::mail::QueueId;
use beadle::store::{
    AccountChange, AccountError, AccountKind, Credentials, Custody, Grant, NewAccount, NewSession,
    NewToken, Role, StoreError,
};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::fixtures::{DAY, address, start};
use crate::place::Place;

const IDLE: Duration = Duration::from_mins(30);
const LOGIN: &str = "quillfeather";
const LABEL: &str = "Nightly quernstone";
const BROWSER: &str = "Quixotic/7";
const VIEW: &str = "Quagmire of the week";

fn hash(number: u8) -> [u8; 32] {
    [number; 32]
}

fn head_of(school: &str) -> Vec<Grant> {
    vec![Grant {
        role: Role::Head,
        schools: vec![school.into()],
    }]
}

fn person(login: &str) -> NewAccount {
    NewAccount {
        kind: AccountKind::Local,
        login: login.into(),
        name: "Quentin Quillfeather".into(),
        address: Some(address("q.quillfeather@trust.example")),
        grants: head_of("oak"),
    }
}

async fn made(store: &Custody, login: &str) -> QueueId {
    let made = store.create_account(person(login), "an.admin", start());
    made.await.unwrap()
}

fn session(account: QueueId, number: u8, at: SystemTime) -> NewSession {
    NewSession {
        token_sha256: hash(number),
        account,
        method: "password+totp".into(),
        device: BROWSER.into(),
        at,
        ends_at: at + Duration::from_hours(10),
    }
}

fn token(account: QueueId, number: u8) -> NewToken {
    NewToken {
        sha256: hash(number),
        account,
        label: LABEL.into(),
        scopes: vec!["holds:read".into()],
        ends_at: start() + 30 * DAY,
    }
}

fn proof(recovery: &[u8]) -> Credentials {
    Credentials {
        password: "$argon2id$quartermaster".into(),
        totp: Zeroizing::new(b"12345678901234567890".to_vec()),
        recovery: recovery.iter().copied().map(hash).collect(),
    }
}

async fn follows(store: &Custody) {
    assert_eq!(store.verify_ledger(None).await.unwrap().first_bad, None);
}

pub async fn tokens_are_bounded_however_many_ask_at_once(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    let store = &nodes[0];
    let (id, other) = (made(store, LOGIN).await, made(store, "other").await);
    let mut tries = JoinSet::new();
    for number in 0..54 {
        let node = nodes[usize::from(number % 2)].clone();
        tries.spawn(async move { node.create_token(token(id, number), "q", start()).await });
    }
    let done = tries.join_all().await;
    let full = done
        .iter()
        .filter(|one| **one == Err(AccountError::TooMany));
    assert_eq!(full.count(), 4);
    let tokens = store.tokens_of(id).await.unwrap();
    assert_eq!(tokens.len(), 50);
    assert_eq!(tokens[0].label, LABEL);
    assert_eq!(tokens[0].scopes, ["holds:read"]);

    store
        .create_token(token(other, 200), "o", start())
        .await
        .unwrap();
    let now = start() + Duration::from_mins(1);
    let (used, owner) = store.api_token(hash(200), now).await.unwrap().unwrap();
    assert_eq!((used.used_at, owner.id), (None, other));
    let (used, _) = nodes[1].api_token(hash(200), now).await.unwrap().unwrap();
    assert_eq!(used.used_at, Some(now));
    let late = store.api_token(hash(200), start() + 30 * DAY).await;
    assert!(late.unwrap().is_none());
    let token_of_other = used.id;
    let revoke = |account, token| store.revoke_token_of(account, token, "o", now);
    assert_eq!(revoke(id, token_of_other).await, Ok(false), "not theirs");
    assert_eq!(revoke(other, token_of_other).await, Ok(true));
    assert!(store.api_token(hash(200), now).await.unwrap().is_none());
    assert_eq!(store.all_tokens().await.unwrap().len(), 50);

    let disabled = AccountChange::Disabled(true);
    let disable = store.change_account(id, 1, disabled, "an.admin", now);
    disable.await.unwrap();
    assert!(store.tokens_of(id).await.unwrap().is_empty());
    let refused = store.create_token(token(id, 201), "q", now).await;
    assert_eq!(refused, Err(AccountError::Missing));
    for label in ["", " ", &"long ".repeat(50)] {
        let unnamed = NewToken {
            label: label.into(),
            ..token(other, 202)
        };
        let unnamed = store.create_token(unnamed, "o", now).await;
        assert_eq!(unnamed, Err(AccountError::Unnamed));
    }
    store
        .create_token(token(other, 203), "o", now)
        .await
        .unwrap();
    assert_eq!(store.sweep_sessions(start() + 31 * DAY).await, Ok(1));
    follows(store).await;
}

pub async fn views_are_bounded_however_many_are_kept_at_once(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    let store = &nodes[0];
    let (id, other) = (made(store, LOGIN).await, made(store, "other").await);
    let mut tries = JoinSet::new();
    for number in 0..52usize {
        let node = nodes[number % 2].clone();
        tries.spawn(async move { node.save_view(id, VIEW, "state=held", start()).await });
    }
    let done = tries.join_all().await;
    let full = done
        .iter()
        .filter(|one| **one == Err(AccountError::TooMany));
    assert_eq!(full.count(), 2);
    let views = store.views(id).await.unwrap();
    assert_eq!(views.len(), 50);
    assert_eq!(
        (views[0].name.as_str(), views[0].query.as_str()),
        (VIEW, "state=held")
    );
    assert!(store.views(other).await.unwrap().is_empty());
    assert_eq!(store.delete_view(other, views[0].id).await, Ok(false));
    assert_eq!(store.delete_view(id, views[0].id).await, Ok(true));
    assert_eq!(store.delete_view(id, views[0].id).await, Ok(false));
    let long = store.save_view(id, VIEW, &"x".repeat(4_097), start()).await;
    assert_eq!(long, Err(AccountError::Unnamed));
    let nobody = store.save_view(crate::fixtures::id(9), VIEW, "", start());
    assert_eq!(nobody.await, Err(AccountError::Missing));
}

/// Puts there all that an account can have.
async fn everything(store: &Custody) -> QueueId {
    let id = made(store, LOGIN).await;
    let set = store.set_credentials(id, proof(&[1]), "an.admin", start());
    set.await.unwrap();
    store.begin_session(session(id, 1, start())).await.unwrap();
    store
        .create_token(token(id, 2), "q", start())
        .await
        .unwrap();
    let query = "text=quaternary";
    store.save_view(id, VIEW, query, start()).await.unwrap();
    id
}

pub async fn a_database_has_nothing_of_accounts_in_clear(place: Place) {
    let store = place.open().await;
    everything(&store).await;
    let unseen = NewAccount {
        name: "Quiddity Quoll".into(),
        ..person("unseen")
    };
    store
        .create_account(unseen, "an.admin", start())
        .await
        .unwrap();
    let kept = place.everything_kept().await;
    assert!(!kept.is_empty());
    let markers = [
        LOGIN,
        // Of who has acted the ledger keeps the name, beside its chain; of who has not there is none.
        "Quiddity",
        "unseen",
        "q.quillfeather",
        LABEL,
        BROWSER,
        VIEW,
        "quaternary",
        "quartermaster",
        "12345678901234567890",
    ];
    for marker in markers {
        let marker = marker.as_bytes();
        for file in &kept {
            let found = file.windows(marker.len()).any(|window| window == marker);
            assert!(!found, "{}", String::from_utf8_lossy(marker));
        }
    }
}

pub async fn a_row_moved_to_another_account_does_not_open(place: Place) {
    let store = place.open().await;
    let id = everything(&store).await;
    let other = made(&store, "other").await;
    store
        .begin_session(session(other, 11, start()))
        .await
        .unwrap();
    store
        .create_token(token(other, 12), "o", start())
        .await
        .unwrap();
    let corrupt = |error: StoreError| assert!(error != StoreError::Missing, "{error}");
    let now = start() + Duration::from_secs(1);
    for sql in [
        format!("UPDATE session SET account = '{id}' WHERE account = '{other}'"),
        format!("UPDATE api_token SET account = '{id}' WHERE account = '{other}'"),
    ] {
        place.by_hand(&sql).await;
    }
    corrupt(store.session(hash(11), now, IDLE).await.unwrap_err());
    corrupt(store.api_token(hash(12), now).await.unwrap_err());
    assert!(store.session(hash(1), now, IDLE).await.unwrap().is_some());
    place
        .by_hand("UPDATE api_token SET scopes = '[\"people:manage\"]'")
        .await;
    corrupt(store.api_token(hash(2), now).await.unwrap_err());
    place
        .by_hand("UPDATE session SET ends_at = ends_at + 1")
        .await;
    corrupt(store.session(hash(1), now, IDLE).await.unwrap_err());
    place
        .by_hand("UPDATE account SET version = version + 1")
        .await;
    corrupt(store.account(id).await.unwrap_err());
}
