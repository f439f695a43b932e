//! A running relay reads its roster again: whole, or not at all, and an alarm says which.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use beadle::app::config::{Admin, Config, Listener, Server, Trust};
use beadle::app::wiring;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const ROSTER: &[u8] = include_bytes!("../patterns/sample/roster.csv");

/// Log lines of this thread.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap()
    }
}

fn config(folder: &Path, rosters: Vec<PathBuf>) -> Config {
    let loopback = "127.0.0.1:0".parse().unwrap();
    Config {
        server: Server {
            data_dir: folder.join("data"),
            maildir: Some(folder.join("maildir")),
            ..Server::default()
        },
        trust: Trust {
            internal_domains: vec!["trust.example".to_owned()],
            roster: rosters,
            ..Trust::default()
        },
        listener: vec![Listener {
            address: loopback,
            ..Listener::default()
        }],
        admin: Admin {
            listen: Some(loopback),
        },
        ..Config::default()
    }
}

async fn gauge(running: &wiring::Running, name: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(running.admin.unwrap())
        .await
        .unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with(&format!("{name} ")));
    line.unwrap_or_default()
        .rsplit(' ')
        .next()
        .unwrap()
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_roster_keeps_the_old_one_and_raises_an_alarm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("roster");
    std::fs::write(&path, ROSTER).unwrap();
    let settings = config(folder.path(), vec![path.clone()]);
    let running = wiring::start(settings.clone()).await.unwrap();
    assert_eq!(running.pupils(), 64);

    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let bad: [(&str, &[u8]); 12] = [
        ("nothing", b""),
        ("no names", b"UPN,Year\nQ999400119001,7\n"),
        (
            "no header line",
            b"Oliver,Whitcombe,05/02/2014,Q999400119001\nAda,Quill,,\n",
        ),
        ("a header alone", b"Surname,Forename\n"),
        ("cut short", &ROSTER[..900]),
        ("a broken archive", b"PK\x03\x04Oliver Whitcombe"),
        ("an old workbook", b"\xd0\xcf\x11\xe0Oliver Whitcombe"),
        (
            "broken XML",
            b"<CTfile><CTFpupilData><Pupil><Surname>Whitcombe</Surname><Forename>Oliver</Forename></Pupil>",
        ),
        (
            "other XML",
            b"<Pupils><Pupil><Surname>Whitcombe</Surname></Pupil></Pupils>",
        ),
        (
            "broken JSON",
            b"{\"data\":[{\"surname\":\"Whitcombe\",\"forename\":\"Oliver\"},",
        ),
        (
            "JSON without names",
            b"{\"data\":[{\"upn\":\"Q999400119001\"}]}",
        ),
        ("noise", b"\0\x01\xff\xfe\0Whitcombe\0"),
    ];
    for (kind, bytes) in bad {
        std::fs::write(&path, bytes).unwrap();
        running.reload(settings.clone()).await;
        assert_eq!(running.pupils(), 64, "{kind}");
        assert_eq!(gauge(&running, "beadle_reload_failed").await, "1", "{kind}");
        let told = lines.take();
        assert!(told.contains("ALARM"), "{kind}: {told}");
        for name in ["Whitcombe", "Oliver", "Ada", "Quill", "Q999400119001"] {
            assert!(!told.contains(name), "{kind}: {told}");
        }
    }

    std::fs::remove_file(&path).unwrap();
    running.reload(settings.clone()).await;
    running.reload(config(folder.path(), Vec::new())).await;
    assert_eq!(running.pupils(), 64, "no file, no roster");
    assert_eq!(lines.take().matches("ALARM").count(), 2);

    let second = folder.path().join("more.csv");
    std::fs::write(&path, ROSTER).unwrap();
    std::fs::write(&second, "Surname,Forename\nQuill,Ada\n").unwrap();
    running
        .reload(config(folder.path(), vec![path, second]))
        .await;
    assert_eq!(running.pupils(), 65);
    assert_eq!(gauge(&running, "beadle_roster_people").await, "65");
    assert_eq!(gauge(&running, "beadle_reload_failed").await, "0");
    assert!(!lines.take().contains("ALARM"));
    running.stop().await;
}

#[test]
fn the_check_shows_how_every_path_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    };
    let first = write(
        "fenwick.csv",
        "UPN;Surname;Forename;School;Shoe Size;Password\nQ999400119001;Smith;Jack;Fenwick;3;hunter2\n;Young;Will;Fenwick;;\n;;;;1;\n;Cher;;Fenwick;;\n;Wright;Daniel;Fenwick;;\n",
    );
    write(
        "brookmere/users.csv",
        "sourcedId,role,givenName,familyName,orgSourcedIds\n1,student,Ada,Quill,s1\n2,teacher,Daniel,Wright,s1\n",
    );
    write(
        "brookmere/orgs.csv",
        "sourcedId,name\ns1,Brookmere Primary School\n",
    );
    let contacts = write(
        "contacts.csv",
        "UPN,Email\nQ999400119001,a@mailbox.example\nQ1,b@mailbox.example\n",
    );
    let second = folder.path().join("brookmere");
    let mut out = Vec::new();
    let staff = std::slice::from_ref(&second);
    beadle::app::roster::check(&[first.clone(), second.clone(), contacts], staff, &mut out)
        .unwrap();
    let out = String::from_utf8(out).unwrap();
    for line in [
        "fenwick.csv: CSV with semicolons",
        "Shoe Size                    (not used)",
        "Password                     (dropped unread: passwords)",
        "row 4 left out: no name",
        "School Data Sync v2",
        "1  Brookmere Primary School",
        "4  Fenwick",
        "5 pupils in all; 0 with a date of birth, 1 with a UPN, 1 with an address of a contact",
        "contacts whose pupil is not in the roster: 1",
        "staff: 1",
        "Will Young                     made of ordinary words",
        "Daniel Wright                  a member of staff has this name",
        "Cher                           only one name",
        "2 very common names",
        "Jack Smith",
        "Email                        e-mail address of a contact",
    ] {
        assert!(out.contains(line), "no {line:?} in\n{out}");
    }
    assert!(!out.contains("hunter2") && !out.contains("mailbox.example"));

    let none = write("none.csv", "Oliver,Whitcombe\n");
    let mut out = Vec::new();
    let error = beadle::app::roster::check(&[none], &[], &mut out).unwrap_err();
    assert!(!error.to_string().contains("Oliver"), "{error}");
    assert!(String::from_utf8(out).unwrap().contains("Oliver"));
}
