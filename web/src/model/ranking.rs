//! The first rows of a report by one dimension, as a list with bars.

use adtally_core::cell::Dimension;
use adtally_core::report::Metric;
use adtally_wire::api::{ReportAnswer, ReportValue};

use super::figure;
use crate::metric;

/// One line of a ranking.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// The value of the dimension, empty where it is unknown.
    pub key: String,
    /// The figure that is ranked by.
    pub figure: Option<f64>,
    /// Length of its bar: 1 is the largest of the list.
    pub length: f64,
    /// Its share of all rows, also of those below the list; only of what adds up.
    pub share: Option<f64>,
    /// The other figures of the row, in the order in which they were asked for.
    pub others: Vec<(Metric, Option<f64>)>,
}

/// The rows of `answer`, which is by `dimension`, in its order, without those that have nothing to be ranked by.
pub fn ranking(answer: &ReportAnswer, dimension: Dimension, metric: Metric) -> Vec<Ranked> {
    let (Some(key_at), Some(figure_at)) =
        (figure::position(answer, dimension.name()), figure::position(answer, metric.name()))
    else {
        return Vec::new();
    };
    let at = |row: &Vec<ReportValue>, index: usize| row.get(index).and_then(figure::number);
    let figures = answer.rows.iter().filter_map(|row| at(row, figure_at));
    let largest = figures.fold(0.0, f64::max);
    let total = figure::total(answer, metric).filter(|total| metric::adds_up(metric) && *total > 0.0);
    let others: Vec<_> = answer
        .columns
        .iter()
        .enumerate()
        .filter_map(|(index, column)| Some((Metric::parse(&column.name)?, index)))
        .filter(|(other, _)| *other != metric)
        .collect();
    let line = |row: &Vec<ReportValue>| {
        let figure = at(row, figure_at);
        Ranked {
            key: row.get(key_at).and_then(figure::raw).unwrap_or_default(),
            figure,
            length: if largest > 0.0 { (figure.unwrap_or(0.0) / largest).clamp(0.0, 1.0) } else { 0.0 },
            share: figure.and_then(|figure| total.map(|total| figure / total)),
            others: others.iter().map(|(other, index)| (*other, at(row, *index))).collect(),
        }
    };
    answer.rows.iter().map(line).filter(|line| line.figure.is_some_and(|figure| figure != 0.0)).collect()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::metric::{CLICKS, CTR};
    use crate::model::figure::tests::answer;

    fn sample() -> ReportAnswer {
        let row = |name: &str, clicks, ctr| {
            vec![ReportValue::Text(name.to_string()), ReportValue::Count(clicks), ReportValue::Ratio(ctr)]
        };
        let columns = [("campaign", "dimension"), ("clicks", "count"), ("ctr", "ratio")];
        let mut answer =
            answer(&columns, vec![row("spring", 60, 0.1), row("", 15, 0.2), row("idle", 0, 0.0)]);
        answer.totals.insert("clicks".to_string(), ReportValue::Count(100));
        answer.totals.insert("ctr".to_string(), ReportValue::Ratio(0.11));
        answer
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn shares_are_of_all_rows_and_bars_of_the_first() {
        let lines = ranking(&sample(), Dimension::Campaign, CLICKS);
        assert_eq!((lines.len(), lines[0].key.as_str()), (2, "spring"));
        assert_eq!((lines[0].length, lines[0].share), (1.0, Some(0.6)));
        assert_eq!((lines[1].length, lines[1].share), (0.25, Some(0.15)));
        assert_eq!(lines[1].others, [(CTR, Some(0.2))]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_ratio_has_no_share() {
        let lines = ranking(&sample(), Dimension::Campaign, CTR);
        assert_eq!((lines[0].length, lines[0].share), (0.5, None));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn another_report_gives_no_lines() {
        assert!(ranking(&sample(), Dimension::Service, CLICKS).is_empty());
    }
}
