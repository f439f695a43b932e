//! The record of one message for the operator: one log line and the metrics, without personal data.
//!
//! # Invariants
//! Fields are ids, codes, sizes, times, rule ids and the client's address; never an address of a person, a subject, a file name.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::mail::QueueId;
use crate::pipeline::fault::Fault;
use crate::pipeline::judge::Judgement;
use crate::pipeline::received::Received;
use crate::smtp::reply::Reply;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// A retry of a message that was accepted before; nothing was sent again.
    AnsweredBefore,
    /// The client was asked to try again.
    Deferred,
    /// The next hop took it.
    Delivered,
    /// It waits for a reviewer.
    Held,
    /// It was refused, by us or by the next hop.
    Refused,
    /// It is in the queue.
    Spooled,
}

impl Disposition {
    /// The name used in metrics and log lines.
    pub fn name(self) -> &'static str {
        match self {
            Self::AnsweredBefore => "answered-before",
            Self::Deferred => "deferred",
            Self::Delivered => "delivered",
            Self::Held => "held",
            Self::Refused => "refused",
            Self::Spooled => "spooled",
        }
    }
}

/// What is noted of a message on its way.
#[derive(Debug)]
pub struct Entry {
    /// The message.
    pub id: QueueId,
    /// What became of it.
    pub disposition: Disposition,
    client: IpAddr,
    encrypted: bool,
    bytes: usize,
    recipients: usize,
    receive: Duration,
    completed: Instant,
    scan: Option<Duration>,
    deliver: Option<Duration>,
    rules: Vec<String>,
    findings: usize,
    unread: usize,
    fault: Option<Fault>,
}

impl Entry {
    /// The record of a message that has just been received.
    pub fn of(received: &Received) -> Self {
        Self {
            id: received.id,
            disposition: Disposition::Deferred,
            client: received.client.ip,
            encrypted: received.client.tls.is_some(),
            bytes: received.message.len(),
            recipients: received.envelope.rcpts.len(),
            receive: received.completed.duration_since(received.started),
            completed: received.completed,
            scan: None,
            deliver: None,
            rules: Vec::new(),
            findings: 0,
            unread: 0,
            fault: None,
        }
    }

    /// Notes the judgement.
    pub fn judged(&mut self, judgement: &Judgement) {
        self.scan = Some(self.completed.elapsed());
        self.rules = judgement
            .verdict
            .hits
            .iter()
            .map(|hit| hit.rule.to_string())
            .collect();
        self.rules.dedup();
        self.findings = judgement.findings.list.len();
        self.unread = judgement.content.unread.len();
    }

    /// Notes how long the next hop took.
    pub fn delivered(&mut self, took: Duration) {
        self.deliver = Some(took);
    }

    /// Notes a fault of ours.
    pub fn fault(&mut self, fault: Fault) {
        self.disposition = Disposition::Deferred;
        self.fault = Some(fault);
    }

    /// Writes the log line and counts the message.
    pub fn write(&self, reply: &Reply) {
        let ms = |took: Option<Duration>| took.map(|took| (took.as_secs_f64() * 1e5).round() / 1e2);
        tracing::info!(
            id = %self.id,
            reference = %self.id.reference(),
            client = %self.client,
            tls = self.encrypted,
            bytes = self.bytes,
            recipients = self.recipients,
            disposition = self.disposition.name(),
            rules = self.rules.join(","),
            findings = self.findings,
            unread = self.unread,
            fault = self.fault.map(Fault::name),
            code = reply.code,
            enhanced = reply.enhanced.map(|code| code.to_string()),
            receive_ms = ms(Some(self.receive)),
            scan_ms = ms(self.scan),
            deliver_ms = ms(self.deliver),
            total_ms = ms(Some(self.receive + self.completed.elapsed())),
            "message"
        );
        self.measure();
    }

    fn measure(&self) {
        metrics::counter!("beadle_messages_total", "disposition" => self.disposition.name())
            .increment(1);
        metrics::histogram!("beadle_message_bytes").record(self.bytes as f64);
        metrics::histogram!("beadle_receive_seconds").record(self.receive);
        if let Some(scan) = self.scan {
            metrics::histogram!("beadle_scan_seconds").record(scan);
        }
        if let Some(deliver) = self.deliver {
            metrics::histogram!("beadle_deliver_seconds").record(deliver);
        }
        for rule in &self.rules {
            metrics::counter!("beadle_rule_hits_total", "rule" => rule.clone()).increment(1);
        }
        if let Some(fault) = self.fault {
            metrics::counter!("beadle_faults_total", "kind" => fault.name()).increment(1);
        }
    }
}
