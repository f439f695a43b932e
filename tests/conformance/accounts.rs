//! Who may sign in and what they have open: by both databases, to one node and to several.

use std::collections::BTreeMap;
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

/// What the ledger says of an account, oldest first.
async fn actions(store: &Custody, account: QueueId) -> Vec<String> {
    let about = account.to_string();
    let entries = store.ledger_of(1, 1_000, Some(&about), None).await;
    let entries = entries.unwrap().into_iter();
    entries.map(|entry| entry.action).collect()
}

async fn counted(store: &Custody, account: QueueId) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for action in actions(store, account).await {
        *counted.entry(action).or_insert(0) += 1;
    }
    counted
}

async fn follows(store: &Custody) {
    assert_eq!(store.verify_ledger(None).await.unwrap().first_bad, None);
}

pub async fn an_account_is_made_found_changed_and_removed(place: Place) {
    let store = place.open().await;
    let id = made(&store, LOGIN).await;
    let again = store.create_account(person(" QuillFeather "), "an.admin", start());
    assert_eq!(again.await, Err(AccountError::LoginTaken));
    let elsewhere = NewAccount {
        kind: AccountKind::Oidc,
        ..person(LOGIN)
    };
    let other = store.create_account(elsewhere.clone(), "system", start());
    let other = other.await.unwrap();
    let cased = NewAccount {
        login: "Quillfeather".into(),
        ..elsewhere
    };
    let cased = store
        .create_account(cased, "system", start())
        .await
        .unwrap();
    let found = |kind, login| store.account_by_login(kind, login);
    let local = found(AccountKind::Local, "QUILLFEATHER").await.unwrap();
    assert_eq!(local.unwrap().id, id);
    let oidc = found(AccountKind::Oidc, LOGIN).await.unwrap().unwrap();
    assert_eq!(oidc.id, other);
    // Subjects of a provider differ by case.
    let oidc = found(AccountKind::Oidc, "Quillfeather").await.unwrap();
    assert_eq!(oidc.unwrap().id, cased);
    assert_eq!(store.accounts().await.unwrap().len(), 3);
    for wrong in ["", "   "] {
        let nobody = NewAccount {
            name: wrong.into(),
            ..person("nobody")
        };
        let nobody = store.create_account(nobody, "an.admin", start()).await;
        assert_eq!(nobody, Err(AccountError::Unnamed));
    }

    let read = store.account(id).await.unwrap();
    assert_eq!((read.version, read.disabled), (1, false));
    assert_eq!(read.address, person(LOGIN).address);
    let named = AccountChange::Named {
        name: "Q. Quillfeather".into(),
        address: None,
    };
    let change = |version, change| store.change_account(id, version, change, "an.admin", start());
    change(1, named.clone()).await.unwrap();
    assert_eq!(change(1, named).await, Err(AccountError::Conflict));
    change(2, AccountChange::Disabled(true)).await.unwrap();
    let read = store.account(id).await.unwrap();
    assert_eq!((read.version, read.disabled), (3, true));
    assert_eq!(
        (read.name.as_str(), &read.address),
        ("Q. Quillfeather", &None)
    );
    assert_eq!(read.grants, head_of("oak"));
    change(3, AccountChange::Disabled(false)).await.unwrap();

    store
        .set_credentials(id, proof(&[1]), "an.admin", start())
        .await
        .unwrap();
    store.begin_session(session(id, 1, start())).await.unwrap();
    store
        .create_token(token(id, 2), "q", start())
        .await
        .unwrap();
    store
        .save_view(id, VIEW, "state=held", start())
        .await
        .unwrap();
    store.remove_account(id, "an.admin", start()).await.unwrap();
    let gone = store.remove_account(id, "an.admin", start()).await;
    assert_eq!(gone, Err(AccountError::Missing));
    assert_eq!(store.account(id).await, Err(StoreError::Missing));
    assert!(store.credentials(id).await.unwrap().is_none());
    let open = store.session(hash(1), start(), IDLE).await.unwrap();
    assert!(open.is_none());
    assert!(store.api_token(hash(2), start()).await.unwrap().is_none());
    assert!(store.views(id).await.unwrap().is_empty());
    assert_eq!(
        actions(&store, id).await,
        [
            "account-created",
            "account-changed",
            "account-changed",
            "account-changed",
            "credentials-set",
            "signed-in",
            "token-created",
            "account-removed"
        ]
    );
    follows(&store).await;
}

pub async fn a_code_is_good_once(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    let id = made(&nodes[0], LOGIN).await;
    let set = nodes[0].set_credentials(id, proof(&[1, 2]), "an.admin", start());
    set.await.unwrap();
    for step in [100, 101] {
        let mut tries = JoinSet::new();
        for node in nodes.iter().chain(&nodes) {
            let node = node.clone();
            tries.spawn(async move { node.use_totp_step(id, step).await.unwrap() });
        }
        let good = tries.join_all().await.into_iter().filter(|good| *good);
        assert_eq!(good.count(), 1, "step {step}");
    }
    let earlier = nodes[1].use_totp_step(id, 100).await.unwrap();
    assert!(!earlier, "a code from before one that was used");
    let mut tries = JoinSet::new();
    for node in nodes.iter().chain(&nodes) {
        let node = node.clone();
        tries.spawn(async move { node.use_recovery(id, hash(1), start()).await.unwrap() });
    }
    let good = tries.join_all().await.into_iter().filter(|good| *good);
    assert_eq!(good.count(), 1);
    assert!(!nodes[0].use_recovery(id, hash(9), start()).await.unwrap());
    let left = nodes[1].credentials(id).await.unwrap().unwrap();
    assert_eq!(left.recovery, [hash(2)]);
    assert_eq!(*left.totp, *proof(&[]).totp);
    assert_eq!(counted(&nodes[0], id).await["recovery-used"], 1);

    // What is set anew takes the place of all there was, and ends what was open by it.
    nodes[0]
        .begin_session(session(id, 1, start()))
        .await
        .unwrap();
    let set = nodes[0].set_credentials(id, proof(&[3]), "an.admin", start());
    set.await.unwrap();
    let left = nodes[1].credentials(id).await.unwrap().unwrap();
    assert_eq!(left.recovery, [hash(3)]);
    assert!(!nodes[0].use_recovery(id, hash(2), start()).await.unwrap());
    let open = nodes[0].session(hash(1), start(), IDLE).await.unwrap();
    assert!(open.is_none());
    let of_nobody = nodes[0].set_credentials(crate::fixtures::id(9), proof(&[]), "a", start());
    assert_eq!(of_nobody.await, Err(AccountError::Missing));
    follows(&nodes[0]).await;
}

pub async fn of_two_changes_of_an_account_one_wins(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    let id = made(&nodes[0], LOGIN).await;
    let mut tries = JoinSet::new();
    for (node, school) in nodes.iter().zip(["elm", "ash"]) {
        let node = node.clone();
        let change = AccountChange::Grants(head_of(school));
        tries.spawn(async move { node.change_account(id, 1, change, school, start()).await });
    }
    let done = tries.join_all().await;
    let lost = done
        .iter()
        .filter(|one| **one == Err(AccountError::Conflict));
    assert_eq!(lost.count(), 1, "{done:?}");
    let won = done.iter().filter(|one| one.is_ok());
    assert_eq!(won.count(), 1, "{done:?}");
    let read = nodes[0].account(id).await.unwrap();
    assert_eq!(read.version, 2);
    let about = id.to_string();
    let entries = nodes[1].ledger_of(1, 10, Some(&about), None).await.unwrap();
    assert_eq!(entries.len(), 2);
    assert!(entries[1].detail.contains(&read.grants[0].schools[0]));

    // Two who want one login: one has it.
    let mut tries = JoinSet::new();
    for node in &nodes {
        let node = node.clone();
        tries.spawn(async move {
            let made = node.create_account(person("one"), "an.admin", start());
            made.await.is_ok()
        });
    }
    let made = tries.join_all().await.into_iter().filter(|made| *made);
    assert_eq!(made.count(), 1);
    follows(&nodes[0]).await;
}

pub async fn sessions_are_bounded_and_end(place: Place) {
    let store = place.open().await;
    let id = made(&store, LOGIN).await;
    let lives = async |number, now| {
        let found = store.session(hash(number), now, IDLE).await.unwrap();
        found.is_some()
    };
    for number in 0..21 {
        let at = start() + Duration::from_secs(number.into());
        store.begin_session(session(id, number, at)).await.unwrap();
    }
    let now = start() + Duration::from_mins(1);
    assert_eq!(store.sessions_of(id).await.unwrap().len(), 20);
    assert!(!lives(0, now).await, "the oldest ends");
    assert!(lives(1, now).await && lives(20, now).await);
    let signed_in = store.account(id).await.unwrap().signed_in_at;
    assert_eq!(signed_in, Some(start() + Duration::from_secs(20)));

    // Idle, and again used in between.
    assert!(lives(5, start() + Duration::from_mins(29)).await);
    assert!(lives(5, start() + Duration::from_mins(58)).await);
    assert!(!lives(6, start() + Duration::from_mins(31)).await);
    // However much it is used it ends.
    let mut at = start();
    while at < start() + Duration::from_hours(10) {
        assert!(lives(7, at).await);
        at += Duration::from_mins(20);
    }
    assert!(
        !lives(
            7,
            start() + Duration::from_hours(10) + Duration::from_secs(7)
        )
        .await
    );

    store.end_session(hash(8), now).await.unwrap();
    store.end_session(hash(8), now).await.unwrap();
    assert!(!lives(8, now).await && lives(9, now).await);
    let ended = store.end_sessions_of(id, Some(hash(9)), "q", now).await;
    assert_eq!(ended, Ok(18));
    assert!(lives(9, now).await && !lives(10, now).await);
    assert_eq!(counted(&store, id).await["signed-out"], 2);

    // Other grants, and being disabled, end what is open.
    let change = |version, change| store.change_account(id, version, change, "an.admin", now);
    change(1, AccountChange::Grants(Vec::new())).await.unwrap();
    assert!(!lives(9, now).await);
    store.begin_session(session(id, 30, now)).await.unwrap();
    let renamed = AccountChange::Named {
        name: "Q".into(),
        address: None,
    };
    change(2, renamed).await.unwrap();
    assert!(lives(30, now).await, "another name ends nothing");
    change(3, AccountChange::Disabled(true)).await.unwrap();
    assert!(!lives(30, now).await);
    let refused = store.begin_session(session(id, 31, now)).await;
    assert_eq!(refused, Err(StoreError::Missing));
    assert_eq!(counted(&store, id).await["signed-in"], 22);
    change(4, AccountChange::Disabled(false)).await.unwrap();
    store.begin_session(session(id, 32, now)).await.unwrap();
    let later = now + Duration::from_hours(11);
    assert_eq!(store.sweep_sessions(later).await, Ok(1));
    assert!(store.sessions_of(id).await.unwrap().is_empty());
    follows(&store).await;
}

pub async fn tokens_are_bounded_and_end(place: Place) {
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
    assert_eq!(counted(store, id).await["token-created"], 50);
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
    let revoke = |account, token| store.revoke_token(account, token, "o", now);
    assert_eq!(revoke(id, token_of_other).await, Ok(false), "not theirs");
    assert_eq!(revoke(other, token_of_other).await, Ok(true));
    assert_eq!(revoke(other, token_of_other).await, Ok(false));
    assert!(store.api_token(hash(200), now).await.unwrap().is_none());
    assert_eq!(
        actions(store, other).await,
        ["account-created", "token-created", "token-revoked"]
    );
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

pub async fn views_are_bounded_and_somebodys(place: Place) {
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
