//! The state of the overview.

use adtally_core::report::{Metric, TimeUnit};

use super::frame::Frame;
use super::params::Params;
use crate::metric::{CLICKS, CONVERSIONS, COST, CTR, IMPRESSIONS, LINK_RATE, VALUE};
use crate::phrase::Phrase;

/// What the overview shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OverviewState {
    /// Whose figures, of which days, in which zone.
    pub frame: Frame,
    /// What the chart draws and the top lists rank by.
    pub metric: Metric,
    /// The width of the chart's buckets; `None` is what suits the period.
    pub unit: Option<TimeUnit>,
}

/// How a chart's buckets are called.
pub fn bucket_phrase(unit: TimeUnit) -> Phrase {
    match unit {
        TimeUnit::Hour => Phrase::ByHour,
        TimeUnit::Day => Phrase::ByDay,
        TimeUnit::Week => Phrase::ByWeek,
        TimeUnit::Month => Phrase::ByMonth,
    }
}

impl OverviewState {
    /// The figures of the tiles, in their order.
    pub const TILES: [Metric; 7] = [IMPRESSIONS, CLICKS, CTR, LINK_RATE, CONVERSIONS, COST, VALUE];

    /// Reads a query and names what it cannot.
    pub fn read(query: &str) -> (OverviewState, Vec<String>) {
        let params = Params::parse(query);
        let mut unread = Vec::new();
        let frame = Frame::read(&params, &mut unread);
        let metric = params.get("metric").and_then(|name| {
            let metric = Metric::parse(name).filter(|metric| Self::TILES.contains(metric));
            if metric.is_none() {
                unread.push(format!("metric={name}"));
            }
            metric
        });
        let unit = params.get("unit").and_then(|name| {
            let unit = TimeUnit::ALL.into_iter().find(|unit| unit.name() == name);
            if unit.is_none() {
                unread.push(format!("unit={name}"));
            }
            unit
        });
        (OverviewState { frame, metric: metric.unwrap_or(IMPRESSIONS), unit }, unread)
    }

    /// The address of the page.
    pub fn href(&self) -> String {
        let mut params = Params::default();
        self.frame.write(&mut params);
        params.push_unless("metric", self.metric.name(), IMPRESSIONS.name());
        if let Some(unit) = self.unit {
            params.push("unit", unit.name());
        }
        params.after("/")
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn overviews_round_trip() {
        for query in ["", "?metric=ctr", "?unit=day", "?scope=platform&range=today&tz=UTC&metric=cost_micros"]
        {
            let (state, unread) = OverviewState::read(query);
            assert_eq!(state.href(), format!("/{query}"));
            assert!(unread.is_empty(), "{unread:?}");
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_metric_without_a_tile_is_named() {
        let (state, unread) = OverviewState::read("metric=late&unit=second");
        assert_eq!(state.metric, IMPRESSIONS);
        assert_eq!(unread, ["metric=late", "unit=second"]);
    }
}
