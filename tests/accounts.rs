//! Accounts from the host's command line, what of them stands on disk, and what a backup brings back.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use beadle::mail::{Address, QueueId};
use beadle::store::backup::{BackupOrder, RestoreOrder, restore};
use beadle::store::credentials::{recovery_sha256, totp_uri, verify_password, verify_totp};
use beadle::store::{
    Account, AccountKind, Config, Credentials, Custody, Grant, MasterKey, MasterKeys, NewAccount,
    NewSession, NewToken, Role,
};
use zeroize::Zeroizing;

const HOUR: Duration = Duration::from_hours(1);

fn key(folder: &Path) -> MasterKeys {
    MasterKey::load_or_create(&folder.join("keys/master.key"))
        .unwrap()
        .into()
}

async fn open(folder: &Path) -> Custody {
    let store = Custody::open(Config::new(folder), key(folder)).await;
    store.unwrap()
}

/// Runs the program on the store in this folder with this input; gives its exit code, what it printed and what it complained of.
fn typed(folder: &Path, words: &[&str], input: &str) -> (i32, String, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_beadle"))
        .arg("account")
        .args(words)
        .arg("--data-dir")
        .arg(folder)
        .env_remove("BEADLE_CONFIG")
        .env_remove("CREDENTIALS_DIRECTORY")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = program.stdin.take().unwrap();
    // A command that does not read may have ended by now.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    let done = program.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        done.status.code().unwrap(),
        text(done.stdout),
        text(done.stderr),
    )
}

fn beadle(folder: &Path, words: &[&str]) -> (i32, String, String) {
    typed(folder, words, "")
}

/// What was printed once.
struct Printed {
    password: Option<String>,
    uri: String,
    recovery: Vec<String>,
}

fn printed(text: &str) -> Printed {
    let after = |label: &str| {
        let line = text.lines().find(|line| line.starts_with(label));
        line.map(|line| line[label.len()..].trim().to_owned())
    };
    let codes = text.lines().filter_map(|line| line.strip_prefix("  "));
    let code = |line: &&str| line.len() == 19 && line.split('-').all(|part| part.len() == 4);
    Printed {
        password: after("Password"),
        uri: after("One-time codes").unwrap(),
        recovery: codes.filter(code).map(str::to_owned).collect(),
    }
}

async fn local(store: &Custody, login: &str) -> Account {
    let found = store.account_by_login(AccountKind::Local, login).await;
    found.unwrap().unwrap()
}

fn session(account: QueueId, token: u8) -> NewSession {
    let at = SystemTime::now();
    NewSession {
        token_sha256: [token; 32],
        account,
        method: "password+totp".into(),
        device: "Quillfox 9 of Wilhelmina".into(),
        at,
        ends_at: at + 8 * HOUR,
    }
}

async fn signed_in(store: &Custody, token: u8) -> bool {
    let found = store.session([token; 32], SystemTime::now(), HOUR).await;
    found.unwrap().is_some()
}

/// Everything printed proves the account, by what the store kept and by an authenticator's own reading of the address.
async fn proves(store: &Custody, account: &Account, proof: &Printed, password: &str) -> bool {
    let kept = store.credentials(account.id).await.unwrap().unwrap();
    let app = totp_rs::Totp::from_url(&proof.uri).unwrap();
    let now = SystemTime::now();
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let code = app.generate(seconds.as_secs()).to_string();
    let recovery = |code: &String| kept.recovery.contains(&recovery_sha256(code));
    verify_password(Some(&kept.password), password)
        && verify_totp(&kept.totp, &code, now).is_some()
        && totp_uri(&kept.totp, "Beadle", &account.login)
            .unwrap()
            .as_str()
            == proof.uri
        && kept.recovery.len() == 10
        && proof.recovery.len() == 10
        && proof.recovery.iter().all(recovery)
}

#[tokio::test]
async fn an_account_is_made_beside_an_open_store_and_shown_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let store = open(folder).await;
    let name = ["--name", "Wilhelmina Reviewer"];
    let words = [
        &["create", "--login", "w.reviewer", "--role", "head"][..],
        &["--school", "oak", "--school", "elm"],
        &["--address", "w.reviewer@trust.example"],
        &name,
    ];
    let (code, text, complaint) = beadle(folder, &words.concat());
    assert_eq!((code, complaint.as_str()), (0, ""), "{text}");
    let proof = printed(&text);
    let password = proof.password.clone().unwrap();
    let letters = password.chars().filter(|c| *c != '-').count();
    assert!(letters >= 20, "{letters}");
    assert!(!password.contains(['0', 'o', '1', 'l', 'I']), "{password}");
    // The picture for the telephone is there, and as wide on every line.
    let picture = text.lines().filter(|line| line.contains(['█', '▀', '▄']));
    let widths: Vec<usize> = picture.map(|line| line.chars().count()).collect();
    assert!(widths.len() > 15, "{widths:?}");
    assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
    // The store that was open all the while has it.
    let account = local(&store, "w.reviewer").await;
    assert_eq!(account.name, "Wilhelmina Reviewer");
    let address = Address::parse("w.reviewer@trust.example").unwrap();
    assert_eq!(account.address, Some(address));
    let grant = Grant {
        role: Role::Head,
        schools: vec!["oak".into(), "elm".into()],
    };
    assert_eq!(account.grants, [grant]);
    assert!(proves(&store, &account, &proof, &password).await);
    // Nothing of it is printed again.
    let (code, text, _) = beadle(folder, &["list"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("w.reviewer") && text.contains("[head of oak elm]"),
        "{text}"
    );
    assert!(text.contains("last sign-in never"), "{text}");
    let kept = store.credentials(account.id).await.unwrap().unwrap();
    for secret in [&password, &proof.uri, &proof.recovery[0], &kept.password] {
        assert!(!text.contains(secret.as_str()), "{text}");
    }
    let again = ["create", "--login", "w.reviewer", "--role", "dpo"];
    let (code, _, complaint) = beadle(folder, &[&again[..], &name].concat());
    assert_eq!(code, 1, "{complaint}");
    assert!(complaint.contains("with this login"), "{complaint}");
}

#[tokio::test]
async fn a_wrong_command_line_makes_nothing_and_says_what_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let store = open(folder).await;
    let create = |login, role, more: &[&str]| {
        let words = ["create", "--login", login, "--role", role, "--name", "Kim"];
        beadle(folder, &[&words[..], more].concat())
    };
    let wrong: [(&str, &str, &[&str], &str); 5] = [
        ("Kim", "dpo", &[], "--login"),
        ("kim ford", "dpo", &[], "--login"),
        ("kim", "head", &[], "--school"),
        ("kim", "sender", &["--address", "no address"], "--address"),
        ("kim", "headteacher", &[], "--role"),
    ];
    for (login, role, more, flag) in wrong {
        let (code, text, complaint) = create(login, role, more);
        assert_eq!((code, text.as_str()), (2, ""), "{complaint}");
        assert!(complaint.contains(flag), "{complaint}");
    }
    // A password that is read is held to its length, and not printed.
    let stdin = ["--password-stdin"];
    let words = ["create", "--login", "kim", "--role", "dpo", "--name", "Kim"];
    let words = [&words[..], &stdin].concat();
    let (code, text, complaint) = typed(folder, &words, "thirteen char\n");
    assert_eq!((code, text.as_str()), (2, ""), "{complaint}");
    assert!(complaint.contains("14"), "{complaint}");
    assert!(store.accounts().await.unwrap().is_empty());
    let (code, text, complaint) = typed(folder, &words, "pickled walnut parade\r\nmore\n");
    assert_eq!(code, 0, "{complaint}");
    assert!(!text.contains("walnut"), "{text}");
    let account = local(&store, "kim").await;
    let proof = printed(&text);
    assert!(proof.password.is_none());
    assert!(proves(&store, &account, &proof, "pickled walnut parade").await);
    for command in ["disable", "enable", "reset", "remove", "sign-out"] {
        let (code, _, complaint) = beadle(folder, &[command, "nobody"]);
        assert_eq!(code, 1, "{command}: {complaint}");
        assert!(complaint.contains("account list"), "{complaint}");
    }
}

#[tokio::test]
async fn an_account_is_changed_reset_signed_out_and_removed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let store = open(folder).await;
    let words = ["create", "--login", "kim", "--role", "dpo", "--name", "Kim"];
    let (code, text, _) = beadle(folder, &words);
    assert_eq!(code, 0, "{text}");
    let first = printed(&text);
    let kim = local(&store, "kim").await.id;
    let id = kim.to_string();
    let run = |words: &[&str]| {
        let (code, text, complaint) = beadle(folder, words);
        assert_eq!(code, 0, "{words:?}: {complaint}");
        text
    };
    store.begin_session(session(kim, 1)).await.unwrap();
    store.begin_session(session(kim, 2)).await.unwrap();
    assert!(run(&["sign-out", "kim"]).contains("2 sessions"));
    assert!(!signed_in(&store, 1).await && !signed_in(&store, 2).await);
    // By its id too, as the ledger names it.
    store.begin_session(session(kim, 3)).await.unwrap();
    run(&["grant", &id, "--role", "auditor"]);
    assert!(!signed_in(&store, 3).await);
    let account = local(&store, "kim").await;
    assert_eq!(account.grants[0].role, Role::Auditor);
    store.begin_session(session(kim, 4)).await.unwrap();
    run(&["disable", "kim"]);
    assert!(!signed_in(&store, 4).await);
    assert!(run(&["list"]).contains("DISABLED"));
    run(&["enable", &id.to_lowercase()]);
    store.begin_session(session(kim, 5)).await.unwrap();
    let second = printed(&run(&["reset", "kim"]));
    assert!(!signed_in(&store, 5).await);
    let account = local(&store, "kim").await;
    let (old, new) = (first.password.unwrap(), second.password.clone().unwrap());
    assert!(proves(&store, &account, &second, &new).await);
    assert!(!proves(&store, &account, &second, &old).await);
    let codes = first.recovery.iter().map(|code| recovery_sha256(code));
    for code in codes {
        assert!(
            !store
                .use_recovery(kim, code, SystemTime::now())
                .await
                .unwrap()
        );
    }
    run(&["remove", "kim"]);
    assert!(store.accounts().await.unwrap().is_empty());
    let about = store.ledger_of(1, 100, Some(&id), None).await.unwrap();
    let actions: Vec<&str> = about.iter().map(|entry| entry.action.as_str()).collect();
    let expected = [
        "account-created",
        "credentials-set",
        "signed-in",
        "signed-in",
        "signed-out",
        "signed-in",
        "account-changed",
        "signed-in",
        "account-changed",
        "account-changed",
        "signed-in",
        "credentials-set",
        "account-removed",
    ];
    assert_eq!(actions, expected);
    assert_eq!(store.verify_ledger(None).await.unwrap().first_bad, None);
}

#[tokio::test]
async fn whoever_signs_in_elsewhere_has_no_password_here() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let store = open(folder).await;
    let new = NewAccount {
        kind: AccountKind::Oidc,
        login: "https://login.example/tenant|Ab12".into(),
        name: "Orla Officer".into(),
        address: None,
        grants: vec![],
    };
    let made = store.create_account(new, "system", SystemTime::now()).await;
    let id = made.unwrap().to_string();
    let (code, text, complaint) = beadle(folder, &["reset", &id]);
    assert_eq!((code, text.as_str()), (1, ""), "{complaint}");
    assert!(complaint.contains("identity provider"), "{complaint}");
    let (_, text, _) = beadle(folder, &["list"]);
    assert!(text.contains(&id) && !text.contains("Ab12"), "{text}");
}

#[tokio::test]
async fn schools_are_those_of_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("beadle.toml");
    let school =
        "[[trust.schools]]\nid = \"oak\"\nname = \"Oak\"\ndomains = [\"oak.trust.example\"]\n";
    std::fs::write(&config, school).unwrap();
    let (data, config) = (folder.path().join("data"), config.to_str().unwrap());
    let words = [
        "create", "--login", "kim", "--role", "head", "--name", "Kim",
    ];
    let school = |id| ["--school", id, "--config", config];
    let (code, text, complaint) = beadle(&data, &[&words[..], &school("elm")].concat());
    assert_eq!((code, text.as_str()), (2, ""), "{complaint}");
    assert!(
        complaint.contains("`elm`") && complaint.contains(": oak;"),
        "{complaint}"
    );
    // The first account may be made before the relay first runs.
    let (code, _, complaint) = beadle(&data, &[&words[..], &school("oak")].concat());
    assert_eq!(code, 0, "{complaint}");
    let kim = local(&open(&data).await, "kim").await;
    assert_eq!(kim.grants[0].schools, ["oak"]);
}

/// An account with everything it can have; all that is private about it, as bytes.
async fn filled(store: &Custody) -> (QueueId, Vec<Vec<u8>>) {
    let now = SystemTime::now();
    let new = NewAccount {
        kind: AccountKind::Local,
        login: "w.quarrington".into(),
        name: "Wilhelmina Quarrington".into(),
        address: Some(Address::parse("w.quarrington@trust.example").unwrap()),
        grants: vec![Grant {
            role: Role::Head,
            schools: vec!["oak".into()],
        }],
    };
    // The name of whoever acts stands in the ledger's side table, and so the actor is another.
    let id = store.create_account(new, "it.person", now).await.unwrap();
    let credentials = Credentials {
        password: "$argon2id$invented-hash".into(),
        totp: Zeroizing::new(b"invented-totp-secret".to_vec()),
        recovery: vec![[7; 32]],
    };
    let set = store.set_credentials(id, credentials, "it.person", now);
    set.await.unwrap();
    let token = NewToken {
        sha256: [8; 32],
        account: id,
        label: "Boardroom spreadsheet".into(),
        scopes: vec!["reports".into()],
        ends_at: now + 100 * HOUR,
    };
    store.create_token(token, "it.person", now).await.unwrap();
    let view = store.save_view(id, "Ottoline's file", "text=Ottoline", now);
    view.await.unwrap();
    let secrets = [
        "quarrington",
        "Quarrington",
        "invented-hash",
        "invented-totp",
        "Boardroom",
        "Ottoline",
    ];
    let secrets = secrets.iter().map(|text| text.as_bytes().to_vec());
    (id, secrets.collect())
}

#[tokio::test]
async fn nothing_private_of_an_account_is_readable_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let store = open(folder).await;
    let (_, secrets) = filled(&store).await;
    // Written out to the database file, beside the log.
    store.close().await;
    let mut bytes = Vec::new();
    for file in ["beadle.db", "beadle.db-wal"] {
        bytes.extend(std::fs::read(folder.join(file)).unwrap_or_default());
    }
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(holds(b"account-created"), "this reads what is there");
    for secret in secrets {
        assert!(!holds(&secret), "{}", String::from_utf8_lossy(&secret));
    }
}

#[tokio::test]
async fn a_restored_store_has_the_accounts_and_nobody_is_signed_in() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    let store = open(&at("a")).await;
    let (id, _) = filled(&store).await;
    store.begin_session(session(id, 1)).await.unwrap();
    assert!(store.use_totp_step(id, 500).await.unwrap());
    let now = SystemTime::now();
    let order = BackupOrder {
        to: &at("b"),
        reuse: None,
        node: "gate.trust.example",
        actor: "it.person",
        now,
    };
    store.back_up(order).await.unwrap();
    let before = store.account(id).await.unwrap();
    let order = RestoreOrder {
        from: &at("b"),
        config: Config::new(at("c")),
        master: key(&at("a")),
        deliver_queue: false,
        actor: "it.person",
        now,
    };
    let restored = restore(order).await.unwrap().custody;
    assert!(restored.account(id).await.unwrap() == before);
    let found = local(&restored, "w.quarrington").await;
    assert_eq!(found.id, id);
    let kept = restored.credentials(id).await.unwrap().unwrap();
    assert_eq!(kept.password, "$argon2id$invented-hash");
    assert_eq!(kept.totp.as_slice(), b"invented-totp-secret");
    assert_eq!(kept.recovery, [[7; 32]]);
    assert_eq!(restored.views(id).await.unwrap()[0].query, "text=Ottoline");
    // The code that was used stays used; what was open is not.
    assert!(!restored.use_totp_step(id, 500).await.unwrap());
    assert!(!signed_in(&restored, 1).await && signed_in(&store, 1).await);
    assert!(restored.api_token([8; 32], now).await.unwrap().is_none());
    assert!(restored.all_tokens().await.unwrap().is_empty());
    restored.close().await;
}
