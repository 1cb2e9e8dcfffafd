//! What isolates tell the Telemetry object, and what it tells the worker.

use std::collections::BTreeMap;

use adtally_core::telemetry::{Counts, Figure, Series};
use serde::{Deserialize, Serialize};

/// Telemetry: `POST` a [`Push`], answered by 200 once it is stored.
pub const PUSH: &str = "/push";
/// Telemetry: `GET`, answered by [`Values`].
pub const READ: &str = "/read";
/// Telemetry: `GET`, answered by [`Lately`].
pub const LATELY: &str = "/lately";
/// The name of the one object.
pub const TELEMETRY_NAME: &str = "telemetry";

/// Values of series by the names of their figures: name, part, value.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Values(pub Vec<(String, String, i64)>);

/// What an isolate has counted since its last push.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Push {
    /// Which isolate.
    pub instance: String,
    /// Counts the pushes of the isolate, from 1; one that is sent again has the same number and the same values.
    pub seq: u64,
    /// What is added to the counters.
    pub counted: Values,
    /// Gauges by the object that they are about.
    pub gauges: BTreeMap<String, Values>,
    /// By object: calls, and events that it stored.
    #[serde(default)]
    pub loads: BTreeMap<String, (u64, u64)>,
}

/// What was counted in the last minutes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lately {
    /// Of how many milliseconds it is the sum.
    pub over_ms: i64,
    /// What was counted.
    pub counted: Values,
    /// Object, calls, events that it stored; the busiest first.
    pub loads: Vec<(String, u64, u64)>,
}

impl Values {
    /// The values of counts.
    pub fn of(counts: &Counts) -> Values {
        let named = |(series, value): (&Series, i64)| {
            (series.figure.about().name.to_owned(), series.part.clone(), value)
        };
        Values(counts.iter().map(named).collect())
    }

    /// The counts; figures that this version does not know are left out.
    pub fn counts(&self) -> Counts {
        let known = |(name, part, value): &(String, String, i64)| {
            Some((Series { figure: Figure::parse(name)?, part: part.clone() }, *value))
        };
        self.0.iter().filter_map(known).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_there_and_back() {
        let mut counts = Counts::default();
        counts.add(Figure::Rejected, "bad_json", 3);
        counts.observe(Figure::AckTime, 30);
        counts.set(Figure::OutboxAge, "", 7);
        let values = Values::of(&counts);
        let json = serde_json::to_string(&values).unwrap();
        let read: Values = serde_json::from_str(&json).unwrap();
        assert_eq!(read.counts(), counts);
        let newer = Values(vec![("adtally_unheard_of".to_owned(), String::new(), 1)]);
        assert!(newer.counts().is_empty());
    }
}
