//! TLS towards the next hop: what is checked at each level, and our client certificate.
//!
//! # Invariants
//! `verified` checks the chain and the name; the lower levels check only that the peer holds the key of the certificate it
//! shows, which keeps out listeners but not impostors. TLS 1.2 is the oldest version spoken.
//!
//! # Standards
//! RFC 3207 4.1, RFC 7435 (opportunistic security), RFC 6125 (names, by webpki).
//!
//! # Known gaps
//! A self-signed server certificate that is also a CA (what `openssl req -x509` makes) fails at `verified` even when it is
//! named in `ca_file`: webpki takes no CA as end entity. Issue the certificate from a CA. Revocation is not checked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use crate::net::outbound::{HopConfig, TlsLevel};

/// Why TLS towards a next hop cannot be set up; all are for the administrator to mend.
#[derive(Debug, thiserror::Error)]
pub enum TlsSetupError {
    /// A PEM file cannot be read or holds nothing useful.
    #[error("cannot use PEM file {0}")]
    Pem(PathBuf),
    /// No authority to trust was found.
    #[error("no trusted certificate authorities found")]
    NoRoots,
    /// Certificate and key do not fit, or only one of them is set.
    #[error("client certificate and key do not fit together")]
    ClientCertificate,
    /// The host or `tls_name` is no name a certificate can carry.
    #[error("not a name for a certificate")]
    Name,
    /// The library refused the combination.
    #[error("tls library refused the settings")]
    Library(#[from] rustls::Error),
}

/// TLS settings of one next hop.
#[derive(Clone)]
pub struct TlsClient {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl TlsClient {
    /// Reads files and checks names; `None` when the next hop is never spoken to in TLS.
    pub fn new(hop: &HopConfig) -> Result<Option<Self>, TlsSetupError> {
        if hop.tls == TlsLevel::None && !hop.tls_implicit {
            return Ok(None);
        }
        let verified = hop.tls == TlsLevel::Verified;
        let name = hop
            .tls_name
            .as_ref()
            .filter(|_| verified)
            .unwrap_or(&hop.host);
        let name = ServerName::try_from(name.clone()).map_err(|_| TlsSetupError::Name)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = if verified {
            builder.with_root_certificates(roots(hop.ca_file.as_deref())?)
        } else {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        };
        let config = match (&hop.client_certificate, &hop.client_key) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certificate), Some(key)) => {
                let chain = certificates(certificate)?;
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|_| TlsSetupError::Pem(key.clone()))?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|_| TlsSetupError::ClientCertificate)?
            }
            _ => return Err(TlsSetupError::ClientCertificate),
        };
        Ok(Some(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name,
        }))
    }

    /// Shakes hands over an open connection.
    pub async fn connect<S>(&self, stream: S) -> std::io::Result<tokio_rustls::client::TlsStream<S>>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        self.connector.connect(self.name.clone(), stream).await
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsSetupError> {
    let unusable = || TlsSetupError::Pem(path.to_owned());
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(|_| unusable())?
        .collect::<Result<_, _>>()
        .map_err(|_| unusable())?;
    if chain.is_empty() {
        return Err(unusable());
    }
    Ok(chain)
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, TlsSetupError> {
    let mut store = RootCertStore::empty();
    match file {
        Some(path) => {
            for certificate in certificates(path)? {
                store
                    .add(certificate)
                    .map_err(|_| TlsSetupError::Pem(path.to_owned()))?;
            }
        }
        None => {
            // A system store may hold certificates that webpki cannot read; those are left out.
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if store.is_empty() {
        return Err(TlsSetupError::NoRoots);
    }
    Ok(store)
}

/// Takes any certificate whose key the peer proves to hold.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
