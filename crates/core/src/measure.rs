//! Measures: signed counts that form an algebra (zero, merge, negate).
//!
//! Ratios are not here: they are derived once, at display, in [`crate::report`].

use crate::event::{InvalidReason, Kind};

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
    /// Views that are invalid traffic.
    InvalidViews,
    /// The part of `InvalidImpressions` by robots, known by their user agents.
    BotImpressions,
    /// The part of `InvalidViews` by robots, known by their user agents.
    BotViews,
    /// The part of `InvalidClicks` by robots, known by their user agents.
    BotClicks,
    /// The part of `InvalidConversions` by robots, known by their user agents.
    BotConversions,
    /// The part of `InvalidImpressions` from data centres.
    DatacenterImpressions,
    /// The part of `InvalidViews` from data centres.
    DatacenterViews,
    /// The part of `InvalidClicks` from data centres.
    DatacenterClicks,
    /// The part of `InvalidConversions` from data centres.
    DatacenterConversions,
    /// The part of `InvalidImpressions` that repeat one of a moment before.
    RepeatImpressions,
    /// The part of `InvalidViews` that repeat one of a moment before.
    RepeatViews,
    /// The part of `InvalidClicks` that repeat one of a moment before.
    RepeatClicks,
    /// The part of `InvalidConversions` that repeat one of a moment before.
    RepeatConversions,
    /// The part of `InvalidImpressions` of a user who has too many in a day; the batch finds those.
    FloodImpressions,
    /// The part of `InvalidViews` of a user who has too many in a day; the batch finds those.
    FloodViews,
    /// The part of `InvalidClicks` of a user who has too many in a day; the batch finds those.
    FloodClicks,
    /// The part of `InvalidConversions` of a user who has too many in a day; the batch finds those.
    FloodConversions,
}

impl Measure {
    /// Every measure, in the order of the enum.
    pub const ALL: [Measure; 32] = [
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
        Measure::InvalidViews,
        Measure::BotImpressions,
        Measure::BotViews,
        Measure::BotClicks,
        Measure::BotConversions,
        Measure::DatacenterImpressions,
        Measure::DatacenterViews,
        Measure::DatacenterClicks,
        Measure::DatacenterConversions,
        Measure::RepeatImpressions,
        Measure::RepeatViews,
        Measure::RepeatClicks,
        Measure::RepeatConversions,
        Measure::FloodImpressions,
        Measure::FloodViews,
        Measure::FloodClicks,
        Measure::FloodConversions,
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
            Measure::InvalidViews => "invalid_views",
            Measure::BotImpressions => "bot_impressions",
            Measure::BotViews => "bot_views",
            Measure::BotClicks => "bot_clicks",
            Measure::BotConversions => "bot_conversions",
            Measure::DatacenterImpressions => "datacenter_impressions",
            Measure::DatacenterViews => "datacenter_views",
            Measure::DatacenterClicks => "datacenter_clicks",
            Measure::DatacenterConversions => "datacenter_conversions",
            Measure::RepeatImpressions => "repeat_impressions",
            Measure::RepeatViews => "repeat_views",
            Measure::RepeatClicks => "repeat_clicks",
            Measure::RepeatConversions => "repeat_conversions",
            Measure::FloodImpressions => "flood_impressions",
            Measure::FloodViews => "flood_views",
            Measure::FloodClicks => "flood_clicks",
            Measure::FloodConversions => "flood_conversions",
        }
    }
}

/// Valid events of a kind, linked or not.
pub fn valid(kind: Kind) -> Measure {
    match kind {
        Kind::Impression => Measure::Impressions,
        Kind::View => Measure::Views,
        Kind::Click => Measure::Clicks,
        Kind::Conversion => Measure::Conversions,
    }
}

/// Invalid events of a kind, whatever the reason.
pub fn invalid(kind: Kind) -> Measure {
    match kind {
        Kind::Impression => Measure::InvalidImpressions,
        Kind::View => Measure::InvalidViews,
        Kind::Click => Measure::InvalidClicks,
        Kind::Conversion => Measure::InvalidConversions,
    }
}

/// The part of [`invalid`] that is so for one reason.
pub fn invalid_for(reason: InvalidReason, kind: Kind) -> Measure {
    let [impressions, views, clicks, conversions] = match reason {
        InvalidReason::Bot => {
            [Measure::BotImpressions, Measure::BotViews, Measure::BotClicks, Measure::BotConversions]
        }
        InvalidReason::Datacenter => [
            Measure::DatacenterImpressions,
            Measure::DatacenterViews,
            Measure::DatacenterClicks,
            Measure::DatacenterConversions,
        ],
        InvalidReason::Repeat => [
            Measure::RepeatImpressions,
            Measure::RepeatViews,
            Measure::RepeatClicks,
            Measure::RepeatConversions,
        ],
        InvalidReason::Flood => {
            [Measure::FloodImpressions, Measure::FloodViews, Measure::FloodClicks, Measure::FloodConversions]
        }
    };
    match kind {
        Kind::Impression => impressions,
        Kind::View => views,
        Kind::Click => clicks,
        Kind::Conversion => conversions,
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
