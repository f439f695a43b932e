//! Requests to a provider, bounded in time and length.
//!
//! # Invariants
//! No redirect is followed, so that nobody sends the secret elsewhere. A request ends in 10 seconds and an answer in 1 MB. Errors say what
//! was seen and quote nothing.
//!
//! # Known gaps
//! Proxies are taken from the environment (`HTTPS_PROXY`, `NO_PROXY`) and have no setting.

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use oauth2::url::Url;
use oauth2::{HttpRequest, HttpResponse};
use reqwest::{Client, Response};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::config::{self, OidcConfigError, wrong};
use super::error::Saw;

/// A request with its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// A connection that does not come about in this time does not come about.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Longest answer; Entra's keys have 20 kB.
const ANSWER_AT_MOST: usize = 1 << 20;
/// Longest file of certificates.
const CERTIFICATES_AT_MOST: u64 = 1 << 20;

/// The client of one provider.
#[derive(Debug, Clone)]
pub(super) struct Http(Client);

/// Something that was fetched, and what the provider's clock showed.
pub(super) struct Fetched {
    /// The body of a 200.
    pub(super) body: Vec<u8>,
    /// The `Date` header.
    pub(super) date: Option<SystemTime>,
}

impl Http {
    /// A client that trusts the system's authorities and those of `client_ca`.
    pub(super) fn new(issuer: &Url, client_ca: Option<&Path>) -> Result<Self, OidcConfigError> {
        let unusable = |_| {
            wrong(
                "client_ca",
                "authorities that TLS cannot use",
                "a PEM file of authorities",
                "look at the file",
            )
        };
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(roots(client_ca)?)
            .with_no_client_auth();
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .user_agent("Beadle");
        if config::is_this_machine(issuer) {
            builder = builder.no_proxy();
        }
        let refused = |_| {
            wrong(
                "client_ca",
                "settings that the HTTP client refuses",
                "a PEM file of authorities",
                "look at the proxies of the environment too",
            )
        };
        Ok(Self(builder.build().map_err(refused)?))
    }

    /// The body at an address, if the answer is 200.
    pub(super) async fn get(&self, url: &Url) -> Result<Fetched, Saw> {
        let request = self.0.get(url.clone()).header("Accept", "application/json");
        let response = request.send().await.map_err(|error| saw(&error))?;
        if response.status() != reqwest::StatusCode::OK {
            return Err(Saw::Status(response.status().as_u16()));
        }
        let date = response
            .headers()
            .get(reqwest::header::DATE)
            .and_then(|date| jiff::fmt::rfc2822::parse(date.to_str().ok()?).ok())
            .and_then(|date| u64::try_from(date.timestamp().as_second()).ok())
            .and_then(|seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
        let body = body(response).await?;
        Ok(Fetched { body, date })
    }

    /// Sends a request of `oauth2`, whatever its answer.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Failed> {
        let request = reqwest::Request::try_from(request).map_err(|_| Failed(Saw::NotJson))?;
        let response = self
            .0
            .execute(request)
            .await
            .map_err(|error| Failed(saw(&error)))?;
        let status = response.status();
        if status.is_server_error() {
            return Err(Failed(Saw::Status(status.as_u16())));
        }
        let content_type = response
            .headers()
            .get(reqwest::header::CONTENT_TYPE)
            .cloned();
        let mut answer = HttpResponse::new(body(response).await.map_err(Failed)?);
        *answer.status_mut() = status;
        if let Some(content_type) = content_type {
            answer
                .headers_mut()
                .insert(reqwest::header::CONTENT_TYPE, content_type);
        }
        Ok(answer)
    }
}

impl<'c> oauth2::AsyncHttpClient<'c> for Http {
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Failed>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// What was seen, as an error for `oauth2`.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("no answer")]
pub(super) struct Failed(pub(super) Saw);

fn saw(error: &reqwest::Error) -> Saw {
    if error.is_timeout() {
        Saw::Late
    } else {
        Saw::NoConnection
    }
}

async fn body(mut response: Response) -> Result<Vec<u8>, Saw> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| saw(&error))? {
        if body.len() + chunk.len() > ANSWER_AT_MOST {
            return Err(Saw::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, OidcConfigError> {
    let mut store = RootCertStore::empty();
    // A system store may hold certificates that webpki cannot read; those are left out.
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = file {
        let refused = |mend: &str| {
            let found = format!("`{}`", path.display());
            wrong("client_ca", found, "a PEM file of certificates", mend)
        };
        let length = std::fs::metadata(path)
            .map_err(|_| refused("look at its path, owner and mode"))?
            .len();
        if length > CERTIFICATES_AT_MOST {
            return Err(refused("it is longer than 1 MB"));
        }
        let certificates =
            CertificateDer::pem_file_iter(path).map_err(|_| refused("it cannot be read"))?;
        let before = store.len();
        for certificate in certificates {
            let certificate =
                certificate.map_err(|_| refused("one of its certificates cannot be read"))?;
            store
                .add(certificate)
                .map_err(|_| refused("one of its certificates cannot be used"))?;
        }
        if store.len() == before {
            return Err(refused("it has none"));
        }
    }
    Ok(store)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use rustls::ServerConfig;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// A server with a certificate of an authority of its own: its address, and the authority in PEM.
    async fn server() -> (Url, String) {
        let authority_key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = params.self_signed(&authority_key).unwrap();
        let issuer = rcgen::Issuer::new(params, authority_key);
        let key = rcgen::KeyPair::generate().unwrap();
        let own = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let own = own.signed_by(&key, &issuer).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![own.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // A client that does not trust the certificate ends the handshake.
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut request = [0; 1024];
                let _read = stream.read(&mut request).await;
                let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nDate: Sat, 28 Nov 2026 17:00:00 GMT\r\n\r\n{}";
                stream.write_all(answer).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        let url = Url::parse(&format!("https://localhost:{port}/")).unwrap();
        (url, authority.pem())
    }

    #[tokio::test]
    async fn an_authority_of_the_trusts_own_is_trusted_where_it_is_named() {
        let (url, pem) = server().await;
        let stranger = Http::new(&url, None).unwrap();
        assert_eq!(stranger.get(&url).await.err(), Some(Saw::NoConnection));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(pem.as_bytes()).unwrap();
        let trusting = Http::new(&url, Some(file.path())).unwrap();
        let fetched = trusting
            .get(&url)
            .await
            .unwrap_or_else(|saw| panic!("{saw:?}"));
        assert_eq!(fetched.body, b"{}");
        let date = fetched.date.unwrap().duration_since(SystemTime::UNIX_EPOCH);
        assert_eq!(date.unwrap().as_secs(), 1_795_885_200);
    }

    #[test]
    fn a_file_without_authorities_is_refused() {
        let here = Url::parse("https://localhost/").unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        for path in [file.path(), Path::new("/no/such/file")] {
            assert_eq!(Http::new(&here, Some(path)).unwrap_err().key, "client_ca");
        }
    }
}
