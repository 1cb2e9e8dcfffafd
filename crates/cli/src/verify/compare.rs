//! Two answers to one query, cell by cell.

use std::collections::BTreeMap;
use std::fmt;

use adtally_wire::api::{ReportAnswer, ReportValue};

/// Ratios are quotients of equal integers; what is left is how JSON rounds.
const RATIO_TOLERANCE: f64 = 1e-12;

/// A figure that differs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    /// The values of the grouping, in the order of `by`; `totals` for the totals.
    pub(crate) group: Vec<String>,
    pub(crate) metric: String,
    /// From the files.
    pub(crate) expected: ReportValue,
    /// From the server.
    pub(crate) found: ReportValue,
}

/// The outcome of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Comparison {
    /// Groups that either side has.
    pub(crate) groups: usize,
    pub(crate) metrics: usize,
    pub(crate) differences: Vec<Difference>,
}

/// Compares the rows and totals of two answers with `groupings` columns before the metrics.
///
/// A group that only one side has is compared with zeros: a server keeps the cells of facts that it took back.
pub(crate) fn compare(expected: &ReportAnswer, found: &ReportAnswer, groupings: usize) -> Comparison {
    let names: Vec<&str> =
        expected.columns.iter().skip(groupings).map(|column| column.name.as_str()).collect();
    let (mine, theirs) = (by_group(expected, groupings), by_group(found, groupings));
    let mut groups: Vec<_> = mine.keys().chain(theirs.keys()).collect();
    groups.sort();
    groups.dedup();
    let mut differences = Vec::new();
    for group in &groups {
        for (index, metric) in names.iter().enumerate() {
            let value = |side: &Rows<'_>| side.get(*group).and_then(|row| row.get(index)).cloned();
            differences.extend(differ(group, metric, value(&mine), value(&theirs)));
        }
    }
    let totals = ["totals".to_owned()];
    for metric in &names {
        let value = |side: &ReportAnswer| side.totals.get(*metric).cloned();
        differences.extend(differ(&totals, metric, value(expected), value(found)));
    }
    Comparison { groups: groups.len(), metrics: names.len(), differences }
}

type Rows<'a> = BTreeMap<Vec<String>, &'a [ReportValue]>;

fn by_group(answer: &ReportAnswer, groupings: usize) -> Rows<'_> {
    let rows = answer.rows.iter().map(|row| row.split_at(groupings.min(row.len())));
    let text = |value: &ReportValue| match value {
        ReportValue::Text(text) => text.clone(),
        other => shown(other),
    };
    rows.map(|(group, figures)| (group.iter().map(text).collect(), figures)).collect()
}

fn differ(
    group: &[String],
    metric: &str,
    expected: Option<ReportValue>,
    found: Option<ReportValue>,
) -> Option<Difference> {
    let nothing = ReportValue::Nothing;
    let same = match (expected.as_ref().unwrap_or(&nothing), found.as_ref().unwrap_or(&nothing)) {
        (ReportValue::Count(0) | ReportValue::Nothing, ReportValue::Count(0) | ReportValue::Nothing) => true,
        (ReportValue::Ratio(a), ReportValue::Ratio(b)) => {
            (a - b).abs() <= RATIO_TOLERANCE * a.abs().max(b.abs())
        }
        // A ratio that happens to be whole may arrive as an integer.
        (ReportValue::Ratio(ratio), ReportValue::Count(count))
        | (ReportValue::Count(count), ReportValue::Ratio(ratio)) => *ratio == *count as f64,
        (a, b) => a == b,
    };
    (!same).then(|| Difference {
        group: group.to_vec(),
        metric: metric.to_owned(),
        expected: expected.unwrap_or(ReportValue::Nothing),
        found: found.unwrap_or(ReportValue::Nothing),
    })
}

fn shown(value: &ReportValue) -> String {
    match value {
        ReportValue::Count(count) => count.to_string(),
        ReportValue::Ratio(ratio) => ratio.to_string(),
        ReportValue::Text(text) => text.clone(),
        ReportValue::Nothing => "-".to_owned(),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, metric, expected, found } = self;
        let group: Vec<_> =
            group.iter().map(|value| if value.is_empty() { "(none)" } else { value }).collect();
        write!(f, "{}  {metric}: files {}, server {}", group.join(" / "), shown(expected), shown(found))
    }
}

#[cfg(test)]
mod tests {
    use adtally_wire::api::ReportColumn;

    use super::*;

    fn answer(rows: &[(&str, i64, Option<f64>)], clicks: i64) -> ReportAnswer {
        let column = |name: &str, kind: &str| ReportColumn { name: name.to_owned(), kind: kind.to_owned() };
        let row = |(ad, clicks, ctr): &(&str, i64, Option<f64>)| {
            let ctr = ctr.map_or(ReportValue::Nothing, ReportValue::Ratio);
            vec![ReportValue::Text((*ad).to_owned()), ReportValue::Count(*clicks), ctr]
        };
        ReportAnswer {
            columns: vec![column("ad", "dimension"), column("clicks", "count"), column("ctr", "ratio")],
            rows: rows.iter().map(row).collect(),
            totals: [("clicks".to_owned(), ReportValue::Count(clicks))].into(),
            row_count: rows.len() as u64,
            version: String::new(),
            generation: 0,
            complete_through: None,
            updated: None,
            link_rate: None,
            waiting: 0,
            tz: "UTC".to_owned(),
            from: String::new(),
            to: String::new(),
        }
    }

    #[test]
    fn comparing() {
        #[track_caller]
        fn check(expected: &ReportAnswer, found: &ReportAnswer, differences: &[&str]) {
            let comparison = compare(expected, found, 1);
            let shown: Vec<_> = comparison.differences.iter().map(Difference::to_string).collect();
            assert_eq!(shown, differences);
        }
        let one = answer(&[("a", 3, Some(0.1)), ("", 1, None)], 4);
        check(&one, &one, &[]);
        check(&one, &answer(&[("", 1, None), ("a", 3, Some(0.1 + 1e-17))], 4), &[]);
        check(&one, &answer(&[("a", 3, Some(0.1)), ("", 1, None), ("gone", 0, None)], 4), &[]);
        check(
            &one,
            &answer(&[("a", 2, Some(0.1)), ("b", 1, None)], 3),
            &[
                "(none)  clicks: files 1, server -",
                "a  clicks: files 3, server 2",
                "b  clicks: files -, server 1",
                "totals  clicks: files 4, server 3",
            ],
        );
        check(&one, &answer(&[("a", 3, Some(0.2)), ("", 1, None)], 4), &["a  ctr: files 0.1, server 0.2"]);
    }
}
