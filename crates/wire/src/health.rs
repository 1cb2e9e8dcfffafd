//! What `GET /v1/health` answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::Degraded;

/// Answer of `GET /v1/health`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthFigures {
    /// Of how many milliseconds `recent` and `objects` are.
    pub recent_ms: i64,
    /// The last minutes.
    pub recent: HealthDigest,
    /// All time.
    pub total: HealthDigest,
    /// The objects that were called most in the last minutes.
    pub objects: Vec<ObjectLoad>,
    /// What is on its way to reports, and how old the oldest of it is.
    pub outbox_parcels: i64,
    /// In milliseconds.
    pub outbox_age_ms: i64,
    /// What is on its way to ledgers, and how old the oldest of it is.
    pub billing_outbox: i64,
    /// In milliseconds.
    pub billing_age_ms: i64,
    /// Of the largest isolate.
    pub memory_bytes: i64,
    /// What does not work as it should.
    pub degraded: Vec<Degraded>,
}

/// What was counted in some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthDigest {
    /// Events stored for the first time.
    pub accepted: i64,
    /// Events stored before.
    pub duplicates: i64,
    /// Events that were not accepted, by code.
    pub rejected: BTreeMap<String, i64>,
    /// Time to the acknowledgement.
    pub ack: Option<HealthQuantiles>,
    /// Time from the acknowledgement to the report.
    pub report_lag: Option<HealthQuantiles>,
    /// By list price, in millionths of a dollar, by part; time of processors is not in it.
    pub cost_micros: BTreeMap<String, i64>,
    /// What a million accepted events cost at this rate, in millionths of a dollar.
    pub cost_per_million_micros: Option<i64>,
}

/// Of times that are known by their range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthQuantiles {
    /// How many.
    pub count: i64,
    /// Half of them are at most this.
    pub p50_ms: i64,
    /// 99 of 100 are at most this.
    pub p99_ms: i64,
}

/// How busy an object was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectLoad {
    /// `linker`, `report`, `ledger`, `quarantine` or `jobs`.
    pub class: String,
    /// Its name.
    pub object: String,
    /// Requests to it.
    pub calls: u64,
    /// Events that it stored.
    pub events: u64,
}
