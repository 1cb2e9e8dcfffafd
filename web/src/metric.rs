//! How the figures of a report are called, written and grouped on a page.
//!
//! What they are, and who may see them, is [`adtally_core::report::Metric`].

use adtally_core::event::Kind;
use adtally_core::measure::Measure;
use adtally_core::report::{Metric, Ratio};

use crate::phrase::Phrase;

/// Valid impressions.
pub const IMPRESSIONS: Metric = Metric::Measure(Measure::Impressions);
/// Valid clicks.
pub const CLICKS: Metric = Metric::Measure(Measure::Clicks);
/// Valid clicks that have an impression.
pub const LINKED_CLICKS: Metric = Metric::Measure(Measure::LinkedClicks);
/// Valid conversions.
pub const CONVERSIONS: Metric = Metric::Measure(Measure::Conversions);
/// Spend.
pub const COST: Metric = Metric::Measure(Measure::CostMicros);
/// Value of conversions.
pub const VALUE: Metric = Metric::Measure(Measure::ValueMicros);
/// Clicks per impression.
pub const CTR: Metric = Metric::Ratio(Ratio::Ctr);
/// Linked clicks per click.
pub const LINK_RATE: Metric = Metric::Ratio(Ratio::LinkRate);

/// Every metric under the heading and in the order in which it is offered.
///
/// Those of floods are not: only the batch can find floods, and until it does a zero would look like a finding.
pub const OFFERED: [(Phrase, &[Metric]); 6] = [
    (
        Phrase::GroupDelivery,
        &[IMPRESSIONS, Metric::Measure(Measure::Views), Metric::Ratio(Ratio::Viewability), Metric::Reach],
    ),
    (Phrase::GroupClicks, &[CLICKS, CTR, LINKED_CLICKS, LINK_RATE]),
    (
        Phrase::GroupConversions,
        &[
            CONVERSIONS,
            Metric::Measure(Measure::ViewThrough),
            Metric::Measure(Measure::Unattributed),
            Metric::Ratio(Ratio::Cvr),
        ],
    ),
    (
        Phrase::GroupMoney,
        &[
            COST,
            VALUE,
            Metric::Ratio(Ratio::Cpm),
            Metric::Ratio(Ratio::Cpc),
            Metric::Ratio(Ratio::Cpa),
            Metric::Ratio(Ratio::Roas),
        ],
    ),
    (
        Phrase::GroupInvalid,
        &[
            Metric::Gross(Kind::Impression),
            Metric::Gross(Kind::View),
            Metric::Gross(Kind::Click),
            Metric::Gross(Kind::Conversion),
            Metric::Measure(Measure::InvalidImpressions),
            Metric::Measure(Measure::InvalidViews),
            Metric::Measure(Measure::InvalidClicks),
            Metric::Measure(Measure::InvalidConversions),
            Metric::Measure(Measure::BotImpressions),
            Metric::Measure(Measure::BotViews),
            Metric::Measure(Measure::BotClicks),
            Metric::Measure(Measure::BotConversions),
            Metric::Measure(Measure::DatacenterImpressions),
            Metric::Measure(Measure::DatacenterViews),
            Metric::Measure(Measure::DatacenterClicks),
            Metric::Measure(Measure::DatacenterConversions),
            Metric::Measure(Measure::RepeatImpressions),
            Metric::Measure(Measure::RepeatViews),
            Metric::Measure(Measure::RepeatClicks),
            Metric::Measure(Measure::RepeatConversions),
        ],
    ),
    (
        Phrase::GroupQuality,
        &[
            Metric::Measure(Measure::Duplicates),
            Metric::Measure(Measure::Late),
            Metric::Measure(Measure::Waiting),
        ],
    ),
];

/// How a figure is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A whole number.
    Count,
    /// Micros of a currency.
    Money,
    /// A share, written in per cent.
    Percent,
    /// A multiple, written with `×`.
    Multiple,
}

/// Whether more of a figure is better; a change is coloured by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    /// More is better.
    Good,
    /// Less is better.
    Bad,
    /// Neither.
    Neutral,
}

/// The name on a page.
pub fn phrase(metric: Metric) -> Phrase {
    match metric {
        Metric::Measure(measure) => measure_phrase(measure),
        Metric::Gross(Kind::Impression) => Phrase::GrossImpressions,
        Metric::Gross(Kind::View) => Phrase::GrossViews,
        Metric::Gross(Kind::Click) => Phrase::GrossClicks,
        Metric::Gross(Kind::Conversion) => Phrase::GrossConversions,
        Metric::Reach => Phrase::Reach,
        Metric::Ratio(Ratio::Ctr) => Phrase::Ctr,
        Metric::Ratio(Ratio::Cvr) => Phrase::Cvr,
        Metric::Ratio(Ratio::Cpm) => Phrase::Cpm,
        Metric::Ratio(Ratio::Cpc) => Phrase::Cpc,
        Metric::Ratio(Ratio::Cpa) => Phrase::Cpa,
        Metric::Ratio(Ratio::Roas) => Phrase::Roas,
        Metric::Ratio(Ratio::Viewability) => Phrase::Viewability,
        Metric::Ratio(Ratio::LinkRate) => Phrase::LinkRate,
    }
}

fn measure_phrase(measure: Measure) -> Phrase {
    match measure {
        Measure::Impressions => Phrase::Impressions,
        Measure::Views => Phrase::Views,
        Measure::Clicks => Phrase::Clicks,
        Measure::LinkedClicks => Phrase::LinkedClicks,
        Measure::Conversions => Phrase::Conversions,
        Measure::ViewThrough => Phrase::ViewThrough,
        Measure::Unattributed => Phrase::Unattributed,
        Measure::CostMicros => Phrase::Cost,
        Measure::ValueMicros => Phrase::Value,
        Measure::InvalidImpressions => Phrase::InvalidImpressions,
        Measure::InvalidClicks => Phrase::InvalidClicks,
        Measure::InvalidConversions => Phrase::InvalidConversions,
        Measure::Duplicates => Phrase::Duplicates,
        Measure::Late => Phrase::Late,
        Measure::Waiting => Phrase::Waiting,
        Measure::InvalidViews => Phrase::InvalidViews,
        Measure::BotImpressions => Phrase::BotImpressions,
        Measure::BotViews => Phrase::BotViews,
        Measure::BotClicks => Phrase::BotClicks,
        Measure::BotConversions => Phrase::BotConversions,
        Measure::DatacenterImpressions => Phrase::DatacenterImpressions,
        Measure::DatacenterViews => Phrase::DatacenterViews,
        Measure::DatacenterClicks => Phrase::DatacenterClicks,
        Measure::DatacenterConversions => Phrase::DatacenterConversions,
        Measure::RepeatImpressions => Phrase::RepeatImpressions,
        Measure::RepeatViews => Phrase::RepeatViews,
        Measure::RepeatClicks => Phrase::RepeatClicks,
        Measure::RepeatConversions => Phrase::RepeatConversions,
        Measure::FloodImpressions => Phrase::FloodImpressions,
        Measure::FloodViews => Phrase::FloodViews,
        Measure::FloodClicks => Phrase::FloodClicks,
        Measure::FloodConversions => Phrase::FloodConversions,
    }
}

/// How it is written.
pub fn unit(metric: Metric) -> Unit {
    match metric {
        Metric::Measure(Measure::CostMicros | Measure::ValueMicros) => Unit::Money,
        Metric::Measure(_) | Metric::Gross(_) | Metric::Reach => Unit::Count,
        Metric::Ratio(ratio) if ratio.is_money() => Unit::Money,
        Metric::Ratio(Ratio::Roas) => Unit::Multiple,
        Metric::Ratio(_) => Unit::Percent,
    }
}

/// Whether it is money or made of it, so that over several currencies it means nothing.
pub fn needs_one_currency(metric: Metric) -> bool {
    matches!(unit(metric), Unit::Money | Unit::Multiple)
}

/// Whether more of it is better.
pub fn sense(metric: Metric) -> Sense {
    match metric {
        COST => Sense::Neutral,
        // Every measure from the first invalid one on counts something that should not be.
        Metric::Measure(Measure::Unattributed) => Sense::Bad,
        Metric::Measure(measure) if measure >= Measure::InvalidImpressions => Sense::Bad,
        // More traffic of which more may be invalid.
        Metric::Gross(_) => Sense::Neutral,
        Metric::Ratio(ratio) if ratio.is_money() => Sense::Bad,
        _ => Sense::Good,
    }
}

/// Whether rows of it add up, so that a share of its total means something.
pub fn adds_up(metric: Metric) -> bool {
    matches!(metric, Metric::Measure(_) | Metric::Gross(_))
}

/// What to rank by where the metric itself would rank noise first: a ratio is often highest over few events.
pub fn weight(metric: Metric) -> Metric {
    match metric {
        Metric::Measure(_) | Metric::Gross(_) => metric,
        Metric::Reach => IMPRESSIONS,
        Metric::Ratio(ratio) => Metric::Measure(ratio.measures().1),
    }
}

/// The kind of the events that it counts; `None` where it counts several.
pub fn kind(metric: Metric) -> Option<Kind> {
    let Metric::Measure(measure) = metric else {
        return if let Metric::Gross(kind) = metric { Some(kind) } else { None };
    };
    let name = measure.name();
    match measure {
        Measure::CostMicros | Measure::Duplicates | Measure::Late | Measure::Waiting => None,
        _ if name.ends_with("impressions") => Some(Kind::Impression),
        _ if name.ends_with("views") => Some(Kind::View),
        _ if name.ends_with("clicks") => Some(Kind::Click),
        // Through what they came, and what they are worth.
        _ => Some(Kind::Conversion),
    }
}

/// What the events that it counts became: `counted`, `invalid` or a reason; `None` where that does not say which.
pub fn outcome(metric: Metric) -> Option<&'static str> {
    const REASONS: [&str; 4] = ["bot", "datacenter", "repeat", "flood"];
    match metric {
        Metric::Gross(_) | Metric::Measure(Measure::Duplicates | Measure::Late) => None,
        Metric::Measure(Measure::Waiting) => Some("parent_missing"),
        Metric::Measure(measure) => {
            let first = measure.name().split('_').next().unwrap_or_default();
            let reason = REASONS.into_iter().find(|reason| *reason == first);
            Some(reason.unwrap_or(if first == "invalid" { "invalid" } else { "counted" }))
        }
        Metric::Ratio(_) | Metric::Reach => Some("counted"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn every_metric_of_the_core_is_offered_once() {
        let offered: Vec<_> = OFFERED.iter().flat_map(|(_, metrics)| *metrics).copied().collect();
        let different: BTreeSet<_> = offered.iter().copied().collect();
        assert_eq!(different.len(), offered.len());
        let is_flood = |metric: &Metric| metric.name().starts_with("flood_");
        assert_eq!(different, Metric::all().filter(|metric| !is_flood(metric)).collect());
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn kinds() {
        fn check(name: &str, expected: Option<Kind>) {
            assert_eq!(kind(Metric::parse(name).unwrap()), expected, "{name}");
        }
        check("impressions", Some(Kind::Impression));
        check("bot_views", Some(Kind::View));
        check("linked_clicks", Some(Kind::Click));
        check("unattributed", Some(Kind::Conversion));
        check("gross_clicks", Some(Kind::Click));
        for name in ["cost_micros", "late", "ctr", "reach"] {
            check(name, None);
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn outcomes() {
        fn check(name: &str, expected: Option<&str>) {
            assert_eq!(outcome(Metric::parse(name).unwrap()), expected, "{name}");
        }
        check("impressions", Some("counted"));
        check("linked_clicks", Some("counted"));
        check("cost_micros", Some("counted"));
        check("ctr", Some("counted"));
        check("invalid_views", Some("invalid"));
        check("bot_clicks", Some("bot"));
        check("repeat_conversions", Some("repeat"));
        check("waiting", Some("parent_missing"));
        for name in ["gross_clicks", "late", "duplicates"] {
            check(name, None);
        }
        // The API takes what is asked for.
        let known: Vec<_> = adtally_core::link::Filter::outcomes().collect();
        assert!(Metric::all().filter_map(outcome).all(|name| known.contains(&name)));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn units() {
        fn check(name: &str, expected: Unit) {
            assert_eq!(unit(Metric::parse(name).unwrap()), expected, "{name}");
        }
        check("clicks", Unit::Count);
        check("reach", Unit::Count);
        check("cost_micros", Unit::Money);
        check("cpm", Unit::Money);
        check("roas", Unit::Multiple);
        check("ctr", Unit::Percent);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn ratios_are_ranked_by_what_they_are_over() {
        assert_eq!(weight(CTR), IMPRESSIONS);
        assert_eq!(weight(LINK_RATE), CLICKS);
        assert_eq!(weight(COST), COST);
        assert!(Metric::all().all(|metric| adds_up(weight(metric))));
    }
}
