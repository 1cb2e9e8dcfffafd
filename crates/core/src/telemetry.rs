//! What is measured while the system runs: one table of figures, and everything that is made of it.
//!
//! [`REGISTRY`] is the only place that names a figure. The worker counts by [`Figure`]; the text for Prometheus, the
//! alert rules and the dashboard are functions of the table, so that no rule asks for what nobody measures.
//!
//! ```
//! use adtally_core::telemetry::{Counts, Figure, prometheus};
//!
//! let mut counts = Counts::default();
//! counts.add(Figure::Accepted, "pixel", 3);
//! counts.observe(Figure::AckTime, 12);
//! let text = prometheus(&counts);
//! assert!(text.contains("adtally_events_accepted_total{door=\"pixel\"} 3\n"));
//! assert!(text.contains("adtally_ack_seconds_bucket{le=\"0.025\"} 1\n"));
//! ```

mod counts;
mod text;
mod rules;
mod dashboard;
mod digest;
mod window;

pub use self::counts::{Counts, Series};
pub use self::dashboard::grafana;
pub use self::digest::{Digest, Quantiles};
pub use self::rules::{Condition, RULES, Rule, alert_rules, broken};
pub use self::text::prometheus;
pub use self::window::{Load, Recent, Window};

/// A figure that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Figure {
    /// Answered requests.
    Requests,
    /// Events stored for the first time.
    Accepted,
    /// Events stored before.
    Duplicates,
    /// Events that were not accepted.
    Rejected,
    /// Time to the acknowledgement.
    AckTime,
    /// Requests that were asked to wait.
    Limited,
    /// Time from the acknowledgement to the report.
    ReportLag,
    /// Deltas on their way.
    OutboxParcels,
    /// Age of the oldest of them.
    OutboxAge,
    /// Entries on their way to billing.
    BillingOutbox,
    /// Age of the oldest of them.
    BillingAge,
    /// Calls of objects.
    ObjectCalls,
    /// Rows written.
    RowsWritten,
    /// Alarms set.
    AlarmsSet,
    /// Operations of queues.
    QueueOperations,
    /// Where cells of reports came from.
    CellsFound,
    /// What all this costs.
    Cost,
    /// Memory of an isolate.
    Memory,
    /// Valid clicks of the last day.
    DayClicks,
    /// Those of them that are linked.
    DayLinkedClicks,
    /// Their ratio.
    LinkRate,
    /// Time since the last batch.
    BatchAge,
    /// Time since the last backup.
    BackupAge,
    /// Failed runs among the last ones.
    FailedRuns,
    /// Messages that nobody could process.
    DeadLetters,
    /// Entries that are in a topic of Kafka.
    KafkaSent,
    /// What went wrong on the way there.
    KafkaErrors,
    /// Age of the oldest that is not.
    KafkaAge,
    /// Ledgers that wait for somebody.
    KafkaStopped,
    /// Parts that do not work.
    Degraded,
    /// The version.
    Build,
}

/// What sort of figure, and in which unit it is counted inside; text is always in base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Grows.
    Counter(Unit),
    /// Goes up and down; of several sources, how they are one.
    Gauge(Unit, Merge),
    /// How often in which range.
    Histogram(Unit, &'static [i64]),
}

/// What a whole number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    One,
    /// Thousandths, as milliseconds are of seconds.
    Milli,
    /// Millionths.
    Micro,
    /// Billionths, as nanodollars are of dollars.
    Nano,
}

/// How the gauges of several sources are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merge {
    /// By their sum.
    Sum,
    /// By the greatest.
    Max,
}

/// What the table says of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// Which.
    pub figure: Figure,
    /// In text.
    pub name: &'static str,
    /// For people.
    pub help: &'static str,
    /// How it is counted.
    pub kind: Kind,
    /// What it is counted by, if by anything. Values are names of ours, or else strangers could make series.
    pub label: Option<&'static str>,
}

/// Bounds of an acknowledgement, in ms.
const ACK_MS: &[i64] = &[5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000];
/// Bounds of a report's lag, in ms.
const LAG_MS: &[i64] = &[100, 250, 500, 1_000, 2_000, 5_000, 10_000, 60_000, 300_000];

const fn counter(
    figure: Figure,
    name: &'static str,
    label: Option<&'static str>,
    help: &'static str,
) -> About {
    About { figure, name, help, kind: Kind::Counter(Unit::One), label }
}

const fn gauge(figure: Figure, name: &'static str, unit: Unit, merge: Merge, help: &'static str) -> About {
    About { figure, name, help, kind: Kind::Gauge(unit, merge), label: None }
}

const fn histogram(figure: Figure, name: &'static str, bounds: &'static [i64], help: &'static str) -> About {
    About { figure, name, help, kind: Kind::Histogram(Unit::Milli, bounds), label: None }
}

/// Every figure, in the order of [`Figure`].
pub const REGISTRY: [About; 31] = [
    counter(
        Figure::Requests,
        "adtally_requests_total",
        Some("class"),
        "Requests that were answered, by class of status.",
    ),
    counter(
        Figure::Accepted,
        "adtally_events_accepted_total",
        Some("door"),
        "Events that were stored for the first time and acknowledged.",
    ),
    counter(
        Figure::Duplicates,
        "adtally_events_duplicate_total",
        Some("door"),
        "Events that were stored before.",
    ),
    counter(
        Figure::Rejected,
        "adtally_events_rejected_total",
        Some("code"),
        "Events that were not accepted, by reason.",
    ),
    histogram(
        Figure::AckTime,
        "adtally_ack_seconds",
        ACK_MS,
        "Time from a collecting request to its acknowledgement.",
    ),
    counter(
        Figure::Limited,
        "adtally_requests_limited_total",
        Some("by"),
        "Requests that were asked to come later, by whose limit it was.",
    ),
    histogram(
        Figure::ReportLag,
        "adtally_report_lag_seconds",
        LAG_MS,
        "Time from the oldest acknowledgement of a delta until all its reports count it.",
    ),
    gauge(
        Figure::OutboxParcels,
        "adtally_outbox_parcels",
        Unit::One,
        Merge::Sum,
        "Deltas that Report objects have not confirmed yet.",
    ),
    gauge(
        Figure::OutboxAge,
        "adtally_outbox_age_seconds",
        Unit::Milli,
        Merge::Max,
        "Age of the oldest delta that is not confirmed.",
    ),
    gauge(
        Figure::BillingOutbox,
        "adtally_billing_outbox_messages",
        Unit::One,
        Merge::Sum,
        "Billing messages that ledgers have not confirmed yet.",
    ),
    gauge(
        Figure::BillingAge,
        "adtally_billing_outbox_age_seconds",
        Unit::Milli,
        Merge::Max,
        "Age of the oldest billing message that is not confirmed.",
    ),
    counter(
        Figure::ObjectCalls,
        "adtally_object_calls_total",
        None,
        "Requests to objects and alarms that rang.",
    ),
    counter(
        Figure::RowsWritten,
        "adtally_rows_written_total",
        None,
        "Rows that objects wrote, index entries and deletions included.",
    ),
    counter(
        Figure::AlarmsSet,
        "adtally_alarms_set_total",
        None,
        "Alarms that objects set, which are billed as rows.",
    ),
    counter(Figure::QueueOperations, "adtally_queue_operations_total", None, "Operations of queues."),
    counter(
        Figure::CellsFound,
        "adtally_report_cells_total",
        Some("found"),
        "Answers of reports, by kind of range and where their cells came from: the cache is asked first.",
    ),
    About {
        figure: Figure::Cost,
        name: "adtally_cost_dollars_total",
        help: "Cost by list price of the counted requests, object calls, rows and queue operations; no time of processors.",
        kind: Kind::Counter(Unit::Nano),
        label: Some("part"),
    },
    gauge(
        Figure::Memory,
        "adtally_isolate_memory_bytes",
        Unit::One,
        Merge::Max,
        "WebAssembly memory of the largest isolate.",
    ),
    gauge(
        Figure::DayClicks,
        "adtally_day_clicks",
        Unit::One,
        Merge::Max,
        "Valid clicks of the last 24 hours.",
    ),
    gauge(
        Figure::DayLinkedClicks,
        "adtally_day_linked_clicks",
        Unit::One,
        Merge::Max,
        "Valid clicks of the last 24 hours that are linked to an impression.",
    ),
    gauge(
        Figure::LinkRate,
        "adtally_link_ratio",
        Unit::Micro,
        Merge::Max,
        "Linked clicks of the last 24 hours among all of them.",
    ),
    gauge(
        Figure::BatchAge,
        "adtally_batch_age_seconds",
        Unit::Milli,
        Merge::Max,
        "Time since a batch run last succeeded.",
    ),
    gauge(
        Figure::BackupAge,
        "adtally_backup_age_seconds",
        Unit::Milli,
        Merge::Max,
        "Time since a backup was last completed.",
    ),
    gauge(
        Figure::FailedRuns,
        "adtally_failed_runs",
        Unit::One,
        Merge::Max,
        "Failed runs among the last 100 runs of jobs.",
    ),
    gauge(
        Figure::DeadLetters,
        "adtally_dead_letters",
        Unit::One,
        Merge::Max,
        "Billing messages that could not be processed.",
    ),
    counter(
        Figure::KafkaSent,
        "adtally_kafka_entries_total",
        None,
        "Billing entries that brokers of Kafka have stored.",
    ),
    counter(
        Figure::KafkaErrors,
        "adtally_kafka_errors_total",
        Some("code"),
        "What went wrong on the way to Kafka, by code; most of it is tried again.",
    ),
    gauge(
        Figure::KafkaAge,
        "adtally_kafka_age_seconds",
        Unit::Milli,
        Merge::Max,
        "How long the oldest billing entry has waited in its ledger for Kafka.",
    ),
    gauge(
        Figure::KafkaStopped,
        "adtally_kafka_stopped",
        Unit::One,
        Merge::Sum,
        "Ledgers that do not deliver to Kafka before somebody has looked at them.",
    ),
    About {
        figure: Figure::Degraded,
        name: "adtally_degraded",
        help: "1 where a part does not work as it should.",
        kind: Kind::Gauge(Unit::One, Merge::Max),
        label: Some("part"),
    },
    About {
        figure: Figure::Build,
        name: "adtally_build_info",
        help: "1, by version.",
        kind: Kind::Gauge(Unit::One, Merge::Max),
        label: Some("version"),
    },
];

impl Figure {
    /// What the table says of it.
    pub fn about(self) -> &'static About {
        &REGISTRY[self as usize]
    }

    /// The figure of that name.
    pub fn parse(name: &str) -> Option<Figure> {
        REGISTRY.iter().find(|about| about.name == name).map(|about| about.figure)
    }
}

#[cfg(test)]
mod tests;
