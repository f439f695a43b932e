//! Where a request comes from: which page sent a form, and which address a client has.
//!
//! # Invariants
//! A form is ours when the browser says it was sent by a page of ours: `Sec-Fetch-Site` is `same-origin`, or (browsers that do not send
//! it) `Origin` is ours. A request that says neither is no browser's form. The client's address is the peer's, or the last one in
//! `X-Forwarded-For` that no trusted proxy of ours wrote for another proxy: never the first, which anybody can write.
//!
//! # Standards
//! Fetch Metadata (<https://www.w3.org/TR/fetch-metadata/>), RFC 6454.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, header};

use super::refusal::Refusal;
use super::site::Site;

/// Refuses a form that a page of somebody else's sent.
pub fn is_ours(site: &Site, headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let fetched = text("sec-fetch-site");
    let origin = text(header::ORIGIN.as_str());
    let same = origin.map(|origin| origin.eq_ignore_ascii_case(&site.origin().text));
    let ours = match (fetched, same) {
        (Some("same-origin"), same) => same.unwrap_or(true),
        (Some(_), _) => false,
        (None, same) => same.unwrap_or(false),
    };
    if ours { Ok(()) } else { Err(Refusal::Foreign) }
}

/// The path of the page of ours that a form was sent from, as the browser says.
pub fn path_of_referer(site: &Site, headers: &HeaderMap) -> Option<String> {
    let referer = headers.get(header::REFERER)?.to_str().ok()?;
    let (origin, rest) = referer.split_at_checked(site.origin().text.len())?;
    let path = rest.split(['?', '#']).next()?;
    let ours = origin.eq_ignore_ascii_case(&site.origin().text) && path.starts_with('/');
    ours.then(|| path.to_owned())
}

/// The client's address.
pub fn client(site: &Site, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let trusted = |ip: &IpAddr| site.proxies().iter().any(|network| network.contains(ip));
    let peer = peer.to_canonical();
    if !trusted(&peer) {
        return peer;
    }
    let lines = headers.get_all("x-forwarded-for").iter();
    let named: Vec<IpAddr> = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        // What is no address ends what can be believed before it.
        .map(|text| {
            text.trim()
                .parse::<IpAddr>()
                .ok()
                .map(|ip| ip.to_canonical())
        })
        .rev()
        .map_while(|ip| ip)
        .collect();
    let nearest = named.iter().find(|ip| !trusted(ip)).or(named.last());
    nearest.copied().unwrap_or(peer)
}

/// What limits count by: an address, of IPv6 the network of 64 bits that one customer has.
pub fn counted(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(long) => {
            let network = long.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
    }
}
