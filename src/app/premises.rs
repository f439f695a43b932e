//! The console in this program: its parts, and what it asks of us.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::app::config::Config;
use crate::app::letters;
use crate::app::tools;
use crate::app::wiring::StartError;
use crate::console::sign_in::oidc::{self, Oidc, OidcConfig};
use crate::console::{Check, Parts, Premises, Site};
use crate::net::tls_server::TlsServer;
use crate::pipeline::way::Pipeline;
use crate::quarantine::desk::Desk;
use crate::relay::NextHop;
use crate::store::Custody;

/// How long a next hop may take to say what it offers.
const PATIENCE: Duration = Duration::from_secs(5);

/// The console of this configuration at this address, and the certificate it answers with.
pub fn site(
    (config, address): (&Config, SocketAddr),
    store: &Custody,
    pipeline: &Pipeline,
    next_hop: Arc<dyn NextHop>,
) -> Result<(Site, Option<Arc<TlsServer>>), StartError> {
    let settings = |error: &dyn std::fmt::Display| StartError::Settings(error.to_string());
    let console = &config.console;
    let mut own = console.site.clone();
    if own.url.is_empty() && address.ip().is_loopback() && console.tls.is_none() {
        own.url = format!("http://{address}");
    }
    if !address.ip().is_loopback()
        && console.tls.is_none()
        && console.site.trusted_proxies.is_empty()
    {
        return Err(StartError::Settings(
            "console.address: found an address that others can reach, without TLS; allowed: a loopback address, or any with [console.tls], or \
             one behind a proxy named in console.site.trusted_proxies; passwords would cross the network in clear"
                .to_owned(),
        ));
    }
    let tls = console.tls.clone().map(TlsServer::load).transpose();
    let tls = tls.map_err(|error| settings(&error))?.map(Arc::new);
    let senders = tools::senders(&config.trust).map_err(|error| settings(&error))?;
    let time_zone = tools::zone(&config.trust).map_err(|error| settings(&error))?;
    let origin = own.origin().map_err(|error| settings(&error))?;
    let provider = |provider: &OidcConfig| {
        let back = oidc::redirect_uri(&origin.text, &provider.id);
        Oidc::new(provider.clone(), &back)
    };
    let providers = console.oidc.iter().map(provider);
    let providers: Vec<Oidc> = providers
        .collect::<Result<_, _>>()
        .map_err(|error| settings(&error))?;
    let desk = Desk::new(store.clone(), letters::refusals(config)).within(config.limits.clone());
    let premises = Program {
        store: store.clone(),
        next_hop,
    };
    let parts = Parts {
        config: own,
        store: store.clone(),
        desk,
        pipeline: pipeline.clone(),
        senders,
        providers,
        time_zone,
        premises: Arc::new(premises),
    };
    let site = Site::new(parts).map_err(|error| settings(&error))?;
    Ok((site, tls))
}

/// This program, as the console sees it.
struct Program {
    store: Custody,
    next_hop: Arc<dyn NextHop>,
}

#[async_trait]
impl Premises for Program {
    async fn health(&self) -> Vec<Check> {
        let offered = tokio::time::timeout(PATIENCE, self.next_hop.offer()).await;
        let check = |name, good| Check {
            name,
            good,
            detail: String::new(),
        };
        vec![
            check("store", self.store.probe().await.is_ok()),
            check("next-hop", offered.is_ok_and(|offer| offer.is_some())),
        ]
    }
}
