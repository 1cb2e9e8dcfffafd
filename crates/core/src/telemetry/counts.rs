//! Sums of what was counted.

use std::collections::BTreeMap;

use super::{Figure, Kind, Merge, Unit};

/// One number: a figure, and which value of its label, or which range of a histogram.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    /// Of which figure.
    pub figure: Figure,
    /// The value of the label; of a histogram the number of the range, `sum` or nothing for the others.
    pub part: String,
}

/// A histogram's sum.
pub(super) const SUM: &str = "sum";

/// Values by series.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    values: BTreeMap<Series, i64>,
}

/// List prices, in nanodollars each.
const PRICES: [(Figure, &str, i64); 5] = [
    (Figure::Requests, "requests", 300),
    (Figure::ObjectCalls, "objects", 150),
    (Figure::RowsWritten, "rows", 1_000),
    (Figure::AlarmsSet, "rows", 1_000),
    (Figure::QueueOperations, "queues", 400),
];

impl Counts {
    /// Adds to a counter.
    pub fn add(&mut self, figure: Figure, part: &str, count: u64) {
        if count > 0 {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            self.plus(Series { figure, part: part.to_owned() }, count);
        }
    }

    /// Notes a value of a histogram, in its unit.
    pub fn observe(&mut self, figure: Figure, value: i64) {
        let Kind::Histogram(_, bounds) = figure.about().kind else { return };
        let range = bounds.iter().position(|bound| value <= *bound).unwrap_or(bounds.len());
        self.plus(Series { figure, part: format!("{range:02}") }, 1);
        self.plus(Series { figure, part: SUM.to_owned() }, value.max(0));
    }

    /// Sets a gauge.
    pub fn set(&mut self, figure: Figure, part: &str, value: i64) {
        self.values.insert(Series { figure, part: part.to_owned() }, value);
    }

    /// Puts those of another source to these: counters are added, gauges are one as the table says.
    pub fn merge(&mut self, other: &Counts) {
        for (series, value) in &other.values {
            match (series.figure.about().kind, self.values.get(series)) {
                (Kind::Gauge(_, Merge::Max), Some(own)) => {
                    let greatest = *own.max(value);
                    self.values.insert(series.clone(), greatest);
                }
                _ => self.plus(series.clone(), *value),
            }
        }
    }

    /// Adds the cost of what is counted.
    pub fn add_cost(&mut self) {
        for (figure, part, nanodollars) in PRICES {
            let count: i64 =
                self.values.iter().filter(|(series, _)| series.figure == figure).map(|(_, n)| *n).sum();
            if count > 0 {
                let part = Series { figure: Figure::Cost, part: part.to_owned() };
                self.plus(part, count.saturating_mul(nanodollars));
            }
        }
    }

    /// The value of a series; 0 if nobody counted it.
    pub fn get(&self, figure: Figure, part: &str) -> i64 {
        self.values.get(&Series { figure, part: part.to_owned() }).copied().unwrap_or(0)
    }

    /// Every series, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&Series, i64)> {
        self.values.iter().map(|(series, value)| (series, *value))
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn plus(&mut self, series: Series, count: i64) {
        let value = self.values.entry(series).or_default();
        *value = value.saturating_add(count);
    }
}

impl FromIterator<(Series, i64)> for Counts {
    fn from_iter<I: IntoIterator<Item = (Series, i64)>>(series: I) -> Self {
        Self { values: series.into_iter().collect() }
    }
}

impl Unit {
    /// How many of these are one.
    pub(super) fn divisor(self) -> i64 {
        match self {
            Unit::One => 1,
            Unit::Milli => 1_000,
            Unit::Micro => 1_000_000,
            Unit::Nano => 1_000_000_000,
        }
    }
}
