//! An S3-compatible store of the test process: SeaweedFS, which keeps objects on disk and checks signatures (SigV4) and rights.
//!
//! It is no mock: the same program serves S3 in production. `tests/run unit` installs it into `target/tools`, pinned by hash.
//!
//! # Known gaps
//! It does not sync to disk before it answers, so that it shows nothing about power loss on the other side.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use beadle::store::BlobConfig;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{ClientOptions, ObjectStoreExt as _, RetryConfig};
use rustix::process::Signal;
use tokio::sync::OnceCell;

use super::process::{Server, free_ports};

const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// Who may do what: the access key is the name, the secret key is made of it.
const RIGHTS: [(&str, &str); 3] = [
    ("ADMIN", r#""Admin","Read","Write","List""#),
    ("BEADLE", r#""Read","Write","List""#),
    ("READER", r#""Read","List""#),
];

/// A running store.
pub struct S3 {
    server: Server,
    weed: PathBuf,
    ports: [u16; 8],
    buckets: AtomicU32,
}

impl S3 {
    /// The one that the tests of this process share; started by whoever asks first. Not to be killed.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Arc<S3>> = OnceCell::const_new();
        SHARED
            .get_or_init(async || Arc::new(Self::own().await))
            .await
    }

    /// One for this test alone, which it may kill and restart. Stopped and removed when dropped.
    pub async fn own() -> Self {
        let this = tokio::task::spawn_blocking(Self::prepare).await.unwrap();
        this.run().await;
        this
    }

    fn prepare() -> Self {
        let server = Server::new("s3", "nobody", "TERM");
        let folder = server.folder();
        // A copy, since its user may not be able to reach the folder of the project.
        let weed = folder.join("weed");
        std::fs::copy(installed(), &weed).unwrap();
        std::fs::set_permissions(&weed, Permissions::from_mode(0o755)).unwrap();
        let identities: Vec<String> = RIGHTS
            .iter()
            .map(|(name, actions)| {
                for (kind, text) in [("access", (*name).to_owned()), ("secret", secret(name))] {
                    let path = folder.join(format!("{name}.{kind}"));
                    std::fs::write(&path, text + "\n").unwrap();
                    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
                }
                format!(
                    r#"{{"name":"{name}","credentials":[{{"accessKey":"{name}","secretKey":"{}"}}],"actions":[{actions}]}}"#,
                    secret(name)
                )
            })
            .collect();
        let identities = format!(r#"{{"identities":[{}]}}"#, identities.join(","));
        std::fs::write(folder.join("identities.json"), identities).unwrap();
        let made = server
            .command(Path::new("mkdir"))
            .arg("data")
            .status()
            .unwrap();
        assert!(made.success());
        Self {
            server,
            weed,
            ports: free_ports(),
            buckets: AtomicU32::new(0),
        }
    }

    /// Starts the server and waits until it keeps an object.
    async fn run(&self) {
        let mut command = self.server.command(&self.weed);
        let names = [
            "master.port",
            "master.port.grpc",
            "volume.port",
            "volume.port.grpc",
            "filer.port",
            "filer.port.grpc",
            "s3.port",
            "s3.port.grpc",
        ];
        command
            .args(["server", "-dir=data", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"])
            .args(
                names
                    .iter()
                    .zip(self.ports)
                    .map(|(name, port)| format!("-{name}={port}")),
            )
            .args([
                "-filer",
                "-filer.localSocket=filer.sock",
                "-master.telemetry=false",
            ])
            .args([
                "-s3",
                "-s3.localSocket=s3.sock",
                "-s3.config=identities.json",
            ])
            .args(["-s3.port.iceberg=0", "-s3.port.lance=0"])
            // Small volumes, one for each bucket and not seven, as many as there may be buckets.
            .args(["-master.volumeSizeLimitMB=256", "-volume.max=200"])
            // It elects itself master anew after a kill.
            .args(["-master.electionTimeout=1s"])
            .env("WEED_MASTER_VOLUME_GROWTH_COPY_1", "1");
        self.server.start(command);
        let begun = Instant::now();
        let admin = self.client("ADMIN", "ready");
        while let Err(error) = admin.put(&Key::from("ready"), "ready".into()).await {
            let waited = begun.elapsed();
            assert!(
                waited < STARTS_WITHIN && self.server.is_running(),
                "SeaweedFS does not start ({error}): {}",
                self.server.log()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Makes an empty bucket and gives the settings that use it, with the rights that Beadle needs and no more.
    pub async fn fresh_bucket(&self) -> BlobConfig {
        let name = format!("bucket-{}", self.buckets.fetch_add(1, Ordering::Relaxed));
        // It makes a bucket when an administrator puts the first object.
        let admin = self.client("ADMIN", &name);
        let first = Key::from("first");
        admin.put(&first, "first".into()).await.unwrap();
        admin.delete(&first).await.unwrap();
        self.settings(&name)
    }

    /// Settings for a bucket, whether it exists or not.
    pub fn settings(&self, bucket: &str) -> BlobConfig {
        let file = |kind: &str| Some(self.server.folder().join(format!("BEADLE.{kind}")));
        BlobConfig {
            url: format!("s3://{bucket}"),
            endpoint: self.endpoint(),
            access_key_file: file("access"),
            secret_key_file: file("secret"),
            ..BlobConfig::default()
        }
    }

    /// The same for somebody who may read and list only.
    pub fn reader(&self, settings: &BlobConfig) -> BlobConfig {
        let file = |kind: &str| Some(self.server.folder().join(format!("READER.{kind}")));
        BlobConfig {
            access_key_file: file("access"),
            secret_key_file: file("secret"),
            ..settings.clone()
        }
    }

    /// The bucket as an administrator sees it, without anything of Beadle between.
    pub fn raw(&self, settings: &BlobConfig) -> AmazonS3 {
        self.client("ADMIN", settings.url.trim_start_matches("s3://"))
    }

    fn client(&self, who: &str, bucket: &str) -> AmazonS3 {
        AmazonS3Builder::new()
            .with_endpoint(self.endpoint())
            .with_region("us-east-1")
            .with_bucket_name(bucket)
            .with_access_key_id(who)
            .with_secret_access_key(secret(who))
            .with_disable_bulk_delete(true)
            .with_client_options(
                ClientOptions::new()
                    .with_allow_http(true)
                    .with_timeout(Duration::from_secs(10)),
            )
            .with_retry(RetryConfig {
                max_retries: 0,
                ..RetryConfig::default()
            })
            .build()
            .unwrap()
    }

    /// Where it listens.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports[6])
    }

    /// Runs a line of its own shell, such as `s3.bucket.versioning -name b -enable`.
    pub fn shell(&self, line: &str) -> String {
        use std::io::Write as _;
        let mut shell: Command = self.server.command(&self.weed);
        let mut child = shell
            .arg("shell")
            .arg(format!(
                "-master=127.0.0.1:{}.{}",
                self.ports[0], self.ports[1]
            ))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        writeln!(input, "{line}").unwrap();
        drop(input);
        let done = child.wait_with_output().unwrap();
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr)
    }

    /// Ends the server as a crash would.
    pub fn kill(&self) {
        self.server.kill();
    }

    /// Starts it again, at the same address with the same objects.
    pub async fn restart(&self) {
        self.kill();
        self.run().await;
    }

    /// Lets the server hang: connections are taken by the system, nothing is answered.
    pub fn freeze(&self) {
        self.server.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.server.signal(Signal::CONT);
    }
}

fn secret(name: &str) -> String {
    format!("secret-of-{name}")
}

/// Where `tests/run` puts the program.
fn installed() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target"),
        PathBuf::from,
    );
    let weed = target.join("tools/s3/bin/weed");
    assert!(
        weed.exists(),
        "there is no SeaweedFS at {}; `tests/run unit` installs it",
        weed.display()
    );
    weed
}
