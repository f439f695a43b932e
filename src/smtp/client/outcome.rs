//! What the answers to MAIL and RCPT mean for the transaction, and replies in the form they are handed upstream.
//!
//! # Invariants
//! Content is sent only when [`decide`] says so; with [`Mixed::AllOrDefer`] it never says so while any recipient was
//! deferred, so that the upstream's retry makes no duplicate.
//!
//! # Standards
//! RFC 5321 4.2.1 (classes), 3.8 (421 belongs to the connection), 4.5.3.1.10 (552 at RCPT means 452).

use crate::smtp::reply::{EnhancedCode, Reply};

/// What to do when the next hop takes some recipients and not others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mixed {
    /// Some 5xx: send to the rest. Any 4xx: send to nobody.
    AllOrDefer,
    /// Send to whoever is accepted.
    Each,
}

/// What became of a transaction. Indexes count the envelope's recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server answered 250 after the last byte.
    Accepted {
        /// That answer.
        reply: Reply,
        /// Recipients refused or deferred before the content.
        refused: Vec<(usize, Reply)>,
    },
    /// Nobody got the message.
    Failed {
        /// The answer that decided.
        reply: Reply,
        /// Answers to single recipients that were not accepted.
        refused: Vec<(usize, Reply)>,
    },
    /// All content went out and no valid answer came.
    Unknown {
        /// The 4xx to give upstream.
        reply: Reply,
    },
}

/// Replies to recipients that were not accepted, by index.
pub(super) type Refused = Vec<(usize, Reply)>;

/// Whether to send the content, from the replies to every RCPT.
pub(super) fn decide(rcpts: &[Reply], mixed: Mixed) -> Result<Refused, (Reply, Refused)> {
    let refused: Refused = rcpts
        .iter()
        .enumerate()
        .filter(|(_, reply)| !reply.is_positive())
        .map(|(index, reply)| (index, handed_up(reply.clone())))
        .collect();
    let deferral = refused
        .iter()
        .map(|(_, reply)| reply)
        .find(|reply| reply.is_transient());
    let nobody = refused.len() == rcpts.len();
    let deciding = match (deferral, mixed) {
        (Some(reply), Mixed::AllOrDefer) => Some(reply.clone()),
        (Some(reply), Mixed::Each) if nobody => Some(reply.clone()),
        (None, _) if nobody => refused
            .iter()
            .map(|(_, reply)| reply)
            .min_by_key(|reply| telling(reply))
            .cloned(),
        _ => None,
    };
    match deciding {
        Some(reply) => Err((reply, refused)),
        None if nobody => Err((
            ours(451, EnhancedCode(4, 5, 0), "transaction has no recipients"),
            refused,
        )),
        None => Ok(refused),
    }
}

/// Rank of a refusal when all were refused and one reply must stand for them: policy says most, then the mailbox's
/// state, then its existence, then anything with an enhanced code.
fn telling(reply: &Reply) -> u8 {
    match reply.enhanced {
        Some(EnhancedCode(_, 7, _)) => 0,
        Some(EnhancedCode(_, 2, _)) => 1,
        Some(EnhancedCode(_, 1, _)) => 2,
        Some(_) => 3,
        None => 4,
    }
}

/// 421 would tell upstream that we close; 552 without a mailbox or size code is how old servers say too many recipients.
pub(super) fn handed_up(mut reply: Reply) -> Reply {
    if reply.code == 421 {
        reply.code = 451;
    }
    reply
}

/// A reply to RCPT, with 552 for too many recipients read as the 452 it means.
pub(super) fn rcpt_reply(mut reply: Reply) -> Reply {
    if reply.code == 552 && matches!(reply.enhanced, None | Some(EnhancedCode(5, 5, 3))) {
        reply.code = 452;
        reply.enhanced = Some(EnhancedCode(4, 5, 3));
    }
    reply
}

/// A reply in Beadle's own words.
pub(super) fn ours(code: u16, enhanced: EnhancedCode, text: &str) -> Reply {
    Reply::new(code, enhanced, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replies(codes: &[(u16, u16)]) -> Vec<Reply> {
        codes
            .iter()
            .map(|(code, subject)| {
                Reply::new(
                    *code,
                    EnhancedCode((code / 100) as u8, *subject, 1),
                    code.to_string(),
                )
            })
            .collect()
    }

    /// Code and subject of each answer; recipients refused or the deciding code, for each way with mixed answers.
    type Case = (
        &'static [(u16, u16)],
        Result<usize, u16>,
        Result<usize, u16>,
    );

    #[test]
    fn the_table_of_mixed_answers() {
        const OK: (u16, u16) = (250, 1);
        const GONE: (u16, u16) = (550, 1);
        const POLICY: (u16, u16) = (554, 7);
        const LATER: (u16, u16) = (450, 2);
        let cases: &[Case] = &[
            (&[OK, OK], Ok(0), Ok(0)),
            (&[OK, GONE], Ok(1), Ok(1)),
            (&[OK, LATER], Err(450), Ok(1)),
            (&[OK, GONE, LATER], Err(450), Ok(2)),
            (&[GONE, LATER], Err(450), Err(450)),
            (&[GONE, POLICY], Err(554), Err(554)),
            (&[GONE], Err(550), Err(550)),
            (&[LATER], Err(450), Err(450)),
            (&[], Err(451), Err(451)),
        ];
        for (codes, all, each) in cases {
            let said = |mixed| match decide(&replies(codes), mixed) {
                Ok(refused) => Ok(refused.len()),
                Err((reply, _)) => Err(reply.code),
            };
            assert_eq!(
                (said(Mixed::AllOrDefer), said(Mixed::Each)),
                (*all, *each),
                "{codes:?}"
            );
        }
    }

    #[test]
    fn old_codes_mean_what_they_meant() {
        assert_eq!(rcpt_reply(Reply::plain(552, "too many")).code, 452);
        let full = Reply::new(552, EnhancedCode(5, 2, 2), "mailbox full");
        assert_eq!(rcpt_reply(full).code, 552);
        assert_eq!(handed_up(Reply::plain(421, "bye")).code, 451);
    }
}
