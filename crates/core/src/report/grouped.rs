//! The sums of a query by what it tells apart, as numbers: what a pivot is made of.

use super::groups::Groups;
use super::table::names;
use super::{Metric, Query};
use crate::cell::Scope;
use crate::measure::{Measure, Measures};
use crate::segment::Segment;

/// The sums of every group of a query, column by column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grouped {
    /// Per grouping of the query, the texts that a report would show, ascending; some may have no group.
    pub names: Vec<Vec<String>>,
    /// Per grouping, for each group a place among its names.
    pub places: Vec<Vec<u32>>,
    /// Per measure that is asked for and not zero everywhere, a sum for each group.
    pub sums: Vec<(Measure, Vec<i64>)>,
    /// How many groups there are.
    pub len: usize,
}

impl Grouped {
    /// Adds up the cells of `scope` for `query`, without order, limit and sketches.
    ///
    /// Measures that the scope does not see are left out.
    pub fn of(query: &Query, segment: &Segment, scope: &Scope) -> Grouped {
        let shown = measures_of(query.metrics());
        let groups = Groups::of(&query.plan(), segment, Some(&shown));
        let (texts, places) = names(query, &groups).into_iter().unzip();
        let len = groups.len();
        let sums = groups.sums.into_iter();
        let sums = sums.filter(|(measure, _)| shown.contains(measure) && scope.sees(*measure)).collect();
        Grouped { names: texts, places, sums, len }
    }

    /// What all groups hold together.
    pub fn total(&self) -> Measures {
        let mut total = Measures::ZERO;
        for (measure, sums) in &self.sums {
            total.add(*measure, sums.iter().fold(0, |sum, one| sum.wrapping_add(*one)));
        }
        total
    }
}

/// The sums that metrics are made of, each once.
fn measures_of(metrics: &[Metric]) -> Vec<Measure> {
    let mut measures: Vec<Measure> = metrics.iter().flat_map(|metric| metric.measures()).collect();
    measures.sort_unstable();
    measures.dedup();
    measures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::{CellKey, Cells, Dimension};
    use crate::key::Key;
    use crate::report::{Value, run};
    use crate::time::{Hour, ServerTime};

    fn segment() -> Segment {
        let mut cells = Cells::new();
        for (hour, campaign, country, clicks) in
            [(0, "a", "KR", 3), (0, "b", "KR", 5), (25, "a", "US", 7), (26, "a", "", 11), (26, "c", "US", 0)]
        {
            let mut key = CellKey::at(Hour(hour));
            key.set(Dimension::Campaign, Key::parse(campaign).unwrap());
            key.set(Dimension::Country, Key::parse(country).unwrap());
            let measures = &mut cells.entry(key).or_default().measures;
            measures.add(Measure::Clicks, clicks);
            measures.add(Measure::Impressions, 100);
            measures.add(Measure::ValueMicros, 13);
        }
        Segment::from_cells(cells)
    }

    fn query(by: &str) -> Query {
        let params =
            [("from", "1970-01-01"), ("to", "1970-02-01"), ("by", by), ("metrics", "ctr,value_micros")];
        let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Query::parse(&params, "UTC", ServerTime(0)).unwrap()
    }

    /// Groups and rows of the report are the same.
    #[test]
    fn it_agrees_with_the_report() {
        for by in ["", "campaign", "day", "campaign,country", "day,campaign"] {
            let (query, scope) = (query(by), Scope::Platform);
            let grouped = Grouped::of(&query, &segment(), &scope);
            let table = run(&query, &segment(), &scope);
            let row = |group: usize| {
                let named = grouped.names.iter().zip(&grouped.places);
                let mut row: Vec<Value> =
                    named.map(|(names, places)| Value::Text(names[places[group] as usize].clone())).collect();
                let mut measures = Measures::ZERO;
                grouped.sums.iter().for_each(|(measure, sums)| measures.add(*measure, sums[group]));
                let ctr = crate::report::Ratio::Ctr.of(&measures);
                row.push(ctr.map_or(Value::Nothing, Value::Ratio));
                row.push(Value::Count(measures.get(Measure::ValueMicros)));
                row
            };
            let mut rows: Vec<_> = (0..grouped.len).map(row).collect();
            let mut expected = table.rows.clone();
            rows.sort_by_key(|row| format!("{row:?}"));
            expected.sort_by_key(|row| format!("{row:?}"));
            assert_eq!(rows, expected, "{by}");
            assert_eq!(grouped.total().get(Measure::ValueMicros), 65, "{by}");
        }
    }

    #[test]
    fn what_a_scope_does_not_see_is_left_out() {
        let scope = Scope::parse("service:news").unwrap();
        let grouped = Grouped::of(&query("country"), &segment(), &scope);
        assert_eq!(grouped.total().get(Measure::ValueMicros), 0);
        assert_eq!(grouped.total().get(Measure::Clicks), 26);
    }
}
