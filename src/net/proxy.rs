//! The PROXY header that a listed load balancer sends before anything else: whose connection it passes on.
//!
//! # Invariants
//! Exactly the header is read, not one octet more, so TLS or SMTP may follow in the same segment. Size is bounded by
//! [`MAX_HEADER`]; the caller bounds the time.
//!
//! # Standards
//! The PROXY protocol, versions 1 and 2 (<https://www.haproxy.org/download/2.8/doc/proxy-protocol.txt>).

use std::net::SocketAddr;

use proxy_header::{ParseConfig, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest header taken: the specification has 107 octets for version 1; 16 and the addresses for version 2, to which
/// balancers add TLVs of a few hundred octets.
pub const MAX_HEADER: usize = 2048;

/// Why there is no client address.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The connection broke.
    #[error("connection broke within the proxy header")]
    Io(#[from] std::io::Error),
    /// What came is no header, or a longer one than allowed.
    #[error("no valid proxy header")]
    Malformed,
}

/// Reads the header: the client's address, or `None` for the balancer's own connection (a health check).
pub async fn read_header(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Option<SocketAddr>, ProxyError> {
    // `PROXY ` or the first octets of version 2's signature; the shortest header, `PROXY UNKNOWN`, has 15.
    let mut header = vec![0; 12];
    stream.read_exact(&mut header).await?;
    if header.starts_with(b"PROXY ") {
        while !header.ends_with(b"\r\n") {
            if header.len() >= 107 {
                return Err(ProxyError::Malformed);
            }
            header.push(stream.read_u8().await?);
        }
    } else {
        let mut rest = [0; 4];
        stream.read_exact(&mut rest).await?;
        header.extend_from_slice(&rest);
        let length = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        if !header.starts_with(b"\r\n\r\n\0\r\nQUIT\n") || length > MAX_HEADER {
            return Err(ProxyError::Malformed);
        }
        header.resize(16 + length, 0);
        stream.read_exact(&mut header[16..]).await?;
    }
    let config = ParseConfig {
        include_tlvs: false,
        ..ParseConfig::default()
    };
    match ProxyHeader::parse(&header, config) {
        Ok((found, used)) if used == header.len() => {
            Ok(found.proxied_address().map(|address| address.source))
        }
        _ => Err(ProxyError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(input: &[u8]) -> (Result<Option<SocketAddr>, ProxyError>, usize) {
        let mut rest = input;
        let found = read_header(&mut rest).await;
        (found, rest.len())
    }

    #[tokio::test]
    async fn both_versions_name_the_client_and_leave_the_rest() {
        let client: SocketAddr = "192.0.2.9:1234".parse().unwrap();
        let (found, rest) = read(b"PROXY TCP4 192.0.2.9 198.51.100.1 1234 25\r\nEHLO x\r\n").await;
        assert_eq!((found.unwrap(), rest), (Some(client), 8));
        let mut version2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".to_vec();
        version2.extend_from_slice(&[192, 0, 2, 9, 198, 51, 100, 1, 4, 210, 0, 25]);
        version2.extend_from_slice(b"\x16\x03\x01");
        let (found, rest) = read(&version2).await;
        assert_eq!((found.unwrap(), rest), (Some(client), 3));
        let (found, _) = read(b"PROXY TCP6 2001:db8::1 2001:db8::2 1 25\r\n").await;
        assert_eq!(found.unwrap(), Some("[2001:db8::1]:1".parse().unwrap()));
        let (found, _) = read(b"PROXY UNKNOWN\r\n").await;
        assert_eq!(found.unwrap(), None);
    }

    #[tokio::test]
    async fn everything_else_is_refused() {
        let long = [&b"PROXY TCP4 "[..], &[b'1'; 200]].concat();
        for input in [
            &b"EHLO client.example\r\n"[..],
            b"PROXY TCP4 192.0.2.9\r\n",
            b"PROXY TCP4 x y 1 2\r\n",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
            b"\r\n\r\n\0\r\nQUIT\n\x91\x11\x00\x0c............",
            b"PROXY",
            &long,
        ] {
            assert!(read(input).await.0.is_err(), "{input:?}");
        }
    }
}
