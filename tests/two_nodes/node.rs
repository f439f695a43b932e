//! What the nodes share, and one node: the program itself in a process that can be killed.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use beadle::store::{BlobConfig, DatabaseConfig, MasterKey};
use tempfile::TempDir;

use crate::servers::postgres::Postgres;
use crate::servers::process::free_ports;
use crate::servers::s3::S3;
use crate::sink::Sink;

/// Database, bucket and master key of one deployment.
pub struct Cluster {
    pub folder: TempDir,
    pub database: DatabaseConfig,
    pub blobs: BlobConfig,
}

impl Cluster {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = Postgres::shared().await.fresh_url().await;
        let (user, place) = url.split_once('@').unwrap();
        let (user, password) = user.rsplit_once(':').unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, password).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let cluster = Self {
            database: DatabaseConfig {
                url: format!("{user}@{place}"),
                password_file: Some(file),
                ..DatabaseConfig::default()
            },
            blobs: S3::shared().await.fresh_bucket().await,
            folder,
        };
        MasterKey::load_or_create(&cluster.key_file()).unwrap();
        cluster
    }

    pub fn key_file(&self) -> PathBuf {
        self.folder.path().join("master.key")
    }
}

/// A relay.
pub struct Node {
    pub port: u16,
    folder: PathBuf,
    sink: u16,
    process: Option<Child>,
}

impl Node {
    pub fn new(cluster: &Cluster, sink: &Sink, name: &str) -> Self {
        let folder = cluster.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        let [port] = free_ports();
        std::fs::write(folder.join("beadle.toml"), settings(cluster, &folder, name)).unwrap();
        Self {
            port,
            folder,
            sink: sink.port,
            process: None,
        }
    }

    /// Starts it and waits until it takes mail.
    pub fn start(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let address = format!("127.0.0.1:{}", self.port);
        let child = Command::new(env!("CARGO_BIN_EXE_beadle"))
            .args(["serve", "--config"])
            .arg(self.folder.join("beadle.toml"))
            .args(["--listen", &address])
            .args(["--next-hop", &format!("127.0.0.1:{}", self.sink)])
            .args(["--allow", "127.0.0.1"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(child);
        let begun = Instant::now();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        while TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_err() {
            let alive = self.process.as_mut().unwrap().try_wait().unwrap().is_none();
            assert!(
                alive && begun.elapsed() < Duration::from_mins(1),
                "a node does not start: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        let mut child = self.process.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Ends it as an operator does.
    pub fn stop(&mut self) {
        let mut child = self.process.take().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(child.wait().unwrap().success(), "{}", self.log());
    }

    /// Checks every hold, delivery, key and blob.
    pub fn fsck(&self) {
        let done = Command::new(env!("CARGO_BIN_EXE_beadle"))
            .args(["fsck", "--deep", "--config"])
            .arg(self.folder.join("beadle.toml"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stdout).into_owned()
            + &String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{said}");
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(child) = &mut self.process {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn settings(cluster: &Cluster, folder: &Path, name: &str) -> String {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns/sample");
    let quoted = |path: &Path| format!("{:?}", path.to_str().unwrap());
    let file = |path: &Option<PathBuf>| quoted(path.as_ref().unwrap());
    let (database, blobs) = (&cluster.database, &cluster.blobs);
    let mut text = String::new();
    let _ = write!(
        text,
        "[server]\nname = \"{name}.oakfield-trust.example\"\ninstance = \"oakfield\"\ndata_dir = {}\n\
         [trust]\npolicy = \"standard\"\ninternal_domains = [\"oakfield-trust.example\"]\nroster = {}\nstaff = {}\n\
         [extract]\nocr = \"off\"\n[store]\nkey_file = {}\n\
         [store.database]\nurl = \"{}\"\npassword_file = {}\nconnections = 6\n\
         [store.blobs]\nurl = \"{}\"\nendpoint = \"{}\"\naccess_key_file = {}\nsecret_key_file = {}\n",
        quoted(folder),
        quoted(&sample.join("roster.csv")),
        quoted(&sample.join("staff.csv")),
        quoted(&cluster.key_file()),
        database.url,
        file(&database.password_file),
        blobs.url,
        blobs.endpoint,
        file(&blobs.access_key_file),
        file(&blobs.secret_key_file),
    );
    let [admin] = free_ports();
    let _ = write!(text, "[admin]\nlisten = \"127.0.0.1:{admin}\"\n");
    text
}
