//! Opening the folder or the S3-compatible store in which blobs are kept.
//!
//! # Invariants
//! Nothing is asked of a cloud's metadata service. Requests, retries and connections are bounded in time.
//!
//! # Standards
//! Requests are signed by AWS Signature Version 4 with the hash of the payload.
//!
//! # Known gaps
//! Credentials are read once, at start; session tokens and roles of machines are not used.

use std::fs::{DirBuilder, File};
use std::io::Read as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, Certificate, ClientOptions, ObjectStore, RetryConfig};

use super::settings::{BlobConfig, wrong};
use crate::store::error::StoreError;

/// A connection that does not come about in this time does not come about.
const CONNECT_AT_MOST: Duration = Duration::from_secs(3);
/// One request with its body: 50 MiB at 30 Mbit/s.
const REQUEST_AT_MOST: Duration = Duration::from_secs(14);
/// No retry begins later than this after the first try, so that a put with its last try ends near `PUT_AT_MOST`.
const RETRY_WITHIN: Duration = Duration::from_secs(8);
/// Tries after the first: at about 0.2, 0.6, 1.4 and 3 s.
const RETRIES: usize = 4;
/// Longest file of certificates.
const CERTIFICATES_AT_MOST: u64 = 1 << 20;

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
