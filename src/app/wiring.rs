//! Putting the relay together: store, next hop, pipeline, listeners, queue, and the tasks beside them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::admin::{self, Readiness};
use crate::app::admission;
use crate::app::checkpoints::{Checkpoints, Places};
use crate::app::compiled;
use crate::app::config::{Config, Textless};
use crate::app::keys;
use crate::app::letters;
use crate::app::premises;
use crate::app::record;
use crate::app::reports::{self, Schedule};
use crate::app::telemetry;
use crate::app::tools;
use crate::app::upkeep;
use crate::console;
use crate::net::access::Access;
use crate::net::inbound::{self, Inbound};
use crate::net::outbound::SmtpNextHop;
use crate::net::tls_server::TlsServer;
use crate::pipeline::Accept;
use crate::pipeline::judge::Tools;
use crate::pipeline::keeping::Keeper;
use crate::pipeline::notices;
use crate::pipeline::way::{Pipeline, Settings};
use crate::policy::{Policy, Senders};
use crate::relay::dsn;
use crate::relay::queue::{self, Compose, Queue, ReturnKind, ReturnRequest};
use crate::relay::trace;
use crate::relay::{Maildir, NextHop};
use crate::store::{self, Claim, Custody, MasterKeys};
use crate::worker;

/// Why the relay cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is missing or wrong; the text says what to change.
    #[error("{0}")]
    Settings(String),
    /// The machine is in the way: a port in use, a folder that cannot be written.
    #[error("{what}: {source}")]
    Machine {
        /// What was tried.
        what: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store cannot be opened.
    #[error("store in `{path}`: {source}")]
    Store {
        /// The data folder.
        path: PathBuf,
        /// Why.
        source: store::StoreError,
    },
}

fn settings(error: &dyn std::fmt::Display) -> StartError {
    StartError::Settings(error.to_string())
}

/// A relay that runs.
pub struct Running {
    /// Where it accepts mail.
    pub addresses: Vec<SocketAddr>,
    /// Where it answers its operator.
    pub admin: Option<SocketAddr>,
    /// Where its pages are.
    pub console: Option<SocketAddr>,
    /// Its store.
    pub store: Custody,
    config: Config,
    pipeline: Pipeline,
    keeper: Option<Keeper>,
    checkpoints: Checkpoints,
    listeners: Vec<(Arc<Inbound>, Option<Arc<TlsServer>>)>,
    console_tls: Option<Arc<TlsServer>>,
    reader: Arc<worker::Pool>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    /// No other process serves from this folder while we do.
    _claim: Claim,
}

/// Opens the store of this configuration. `check` has the database file checked, which a command beside a running relay need not do.
pub async fn open_store(config: &Config, check: bool) -> Result<Custody, StartError> {
    let failed = |source| StartError::Store {
        path: config.server.data_dir.clone(),
        source,
    };
    let master = master_keys(config).await?;
    Custody::open(store_settings(config, check), master)
        .await
        .map_err(failed)
}

/// The master keys of this configuration.
pub async fn master_keys(config: &Config) -> Result<MasterKeys, StartError> {
    let source = keys::source(config).map_err(StartError::Settings)?;
    opened_keys(config, source).await
}

async fn opened_keys(config: &Config, source: store::KeySource) -> Result<MasterKeys, StartError> {
    // Reading may take as long as a program takes.
    tokio::task::spawn_blocking(move || MasterKeys::open(source))
        .await
        .unwrap_or_else(|_| Err(store::StoreError::Unavailable("a task ended".to_owned())))
        .map_err(|source| StartError::Store {
            path: config.server.data_dir.clone(),
            source,
        })
}

/// The master keys of this configuration, none of which is made here: a backup needs those that it was taken with.
pub async fn brought_keys(config: &Config) -> Result<MasterKeys, StartError> {
    let mut source = keys::source(config).map_err(StartError::Settings)?;
    if let store::KeySource::File { create, .. } = &mut source {
        *create = false;
    }
    opened_keys(config, source).await
}

/// How the store of this configuration is kept.
pub fn store_settings(config: &Config, check: bool) -> store::Config {
    const DAY: u64 = 24 * 3600;
    store::Config {
        ticket: Duration::from_secs(u64::from(config.store.ticket_days) * DAY),
        facts: Duration::from_secs(u64::from(config.store.facts_days) * DAY),
        database: config.store.database.clone(),
        blobs: config.store.blobs.clone(),
        check,
        ..store::Config::new(config.server.data_dir.clone())
    }
}

/// The next hop of this configuration.
pub fn next_hop(config: &Config) -> Result<Arc<dyn NextHop>, StartError> {
    if let Some(folder) = &config.server.maildir {
        let opened = Maildir::open(folder.clone());
        return opened
            .map(|maildir| Arc::new(maildir) as Arc<dyn NextHop>)
            .map_err(|source| StartError::Machine {
                what: format!("Maildir `{}`", folder.display()),
                source,
            });
    }
    if config.outbound.hops.is_empty() {
        return Err(StartError::Settings(
            "outbound.hops: found none; allowed: one or more [[outbound.hops]] with host and port; set it, or use --next-hop HOST:PORT \
             (maildir:DIR to try things out)"
                .to_owned(),
        ));
    }
    Ok(Arc::new(
        SmtpNextHop::new(&config.outbound).map_err(|error| settings(&error))?,
    ))
}

/// The pool of child processes that read attachments; `processes` stands in for an unset number.
pub fn workers(config: &Config, processes: usize) -> Result<worker::Pool, StartError> {
    let own = worker::PoolConfig::own_program();
    let mut pool = own.map_err(|source| StartError::Machine {
        what: "own program".to_owned(),
        source,
    })?;
    match (config.worker.processes, processes) {
        (0, 0) => {}
        (0, processes) | (processes, _) => pool.size = processes,
    }
    pool.wall = Duration::from_secs(config.worker.file_seconds);
    let size = pool.size;
    let pool = worker::Pool::new(pool);
    let tesseract = config.extract.tesseract().map_err(StartError::Settings)?;
    let Some(tesseract) = tesseract else {
        return Ok(pool);
    };
    let ocr = worker::OcrConfig::own_program(tesseract).map_err(|source| StartError::Machine {
        what: "own program".to_owned(),
        source,
    })?;
    Ok(pool.with_ocr(worker::OcrConfig {
        size,
        textless_is_read: config.extract.textless_pictures == Textless::Read,
        ..ocr
    }))
}

/// Starts everything; the relay accepts mail when this returns.
pub async fn start(config: Config) -> Result<Running, StartError> {
    // Its state takes some 16 KiB, which no caller's should.
    Box::pin(begin(config)).await
}

async fn begin(config: Config) -> Result<Running, StartError> {
    // First of all: what is measured before it starts is lost.
    let metrics = telemetry::start_metrics();
    let config = config.completed();
    check_trust(&config)?;
    let access = Access::new(&config.access)
        .map_err(|error| StartError::Settings(format!("access.{error}")))?;
    let senders = tools::senders(&config.trust).map_err(|error| settings(&error))?;
    let schedule = Schedule::of(&config).map_err(StartError::Settings)?;
    let next_hop = next_hop(&config)?;
    let (store, claim) = claimed(&config).await?;
    let reader = Arc::new(workers(&config, 0)?);
    let shared: Arc<dyn crate::extract::Reader> = reader.clone();
    let kept = config.server.data_dir.join(compiled::FILE);
    let read = tools::read_policy(&config.trust).map_err(|error| settings(&error))?;
    let (secret, policy) = (store.subkey("findings"), read.policy.clone());
    let tools = tools::build_with(&config, policy, secret, shared, Some(&kept))
        .map_err(|error| settings(&error))?;
    admission::admit(&store, &config.trust.policy, &read).await?;
    store.set_retention(read.policy.governance.retention.clone());
    note_roster(&tools);
    let checkpoints = recorded(&store, &config, &tools).await?;
    let limits = Arc::new(config.limits.clone());
    let returns = returns(&config);
    let pipeline = Pipeline::new(
        pipeline_settings(&config),
        Arc::clone(&limits),
        tools,
        store.clone(),
        Arc::clone(&next_hop),
        Arc::clone(&returns),
    );
    pipeline.recall_habits().await;
    pipeline.swap_senders(senders.clone());
    pipeline.swap_notices(letters::notices(&config, &store).map_err(|error| settings(&error))?);
    let keeper = (config.store.facts_days > 0).then(|| Keeper::start(store.clone()));
    if let Some(keeper) = &keeper {
        pipeline.keep_facts_with(keeper.clone());
    }
    let (stop, stopped) = watch::channel(false);
    let mut running = Running {
        addresses: Vec::new(),
        admin: None,
        console: None,
        store: store.clone(),
        config,
        pipeline,
        keeper,
        checkpoints: checkpoints.clone(),
        listeners: Vec::new(),
        console_tls: None,
        reader,
        stop,
        tasks: JoinSet::new(),
        _claim: claim,
    };
    running.listen(&access, &limits, &stopped).await?;
    running
        .listen_admin(metrics, Arc::clone(&next_hop), &stopped)
        .await?;
    running
        .listen_console(Arc::clone(&next_hop), &stopped)
        .await?;
    running.deliver(next_hop, returns, &stopped);
    let habits = keep_habits(running.pipeline.clone(), stopped.clone());
    running.tasks.spawn(habits);
    let told = notices::run(running.pipeline.clone(), stopped.clone());
    running.tasks.spawn(told);
    running.send_reports(schedule, senders, &stopped);
    running.tasks.spawn(checkpoints.run(stopped.clone()));
    running.tasks.spawn(upkeep::run(store, stopped));
    Ok(running)
}

/// The store, claimed for this process, with its keys noted.
async fn claimed(config: &Config) -> Result<(Custody, Claim), StartError> {
    let store = open_store(config, true).await?;
    if store.is_shared() && config.store.blobs.url.is_empty() {
        tracing::error!(
            "ALARM: the database may be shared and messages are kept in a folder of this machine (store.blobs.url is empty): \
             another node could neither release nor purge what is held here; set store.blobs.url where there are several"
        );
    }
    let claim = store.claim().map_err(|source| StartError::Store {
        path: config.server.data_dir.clone(),
        source,
    })?;
    if let Err(error) = store.note_keys("system", SystemTime::now()).await {
        // A store that cannot be written to now says so in `readyz`; mail gets 451.
        tracing::error!(%error, "the master keys could not be noted in the ledger");
    }
    Ok((store, claim))
}

/// Notes in the ledger that we start and with what, and gives who signs it.
async fn recorded(
    store: &Custody,
    config: &Config,
    tools: &Tools,
) -> Result<Checkpoints, StartError> {
    let failed = |source| StartError::Store {
        path: config.server.data_dir.clone(),
        source,
    };
    let (now, node) = (SystemTime::now(), &config.server.name);
    let places = Places::of(config).map_err(StartError::Settings)?;
    let checkpoints = Checkpoints::open(store, places, now).await;
    let checkpoints = checkpoints.map_err(failed)?;
    let started = record::started(store, node, now).await;
    started.map_err(failed)?;
    note_in_force(store, config, tools).await.map_err(failed)?;
    Ok(checkpoints)
}

/// Notes in the ledger what messages are judged with from now on.
async fn note_in_force(
    store: &Custody,
    config: &Config,
    tools: &Tools,
) -> Result<(), store::StoreError> {
    let index = config.server.data_dir.join(compiled::FILE);
    let people = (tools.engine.person_count(), index.as_path());
    record::in_force(store, config, people, SystemTime::now()).await
}

/// Without domains nothing can be judged; without a roster much cannot be found.
fn check_trust(config: &Config) -> Result<(), StartError> {
    if config.trust.internal_domains.is_empty() {
        return Err(StartError::Settings(
            "trust.internal_domains: found none; allowed: the domains of the trust; set it, or use --internal-domain D".to_owned(),
        ));
    }
    if config.trust.roster.is_empty() {
        tracing::error!(
            "ALARM: no roster is configured (trust.roster, --roster): pupils' names cannot be found in any message"
        );
    }
    Ok(())
}

fn pipeline_settings(config: &Config) -> Settings {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    Settings {
        identity: trace::Identity {
            host: config.server.name.clone(),
            instance: config.server.instance.clone(),
        },
        reply_deadline: Duration::from_secs(config.server.reply_seconds),
        judging: if config.server.judging == 0 {
            2 * cores
        } else {
            config.server.judging
        },
        judging_wait: Duration::from_secs(config.server.judging_wait_seconds),
    }
}

impl Running {
    async fn listen(
        &mut self,
        access: &Access,
        limits: &crate::limits::Limits,
        stopped: &watch::Receiver<bool>,
    ) -> Result<(), StartError> {
        for listener in self.config.listener.clone() {
            let tls = listener
                .tls
                .map(TlsServer::load)
                .transpose()
                .map_err(|error| settings(&error))?
                .map(Arc::new);
            let accept: Arc<dyn Accept> = Arc::new(self.pipeline.clone());
            let inbound = Arc::new(Inbound::new(
                listener.session,
                limits,
                access.clone(),
                tls.clone(),
                accept,
            ));
            let socket = bind(listener.address).await?;
            self.addresses.push(local_address(&socket)?);
            self.tasks.spawn(inbound::serve(
                socket,
                Arc::clone(&inbound),
                stopped.clone(),
            ));
            self.listeners.push((inbound, tls));
        }
        Ok(())
    }

    fn send_reports(
        &mut self,
        schedule: Option<Schedule>,
        senders: Senders,
        stopped: &watch::Receiver<bool>,
    ) {
        if let Some(schedule) = schedule {
            let (pipeline, store) = (self.pipeline.clone(), self.store.clone());
            let sent = reports::run(schedule, pipeline, store, senders, stopped.clone());
            self.tasks.spawn(sent);
        }
    }

    async fn listen_admin(
        &mut self,
        metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
        next_hop: Arc<dyn NextHop>,
        stopped: &watch::Receiver<bool>,
    ) -> Result<(), StartError> {
        let Some(address) = self.config.admin.listen else {
            return Ok(());
        };
        let socket = bind(address).await?;
        self.admin = Some(local_address(&socket)?);
        let store = self.store.clone();
        let readiness: Readiness = Arc::new(move || {
            let (store, next_hop) = (store.clone(), Arc::clone(&next_hop));
            Box::pin(async move {
                let offered = tokio::time::timeout(Duration::from_secs(5), next_hop.offer()).await;
                vec![
                    ("store", store.probe().await.is_ok()),
                    ("next-hop", offered.is_ok_and(|offer| offer.is_some())),
                ]
            })
        });
        self.tasks
            .spawn(admin::serve(socket, metrics, readiness, stopped.clone()));
        Ok(())
    }

    /// Begins to work on the queue.
    fn deliver(
        &mut self,
        next_hop: Arc<dyn NextHop>,
        returns: Compose,
        stopped: &watch::Receiver<bool>,
    ) {
        let worker = queue::Config {
            worker: self.store.worker(&self.config.server.name),
            ..queue::Config::default()
        };
        let (store, now) = (self.store.clone(), Arc::new(SystemTime::now));
        let queue = Queue::new(store, next_hop, returns, now, worker);
        self.tasks.spawn(queue.run(stopped.clone()));
    }

    async fn listen_console(
        &mut self,
        next_hop: Arc<dyn NextHop>,
        stopped: &watch::Receiver<bool>,
    ) -> Result<(), StartError> {
        let Some(address) = self.config.console.address else {
            return Ok(());
        };
        let socket = bind(address).await?;
        let address = local_address(&socket)?;
        self.console = Some(address);
        let at = (&self.config, address);
        let (site, tls) =
            premises::site(at, &self.store, &self.pipeline, (next_hop, &self.reader))?;
        let acceptor = tls
            .clone()
            .map(|tls| -> console::Acceptor { Arc::new(move || tls.acceptor()) });
        self.console_tls = tls;
        let router = console::router(&site);
        self.tasks
            .spawn(console::serve(socket, acceptor, router, stopped.clone()));
        Ok(())
    }

    /// How many pupils are looked for.
    pub fn pupils(&self) -> usize {
        self.pipeline.tools().engine.person_count()
    }

    /// The policy that messages are judged by now.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.pipeline.tools().policy)
    }

    /// Reads roster, policy, patterns, access rules and certificates again. What cannot be read stays as it was, and is said.
    /// A policy file that is not approved is not enforced.
    pub async fn reload(&self, fresh: Config) {
        let fresh = fresh.completed();
        let kept = self.config.server.data_dir.join(compiled::FILE);
        match self.fresh_tools(&fresh, &kept).await {
            Ok(tools) => {
                note_roster(&tools);
                if let Err(error) = note_in_force(&self.store, &fresh, &tools).await {
                    tracing::error!(%error, "ALARM: reload: the ledger does not say what is in force now");
                }
                self.pipeline.swap_tools(tools);
                metrics::gauge!("beadle_reload_failed").set(0.0);
            }
            Err(error) => {
                metrics::gauge!("beadle_reload_failed").set(1.0);
                tracing::error!(%error, "ALARM: reload: roster, policy and patterns stay as they were");
            }
        }
        if let Err(error) = self.store.reload_keys(SystemTime::now()).await {
            tracing::error!(%error, "ALARM: reload: the master keys stay as they were");
        }
        match letters::notices(&fresh, &self.store) {
            Ok(notices) => self.pipeline.swap_notices(notices),
            Err(error) => tracing::error!(%error, "reload: notices stay as they were"),
        }
        match tools::senders(&fresh.trust) {
            Ok(senders) => self.pipeline.swap_senders(senders),
            Err(error) => tracing::error!(%error, "reload: schools and groups stay as they were"),
        }
        match Access::new(&fresh.access) {
            Ok(access) => self
                .listeners
                .iter()
                .for_each(|(inbound, _)| inbound.set_access(access.clone())),
            Err(error) => tracing::error!(%error, "reload: access rules stay as they were"),
        }
        let listening = self.listeners.iter().filter_map(|(_, tls)| tls.as_ref());
        for tls in listening.chain(self.console_tls.as_ref()) {
            if let Err(error) = tls.reload() {
                tracing::error!(%error, "reload: certificates stay as they were");
            }
        }
        tracing::info!("reload ended");
    }

    /// What messages are to be judged with from now on.
    async fn fresh_tools(&self, fresh: &Config, kept: &Path) -> Result<Tools, StartError> {
        let read = tools::read_policy(&fresh.trust).map_err(|error| settings(&error))?;
        let policy = read.policy.clone();
        let secret = self.store.subkey("findings");
        let built = tools::build_with(fresh, policy, secret, self.reader.clone(), Some(kept));
        let tools = tools::replacement(&self.pipeline.tools(), built);
        let tools = tools.map_err(|error| settings(&error))?;
        // Last: what the record says is in force is in force.
        admission::admit(&self.store, &fresh.trust.policy, &read).await?;
        self.store
            .set_retention(read.policy.governance.retention.clone());
        Ok(tools)
    }

    /// Stops accepting, lets sessions and deliveries end, and returns when they have.
    pub async fn stop(mut self) {
        // Receivers that are gone have ended already.
        let _all_ended = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
        let longest = self
            .config
            .listener
            .iter()
            .map(|listener| listener.session.drain_seconds)
            .max();
        self.pipeline
            .finish(Duration::from_secs(longest.unwrap_or(60)))
            .await;
        self.pipeline.keep_habits(SystemTime::now()).await;
        if let Some(keeper) = &self.keeper {
            keeper.finish(Duration::from_secs(10)).await;
        }
        let (now, node) = (SystemTime::now(), &self.config.server.name);
        if let Err(error) = record::stopped(&self.store, node, now).await {
            tracing::error!(%error, "the ledger does not say that we stopped");
        }
        // A letter would add an entry after the one that is signed.
        self.checkpoints.write_or_say(false, now).await;
    }
}

fn note_roster(tools: &Tools) {
    metrics::gauge!("beadle_roster_people").set(tools.engine.person_count() as f64);
}

async fn bind(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Machine {
            what: format!("listen on {address}"),
            source,
        })
}

fn local_address(socket: &TcpListener) -> Result<SocketAddr, StartError> {
    socket.local_addr().map_err(|source| StartError::Machine {
        what: "listener".to_owned(),
        source,
    })
}

/// Keeps what is remembered of mail over time, every minute; the end of the relay keeps it once more.
async fn keep_habits(pipeline: Pipeline, mut stopped: watch::Receiver<bool>) {
    const EVERY: Duration = Duration::from_mins(1);
    while tokio::time::timeout(EVERY, stopped.wait_for(|stop| *stop))
        .await
        .is_err()
    {
        pipeline.keep_habits(SystemTime::now()).await;
    }
}

/// Writes delivery status notifications in this relay's name.
fn returns(config: &Config) -> Compose {
    let host = config.server.name.clone();
    Arc::new(move |request: &ReturnRequest| -> Option<Bytes> {
        let report = dsn::Report {
            reporting_mta: &host,
            kind: match request.kind {
                ReturnKind::Failed => dsn::Kind::Failed,
                ReturnKind::Delayed => dsn::Kind::Delayed {
                    until: request.until,
                },
            },
            id: request.id,
            envelope: &request.envelope,
            message: &request.header_bytes,
            arrived: request.arrived,
            last_attempt: request.now,
            now: request.now,
            remote_mta: None,
            recipients: &request.refused,
        };
        report.compose().map(|(_, message)| message)
    })
}
