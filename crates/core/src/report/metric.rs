//! Metrics: what a report can show, sums and what is derived from them.

use crate::cell::{Scope, Tally};
use crate::event::Kind;
use crate::measure::{self, Measure, Measures};

/// A figure of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// A sum.
    Measure(Measure),
    /// Estimated different users with a valid impression.
    Reach,
    /// All events of a kind, valid or not; repeated deliveries are not among them.
    Gross(Kind),
    /// A quotient of two sums.
    Ratio(Ratio),
}

/// A quotient of two sums; over zero it has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ratio {
    /// Click-through rate: clicks per impression.
    Ctr,
    /// Conversion rate: conversions per click.
    Cvr,
    /// Cost per thousand impressions, in micros.
    Cpm,
    /// Cost per click, in micros.
    Cpc,
    /// Cost per conversion, in micros.
    Cpa,
    /// Return on ad spend: value per cost.
    Roas,
    /// Viewable impressions per impression.
    Viewability,
    /// Clicks with an impression per click.
    LinkRate,
}

impl Ratio {
    /// Every ratio, in the order of the enum.
    pub const ALL: [Ratio; 8] = [
        Ratio::Ctr,
        Ratio::Cvr,
        Ratio::Cpm,
        Ratio::Cpc,
        Ratio::Cpa,
        Ratio::Roas,
        Ratio::Viewability,
        Ratio::LinkRate,
    ];

    /// The name in API queries and answers.
    pub fn name(self) -> &'static str {
        match self {
            Ratio::Ctr => "ctr",
            Ratio::Cvr => "cvr",
            Ratio::Cpm => "cpm",
            Ratio::Cpc => "cpc",
            Ratio::Cpa => "cpa",
            Ratio::Roas => "roas",
            Ratio::Viewability => "viewability",
            Ratio::LinkRate => "link_rate",
        }
    }

    /// Numerator and denominator.
    pub fn measures(self) -> (Measure, Measure) {
        match self {
            Ratio::Ctr => (Measure::Clicks, Measure::Impressions),
            Ratio::Cvr => (Measure::Conversions, Measure::Clicks),
            Ratio::Cpm => (Measure::CostMicros, Measure::Impressions),
            Ratio::Cpc => (Measure::CostMicros, Measure::Clicks),
            Ratio::Cpa => (Measure::CostMicros, Measure::Conversions),
            Ratio::Roas => (Measure::ValueMicros, Measure::CostMicros),
            Ratio::Viewability => (Measure::Views, Measure::Impressions),
            Ratio::LinkRate => (Measure::LinkedClicks, Measure::Clicks),
        }
    }

    /// Whether the quotient is an amount of money, in micros.
    pub fn is_money(self) -> bool {
        matches!(self, Ratio::Cpm | Ratio::Cpc | Ratio::Cpa)
    }

    /// The quotient; none over zero.
    pub fn of(self, measures: &Measures) -> Option<f64> {
        let (numerator, denominator) = self.measures();
        let per = if self == Ratio::Cpm { 1_000.0 } else { 1.0 };
        match measures.get(denominator) {
            0 => None,
            denominator => Some(measures.get(numerator) as f64 * per / denominator as f64),
        }
    }
}

impl Metric {
    /// What a report shows that does not say.
    pub const DEFAULT: [Metric; 5] = [
        Metric::Measure(Measure::Impressions),
        Metric::Measure(Measure::Clicks),
        Metric::Measure(Measure::LinkedClicks),
        Metric::Measure(Measure::Conversions),
        Metric::Measure(Measure::CostMicros),
    ];

    /// Every metric, in the order of the API reference.
    pub fn all() -> impl Iterator<Item = Metric> {
        let measures = Measure::ALL.into_iter().map(Metric::Measure);
        let gross = Kind::ALL.map(Metric::Gross);
        measures.chain(gross).chain([Metric::Reach]).chain(Ratio::ALL.map(Metric::Ratio))
    }

    /// The name in API queries and answers.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Measure(measure) => measure.name(),
            Metric::Gross(Kind::Impression) => "gross_impressions",
            Metric::Gross(Kind::View) => "gross_views",
            Metric::Gross(Kind::Click) => "gross_clicks",
            Metric::Gross(Kind::Conversion) => "gross_conversions",
            Metric::Reach => "reach",
            Metric::Ratio(ratio) => ratio.name(),
        }
    }

    /// The metric of that name.
    pub fn parse(name: &str) -> Option<Metric> {
        Metric::all().find(|metric| metric.name() == name)
    }

    /// Whether `scope` may see it: every sum that it is derived from.
    pub fn is_seen_by(self, scope: &Scope) -> bool {
        match self {
            Metric::Measure(measure) => scope.sees(measure),
            Metric::Gross(kind) => scope.sees(measure::valid(kind)) && scope.sees(measure::invalid(kind)),
            Metric::Reach => true,
            Metric::Ratio(ratio) => {
                let (numerator, denominator) = ratio.measures();
                scope.sees(numerator) && scope.sees(denominator)
            }
        }
    }

    /// The sums that it is made of.
    pub fn measures(self) -> impl Iterator<Item = Measure> {
        let (one, other) = match self {
            Metric::Measure(measure) => (Some(measure), None),
            Metric::Gross(kind) => (Some(measure::valid(kind)), Some(measure::invalid(kind))),
            Metric::Reach => (None, None),
            Metric::Ratio(ratio) => {
                let (numerator, denominator) = ratio.measures();
                (Some(numerator), Some(denominator))
            }
        };
        one.into_iter().chain(other)
    }

    /// The value in `tally`.
    pub(super) fn of(self, tally: &Tally) -> super::Value {
        use super::Value;
        match self {
            Metric::Measure(measure) => Value::Count(tally.measures.get(measure)),
            Metric::Gross(kind) => {
                let [valid, invalid] = [measure::valid(kind), measure::invalid(kind)];
                Value::Count(tally.measures.get(valid).wrapping_add(tally.measures.get(invalid)))
            }
            Metric::Reach => Value::Count(i64::try_from(tally.users.estimate()).unwrap_or(i64::MAX)),
            Metric::Ratio(ratio) => ratio.of(&tally.measures).map_or(Value::Nothing, Value::Ratio),
        }
    }
}
