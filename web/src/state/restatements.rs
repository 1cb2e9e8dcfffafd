//! The state of the restatements page: whose changes, of which figure, for which reason.

use adtally_core::measure::Measure;
use adtally_core::report::Filter;

use super::frame::Frame;
use super::params::Params;
use crate::calendar::Span;

/// Why a published figure changes; the names are those of the API.
pub const CAUSES: [&str; 4] = ["late", "relink", "invalid_traffic", "correction"];
/// The most changes that a page lists.
pub const LIMIT: u32 = 200;

/// What the restatements page shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RestatementsState {
    /// Whose figures, of which days, in which zone.
    pub frame: Frame,
    /// Only changes of this figure.
    pub measure: Option<Measure>,
    /// Only changes for this reason.
    pub cause: Option<&'static str>,
    /// Only cells like this.
    pub filters: Vec<Filter>,
}

impl RestatementsState {
    /// Reads a query and names what it cannot.
    pub fn read(query: &str) -> (RestatementsState, Vec<String>) {
        let params = Params::parse(query);
        let mut unread = Vec::new();
        let frame = Frame::read(&params, &mut unread);
        let mut one_of =
            |name: &str, text: Option<&str>| text.map(|text| unread.push(format!("{name}={text}")));
        let measure = params.get("measure").filter(|text| !text.is_empty());
        let known = measure.and_then(|text| Measure::ALL.into_iter().find(|one| one.name() == text));
        if known.is_none() {
            one_of("measure", measure);
        }
        let cause = params.get("cause").filter(|text| !text.is_empty());
        let known_cause = cause.and_then(|text| CAUSES.into_iter().find(|one| *one == text));
        if known_cause.is_none() {
            one_of("cause", cause);
        }
        let mut filters = Vec::new();
        for text in params.all("filter") {
            match Filter::parse(text) {
                Some(filter) => filters.push(filter),
                None => unread.push(format!("filter={text}")),
            }
        }
        (RestatementsState { frame, measure: known, cause: known_cause, filters }, unread)
    }

    /// The address of the page.
    pub fn href(&self) -> String {
        let mut params = Params::default();
        self.frame.write(&mut params);
        params.extend(self.chosen());
        params.after("/restatements")
    }

    fn chosen(&self) -> Params {
        let mut params = Params::default();
        if let Some(measure) = self.measure {
            params.push("measure", measure.name());
        }
        if let Some(cause) = self.cause {
            params.push("cause", cause);
        }
        for filter in &self.filters {
            params.push("filter", filter);
        }
        params
    }

    /// The address of the list.
    pub fn list(&self, scope: &adtally_core::cell::Scope, span: Span, tz: &str) -> String {
        let mut params = Params::default();
        params.push("scope", scope);
        params.push("from", span.from);
        params.push("to", span.to);
        params.push("tz", tz);
        params.extend(self.chosen());
        params.push("limit", LIMIT);
        params.after("/v1/restatements")
    }
}

#[cfg(test)]
mod tests {
    use adtally_core::cell::Scope;
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn restatements_round_trip() {
        for query in ["", "?measure=clicks&cause=late", "?range=today&cause=relink&filter=campaign:eq:x"] {
            let (state, unread) = RestatementsState::read(query);
            assert_eq!(state.href(), format!("/restatements{query}"));
            assert!(unread.is_empty(), "{unread:?}");
        }
        assert_eq!(
            RestatementsState::read("cause=luck&measure=joy&filter=x").1,
            ["measure=joy", "cause=luck", "filter=x"]
        );
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn addresses() {
        let (state, _) = RestatementsState::read("cause=late&filter=ad:eq:x");
        let span = Span { from: "2026-11-16".parse().unwrap(), to: "2026-11-23".parse().unwrap() };
        assert_eq!(
            state.list(&Scope::parse("advertiser:acme").unwrap(), span, "Asia/Seoul"),
            "/v1/restatements?scope=advertiser:acme&from=2026-11-16&to=2026-11-23&tz=Asia/Seoul&cause=late&filter=ad:eq:x&limit=200"
        );
    }
}
