//! Logs and metrics: what the relay tells its operator, without personal data.
//!
//! # Invariants
//! No address, name, subject, file name or matched value is ever a log field, a metric label or an error text.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;

/// The form of log lines.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// `key=value` lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `[log]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `text` or `json`.
    pub format: Format,
    /// Least level that is written (`error`, `warn`, `info`, `debug`), or directives as of tracing-subscriber's EnvFilter.
    pub level: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            format: Format::Text,
            level: "info".to_owned(),
        }
    }
}

/// Starts logging to standard error. A second call changes nothing. The error says what is wrong with `log.level`.
pub fn start_log(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.level).map_err(|error| {
        let level = &config.level;
        format!("log.level: found `{level}`; allowed: error, warn, info, debug, trace, or target=level directives ({error})")
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    // A second subscriber is refused; the first one goes on writing.
    let _already_started = match config.format {
        Format::Text => builder.with_ansi(false).try_init(),
        Format::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .try_init(),
    };
    Ok(())
}

/// Upper bounds in seconds of the histograms of time: 0.1 ms to 90 s, the reply's own deadline.
const SECONDS: &[f64] = &[
    0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0, 25.0, 60.0, 90.0,
];

/// Upper bounds in bytes of the histogram of message sizes: 1 KiB to 64 MiB.
const BYTES: &[f64] = &[
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];

/// Installs the recorder and describes every metric. `None` when this process has one already.
pub fn start_metrics() -> Option<PrometheusHandle> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        .and_then(|builder| {
            builder.set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), BYTES)
        })
        .and_then(PrometheusBuilder::install_recorder)
        .ok()?;
    metrics::describe_counter!(
        "beadle_messages_total",
        "Messages by disposition: delivered, held, refused, deferred, spooled"
    );
    metrics::describe_counter!(
        "beadle_rule_hits_total",
        "Messages for which a rule fired, by rule"
    );
    metrics::describe_counter!(
        "beadle_duplicates_answered_total",
        "Retries answered from the duplicate guard"
    );
    metrics::describe_counter!(
        "beadle_possible_duplicates_total",
        "Handed over, answer lost: a retry may duplicate"
    );
    metrics::describe_counter!(
        "beadle_faults_total",
        "Faults of ours answered 451, by kind"
    );
    metrics::describe_counter!(
        "beadle_pictures_total",
        "Pictures given to OCR, by result: read, unsure, failed, over-limit"
    );
    metrics::describe_histogram!(
        "beadle_message_bytes",
        metrics::Unit::Bytes,
        "Size of received messages"
    );
    metrics::describe_histogram!(
        "beadle_scan_seconds",
        metrics::Unit::Seconds,
        "Time to judge a message"
    );
    metrics::describe_histogram!(
        "beadle_receive_seconds",
        metrics::Unit::Seconds,
        "Time from MAIL to the last byte"
    );
    metrics::describe_histogram!(
        "beadle_deliver_seconds",
        metrics::Unit::Seconds,
        "Time the next hop took"
    );
    metrics::describe_gauge!("beadle_holds", "Messages waiting for a reviewer");
    metrics::describe_gauge!("beadle_queue", "Deliveries waiting in the queue");
    metrics::describe_gauge!("beadle_roster_people", "Pupils in the roster");
    metrics::describe_gauge!(
        "beadle_workers_confined",
        "1 while the kernel confines the readers of attachments fully"
    );
    metrics::describe_gauge!(
        "beadle_reload_failed",
        "1 while the last reload left roster, policy and patterns as they were"
    );
    metrics::describe_counter!(
        "beadle_checkpoint_failures_total",
        "Checkpoints of the ledger that could not be made or kept, by place: ledger, file, syslog, mail"
    );
    metrics::describe_gauge!(
        "beadle_ledger_broken",
        "1 while the ledger is not what was signed before, so that nothing is signed"
    );
    Some(handle)
}
