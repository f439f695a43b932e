//! `beadle account`: who may sign in, from the command line of the host.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use beadle::app::config::{Config, Listener, Server, Trust};
use beadle::app::wiring;
use beadle::store::credentials::{recovery_sha256, verify_password, verify_totp};
use beadle::store::{self, AccountKind, Custody, MasterKey, NewSession, Role};

const SCHOOLS: &str = "[[trust.schools]]\nid = 'oak'\nname = 'Oak Primary'\ndomains = ['oak.trust.example']\n\
    [[trust.schools]]\nid = 'elm'\nname = 'Elm High'\ndomains = ['elm.trust.example']\n";

struct Host {
    folder: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("beadle.toml"), SCHOOLS).unwrap();
        Self { folder }
    }

    fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_beadle"));
        command
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env_remove("BEADLE_CONFIG")
            .env_remove("SUDO_USER")
            .env("LOGNAME", "an.admin")
            .arg("account")
            .args(args)
            .arg("--config")
            .arg(self.folder.path().join("beadle.toml"))
            .arg("--data-dir")
            .arg(self.data());
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn typed(&self, args: &[&str], input: &str) -> Output {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }

    async fn store(&self) -> Custody {
        let config = store::Config::new(self.data());
        let key = MasterKey::load_or_create(&config.default_key_file()).unwrap();
        Custody::open(config, key).await.unwrap()
    }
}

fn said(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[track_caller]
fn refused(output: &Output, code: i32, with: &[&str]) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(output.stdout.is_empty());
    for with in with {
        assert!(error.contains(with), "`{with}` in {error}");
    }
}

/// What stands on the line that begins so.
fn after<'a>(text: &'a str, begins: &str) -> &'a str {
    let line = text.lines().find_map(|line| line.strip_prefix(begins));
    line.unwrap().trim()
}

fn recovery(text: &str) -> Vec<&str> {
    let lines = text
        .lines()
        .skip_while(|line| !line.starts_with("Recovery codes"));
    lines
        .skip(1)
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect()
}

fn create<'a>(login: &'a str, role: &'a str) -> Vec<&'a str> {
    vec![
        "create", "--login", login, "--name", "Kim Ford", "--role", role,
    ]
}

#[tokio::test]
async fn an_account_is_made_with_secrets_that_work_and_are_printed_once() {
    let host = Host::new();
    let mut args = create("kim.ford", "head");
    args.extend([
        "--school",
        "oak",
        "--school",
        "elm",
        "--address",
        "kim@oak.trust.example",
    ]);
    let made = said(&host.run(&args));
    assert!(made.starts_with("This is shown once."), "{made}");
    assert_eq!(after(&made, "Login"), "kim.ford");
    let (password, uri) = (after(&made, "Password"), after(&made, "One-time codes"));
    let codes = recovery(&made);
    assert_eq!((password.len(), codes.len()), (27, 10));
    let secret = uri
        .split("secret=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();

    let store = host.store().await;
    let account = store.account_by_login(AccountKind::Local, "kim.ford").await;
    let account = account.unwrap().unwrap();
    assert_eq!(
        (account.name.as_str(), account.disabled),
        ("Kim Ford", false)
    );
    assert_eq!(account.address.unwrap().as_str(), "kim@oak.trust.example");
    assert_eq!(account.grants[0].role, Role::Head);
    assert_eq!(account.grants[0].schools, ["oak", "elm"]);
    let kept = store.credentials(account.id).await.unwrap().unwrap();
    assert!(verify_password(Some(&kept.password), password));
    assert_eq!(kept.recovery.len(), 10);
    for code in &codes {
        assert!(kept.recovery.contains(&recovery_sha256(code)));
    }
    assert_eq!(base32(&kept.totp), secret);
    assert_eq!(
        verify_totp(&kept.totp, "not a code", SystemTime::now()),
        None
    );
    let about = account.id.to_string();
    let entries = store.ledger_of(1, 100, Some(&about), None).await.unwrap();
    let entries: Vec<_> = entries
        .iter()
        .map(|one| (one.actor.as_str(), one.action.as_str()))
        .collect();
    assert_eq!(
        entries,
        [
            ("an.admin", "account-created"),
            ("an.admin", "credentials-set")
        ]
    );
    store.close().await;

    // Nothing prints them again.
    let mut all = said(&host.run(&["list"]));
    all += &said(&host.run(&["grant", "kim.ford", "--role", "it"]));
    all += &said(&host.run(&["list"]));
    assert!(
        all.contains("kim.ford") && all.contains("Kim Ford"),
        "{all}"
    );
    for secret in codes.iter().chain([&password, &secret]) {
        assert!(!all.contains(secret));
        let files = std::fs::read_dir(host.data()).unwrap();
        for file in files
            .map(|file| file.unwrap().path())
            .filter(|path| path.is_file())
        {
            let bytes = std::fs::read(file).unwrap();
            assert!(
                !bytes
                    .windows(secret.len())
                    .any(|window| window == secret.as_bytes())
            );
        }
    }
}

/// RFC 4648, as authenticator apps read it.
fn base32(bytes: &[u8]) -> String {
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let letters = bits.as_bytes().chunks(5).map(|five| {
        let five = std::str::from_utf8(five).unwrap();
        let number = usize::from_str_radix(five, 2).unwrap();
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[number])
    });
    letters.collect()
}

#[tokio::test]
async fn it_is_listed_changed_stopped_reset_and_removed() {
    let host = Host::new();
    let first = said(&host.run(&create("kim", "dpo")));
    let listed = said(&host.run(&["list"]));
    assert!(listed.contains("[dpo]  last sign-in never"), "{listed}");
    let store = host.store().await;
    let id = store.accounts().await.unwrap()[0].id;
    let now = SystemTime::now();
    let open = async |number: u8| {
        let session = NewSession {
            token_sha256: [number; 32],
            account: id,
            method: "recovery".into(),
            device: String::new(),
            at: now,
            ends_at: now + Duration::from_hours(1),
        };
        store.begin_session(session).await.unwrap();
    };
    let lives = async |number: u8| {
        let found = store
            .session([number; 32], now, Duration::from_hours(1))
            .await;
        found.unwrap().is_some()
    };
    open(1).await;
    said(&host.run(&["grant", "kim", "--role", "head", "--school", "elm"]));
    assert!(!lives(1).await, "whoever gets another role signs in again");
    assert!(said(&host.run(&["list"])).contains("[head of elm]"));
    open(2).await;
    assert_eq!(said(&host.run(&["sign-out", "kim"])), "1 sessions ended\n");
    assert_eq!(said(&host.run(&["sign-out", "kim"])), "0 sessions ended\n");
    assert!(!lives(2).await);
    open(3).await;
    said(&host.run(&["disable", &id.to_string().to_lowercase()]));
    assert!(!lives(3).await);
    assert!(said(&host.run(&["list"])).contains("DISABLED"));
    said(&host.run(&["enable", "kim"]));
    assert!(!said(&host.run(&["list"])).contains("DISABLED"));
    open(4).await;
    let second = said(&host.run(&["reset", "kim"]));
    assert!(!lives(4).await);
    assert_ne!(after(&first, "Password"), after(&second, "Password"));
    let kept = store.credentials(id).await.unwrap().unwrap();
    assert!(!verify_password(
        Some(&kept.password),
        after(&first, "Password")
    ));
    assert!(verify_password(
        Some(&kept.password),
        after(&second, "Password")
    ));
    assert!(
        !kept
            .recovery
            .contains(&recovery_sha256(recovery(&first)[0]))
    );
    said(&host.run(&["remove", "kim"]));
    assert_eq!(said(&host.run(&["list"])), "");
    assert_eq!(store.verify_ledger(None).await.unwrap().first_bad, None);
}

#[tokio::test]
async fn a_password_of_ones_own_comes_from_standard_input_and_is_not_printed() {
    let host = Host::new();
    let mut args = create("kim", "it");
    args.push("--password-stdin");
    refused(
        &host.typed(&args, "too short\n"),
        2,
        &["14 to 1024 characters"],
    );
    refused(&host.typed(&args, ""), 2, &["14 to 1024 characters"]);
    let made = said(&host.typed(&args, "a goose in the rain\nmore\n"));
    assert!(
        !made.contains("goose") && !made.contains("Password"),
        "{made}"
    );
    let store = host.store().await;
    let id = store.accounts().await.unwrap()[0].id;
    let kept = store.credentials(id).await.unwrap().unwrap();
    assert!(verify_password(Some(&kept.password), "a goose in the rain"));
}

#[test]
fn what_is_wrong_is_named_with_what_to_write_instead() {
    let host = Host::new();
    for login in ["", "Kim", "kim ford", "kim@trust.example", &"k".repeat(33)] {
        let output = host.run(&create(login, "it"));
        refused(
            &output,
            2,
            &[
                "--login: found `",
                "small letters, digits, dots and hyphens",
            ],
        );
    }
    let with = |more: &[&'static str]| {
        let mut args = create("kim", "head");
        args.extend(more);
        host.run(&args)
    };
    refused(&with(&[]), 2, &["--school: found none"]);
    let wrong = with(&["--school", "ash"]);
    refused(&wrong, 2, &["--school: found `ash`", "oak, elm"]);
    let wrong = with(&["--school", "oak", "--address", "kim"]);
    refused(&wrong, 2, &["--address: found `kim`", "kim@trust.example"]);
    let unnamed = ["create", "--login", "kim", "--name", " ", "--role", "it"];
    refused(&host.run(&unnamed), 2, &["a name"]);
    refused(&host.run(&create("kim", "boss")), 2, &["boss", "dpo"]);
    assert_eq!(said(&host.run(&["list"])), "", "nothing was made");

    said(&host.run(&create("kim", "it")));
    let taken = host.run(&create("kim", "dpo"));
    refused(&taken, 1, &["`kim`", "beadle account reset kim"]);
    for command in ["grant", "disable", "enable", "reset", "sign-out", "remove"] {
        let mut args = vec![command, "lee"];
        if command == "grant" {
            args.extend(["--role", "it"]);
        }
        refused(
            &host.run(&args),
            1,
            &["lee: no such account", "beadle account list"],
        );
    }
    // A command that only looks or changes makes no store where there is none.
    let elsewhere = host.folder.path().join("elsewhere");
    let output = host
        .command(&["list"])
        .arg("--data-dir")
        .arg(&elsewhere)
        .output()
        .unwrap();
    assert!(!output.status.success() && !elsewhere.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_works_beside_a_running_relay() {
    let host = Host::new();
    let config = Config {
        server: Server {
            data_dir: host.data(),
            maildir: Some(host.folder.path().join("maildir")),
            ..Server::default()
        },
        trust: Trust {
            internal_domains: vec!["trust.example".into()],
            roster: vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns/sample/roster.csv")],
            ..Trust::default()
        },
        listener: vec![Listener {
            address: "127.0.0.1:0".parse().unwrap(),
            ..Listener::default()
        }],
        ..Config::default()
    };
    let running = wiring::start(config).await.unwrap();
    for login in ["kim", "lee"] {
        said(&host.run(&create(login, "dpo")));
    }
    said(&host.run(&["disable", "lee"]));
    let listed = said(&host.run(&["list"]));
    assert_eq!(listed.lines().count(), 2, "{listed}");
    running.stop().await;
    let store = host.store().await;
    assert_eq!(store.verify_ledger(None).await.unwrap().first_bad, None);
    assert_eq!(store.accounts().await.unwrap().len(), 2);
}
