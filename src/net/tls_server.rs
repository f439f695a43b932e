//! The certificate side of our listeners: loading, reloading without a restart, and what a handshake tells of a client.
//!
//! # Invariants
//! A reload that fails keeps the configuration that works. Client names are given only for a certificate that chains to a
//! configured authority; rustls checks it during the handshake.
//!
//! # Standards
//! RFC 8446 and RFC 5246 (TLS 1.3 and 1.2, nothing older: RFC 8996), RFC 9525 (names in the subject alternative name; the
//! common name only when there is none).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection};
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;
use x509_parser::extensions::GeneralName;

use crate::pipeline::TlsFacts;

/// Where a listener's certificate is, and whose client certificates count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// PEM file with the certificate and its chain, the own one first.
    pub certificate: PathBuf,
    /// PEM file with the private key (PKCS#8, PKCS#1 or SEC1).
    pub key: PathBuf,
    /// PEM file with the authorities whose client certificates are accepted; without it, none are asked for unless
    /// `client_ca_system` is set.
    pub client_ca: Option<PathBuf>,
    /// Accept client certificates of the authorities the operating system trusts (Microsoft 365 presents a public one).
    pub client_ca_system: bool,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or holds no such thing.
    #[error("{} cannot be read as PEM: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Certificate and key, or the authorities, do not make a configuration.
    #[error("tls configuration: {0}")]
    Unusable(String),
}

/// A listener's TLS.
#[derive(Debug)]
pub struct TlsServer {
    config: Config,
    current: ArcSwap<ServerConfig>,
}

impl TlsServer {
    /// Loads certificate, key and authorities.
    pub fn load(config: Config) -> Result<Self, TlsError> {
        let current = ArcSwap::from(build(&config)?);
        Ok(Self { config, current })
    }

    /// Loads the files again; connections that exist keep what they have.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(build(&self.config)?);
        Ok(())
    }

    /// What accepts the next handshake.
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }
}

fn build(config: &Config) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = certificates(&config.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&config.key).map_err(|error| TlsError::File {
        path: config.key.clone(),
        reason: error.to_string(),
    })?;
    let unusable = |error: &dyn std::fmt::Display| TlsError::Unusable(error.to_string());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| unusable(&error))?;
    let builder = match authorities(config)? {
        None => builder.with_no_client_auth(),
        Some(roots) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|error| unusable(&error))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let server = builder
        .with_single_cert(chain, key)
        .map_err(|error| unusable(&error))?;
    Ok(Arc::new(server))
}

fn authorities(config: &Config) -> Result<Option<RootCertStore>, TlsError> {
    if config.client_ca.is_none() && !config.client_ca_system {
        return Ok(None);
    }
    let mut roots = RootCertStore::empty();
    if let Some(path) = &config.client_ca {
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| TlsError::File {
                path: path.clone(),
                reason: error.to_string(),
            })?;
        }
    }
    if config.client_ca_system {
        // Some entries of a system store are always beyond a strict parser; what it has is enough or the next check fails.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    Ok(Some(roots))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = |reason: String| TlsError::File {
        path: path.to_owned(),
        reason,
    };
    let found: Vec<_> = CertificateDer::pem_file_iter(path)
        .map_err(|error| file(error.to_string()))?
        .collect::<Result<_, _>>()
        .map_err(|error| file(error.to_string()))?;
    if found.is_empty() {
        return Err(file("no certificate in it".to_owned()));
    }
    Ok(found)
}

/// What a finished handshake says.
pub fn facts(connection: &ServerConnection) -> TlsFacts {
    let version = match connection.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3",
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "TLS",
    };
    let cipher = connection
        .negotiated_cipher_suite()
        .map_or_else(String::new, |suite| format!("{:?}", suite.suite()));
    let client_names = connection
        .peer_certificates()
        .and_then(<[_]>::first)
        .map_or_else(Vec::new, |certificate| names(certificate));
    TlsFacts {
        version: version.to_owned(),
        cipher,
        client_names,
    }
}

/// DNS names of the subject alternative name, else the common name.
fn names(certificate: &[u8]) -> Vec<String> {
    let Ok((_, certificate)) = x509_parser::parse_x509_certificate(certificate) else {
        return Vec::new();
    };
    if let Ok(Some(alternative)) = certificate.subject_alternative_name() {
        return alternative
            .value
            .general_names
            .iter()
            .filter_map(|name| match name {
                GeneralName::DNSName(name) => Some((*name).to_owned()),
                _ => None,
            })
            .collect();
    }
    certificate
        .subject()
        .iter_common_name()
        .filter_map(|name| name.as_str().ok().map(str::to_owned))
        .collect()
}
