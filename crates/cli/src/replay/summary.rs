//! What came of a replay.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// So many rejected rows are shown per code: enough to see the pattern.
const EXAMPLES: usize = 3;

/// Counts of rows and events, and why some were refused.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Summary {
    /// Rows read from the files, in this run.
    pub(crate) rows: u64,
    /// Events that the rows gave and that were sent or written.
    pub(crate) events: u64,
    /// Stored by the server for the first time.
    pub(crate) accepted: u64,
    /// Stored by the server before.
    pub(crate) duplicates: u64,
    /// Refused by the server, or by the map before they were sent.
    pub(crate) rejected: u64,
    /// By code.
    pub(crate) reasons: BTreeMap<String, Reason>,
}

/// All rejections with one code.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Reason {
    pub(crate) count: u64,
    /// The first few.
    pub(crate) examples: Vec<Rejection>,
}

/// One refused event or row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Rejection {
    pub(crate) file: String,
    /// From 1, without the header.
    pub(crate) row: u64,
    pub(crate) message: String,
}

impl Summary {
    /// Counts a rejection.
    pub(crate) fn reject(&mut self, code: &str, rejection: Rejection) {
        self.rejected += 1;
        let reason = self.reasons.entry(code.to_owned()).or_default();
        reason.count += 1;
        if reason.examples.len() < EXAMPLES {
            reason.examples.push(rejection);
        }
    }

    /// Adds what another part of the run found.
    pub(crate) fn merge(&mut self, other: Summary) {
        self.rows += other.rows;
        self.events += other.events;
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
        self.rejected += other.rejected;
        for (code, theirs) in other.reasons {
            let mine = self.reasons.entry(code).or_default();
            mine.count += theirs.count;
            let room = EXAMPLES.saturating_sub(mine.examples.len());
            mine.examples.extend(theirs.examples.into_iter().take(room));
        }
    }

    /// The summary for people.
    pub(crate) fn after(&self, elapsed: Duration) -> Report<'_> {
        Report { summary: self, elapsed }
    }

    /// The summary for programs, one line of JSON.
    pub(crate) fn json(&self, elapsed: Duration) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            #[serde(flatten)]
            summary: &'a Summary,
            elapsed_ms: u128,
        }
        #[expect(clippy::expect_used, reason = "counts and texts are always JSON")]
        serde_json::to_string(&Line { summary: self, elapsed_ms: elapsed.as_millis() })
            .expect("a summary is JSON")
    }
}

/// A summary with its time, to print.
pub(crate) struct Report<'a> {
    summary: &'a Summary,
    elapsed: Duration,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { rows, events, accepted, duplicates, rejected, reasons } = self.summary;
        let seconds = self.elapsed.as_secs_f64();
        writeln!(f, "rows read   {}", grouped(*rows))?;
        writeln!(f, "events      {}", grouped(*events))?;
        writeln!(f, "accepted    {}", grouped(*accepted))?;
        writeln!(f, "duplicates  {}", grouped(*duplicates))?;
        writeln!(f, "rejected    {}", grouped(*rejected))?;
        for (code, reason) in reasons {
            writeln!(f, "  {code}: {}", grouped(reason.count))?;
            for Rejection { file, row, message } in &reason.examples {
                writeln!(f, "    {file} row {row}: {message}")?;
            }
        }
        let rate = if seconds > 0.0 { *events as f64 / seconds } else { 0.0 };
        write!(f, "took        {seconds:.1} s, {rate:.0} events/s")
    }
}

/// Parts the digits by threes: `1,234,567`.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups() {
        for (count, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(count), expected);
        }
    }

    #[test]
    fn only_the_first_examples_are_kept() {
        let rejection = |row| Rejection { file: "a.csv".into(), row, message: "`x` is not a time".into() };
        let mut summary = Summary { rows: 5, events: 3, accepted: 2, duplicates: 1, ..Summary::default() };
        (1..=2).for_each(|row| summary.reject("unmapped", rejection(row)));
        let mut more = Summary::default();
        (3..=5).for_each(|row| more.reject("unmapped", rejection(row)));
        summary.merge(more);
        let expected = "\
rows read   5
events      3
accepted    2
duplicates  1
rejected    5
  unmapped: 5
    a.csv row 1: `x` is not a time
    a.csv row 2: `x` is not a time
    a.csv row 3: `x` is not a time
took        1.5 s, 2 events/s";
        assert_eq!(summary.after(Duration::from_millis(1_500)).to_string(), expected);
    }
}
