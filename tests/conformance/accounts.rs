//! Who may sign in, what proves it, and what they have open: by both databases, to one node and to several.

use std::time::{Duration, SystemTime};

use beadle::mail::QueueId;
use beadle::store::{
    Account, AccountChange, AccountError, AccountKind, Credentials, Custody, Grant, NewAccount,
    NewSession, NewToken, Role, StoreError,
};
use tokio::task::JoinSet;
use zeroize::Zeroizing;

use crate::fixtures::{DAY, address, id, start};
use crate::place::Place;

const HOUR: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);
const SUBJECT: &str = "https://login.example/tenant|Ab12";

fn local(login: &str) -> NewAccount {
    NewAccount {
        kind: AccountKind::Local,
        login: login.into(),
        name: "Wilhelmina Reviewer".into(),
        address: Some(address("w.reviewer@trust.example")),
        grants: vec![head(&["oak"])],
    }
}

fn head(schools: &[&str]) -> Grant {
    Grant {
        role: Role::Head,
        schools: schools.iter().map(ToString::to_string).collect(),
    }
}

fn later(minutes: u64) -> SystemTime {
    start() + Duration::from_mins(minutes)
}

async fn made(store: &Custody, login: &str) -> QueueId {
    let made = store.create_account(local(login), "it.person", start());
    made.await.unwrap()
}

async fn changed(
    store: &Custody,
    account: &Account,
    change: AccountChange,
) -> Result<(), AccountError> {
    let change = store.change_account(account.id, account.version, change, "it.person", start());
    change.await
}

/// Credentials of which every part follows from a number.
fn proof(number: u8) -> Credentials {
    Credentials {
        password: format!("$argon2id$invented${number}"),
        totp: Zeroizing::new(vec![number; 20]),
        recovery: vec![[number; 32], [number + 1; 32]],
    }
}

async fn begin(store: &Custody, account: QueueId, token: u8, at: SystemTime) {
    let new = session(account, token, at);
    store.begin_session(new).await.unwrap();
}

fn session(account: QueueId, token: u8, at: SystemTime) -> NewSession {
    NewSession {
        token_sha256: [token; 32],
        account,
        method: "password+totp".into(),
        device: "Browser of Wilhelmina".into(),
        at,
        ends_at: at + 8 * HOUR,
    }
}

async fn signed_in(store: &Custody, token: u8, now: SystemTime) -> bool {
    let session = store.session([token; 32], now, HOUR).await.unwrap();
    session.is_some()
}

fn token(account: QueueId, number: u8) -> NewToken {
    NewToken {
        sha256: [number; 32],
        account,
        label: "Board report".into(),
        scopes: vec!["reports".into(), "holds:read".into()],
        ends_at: start() + 30 * DAY,
    }
}

async fn good(store: &Custody, token: u8, now: SystemTime) -> bool {
    store.api_token([token; 32], now).await.unwrap().is_some()
}

/// What the ledger says of an account: who did what.
async fn said(store: &Custody, about: QueueId) -> Vec<(String, String)> {
    let about = about.to_string();
    let entries = store.ledger_of(1, 1_000, Some(&about), None).await.unwrap();
    for entry in &entries {
        for private in ["Wilhelmina", "kim", "trust.example", "Board", "login"] {
            assert!(!entry.detail.contains(private), "{}", entry.detail);
        }
    }
    assert_eq!(store.verify_ledger(None).await.unwrap().first_bad, None);
    let entries = entries.into_iter();
    entries.map(|entry| (entry.actor, entry.action)).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let expected = expected.iter();
    expected
        .map(|(actor, action)| ((*actor).to_owned(), (*action).to_owned()))
        .collect()
}

pub async fn an_account_is_kept_as_it_was_made(place: Place) {
    let store = place.node(0).await;
    let kim = made(&store, "kim").await;
    let oidc = NewAccount {
        kind: AccountKind::Oidc,
        login: SUBJECT.into(),
        name: "Orla Officer".into(),
        address: None,
        grants: vec![
            Grant {
                role: Role::Dpo,
                schools: vec![],
            },
            head(&["oak", "elm"]),
        ],
    };
    let orla = store
        .create_account(oidc, "system", later(1))
        .await
        .unwrap();
    // Another node, which opens what the first one sealed.
    let other = place.node(1).await;
    let found = other.account(kim).await.unwrap();
    assert_eq!((found.id, found.kind), (kim, AccountKind::Local));
    assert_eq!(
        (found.login.as_str(), found.name.as_str()),
        ("kim", "Wilhelmina Reviewer")
    );
    assert_eq!(found.address, Some(address("w.reviewer@trust.example")));
    assert_eq!(found.grants, [head(&["oak"])]);
    assert_eq!((found.disabled, found.version), (false, 1));
    assert_eq!((found.created_at, found.signed_in_at), (start(), None));
    let second = other.account(orla).await.unwrap();
    assert_eq!(second.grants.len(), 2);
    assert_eq!(second.address, None);
    assert!(other.accounts().await.unwrap() == [found, second]);
    assert!(!format!("{:?}", other.accounts().await.unwrap()).contains("Wilhelmina"));
    assert_eq!(
        said(&store, kim).await,
        pairs(&[("it.person", "account-created")])
    );
    assert_eq!(other.account(id(9)).await.err(), Some(StoreError::Missing));
}

pub async fn a_login_is_found_and_taken_once(place: Place) {
    let store = place.open().await;
    let kim = made(&store, "kim").await;
    let by_login = async |kind, login: &str| {
        let found = store.account_by_login(kind, login).await.unwrap();
        found.map(|account| account.id)
    };
    for login in ["kim", "KIM", " kim "] {
        assert_eq!(by_login(AccountKind::Local, login).await, Some(kim));
        let again = store.create_account(local(login), "it.person", start());
        assert_eq!(again.await, Err(AccountError::LoginTaken), "{login}");
    }
    assert_eq!(by_login(AccountKind::Oidc, "kim").await, None);
    assert_eq!(by_login(AccountKind::Local, "ki").await, None);
    let of_provider = |login: &str| NewAccount {
        kind: AccountKind::Oidc,
        ..local(login)
    };
    let provided = store.create_account(of_provider(SUBJECT), "system", start());
    let provided = provided.await.unwrap();
    assert_eq!(by_login(AccountKind::Oidc, SUBJECT).await, Some(provided));
    // Another person: a provider's subjects differ by case.
    let lower = SUBJECT.to_lowercase();
    assert_eq!(by_login(AccountKind::Oidc, &lower).await, None);
    let long = "x".repeat(201);
    for (login, name) in [("", "Kim"), ("sam", " "), ("sam", &long)] {
        let new = NewAccount {
            name: name.into(),
            ..local(login)
        };
        let refused = store.create_account(new, "it.person", start()).await;
        assert_eq!(refused, Err(AccountError::Unnamed));
    }
    assert_eq!(store.accounts().await.unwrap().len(), 2);
}

pub async fn of_two_who_take_a_login_at_once_one_has_it(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    let mut tasks = JoinSet::new();
    for number in 0..8 {
        let node = nodes[number % 2].clone();
        tasks.spawn(async move {
            node.create_account(local("kim"), "it.person", start())
                .await
        });
    }
    let done = tasks.join_all().await;
    assert_eq!(done.iter().filter(|one| one.is_ok()).count(), 1, "{done:?}");
    let taken = |one: &&Result<_, _>| **one == Err(AccountError::LoginTaken);
    assert_eq!(done.iter().filter(taken).count(), 7, "{done:?}");
    assert_eq!(nodes[0].accounts().await.unwrap().len(), 1);
}

pub async fn a_change_names_its_version_and_ends_what_is_open(place: Place) {
    let store = place.open().await;
    let kim = made(&store, "kim").await;
    let bystander = made(&store, "sam").await;
    begin(&store, bystander, 90, start()).await;
    begin(&store, kim, 1, start()).await;
    let made = store.create_token(token(kim, 2), "Wilhelmina Reviewer", start());
    made.await.unwrap();
    let first = store.account(kim).await.unwrap();
    // Another name: everything stays open.
    let named = || AccountChange::Named {
        name: "Wilhelmina Newname".into(),
        address: None,
    };
    changed(&store, &first, named()).await.unwrap();
    assert_eq!(
        changed(&store, &first, named()).await,
        Err(AccountError::Conflict)
    );
    assert!(signed_in(&store, 1, later(1)).await && good(&store, 2, later(1)).await);
    let second = store.account(kim).await.unwrap();
    assert_eq!(
        (second.name.as_str(), &second.address, second.version),
        ("Wilhelmina Newname", &None, 2)
    );
    // Other grants: whoever has them signs in again.
    let grants = vec![Grant {
        role: Role::Auditor,
        schools: vec![],
    }];
    let change = AccountChange::Grants(grants.clone());
    changed(&store, &second, change).await.unwrap();
    assert!(!signed_in(&store, 1, later(1)).await);
    let (_, third) = store.api_token([2; 32], later(1)).await.unwrap().unwrap();
    assert_eq!((third.grants.clone(), third.version), (grants, 3));
    // Disabled: nothing is open, and nothing opens.
    begin(&store, kim, 3, later(2)).await;
    let third = store.account(kim).await.unwrap();
    let disable = AccountChange::Disabled(true);
    changed(&store, &third, disable).await.unwrap();
    assert!(!signed_in(&store, 3, later(3)).await && !good(&store, 2, later(3)).await);
    assert!(store.tokens_of(kim).await.unwrap().is_empty());
    let refused = store.begin_session(session(kim, 4, later(4))).await;
    assert_eq!(refused, Err(StoreError::Missing));
    let fourth = store.account(kim).await.unwrap();
    assert!(fourth.disabled);
    let enable = AccountChange::Disabled(false);
    changed(&store, &fourth, enable).await.unwrap();
    assert!(!signed_in(&store, 3, later(4)).await && !good(&store, 2, later(4)).await);
    begin(&store, kim, 5, later(5)).await;
    assert!(signed_in(&store, 90, later(5)).await);
    let (kim_said, reviewer) = (said(&store, kim).await, "Wilhelmina Newname");
    let expected = [
        ("it.person", "account-created"),
        ("Wilhelmina Reviewer", "signed-in"),
        ("Wilhelmina Reviewer", "token-created"),
        ("it.person", "account-changed"),
        ("it.person", "account-changed"),
        (reviewer, "signed-in"),
        ("it.person", "account-changed"),
        ("it.person", "account-changed"),
        (reviewer, "signed-in"),
    ];
    assert_eq!(kim_said, pairs(&expected));
    let nobody = Account {
        id: id(9),
        ..fourth
    };
    let missing = changed(&store, &nobody, named()).await;
    assert_eq!(missing, Err(AccountError::Missing));
}

pub async fn of_two_changes_of_an_account_one_wins(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    let kim = made(&nodes[0], "kim").await;
    for round in 1..=10 {
        let account = nodes[0].account(kim).await.unwrap();
        let change = |school: &str| AccountChange::Grants(vec![head(&[school])]);
        let (one, two) = tokio::join!(
            changed(&nodes[0], &account, change("oak")),
            changed(&nodes[1], &account, change("elm"))
        );
        let won = match (&one, &two) {
            (Ok(()), Err(AccountError::Conflict)) => "oak",
            (Err(AccountError::Conflict), Ok(())) => "elm",
            both => panic!("{both:?}"),
        };
        let account = nodes[1].account(kim).await.unwrap();
        assert_eq!(account.grants, [head(&[won])]);
        assert_eq!(account.version, round + 1);
    }
    // One entry for each change that was made, and none for one that was not.
    assert_eq!(said(&nodes[0], kim).await.len(), 11);
}

pub async fn what_is_removed_leaves_its_entries_alone(place: Place) {
    let store = place.open().await;
    let kim = made(&store, "kim").await;
    store
        .set_credentials(kim, proof(7), "it.person", start())
        .await
        .unwrap();
    begin(&store, kim, 1, start()).await;
    let made_token = store.create_token(token(kim, 2), "it.person", start());
    made_token.await.unwrap();
    let view = store.save_view(kim, "Mine", "state=held", start());
    view.await.unwrap();
    store
        .remove_account(kim, "it.person", later(1))
        .await
        .unwrap();
    assert_eq!(store.account(kim).await.err(), Some(StoreError::Missing));
    assert!(store.accounts().await.unwrap().is_empty());
    assert!(!signed_in(&store, 1, later(1)).await && !good(&store, 2, later(1)).await);
    assert!(store.credentials(kim).await.unwrap().is_none());
    assert!(store.views(kim).await.unwrap().is_empty());
    assert!(store.all_tokens().await.unwrap().is_empty());
    let again = store.remove_account(kim, "it.person", later(1)).await;
    assert_eq!(again, Err(AccountError::Missing));
    // Whoever is not there is given nothing.
    let credentials = store.set_credentials(kim, proof(7), "it.person", later(1));
    assert_eq!(credentials.await, Err(AccountError::Missing));
    let session = store.begin_session(session(kim, 3, later(1))).await;
    assert_eq!(session, Err(StoreError::Missing));
    let given = store.create_token(token(kim, 3), "it.person", later(1));
    assert_eq!(given.await, Err(AccountError::Missing));
    let kept = store.save_view(kim, "Mine", "", later(1)).await;
    assert_eq!(kept, Err(AccountError::Missing));
    assert!(!store.use_totp_step(kim, 1).await.unwrap());
    let expected = [
        ("it.person", "account-created"),
        ("it.person", "credentials-set"),
        ("Wilhelmina Reviewer", "signed-in"),
        ("it.person", "token-created"),
        ("it.person", "account-removed"),
    ];
    assert_eq!(said(&store, kim).await, pairs(&expected));
    // The login is free again, for another account.
    assert_ne!(made(&store, "kim").await, kim);
}

pub async fn credentials_are_replaced_whole_and_end_sessions(place: Place) {
    let store = place.open().await;
    let kim = made(&store, "kim").await;
    assert!(store.credentials(kim).await.unwrap().is_none());
    let set = async |number, at| {
        let set = store.set_credentials(kim, proof(number), "it.person", at);
        set.await.unwrap();
    };
    set(7, start()).await;
    begin(&store, kim, 1, start()).await;
    let mut kept = store.credentials(kim).await.unwrap().unwrap();
    kept.recovery.sort_unstable();
    assert_eq!(kept.password, proof(7).password);
    assert_eq!(kept.totp, proof(7).totp);
    assert_eq!(kept.recovery, proof(7).recovery);
    set(20, later(1)).await;
    assert!(!signed_in(&store, 1, later(1)).await);
    let kept = store.credentials(kim).await.unwrap().unwrap();
    assert_eq!((kept.totp, kept.recovery.len()), (proof(20).totp, 2));
    let old = store.use_recovery(kim, [7; 32], later(2)).await.unwrap();
    assert!(!old, "a recovery code of the credentials before");
}

pub async fn a_code_is_good_once(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    let store = &nodes[0];
    let (kim, sam) = (made(store, "kim").await, made(store, "sam").await);
    // Whoever has no credentials has no step to take.
    assert!(!store.use_totp_step(kim, 5).await.unwrap());
    for account in [kim, sam] {
        let set = store.set_credentials(account, proof(7), "it.person", start());
        set.await.unwrap();
    }
    for (step, taken) in [
        (100, true),
        (100, false),
        (99, false),
        (101, true),
        (101, false),
    ] {
        assert_eq!(
            store.use_totp_step(kim, step).await.unwrap(),
            taken,
            "{step}"
        );
    }
    assert!(store.use_totp_step(sam, 100).await.unwrap(), "another's");
    for round in 0..10 {
        let mut tasks = JoinSet::new();
        for number in 0..6 {
            let node = nodes[number % 2].clone();
            tasks.spawn(async move { node.use_totp_step(kim, 200 + round).await.unwrap() });
        }
        let taken = tasks.join_all().await;
        assert_eq!(taken.iter().filter(|one| **one).count(), 1);
    }
    let mut tasks = JoinSet::new();
    for number in 0..6 {
        let node = nodes[number % 2].clone();
        tasks.spawn(async move { node.use_recovery(kim, [7; 32], later(1)).await.unwrap() });
    }
    let taken = tasks.join_all().await;
    assert_eq!(taken.iter().filter(|one| **one).count(), 1);
    let other = store.use_recovery(kim, [99; 32], later(1)).await.unwrap();
    assert!(!other);
    let left = |credentials: Option<Credentials>| credentials.unwrap().recovery;
    assert_eq!(left(store.credentials(kim).await.unwrap()), [[8; 32]]);
    assert_eq!(left(store.credentials(sam).await.unwrap()).len(), 2);
    let expected = [
        ("it.person", "account-created"),
        ("it.person", "credentials-set"),
        ("Wilhelmina Reviewer", "recovery-used"),
    ];
    assert_eq!(said(store, kim).await, pairs(&expected));
}

pub async fn a_session_lasts_while_it_is_used_and_no_longer(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    let store = &nodes[0];
    let kim = made(store, "kim").await;
    begin(store, kim, 1, start()).await;
    let account = nodes[1].account(kim).await.unwrap();
    assert_eq!(account.signed_in_at, Some(start()));
    let look = async |now| nodes[1].session([1; 32], now, HOUR).await.unwrap();
    let (session, account) = look(later(0)).await.unwrap();
    assert_eq!((session.account, account.id), (kim, kim));
    assert_eq!(session.method, "password+totp");
    assert_eq!(session.device, "Browser of Wilhelmina");
    assert!(
        !format!("{session:?}").contains("Wilhelmina"),
        "{session:?}"
    );
    assert_eq!((session.began_at, session.seen_at), (start(), start()));
    assert_eq!(session.ends_at, start() + 8 * HOUR);
    assert!(!signed_in(store, 2, start()).await, "another token");
    // Seen is written to the minute, and not at every page.
    let seen = async || store.sessions_of(kim).await.unwrap()[0].seen_at;
    assert!(look(start() + MINUTE / 2).await.is_some());
    assert_eq!(seen().await, start());
    assert!(look(later(50)).await.is_some());
    assert_eq!(seen().await, later(50));
    // An hour after it was seen, not after it began.
    assert!(look(later(109)).await.is_some());
    assert!(look(later(169)).await.is_none());
    // However busy, it ends.
    for minutes in (159..480).step_by(50) {
        assert!(look(later(minutes)).await.is_some(), "{minutes}");
    }
    assert!(look(later(480)).await.is_none());
}

pub async fn sessions_end_by_hand_by_number_and_by_time(place: Place) {
    let store = place.open().await;
    let (kim, sam) = (made(&store, "kim").await, made(&store, "sam").await);
    begin(&store, sam, 200, start()).await;
    for number in 0..20 {
        begin(&store, kim, number, later(u64::from(number))).await;
    }
    assert!(signed_in(&store, 0, later(20)).await);
    // Of more than twenty the oldest ends.
    begin(&store, kim, 20, later(20)).await;
    assert!(!signed_in(&store, 0, later(20)).await);
    assert_eq!(store.sessions_of(kim).await.unwrap().len(), 20);
    // A clock that was put back ends nobody's new session.
    begin(&store, kim, 21, start() - MINUTE).await;
    assert!(signed_in(&store, 21, start()).await);
    assert!(!signed_in(&store, 1, later(20)).await);
    assert_eq!(store.sessions_of(kim).await.unwrap().len(), 20);
    // One by hand, and it alone.
    store.end_session([20; 32], later(21)).await.unwrap();
    store.end_session([20; 32], later(21)).await.unwrap();
    assert!(!signed_in(&store, 20, later(21)).await && signed_in(&store, 19, later(21)).await);
    // All but one.
    let end = async |except| {
        let ended = store.end_sessions_of(kim, except, "it.person", later(22));
        ended.await.unwrap()
    };
    assert_eq!(end(Some([19; 32])).await, 18);
    assert!(signed_in(&store, 19, later(22)).await);
    assert_eq!(end(None).await, 1);
    assert_eq!(end(None).await, 0);
    assert!(signed_in(&store, 200, later(22)).await, "another's");
    let mut actions = said(&store, kim).await;
    actions.retain(|(_, action)| action == "signed-out");
    let expected = [
        ("Wilhelmina Reviewer", "signed-out"),
        ("it.person", "signed-out"),
        ("it.person", "signed-out"),
    ];
    assert_eq!(actions, pairs(&expected));
    // What ended by time goes in the next round.
    begin(&store, kim, 30, later(30)).await;
    let given = store.create_token(token(kim, 40), "it.person", start());
    given.await.unwrap();
    assert_eq!(
        store
            .sweep_sessions(start() + 8 * HOUR + MINUTE)
            .await
            .unwrap(),
        1
    );
    assert!(store.sessions_of(sam).await.unwrap().is_empty());
    assert_eq!(store.sessions_of(kim).await.unwrap().len(), 1);
    assert_eq!(store.sweep_sessions(start() + 31 * DAY).await.unwrap(), 2);
    assert!(store.all_tokens().await.unwrap().is_empty());
}

pub async fn tokens_are_counted_dated_and_revoked(place: Place) {
    let store = place.open().await;
    let (kim, sam) = (made(&store, "kim").await, made(&store, "sam").await);
    let create = async |account, number| {
        let new = token(account, number);
        let at = start() + Duration::from_secs(u64::from(number));
        store.create_token(new, "Wilhelmina Reviewer", at).await
    };
    let first = create(kim, 0).await.unwrap();
    let (found, account) = store.api_token([0; 32], later(5)).await.unwrap().unwrap();
    assert_eq!((found.id, found.account, account.id), (first, kim, kim));
    assert_eq!(found.label, "Board report");
    assert_eq!(found.scopes, ["reports", "holds:read"]);
    assert_eq!((found.created_at, found.used_at), (start(), None));
    assert_eq!(found.ends_at, start() + 30 * DAY);
    // Used is written to the minute, too.
    let used = async || store.tokens_of(kim).await.unwrap()[0].used_at;
    assert_eq!(used().await, Some(later(5)));
    assert!(good(&store, 0, later(5) + MINUTE / 2).await);
    assert_eq!(used().await, Some(later(5)));
    assert!(good(&store, 0, later(6)).await);
    assert_eq!(used().await, Some(later(6)));
    assert!(!good(&store, 0, start() + 30 * DAY).await);
    assert!(!good(&store, 1, later(5)).await, "not made yet");
    for number in 1..50 {
        create(kim, number).await.unwrap();
    }
    assert_eq!(create(kim, 50).await, Err(AccountError::TooMany));
    create(sam, 51).await.unwrap();
    let unnamed = NewToken {
        label: " ".into(),
        ..token(sam, 52)
    };
    let unnamed = store.create_token(unnamed, "it.person", start()).await;
    assert_eq!(unnamed, Err(AccountError::Unnamed));
    assert_eq!(store.tokens_of(kim).await.unwrap().len(), 50);
    assert_eq!(store.all_tokens().await.unwrap().len(), 51);
    let revoke = async |id| {
        let revoked = store.revoke_token(id, "it.person", later(7));
        revoked.await.unwrap()
    };
    assert!(revoke(first).await);
    assert!(!revoke(first).await);
    assert!(!good(&store, 0, later(8)).await && good(&store, 1, later(8)).await);
    // There is room again.
    create(kim, 50).await.unwrap();
    let said = said(&store, kim).await;
    let revoked = ("it.person".to_owned(), "token-revoked".to_owned());
    assert_eq!(said.iter().filter(|one| **one == revoked).count(), 1);
    assert_eq!(said.len(), 1 + 51 + 1);
}

pub async fn views_are_their_owners(place: Place) {
    let store = place.open().await;
    let (kim, sam) = (made(&store, "kim").await, made(&store, "sam").await);
    let save = async |account, name: &str, query: &str, minute| {
        store.save_view(account, name, query, later(minute)).await
    };
    let first = save(kim, " Medical, Oak ", "text=Ottoline", 0)
        .await
        .unwrap();
    save(sam, "Sam's", "state=held", 0).await.unwrap();
    let kept = store.views(kim).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(
        (kept[0].id, kept[0].name.as_str(), kept[0].query.as_str()),
        (first, "Medical, Oak", "text=Ottoline")
    );
    assert!(!store.delete_view(sam, first).await.unwrap());
    for number in 1..50 {
        save(kim, &format!("View {number}"), "", number)
            .await
            .unwrap();
    }
    assert_eq!(
        save(kim, "One more", "", 60).await,
        Err(AccountError::TooMany)
    );
    assert!(store.delete_view(kim, first).await.unwrap());
    assert!(!store.delete_view(kim, first).await.unwrap());
    save(kim, "One more", "", 60).await.unwrap();
    let kept = store.views(kim).await.unwrap();
    assert_eq!(
        (kept[0].name.as_str(), kept[49].name.as_str()),
        ("View 1", "One more")
    );
    let (long, vast) = ("x".repeat(201), "x".repeat(4_097));
    for (name, query) in [("", ""), (long.as_str(), ""), ("Vast", vast.as_str())] {
        assert_eq!(save(sam, name, query, 0).await, Err(AccountError::Unnamed));
    }
    assert_eq!(store.views(sam).await.unwrap().len(), 1);
}

/// Sign-ins, changes, resets and sign-outs of a few accounts by two nodes at once: nothing waits in a ring, and what ends stays ended.
pub async fn sign_ins_and_changes_at_once_get_along(place: Place) {
    let nodes = [place.node(0).await, place.node(1).await];
    let accounts = [made(&nodes[0], "kim").await, made(&nodes[0], "sam").await];
    let mut tasks = JoinSet::new();
    for worker in 0..8_u8 {
        let (node, account) = (
            nodes[usize::from(worker % 2)].clone(),
            accounts[usize::from(worker / 2 % 2)],
        );
        tasks.spawn(async move {
            for round in 0..12_u8 {
                let token = worker * 12 + round;
                let at = later(u64::from(round));
                match round % 6 {
                    0..3 => begin(&node, account, token, at).await,
                    3 => {
                        let ended = node.end_sessions_of(account, None, "it.person", at);
                        ended.await.unwrap();
                    }
                    4 => {
                        let set = node.set_credentials(account, proof(7), "it.person", at);
                        set.await.unwrap();
                    }
                    _ => {
                        node.sweep_sessions(at + 9 * HOUR).await.unwrap();
                    }
                }
            }
        });
    }
    tasks.join_all().await;
    for account in accounts {
        nodes[0]
            .remove_account(account, "it.person", later(60))
            .await
            .unwrap();
        assert!(nodes[1].sessions_of(account).await.unwrap().is_empty());
    }
    assert_eq!(nodes[1].verify_ledger(None).await.unwrap().first_bad, None);
}
