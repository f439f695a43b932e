//! Why a sign-in did not come about, by what the caller does next.
//!
//! # Invariants
//! No text holds a token, a code, a name or an address: what a provider wrote is never repeated, but for the digits of Entra's `AADSTS`.

use std::fmt;

/// Why a sign-in did not come about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// The person may begin again, and that is likely to help.
    #[error("try again: {0}")]
    TryAgain(Again),
    /// The provider does not answer as it should; nobody here can mend that. Local accounts still work.
    #[error("the provider cannot be used now: {0}")]
    Down(Fault),
    /// The person is who they are, and may not come in.
    #[error("not allowed: {0}")]
    NotAllowed(Refusal),
    /// The administrator of the console or of the provider has something to mend.
    #[error("to be mended: {0}")]
    Misconfigured(Mend),
    /// The answer is not to be trusted: worth an alarm.
    #[error("the provider's answer is not to be trusted: {0}")]
    Untrusted(Distrust),
}

/// What made a sign-in end that may be begun again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Again {
    /// More than ten minutes went by.
    #[error("the sign-in took too long")]
    TooLate,
    /// The person ended it at the provider.
    #[error("the sign-in was ended at the provider")]
    Cancelled,
    /// The provider wants something of the person first.
    #[error("the provider asks for another step")]
    Interaction,
    /// The code was used before, or is too old, or belongs to another sign-in.
    #[error("the code was used before or is too old")]
    Code,
    /// The address has neither code nor error.
    #[error("the provider sent no code")]
    Nothing,
    /// The person signed in at the provider longer ago than is allowed.
    #[error("the sign-in at the provider is too long ago")]
    TooLongAgo,
}

/// What of a provider does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Which step.
    pub step: Step,
    /// What was seen.
    pub saw: Saw,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.step {
            Step::Discovery => "its discovery document",
            Step::Keys => "its keys",
            Step::SignIn => "its sign-in page",
            Step::Token => "its token endpoint",
        };
        match self.saw {
            Saw::NoConnection => write!(f, "{step}: no connection"),
            Saw::Late => write!(f, "{step}: no answer in 10 seconds"),
            Saw::Status(status) => write!(f, "{step}: status {status}"),
            Saw::TooLong => write!(f, "{step}: an answer of more than 1 MB"),
            Saw::NotJson => write!(f, "{step}: an answer that cannot be read"),
            Saw::SaysSo => write!(f, "{step}: it says that it cannot answer now"),
        }
    }
}

/// A step in which a provider is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Reading `.well-known/openid-configuration`.
    Discovery,
    /// Reading `jwks_uri`.
    Keys,
    /// What the browser came back with.
    SignIn,
    /// Turning the code into a token.
    Token,
}

/// What was seen instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saw {
    /// No connection, or one that broke, or a certificate that is not trusted.
    NoConnection,
    /// Nothing in time.
    Late,
    /// An HTTP status.
    Status(u16),
    /// More than is read.
    TooLong,
    /// Something that cannot be read.
    NotJson,
    /// An error of its own that says so.
    SaysSo,
}

/// Why a person may not come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The account is of another Entra tenant.
    #[error("the account is of another tenant")]
    Tenant,
    /// The account is not of the Workspace's domain.
    #[error("the account is not of the trust's Workspace")]
    HostedDomain,
    /// The provider does not say that the address is verified.
    #[error("the provider has not verified the account's address")]
    AddressNotVerified,
}

/// What an administrator has to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Mend {
    /// A setting of ours.
    #[error(transparent)]
    Setting(#[from] super::config::OidcConfigError),
    /// The discovery document names another issuer.
    #[error("the discovery document names another issuer{}; copy `issuer` from {}", slash(*.only_slash), .at)]
    Issuer {
        /// Whether a slash at the end is all that differs.
        only_slash: bool,
        /// Where the document is.
        at: String,
    },
    /// The discovery document leaves something out that is needed, or names an address without TLS.
    #[error("the discovery document has no usable {0}")]
    Endpoint(&'static str),
    /// The provider refuses our id or secret.
    #[error("the provider refuses the client id or its secret{}; make a new secret and write its value into client_secret_file", code(*.0))]
    Client(Option<u32>),
    /// The provider refuses what we ask for.
    #[error("the provider refuses the request{}; look at the scopes, and at the redirect URI that is registered", code(*.0))]
    Request(Option<u32>),
    /// An administrator has to agree for everybody.
    #[error(
        "an administrator of the provider has to grant consent to the application for everybody"
    )]
    Consent,
    /// The provider answers without an identity.
    #[error("the provider sends no ID token; add `openid` to the scopes")]
    NoIdToken,
    /// The account has too many groups for a token.
    #[error(
        "the account is in too many groups for Entra to list them; use app roles: roles_claim = \"roles\" (docs/SIGN_IN.md)"
    )]
    TooManyGroups,
    /// The claim that names the account is missing.
    #[error("the token lacks the claim of subject_claim; at Entra add the scope `profile`")]
    NoSubject,
    /// The provider does not say when the person signed in.
    #[error(
        "the provider does not say when the person signed in, so that max_age_minutes cannot be kept"
    )]
    NoAuthTime,
}

fn slash(only: bool) -> &'static str {
    if only {
        " (only the slash at the end differs)"
    } else {
        ""
    }
}

fn code(number: Option<u32>) -> String {
    number
        .map(|number| format!(" (AADSTS{number})"))
        .unwrap_or_default()
}

/// Why an answer is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Distrust {
    /// The state is not that of this browser's sign-in.
    #[error("the state is not the one of this sign-in")]
    State,
    /// The answer names another issuer (RFC 9207), or none where it should.
    #[error("the answer is of another issuer")]
    AnswerIssuer,
    /// No token in its form.
    #[error("the token cannot be read")]
    Form,
    /// An algorithm that is not allowed, or not the key's.
    #[error("the token is signed by an algorithm that is not allowed")]
    Algorithm,
    /// No key of the provider's fits.
    #[error("the token is signed by a key that the provider does not publish")]
    Key,
    /// The signature is wrong.
    #[error("the token's signature is wrong")]
    Signature,
    /// Another issuer.
    #[error("the token is of another issuer")]
    Issuer,
    /// For somebody else.
    #[error("the token is for another application")]
    Audience,
    /// Made for another application's use.
    #[error("the token was given to another application")]
    AuthorizedParty,
    /// Past its time.
    #[error("the token is past its time; is the clock right?")]
    Expired,
    /// From the future, or from before the sign-in began.
    #[error("the token was not issued during this sign-in; is the clock right?")]
    IssuedAt,
    /// Not valid yet.
    #[error("the token is not valid yet; is the clock right?")]
    NotBefore,
    /// Another sign-in's.
    #[error("the token is of another sign-in")]
    Nonce,
    /// Not made with the access token that came along.
    #[error("the token does not belong to the access token that came with it")]
    AccessTokenHash,
}
