//! A held message as a reviewer sees it: findings marked where they stand, and pages in which nothing is live.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, UNIX_EPOCH};

use beadle::detect::{Catalogue, Category, Engine, ScanContext};
use beadle::extract::{self, InProcess, ProtectionState};
use beadle::limits::{Budget, Limits};
use beadle::mail::{Address, Domain, Envelope};
use beadle::mime;
use beadle::policy::{Action, History, Policy, Severity};
use beadle::quarantine::view::{self, Known, MessageView, Origin, PartView, Reading, Tools};
use beadle::roster::{Roster, RosterKind};
use beadle::store::{Config, Custody, HoldClient, HoldRecord, MasterKey, NewHold, RuleRecord};
use bytes::Bytes;
use html5ever::tendril::TendrilSink as _;
use html5ever::{local_name, ns};
use markup5ever_rcdom::{Handle, NodeData, RcDom};
use proptest::prelude::*;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let pupils = include_bytes!("../patterns/sample/roster.csv");
    let (roster, _) = Roster::import(pupils, RosterKind::Pupils).unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    Engine::build(&roster, &Roster::default(), &catalogue, [7; 16]).unwrap()
});

fn budget() -> Budget {
    Budget::new(Arc::new(Limits::default()))
}

fn look(raw: &[u8]) -> MessageView {
    let tools = Tools {
        engine: &ENGINE,
        reader: &InProcess,
    };
    view::of(raw, &tools, &ScanContext::default(), &budget())
}

fn read(part: &PartView, reading: Reading) -> String {
    part.runs.iter().map(|run| run.read(reading)).collect()
}

fn hostile() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/view/hostile");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "eml"))
        .collect();
    files.sort();
    let load = |path: PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(path).unwrap())
    };
    files.into_iter().map(load).collect()
}

/// What a document has, as a browser reads it.
#[derive(Debug, Default)]
struct Seen {
    elements: BTreeMap<String, usize>,
    pictures: Vec<String>,
    text: String,
}

/// Elements of a document beside those a message may bring.
const FRAME: [&str; 4] = ["html", "head", "title", "body"];
/// Elements that do nothing by themselves.
const DEAD: [&str; 48] = [
    "abbr",
    "address",
    "b",
    "big",
    "blockquote",
    "br",
    "caption",
    "center",
    "cite",
    "code",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "font",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];
const DEAD_ATTRIBUTES: [&str; 20] = [
    "style",
    "dir",
    "color",
    "size",
    "face",
    "src",
    "alt",
    "width",
    "height",
    "start",
    "border",
    "cellpadding",
    "cellspacing",
    "align",
    "valign",
    "bgcolor",
    "colspan",
    "rowspan",
    "lang",
    "type",
];

/// Reads a document as a browser does, and fails on anything that could act.
fn dead(document: &str) -> Result<Seen, String> {
    let dom =
        html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(document);
    let mut seen = Seen::default();
    let mut open: Vec<Handle> = vec![dom.document.clone()];
    while let Some(node) = open.pop() {
        match &node.data {
            NodeData::Text { contents } => seen.text.push_str(&contents.borrow()),
            NodeData::Element { name, attrs, .. } => {
                if name.ns != ns!(html) {
                    return Err(format!("foreign element {}", name.local));
                }
                let element = name.local.to_string();
                if !FRAME.contains(&&*element) && !DEAD.contains(&&*element) {
                    return Err(format!("element {element}"));
                }
                for attribute in attrs.borrow().iter() {
                    let (key, value) = (attribute.name.local.to_string(), &*attribute.value);
                    if !DEAD_ATTRIBUTES.contains(&&*key) {
                        return Err(format!("attribute {key} of {element}"));
                    }
                    check(&element, &key, value)?;
                    if key == "src" {
                        seen.pictures.push(value.to_owned());
                    }
                }
                *seen.elements.entry(element).or_default() += 1;
                if name.local == local_name!("template") {
                    return Err("a template".to_owned());
                }
            }
            NodeData::Comment { .. } | NodeData::ProcessingInstruction { .. } => {
                return Err("a comment".to_owned());
            }
            NodeData::Document | NodeData::Doctype { .. } => {}
        }
        open.extend(node.children.borrow().iter().rev().cloned());
    }
    Ok(seen)
}

fn check(element: &str, key: &str, value: &str) -> Result<(), String> {
    let kinds = ["png", "jpeg", "gif", "webp"];
    let lower = value.to_ascii_lowercase();
    let fine = match key {
        "src" => {
            element == "img"
                && kinds
                    .iter()
                    .any(|kind| value.starts_with(&format!("data:image/{kind};base64,")))
        }
        "alt" => true,
        "style" => ![
            "url",
            "expression",
            "position",
            "import",
            "\\",
            "@",
            "/",
            "'",
            "-9",
            "var(",
        ]
        .iter()
        .any(|bad| lower.contains(bad)),
        _ => !lower.contains(':') && !lower.contains('/'),
    };
    fine.then_some(())
        .ok_or_else(|| format!("{key}={value:.80} of {element}"))
}

#[test]
fn nothing_of_a_hostile_page_is_live() {
    let files = hostile();
    assert!(files.len() >= 40);
    for (name, raw) in &files {
        let pages = look(raw).html;
        assert!(!pages.is_empty(), "{name}");
        for page in &pages[1..] {
            let document = view::html(raw, page.number, &budget()).unwrap();
            dead(&document).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        }
        let document = view::html(raw, pages[0].number, &budget()).unwrap();
        let seen = dead(&document).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert!(seen.text.contains(&format!("kept {name}")), "{name}");
        assert!(document.len() < 10 << 20, "{name}: {}", document.len());
        let cells = ["td", "th"]
            .iter()
            .filter_map(|cell| seen.elements.get(*cell));
        assert!(cells.sum::<usize>() <= 10_001, "{name}");
        let turns = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\0');
        assert!(!document.contains(turns), "{name}");
        assert_eq!(seen.pictures.len(), pictures_of(name), "{name}");
    }
}

fn pictures_of(name: &str) -> usize {
    match name {
        // A script that begins as a GIF does is a broken picture in a browser, and no script.
        "cid-picture" | "cid-polyglot" => 1,
        // Each 60 KB, 4 MiB in all.
        "cid-bomb" => (4 << 20) / 60_075,
        _ => 0,
    }
}

#[test]
fn hostile_messages_are_read_as_text_within_the_limits() {
    for (name, raw) in hostile() {
        let seen = look(&raw);
        let shown = seen.parts.iter().flat_map(|part| &part.runs);
        let bytes: usize = shown.map(|run| run.text.reveal().len()).sum();
        // A replaced character takes up to three bytes for one.
        assert!(bytes <= 3 * view::MESSAGE_BYTES, "{name}: {bytes}");
        let long = |part: &&PartView| {
            part.runs
                .iter()
                .map(|r| r.text.reveal().len())
                .sum::<usize>()
                > 3 * view::PART_BYTES
        };
        assert!(!seen.parts.iter().any(|part| long(&part)), "{name}");
    }
}

#[test]
fn a_link_shows_where_it_leads() {
    let page = |body: &str| {
        let raw = format!("Content-Type: text/html; charset=utf-8\r\n\r\n{body}");
        dead(&view::html(raw.as_bytes(), 1, &budget()).unwrap())
            .unwrap()
            .text
    };
    assert!(
        page("<a href='https://evil.example/x?a=1&amp;b=2'>https://bank.example</a> now")
            .contains("https://bank.example [https://evil.example/x?a=1&b=2] now")
    );
    assert!(!page("<a href='https://bank.example'>https://bank.example</a>").contains('['));
    assert!(page("<a href='java\nscript:hit()'>x").contains("x [javascript:hit()]"));
    assert!(
        page("<a href='https://a.example'>x<a href='https://b.example'>y</a>")
            .contains("x [https://a.example]y [https://b.example]")
    );
    assert!(
        page("<img src='https://a.example/p.png' alt='A <b>'>")
            .contains("[picture not shown: A <b>]")
    );
}

#[test]
fn tables_stay_tables() {
    let raw = "Content-Type: text/html\r\n\r\n<table border=1><thead><tr><th>Name<th>Form<tbody><tr><td colspan=2>a<table><tr><td>b</table>c<tr>stray<td>d</table><ul><li>x<li>y</ul><p>e<p>f";
    let document = view::html(raw.as_bytes(), 1, &budget()).unwrap();
    assert!(document.contains("<table border=\"1\"><thead><tr><th>Name</th><th>Form</th></tr></thead><tbody><tr><td colspan=\"2\">a<table><tbody><tr><td>b</td></tr></tbody></table>c</td></tr><tr><td>stray</td><td>d</td></tr></tbody></table><ul><li>x</li><li>y</li></ul><p>e</p><p>f</p>"), "{document}");
}

#[test]
fn a_page_that_does_not_end_is_cut_and_says_so() {
    let raw = format!(
        "Content-Type: text/html\r\n\r\n{}",
        "<p>word</p>".repeat(200_000)
    );
    let document = view::html(raw.as_bytes(), 1, &budget()).unwrap();
    assert!(document.contains("The rest is not shown here"));
    assert!(document.len() < 4 << 20);
}

#[test]
fn the_policy_of_the_document_allows_pictures_in_it_and_nothing_else() {
    let policy = view::CONTENT_SECURITY_POLICY;
    assert!(policy.starts_with("sandbox; default-src 'none'; img-src data:;"));
    assert!(!policy.contains("allow-") && !policy.contains('*') && !policy.contains("unsafe-eval"));
    assert!(view::HEADERS.contains(&("Content-Security-Policy", policy)));
}

const LETTER: &str = "From: t@trust.example\r\nTo: x@outside.example\r\nSubject: Oliver Whitcombe\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nDear all,\r\n\r\nOliver Whitcombe (UPN Q999400119001) has asthma. Oliver went home.\r\nSiobh\u{e1}n O'Connell did not.\r\n--b\r\nContent-Type: text/csv; name=\"Oliver Whitcombe.csv\"\r\nContent-Disposition: attachment; filename=\"Oliver Whitcombe.csv\"\r\n\r\nForename,Form,Surname,Note\r\nOliver,7A,Whitcombe,asthma\r\nTom,7B,Nobody,none\r\n--b\r\nContent-Type: application/pdf; name=\"x.pdf\"\r\nContent-Disposition: attachment; filename=\"x.pdf\"\r\n\r\nnot a pdf at all\r\n--b--\r\n";

#[test]
fn findings_are_marked_where_they_stand() {
    let seen = look(LETTER.as_bytes());
    let body = seen.parts.iter().find(|part| part.place == "body").unwrap();
    let text = read(body, Reading::Revealed);
    assert!(text.contains("Oliver Whitcombe (UPN Q999400119001) has asthma. Oliver went home."));
    let masked = read(body, Reading::Masked);
    for secret in ["Oliver", "Whitcombe", "Q999400119001", "Siobh", "Connell"] {
        assert!(!masked.contains(secret), "{secret}: {masked}");
    }
    assert!(
        masked.contains("O. W.") && masked.contains("went home"),
        "{masked}"
    );
    let marks: Vec<_> = body
        .runs
        .iter()
        .filter_map(|run| run.finding.as_ref())
        .collect();
    let name = marks
        .iter()
        .find(|mark| mark.category == Category::PupilName)
        .unwrap();
    let found = &seen.findings.list[name.number - 1];
    assert_eq!(
        (found.category, &found.detector),
        (name.category, &name.detector)
    );
    assert!(marks.iter().any(|mark| mark.category == Category::PupilId));
    assert!(format!("{seen:?}").find("Whitcombe has").is_none());
    let about: Vec<&str> = seen
        .headers
        .iter()
        .filter(|h| h.about)
        .map(|h| h.name.as_str())
        .collect();
    assert_eq!(about, ["Subject"]);
}

#[test]
fn a_table_is_rows_of_cells_and_a_name_in_two_of_them_is_masked_in_both() {
    let seen = look(LETTER.as_bytes());
    let table = seen
        .parts
        .iter()
        .find(|part| part.origin == Origin::Table)
        .unwrap();
    assert_eq!(table.attachment, Some(1));
    let rows = table.rows().unwrap();
    let said: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let cell =
                |runs: &Vec<view::Run>| runs.iter().map(|run| run.read(Reading::Masked)).collect();
            row.cells.iter().map(cell).collect()
        })
        .collect();
    assert_eq!(said[0], ["Forename", "Form", "Surname", "Note"]);
    assert_eq!(said[1][..3], ["O.", "7A", "W."]);
    assert_eq!(said[2], ["Tom", "7B", "Nobody", "none"]);
    assert_eq!(rows[1].place, "row 2");
}

#[test]
fn attachments_say_what_they_are() {
    let seen = look(LETTER.as_bytes());
    let [list, pdf] = &seen.attachments[..] else {
        panic!("{:?}", seen.attachments)
    };
    assert_eq!(
        (list.number, list.declared.as_str(), list.kind.as_str()),
        (1, "text/csv", "text/csv")
    );
    let name: String = list
        .name
        .iter()
        .map(|run| run.read(Reading::Masked))
        .collect();
    assert!(
        !name.contains("Whitcombe") && name.contains(".csv"),
        "{name}"
    );
    assert!(list.findings[&Category::PupilName] >= 1 && list.protection.is_empty());
    assert!(pdf.mismatch, "{pdf:?}");
}

#[test]
fn a_protected_archive_says_its_state_and_what_is_inside() {
    let coded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, zip());
    let raw = format!(
        "Content-Type: application/zip; name=a.zip\r\nContent-Disposition: attachment; filename=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n{coded}\r\n"
    );
    let seen = look(raw.as_bytes());
    let zip = &seen.attachments[0];
    assert_eq!(
        (zip.kind.as_str(), zip.files),
        ("application/zip", 1),
        "{zip:?}"
    );
    assert_eq!(zip.nested[0].name.reveal(), "in.txt");
    assert!(
        zip.protection
            .iter()
            .all(|guard| guard.state != ProtectionState::EndToEnd)
    );
    assert_eq!(zip.findings[&Category::PupilName], 1);
}

fn zip() -> Vec<u8> {
    use std::io::Write as _;
    let mut out = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    out.start_file("in.txt", zip::write::SimpleFileOptions::default())
        .unwrap();
    out.write_all(b"Oliver Whitcombe has asthma.").unwrap();
    out.finish().unwrap().into_inner()
}

#[test]
fn what_is_too_long_is_cut_before_a_value_and_said() {
    let filler = "word ".repeat(view::PART_BYTES / 5 - 1);
    let raw = format!(
        "Subject: x\r\nContent-Type: text/plain\r\n\r\n{filler}Oliver Whitcombe has asthma. {filler}"
    );
    let seen = look(raw.as_bytes());
    let body = seen.parts.iter().find(|part| part.place == "body").unwrap();
    assert!(seen.cut && body.cut && body.beyond >= 1);
    let text = read(body, Reading::Revealed);
    assert!(text.len() <= view::PART_BYTES && !text.contains("Oliv"));
}

#[test]
fn marking_finds_what_scanning_finds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut folders = vec![root];
    let mut looked = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "eml") && looked < 150 {
                looked += 1;
                let raw = std::fs::read(&path).unwrap();
                let message = mime::parse(&raw, &budget());
                let content = extract::walk(&message, &budget(), &InProcess);
                let context = ScanContext::default();
                let scanned = ENGINE.scan(&content, &context, &budget());
                let (marked, marks) = ENGINE.scan_marked(&content, &context, &budget());
                assert_eq!(scanned, marked, "{}", path.display());
                let mut seen = vec![false; marked.list.len()];
                for (unit, marks) in content.units.iter().zip(&marks) {
                    for mark in marks {
                        assert!(unit.text.get(mark.range.clone()).is_some());
                        seen[mark.finding] = true;
                    }
                }
                assert!(seen.iter().all(|seen| *seen), "{}", path.display());
            }
        }
    }
    assert!(looked > 100);
}

#[test]
fn recipients_are_told_by_what_they_are_to_the_trust() {
    let policy = Policy::embedded("standard").unwrap();
    let domain = |name| Domain::parse(name).unwrap();
    let policy = policy.with_domains(&[domain("trust.example")], &[domain("council.example")]);
    let address = |text| Address::parse(text).unwrap();
    let to = [
        "head@trust.example",
        "desk@council.example",
        "claire.whitcombe@mailbox.example",
        "somebody@gmail.com",
        "other@outside.example",
    ];
    let envelope = Envelope::of(Some(address("t@trust.example")), to.map(address));
    let context = ScanContext {
        recipients: envelope
            .rcpts
            .iter()
            .filter_map(|r| r.address())
            .map(Address::key)
            .collect(),
        ..ScanContext::default()
    };
    let tools = Tools {
        engine: &ENGINE,
        reader: &InProcess,
    };
    let raw = b"Subject: x\r\n\r\nOliver Whitcombe has asthma.\r\n";
    let seen = view::of(raw, &tools, &context, &budget());
    let history = History {
        first_contact: vec![false, false, false, false, true],
        ..History::default()
    };
    let views = view::recipients(&envelope, &policy, &seen.findings, &history, false);
    let known: Vec<Known> = views.iter().map(|view| view.known).collect();
    assert_eq!(
        known,
        [
            Known::Internal,
            Known::Partner,
            Known::Contact,
            Known::Webmail,
            Known::Outside
        ]
    );
    assert!(views[2].contact_of_all && !views[3].contact_of_all);
    assert!(views[4].first_time && !views[3].first_time);
    assert!(views[1].encrypted && !views[4].encrypted);
}

#[test]
fn a_version_with_initials_stands_beside_the_original() {
    let old = "Subject: About Oliver Whitcombe\r\n\r\nHello,\r\nOliver Whitcombe has asthma.\r\n";
    let new = "Subject: About O.W.\r\n\r\nHello,\r\nO.W. has asthma.\r\n";
    let sides = view::compare(old.as_bytes(), new.as_bytes(), &budget());
    let changed = |pieces: &[view::Piece]| -> Vec<String> {
        let changed = pieces.iter().filter(|piece| piece.changed);
        changed
            .map(|piece| piece.text.reveal().to_owned())
            .collect()
    };
    assert_eq!(sides.len(), 2);
    for side in &sides {
        assert!(side.changed);
        assert_eq!(
            changed(&side.before),
            ["Oliver Whitcombe"],
            "{}",
            side.place
        );
        assert_eq!(changed(&side.after), ["O.W."], "{}", side.place);
    }
}

fn hold(from: &str, rule: &str, values: &[u128], second: u64) -> NewHold {
    let address = |text| Address::parse(text).unwrap();
    NewHold {
        id: Custody::new_id().unwrap(),
        envelope: Envelope::of(Some(address(from)), [address("x@outside.example")]),
        client: HoldClient {
            ip: "192.0.2.7".parse().unwrap(),
            helo: "mail.trust.example".into(),
        },
        received_at: UNIX_EPOCH + Duration::from_secs(1_790_000_000 + second),
        message: Bytes::from_static(b"Subject: x\r\n\r\nx\r\n"),
        origin: beadle::store::Origin::default(),
        record: HoldRecord {
            rules: vec![RuleRecord {
                id: rule.into(),
                title: "Pupils' data leaves unprotected".into(),
                clause: Some("4.2".into()),
                action: Action::Hold,
                because: "2 pupil names in the body; to 1 recipient outside the trust".into(),
                severity: Severity::High,
                urgent: false,
                four_eyes: true,
            }],
            values: values.to_vec(),
            ..HoldRecord::default()
        },
    }
}

#[tokio::test]
async fn similar_holds_share_values_or_sender_and_rule() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config::new(folder.path());
    let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
    let custody = Custody::open(config, key).await.unwrap();
    let this = custody
        .hold(hold("a@trust.example", "names", &[1, 2, 3], 0))
        .await
        .unwrap();
    let mut ids = Vec::new();
    for (second, (from, rule, values)) in [
        ("a@trust.example", "names", &[9][..]),
        ("b@trust.example", "names", &[2, 3]),
        ("a@trust.example", "bulk", &[3, 8]),
        ("b@trust.example", "names", &[7]),
        ("b@trust.example", "bulk", &[1]),
    ]
    .into_iter()
    .enumerate()
    {
        let new = hold(from, rule, values, second as u64 + 1);
        ids.push(custody.hold(new).await.unwrap());
    }
    let details = custody.open_hold(this).await.unwrap();
    let found = view::similar(&custody, &details).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|one| (one.hold.id, one.values, one.same_sender, one.same_rule))
        .collect();
    assert_eq!(
        found,
        [
            (ids[1], 2, false, true),
            (ids[2], 1, true, false),
            (ids[0], 0, true, true),
        ]
    );
    let reasons = view::why(&details);
    assert_eq!(reasons.len(), 1);
    assert_eq!(reasons[0].clause.as_deref(), Some("4.2"));
    assert!(reasons[0].what_to_do.contains("second person"));
}

/// Pieces of pages that break parsers.
fn fragment() -> impl Strategy<Value = String> {
    let tags = prop::sample::select(vec![
        "<table>",
        "<tr>",
        "<td>",
        "</td>",
        "</table>",
        "<svg>",
        "<math>",
        "<style>",
        "</style>",
        "<a href='http://x.example'>",
        "</a>",
        "<mtext>",
        "<mglyph>",
        "<img src=x onerror=hit()>",
        "<!--",
        "-->",
        "<p>",
        "</p>",
        "<b>",
        "</b>",
        "<script>",
        "</script>",
        "<textarea>",
        "</textarea>",
        "<title>",
        "</title>",
        "<template>",
        "<select>",
        "<option>",
        "<noscript>",
        "</noscript>",
        "<plaintext>",
        "<form>",
        "</form>",
        "<caption>",
        "<li>",
        "<ul>",
        "<div style=\"",
        "\">",
        "'",
        "\"",
        "<",
        ">",
        "&lt;",
        "\0",
        "\u{202e}",
        "<img alt='",
        "</svg>",
        "</math>",
        "<desc>",
        "<annotation-xml encoding=text/html>",
        "<xmp>",
        "<iframe>",
        "<![CDATA[",
        "]]>",
        "text",
    ]);
    prop_oneof![
        4 => tags.prop_map(str::to_owned),
        1 => "[ -~\\n]{0,12}",
        1 => "\\PC{0,4}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_page_is_dead(parts in prop::collection::vec(fragment(), 0..60)) {
        let raw = format!("Content-Type: text/html; charset=utf-8\r\n\r\n{}", parts.concat());
        if let Some(document) = view::html(raw.as_bytes(), 1, &budget()) {
            prop_assert!(dead(&document).is_ok(), "{:?}", dead(&document));
            prop_assert!(document.len() < 100_000);
        }
    }

    #[test]
    fn any_bytes_are_shown_or_not_but_never_panic(raw in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let seen = look(&raw);
        prop_assert!(seen.parts.len() <= view::PARTS);
        for page in &seen.html {
            let document = view::html(&raw, page.number, &budget()).unwrap();
            prop_assert!(dead(&document).is_ok());
        }
        prop_assert!(view::compare(&raw, &raw, &budget()).iter().all(|side| !side.changed));
        prop_assert!(view::html(&raw, 0, &budget()).is_none());
    }
}
