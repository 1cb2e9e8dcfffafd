//! What the Telemetry object stores: one row.

use std::collections::BTreeMap;

use adtally_core::telemetry::Counts;
use adtally_wire::telemetry::{Push, Values};
use serde::{Deserialize, Serialize};
use worker::Result;

use super::schema::{Migrations, migrate};
use super::sql::Database;

/// Isolates whose last number is remembered: a push is sent again within seconds or never.
const MAX_INSTANCES: usize = 1_000;

const MIGRATIONS: Migrations = &[&["CREATE TABLE totals (id INTEGER PRIMARY KEY, body TEXT NOT NULL)"]];

/// The sums of all pushes.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Totals {
    counted: Values,
    /// By isolate: the number of its last push, and when that came.
    heard: BTreeMap<String, (u64, i64)>,
}

/// The store of the one object.
pub(crate) struct TelemetryStore {
    database: Database,
}

impl TelemetryStore {
    /// Opens the store, and makes or migrates its table.
    pub(crate) fn open(database: Database) -> Result<Self> {
        migrate(&database, MIGRATIONS)?;
        Ok(Self { database })
    }

    /// The sums.
    pub(crate) fn totals(&self) -> Result<Totals> {
        match self.database.rows("SELECT body FROM totals WHERE id = 0", vec![])?.into_iter().next() {
            Some(mut row) => Ok(serde_json::from_str(&row.text()?)?),
            None => Ok(Totals::default()),
        }
    }

    /// Keeps the sums.
    pub(crate) fn put(&self, totals: &Totals) -> Result<()> {
        let body = serde_json::to_string(totals)?;
        self.database
            .run("INSERT OR REPLACE INTO totals (id, body) VALUES (0, ?)", vec![body.as_str().into()])
            .map(drop)
    }
}

impl Totals {
    /// Adds a push; `false` if it was added before.
    pub(crate) fn take(&mut self, push: &Push, now_ms: i64) -> bool {
        if self.heard.get(&push.instance).is_some_and(|(seq, _)| push.seq <= *seq) {
            return false;
        }
        let mut counted = self.counted.counts();
        counted.merge(&push.counted.counts());
        self.counted = Values::of(&counted);
        self.heard.insert(push.instance.clone(), (push.seq, now_ms));
        if self.heard.len() > MAX_INSTANCES {
            let oldest =
                self.heard.iter().min_by_key(|(_, (_, at_ms))| *at_ms).map(|(instance, _)| instance.clone());
            oldest.and_then(|instance| self.heard.remove(&instance));
        }
        true
    }

    /// What was counted.
    pub(crate) fn counted(&self) -> Counts {
        self.counted.counts()
    }
}

#[cfg(test)]
mod tests {
    use adtally_core::telemetry::Figure;

    use super::*;

    fn push(instance: &str, seq: u64, accepted: u64) -> Push {
        let mut counts = Counts::default();
        counts.add(Figure::Accepted, "events", accepted);
        Push { instance: instance.to_owned(), seq, counted: Values::of(&counts), ..Push::default() }
    }

    #[test]
    fn a_push_counts_once() {
        let mut totals = Totals::default();
        for (instance, seq, is_new) in
            [("a", 1, true), ("a", 1, false), ("b", 1, true), ("a", 2, true), ("a", 1, false)]
        {
            assert_eq!(totals.take(&push(instance, seq, 10), 0), is_new);
        }
        assert_eq!(totals.counted().get(Figure::Accepted, "events"), 30);
    }

    #[test]
    fn isolates_are_forgotten() {
        let mut totals = Totals::default();
        for number in 0..1_500 {
            assert!(totals.take(&push(&format!("i{number}"), 1, 1), number));
        }
        assert_eq!(totals.heard.len(), MAX_INSTANCES);
        assert!(!totals.take(&push("i1499", 1, 1), 1_500), "the latest are remembered");
    }
}
