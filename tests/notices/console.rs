//! Where notices lead: exact links, which only show and name a hold and nothing else; and what is told of a release that two people make.

use beadle::pipeline::notices::{Answer, Answered};
use beadle::quarantine::desk::{Outcome as Released, Release, To};
use beadle::relay::notice::link::Links;

use super::*;

const CONSOLE: &str = "https://beadle.trust.example";

async fn linked(policy: &str) -> Bench {
    bench_with(policy, |settings| {
        settings.links = Some(Links::new(CONSOLE.to_owned()));
    })
    .await
}

/// Every link of a notice, in the text and in the HTML, without repetition.
fn links(sent: &Sent) -> (Vec<String>, Vec<String>) {
    let sorted = |mut list: Vec<String>| {
        list.sort_unstable();
        list.dedup();
        list
    };
    let words = sent.text.split_whitespace();
    let text = words.filter(|word| word.contains("://"));
    let html = sent.html.split("href=\"").skip(1);
    let html = html.map(|rest| rest.split('"').next().unwrap().replace("&#x2f;", "/"));
    (
        sorted(text.map(str::to_owned).collect()),
        sorted(html.collect()),
    )
}

fn same(sent: &Sent, wanted: &[String]) {
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    assert_eq!(links(sent), (wanted.clone(), wanted), "{}", sent.kind);
}

fn of<'a>(sent: &'a [Sent], kind: &str) -> &'a Sent {
    sent.iter().find(|sent| sent.kind == kind).unwrap()
}

#[tokio::test]
async fn a_hold_leads_its_sender_to_their_own_page_and_those_who_review_to_the_hold() {
    let bench = linked(POLICY).await;
    let held = received(1, SENDER, OUTSIDE, &marked(1, "", NAMED));
    let id = held.id;
    bench.accept(held).await;
    let sent = bench.sent().await;
    same(
        of(&sent, "sender-held"),
        &[format!("{CONSOLE}/mine/{}", id.reference())],
    );
    same(of(&sent, "role-hold"), &[format!("{CONSOLE}/holds/{id}")]);
    let now = SystemTime::now();
    bench.notices.round(&bench.tools, now).await.unwrap();
    let tomorrow = now + Duration::from_hours(24);
    bench.notices.round(&bench.tools, tomorrow).await.unwrap();
    let sent = bench.sent_at(tomorrow).await;
    let digest = of(&sent, "role-digest");
    same(
        digest,
        &[
            format!("{CONSOLE}/holds/{id}"),
            format!("{CONSOLE}/holds?state=held"),
        ],
    );
    assert!(
        digest.text.contains("ends undecided in 2"),
        "{}",
        digest.text
    );
}

#[tokio::test]
async fn what_is_no_hold_has_no_link() {
    let bench = linked(POLICY).await;
    let big = "Nothing personal, many times. ".repeat(1_000);
    let head = "Message-ID: <big@trust.example>\nFrom: marksender@trust.example\n\n";
    let warned = format!("{head}{big}");
    bench.accept(received(1, SENDER, OUTSIDE, &warned)).await;
    let card = marked(2, "", "Marktext card number 2720 9944 9397 3886");
    let card = card.replace("Oliver Whitcombe", "nobody");
    let mut device = received(2, SENDER, OUTSIDE, &card);
    device.client.own_server = false;
    bench.accept(device).await;
    let sent = bench.sent().await;
    let kinds: Vec<_> = sent.iter().map(|sent| &*sent.kind).collect();
    assert_eq!(kinds, ["sender-refused", "sender-warned"]);
    sent.iter().for_each(|sent| same(sent, &[]));
}

#[tokio::test]
async fn a_forward_leads_it_and_the_dpo_to_the_register() {
    let bench = linked(POLICY).await;
    let held = forward(1, "markowner@trust.example");
    let id = held.id;
    bench.accept(held).await;
    let sent = bench.sent().await;
    let register = format!("{CONSOLE}/forwarding");
    same(of(&sent, "it-forwarding"), std::slice::from_ref(&register));
    same(
        of(&sent, "role-hold"),
        &[register, format!("{CONSOLE}/holds/{id}")],
    );
    same(of(&sent, "owner-forwarding"), &[]);
}

#[tokio::test]
async fn what_cannot_wait_leads_to_the_hold_also_when_it_escalates() {
    let bench = linked(POLICY).await;
    let held = received(1, SENDER, "desk@force.example", &marked(1, "", NAMED));
    let page = [format!("{CONSOLE}/holds/{}", held.id)];
    bench.accept(held).await;
    same(of(&bench.sent().await, "urgent"), &page);
    let later = SystemTime::now() + Duration::from_mins(16);
    bench.notices.round(&bench.tools, later).await.unwrap();
    same(of(&bench.sent_at(later).await, "urgent"), &page);
}

#[tokio::test]
async fn a_release_that_two_people_make_is_told_to_those_who_review_and_its_answer_to_who_asked() {
    let policy = POLICY.replace("id = \"name\"\n", "id = \"name\"\nfour_eyes = true\n");
    let bench = linked(&policy).await;
    let held = received(1, SENDER, OUTSIDE, &marked(1, "", NAMED));
    let id = held.id;
    bench.accept(held).await;
    bench.sent().await;
    let desk = Desk::new(bench.store.clone(), Arc::new(|_| None)).signed_in_as("first");
    let by = By {
        actor: "first",
        reason: "marktext: they may have it",
        at: SystemTime::now(),
    };
    let release = Release::from(To::All);
    let asked = desk.release_or_ask(id, by, &release).await.unwrap();
    assert_eq!(asked, Released::Asked);
    let now = SystemTime::now();
    // Two nodes come to it at once, and one of them again.
    let other = bench.notices.clone();
    let (one, two) = tokio::join!(
        bench.notices.round(&bench.tools, now),
        other.round(&bench.tools, now)
    );
    one.and(two).unwrap();
    bench.notices.round(&bench.tools, now).await.unwrap();
    let sent = bench.sent().await;
    assert_eq!(sent.len(), 1, "{sent:?}");
    assert_eq!(
        (&*sent[0].kind, sent[0].to.join(" ")),
        ("role-asked", "dpo@trust.example".to_owned())
    );
    same(&sent[0], &[format!("{CONSOLE}/holds/{id}")]);
    let answer = |to: &str, answer| (Address::parse(to).unwrap(), answer);
    for (to, answer) in [
        answer("first@trust.example", Answer::Declined),
        answer("first@trust.example", Answer::Declined),
        answer("first@elsewhere.example", Answer::Approved),
    ] {
        let answered = Answered {
            to: &to,
            hold: id,
            version: 2,
            answer,
            now,
        };
        bench.notices.tell_answer(&bench.tools, &answered).await;
    }
    let sent = bench.sent().await;
    assert_eq!(sent.len(), 1, "once, and nobody outside: {sent:?}");
    assert!(sent[0].subject.contains("declined"), "{}", sent[0].subject);
    same(&sent[0], &[format!("{CONSOLE}/holds/{id}")]);
}
