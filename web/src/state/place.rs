//! The whole address: which page, and its state.

use adtally_core::cell::Scope;
use adtally_core::report::By;

use super::bench::Bench;
use super::events::EventsState;
use super::explore::ExploreState;
use super::frame::Frame;
use super::overview::OverviewState;
use super::params::Params;
use super::report::{Column, ReportState, dimensions, groupings};
use super::restatements::RestatementsState;

/// Where somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// `/`
    Overview(OverviewState),
    /// `/report`
    Report(ReportState),
    /// `/explore`
    Explore(ExploreState),
    /// `/events`
    Events(EventsState),
    /// `/restatements`
    Restatements(RestatementsState),
    /// A page of a module of its own, which reads the rest of its state itself.
    Bench(Bench, Frame, Params),
}

impl Place {
    /// Reads an address and names what of it cannot be read; `None` when there is no such page.
    pub fn read(path: &str, query: &str) -> Option<(Place, Vec<String>)> {
        match path.trim_end_matches('/') {
            "" => {
                let (state, unread) = OverviewState::read(query);
                Some((Place::Overview(state), unread))
            }
            "/report" => {
                let (state, unread) = ReportState::read(query);
                Some((Place::Report(state), unread))
            }
            "/explore" => {
                let (state, unread) = ExploreState::read(query);
                Some((Place::Explore(state), unread))
            }
            "/events" => {
                let (state, unread) = EventsState::read(query);
                Some((Place::Events(state), unread))
            }
            "/restatements" => {
                let (state, unread) = RestatementsState::read(query);
                Some((Place::Restatements(state), unread))
            }
            path => {
                let params = Params::parse(query);
                let mut unread = Vec::new();
                let frame = Frame::read(&params, &mut unread);
                Some((Place::Bench(Bench::at(path)?, frame, Frame::beside(params)), unread))
            }
        }
    }

    /// Which page it is.
    pub fn path(&self) -> &'static str {
        match self {
            Place::Overview(_) => "/",
            Place::Report(_) => "/report",
            Place::Explore(_) => "/explore",
            Place::Events(_) => "/events",
            Place::Restatements(_) => "/restatements",
            Place::Bench(page, ..) => page.path(),
        }
    }

    /// The address.
    pub fn href(&self) -> String {
        match self {
            Place::Overview(state) => state.href(),
            Place::Report(state) => state.href(),
            Place::Explore(state) => state.href(),
            Place::Events(state) => state.href(),
            Place::Restatements(state) => state.href(),
            Place::Bench(page, frame, rest) => {
                let mut params = Params::default();
                frame.write(&mut params);
                params.extend(rest.clone());
                params.after(page.path())
            }
        }
    }

    /// What every page has.
    pub fn frame(&self) -> &Frame {
        match self {
            Place::Overview(state) => &state.frame,
            Place::Report(state) => &state.frame,
            Place::Explore(state) => &state.frame,
            Place::Events(state) => &state.frame,
            Place::Restatements(state) => &state.frame,
            Place::Bench(_, frame, _) => frame,
        }
    }

    /// The same page with another frame, without what `scope`, the scope of the new frame, may not see.
    #[must_use]
    pub fn moved_to(self, frame: Frame, scope: &Scope) -> Place {
        match self {
            Place::Overview(state) => Place::Overview(OverviewState { frame, ..state }),
            Place::Report(state) => Place::Report(ReportState { frame, ..state }.restricted_to(scope)),
            Place::Explore(state) => Place::Explore(ExploreState { frame, ..state }.restricted_to(scope)),
            Place::Events(state) => {
                Place::Events(EventsState { frame, story: None, hour: None, until: None, ..state })
            }
            Place::Restatements(mut state) => {
                state.filters.retain(|filter| scope.dimensions().contains(&filter.dimension));
                Place::Restatements(RestatementsState { frame, ..state })
            }
            // What the rest of its state names is of another scope.
            Place::Bench(page, before, rest) => {
                let is_same = before.scope == frame.scope;
                Place::Bench(page, frame, if is_same { rest } else { Params::default() })
            }
        }
    }
}

impl ReportState {
    /// Without the columns and filters that `scope` may not see, and on the first page.
    fn restricted_to(mut self, scope: &Scope) -> ReportState {
        let seen_by = groupings(scope);
        let sees = |column: Column| match column {
            Column::By(by) => seen_by.contains(&by),
            Column::Metric(metric) => metric.is_seen_by(scope),
        };
        self.by.retain(|by: &By| sees(Column::By(*by)));
        self.metrics.retain(|metric| sees(Column::Metric(*metric)));
        self.order.retain(|order| sees(order.column));
        self.filters.retain(|filter| dimensions(scope).contains(&filter.dimension));
        self.offset = 0;
        self
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn places_round_trip() {
        fn check(path: &str, query: &str, expected: Option<&str>) {
            let place = Place::read(path, query);
            if let Some((place, _)) = &place {
                assert_eq!(
                    place.path(),
                    path.strip_suffix('/').filter(|path| !path.is_empty()).unwrap_or(path)
                );
            }
            assert_eq!(place.map(|(place, _)| place.href()).as_deref(), expected, "{path}{query}");
        }
        check("/", "?range=today", Some("/?range=today"));
        check("/report", "", Some("/report"));
        check("/report/", "?by=ad", Some("/report?by=ad"));
        check("/explore", "?rows=ad&metrics=clicks", Some("/explore?rows=ad&metrics=clicks"));
        check("/events", "?kind=click", Some("/events?kind=click"));
        check("/restatements", "?cause=late", Some("/restatements?cause=late"));
        check("/health", "?range=today", Some("/health?range=today"));
        check("/cubes", "?scope=advertiser:acme&cube=daily", Some("/cubes?scope=advertiser:acme&cube=daily"));
        check("/sql", "?notebook=n1&range=today", Some("/sql?range=today&notebook=n1"));
        check("/nowhere", "", None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn moving_to_a_publisher_leaves_behind_what_it_may_not_see() {
        let query = "by=day,campaign&metrics=clicks,roas&sort=-roas,campaign&filter=ad:eq:x&filter=country:eq:KR&offset=50";
        let (place, _) = Place::read("/report", query).unwrap();
        let scope = Scope::parse("service:news").unwrap();
        let frame = Frame { scope: Some(scope.clone()), ..Frame::default() };
        assert_eq!(
            place.moved_to(frame, &scope).href(),
            "/report?scope=service:news&metrics=clicks&filter=country:eq:KR"
        );
    }
}
