//! What happens before the banner: whose connection it is, whether that client may come in, and whether it waits for us.
//!
//! # Standards
//! RFC 5321 3.1 (554 or 421 instead of 220; the client waits for the banner).

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::net::access::{Admission, ClientRule};
use crate::net::inbound::Inbound;
use crate::net::poll::poll_once;
use crate::net::proxy;
use crate::net::quota::Slot;
use crate::net::stream::Stream;
use crate::smtp::reply::{EnhancedCode, Reply};

/// The client's address: the peer's, or behind a listed load balancer the one its header names.
pub(super) async fn client_address(
    inbound: &Inbound,
    stream: &mut TcpStream,
    peer: IpAddr,
) -> Option<IpAddr> {
    if !inbound.access.load().is_proxy(peer) {
        return Some(peer);
    }
    let limit = Duration::from_secs(inbound.config.proxy_seconds);
    match timeout(limit, proxy::read_header(stream)).await {
        Ok(Ok(Some(client))) => Some(client.ip().to_canonical()),
        // The balancer's own health check counts as what it is: its own connection.
        Ok(Ok(None)) => Some(peer),
        Ok(Err(_)) | Err(_) => None,
    }
}

/// Asks the access rules and the quotas; a client that is turned away is told why.
pub(super) async fn admit(
    inbound: &Inbound,
    stream: TcpStream,
    ip: IpAddr,
) -> Option<(TcpStream, Option<Arc<ClientRule>>, Slot)> {
    let admission = inbound.access.load().admit(ip, &[]);
    let rule = match admission {
        Admission::Permitted(rule) => Some(rule),
        Admission::NeedsCertificate if inbound.tls.is_some() => None,
        Admission::NeedsCertificate | Admission::Refused => {
            tracing::info!(%ip, "client refused: no rule names it");
            turn_away(inbound, stream, &Admission::refused()).await;
            return None;
        }
    };
    let limit = match rule.as_ref().map_or(0, |rule| rule.sessions) {
        0 => inbound.config.sessions_per_client,
        limit => limit,
    };
    let Some(slot) = inbound.quotas.enter(ip, limit, Instant::now()) else {
        tracing::info!(%ip, "session refused: too many sessions of this client");
        let text = "too many sessions from your address, try again later";
        turn_away(
            inbound,
            stream,
            &Reply::new(421, EnhancedCode(4, 3, 2), text),
        )
        .await;
        return None;
    };
    if !inbound.config.implicit_tls && talks_first(inbound, &stream).await {
        tracing::info!(%ip, "client refused: input before the banner");
        let text = "input was sent before the banner";
        turn_away(
            inbound,
            stream,
            &Reply::new(554, EnhancedCode(5, 5, 0), text),
        )
        .await;
        return None;
    }
    Some((stream, rule, slot))
}

/// Whether the client sends something before the server has spoken (RFC 5321 3.1), as spam programs do.
async fn talks_first(inbound: &Inbound, stream: &TcpStream) -> bool {
    let delay = Duration::from_millis(inbound.config.banner_delay_ms);
    let mut octet = [0];
    if delay.is_zero() {
        // A timer of nothing still waits for the runtime's next tick of a millisecond.
        return poll_once(stream.peek(&mut octet))
            .await
            .is_some_and(|peeked| matches!(peeked, Ok(1)));
    }
    matches!(timeout(delay, stream.peek(&mut octet)).await, Ok(Ok(1)))
}

async fn turn_away(inbound: &Inbound, stream: TcpStream, reply: &Reply) {
    if inbound.config.implicit_tls {
        return;
    }
    let mut output = Vec::new();
    reply.write_to(&mut output);
    let mut stream = Stream::Plain(stream);
    if let Ok(Ok(())) = timeout(Duration::from_secs(5), stream.write(&output)).await {
        stream.linger().await;
    }
}
