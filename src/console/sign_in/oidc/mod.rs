//! Sign-in by OpenID Connect, for Microsoft Entra ID and Google Workspace: authorisation code with PKCE, state and nonce.
//!
//! [`Oidc::begin`] gives an address for the browser and a [`Pending`] to be kept in a sealed cookie; [`Oidc::finish`] takes both the cookie
//! and what the browser came back with, and gives who it is.
//!
//! # Invariants
//! State, nonce and verifier are of 256 bits each and made for one sign-in. The state is compared before anything else of an answer is
//! looked at, the issuer before a code is sent anywhere. No token outlives [`Oidc::finish`], and none stands in an error or in `Debug`.
//!
//! # Standards
//! OpenID Connect Core 1.0 (3.1, code flow), Discovery 1.0, RP-Initiated Logout 1.0; RFC 6749, RFC 7636 (S256 only), RFC 9207, RFC 9700.
//!
//! # Known gaps
//! Single sign-out by the provider (front or back channel) does not end sessions here: the console's own limits do. A cookie can be used
//! again within ten minutes, which a provider meets by refusing the code a second time.

pub mod config;
pub mod error;
mod http;
mod person;
pub mod provider;
mod token;
pub mod trial;

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, SystemTime};

use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType, BasicTokenType};
use oauth2::url::Url;
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    ExtraTokenFields, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    StandardRevocableToken, StandardTokenResponse, TokenResponse as _, TokenUrl,
};
use serde::{Deserialize, Serialize};

pub use self::config::{Kind, OidcConfig, OidcConfigError, OidcGrant};
pub use self::error::OidcError;
use self::error::{Again, Distrust, Fault, Mend, Saw, Step};
use self::http::{Failed, Http};
pub use self::person::{Granted, SignedIn};
use self::provider::{Discovery, Provider};

/// How long a sign-in may take, from the address to the answer; the cookie's age too.
pub const SIGN_IN_WITHIN: Duration = Duration::from_mins(10);
/// Longest code, state or error that is looked at; Entra's codes have about 1,500 characters.
const ANSWER_PART_AT_MOST: usize = 8 << 10;

/// The address to which a provider sends people back, for a console at `site` (`https://HOST`).
pub fn redirect_uri(site: &str, id: &str) -> String {
    format!("{}/sign-in/{id}/back", site.trim_end_matches('/'))
}

/// One provider.
pub struct Oidc {
    config: OidcConfig,
    kind: Kind,
    redirect: Url,
    provider: Provider,
}

impl fmt::Debug for Oidc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Oidc")
            .field("id", &self.config.id)
            .finish_non_exhaustive()
    }
}

/// What a browser that is away at the provider must bring back; for a sealed cookie.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// Which provider.
    pub provider: String,
    /// Comes back with the code.
    pub state: String,
    /// Comes back in the token.
    pub nonce: String,
    /// Proves to the provider that who began now ends (RFC 7636).
    pub verifier: String,
    /// Seconds since 1970.
    pub began_at: u64,
    /// The person was asked to prove anew who they are.
    pub fresh: bool,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("provider", &self.provider)
            .field("began_at", &self.began_at)
            .finish_non_exhaustive()
    }
}

impl Pending {
    fn began(&self) -> SystemTime {
        let since = Duration::from_secs(self.began_at);
        SystemTime::UNIX_EPOCH
            .checked_add(since)
            .unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

/// What the browser came back with: the query of the redirect URI.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct Returned {
    /// The code, when all went well.
    pub code: Option<String>,
    /// The state.
    pub state: Option<String>,
    /// The issuer (RFC 9207).
    pub iss: Option<String>,
    /// What went wrong (RFC 6749 4.1.2.1).
    pub error: Option<String>,
}

impl fmt::Debug for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Returned")
            .field("has_code", &self.code.is_some())
            .field("has_error", &self.error.is_some())
            .finish_non_exhaustive()
    }
}

/// The one field of a token's answer beside those of OAuth.
#[derive(Clone, Deserialize, Serialize)]
struct WithIdToken {
    id_token: Option<String>,
}

impl fmt::Debug for WithIdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WithIdToken")
    }
}

impl ExtraTokenFields for WithIdToken {}

type Tokens = StandardTokenResponse<WithIdToken, BasicTokenType>;
type OauthClient = Client<
    BasicErrorResponse,
    Tokens,
    oauth2::basic::BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    oauth2::basic::BasicRevocationErrorResponse,
    oauth2::EndpointSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    oauth2::EndpointSet,
>;

impl Oidc {
    /// A provider of the configuration, which sends people back to `redirect_uri`. Reads the secret and the authorities, and asks nothing
    /// of the provider: that it is down is no reason not to start.
    pub fn new(config: OidcConfig, redirect_uri: &str) -> Result<Self, OidcConfigError> {
        let kind = config.check()?;
        config.secret()?;
        let redirect = config::redirect(redirect_uri)?;
        let document_at = Url::parse(&provider::well_known(&config.issuer)).map_err(|_| {
            config::wrong(
                "issuer",
                "what is no address",
                "an https address",
                "copy it from the provider",
            )
        })?;
        let http = Http::new(&document_at, config.client_ca.as_deref())?;
        let provider = Provider::new(&config.issuer, document_at, http);
        Ok(Self {
            config,
            kind,
            redirect,
            provider,
        })
    }

    /// The provider's id in the configuration.
    pub fn id(&self) -> &str {
        &self.config.id
    }

    /// Whether its word on roles is the last: its settings map values to roles.
    pub fn gives_roles(&self) -> bool {
        !self.config.grants.is_empty()
    }

    /// What the button says.
    pub fn title(&self) -> &str {
        if self.config.title.is_empty() {
            &self.config.id
        } else {
            &self.config.title
        }
    }

    /// Begins a sign-in: where to send the browser (by a 303 to a GET, since a form's redirect is bound by `form-action`), and what to keep.
    ///
    /// `fresh` asks the person to prove anew who they are, before something grave; a provider that does not say when they did (Google)
    /// makes [`Oidc::finish`] fail then.
    pub async fn begin(&self, now: SystemTime, fresh: bool) -> Result<(Url, Pending), OidcError> {
        let document = self.provider.discovery().await?;
        let client = self.client(&document)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = CsrfToken::new_random_len(32);
        let mut request = client
            .authorize_url(|| CsrfToken::new_random_len(32))
            .add_scopes(self.config.scopes.iter().cloned().map(Scope::new))
            .add_extra_param("nonce", nonce.secret())
            .set_pkce_challenge(challenge);
        if let Some(age) = self.max_age(fresh) {
            request = request.add_extra_param("max_age", age.as_secs().to_string());
        }
        // Schools share computers: Google would take whoever is signed in there without asking.
        request = match &self.kind {
            Kind::Google => request.add_extra_param("prompt", "select_account"),
            _ if fresh => request.add_extra_param("prompt", "login"),
            _ => request,
        };
        if let Some(domain) = &self.config.hosted_domain {
            request = request.add_extra_param("hd", domain.as_str());
        }
        let (url, state) = request.url();
        let pending = Pending {
            provider: self.config.id.clone(),
            state: state.into_secret(),
            nonce: nonce.into_secret(),
            verifier: verifier.into_secret(),
            began_at: now
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs(),
            fresh,
        };
        Ok((url, pending))
    }

    /// Ends a sign-in: who it is.
    pub async fn finish(
        &self,
        pending: &Pending,
        query: &Returned,
        now: SystemTime,
    ) -> Result<SignedIn, OidcError> {
        let code = self.answer(pending, query, now).await?;
        let document = self.provider.discovery().await?;
        let tokens = self.exchange(&document, code, &pending.verifier).await?;
        let id_token = tokens.extra_fields().id_token.as_deref();
        let id_token = id_token.ok_or(OidcError::Misconfigured(Mend::NoIdToken))?;
        let signed = token::header(id_token).map_err(OidcError::Untrusted)?;
        let keys = self.provider.keys(signed.key_id.as_deref()).await?;
        let expected = token::Expected {
            issuer: &self.config.issuer,
            client_id: &self.config.client_id,
            nonce: &pending.nonce,
            access_token: tokens.access_token().secret(),
            began_at: pending.began(),
            now,
        };
        let claims = token::check(id_token, &keys, &expected).map_err(OidcError::Untrusted)?;
        // Who was asked anew did it since the sign-in began.
        let since = now.duration_since(pending.began()).unwrap_or_default();
        let max_age = self
            .max_age(pending.fresh)
            .map(|age| if pending.fresh { since } else { age });
        let asked = person::Asked { max_age, now };
        person::read(&claims, &self.config, &self.kind, &asked)
    }

    /// Where to send a browser that signs out here to sign out at the provider too; `None` if the provider has no such address or was not
    /// asked for it yet. `return_to` must be registered there.
    pub fn sign_out_url(&self, return_to: &str) -> Option<String> {
        let mut url = self.provider.known()?.end_session_endpoint.clone()?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.config.client_id)
            .append_pair("post_logout_redirect_uri", return_to);
        Some(url.into())
    }

    /// Whether a person can be asked to prove anew who they are: Google neither asks for a password again nor says when it did.
    pub fn asks_anew(&self) -> bool {
        !matches!(self.kind, Kind::Google)
    }

    /// How long ago the person may have proved who they are; 0 for a fresh sign-in.
    fn max_age(&self, fresh: bool) -> Option<Duration> {
        let minutes = self.config.max_age_minutes;
        match (fresh, minutes) {
            (true, _) => Some(Duration::ZERO),
            (false, 0) => None,
            (false, minutes) => Some(Duration::from_mins(minutes.into())),
        }
    }

    /// The code of an answer that is this sign-in's.
    async fn answer(
        &self,
        pending: &Pending,
        query: &Returned,
        now: SystemTime,
    ) -> Result<String, OidcError> {
        let state = query.state.as_deref().unwrap_or_default();
        if pending.provider != self.config.id || !token::same(state, &pending.state) {
            return Err(OidcError::Untrusted(Distrust::State));
        }
        if now.duration_since(pending.began()).unwrap_or_default() > SIGN_IN_WITHIN {
            return Err(OidcError::TryAgain(Again::TooLate));
        }
        let named = match query.iss.as_deref() {
            Some(issuer) => issuer == self.config.issuer,
            None => !self.provider.discovery().await?.answers_name_issuer,
        };
        if !named {
            return Err(OidcError::Untrusted(Distrust::AnswerIssuer));
        }
        if let Some(error) = query.error.as_deref() {
            return Err(refused_at_sign_in(error));
        }
        let code = query
            .code
            .as_ref()
            .filter(|code| (1..=ANSWER_PART_AT_MOST).contains(&code.len()));
        code.cloned().ok_or(OidcError::TryAgain(Again::Nothing))
    }

    fn client(&self, document: &Discovery) -> Result<OauthClient, OidcError> {
        let secret = self
            .config
            .secret()
            .map_err(|error| OidcError::Misconfigured(error.into()))?;
        let how = if document.secret_in_body {
            AuthType::RequestBody
        } else {
            AuthType::BasicAuth
        };
        Ok(Client::new(ClientId::new(self.config.client_id.clone()))
            .set_client_secret(ClientSecret::new(secret.to_string()))
            .set_auth_type(how)
            .set_auth_uri(AuthUrl::from_url(document.authorization_endpoint.clone()))
            .set_token_uri(TokenUrl::from_url(document.token_endpoint.clone()))
            .set_redirect_uri(RedirectUrl::from_url(self.redirect.clone())))
    }

    /// Turns a code into tokens.
    async fn exchange(
        &self,
        document: &Discovery,
        code: String,
        verifier: &str,
    ) -> Result<Tokens, OidcError> {
        let client = self.client(document)?;
        client
            .exchange_code(AuthorizationCode::new(code))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
            .set_redirect_uri(Cow::Owned(RedirectUrl::from_url(self.redirect.clone())))
            .request_async(self.provider.http())
            .await
            .map_err(|error| refused_token(&error))
    }
}

fn down(step: Step, saw: Saw) -> OidcError {
    OidcError::Down(Fault { step, saw })
}

/// What an error at the sign-in page means (RFC 6749 4.1.2.1, OpenID Connect Core 3.1.2.6).
fn refused_at_sign_in(error: &str) -> OidcError {
    match error {
        "access_denied" => OidcError::TryAgain(Again::Cancelled),
        "login_required" | "interaction_required" | "account_selection_required" => {
            OidcError::TryAgain(Again::Interaction)
        }
        "consent_required" => OidcError::Misconfigured(Mend::Consent),
        "server_error" | "temporarily_unavailable" => down(Step::SignIn, Saw::SaysSo),
        _ => OidcError::Misconfigured(Mend::Request(None)),
    }
}

/// What an error of the token endpoint means (RFC 6749 5.2).
fn refused_token(error: &RequestTokenError<Failed, BasicErrorResponse>) -> OidcError {
    match error {
        RequestTokenError::ServerResponse(answer) => {
            let code = entra_code(answer.error_description());
            match answer.error() {
                BasicErrorResponseType::InvalidGrant => OidcError::TryAgain(Again::Code),
                BasicErrorResponseType::InvalidClient
                | BasicErrorResponseType::UnauthorizedClient => {
                    OidcError::Misconfigured(Mend::Client(code))
                }
                BasicErrorResponseType::Extension(other)
                    if other == "server_error" || other == "temporarily_unavailable" =>
                {
                    down(Step::Token, Saw::SaysSo)
                }
                _ => OidcError::Misconfigured(Mend::Request(code)),
            }
        }
        RequestTokenError::Request(Failed(saw)) => down(Step::Token, *saw),
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            down(Step::Token, Saw::NotJson)
        }
    }
}

/// The number behind `AADSTS`, by which Microsoft documents its errors. The rest of a description may name people.
fn entra_code(description: Option<&String>) -> Option<u32> {
    let (_, rest) = description?.split_once("AADSTS")?;
    let digits: String = rest
        .chars()
        .take_while(char::is_ascii_digit)
        .take(9)
        .collect();
    digits.parse().ok()
}

#[cfg(test)]
mod forge;
#[cfg(test)]
#[path = "flow_tests.rs"]
mod tests;
