//! Connections: TLS where it is ours, deadlines, and an orderly end.
//!
//! # Invariants
//! A connection that sends no whole request head within its time is closed, and so is one whose TLS handshake takes too long; there are never more
//! than [`CONNECTIONS`] at a time, and more wait in the kernel. When the console is told to stop, requests under way end first.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

/// Connections at a time: fifty people with a few each, and programs.
pub const CONNECTIONS: usize = 512;

/// For a TLS handshake, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(10);

/// For requests under way when we are told to stop.
const DRAIN: Duration = Duration::from_secs(15);

/// What accepts the next TLS handshake; asked anew for each, since certificates are renewed.
pub type Acceptor = Arc<dyn Fn() -> TlsAcceptor + Send + Sync>;

/// Whose connection a request came by.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Serves until `stop` turns true.
pub async fn serve(
    listener: TcpListener,
    acceptor: Option<Acceptor>,
    router: Router,
    mut stop: watch::Receiver<bool>,
) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &room) => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let Some((stream, peer, place)) = accepted else {
            continue;
        };
        let (router, watcher) = (router.clone(), graceful.watcher());
        let acceptor = acceptor.as_ref().map(|acceptor| acceptor());
        tokio::spawn(async move {
            let _place = place;
            match acceptor {
                None => connection(stream, peer, router, watcher).await,
                Some(acceptor) => {
                    if let Ok(Ok(stream)) = timeout(PATIENCE, acceptor.accept(stream)).await {
                        connection(stream, peer, router, watcher).await;
                    }
                }
            }
        });
    }
    drop(listener);
    if timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("console: requests under way did not end in time");
    }
}

type Accepted = (
    tokio::net::TcpStream,
    SocketAddr,
    tokio::sync::OwnedSemaphorePermit,
);

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> Option<Accepted> {
    let place = Arc::clone(room).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            let _slower = stream.set_nodelay(true);
            Some((stream, peer, place))
        }
        Err(error) => {
            // No descriptors, or a connection that ended at once: others are served meanwhile.
            tracing::warn!(%error, "console: a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

async fn connection<S>(
    stream: S,
    peer: SocketAddr,
    router: Router,
    watcher: hyper_util::server::graceful::Watcher,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = router.map_request(move |request: Request<Incoming>| {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(Peer(peer));
        request
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    // A client that went away is no fault.
    let _ended = watcher.watch(served).await;
}
