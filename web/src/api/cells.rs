//! The cells of a period, downloaded once and added up here.

use std::sync::Arc;

use adtally_core::cell::Scope;
use adtally_core::report::{By, Zone};
use adtally_core::segment::Segment;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::failure::Failure;
use super::session::Session;
use crate::calendar::Span;
use crate::intl;
use crate::state::params::Params;

/// The problem of too many cells to download.
const TOO_MANY: &str = "too_many_cells";

/// A question for cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellsRequest {
    /// Whose.
    pub scope: Scope,
    /// Of which days.
    pub span: Span,
    /// From one instant up to another, where only a part of these days is asked for.
    pub part: Option<(String, String)>,
    /// IANA zone in which days begin.
    pub tz: String,
    /// What they are told apart by.
    pub by: Vec<By>,
}

/// Cells that are here.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The question.
    pub request: CellsRequest,
    /// The answer.
    pub segment: Arc<Segment>,
    /// Where its days begin.
    pub zone: Zone,
    /// Of which data.
    pub version: String,
    /// How many bytes were sent.
    pub bytes: usize,
}

/// Cells that follow a question.
#[derive(Clone, Copy)]
pub struct CellsFeed {
    /// The last answer.
    pub loaded: RwSignal<Option<Loaded>>,
    /// Why the last question has none.
    pub failure: RwSignal<Option<Failure>>,
    /// Whether an answer is on its way.
    pub busy: RwSignal<bool>,
    /// There were too many cells of everything: only what is shown is asked for.
    pub crowded: RwSignal<bool>,
    again: RwSignal<u32>,
    number: StoredValue<u64>,
    session: Session,
}

/// The bounds of these days, or of the part of them, as the API reads them.
pub fn bounds(span: Span, part: Option<&(String, String)>) -> (String, String) {
    part.cloned().unwrap_or_else(|| (span.from.to_string(), span.to.to_string()))
}

impl CellsRequest {
    /// The address of the answer.
    pub fn address(&self) -> String {
        let mut params = Params::default();
        params.push("scope", &self.scope);
        let (from, to) = bounds(self.span, self.part.as_ref());
        params.push("from", from);
        params.push("to", to);
        params.push("tz", &self.tz);
        params.push("by", self.by.iter().map(|by| by.name()).collect::<Vec<_>>().join(","));
        params.after("/v1/segments")
    }

    /// Whether its cells can answer `other` too.
    fn covers(&self, other: &CellsRequest) -> bool {
        let asked = |request: &CellsRequest| (request.scope.clone(), request.span, request.part.clone());
        let same = asked(self) == asked(other) && self.tz == other.tz;
        same && other.by.iter().all(|by| self.by.contains(by))
    }
}

impl CellsFeed {
    /// Follows `request`, which is told whether only the least should be asked for; `None` waits.
    pub fn new(request: impl Fn(bool) -> Option<CellsRequest> + Send + Sync + 'static) -> CellsFeed {
        let feed = CellsFeed {
            loaded: RwSignal::new(None),
            failure: RwSignal::new(None),
            busy: RwSignal::new(false),
            crowded: RwSignal::new(false),
            again: RwSignal::new(0),
            number: StoredValue::new(0),
            session: Session::expect(),
        };
        let request = Memo::new(move |_| request(feed.crowded.get()));
        Effect::new(move |before: Option<u32>| {
            let again = feed.again.get();
            match request.get() {
                Some(request) => feed.ask(request, before.is_some_and(|before| before != again)),
                None => feed.loaded.set(None),
            }
            again
        });
        feed
    }

    /// Asks again, for newer cells.
    pub fn retry(&self) {
        self.again.update(|count| *count = count.wrapping_add(1));
    }

    fn ask(self, request: CellsRequest, anew: bool) {
        let covered = self
            .loaded
            .with_untracked(|loaded| loaded.as_ref().is_some_and(|loaded| loaded.request.covers(&request)));
        let number = self.number.try_update_value(|number| {
            *number += 1;
            *number
        });
        if covered && !anew {
            return self.busy.set(false);
        }
        self.busy.set(true);
        spawn_local(async move {
            let answer = self.session.client.bytes(&request.address()).await;
            let result = answer.and_then(|(bytes, version)| {
                let segment =
                    Segment::decode(&bytes).map_err(|error| Failure::Unreadable(error.to_string()))?;
                let zone = intl::zone_in(&request.tz, request.span);
                Ok(Loaded { request, segment: Arc::new(segment), zone, version, bytes: bytes.len() })
            });
            // `None`: the page is gone. Another number: something else was asked for since.
            if number.is_some() && self.number.try_get_value() == number {
                self.arrived(result);
            }
        });
    }

    fn arrived(self, result: Result<Loaded, Failure>) {
        self.busy.set(false);
        match result {
            Ok(loaded) => {
                self.failure.set(None);
                self.loaded.set(Some(loaded));
            }
            Err(failure) if failure.code() == TOO_MANY && !self.crowded.get_untracked() => {
                self.crowded.set(true);
            }
            Err(failure) => {
                self.session.notice(&failure);
                self.loaded.set(None);
                self.failure.set(Some(failure));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn request(by: &str) -> CellsRequest {
        let span = Span { from: "2026-11-16".parse().unwrap(), to: "2026-11-23".parse().unwrap() };
        let scope = Scope::parse("advertiser:acme").unwrap();
        CellsRequest {
            scope,
            span,
            part: None,
            tz: "Asia/Seoul".to_string(),
            by: by.split(',').filter_map(By::parse).collect(),
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn addresses() {
        assert_eq!(
            request("day,ad").address(),
            "/v1/segments?scope=advertiser:acme&from=2026-11-16&to=2026-11-23&tz=Asia/Seoul&by=day,ad"
        );
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn finer_cells_answer_coarser_questions() {
        fn check(has: &str, wants: &str, expected: bool) {
            assert_eq!(request(has).covers(&request(wants)), expected, "{has} {wants}");
        }
        check("day,ad,country", "ad", true);
        check("ad", "day,ad", false);
        let part = Some(("2026-11-15T15:00:00Z".to_string(), "2026-11-22T03:00:00Z".to_string()));
        let half = CellsRequest { part, ..request("ad") };
        assert!(!half.covers(&request("ad")) && !request("ad").covers(&half) && half.covers(&half));
        assert_eq!(
            half.address(),
            "/v1/segments?scope=advertiser:acme&from=2026-11-15T15:00:00Z&to=2026-11-22T03:00:00Z&tz=Asia/Seoul&by=ad"
        );
    }
}
