//! Every form of a report, read back by other programs' readers.

use std::io::Read as _;
use std::sync::Arc;

use beadle::extract::{FileInput, InProcess, Location, Passwords, Place, Reader as _};
use beadle::limits::{Budget, Limits};
use beadle::report::model::{
    Block, Cell, Chart, ChartKind, Column, KeyFigure, Report, Section, Series, Table,
};
use beadle::report::{Form, Wanted};

use crate::sample::{Sample, november};

/// An answer that is longer than a page.
fn words() -> Vec<String> {
    (1..=2_000)
        .map(|number| format!("answer-{number:04}"))
        .collect()
}

/// A report with everything that a form must cope with.
pub fn awkward() -> Report {
    let table = Table {
        caption: "Awkward <values> & \"words\"".into(),
        columns: vec![
            Column::words("What", 3),
            Column::number("Count"),
            Column::number("Share"),
            Column::number("Time"),
            Column::words("When", 4),
        ],
        rows: vec![
            vec![
                Cell::text("=HYPERLINK(\"https://evil.example\")"),
                Cell::Count(1_234_567),
                Cell::Share(0.125),
                Cell::Seconds(5_400),
                Cell::Moment("2026-11-02T09:30:00".parse().unwrap()),
            ],
            vec![
                Cell::text("@SUM(1)\u{7}<script>alert(1)</script>"),
                Cell::Count(0),
                Cell::Nothing,
                Cell::Nothing,
                Cell::Nothing,
            ],
            vec![
                Cell::text(format!("{} Llŷr 漢字", words().join(" "))),
                Cell::Count(2),
                Cell::Share(1.0),
                Cell::Seconds(1),
                Cell::text("+44"),
            ],
        ],
    };
    let chart = Chart {
        title: "Bars & lines".into(),
        kind: ChartKind::Bars,
        axis: "Name".into(),
        labels: vec!["a<b".into(), "c".into()],
        series: ["First", "Second", "Third"]
            .map(|name| Series {
                name: name.into(),
                values: vec![3, 0],
            })
            .to_vec(),
    };
    let lines = Chart {
        kind: ChartKind::Lines,
        title: "Bars & lines".into(),
        ..chart.clone()
    };
    let none = Table {
        rows: Vec::new(),
        ..table.clone()
    };
    Report {
        kind: "summary",
        title: "An awkward report".into(),
        about: vec![("Period".into(), "=now".into())],
        sections: vec![
            Section::new("First")
                .say("Words <b>here</b>.")
                .with(vec![KeyFigure::new("Figure", Cell::Count(7), "-made of")])
                .with(table),
            Section::new("Second").with(chart).with(lines).with(none),
        ],
    }
}

fn made() -> jiff::civil::DateTime {
    "2026-12-03T12:00:00".parse().unwrap()
}

fn write(form: Form, report: &Report) -> Vec<u8> {
    form.write(report, made()).unwrap()
}

#[test]
fn html_is_escaped_and_keeps_to_a_strict_policy() {
    let html = String::from_utf8(write(Form::Html, &awkward())).unwrap();
    assert!(!html.contains("<script") && !html.contains("style=\"") && !html.contains("<b>"));
    assert!(html.contains("&#60;script&#62;") || html.contains("&lt;script&gt;"));
    assert!(html.contains("default-src 'none'"));
    let fragment = beadle::report::html::fragment(&awkward()).unwrap();
    assert!(!fragment.contains("<style") && !fragment.contains("<html"));
    let svgs: Vec<&str> = fragment
        .match_indices("<svg")
        .map(|(start, _)| {
            let end = fragment[start..].find("</svg>").unwrap();
            &fragment[start..start + end + 6]
        })
        .collect();
    assert_eq!(svgs.len(), 2);
    for svg in svgs {
        let mut reader = quick_xml::Reader::from_str(svg);
        reader.config_mut().check_end_names = true;
        let mut names = Vec::new();
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Eof => break,
                quick_xml::events::Event::Start(tag) => {
                    names.push(tag.name().as_ref().to_owned());
                }
                _ => {}
            }
        }
        assert!(names.contains(&"title".to_owned()) && names.contains(&"desc".to_owned()));
    }
    // Every chart has its table, and ids are unique.
    assert_eq!(fragment.matches("The same as a table").count(), 2);
    for id in ["chart-1-title", "chart-2-title", "report-section-2"] {
        assert_eq!(fragment.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
    }
}

#[test]
fn csv_is_read_back_and_holds_no_formula() {
    let bytes = write(Form::Csv, &awkward());
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let rows: Vec<Vec<String>> = reader
        .records()
        .map(|record| record.unwrap().iter().map(str::to_owned).collect())
        .collect();
    assert_eq!(rows[0], ["An awkward report"]);
    assert_eq!(rows[1], ["Period", "'=now"]);
    let fields = rows.iter().flatten();
    let formula = fields
        .clone()
        .find(|field| field.starts_with(['=', '+', '-', '@', '\t', '\r']));
    assert_eq!(formula, None);
    let row = rows
        .iter()
        .find(|row| row[0].starts_with("'=HYPER"))
        .unwrap();
    assert_eq!(
        row[1..],
        ["1234567", "0.1250", "5400", "2026-11-02T09:30:00"]
    );
    let figure = rows.iter().find(|row| row[0] == "Figure" && row[1] == "7");
    assert_eq!(figure.unwrap()[2], "'-made of");
    assert_eq!(
        rows.iter()
            .filter(|row| row[..] == ["Bars & lines"])
            .count(),
        2
    );
}

/// A member of a workbook.
fn member(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    archive
        .by_name(name)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    text
}

#[test]
fn a_workbook_has_typed_cells_and_frozen_headings() {
    let bytes = write(Form::Xlsx, &awkward());
    let book = member(&bytes, "xl/workbook.xml");
    // Two charts of one title get two names.
    for name in ["Report", "Bars &amp; lines", "Bars &amp; lines 2"] {
        assert!(book.contains(&format!("name=\"{name}\"")), "{name}: {book}");
    }
    let sheet = member(&bytes, "xl/worksheets/sheet2.xml");
    assert!(sheet.contains("state=\"frozen\""), "{sheet}");
    assert!(sheet.contains("<v>1234567</v>") && sheet.contains("<v>0.125</v>"));
    assert!(
        sheet.contains("<v>0.0625</v>"),
        "an hour and a half of a day"
    );
    // 2 November 2026 is day 46,328 of Excel's.
    assert!(sheet.contains("<v>46328.39583333"), "{sheet}");
    assert!(!sheet.contains("<f>"));
    let strings = member(&bytes, "xl/sharedStrings.xml");
    assert!(strings.contains("=HYPERLINK("));
    assert!(member(&bytes, "xl/charts/chart2.xml").contains("lineChart"));
}

fn pdf_text(bytes: &[u8]) -> String {
    let location = Location::of(Place::Body).inside("a.pdf");
    let file = FileInput {
        location: &location,
        name: "a.pdf",
        declared: None,
        bytes,
        passwords: &Passwords::default(),
    };
    let content = InProcess.read(&file, &Budget::new(Arc::new(Limits::default())));
    assert_eq!(content.unread, []);
    let units = content.units.iter().map(|unit| unit.text.clone());
    let text = units.collect::<Vec<_>>().join(" ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_pdf_is_tagged_and_says_what_the_report_says() {
    let sample = Sample::new().await;
    let report = sample.report(&november(), Wanted::Summary).await;
    for report in [&report, &awkward()] {
        if let Ok(folder) = std::env::var("BEADLE_TEST_KEEP") {
            let name = report.title.replace([' ', ':'], "-");
            for form in Form::ALL {
                let path = format!("{folder}/{name}.{}", form.name());
                std::fs::write(path, write(form, report)).unwrap();
            }
        }
    }
    let text = pdf_text(&write(Form::Pdf, &report));
    for words in [
        "Oak Primary School",
        "2 released, 1 refused, 1 waiting",
        "33.3%",
        "Page 1 of",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let text = pdf_text(&write(Form::Pdf, &awkward()));
    let lost = words()
        .into_iter()
        .find(|word| !text.contains(word.as_str()));
    assert_eq!(lost, None, "a row longer than a page goes on");
    assert!(text.contains("Llŷr ??"), "{text}");
    for report in [&report, &awkward()] {
        let bytes = write(Form::Pdf, report);
        assert_eq!(
            bytes,
            write(Form::Pdf, report),
            "the same report, the same file"
        );
        let raw = String::from_utf8_lossy(&bytes);
        assert!(raw.starts_with("%PDF-1.7") && raw.contains("/StructTreeRoot"));
        assert!(raw.contains("pdfuaid:part"), "PDF/UA");
        let text = pdf_text(&bytes);
        assert!(text.contains(&report.title), "{text}");
        for section in &report.sections {
            assert!(text.contains(&section.heading), "{text}");
        }
    }
}

#[tokio::test]
async fn json_and_text_say_the_same() {
    let sample = Sample::new().await;
    let report = sample.report(&november(), Wanted::Summary).await;
    let json: serde_json::Value = serde_json::from_slice(&write(Form::Json, &report)).unwrap();
    assert_eq!(json["kind"], "summary");
    let figures = &json["sections"][0]["blocks"][0]["figures"];
    assert_eq!(figures[0]["value"]["count"], 5);
    let text = String::from_utf8(write(Form::Text, &report)).unwrap();
    assert!(text.contains("Oak Primary School"));
    let awkward = String::from_utf8(write(Form::Text, &awkward())).unwrap();
    assert!(awkward.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn an_empty_report_has_every_form() {
    let report = Report {
        sections: vec![Section {
            heading: "Empty".into(),
            blocks: vec![Block::Text(String::new())],
        }],
        ..awkward()
    };
    for form in Form::ALL {
        assert!(!write(form, &report).is_empty(), "{form:?}");
    }
}
