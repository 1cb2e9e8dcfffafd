//! Figures over time, without gaps.

use std::collections::BTreeMap;

use adtally_core::report::{Metric, TimeUnit};
use adtally_wire::api::ReportAnswer;

use super::figure;
use crate::metric;

/// Figures per bucket of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The width of a bucket.
    pub unit: TimeUnit,
    /// The IANA zone in which buckets begin.
    pub tz: String,
    /// When each bucket begins.
    pub starts: Vec<i64>,
    /// The first bucket that has not ended: its figures still grow.
    pub open_from: usize,
    /// The first bucket that has not begun: there is nothing to say about it yet.
    pub begun: usize,
    /// What of it the batch has published; `None` until that is known.
    pub batch: Option<Batch>,
    values: BTreeMap<Metric, Vec<Option<f64>>>,
}

/// The part of figures over time that a batch has published.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Which generation; 0 where there was none.
    pub generation: u64,
    /// Figures that add up, by metric; one per bucket.
    values: BTreeMap<Metric, Vec<Option<f64>>>,
    /// Whether a bucket has the same figures with and without what came since.
    confirmed: Vec<bool>,
}

impl Series {
    /// Puts the rows of `answer` at the buckets that begin at `starts`.
    ///
    /// The report leaves out what has no cell: a bucket in the past without a row is zero, and a ratio there is
    /// nothing; a bucket in the future is nothing at all. A row that begins elsewhere gets its own bucket.
    pub fn new(answer: &ReportAnswer, unit: TimeUnit, starts: &[i64], now_ms: i64) -> Series {
        let time = figure::position(answer, unit.name());
        let rows: BTreeMap<i64, &Vec<_>> =
            answer.rows.iter().filter_map(|row| Some((figure::instant(row.get(time?)?)?, row))).collect();
        let mut all: Vec<i64> = starts.iter().chain(rows.keys()).copied().collect();
        all.sort_unstable();
        all.dedup();
        let metrics = answer
            .columns
            .iter()
            .enumerate()
            .filter_map(|(index, column)| Metric::parse(&column.name).map(|metric| (metric, index)));
        let values = metrics.map(|(metric, index)| {
            let empty = metric::adds_up(metric).then_some(0.0);
            let value = |start: &i64| match rows.get(start) {
                Some(row) => row.get(index).and_then(figure::number),
                None if *start <= now_ms => empty,
                None => None,
            };
            (metric, all.iter().map(value).collect())
        });
        let values = values.collect();
        let next_after = |index: usize| all.get(index + 1).copied();
        let ended =
            (0..all.len()).take_while(|index| next_after(*index).is_some_and(|next| next <= now_ms)).count();
        let open_from = match all.last() {
            // The last bucket's end is not known from the starts: it is open unless it is older than its width.
            Some(last) if ended + 1 == all.len() && now_ms - last >= width_ms(unit) => all.len(),
            _ => ended,
        };
        let begun = all.partition_point(|start| *start <= now_ms);
        Series { unit, tz: answer.tz.clone(), starts: all, open_from, begun, batch: None, values }
    }

    /// The same, with what the batch has published of it.
    #[must_use]
    pub fn with_batch(mut self, answer: &ReportAnswer) -> Series {
        let time = figure::position(answer, self.unit.name());
        let rows: BTreeMap<i64, &Vec<_>> =
            answer.rows.iter().filter_map(|row| Some((figure::instant(row.get(time?)?)?, row))).collect();
        let mut confirmed = vec![true; self.starts.len()];
        let mut values = BTreeMap::new();
        for (metric, merged) in self.values.iter().filter(|(metric, _)| metric::adds_up(**metric)) {
            let Some(place) = figure::position(answer, metric.name()) else { continue };
            let of =
                |start: &i64| rows.get(start).and_then(|row| figure::number(row.get(place)?)).unwrap_or(0.0);
            let published: Vec<f64> = self.starts.iter().map(of).collect();
            for ((confirmed, merged), published) in confirmed.iter_mut().zip(merged).zip(&published) {
                *confirmed &= merged.is_none_or(|merged| merged == *published);
            }
            let begun = published.into_iter().zip(merged).map(|(value, merged)| merged.map(|_| value));
            values.insert(*metric, begun.collect());
        }
        self.batch = Some(Batch { generation: answer.generation, values, confirmed });
        self
    }

    /// What of each figure the batch has published: all or nothing of a ratio.
    pub fn published(&self, metric: Metric) -> Option<Vec<Option<f64>>> {
        let batch = self.batch.as_ref()?;
        let whole = || {
            let values = self.values(metric).iter().zip(&batch.confirmed);
            values.map(|(value, confirmed)| value.filter(|_| *confirmed)).collect()
        };
        Some(batch.values.get(&metric).cloned().unwrap_or_else(whole))
    }

    /// The figures of buckets that are not as the batch has published them, with their neighbours, so that a line to
    /// them can be drawn.
    pub fn pending(&self, metric: Metric) -> Vec<Option<f64>> {
        let values = self.values(metric);
        let Some(Batch { confirmed, .. }) = &self.batch else { return vec![None; values.len()] };
        let is_pending = |index: usize| confirmed.get(index).is_some_and(|confirmed| !confirmed);
        let shown = |index: usize| {
            is_pending(index) || is_pending(index + 1) || index.checked_sub(1).is_some_and(is_pending)
        };
        values.iter().enumerate().map(|(index, value)| value.filter(|_| shown(index))).collect()
    }

    /// How much of a figure that adds up no batch has published, and of how much.
    pub fn unconfirmed(&self, metric: Metric) -> Option<(f64, f64)> {
        let published = self.batch.as_ref()?.values.get(&metric)?;
        let sum = |values: &[Option<f64>]| values.iter().flatten().sum::<f64>();
        let all = sum(self.values(metric));
        Some((all - sum(published), all))
    }

    /// One metric over buckets that have figures; `end_ms` is where one that begins then ends.
    pub fn of(
        (unit, tz): (TimeUnit, &str),
        metric: Metric,
        points: Vec<(i64, Option<f64>)>,
        now_ms: i64,
        end_ms: impl Fn(i64) -> i64,
    ) -> Series {
        let (starts, values): (Vec<_>, Vec<_>) = points.into_iter().unzip();
        let begun = starts.len();
        let open_from = starts.partition_point(|start| end_ms(*start) <= now_ms);
        let values = BTreeMap::from([(metric, values)]);
        Series { unit, tz: tz.to_string(), starts, open_from, begun, batch: None, values }
    }

    /// No bucket at all.
    pub fn empty() -> Series {
        let unit = TimeUnit::Day;
        Series {
            unit,
            tz: "UTC".to_string(),
            starts: Vec::new(),
            open_from: 0,
            begun: 0,
            batch: None,
            values: BTreeMap::new(),
        }
    }

    /// The same without the buckets before the first and after the last that has anything.
    #[must_use]
    pub fn trimmed(mut self) -> Series {
        let has = |index: &usize| {
            self.values.values().any(|values| values[*index].is_some_and(|value| value != 0.0))
        };
        let Some(first) = (0..self.starts.len()).find(has) else { return self };
        let end = (0..self.starts.len()).rev().find(has).map_or(self.starts.len(), |last| last + 1);
        self.starts = self.starts[first..end].to_vec();
        let batch = self.batch.iter_mut().flat_map(|batch| batch.values.values_mut());
        for values in self.values.values_mut().chain(batch) {
            *values = values[first..end].to_vec();
        }
        if let Some(batch) = &mut self.batch {
            batch.confirmed = batch.confirmed[first..end].to_vec();
        }
        self.open_from = self.open_from.clamp(first, end) - first;
        self.begun = self.begun.clamp(first, end) - first;
        self
    }

    /// The figures of one metric, one per bucket.
    pub fn values(&self, metric: Metric) -> &[Option<f64>] {
        self.values.get(&metric).map(Vec::as_slice).unwrap_or_default()
    }

    /// The buckets with the highest and the lowest figure, ended ones only where there are any.
    pub fn extremes(&self, metric: Metric) -> Option<(usize, usize)> {
        let values = self.values(metric);
        let ended = values.get(..self.open_from).filter(|values| values.iter().any(Option::is_some));
        let found: Vec<_> = ended
            .unwrap_or(values)
            .iter()
            .enumerate()
            .filter_map(|(index, value)| value.map(|value| (index, value)))
            .collect();
        let highest = found.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        let lowest = found.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        Some((highest.0, lowest.0))
    }
}

/// The longest that a bucket can be.
fn width_ms(unit: TimeUnit) -> i64 {
    use adtally_core::time::{DAY_MS, HOUR_MS};
    match unit {
        TimeUnit::Hour => HOUR_MS,
        TimeUnit::Day => DAY_MS + HOUR_MS,
        TimeUnit::Week => 7 * DAY_MS + HOUR_MS,
        TimeUnit::Month => 31 * DAY_MS + HOUR_MS,
    }
}

#[cfg(test)]
mod tests {
    use adtally_core::time::{HOUR_MS, rfc3339};
    use adtally_wire::api::ReportValue;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::metric::{CLICKS, COST, CTR};
    use crate::model::figure::tests::answer;

    const COLUMNS: [(&str, &str); 3] = [("hour", "time"), ("clicks", "count"), ("ctr", "ratio")];

    fn series(rows: &[(i64, i64)], hours: i64, now_ms: i64) -> Series {
        let row = |(hour, clicks): &(i64, i64)| {
            let start = ReportValue::Text(rfc3339(hour * HOUR_MS));
            vec![start, ReportValue::Count(*clicks), ReportValue::Ratio(0.5)]
        };
        let answer = answer(&COLUMNS, rows.iter().map(row).collect());
        let starts: Vec<_> = (0..hours).map(|hour| hour * HOUR_MS).collect();
        Series::new(&answer, TimeUnit::Hour, &starts, now_ms)
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn gaps_are_zero_in_the_past_and_nothing_in_the_future() {
        let series = series(&[(0, 7), (2, 9)], 5, 3 * HOUR_MS + 1);
        let clicks = [Some(7.0), Some(0.0), Some(9.0), Some(0.0), None];
        assert_eq!(series.values(CLICKS), clicks);
        assert_eq!(series.values(CTR), [Some(0.5), None, Some(0.5), None, None]);
        assert!(series.values(COST).is_empty());
        assert_eq!((series.open_from, series.begun), (3, 4));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_last_bucket_is_open_until_it_has_ended() {
        fn check(now_ms: i64, expected: usize) {
            assert_eq!(series(&[(0, 1)], 2, now_ms).open_from, expected, "{now_ms}");
        }
        check(HOUR_MS - 1, 0);
        check(HOUR_MS, 1);
        check(2 * HOUR_MS - 1, 1);
        check(2 * HOUR_MS, 2);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_last_of_some_buckets_is_open_until_it_has_ended() {
        fn check(now_ms: i64, expected: usize) {
            let points = vec![(0, Some(1.0)), (5 * HOUR_MS, Some(2.0))];
            let series = Series::of((TimeUnit::Hour, "UTC"), CLICKS, points, now_ms, |start| start + HOUR_MS);
            assert_eq!((series.open_from, series.begun), (expected, 2), "{now_ms}");
        }
        check(5 * HOUR_MS + 1, 1);
        check(6 * HOUR_MS, 2);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_row_outside_of_the_buckets_is_not_lost() {
        let series = series(&[(7, 4)], 2, 100 * HOUR_MS);
        assert_eq!(series.starts, [0, HOUR_MS, 7 * HOUR_MS]);
        assert_eq!(series.values(CLICKS), [Some(0.0), Some(0.0), Some(4.0)]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn trimming_keeps_what_is_between() {
        let trimmed = series(&[(2, 4), (4, 5)], 9, 100 * HOUR_MS).trimmed();
        assert_eq!(trimmed.starts, [2 * HOUR_MS, 3 * HOUR_MS, 4 * HOUR_MS]);
        assert_eq!(trimmed.values(CLICKS), [Some(4.0), Some(0.0), Some(5.0)]);
        assert_eq!(trimmed.open_from, 3);
        assert_eq!(series(&[], 3, 0).trimmed().starts.len(), 3);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_the_batch_has_published_is_told_apart() {
        let rows = |rows: &[(i64, i64)]| {
            let row = |(hour, clicks): &(i64, i64)| {
                vec![
                    ReportValue::Text(rfc3339(hour * HOUR_MS)),
                    ReportValue::Count(*clicks),
                    ReportValue::Ratio(0.5),
                ]
            };
            answer(&COLUMNS, rows.iter().map(row).collect())
        };
        let merged = series(&[(0, 7), (1, 5), (3, 9)], 5, 3 * HOUR_MS + 1);
        assert_eq!((merged.published(CLICKS), merged.unconfirmed(CLICKS)), (None, None));
        let series = merged.with_batch(&rows(&[(0, 7), (1, 4)]));
        assert_eq!(series.published(CLICKS).unwrap(), [Some(7.0), Some(4.0), Some(0.0), Some(0.0), None]);
        assert_eq!(series.published(CTR).unwrap(), [Some(0.5), None, None, None, None]);
        assert_eq!(series.pending(CLICKS), [Some(7.0), Some(5.0), Some(0.0), Some(9.0), None]);
        assert_eq!(series.unconfirmed(CLICKS), Some((10.0, 21.0)));
        assert_eq!(series.unconfirmed(CTR), None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn extremes_are_of_ended_buckets() {
        assert_eq!(series(&[(0, 7), (1, 3), (2, 1)], 3, 2 * HOUR_MS + 1).extremes(CLICKS), Some((0, 1)));
        assert_eq!(series(&[(0, 7)], 1, 1).extremes(CLICKS), Some((0, 0)));
        assert_eq!(series(&[], 1, 1).extremes(CTR), None);
    }
}
