//! The list: who sees which lines, how it is narrowed, pages, saved searches, news.

use super::*;

#[tokio::test]
async fn the_list_shows_each_role_what_it_may_see() {
    let bench = bench().await;
    let oak = bench.hold(Held::default()).await;
    let elm = bench
        .hold(Held {
            from: "teacher@elm.trust.example",
            subject: "Sports day",
            ..Held::default()
        })
        .await;
    let none = bench
        .hold(Held {
            from: "office@trust.example",
            subject: "Budget",
            ..Held::default()
        })
        .await;
    let nursery = bench
        .hold(Held {
            from: "carer@nursery.oak.trust.example",
            subject: "Nap time",
            ..Held::default()
        })
        .await;
    let reference = |id: beadle::mail::QueueId| id.reference().to_string();

    let list = bench.get(&dpo(&bench).await, "/holds").await;
    list.is(OK)
        .says("The trip")
        .says("Sports day")
        .says("Budget")
        .says("1 to 4 of 4");

    let head = bench.person(Role::Head, &["oak"]).await;
    let list = bench.get(&head, "/holds").await;
    list.is(OK).says("The trip").says(&reference(oak));
    for other in [elm, none, nursery] {
        list.hides(&reference(other));
    }
    list.hides("Sports day").hides("Budget").hides("Nap time");

    // Several schools, and one that no longer is.
    let head = bench.person(Role::Head, &["elm", "nursery", "gone"]).await;
    let list = bench.get(&head, "/holds").await;
    list.says(&reference(elm))
        .says(&reference(nursery))
        .hides(&reference(oak));
    let gone = bench.person(Role::Head, &["gone"]).await;
    bench
        .get(&gone, "/holds")
        .await
        .is(OK)
        .says("Nothing waits");

    // IT sees addresses and never a subject; an auditor neither subject nor text.
    for role in [Role::It, Role::Auditor] {
        let list = bench.get(&bench.person(role, &[]).await, "/holds").await;
        list.is(OK)
            .says("teacher@oak.trust.example")
            .hides("The trip")
            .hides("name=\"hold\"");
    }
    let sender = bench
        .signed_in(Role::Sender, &[], Some("teacher@oak.trust.example"))
        .await;
    bench.get(&sender, "/holds").await.is(DENIED);
}

#[tokio::test]
async fn the_list_is_narrowed_and_a_searched_text_stands_in_no_address() {
    let bench = bench().await;
    bench.hold(Held::default()).await;
    bench
        .hold(Held {
            subject: "Asthma plan",
            category: Category::Medical,
            rule: "health",
            ..Held::default()
        })
        .await;
    let dpo = dpo(&bench).await;
    let found = bench
        .post(
            &dpo,
            "/holds/search",
            &[("text", "asthma"), ("state", "waiting")],
        )
        .await;
    found.is(SEE_OTHER);
    let to = found.location().to_owned();
    assert!(
        to.contains("q=") && !to.to_lowercase().contains("asthma"),
        "{to}"
    );
    bench
        .get(&dpo, &to)
        .await
        .is(OK)
        .says("Asthma plan")
        .hides("The trip")
        .says("value=\"asthma\"");
    // It is nobody else's.
    let other = bench.person(Role::Dpo, &[]).await;
    bench
        .get(&other, &to)
        .await
        .is(OK)
        .says("Your search has ended")
        .hides("value=\"asthma\"");

    for (query, seen, unseen) in [
        ("category=medical", "Asthma plan", "The trip"),
        ("rule=pupil-name", "The trip", "Asthma plan"),
        ("school=oak", "The trip", "Nothing waits"),
    ] {
        let list = bench.get(&dpo, &format!("/holds?{query}")).await;
        list.is(OK).says(seen).hides(unseen);
    }
    bench
        .get(&dpo, "/holds?school=elm")
        .await
        .is(OK)
        .says("No message matches");
    bench
        .get(&dpo, "/holds?state=released")
        .await
        .is(OK)
        .says("No message matches");
    for query in ["state=odd", "from=soon", "category=odd", "at=odd"] {
        bench
            .get(&dpo, &format!("/holds?{query}"))
            .await
            .is(WRONG)
            .says("There is a problem");
    }
    let today = bench
        .get(&dpo, "/holds?from=2020-01-01&until=2099-12-31")
        .await;
    today.is(OK).says("The trip");
    bench
        .get(&dpo, "/holds?until=2020-01-01")
        .await
        .is(OK)
        .hides("The trip");
}

#[tokio::test]
async fn pages_join() {
    let bench = bench().await;
    for number in 0..30u64 {
        let age = std::time::Duration::from_mins(100 - number);
        bench
            .hold(Held {
                age,
                ..Held::default()
            })
            .await;
    }
    let dpo = dpo(&bench).await;
    let first = bench.get(&dpo, "/holds").await;
    first
        .is(OK)
        .says("1 to 25 of 30")
        .says("rel=\"next\"")
        .hides("rel=\"prev\"");
    let next = href(&first.body, "rel=\"next\"");
    let second = bench.get(&dpo, &next).await;
    second.is(OK).says("26 to 30 of 30").hides("rel=\"next\"");
    let mut seen: Vec<&str> = ids(&first.body).chain(ids(&second.body)).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 30);
    let back = bench.get(&dpo, &href(&second.body, "rel=\"prev\"")).await;
    assert_eq!(
        ids(&back.body).collect::<Vec<_>>(),
        ids(&first.body).collect::<Vec<_>>()
    );
}

/// The address of the link with this attribute.
fn href(page: &str, with: &str) -> String {
    let before = page.split(with).next().unwrap();
    let from = before.rsplit("href=\"").next().unwrap();
    from.split('"')
        .next()
        .unwrap()
        .replace("&#38;", "&")
        .replace("&amp;", "&")
}

/// Ids that can be ticked.
fn ids(page: &str) -> impl Iterator<Item = &str> {
    page.split("name=\"hold\" value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
}

#[tokio::test]
async fn a_saved_search_is_its_owners_and_tells_nothing_in_its_address() {
    let bench = bench().await;
    bench
        .hold(Held {
            subject: "Asthma plan",
            ..Held::default()
        })
        .await;
    let dpo = dpo(&bench).await;
    let found = bench
        .post(&dpo, "/holds/search", &[("text", "asthma")])
        .await;
    let sealed = found.location().split_once("q=").unwrap().1.to_owned();
    let fields = [("q", sealed.as_str()), ("name", "Care plans")];
    bench
        .post(&dpo, "/holds/views", &fields)
        .await
        .is(SEE_OTHER);
    bench
        .post(&dpo, "/holds/views", &[("name", " ")])
        .await
        .is(StatusCode::BAD_REQUEST);
    let list = bench.get(&dpo, "/holds").await;
    list.is(OK).says("Care plans");
    let view = href(&list.body, "\">Care plans<");
    let opened = bench.get(&dpo, &view).await;
    opened.is(SEE_OTHER);
    assert!(!opened.location().contains("asthma"));
    bench
        .get(&dpo, opened.location())
        .await
        .is(OK)
        .says("value=\"asthma\"");
    let other = bench.person(Role::Dpo, &[]).await;
    bench.get(&other, &view).await.is(MISSING);
    bench
        .post(&other, &format!("{view}/delete"), &[])
        .await
        .is(MISSING);
    bench
        .post(&dpo, &format!("{view}/delete"), &[])
        .await
        .is(SEE_OTHER);
    bench.get(&dpo, "/holds").await.is(OK).hides("Care plans<");
}

#[tokio::test]
async fn news_are_numbers_of_what_a_listener_may_see() {
    use futures_util::StreamExt as _;
    let bench = bench().await;
    bench.hold(Held::default()).await;
    let head = bench.person(Role::Head, &["oak"]).await;
    let stream = bench.open(&head, "/live/holds").await;
    assert_eq!(stream.status(), OK);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut events = stream.into_body().into_data_stream();
    let mut news = async || {
        let wait = std::time::Duration::from_secs(30);
        let event = tokio::time::timeout(wait, events.next()).await;
        String::from_utf8(event.unwrap().unwrap().unwrap().to_vec()).unwrap()
    };
    // What waited when they began is no news, and what another school sent is none of theirs.
    bench
        .hold(Held {
            from: "teacher@elm.trust.example",
            ..Held::default()
        })
        .await;
    bench.hold(Held::default()).await;
    assert_eq!(
        news().await,
        "event: news\ndata: 1 new message waits. Show it.\n\n"
    );
    let more = [
        bench.open(&head, "/live/holds").await,
        bench.open(&head, "/live/holds").await,
    ];
    assert!(more.iter().all(|one| one.status() == OK));
    let many = bench.open(&head, "/live/holds").await;
    assert_eq!(many.status(), StatusCode::TOO_MANY_REQUESTS);
    let sender = bench.person(Role::Sender, &[]).await;
    assert_eq!(bench.open(&sender, "/live/holds").await.status(), DENIED);
}
