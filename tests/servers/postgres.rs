//! A PostgreSQL of the test process: Debian's own, a throw-away cluster with fsync on, a fresh database for each test.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::sync::OnceCell;

use super::process::{Server, free_ports, until};

const PASSWORD: &str = "not-a-secret";
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// A running PostgreSQL.
pub struct Postgres {
    server: Server,
    programs: PathBuf,
    port: u16,
    databases: AtomicU32,
}

impl Postgres {
    /// The one that the tests of this process share; started by whoever asks first. Not to be killed.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Arc<Postgres>> = OnceCell::const_new();
        SHARED
            .get_or_init(async || Arc::new(Self::own().await))
            .await
    }

    /// One for this test alone, which it may kill and restart. Stopped and removed when dropped.
    pub async fn own() -> Self {
        tokio::task::spawn_blocking(Self::start).await.unwrap()
    }

    fn start() -> Self {
        let programs = programs();
        let server = Server::new("postgres", "postgres", "QUIT");
        let password = server.folder().join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        // What initdb writes need not survive anything; what the server writes later is synced.
        let made = server
            .command(&programs.join("initdb"))
            .args([
                "--no-sync",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--username=beadle",
            ])
            .args(["--auth=scram-sha-256", "--pwfile"])
            .arg(&password)
            .arg("--pgdata")
            .arg(server.folder().join("data"))
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "initdb: {}",
            String::from_utf8_lossy(&made.stderr)
        );
        let [port] = free_ports();
        let this = Self {
            server,
            programs,
            port,
            databases: AtomicU32::new(0),
        };
        this.run();
        this
    }

    /// Starts the server and waits until it takes connections.
    fn run(&self) {
        let folder = self.server.folder();
        let run = || {
            let mut command = self.server.command(&self.programs.join("postgres"));
            command
                .arg("-D")
                .arg(folder.join("data"))
                .args(["-p", &self.port.to_string()])
                .args([
                    "-c",
                    "listen_addresses=127.0.0.1",
                    "-c",
                    "max_connections=200",
                ])
                .args(["-c", "shared_buffers=32MB", "-c", "fsync=on"])
                .arg("-c")
                .arg(format!("unix_socket_directories={}", folder.display()));
            self.server.start(command);
        };
        run();
        let ready = until(STARTS_WITHIN, || {
            if !self.server.is_running() {
                // After a kill the old processes may need a moment to notice and let go of the cluster.
                run();
            }
            self.server
                .command(&self.programs.join("pg_isready"))
                .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        });
        assert!(ready, "PostgreSQL does not start: {}", self.server.log());
    }

    /// Makes a database and gives its address, with user and password.
    pub async fn fresh_url(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::connect(&self.url("postgres")).await.unwrap();
        let statement = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"));
        sqlx::raw_sql(statement)
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        let port = self.port;
        format!("postgres://beadle:{PASSWORD}@127.0.0.1:{port}/{database}")
    }

    /// The folder of the unix socket, for connections that do not use TCP.
    pub fn socket_folder(&self) -> &Path {
        self.server.folder()
    }

    /// The port, on loopback and in the name of the socket.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends the server as a crash would.
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Starts it again, on the same port with the same databases.
    pub fn restart(&self) {
        self.kill();
        self.run();
    }
}

/// The newest server that is installed.
fn programs() -> PathBuf {
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("bin/initdb").exists() && version(path).is_some())
        .max_by_key(|path| version(path))
        .unwrap_or_else(|| {
            panic!("there is no PostgreSQL in /usr/lib/postgresql; `tests/run unit` installs it (Debian: apt-get install postgresql)")
        })
        .join("bin")
}
