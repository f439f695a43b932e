//! Trying a provider step by step without anybody signing in, for `beadle oidc test`.
//!
//! # Invariants
//! Nothing but facts of the provider and of the settings: no person is involved, and the secret is sent, never shown.

use std::time::SystemTime;

use oauth2::url::Url;

use super::error::{Again, Mend, OidcError};
use super::provider::Discovery;
use super::{Kind, Oidc};

/// What a provider was seen to do.
#[derive(Debug)]
pub struct Trial {
    /// Where its document is.
    pub document_at: String,
    /// The document, with the provider's clock when it was read.
    pub discovery: Result<(Discovery, Option<SystemTime>), OidcError>,
    /// Keys that can check a token.
    pub keys: Result<usize, OidcError>,
    /// Whether the provider takes our id and secret, tried by a code that cannot exist.
    pub secret: Result<Secret, OidcError>,
}

/// What became of trying the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    /// The code was refused and the secret was not.
    Taken,
    /// The provider refused the request as a whole, which says nothing about the secret.
    Unknown(Option<u32>),
}

impl Oidc {
    /// The address to register at the provider.
    pub fn redirect_uri(&self) -> &Url {
        &self.redirect
    }

    /// Whose provider it is.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// Asks for everything anew.
    pub async fn trial(&self) -> Trial {
        let document_at = self.provider.document_at().to_string();
        let discovery = self.provider.ask().await;
        let document = match &discovery {
            Ok((document, _)) => document.clone(),
            Err(error) => {
                let (keys, secret) = (Err(error.clone()), Err(error.clone()));
                return Trial {
                    document_at,
                    discovery,
                    keys,
                    secret,
                };
            }
        };
        let keys = self.provider.ask_keys(&document).await;
        let secret = self.try_secret(&document).await;
        Trial {
            document_at,
            discovery,
            keys: keys.map(|keys| keys.len()),
            secret,
        }
    }

    /// Sends a code that cannot exist: a provider that refuses the code has taken the secret.
    async fn try_secret(&self, document: &Discovery) -> Result<Secret, OidcError> {
        let (_, verifier) = oauth2::PkceCodeChallenge::new_random_sha256();
        let code = "beadle-oidc-test-no-such-code".to_owned();
        match self.exchange(document, code, verifier.secret()).await {
            Err(OidcError::TryAgain(Again::Code)) => Ok(Secret::Taken),
            Err(OidcError::Misconfigured(Mend::Request(code))) => Ok(Secret::Unknown(code)),
            Err(error) => Err(error),
            // No provider gives a token for it.
            Ok(_) => Ok(Secret::Unknown(None)),
        }
    }
}
