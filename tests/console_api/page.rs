//! What `docs/API.md` says is so: its scopes are those of the code, and its examples do what they say.

use super::console::{Held, bench};
use super::{Method, program};
use beadle::console::scope::Scope;
use beadle::store::{HoldState, Role};
use serde_json::Value;

const PAGE: &str = include_str!("../../docs/API.md");

#[test]
fn its_scopes_are_those_of_the_code() {
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    let rows: Vec<Vec<&str>> = rows
        .map(|row| row.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert_eq!(rows.len(), Scope::ALL.len());
    for (row, scope) in rows.iter().zip(Scope::ALL) {
        assert_eq!(row[0], format!("`{}`", scope.name()));
        let permissions = scope.permissions().map(|one| format!("`{one:?}`"));
        assert_eq!(row[1], permissions.collect::<Vec<_>>().join(", "));
        assert!(row[2].len() > 10, "{row:?}");
    }
}

/// A call of curl: its method, what it sends, and where.
struct Example {
    method: Method,
    path: String,
    body: Option<Value>,
}

/// The examples of the page, as a shell would read them.
fn examples() -> Vec<Example> {
    let blocks = PAGE.split("```sh\n").skip(1);
    let blocks = blocks.filter_map(|rest| rest.split("```").next());
    let joined: Vec<String> = blocks.map(|block| block.replace("\\\n", " ")).collect();
    let lines = joined.iter().flat_map(|block| block.lines());
    lines
        .filter_map(|line| line.strip_prefix("curl "))
        .map(example)
        .collect()
}

fn example(line: &str) -> Example {
    let mut words = shell_words(line).into_iter();
    let (mut method, mut path, mut body) = (Method::GET, String::new(), None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-H" => assert_eq!(words.next().unwrap(), "Authorization: Bearer $TOKEN"),
            "--json" => {
                method = Method::POST;
                body = Some(serde_json::from_str(&words.next().unwrap()).unwrap());
            }
            "-sS" | "--fail-with-body" => {}
            "-o" => assert!(words.next().is_some()),
            word => word.strip_prefix("$BEADLE").unwrap().clone_into(&mut path),
        }
    }
    Example { method, path, body }
}

/// Words between spaces, with those in quotes whole.
fn shell_words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in line.chars() {
        match (c, quote) {
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (' ', None) => words.push(std::mem::take(&mut word)),
            (c, _) => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[tokio::test]
async fn its_examples_do_what_they_say() {
    let bench = bench().await;
    let id = bench.hold(Held::default()).await;
    let dpo = bench.person(Role::Dpo, &[]).await;
    let all = program(&bench, &dpo, &Scope::ALL).await;
    let examples = examples();
    assert!(examples.len() >= 3, "{}", examples.len());
    for mut example in examples {
        let path = example.path.replace("$HOLD", &id.to_string());
        // The page has the version of its own hold.
        if let Some(version) = example
            .body
            .as_mut()
            .and_then(|body| body.get_mut("version"))
        {
            let now: i64 = bench.version(id).await.parse().unwrap();
            *version = now.into();
        }
        let answer = all.call(example.method, &path, example.body.as_ref()).await;
        assert!(answer.0.status.is_success(), "{path}: {}", answer.0.body);
    }
    let hold = bench.store.open_hold(id).await.unwrap();
    assert_eq!(hold.summary.state, HoldState::Released);
}
