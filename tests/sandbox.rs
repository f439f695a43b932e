//! The confinement of the children that read attachments: what they cannot do, and that they read on.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot set its stage has failed; the child tells its parent on its output"
)]

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use beadle::extract::{FileInput, Location, Place, Reader, UnreadReason};
use beadle::limits::{Budget, Limits};
use beadle::worker::{Enforced, Pool, PoolConfig};

/// The word after which this test binary plays a part; what follows names the part.
const WORD: &str = "beadle-sandbox-child";

#[test]
fn child_entry() {
    let words: Vec<String> = std::env::args().collect();
    let Some(at) = words.iter().position(|word| word == WORD) else {
        return;
    };
    let part = words.get(at + 1).map_or("", String::as_str);
    match part {
        "worker" => {
            let _ = beadle::worker::child_main();
        }
        "bare" => tell(part),
        "landlock" => {
            beadle::worker::lower().unwrap();
            tell(part);
        }
        "seccomp" => {
            let started = std::thread::spawn(|| {
                beadle::worker::seal();
                tell("seccomp");
            });
            started.join().unwrap();
        }
        _ => {
            beadle::worker::lower().unwrap();
            let started = std::thread::spawn(|| {
                beadle::worker::seal();
                tell("both");
            });
            started.join().unwrap();
        }
    }
    std::process::exit(0);
}

/// Tries what a parser that was taken over would try, and says what came of it.
fn tell(part: &str) {
    let word = |worked: bool| if worked { "yes" } else { "no" };
    let port: u16 = std::env::args().next_back().unwrap().parse().unwrap();
    let opened = std::fs::File::open("/etc/passwd").is_ok();
    let made = std::fs::File::create("/tmp/beadle-sandbox-was-here").is_ok();
    let _ = made.then(|| std::fs::remove_file("/tmp/beadle-sandbox-was-here"));
    let connected = std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    let ran = Command::new("/bin/true").status().is_ok();
    let thread = std::thread::Builder::new()
        .spawn(|| ())
        .map(|started| started.join().is_ok());
    println!(
        "part={part} open={} create={} connect={} exec={} thread={}",
        word(opened),
        word(made),
        word(connected),
        word(ran),
        word(thread.unwrap_or(false))
    );
}

fn arguments(part: &str) -> Vec<String> {
    let words = [
        "--exact",
        "child_entry",
        "--nocapture",
        "--test-threads=1",
        WORD,
        part,
    ];
    words.map(str::to_owned).to_vec()
}

fn told(part: &str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(arguments(part))
        .arg(port.to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.contains("part="));
    let line = line.unwrap_or_else(|| panic!("{part} said nothing: {text} {output:?}"));
    line[line.find("part=").unwrap()..].to_owned()
}

/// `tag` tells this pool's children from those of other tests.
fn pool(size: usize, tag: &str, wall: Duration) -> Pool {
    Pool::new(PoolConfig {
        program: std::env::current_exe().unwrap(),
        arguments: arguments("worker")
            .into_iter()
            .chain([tag.to_owned()])
            .map(Into::into)
            .collect(),
        size,
        wall,
        retire_after: Duration::from_secs(5),
    })
}

#[test]
fn without_confinement_the_attempts_work() {
    assert_eq!(
        told("bare"),
        "part=bare open=yes create=yes connect=yes exec=yes thread=yes"
    );
}

#[test]
fn landlock_alone_closes_files_and_network() {
    let status = pool(1, "status", Duration::from_secs(10))
        .confinement()
        .unwrap();
    let told = told("landlock");
    if status.landlock == Enforced::Not {
        return;
    }
    assert_eq!(
        told,
        "part=landlock open=no create=no connect=no exec=no thread=yes"
    );
}

#[test]
fn seccomp_alone_closes_everything() {
    assert_eq!(
        told("seccomp"),
        "part=seccomp open=no create=no connect=no exec=no thread=no"
    );
}

#[test]
fn both_together_close_everything() {
    assert_eq!(
        told("both"),
        "part=both open=no create=no connect=no exec=no thread=no"
    );
}

#[test]
fn a_child_reports_what_holds_it() {
    let status = pool(1, "status", Duration::from_secs(10))
        .confinement()
        .unwrap();
    assert!(status.no_new_privileges);
    assert_eq!(status.seccomp, Enforced::Fully);
    let absent = Pool::new(PoolConfig {
        program: "/nonexistent/beadle".into(),
        arguments: vec![],
        size: 1,
        wall: Duration::from_millis(200),
        retire_after: Duration::from_secs(5),
    });
    assert_eq!(absent.confinement(), None);
}

/// A child that is killed from outside while it is idle costs nothing: the file is read by the next one.
#[test]
fn a_killed_child_is_replaced() {
    let pool = pool(1, "to-be-killed", Duration::from_secs(10));
    let location = Location::of(Place::Body).inside("a.zip");
    let bytes = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let read = || {
        let file = FileInput {
            location: &location,
            name: "a.zip",
            declared: None,
            bytes,
            passwords: &beadle::extract::Passwords::default(),
        };
        pool.read(&file, &Budget::new(Arc::new(Limits::default())))
    };
    let first = read();
    let own = std::process::id().to_string();
    let output = Command::new("pgrep").args(["-P", &own]).output().unwrap();
    let mut killed = 0;
    for child in String::from_utf8_lossy(&output.stdout).lines() {
        let line = std::fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains("to-be-killed") {
            Command::new("kill").args(["-9", child]).status().unwrap();
            killed += 1;
        }
    }
    assert_eq!(killed, 1);
    let second = read();
    assert_eq!(first, second);
    assert!(
        second
            .unread
            .iter()
            .all(|unread| unread.reason != UnreadReason::Crashed)
    );
}
