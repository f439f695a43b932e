//! `serve`: runs the relay until it is told to stop; SIGHUP reloads, SIGTERM and SIGINT drain.

use std::io::{self, Write};

use tokio::signal::unix::{SignalKind, signal};

use crate::app::cli::ServeArgs;
use crate::app::config::{self, Config};
use crate::app::settings::SettingsError;
use crate::app::wiring::{self, Running, StartError};

/// Runs the relay of `config`. `args` are asked again on reload.
pub async fn run(config: Config, args: &ServeArgs) -> Result<(), StartError> {
    let running = wiring::start(config).await?;
    for address in &running.addresses {
        tracing::info!(%address, "accepting mail");
    }
    if let Some(address) = running.admin {
        tracing::info!(%address, "answering /livez, /readyz and /metrics");
    }
    if let Some(address) = running.console {
        tracing::info!(%address, "serving the console");
    }
    announce_ready();
    wait(&running, || {
        config::load(args.rules.config.as_deref()).and_then(|fresh| fresh.with_serve(args))
    })
    .await?;
    tracing::info!("draining");
    running.stop().await;
    Ok(())
}

/// The one line on standard output: whoever started us may send mail now.
fn announce_ready() {
    let mut out = io::stdout().lock();
    // A parent that closed our output does not want to know.
    let _closed = writeln!(out, "ready").and_then(|()| out.flush());
}

/// Returns at the first SIGTERM or SIGINT; reloads at every SIGHUP before it.
pub async fn wait(
    running: &Running,
    fresh: impl Fn() -> Result<Config, SettingsError>,
) -> Result<(), StartError> {
    let handle = |kind| {
        signal(kind).map_err(|source| StartError::Machine {
            what: "signals".to_owned(),
            source,
        })
    };
    let (mut terminate, mut interrupt, mut hangup) = (
        handle(SignalKind::terminate())?,
        handle(SignalKind::interrupt())?,
        handle(SignalKind::hangup())?,
    );
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = hangup.recv() => match fresh() {
                Ok(config) => running.reload(config).await,
                Err(error) => tracing::error!(%error, "reload: the configuration stays as it was"),
            },
        }
    }
}
