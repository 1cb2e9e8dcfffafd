//! Figures: a median with its spread, and how it compares.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::goals::{self, Better};

/// The best of the other engines in the same run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Peer {
    pub(super) engine: String,
    pub(super) value: f64,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) unit: &'static str,
    /// One value a run.
    pub(super) runs: Vec<f64>,
    pub(super) peer: Option<Peer>,
    /// What else is to be known: sizes, conditions.
    pub(super) notes: Map<String, Value>,
}

/// Everything that was measured, in order.
#[derive(Default)]
pub(super) struct Figures {
    rows: Vec<Figure>,
    skipped: Vec<(String, String)>,
}

impl Figure {
    pub(super) fn new(name: impl Into<String>, unit: &'static str, runs: Vec<f64>) -> Self {
        Self { name: name.into(), unit, runs, peer: None, notes: Map::new() }
    }

    pub(super) fn with_peer(mut self, peer: Option<Peer>) -> Self {
        self.peer = peer;
        self
    }

    pub(super) fn note(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.notes.insert(name.to_owned(), value.into());
        self
    }

    fn sorted(&self) -> Vec<f64> {
        let mut runs = self.runs.clone();
        runs.sort_by(f64::total_cmp);
        runs
    }

    pub(super) fn median(&self) -> f64 {
        let runs = self.sorted();
        let middle = runs.len() / 2;
        match runs.len() {
            0 => f64::NAN,
            length if length % 2 == 1 => runs[middle],
            _ => f64::midpoint(runs[middle - 1], runs[middle]),
        }
    }

    /// How many times as good as `other` this is.
    fn ratio_to(&self, other: f64) -> f64 {
        match goals::better(self.unit) {
            Better::More => self.median() / other,
            Better::Less => other / self.median(),
        }
    }

    /// What the table says besides numbers: the other engine, or the harness's own words.
    fn remark(&self) -> &str {
        let detail = self.notes.get("detail").and_then(Value::as_str);
        self.peer.as_ref().map(|peer| peer.engine.as_str()).or(detail).unwrap_or("")
    }

    fn to_json(&self) -> Value {
        let runs = self.sorted();
        let mut json = Map::new();
        json.insert("name".to_owned(), self.name.as_str().into());
        json.insert("value".to_owned(), number(self.median()));
        json.insert("unit".to_owned(), self.unit.into());
        json.insert("min".to_owned(), number(runs.first().copied().unwrap_or(f64::NAN)));
        json.insert("max".to_owned(), number(runs.last().copied().unwrap_or(f64::NAN)));
        json.insert("runs".to_owned(), runs.len().into());
        if let Some(goal) = goals::goal(&self.name) {
            json.insert("goal".to_owned(), number(goal));
            json.insert("of_goal".to_owned(), number(self.ratio_to(goal)));
        }
        if let Some(peer) = &self.peer {
            let (engine, value) = (peer.engine.as_str(), number(peer.value));
            json.insert("peer".to_owned(), json!({ "engine": engine, "value": value }));
            json.insert("of_peer".to_owned(), number(self.ratio_to(peer.value)));
        }
        json.extend(self.notes.clone());
        Value::Object(json)
    }
}

/// Four digits are more than any run can be repeated to.
fn number(value: f64) -> Value {
    if value == 0.0 || !value.is_finite() {
        return json!(value);
    }
    let scale = 10f64.powf(3.0 - value.abs().log10().floor());
    json!((value * scale).round() / scale)
}

impl Figures {
    /// Prints a figure and keeps it for the table.
    pub(super) fn add(&mut self, figure: Figure) {
        println!("{}", figure.to_json());
        self.rows.push(figure);
    }

    /// Says that something was not measured.
    pub(super) fn skip(&mut self, name: &str, reason: impl Into<String>) {
        let reason = reason.into();
        println!("{}", json!({ "name": name, "skipped": reason }));
        self.skipped.push((name.to_owned(), reason));
    }

    pub(super) fn table(&self) -> String {
        let mut text = format!(
            "{:<34} {:>10} {:<8} {:>10} {:>7}  {:>10} {:>7} {}\n",
            "name", "value", "unit", "goal", "x goal", "peer", "x peer", ""
        );
        for figure in &self.rows {
            let goal = goals::goal(&figure.name);
            let ratio =
                |to: Option<f64>| to.map_or(String::new(), |to| format!("{:.2}", figure.ratio_to(to)));
            let peer = figure.peer.as_ref().map(|peer| peer.value);
            // Writing to a string cannot fail.
            let _ = writeln!(
                text,
                "{:<34} {:>10} {:<8} {:>10} {:>7}  {:>10} {:>7} {}",
                figure.name,
                short(figure.median()),
                figure.unit,
                goal.map(short).unwrap_or_default(),
                ratio(goal),
                peer.map(short).unwrap_or_default(),
                ratio(peer),
                figure.remark(),
            );
        }
        for (name, reason) in &self.skipped {
            let _ = writeln!(text, "{name:<34} skipped: {reason}");
        }
        text
    }
}

/// `12.3 M`, `4.5 k`, `0.31`.
fn short(value: f64) -> String {
    match value.abs() {
        1e6.. => format!("{:.2} M", value / 1e6),
        1e4.. => format!("{:.1} k", value / 1e3),
        100.0.. => format!("{value:.0}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_ratios() {
        let figure = Figure::new("native/parse", "events/s", vec![3e6, 1e6, 2e6]);
        assert_eq!(figure.median(), 2e6);
        assert_eq!(figure.ratio_to(4e6), 0.5);
        let json = figure.with_peer(Some(Peer { engine: "duckdb".to_owned(), value: 1e6 })).to_json();
        assert_eq!((&json["value"], &json["min"], &json["max"]), (&json!(2e6), &json!(1e6), &json!(3e6)));
        assert_eq!((&json["of_peer"], &json["runs"]), (&json!(2.0), &json!(3)));
        // Half the time is twice as good.
        assert_eq!(Figure::new("native/q1", "ms", vec![2.0, 1.0]).ratio_to(3.0), 2.0);
    }

    #[test]
    fn numbers_are_short() {
        let check = |value: f64, expected: &str| assert_eq!(short(value), expected);
        check(12_345_678.0, "12.35 M");
        check(45_670.0, "45.7 k");
        check(523.4, "523");
        check(1.234, "1.23");
        check(0.312_34, "0.3123");
        assert_eq!(number(1_234_567.0), json!(1_235_000.0));
        assert_eq!(number(0.000_123_456), json!(0.000_123_5));
    }
}
