//! Measures: signed counts that form an algebra (zero, merge, negate).
//!
//! Ratios are not here: they are derived once, at display, in [`crate::report`].

/// A summable figure of a cell.
///
/// The order is that of the segment encoding and of API answers: append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Measure {
    /// Valid impressions.
    Impressions,
    /// Valid viewable impressions (MRC: half of the pixels for one second).
    Views,
    /// Valid clicks, linked or not.
    Clicks,
    /// Valid clicks that have an impression.
    LinkedClicks,
    /// Valid conversions, attributed or not.
    Conversions,
    /// The part of `Conversions` that is attributed to an impression without a click.
    ViewThrough,
    /// The part of `Conversions` that is attributed to nothing.
    Unattributed,
    /// Spend of valid events, in millionths of the advertiser's currency.
    CostMicros,
    /// Value of valid conversions, in millionths of the advertiser's currency.
    ValueMicros,
    /// Impressions that are invalid traffic.
    InvalidImpressions,
    /// Clicks that are invalid traffic.
    InvalidClicks,
    /// Conversions that are invalid traffic.
    InvalidConversions,
    /// Repeated deliveries of accepted events.
    Duplicates,
    /// Accepted events that arrived more than an hour after they happened.
    Late,
    /// Valid events whose explicit parent has not arrived.
    Waiting,
}

impl Measure {
    /// Every measure, in the order of the enum.
    pub const ALL: [Measure; 15] = [
        Measure::Impressions,
        Measure::Views,
        Measure::Clicks,
        Measure::LinkedClicks,
        Measure::Conversions,
        Measure::ViewThrough,
        Measure::Unattributed,
        Measure::CostMicros,
        Measure::ValueMicros,
        Measure::InvalidImpressions,
        Measure::InvalidClicks,
        Measure::InvalidConversions,
        Measure::Duplicates,
        Measure::Late,
        Measure::Waiting,
    ];

    /// The name in API queries and answers.
    pub fn name(self) -> &'static str {
        match self {
            Measure::Impressions => "impressions",
            Measure::Views => "views",
            Measure::Clicks => "clicks",
            Measure::LinkedClicks => "linked_clicks",
            Measure::Conversions => "conversions",
            Measure::ViewThrough => "view_through",
            Measure::Unattributed => "unattributed",
            Measure::CostMicros => "cost_micros",
            Measure::ValueMicros => "value_micros",
            Measure::InvalidImpressions => "invalid_impressions",
            Measure::InvalidClicks => "invalid_clicks",
            Measure::InvalidConversions => "invalid_conversions",
            Measure::Duplicates => "duplicates",
            Measure::Late => "late",
            Measure::Waiting => "waiting",
        }
    }
}

/// One figure per [`Measure`].
///
/// Sums wrap at 64 bits rather than panic: 9.2e18 micros is more money than there is, and a wrap is the only
/// overflow behaviour under which `merge` stays associative and `negate` its inverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Hash)]
pub struct Measures([i64; Measure::ALL.len()]);

impl Measures {
    /// The neutral element of [`Measures::merge`].
    pub const ZERO: Measures = Measures([0; Measure::ALL.len()]);

    /// The figure of one measure.
    pub fn get(&self, measure: Measure) -> i64 {
        self.0[measure as usize]
    }

    /// Adds to one measure.
    pub fn add(&mut self, measure: Measure, amount: i64) {
        let figure = &mut self.0[measure as usize];
        *figure = figure.wrapping_add(amount);
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Measures) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            *mine = mine.wrapping_add(theirs);
        }
    }

    /// The inverse: merging a value and its negation gives zero.
    #[must_use]
    pub fn negate(&self) -> Measures {
        Measures(self.0.map(i64::wrapping_neg))
    }

    /// Whether every figure is zero.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|figure| *figure == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_in_the_order_of_the_enum() {
        for (index, measure) in Measure::ALL.into_iter().enumerate() {
            assert_eq!(measure as usize, index, "{}", measure.name());
        }
    }

    #[test]
    fn negation_is_the_inverse_of_merge_even_at_the_edge() {
        let mut sum = Measures::ZERO;
        sum.add(Measure::Clicks, 3);
        sum.add(Measure::CostMicros, i64::MIN);
        let copy = sum;
        sum.merge(&copy.negate());
        assert!(sum.is_zero());
    }
}
