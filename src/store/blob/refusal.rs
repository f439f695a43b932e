//! What an object store's error means to us.
//!
//! # Invariants
//! No text of the other side is passed on: its error codes are looked up, and what they mean is said in our words. Neither addresses
//! nor keys nor credentials can get into a log by this way.
//!
//! # Standards
//! Codes: Amazon S3 API Reference, "Error responses", list of error codes. For lack of space, which S3 itself does not know:
//! `QuotaExceeded` (Ceph RGW, 403), `XMinioStorageFull` (507) and `XMinioAdminBucketQuotaExceeded` (400) of MinIO, and HTTP 507
//! (RFC 4918 11.5).
//!
//! # Known gaps
//! object_store 0.14 does not export its error of a request, so that codes and status are taken from its text.

use std::error::Error as _;

use object_store::Error;
use object_store::client::{HttpError, HttpErrorKind};

use crate::store::error::StoreError;

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        let mut source = error.source();
        let mut io = None;
        while let Some(cause) = source {
            // Asked first: below a failed connection there is an `io::Error` too, and it is not one of a file.
            if let Some(http) = cause.downcast_ref::<HttpError>() {
                return unavailable(connection(http.kind()));
            }
            io = io.or_else(|| cause.downcast_ref::<std::io::Error>());
            source = cause.source();
        }
        let text = error.to_string();
        if let Some(answered) = code(&text).and_then(meaning) {
            return answered;
        }
        match (&error, status(&text)) {
            // S3 answers so, with no more to go on, where a bucket lies in another region.
            _ if text.contains("redirect without LOCATION") => unavailable(ELSEWHERE),
            (Error::NotFound { .. }, _) => Self::Missing,
            (_, Some(507)) => Self::Full,
            (_, Some(500..=599)) => unavailable("is out of order (an answer 5xx)"),
            (Error::PermissionDenied { .. } | Error::Unauthenticated { .. }, _) => {
                unavailable(REFUSED)
            }
            _ => match io {
                Some(io) => Self::from_io(io),
                None => unavailable("refused the request"),
            },
        }
    }
}

fn unavailable(what: &str) -> StoreError {
    StoreError::Unavailable(format!("blob store: {what}"))
}

const REFUSED: &str = "refused the credentials or the right to the request; needed: GetObject, PutObject, DeleteObject and ListBucket \
                       (without the last a missing object is answered 403)";

const ELSEWHERE: &str =
    "says that the bucket is elsewhere; look at store.blobs.region and endpoint";

fn connection(kind: HttpErrorKind) -> &'static str {
    match kind {
        HttpErrorKind::Connect => {
            "cannot be reached; look at store.blobs.endpoint, TLS and the firewall between"
        }
        HttpErrorKind::Timeout => "did not answer in time",
        HttpErrorKind::Interrupted | HttpErrorKind::Request => "broke the connection off",
        HttpErrorKind::Decode => "gave an answer that is not S3",
        _ => "failed while answering",
    }
}

/// What the server's error code means; `None` for codes that say no more than their status.
fn meaning(code: &str) -> Option<StoreError> {
    Some(match code {
        "NoSuchKey" => StoreError::Missing,
        "QuotaExceeded" | "XMinioStorageFull" | "XMinioAdminBucketQuotaExceeded" => {
            StoreError::Full
        }
        // Not `Missing`: no blob would be, and the sweep would name them all.
        "NoSuchBucket" => {
            unavailable("the bucket does not exist; make it, or mend store.blobs.url")
        }
        "SignatureDoesNotMatch" => {
            unavailable("refused the signature; look at store.blobs.secret_key_file (or _env)")
        }
        "InvalidAccessKeyId" => unavailable(
            "does not know the access key; look at store.blobs.access_key_file (or _env)",
        ),
        "RequestTimeTooSkewed" => {
            unavailable("refused the time of the request; set this machine's clock")
        }
        "AuthorizationHeaderMalformed"
        | "PermanentRedirect"
        | "IllegalLocationConstraintException" => unavailable(
            "says that the bucket is elsewhere; look at store.blobs.region and endpoint",
        ),
        "AccessDenied" => unavailable(REFUSED),
        "SlowDown" | "ServiceUnavailable" | "TooManyRequests" => {
            unavailable("is too busy (an answer to slow down)")
        }
        _ => return None,
    })
}

/// The code of an S3 error body somewhere in a text.
fn code(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code)
}

/// The HTTP status that object_store names in a text.
fn status(text: &str) -> Option<u16> {
    let (_, rest) = text.split_once("status code: ")?;
    rest.get(..3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;

    fn generic(text: &str) -> Error {
        Error::Generic {
            store: "S3",
            source: text.to_owned().into(),
        }
    }

    #[test]
    fn full_disks_are_told_apart_at_any_depth() {
        let full = std::io::Error::from(ErrorKind::StorageFull);
        let wrapped = Error::Generic {
            store: "LocalFileSystem",
            source: Box::new(full),
        };
        assert_eq!(StoreError::from(wrapped), StoreError::Full);
    }

    #[test]
    fn full_buckets_are_full() {
        for text in [
            "Server returned non-2xx status code: 507 Insufficient Storage: ",
            "Server returned non-2xx status code: 403 Forbidden: <Error><Code>QuotaExceeded</Code></Error>",
            "Server returned non-2xx status code: 400 Bad Request: <Error><Code>XMinioAdminBucketQuotaExceeded</Code></Error>",
        ] {
            assert_eq!(StoreError::from(generic(text)), StoreError::Full, "{text}");
        }
    }

    #[test]
    fn a_missing_bucket_is_no_missing_blob() {
        let missing = |body: &str| Error::NotFound {
            path: "aa/bb".to_owned(),
            source: format!("Server returned non-2xx status code: 404 Not Found: {body}").into(),
        };
        let key = "<Error><Code>NoSuchKey</Code></Error>";
        let bucket = "<Error><Code>NoSuchBucket</Code></Error>";
        assert_eq!(StoreError::from(missing("")), StoreError::Missing);
        assert_eq!(StoreError::from(missing(key)), StoreError::Missing);
        let error = StoreError::from(missing(bucket));
        assert!(matches!(&error, StoreError::Unavailable(why) if why.contains("bucket")));
    }

    #[test]
    fn nothing_of_the_answer_is_passed_on() {
        let told = "Error performing PUT https://host.example/bucket/aa/bb - Server returned non-2xx status code: 403 Forbidden: \
                    <Error><Code>Strange</Code><AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId></Error>";
        let text = StoreError::from(generic(told)).to_string();
        for part in ["host.example", "AKIDEXAMPLE", "Strange", "aa/bb"] {
            assert!(!text.contains(part), "{text}");
        }
        assert_eq!(code("<Code>unended"), None);
        assert_eq!(status("status code: é"), None);
    }
}
