//! How envelopes are written inside sealed records.
//!
//! # Invariants
//! What is read back equals what was written: raw paths and parameters are kept as text, the mailbox is parsed again.

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use crate::mail::{Address, Envelope, ForwardPath, Recipient, ReversePath};

/// An envelope in its stored form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredEnvelope {
    from: StoredPath,
    from_params: String,
    rcpts: Vec<StoredRcpt>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredPath {
    raw: String,
    mailbox: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredRcpt {
    path: StoredPath,
    params: String,
}

impl StoredEnvelope {
    pub(crate) fn of(envelope: &Envelope) -> Self {
        let path = |raw: &str, mailbox: Option<&Address>| StoredPath {
            raw: raw.to_owned(),
            mailbox: mailbox.map(|address| address.as_str().to_owned()),
        };
        Self {
            from: path(envelope.mail_from.raw(), envelope.mail_from.address()),
            from_params: envelope.mail_params.clone(),
            rcpts: envelope
                .rcpts
                .iter()
                .map(|rcpt| StoredRcpt {
                    path: path(rcpt.path.raw(), rcpt.address()),
                    params: rcpt.params.clone(),
                })
                .collect(),
        }
    }

    pub(crate) fn rcpts(&self) -> usize {
        self.rcpts.len()
    }

    pub(crate) fn into_envelope(self) -> Result<Envelope, StoreError> {
        let mailbox = |text: Option<String>| {
            text.map(|text| Address::parse(&text))
                .transpose()
                .map_err(|_| StoreError::Corrupt("address in an envelope"))
        };
        let mut rcpts = Vec::with_capacity(self.rcpts.len());
        for rcpt in self.rcpts {
            rcpts.push(Recipient {
                path: ForwardPath::new(rcpt.path.raw, mailbox(rcpt.path.mailbox)?),
                params: rcpt.params,
            });
        }
        Ok(Envelope {
            mail_from: ReversePath::new(self.from.raw, mailbox(self.from.mailbox)?),
            mail_params: self.from_params,
            rcpts,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_come_back_as_they_were() {
        let address = Address::parse("\"a b\"@trust.example").unwrap();
        let mut envelope = Envelope::of(
            None,
            [address.clone(), Address::parse("x@y.example").unwrap()],
        );
        envelope.mail_params = "SIZE=10 BODY=8BITMIME".into();
        envelope.rcpts[0].path =
            ForwardPath::new("<@relay.example:\"a b\"@trust.example>", Some(address));
        envelope.rcpts[0].params = "NOTIFY=NEVER".into();
        envelope.rcpts.push(Recipient {
            path: ForwardPath::new("<Postmaster>", None),
            params: String::new(),
        });
        let stored = serde_json::to_string(&StoredEnvelope::of(&envelope)).unwrap();
        let back: StoredEnvelope = serde_json::from_str(&stored).unwrap();
        assert_eq!(back.into_envelope().unwrap(), envelope);
    }
}
