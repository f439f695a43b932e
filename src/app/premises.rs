//! The console in this program: its parts, put together.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use crate::app::config::Config;
use crate::app::letters;
use crate::app::program::Program;
use crate::app::tools;
use crate::app::wiring::StartError;
use crate::console::sign_in::oidc::{self, Oidc, OidcConfig};
use crate::console::{Parts, Site};
use crate::net::tls_server::TlsServer;
use crate::pipeline::way::Pipeline;
use crate::quarantine::desk::Desk;
use crate::relay::NextHop;
use crate::store::Custody;
use crate::worker;

/// The console of this configuration at this address, and the certificate it answers with.
pub fn site(
    (config, address): (&Config, SocketAddr),
    store: &Custody,
    pipeline: &Pipeline,
    (next_hop, readers): (Arc<dyn NextHop>, &Arc<worker::Pool>),
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
        config: config.clone(),
        store: store.clone(),
        pipeline: pipeline.clone(),
        next_hop,
        readers: Arc::clone(readers),
        catalogue: Mutex::default(),
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
