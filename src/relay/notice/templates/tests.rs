//! Templates: the built-in ones are sound, an operator's takes their place, and what is wrong with one is said.

use super::*;

fn load(name: &str, text: &str) -> Templates {
    Templates::load(&[(name.to_owned(), text.to_owned())])
}

fn problem(name: &str, text: &str) -> String {
    let templates = load(name, text);
    assert_eq!(templates.problems().len(), 1, "{:?}", templates.problems());
    let rendered = templates.render(Kind::SenderHeld, &samples::full());
    let built_in = Templates::embedded().render(Kind::SenderHeld, &samples::full());
    assert_eq!(rendered, built_in, "the built-in one takes its place");
    templates.problems()[0].to_string()
}

#[test]
fn every_built_in_template_is_sound_and_uses_only_what_there_is() {
    let environment = built_in();
    for (name, text) in EMBEDDED {
        assert_eq!(unknown(&environment, name, text), None, "{name}");
        let mut tried = environment.clone();
        assert_eq!(adopt(&mut tried, name, text), Ok(()), "{name}");
    }
    for kind in Kind::ALL {
        for content in [samples::full(), samples::bare()] {
            let made = Templates::embedded().render(kind, &content).unwrap();
            for text in [&made.subject, &made.text, &made.html] {
                assert!(!text.contains("none") && !text.contains("  \n"), "{text}");
            }
            assert!(made.html.starts_with("<!doctype html>"), "{}", made.html);
            assert!(!made.html.contains("http://") && !made.html.contains("<img"));
        }
    }
}

#[test]
fn html_is_escaped_and_text_is_not() {
    let mut content = samples::full();
    content.reason = Some("<b>Fish & chips</b>".to_owned());
    let made = Templates::embedded()
        .render(Kind::SenderReviewerRefused, &content)
        .unwrap();
    assert!(made.text.contains("<b>Fish & chips</b>"), "{}", made.text);
    assert!(
        made.html.contains("&lt;b&gt;Fish &amp; chips&lt;"),
        "{}",
        made.html
    );
}

#[test]
fn a_template_of_the_operators_takes_the_place_of_the_built_in_one() {
    let templates = load(
        "sender-held.txt",
        "Subject: Wait, {{ reference }}\nAsk {{ trust.address }}.\n",
    );
    assert_eq!(templates.problems(), []);
    let made = templates
        .render(Kind::SenderHeld, &samples::full())
        .unwrap();
    assert_eq!(made.subject, "Wait, 7K3Q-91ZD");
    assert_eq!(made.text, "Ask dataprotection@trust.example.\n");
}

#[test]
fn what_is_wrong_is_said_with_file_line_and_what_is_allowed() {
    let said = problem("sender-held.txt", "Subject: Held\n\nAbout {{ subject }}.\n");
    assert!(
        said.starts_with("`notices/sender-held.txt` line 3: found `subject`, which no notice has; allowed: ages, answer, arrived, "),
        "{said}"
    );
    let said = problem("sender-held.txt", "Subject: Held\n{% if last %}\n");
    assert!(
        said.contains("`notices/sender-held.txt` line ") && said.contains("syntax error"),
        "{said}"
    );
    let said = problem("sender-held.txt", "Dear all\n");
    assert!(said.contains("line 1: found no subject;"), "{said}");
    let said = problem("held.txt", "Subject: x\n");
    assert!(
        said.contains("allowed: layout.html, footer.txt, "),
        "{said}"
    );
    let said = problem("sender-held.html", "{{ rule.title }}");
    assert!(
        said.contains("what may be missing stands between"),
        "{said}"
    );
}

#[test]
fn plain_text_is_wrapped_and_lists_hang() {
    let word = "word ".repeat(20);
    let text = format!("\n\n{word}\n\n\n  1. {word}\n  - {}\n", "x".repeat(90));
    let made = spaced(&text);
    let lines: Vec<&str> = made.lines().collect();
    assert_eq!(lines[0].len(), 74);
    assert_eq!(lines[1], "word word word word word");
    assert!(lines[2].is_empty() && lines[3].starts_with("  1. word"));
    assert!(lines[4].starts_with("     word") && lines[3].len() <= WIDTH);
    assert_eq!(lines[5], "  -");
    assert_eq!(
        lines[6].trim(),
        "x".repeat(90),
        "a long word, such as an address of a page, stays whole"
    );
}

#[test]
fn a_template_without_end_is_stopped() {
    let said = problem(
        "sender-held.txt",
        "Subject: x\n{% for a in range(9000) %}{% for b in range(9000) %}x{% endfor %}{% endfor %}",
    );
    assert!(said.contains("allowed: 100000 steps"), "{said}");
}
