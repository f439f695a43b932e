//! Releases that two people make.

use beadle::quarantine::{DeskError, Forbidden, On, Outcome, Release, Tell, To, Version, initials};
use beadle::store::{DeliveryKind, HoldState, Identity, SamePerson, VersionSent};

use super::*;

fn without_list(numbers: &[usize]) -> Release<'_> {
    Release {
        to: To::All,
        version: Version::Without {
            numbers,
            keep_names: false,
        },
        encrypt: true,
    }
}

#[tokio::test]
async fn an_approval_sends_exactly_what_was_asked_for() {
    approved(&tempfile::tempdir().unwrap()).await;
    approved(&in_postgres().await).await;
}

async fn approved(folder: &tempfile::TempDir) {
    let store = needs_two(folder.path()).await;
    let (first, second) = (desk(&store, "uid 1"), desk(&store, "uid 2"));
    let asker = by("ann", "the parents agreed");
    assert_eq!(
        first.release(id(1), asker, To::All).await,
        Err(DeskError::SecondPerson)
    );
    let only = [address("B@home.example")];
    let release = Release {
        to: To::Only(&only),
        ..without_list(&[1])
    };
    let asked = first.release_or_ask(id(1), asker, &release).await;
    assert_eq!(asked, Ok(Outcome::Asked));
    assert_eq!(
        store.list_queue(None, 10).await.unwrap().len(),
        0,
        "nothing goes"
    );
    let hold = store.open_hold(id(1)).await.unwrap();
    assert_eq!(hold.summary.state, HoldState::Awaiting);
    let request = hold.request.unwrap();
    assert_eq!(
        (request.by.as_str(), request.reason.as_str()),
        ("ann", "the parents agreed")
    );
    assert_eq!((&request.rcpts[..], request.encrypt), (&[1][..], true));
    assert_eq!(
        request.sent,
        VersionSent::Without {
            numbers: vec![1],
            keep_names: false
        }
    );
    second
        .approve(id(1), by("bob", "so it is"), None)
        .await
        .unwrap();
    let leases = store.lease_due(start() + DAY, "w", 10, DAY).await.unwrap();
    assert_eq!(leases.len(), 1);
    assert_eq!(
        (leases[0].kind, leases[0].encrypt),
        (DeliveryKind::Release, true)
    );
    assert_eq!(leases[0].envelope.rcpts, envelope().rcpts[1..]);
    let sent = store.delivery_message(&leases[0]).await.unwrap();
    assert_eq!(Identity::of(&sent).whole, request.sha256);
    assert_eq!(
        acts(&store).await,
        pairs(&[
            ("relay", "held"),
            ("ann", "requested"),
            ("bob", "approved"),
            ("bob", "released"),
        ])
    );
    let history = store.history(id(1)).await.unwrap();
    let reasons: Vec<_> = history.iter().map(|past| past.reason.as_deref()).collect();
    assert_eq!(
        reasons,
        [None, Some("the parents agreed"), None, Some("so it is")]
    );
    for past in &history {
        for personal in ["home.example", "pupils", "agreed", "so it is", "ann", "bob"] {
            assert!(!past.entry.detail.contains(personal), "{past:?}");
        }
    }
}

#[tokio::test]
async fn who_asked_approves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = needs_two(folder.path()).await;
    let asked = desk(&store, "uid 1")
        .release_or_ask(id(1), by("ann", "fine"), &To::All.into())
        .await;
    assert_eq!(asked, Ok(Outcome::Asked));
    for (name, login, why) in [
        (" Ann ", "uid 2", SamePerson::Name),
        ("bob", "uid 1", SamePerson::Login),
        ("bob", "", SamePerson::Unknown),
    ] {
        let approved = desk(&store, login)
            .approve(id(1), by(name, "fine"), None)
            .await;
        assert_eq!(approved, Err(DeskError::SamePerson(why)), "{name} {login}");
    }
    let desk = desk(&store, "uid 2");
    assert_eq!(
        desk.withdraw(id(1), "bob", start()).await,
        Err(DeskError::NotRequester("ann".into()))
    );
    assert_eq!(
        desk.withdraw(id(1), "ann", start()).await,
        Err(DeskError::NotRequester("ann".into())),
        "the name alone does not make somebody who asked"
    );
    assert_eq!(store.list_queue(None, 10).await.unwrap().len(), 0);
    assert_eq!(acts(&store).await.len(), 2);
}

#[tokio::test]
async fn while_a_release_waits_nothing_else_is_decided() {
    let folder = tempfile::tempdir().unwrap();
    let store = needs_two(folder.path()).await;
    let (first, second) = (desk(&store, "uid 1"), desk(&store, "uid 2"));
    let nothing = first.approve(id(1), by("ann", "fine"), None).await;
    assert_eq!(nothing, Err(DeskError::Forbidden(Forbidden::NothingAsked)));
    first
        .release_or_ask(id(1), by("ann", "fine"), &To::All.into())
        .await
        .unwrap();
    let waits = Err(DeskError::Forbidden(Forbidden::Awaiting));
    assert_eq!(
        second.refuse(id(1), by("bob", "no"), Tell::Nobody).await,
        waits
    );
    assert_eq!(
        second.release(id(1), by("bob", "fine"), To::All).await,
        waits
    );
    let asked = second
        .release_or_ask(id(1), by("bob", "fine"), &To::All.into())
        .await;
    assert_eq!(asked.map(|_| ()), waits);
    second
        .decline(id(1), by("bob", "ask the head first"))
        .await
        .unwrap();
    let hold = store.open_hold(id(1)).await.unwrap();
    assert_eq!((hold.summary.state, hold.request), (HoldState::Held, None));
    assert_eq!(hold.told.last().unwrap().reason, "ask the head first");
    // One person refuses.
    second
        .refuse(id(1), by("bob", "no"), Tell::Nobody)
        .await
        .unwrap();
    assert_eq!(
        acts(&store).await,
        pairs(&[
            ("relay", "held"),
            ("ann", "requested"),
            ("bob", "declined"),
            ("bob", "refused"),
        ])
    );
}

#[tokio::test]
async fn a_request_that_was_changed_since_it_was_seen_is_not_approved() {
    let folder = tempfile::tempdir().unwrap();
    let store = needs_two(folder.path()).await;
    let (first, second) = (desk(&store, "uid 1"), desk(&store, "uid 2"));
    first
        .release_or_ask(id(1), by("ann", "fine"), &without_list(&[1]))
        .await
        .unwrap();
    let seen = store.open_hold(id(1)).await.unwrap().summary.version;
    first.withdraw(id(1), "ann", start()).await.unwrap();
    first
        .release_or_ask(id(1), by("ann", "fine"), &To::All.into())
        .await
        .unwrap();
    let on = On {
        id: id(1),
        version: Some(seen),
    };
    let approved = second.approve(on, by("bob", "fine"), None).await;
    assert_eq!(approved.unwrap_err().to_string(), "already awaiting by ann");
    assert_eq!(store.list_queue(None, 10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn another_version_with_initials_than_the_one_asked_for_is_void() {
    let folder = tempfile::tempdir().unwrap();
    let store = needs_two(folder.path()).await;
    let (first, second) = (desk(&store, "uid 1"), desk(&store, "uid 2"));
    let version = |text: &str| {
        Bytes::from(format!(
            "{}: names of pupils to initials, by review; {}\r\nSubject: {text}\r\n\r\nx\r\n",
            initials::CHANGED_HEADER,
            id(1)
        ))
    };
    let release = Release {
        version: Version::Initials(version("O.W.")),
        ..To::All.into()
    };
    first
        .release_or_ask(id(1), by("ann", "fine"), &release)
        .await
        .unwrap();
    for (made, expected) in [
        (None, DeskError::NoVersion),
        (Some(version("O.")), DeskError::Void),
        (Some(message(1)), DeskError::Foreign),
    ] {
        let approved = second.approve(id(1), by("bob", "fine"), made).await;
        assert_eq!(approved, Err(expected));
    }
    let made = Some(version("O.W."));
    second
        .approve(id(1), by("bob", "fine"), made)
        .await
        .unwrap();
    assert_eq!(store.list_queue(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_request_survives_a_restart_and_ends_with_the_content() {
    let folder = tempfile::tempdir().unwrap();
    let store = needs_two(folder.path()).await;
    desk(&store, "uid 1")
        .release_or_ask(id(1), by("ann", "fine"), &To::All.into())
        .await
        .unwrap();
    store.close().await;
    let store = open(folder.path()).await;
    let ended = store.expire_due(start() + 100 * DAY).await.unwrap();
    assert_eq!(ended.expired, 1);
    let late = desk(&store, "uid 2")
        .approve(id(1), by("bob", "fine"), None)
        .await;
    assert!(late.is_err());
    assert_eq!(store.list_queue(None, 10).await.unwrap().len(), 0);
}
