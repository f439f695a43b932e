//! The words of notices: templates that are built in and that an operator may replace one by one.
//!
//! # Invariants
//! A template of the operator's is used only after it was filled in, for everything set and for as little as there can be, without a
//! fault; what is wrong with another is said, and the built-in one takes its place. One that fails in use does so too. HTML escapes
//! what is filled in. Work is bounded by `FUEL`, output by `OUTPUT`.
//!
//! # Standards
//! Jinja templates as <https://docs.rs/minijinja> reads them.

use std::collections::BTreeSet;
use std::fmt;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

use super::content::Content;
use super::{Kind, NoticeError, samples};

/// Bytes of one template at most; the largest built in has 3 KiB.
const SOURCE: usize = 64 << 10;
/// Bytes that one template may make.
const OUTPUT: usize = 256 << 10;
/// Steps of the engine for one template: the built-in ones take under 1,000, a digest of a hundred lines 3,000.
const FUEL: u64 = 100_000;
/// Characters of a subject: RFC 5322 2.1.1 has lines of 78, folded once.
const SUBJECT: usize = 150;

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../patterns/notices/", $name)))),*]
    };
}

/// Every template that there is, as it is built in.
const EMBEDDED: &[(&str, &str)] = embedded![
    "layout.html",
    "footer.txt",
    "facts.txt",
    "facts.html",
    "fixes.txt",
    "fixes.html",
    "sender-refused.txt",
    "sender-refused.html",
    "sender-held.txt",
    "sender-held.html",
    "sender-warned.txt",
    "sender-warned.html",
    "sender-reviewer-refused.txt",
    "sender-reviewer-refused.html",
    "owner-forwarding.txt",
    "owner-forwarding.html",
    "role-hold.txt",
    "role-hold.html",
    "role-digest.txt",
    "role-digest.html",
    "it-forwarding.txt",
    "it-forwarding.html",
    "urgent.txt",
    "urgent.html",
    "role-ageing.txt",
    "role-ageing.html",
    "role-asked.txt",
    "role-asked.html",
    "requester-answered.txt",
    "requester-answered.html",
    "open.txt",
    "open.html",
    "link.txt",
    "link.html",
];

/// Characters of a line of plain text (RFC 5322 2.1.1: no more than 78).
const WIDTH: usize = 76;

/// Names in a template that are the engine's own.
const ENGINE: [&str; 5] = ["loop", "self", "super", "caller", "varargs"];

/// A notice in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject.
    pub subject: String,
    /// The plain text, lines ending in LF.
    pub text: String,
    /// The same as HTML.
    pub html: String,
}

/// What is wrong with a template of the operator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateProblem {
    /// The file, as it is named in the patterns folder.
    pub file: String,
    /// The line, where there is one to name.
    pub line: Option<usize>,
    /// What was found and what is allowed.
    pub text: String,
}

impl fmt::Display for TemplateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`notices/{}`", self.file)?;
        if let Some(line) = self.line {
            write!(f, " line {line}")?;
        }
        write!(f, ": {}", self.text)
    }
}

/// All templates: the operator's where they are sound, and the built-in ones.
#[derive(Debug, Clone)]
pub struct Templates {
    own: Environment<'static>,
    embedded: Environment<'static>,
    problems: Vec<TemplateProblem>,
}

impl Templates {
    /// The built-in templates.
    pub fn embedded() -> Self {
        Self::load(&[])
    }

    /// The built-in templates with these files, by name and text, in the place of those of the same name. A file that cannot be
    /// used is left out and named in [`Self::problems`].
    pub fn load(files: &[(String, String)]) -> Self {
        let embedded = built_in();
        let mut own = embedded.clone();
        let mut problems = Vec::new();
        for (name, text) in files {
            let mut tried = own.clone();
            match adopt(&mut tried, name, text) {
                Ok(()) => own = tried,
                Err(problem) => problems.push(problem),
            }
        }
        Self {
            own,
            embedded,
            problems,
        }
    }

    /// What is wrong with the operator's templates.
    pub fn problems(&self) -> &[TemplateProblem] {
        &self.problems
    }

    /// Fills in the templates of a kind.
    pub fn render(&self, kind: Kind, content: &Content) -> Result<Rendered, NoticeError> {
        let content = Value::from(Serde(content));
        rendered(&self.own, kind, &content).or_else(|fault| {
            metrics::counter!("beadle_notice_template_faults_total", "kind" => kind.name())
                .increment(1);
            tracing::error!(%fault, "a template failed; the built-in one takes its place");
            rendered(&self.embedded, kind, &content).map_err(|_| NoticeError::Text)
        })
    }
}

fn built_in() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    // Lines that only hold a tag leave no empty line behind. A syntax that is refused would leave the engine's own.
    if let Ok(syntax) = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
    {
        environment.set_syntax(syntax);
    }
    for (name, text) in EMBEDDED {
        // A test fills in every one of them.
        let _sound = environment.add_template(name, text);
    }
    environment
}

/// Takes one file in, if it is sound.
fn adopt(
    environment: &mut Environment<'static>,
    name: &str,
    text: &str,
) -> Result<(), TemplateProblem> {
    let problem = |line, text: String| TemplateProblem {
        file: name.to_owned(),
        line,
        text,
    };
    if !EMBEDDED.iter().any(|(known, _)| *known == name) {
        let known: Vec<&str> = EMBEDDED.iter().map(|(known, _)| *known).collect();
        return Err(problem(
            None,
            format!(
                "found a file of this name; allowed: {}; rename or remove it",
                known.join(", ")
            ),
        ));
    }
    if text.len() > SOURCE {
        let found = format!(
            "found {} bytes; allowed: {SOURCE}; make it shorter",
            text.len()
        );
        return Err(problem(None, found));
    }
    environment
        .add_template_owned(name.to_owned(), text.to_owned())
        .map_err(|error| of_error(name, &error))?;
    if let Some((unknown, line)) = unknown(environment, name, text) {
        return Err(problem(
            line,
            format!(
                "found `{unknown}`, which no notice has; allowed: {}",
                allowed()
            ),
        ));
    }
    for kind in Kind::ALL {
        for content in [samples::full(), samples::bare()] {
            rendered(environment, kind, &Value::from(Serde(&content))).map_err(|fault| {
                TemplateProblem {
                    file: name.to_owned(),
                    ..fault
                }
            })?;
        }
    }
    Ok(())
}

/// Text, subject and HTML of a kind.
fn rendered(
    environment: &Environment<'static>,
    kind: Kind,
    content: &Value,
) -> Result<Rendered, TemplateProblem> {
    let plain = format!("{}.txt", kind.name());
    let whole = filled(environment, &plain, content)?;
    let (first, text) = whole.split_once('\n').unwrap_or((&whole, ""));
    let subject = first
        .strip_prefix("Subject:")
        .map(|subject| subject.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|subject| !subject.is_empty() && subject.chars().count() <= SUBJECT)
        .ok_or_else(|| TemplateProblem {
            file: plain.clone(),
            line: Some(1),
            text: format!(
                "found no subject; allowed: a first line `Subject: ` with 1 to {SUBJECT} characters after it"
            ),
        })?;
    let html = filled(environment, &format!("{}.html", kind.name()), content)?;
    Ok(Rendered {
        subject,
        text: spaced(text),
        html,
    })
}

fn filled(
    environment: &Environment<'static>,
    name: &str,
    content: &Value,
) -> Result<String, TemplateProblem> {
    let template = environment
        .get_template(name)
        .map_err(|error| of_error(name, &error))?;
    let text = template
        .render(content.clone())
        .map_err(|error| of_error(name, &error))?;
    if text.len() > OUTPUT {
        return Err(TemplateProblem {
            file: name.to_owned(),
            line: None,
            text: format!(
                "found {} bytes once filled in; allowed: {OUTPUT}; make it shorter",
                text.len()
            ),
        });
    }
    Ok(text)
}

/// Lines of at most [`WIDTH`] characters, at most one empty one in a row, none at the ends.
fn spaced(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !line.is_empty() {
            wrap(line, &mut lines);
        } else if lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(String::new());
        }
    }
    lines.join("\n").trim_end().to_owned() + "\n"
}

/// Breaks a line at its spaces; what follows of an item of a list stands under its text.
fn wrap(line: &str, lines: &mut Vec<String>) {
    let text = line.trim_start();
    let mut indent = line.len() - text.len();
    let marker = text.split(' ').next().unwrap_or_default();
    let numbered = marker
        .strip_suffix('.')
        .is_some_and(|n| n.parse::<u8>().is_ok());
    let hanging = if marker == "-" || numbered {
        indent + marker.len() + 1
    } else {
        indent
    };
    let mut current = " ".repeat(indent);
    for word in text.split(' ') {
        let empty = current.len() == indent;
        if !empty && current.chars().count() + 1 + word.chars().count() > WIDTH {
            indent = hanging;
            lines.push(std::mem::replace(&mut current, " ".repeat(indent)));
        } else if !empty {
            current.push(' ');
        }
        current.push_str(word);
    }
    lines.push(current);
}

/// The first name in a template that no notice has, with its line.
fn unknown(
    environment: &Environment<'static>,
    name: &str,
    text: &str,
) -> Option<(String, Option<usize>)> {
    let template = environment.get_template(name).ok()?;
    let known = known();
    let globals: BTreeSet<&str> = environment.globals().map(|(name, _)| name).collect();
    let mut unknown: Vec<String> = template
        .undeclared_variables(true)
        .into_iter()
        .filter(|found| {
            let first = found.split('.').next().unwrap_or_default();
            !known.contains(found) && !globals.contains(first) && !ENGINE.contains(&first)
        })
        .collect();
    unknown.sort_unstable();
    let unknown = unknown.into_iter().next()?;
    let line = text.lines().position(|line| line.contains(&*unknown));
    Some((unknown, line.map(|index| index + 1)))
}

/// Every name that a template may use, those of nested texts with their dots.
fn known() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let sample = serde_json::to_value(samples::full()).unwrap_or_default();
    collect(&sample, "", &mut names);
    names
}

fn collect(value: &serde_json::Value, at: &str, names: &mut BTreeSet<String>) {
    let Some(object) = value.as_object() else {
        return;
    };
    for (key, value) in object {
        let name = format!("{at}{key}");
        collect(value, &format!("{name}."), names);
        names.insert(name);
    }
}

fn allowed() -> String {
    let names: Vec<String> = known().into_iter().collect();
    names.join(", ")
}

fn of_error(name: &str, error: &Error) -> TemplateProblem {
    let file = error.name().unwrap_or(name).to_owned();
    let detail = error.detail().map(|detail| format!(" ({detail})"));
    let detail = detail.unwrap_or_default();
    let mend = match error.kind() {
        ErrorKind::SyntaxError => "allowed: {{ name }}, {% if name %} … {% endif %}, {% for item in list %} … {% endfor %}".to_owned(),
        ErrorKind::UndefinedError => format!(
            "allowed: {}; what may be missing stands between {{% if name %}} and {{% endif %}}",
            allowed()
        ),
        ErrorKind::UnknownFilter | ErrorKind::UnknownFunction | ErrorKind::UnknownTest => {
            "allowed: the filters and functions that Jinja has built in".to_owned()
        }
        ErrorKind::OutOfFuel => format!("allowed: {FUEL} steps; make its loops shorter"),
        _ => "compare it with the built-in one".to_owned(),
    };
    TemplateProblem {
        file,
        line: error.line(),
        text: format!("found: {}{detail}; {mend}", error.kind()),
    }
}

#[cfg(test)]
mod tests;
