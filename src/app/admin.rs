//! The operator's listener: `/livez`, `/readyz` and `/metrics`, apart from mail and bound to loopback by default.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::relay::next_hop::BoxFuture;

/// What readiness asks: each check by name with its answer.
pub type Readiness = Arc<dyn Fn() -> BoxFuture<'static, Vec<(&'static str, bool)>> + Send + Sync>;

#[derive(Clone)]
struct Shared {
    metrics: Option<PrometheusHandle>,
    readiness: Readiness,
}

/// Answers until `stop` turns true.
pub async fn serve(
    listener: TcpListener,
    metrics: Option<PrometheusHandle>,
    readiness: Readiness,
    mut stop: watch::Receiver<bool>,
) {
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(render))
        .with_state(Shared { metrics, readiness });
    let stopped = async move {
        let _sender_gone = stop.wait_for(|stop| *stop).await;
    };
    if let Err(error) = axum::serve(listener, router)
        .with_graceful_shutdown(stopped)
        .await
    {
        tracing::error!(%error, "admin listener failed");
    }
}

async fn readyz(State(shared): State<Shared>) -> impl IntoResponse {
    let checks = (shared.readiness)().await;
    let ready = checks.iter().all(|(_, passed)| *passed);
    let mut lines = String::new();
    for (name, passed) in &checks {
        lines.push_str(name);
        lines.push_str(if *passed { " ok\n" } else { " failing\n" });
    }
    (
        if ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        },
        lines,
    )
}

async fn render(State(shared): State<Shared>) -> impl IntoResponse {
    let text = shared
        .metrics
        .as_ref()
        .map(PrometheusHandle::render)
        .unwrap_or_default();
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
}
