//! When somebody has to look: alert rules over figures of the table.

use std::fmt::Write as _;

use super::{Counts, Figure, Kind};

/// What must not last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// A gauge of any part is above this.
    Above(Figure, &'static str),
    /// A gauge is below this.
    Below(Figure, &'static str),
    /// A counter's part grows faster than this share of all of the other counter.
    Share(Figure, Chosen, Figure, &'static str),
    /// That quantile of a histogram is above this.
    Quantile(Figure, &'static str, &'static str),
    /// Nobody has told the figure.
    Absent(Figure),
}

/// Which values of a counter's label are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// This one.
    Only(&'static str),
    /// All others.
    But(&'static str),
}

/// An alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub name: &'static str,
    /// What must not last.
    pub condition: Condition,
    /// For how long.
    pub lasting: &'static str,
    /// Whether somebody has to get up: `page` or `ticket`.
    pub severity: &'static str,
    /// What it means, and what to look at first.
    pub summary: &'static str,
}

/// Every alert.
pub const RULES: [Rule; 14] = [
    Rule {
        name: "AdtallyUnseen",
        condition: Condition::Absent(Figure::Build),
        lasting: "5m",
        severity: "page",
        summary: "Nothing is scraped: the worker does not answer, or the scraper's token is not one of the platform.",
    },
    Rule {
        name: "AdtallyErrors",
        condition: Condition::Share(Figure::Requests, Chosen::Only("5xx"), Figure::Requests, "0.01"),
        lasting: "5m",
        severity: "page",
        summary: "More than 1 % of the requests fail for reasons of ours. The log names each with its request id.",
    },
    Rule {
        name: "AdtallyDegraded",
        condition: Condition::Above(Figure::Degraded, "0"),
        lasting: "5m",
        severity: "page",
        summary: "GET /healthz says what does not work.",
    },
    Rule {
        name: "AdtallyAckSlow",
        condition: Condition::Quantile(Figure::AckTime, "0.99", "1"),
        lasting: "10m",
        severity: "ticket",
        summary: "Acknowledgements take over a second. A hot advertiser may need more shards.",
    },
    Rule {
        name: "AdtallyReportsLate",
        condition: Condition::Quantile(Figure::ReportLag, "0.99", "10"),
        lasting: "10m",
        severity: "page",
        summary: "Reports are over 10 s behind what is acknowledged.",
    },
    Rule {
        name: "AdtallyOutboxStuck",
        condition: Condition::Above(Figure::OutboxAge, "120"),
        lasting: "5m",
        severity: "page",
        summary: "A Linker has not been able to tell its reports anything for two minutes. Nothing is lost; the log says which object refuses.",
    },
    Rule {
        name: "AdtallyBillingStuck",
        condition: Condition::Above(Figure::BillingAge, "900"),
        lasting: "10m",
        severity: "page",
        summary: "Billing entries wait for over 15 minutes. GET /v1/billing/outbox shows whose, GET /v1/billing/dead what died.",
    },
    Rule {
        name: "AdtallyDeadLetters",
        condition: Condition::Above(Figure::DeadLetters, "0"),
        lasting: "10m",
        severity: "ticket",
        summary: "Billing messages could not be processed. Repair the cause, then POST /v1/billing/dead/replay.",
    },
    Rule {
        name: "AdtallyKafkaStuck",
        condition: Condition::Above(Figure::KafkaAge, "900"),
        lasting: "5m",
        severity: "page",
        summary: "Billing entries wait for Kafka for over 15 minutes. GET /v1/billing/kafka says what is in the way.",
    },
    Rule {
        name: "AdtallyKafkaStopped",
        condition: Condition::Above(Figure::KafkaStopped, "0"),
        lasting: "1m",
        severity: "page",
        summary: "A ledger waits for somebody: GET /v1/billing/kafka says why. Repair it, then POST /v1/billing/kafka/resume.",
    },
    Rule {
        name: "AdtallyBatchOld",
        condition: Condition::Above(Figure::BatchAge, "93600"),
        lasting: "10m",
        severity: "ticket",
        summary: "The batch has not succeeded for 26 hours. GET /v1/jobs shows which task fails; POST /v1/jobs/{run}/retry.",
    },
    Rule {
        name: "AdtallyBackupOld",
        condition: Condition::Above(Figure::BackupAge, "180000"),
        lasting: "10m",
        severity: "ticket",
        summary: "No backup was completed for 50 hours. GET /v1/jobs?job=backup shows which task fails.",
    },
    Rule {
        name: "AdtallyRejecting",
        condition: Condition::Share(
            Figure::Rejected,
            // Trackers of pages send these with every view.
            Chosen::But("not_an_ad_event"),
            Figure::Accepted,
            "0.05",
        ),
        lasting: "15m",
        severity: "ticket",
        summary: "More than one event is rejected for 20 that are accepted. GET /v1/rejected shows them; repair and replay.",
    },
    Rule {
        name: "AdtallyLinkRateLow",
        condition: Condition::Below(Figure::LinkRate, "0.8"),
        lasting: "1h",
        severity: "ticket",
        summary: "Less than 80 % of the clicks of 24 hours are linked: impressions may be missing, or come late.",
    },
];

/// The rules whose gauge is above its bound right now: what does not work as it should.
pub fn broken(counts: &Counts) -> Vec<&'static Rule> {
    RULES.iter().filter(|rule| rule.condition.is_above_now(counts)).collect()
}

/// The rules as a file for Prometheus.
pub fn alert_rules() -> String {
    let mut text = String::from(
        "# Made of crates/core/src/telemetry; do not edit.\ngroups:\n  - name: adtally\n    rules:\n",
    );
    for rule in &RULES {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "      - alert: {}", rule.name);
        let _ = writeln!(text, "        expr: {}", rule.condition.expression());
        let _ = writeln!(text, "        for: {}", rule.lasting);
        let _ = writeln!(text, "        labels:\n          severity: {}", rule.severity);
        let _ = writeln!(text, "        annotations:\n          summary: {:?}", rule.summary);
    }
    text
}

impl Condition {
    fn is_above_now(self, counts: &Counts) -> bool {
        let Condition::Above(figure, bound) = self else { return false };
        let Kind::Gauge(unit, _) = figure.about().kind else { return false };
        bound.parse::<i64>().is_ok_and(|bound| counts.get(figure, "") > bound.saturating_mul(unit.divisor()))
    }

    /// In the language of Prometheus.
    pub fn expression(self) -> String {
        match self {
            Condition::Above(figure, bound) => format!("{} > {bound}", figure.about().name),
            Condition::Below(figure, bound) => format!("{} < {bound}", figure.about().name),
            Condition::Share(part, chosen, whole, bound) => {
                let label = part.about().label.unwrap_or_default();
                let chosen = match chosen {
                    Chosen::Only(value) => format!("{{{label}=\"{value}\"}}"),
                    Chosen::But(value) => format!("{{{label}!=\"{value}\"}}"),
                };
                let (part, whole) = (part.about().name, whole.about().name);
                format!("sum(rate({part}{chosen}[5m])) / sum(rate({whole}[5m])) > {bound}")
            }
            Condition::Quantile(figure, quantile, bound) => {
                format!("{} > {bound}", quantile_of(figure, quantile))
            }
            Condition::Absent(figure) => format!("absent({})", figure.about().name),
        }
    }
}

/// A quantile of a histogram's last five minutes.
pub(super) fn quantile_of(figure: Figure, quantile: &str) -> String {
    format!("histogram_quantile({quantile}, sum(rate({}_bucket[5m])) by (le))", figure.about().name)
}
