//! Forms of a release, and what each of them lets pass once more: the very text, to the same recipients, by the same way.

use beadle::quarantine::strip::NoStrip;
use beadle::quarantine::{DeskError, Outcome, Release, To, Version};
use beadle::store::{Identity, Passes, Resend};

use super::*;

/// Whether this text to these people would pass, with the finding it was held for.
async fn passes(store: &Custody, text: &[u8], to: &[&str], values: &[u128]) -> Option<Passes> {
    let identity = Identity::of(text);
    let to: Vec<Address> = to.iter().map(|to| address(to)).collect();
    let envelope = Envelope::of(Some(address("teacher@trust.example")), to);
    let resend = Resend {
        identity: &identity,
        envelope: &envelope,
        values,
    };
    store.was_released(resend, start() + DAY).await.unwrap()
}

async fn sent(store: &Custody) -> (Bytes, bool) {
    let leases = store.lease_due(start() + DAY, "w", 10, DAY).await.unwrap();
    assert_eq!(leases.len(), 1);
    let message = store.delivery_message(&leases[0]).await.unwrap();
    (message, leases[0].encrypt)
}

const BOTH: [&str; 2] = ["a@home.example", "b@home.example"];

#[tokio::test]
async fn every_form_allows_its_own_text_by_its_own_way_and_no_more() {
    let only = [address("a@home.example")];
    for (to, allowed) in [(To::All, &BOTH[..]), (To::Only(&only), &BOTH[..1])] {
        for encrypt in [false, true] {
            for numbers in [&[][..], &[1][..], &[1, 2][..]] {
                let folder = tempfile::tempdir().unwrap();
                let store = one_person(folder.path()).await;
                let version = if numbers.is_empty() {
                    Version::Held
                } else {
                    Version::Without {
                        numbers,
                        keep_names: true,
                    }
                };
                let release = Release {
                    to,
                    version,
                    encrypt,
                };
                let outcome = desk(&store, "uid 1")
                    .release_or_ask(id(1), by("ann", "fine"), &release)
                    .await;
                assert_eq!(outcome, Ok(Outcome::Released));
                let (text, encrypted) = sent(&store).await;
                assert_eq!(encrypted, encrypt);
                let original = message(1);
                assert_eq!(text == original, numbers.is_empty());
                let expected = Some(Passes {
                    hold: id(1),
                    encrypt,
                });
                assert_eq!(passes(&store, &text, allowed, &[7]).await, expected);
                assert_eq!(
                    passes(&store, &text, &BOTH, &[7]).await,
                    expected.filter(|_| allowed.len() == 2),
                    "to A only, then to A and B"
                );
                assert_eq!(
                    passes(&store, &original, allowed, &[7]).await,
                    expected.filter(|_| numbers.is_empty()),
                    "the original was not released"
                );
                assert_eq!(
                    passes(&store, &text, allowed, &[7, 8]).await,
                    None,
                    "another finding"
                );
            }
        }
    }
}

#[tokio::test]
async fn without_an_attachment_the_rest_goes_and_the_ledger_says_what_went() {
    let folder = tempfile::tempdir().unwrap();
    let store = one_person(folder.path()).await;
    let desk = desk(&store, "uid 1");
    let list = desk.attachments(id(1)).await.unwrap();
    let places: Vec<_> = list
        .iter()
        .map(|found| (found.number, found.location.as_str()))
        .collect();
    assert_eq!(
        places,
        [(1, "attachment:pupils.csv"), (2, "attachment:form.pdf")]
    );
    let release = |numbers| Release {
        version: Version::Without {
            numbers,
            keep_names: false,
        },
        ..To::All.into()
    };
    for (numbers, error) in [(&[][..], NoStrip::Nothing), (&[3], NoStrip::Unknown(3))] {
        assert_eq!(
            desk.release_or_ask(id(1), by("ann", "fine"), &release(numbers))
                .await,
            Err(DeskError::NoStrip(error))
        );
    }
    desk.release_or_ask(id(1), by("ann", "fine"), &release(&[1]))
        .await
        .unwrap();
    let (text, _) = sent(&store).await;
    let note = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\nContent-Disposition: inline\r\n\r\n\
        Attachment 1 (8 bytes) was removed by a reviewer before this message was sent.";
    let part = "Content-Type: text/csv; name=\"pupils.csv\"\r\nContent-Disposition: attachment; filename=\"pupils.csv\"\r\n\r\na,b\r\n1,2";
    let expected = String::from_utf8(message(1).to_vec())
        .unwrap()
        .replace("DKIM-Signature: v=1; b=abc\r\n", "")
        .replace(part, note);
    assert_eq!(
        text,
        format!(
            "X-Beadle-Changed: without attachment 1, by review; {}\r\n{expected}",
            id(1)
        )
    );
    // The hold keeps the message as it came.
    assert_eq!(store.open_message(id(1)).await.unwrap(), message(1));
    let history = store.history(id(1)).await.unwrap();
    let detail: serde_json::Value =
        serde_json::from_str(&history.last().unwrap().entry.detail).unwrap();
    assert_eq!(
        (&detail["version"], &detail["without"], &detail["of"]),
        (&"without-attachments".into(), &1.into(), &2.into())
    );
}

#[tokio::test]
async fn of_a_confidential_message_nobody_takes_anything_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).await;
    let mut hold = new_hold(1, false);
    hold.record.confidential = true;
    store.hold(hold).await.unwrap();
    let desk = desk(&store, "uid 1");
    assert_eq!(desk.attachments(id(1)).await, Err(DeskError::Confidential));
    let release = Release {
        version: Version::Without {
            numbers: &[1],
            keep_names: false,
        },
        ..To::All.into()
    };
    assert_eq!(
        desk.release_or_ask(id(1), by("ann", "fine"), &release)
            .await,
        Err(DeskError::Confidential)
    );
}
