//! What counters amount to, for people: quantiles and prices.

use super::{Counts, Figure, Kind};

/// What counters amount to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Digest {
    /// Events stored for the first time.
    pub accepted: i64,
    /// Events stored before.
    pub duplicates: i64,
    /// Events that were not accepted, by reason.
    pub rejected: Vec<(String, i64)>,
    /// Time to the acknowledgement.
    pub ack: Option<Quantiles>,
    /// Time from the acknowledgement to the report.
    pub report_lag: Option<Quantiles>,
    /// What it cost by list price, by part; time of processors is not in it.
    pub cost_nanodollars: Vec<(String, i64)>,
    /// What a million accepted events cost at this rate, in millionths of a dollar.
    pub microdollars_per_million: Option<i64>,
}

/// Of values that are only known by the range that they are in, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quantiles {
    /// How many values.
    pub count: i64,
    /// Half of them are at most this.
    pub p50_ms: i64,
    /// 99 of 100 are at most this.
    pub p99_ms: i64,
}

impl Digest {
    /// Of counts that lack their cost.
    pub fn of(counts: &Counts) -> Digest {
        let mut counts = counts.clone();
        counts.add_cost();
        let parts = |figure| -> Vec<(String, i64)> {
            let of = counts.iter().filter(|(series, _)| series.figure == figure);
            of.map(|(series, value)| (series.part.clone(), value)).collect()
        };
        let sum = |figure| parts(figure).iter().map(|(_, value)| *value).sum::<i64>();
        let accepted = sum(Figure::Accepted);
        let nanodollars = i128::from(sum(Figure::Cost));
        // A thousandth of a nanodollar is a millionth of a microdollar.
        let per_million = (accepted > 0).then(|| nanodollars * 1_000 / i128::from(accepted));
        Digest {
            accepted,
            duplicates: sum(Figure::Duplicates),
            rejected: parts(Figure::Rejected),
            ack: Quantiles::of(&counts, Figure::AckTime),
            report_lag: Quantiles::of(&counts, Figure::ReportLag),
            cost_nanodollars: parts(Figure::Cost),
            microdollars_per_million: per_million.map(|price| i64::try_from(price).unwrap_or(i64::MAX)),
        }
    }
}

impl Quantiles {
    /// Of a histogram; `None` where nothing was noted.
    pub fn of(counts: &Counts, figure: Figure) -> Option<Quantiles> {
        let Kind::Histogram(_, bounds) = figure.about().kind else { return None };
        let ranges: Vec<i64> =
            (0..=bounds.len()).map(|range| counts.get(figure, &format!("{range:02}"))).collect();
        let count: i64 = ranges.iter().sum();
        let quantile = |hundredths| quantile(bounds, &ranges, count, hundredths);
        (count > 0).then(|| Quantiles { count, p50_ms: quantile(50), p99_ms: quantile(99) })
    }
}

/// As Prometheus has it: values lie evenly in their range, and those beyond the last bound are taken for that.
fn quantile(bounds: &[i64], ranges: &[i64], count: i64, hundredths: i64) -> i64 {
    // Hundredths of a value, so that nothing is lost.
    let wanted = count * hundredths;
    let mut before = 0;
    let mut lower = 0;
    for (range, within) in ranges.iter().enumerate() {
        let Some(upper) = bounds.get(range) else { break };
        if (before + within) * 100 >= wanted && *within > 0 {
            let share = wanted - before * 100;
            return lower + ((upper - lower) * share + within * 100 - 1) / (within * 100);
        }
        before += within;
        lower = *upper;
    }
    lower
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_in_their_range() {
        fn check(values: &[i64], p50: i64, p99: i64) {
            let mut counts = Counts::default();
            values.iter().for_each(|value| counts.observe(Figure::AckTime, *value));
            let count = values.len() as i64;
            let expected = (count > 0).then_some(Quantiles { count, p50_ms: p50, p99_ms: p99 });
            assert_eq!(Quantiles::of(&counts, Figure::AckTime), expected, "{values:?}");
        }
        check(&[], 0, 0);
        // Bounds are 5, 10, 25, 50, ...; one value may be anywhere in its range.
        check(&[7], 8, 10);
        check(&[1; 100], 3, 5);
        check(&[1, 1, 1, 7], 4, 10);
        check(&[20; 10], 18, 25);
        check(&[9_999], 5_000, 5_000);
        assert_eq!(Quantiles::of(&Counts::default(), Figure::Accepted), None);
    }

    #[test]
    fn prices_are_those_of_a_million() {
        let mut counts = Counts::default();
        assert_eq!(Digest::of(&counts).microdollars_per_million, None);
        counts.add(Figure::Accepted, "events", 400);
        counts.add(Figure::Accepted, "pixel", 100);
        counts.add(Figure::Duplicates, "events", 3);
        counts.add(Figure::Rejected, "bad_json", 2);
        counts.add(Figure::Requests, "2xx", 500);
        counts.add(Figure::RowsWritten, "", 20);
        let digest = Digest::of(&counts);
        // 500 requests at 300 and 20 rows at 1,000 nanodollars are 170,000 for 500 events: 0.34 dollars a million.
        assert_eq!(digest.microdollars_per_million, Some(340_000));
        assert_eq!(digest.cost_nanodollars, [("requests".to_owned(), 150_000), ("rows".to_owned(), 20_000)]);
        assert_eq!((digest.accepted, digest.duplicates), (500, 3));
        assert_eq!(digest.rejected, [("bad_json".to_owned(), 2)]);
    }
}
