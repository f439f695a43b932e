//! A server of a test: its folder, its process, and the watcher that clears up after it.

use std::fs::{File, Permissions};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Stops the process whose id is in `$1/pid` once its input ends, which it does when the test process is no more; then removes `$1`.
const WATCH: &str = r#"
cat >/dev/null
pid=$(cat "$1/pid" 2>/dev/null)
if [ -n "$pid" ] && kill -"$2" "$pid" 2>/dev/null; then
  n=0
  while [ "$n" -lt 50 ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; n=$((n + 1)); done
  kill -KILL "$pid" 2>/dev/null
fi
rm -rf "$1"
"#;

/// A server's folder and process. Dropped or not, both are gone soon after the test process.
pub struct Server {
    folder: PathBuf,
    user: Option<(u32, u32)>,
    process: Mutex<Option<Child>>,
    watcher: Mutex<Child>,
}

impl Server {
    /// A fresh folder for a server called `name`, which runs as `user` when we are root and is stopped by `signal`.
    pub fn new(name: &str, user: &str, signal: &str) -> Self {
        let user = rustix::process::geteuid().is_root().then(|| ids(user));
        let folder = tempfile::Builder::new()
            .prefix(&format!("beadle-{name}-"))
            .permissions(Permissions::from_mode(0o700))
            .tempdir()
            .unwrap()
            .keep();
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(&folder, Some(uid), Some(gid)).unwrap();
        }
        let watcher = Command::new("sh")
            .args(["-c", WATCH, "sh"])
            .arg(&folder)
            .arg(signal)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Out of reach of a Ctrl-C that ends the tests.
            .process_group(0)
            .spawn()
            .unwrap();
        Self {
            folder,
            user,
            process: Mutex::new(None),
            watcher: Mutex::new(watcher),
        }
    }

    /// The server's folder; its own, and nobody else's.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A command that runs as the server's user in its folder.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).stdin(Stdio::null());
        command.env("HOME", &self.folder);
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Starts the server; what it says goes to `log` in its folder.
    pub fn start(&self, mut command: Command) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        command.stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.process_group(0).spawn().unwrap();
        std::fs::write(self.folder.join("pid"), child.id().to_string()).unwrap();
        *self.process.lock().unwrap() = Some(child);
    }

    /// Whether the process that was started still runs.
    pub fn is_running(&self) -> bool {
        let mut process = self.process.lock().unwrap();
        process
            .as_mut()
            .is_some_and(|child| child.try_wait().unwrap().is_none())
    }

    /// Ends the server at once, as a crash would: it cannot write or say anything more.
    pub fn kill(&self) {
        if let Some(mut child) = self.process.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Sends a signal to the server, such as `Signal::STOP` and `Signal::CONT`.
    pub fn signal(&self, signal: Signal) {
        let process = self.process.lock().unwrap();
        let pid = process
            .as_ref()
            .and_then(|child| Pid::from_raw(child.id().cast_signed()));
        kill_process(pid.expect("the server runs"), signal).unwrap();
    }

    /// The last lines of what the server said.
    pub fn log(&self) -> String {
        let text = std::fs::read(self.folder.join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut watcher = self.watcher.lock().unwrap();
        drop(watcher.stdin.take());
        if let Some(mut child) = self.process.lock().unwrap().take() {
            // Reaped here, so that the watcher sees it gone.
            let _ = child.wait();
        }
        let _ = watcher.wait();
    }
}

/// User and group of a name in /etc/passwd.
fn ids(user: &str) -> (u32, u32) {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
    let fields = passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields[0] == user)
        .unwrap_or_else(|| {
            panic!("there is no user {user}; `tests/run unit` installs what makes it")
        });
    (fields[2].parse().unwrap(), fields[3].parse().unwrap())
}

/// Ports that were free a moment ago.
pub fn free_ports<const N: usize>() -> [u16; N] {
    let listeners: [TcpListener; N] =
        std::array::from_fn(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Asks until the answer is yes, or gives up.
pub fn until(at_most: Duration, mut asked: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < at_most {
        if asked() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(30));
    }
    false
}
