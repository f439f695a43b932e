//! Where blobs are kept: the settings of it, and opening a folder or an S3-compatible store by them.
//!
//! # Invariants
//! Credentials come from files that nobody else may read, or from the environment; the settings have no place for them, and no error
//! names them. Nothing is asked of a cloud's metadata service. Without TLS only this machine is spoken to, unless it is
//! allowed in so many words.
//!
//! # Standards
//! Names of buckets: Amazon S3 User Guide, "General purpose bucket naming rules". Requests are signed by AWS Signature Version 4 with the
//! hash of the payload.
//!
//! # Known gaps
//! Credentials are read once, at start; session tokens and roles of machines are not used.

use std::fs::{DirBuilder, File};
use std::io::Read as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::store::error::StoreError;

/// A connection that does not come about in this time does not come about.
const CONNECT_AT_MOST: Duration = Duration::from_secs(3);
/// One request with its body: 50 MiB at 30 Mbit/s.
const REQUEST_AT_MOST: Duration = Duration::from_secs(14);
/// No retry begins later than this after the first try, so that a put with its last try ends near `PUT_AT_MOST`.
const RETRY_WITHIN: Duration = Duration::from_secs(8);
/// Tries after the first: at about 0.2, 0.6, 1.4 and 3 s.
const RETRIES: usize = 4;
/// Longest credential: S3's are of 20 and 40 characters.
const CREDENTIAL_AT_MOST: u64 = 1024;
/// Longest file of certificates.
const CERTIFICATES_AT_MOST: u64 = 1 << 20;

/// `[store.blobs]`: where sealed messages are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BlobConfig {
    /// Empty: the folder `blobs` in the data folder. `s3://BUCKET/PREFIX`: an S3-compatible store.
    pub url: String,
    /// `https://HOST:PORT` of the store; Amazon's for the region when empty.
    pub endpoint: String,
    /// Region in signatures; `us-east-1` when empty, as stores beside Amazon's mostly want.
    pub region: String,
    /// `endpoint/bucket/key` instead of `bucket.endpoint/key`.
    pub path_style: bool,
    /// Speak HTTP without TLS to an endpoint that is not this machine.
    pub allow_http: bool,
    /// PEM file of the authorities to trust besides the system's, for a store with certificates of the trust's own.
    pub ca_file: Option<PathBuf>,
    /// File with the access key, mode 0600 or 0400.
    pub access_key_file: Option<PathBuf>,
    /// File with the secret key, mode 0600 or 0400.
    pub secret_key_file: Option<PathBuf>,
    /// Environment variable with the access key, where no file is set.
    pub access_key_env: String,
    /// Environment variable with the secret key, where no file is set.
    pub secret_key_env: String,
}

impl Default for BlobConfig {
    fn default() -> Self {
        Self {
            url: String::new(),
            endpoint: String::new(),
            region: String::new(),
            path_style: true,
            allow_http: false,
            ca_file: None,
            access_key_file: None,
            secret_key_file: None,
            access_key_env: "AWS_ACCESS_KEY_ID".to_owned(),
            secret_key_env: "AWS_SECRET_ACCESS_KEY".to_owned(),
        }
    }
}

impl BlobConfig {
    /// Whether blobs are kept outside the data folder.
    pub fn is_remote(&self) -> bool {
        !self.url.is_empty()
    }

    /// Bucket and prefix.
    fn bucket(&self) -> Result<(&str, Path), StoreError> {
        const ALLOWED: &str =
            "nothing (the folder `blobs` in the data folder) or s3://BUCKET/PREFIX";
        if self.url.contains('@') {
            return Err(wrong("url", "credentials in an address", ALLOWED, SECRETS));
        }
        let found = format!("`{}`", self.url);
        let refused = |mend| wrong("url", &found, ALLOWED, mend);
        let rest = self
            .url
            .strip_prefix("s3://")
            .ok_or_else(|| refused("s3 is the one scheme there is; set store.blobs.endpoint for stores beside Amazon's"))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let outer = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
        let sound = (3..=63).contains(&bucket.len())
            && outer(bucket.as_bytes().first())
            && outer(bucket.as_bytes().last())
            && bucket
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-'));
        if !sound {
            return Err(refused(
                "the name of a bucket has 3 to 63 of a-z, 0-9, `.` and `-`",
            ));
        }
        let prefix = Path::parse(prefix.trim_end_matches('/'))
            .map_err(|_| refused("a prefix has no empty parts and neither `.` nor `..`"))?;
        Ok((bucket, prefix))
    }

    /// The endpoint with scheme, as the client wants it; `None` for Amazon's own.
    fn endpoint(&self, bucket: &str) -> Result<Option<String>, StoreError> {
        const ALLOWED: &str = "https://HOST, https://HOST:PORT, or nothing for Amazon's own";
        if self.endpoint.is_empty() {
            return Ok(None);
        }
        if self.endpoint.contains('@') {
            return Err(wrong(
                "endpoint",
                "credentials in an address",
                ALLOWED,
                SECRETS,
            ));
        }
        let found = format!("`{}`", self.endpoint);
        let refused = |mend| wrong("endpoint", &found, ALLOWED, mend);
        let (scheme, rest) = self
            .endpoint
            .split_once("://")
            .filter(|(scheme, _)| matches!(*scheme, "https" | "http"))
            .ok_or_else(|| refused("begin it with https://"))?;
        let rest = rest.trim_end_matches('/');
        let host = rest.split('/').next().unwrap_or_default();
        if host.is_empty() || rest.contains(['?', '#', ' ']) {
            return Err(refused("name a host and nothing behind it but a port"));
        }
        if scheme == "http" && !self.allow_http && !is_this_machine(host) {
            return Err(refused(
                "use https://, or set store.blobs.allow_http where the network between is yours alone",
            ));
        }
        Ok(Some(if self.path_style {
            format!("{scheme}://{rest}")
        } else {
            format!("{scheme}://{bucket}.{rest}")
        }))
    }

    /// Access key and secret key.
    fn credentials(&self) -> Result<(String, String), StoreError> {
        let access = credential(
            "access_key",
            self.access_key_file.as_deref(),
            &self.access_key_env,
        )?;
        let secret = credential(
            "secret_key",
            self.secret_key_file.as_deref(),
            &self.secret_key_env,
        )?;
        Ok((access, secret))
    }
}

const SECRETS: &str = "put them into files and set store.blobs.access_key_file and secret_key_file";

fn wrong(key: &str, found: &str, allowed: &str, mend: &str) -> StoreError {
    StoreError::Settings(format!(
        "store.blobs.{key}: found {found}; allowed: {allowed}; {mend}"
    ))
}

/// Whether a host, with its port or without, is a loopback one.
fn is_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost"
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// A credential from its file or, where none is set, from the environment.
fn credential(key: &str, file: Option<&FilePath>, env: &str) -> Result<String, StoreError> {
    let (text, from, name) = match file {
        Some(path) => (
            read_secret(key, path)?,
            format!("`{}`", path.display()),
            "file",
        ),
        None => {
            let text = std::env::var(env).map_err(|_| {
                let found = format!("no file set, and nothing in the environment variable `{env}`");
                let mend = format!("set store.blobs.{key}_file, or {env} for this process");
                wrong(&format!("{key}_env"), &found, "a key", &mend)
            })?;
            (Zeroizing::new(text), format!("in `{env}`"), "env")
        }
    };
    let trimmed = text.trim();
    if trimmed.is_empty() || !trimmed.bytes().all(|b| b.is_ascii_graphic()) {
        let found = format!("{from} something else than one word");
        let allowed = "one key, and a line end behind it";
        return Err(wrong(
            &format!("{key}_{name}"),
            &found,
            allowed,
            "write the key alone",
        ));
    }
    Ok(trimmed.to_owned())
}

fn read_secret(key: &str, path: &FilePath) -> Result<Zeroizing<String>, StoreError> {
    let key = format!("{key}_file");
    let shown = format!("`{}`", path.display());
    let unreadable = |error: std::io::Error| {
        let found = format!("{shown}, which cannot be read ({})", error.kind());
        wrong(
            &key,
            &found,
            "a file that this user can read",
            "look at its path, owner and mode",
        )
    };
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        let found = format!("{shown} of mode {:04o}", mode & 0o7777);
        return Err(wrong(
            &key,
            &found,
            "a mode of 0600 or 0400",
            "chmod go-rwx it",
        ));
    }
    let mut text = Zeroizing::new(String::with_capacity(CREDENTIAL_AT_MOST as usize + 1));
    file.take(CREDENTIAL_AT_MOST + 1)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    if text.len() as u64 > CREDENTIAL_AT_MOST {
        return Err(wrong(
            &key,
            &shown,
            "a key of at most 1,024 bytes",
            "write the key alone",
        ));
    }
    Ok(text)
}

/// The folder as an object store; made (mode 0700) when it is not there.
pub(super) fn folder(folder: &FilePath) -> Result<Arc<dyn ObjectStore>, StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| StoreError::from_io(&error))?;
    let objects = LocalFileSystem::new_with_prefix(folder)?.with_fsync(true);
    Ok(Arc::new(objects))
}

/// The S3-compatible store of these settings; `None` when they name none.
pub(super) fn s3(config: &BlobConfig) -> Result<Option<Arc<dyn ObjectStore>>, StoreError> {
    if !config.is_remote() {
        return Ok(None);
    }
    let (bucket, prefix) = config.bucket()?;
    let endpoint = config.endpoint(bucket)?;
    let (access, secret) = config.credentials()?;
    let region = match config.region.as_str() {
        "" => "us-east-1",
        region => region,
    };
    let plain = endpoint
        .as_ref()
        .is_some_and(|endpoint| endpoint.starts_with("http://"));
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_access_key_id(access)
        .with_secret_access_key(secret)
        .with_virtual_hosted_style_request(!config.path_style)
        // One `DELETE` each: not every store has the call for many, and one key at a time is all that is removed here.
        .with_disable_bulk_delete(true)
        .with_client_options(client(config, plain)?)
        .with_retry(RetryConfig {
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(200),
                max_backoff: Duration::from_secs(2),
                base: 2.0,
            },
            max_retries: RETRIES,
            retry_timeout: RETRY_WITHIN,
        });
    if let Some(endpoint) = endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    // Its error may quote settings; those were looked at above, so that little is left that it could mean.
    let objects = builder.build().map_err(|_| {
        wrong(
            "url",
            "settings that the S3 client refuses",
            "a bucket and an endpoint",
            "look at every key of [store.blobs]",
        )
    })?;
    Ok(Some(Arc::new(PrefixStore::new(objects, prefix))))
}

fn client(config: &BlobConfig, plain: bool) -> Result<ClientOptions, StoreError> {
    let mut options = ClientOptions::new()
        .with_connect_timeout(CONNECT_AT_MOST)
        .with_timeout(REQUEST_AT_MOST)
        .with_allow_http(plain);
    if let Some(path) = &config.ca_file {
        let found = format!("`{}`", path.display());
        let refused = |mend: &str| wrong("ca_file", &found, "a PEM file of certificates", mend);
        let mut pem = Vec::new();
        File::open(path)
            .and_then(|file| file.take(CERTIFICATES_AT_MOST).read_to_end(&mut pem))
            .map_err(|error| refused(&format!("it cannot be read ({})", error.kind())))?;
        let certificates = Certificate::from_pem_bundle(&pem)
            .map_err(|_| refused("it has none that can be read"))?;
        if certificates.is_empty() {
            return Err(refused("it has none"));
        }
        for certificate in certificates {
            options = options.with_root_certificate(certificate);
        }
    }
    Ok(options)
}

/// Removes the staged files of a folder that are older than `old`, and counts them.
pub(super) fn remove_staged(folder: &FilePath, old: SystemTime) -> std::io::Result<u64> {
    let mut removed = 0;
    for shard in std::fs::read_dir(folder)? {
        let shard = shard?;
        if !shard.file_type()?.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(shard.path())? {
            let file = file?;
            let staged = file.file_name().to_string_lossy().contains('#');
            if staged && file.metadata()?.modified()? < old {
                std::fs::remove_file(file.path())?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str, endpoint: &str) -> BlobConfig {
        BlobConfig {
            url: url.to_owned(),
            endpoint: endpoint.to_owned(),
            ..BlobConfig::default()
        }
    }

    #[test]
    fn addresses_are_bucket_and_prefix() {
        for (url, bucket, prefix) in [
            ("s3://trust-holds", "trust-holds", ""),
            ("s3://trust-holds/", "trust-holds", ""),
            ("s3://trust.holds/a/b/", "trust.holds", "a/b"),
        ] {
            let config = config(url, "");
            let (found, path) = config.bucket().unwrap();
            assert_eq!((found, path.as_ref()), (bucket, prefix), "{url}");
        }
        for url in [
            "gs://x",
            "s3:/x",
            "s3://",
            "s3://ab",
            "s3://Trust",
            "s3://-abc",
            "s3://abc/a//b",
            "s3://abc/..",
        ] {
            let error = config(url, "").bucket().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("store.blobs.url: found `{url}`; allowed: ")),
                "{error}"
            );
        }
    }

    #[test]
    fn clear_text_stays_on_this_machine() {
        for endpoint in [
            "http://127.0.0.1:9000",
            "http://[::1]:9000/",
            "http://localhost",
            "https://s3.trust.example",
        ] {
            let found = config("", endpoint).endpoint("abc").unwrap().unwrap();
            assert_eq!(found, endpoint.trim_end_matches('/'));
        }
        for endpoint in [
            "http://s3.trust.example",
            "http://127.0.0.1.trust.example",
            "ftp://x",
            "s3.trust.example",
            "https://",
            "https://a?b",
        ] {
            let error = config("", endpoint)
                .endpoint("abc")
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with("store.blobs.endpoint: found `"),
                "{error}"
            );
        }
        let mut allowed = config("", "http://s3.trust.example");
        allowed.allow_http = true;
        assert!(allowed.endpoint("abc").is_ok());
        let mut hosted = config("", "https://s3.trust.example");
        hosted.path_style = false;
        assert_eq!(
            hosted.endpoint("abc").unwrap().as_deref(),
            Some("https://abc.s3.trust.example")
        );
    }

    #[test]
    fn credentials_in_an_address_are_not_repeated() {
        let error = config("s3://AKIDEXAMPLE:hidden@bucket", "")
            .bucket()
            .unwrap_err()
            .to_string();
        assert!(
            !error.contains("hidden") && error.contains("access_key_file"),
            "{error}"
        );
        let error = config("", "https://AKIDEXAMPLE:hidden@host")
            .endpoint("abc")
            .unwrap_err()
            .to_string();
        assert!(
            !error.contains("hidden") && error.contains("access_key_file"),
            "{error}"
        );
    }

    #[test]
    fn secrets_are_for_us_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let mode =
            |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let read = || credential("secret_key", Some(&path), "").map_err(|error| error.to_string());
        assert!(read().unwrap_err().contains("secret_key_file: found `"));
        std::fs::write(&path, "S3CRET\n").unwrap();
        mode(0o640);
        assert!(
            read()
                .unwrap_err()
                .contains("of mode 0640; allowed: a mode of 0600 or 0400")
        );
        mode(0o600);
        assert_eq!(read().unwrap(), "S3CRET");
        for content in ["", "two words", &"x".repeat(2000)] {
            std::fs::write(&path, content).unwrap();
            let error = read().unwrap_err();
            assert!(
                !error.contains("two words") && !error.contains("xxx"),
                "{error}"
            );
        }
        let error = credential("secret_key", None, "BEADLE_TEST_NEVER_SET")
            .unwrap_err()
            .to_string();
        assert!(error.contains("BEADLE_TEST_NEVER_SET"), "{error}");
    }
}
