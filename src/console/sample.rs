//! The style guide: a page with every piece that templates have, written as a page is, and held to what each piece promises.
//!
//! `BEADLE_SAMPLE=FILE cargo test --lib console::sample` writes the page to look at it.

use askama::Template;

use super::assets;
use super::frame::{Frame, FrameNotice, NavItem};
use super::words::Words;

/// What a stranger might have written; it must come out as text everywhere.
const HOSTILE: &str = "\"><script>alert(1)</script>";

struct Link {
    href: &'static str,
    label: &'static str,
    text: &'static str,
    current: bool,
}

struct Choice {
    value: &'static str,
    label: &'static str,
    hint: &'static str,
    chosen: bool,
}

struct Bar {
    label: &'static str,
    value: u32,
    length: u32,
}

struct Event {
    title: &'static str,
    who: &'static str,
    machine: &'static str,
    when: &'static str,
    text: &'static str,
}

#[derive(Template)]
#[template(path = "sample.html")]
struct Sample {
    frame: Frame,
    text: &'static str,
    crumbs: Vec<Link>,
    errors: Vec<Link>,
    tabs: Vec<Link>,
    choices: Vec<Choice>,
    bars: Vec<Bar>,
    events: Vec<Event>,
    heads: [&'static str; 4],
}

fn link(href: &'static str, label: &'static str, current: bool) -> Link {
    Link {
        href,
        label,
        text: label,
        current,
    }
}

fn choice(value: &'static str, label: &'static str, hint: &'static str, chosen: bool) -> Choice {
    Choice {
        value,
        label,
        hint,
        chosen,
    }
}

fn frame() -> Frame {
    let place = |href, label: &str, current| NavItem {
        href,
        label: label.to_owned(),
        current,
    };
    Frame {
        words: Words::english(),
        title: "Style guide".to_owned(),
        trust: "Example Learning Trust".to_owned(),
        nav: vec![
            place("/", "Overview", false),
            place("/holds", "Held messages", true),
            place("/search", "Search", false),
            place("/reports", "Reports", false),
            place("/breaches", "Breaches", false),
            place("/policy", "Policy", false),
            place("/ledger", "Ledger", false),
        ],
        who: Some("Sam Sample".to_owned()),
        signed: true,
        csrf: "token".to_owned(),
        lang: "en-GB",
        css: assets::url("console.css"),
        js: assets::url("console.js"),
        icon: assets::url("favicon.svg"),
        notice: Some(FrameNotice {
            kind: "success",
            text: "Your decision was recorded.".to_owned(),
        }),
    }
}

fn sample(text: &'static str) -> String {
    let sample = Sample {
        frame: frame(),
        text,
        crumbs: vec![
            link("/", "Overview", false),
            link("/holds", "Held messages", false),
        ],
        errors: vec![
            link("#decision", "Choose what shall happen", false),
            link("#reason", "Say why", false),
        ],
        tabs: vec![
            link("/sample", "Text", true),
            link("/sample/html", "As designed", false),
            link("/sample/raw", "Headers", false),
        ],
        choices: vec![
            choice("release", "Release", "", false),
            choice(
                "encrypt",
                "Release encrypted",
                "The recipient opens it with a code.",
                true,
            ),
            choice("refuse", "Refuse and tell the sender", "", false),
        ],
        bars: vec![
            Bar {
                label: "Lists of pupils",
                value: 42,
                length: 400,
            },
            Bar {
                label: "Medical data",
                value: 21,
                length: 200,
            },
            Bar {
                label: "Bank details",
                value: 7,
                length: 67,
            },
        ],
        events: vec![
            Event {
                title: "Held",
                who: "Beadle",
                machine: "2026-11-28T16:05:00Z",
                when: "28 November 2026, 16:05",
                text: "",
            },
            Event {
                title: "Release proposed",
                who: "Sam Sample",
                machine: "2026-11-28T16:20:00Z",
                when: "28 November 2026, 16:20",
                text: "The clinic needs the plan today.",
            },
        ],
        heads: ["Reference", "School", "State", "Since"],
    };
    sample.render().unwrap()
}

/// Values of an attribute, in order.
fn values<'a>(page: &'a str, attribute: &str) -> Vec<&'a str> {
    let parts = page.split(attribute).skip(1);
    parts
        .filter_map(|rest| rest.strip_prefix("=\"")?.split('"').next())
        .collect()
}

#[test]
fn what_is_named_by_id_is_there_once() {
    let page = sample("Plain");
    if let Ok(file) = std::env::var("BEADLE_SAMPLE") {
        std::fs::write(file, &page).unwrap();
    }
    let ids = values(&page, " id");
    for id in &ids {
        assert_eq!(
            ids.iter().filter(|other| *other == id).count(),
            1,
            "{id} twice"
        );
    }
    let mut named: Vec<&str> = values(&page, " for");
    for attribute in [" aria-describedby", " aria-labelledby"] {
        named.extend(
            values(&page, attribute)
                .iter()
                .flat_map(|all| all.split(' ')),
        );
    }
    named.extend(
        values(&page, " href")
            .iter()
            .filter_map(|href| href.strip_prefix('#')),
    );
    assert!(named.len() > 20, "{named:?}");
    for id in named {
        assert!(ids.contains(&id), "nothing has the id {id}");
    }
}

#[test]
fn what_is_given_comes_out_as_text() {
    let page = sample(HOSTILE);
    assert!(page.contains("alert(1)"), "it is shown");
    assert!(!page.contains("<script>"), "and not run");
    assert_eq!(page.matches("<script").count(), 1, "the console's own");
}

#[test]
fn the_policy_for_content_finds_nothing_inline() {
    let page = sample("Plain");
    for inline in [
        "<style",
        " style=",
        " onclick=",
        " onload=",
        " onsubmit=",
        "javascript:",
        "http://",
        "https://",
    ] {
        assert!(!page.contains(inline), "{inline}");
    }
}

#[test]
fn every_word_of_the_pieces_is_known() {
    let words = Words::english();
    let sources = [
        include_str!("views/base.html"),
        include_str!("views/macros/forms.html"),
        include_str!("views/macros/parts.html"),
    ];
    let keys = sources
        .iter()
        .flat_map(|source| source.split("words.say(\"").skip(1));
    let keys: Vec<&str> = keys.filter_map(|rest| rest.split('"').next()).collect();
    assert!(keys.len() > 10);
    for key in keys {
        assert!(words.has(key), "{key}");
    }
}
