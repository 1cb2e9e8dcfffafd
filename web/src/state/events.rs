//! The state of the events page: which are listed, and whose story is told.

use adtally_core::cell::{Dimension, Scope};
use adtally_core::event::Kind;
use adtally_core::report::Filter;
use adtally_core::time::{HOUR_MS, parse_rfc3339, rfc3339};

use super::frame::Frame;
use super::params::Params;
use crate::calendar::Offsets;

/// The most events that a page lists.
pub const LIMIT: u32 = 200;

/// An event by its kind and id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its kind.
    pub kind: Kind,
    /// The sender's idempotency key.
    pub id: String,
}

/// Which events are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Listed {
    /// Those that were stored.
    #[default]
    Accepted,
    /// Those that were not.
    Rejected,
}

/// What the events page shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventsState {
    /// Whose events, of which days, in which zone.
    pub frame: Frame,
    /// Only this kind.
    pub kind: Option<Kind>,
    /// `counted`, `invalid`, or a reason.
    pub outcome: Option<String>,
    /// Only this user.
    pub user: Option<String>,
    /// What the cell of an event has to be.
    pub filters: Vec<Filter>,
    /// Whose story is told.
    pub story: Option<Named>,
    /// Which are listed.
    pub listed: Listed,
    /// Of those that were rejected, only these.
    pub code: Option<String>,
    /// Only those of the hour that begins then, in ms since 1970.
    pub hour: Option<i64>,
    /// Only those before then.
    pub until: Option<i64>,
}

impl EventsState {
    /// Reads a query and names what it cannot.
    pub fn read(query: &str) -> (EventsState, Vec<String>) {
        let params = Params::parse(query);
        let mut unread = Vec::new();
        let frame = Frame::read(&params, &mut unread);
        let text = |name: &str| params.get(name).filter(|text| !text.is_empty()).map(str::to_string);
        let kind = text("kind").and_then(|name| {
            let kind = Kind::parse(&name);
            if kind.is_none() {
                unread.push(format!("kind={name}"));
            }
            kind
        });
        let mut filters = Vec::new();
        for text in params.all("filter") {
            match Filter::parse(text) {
                Some(filter) => filters.push(filter),
                None => unread.push(format!("filter={text}")),
            }
        }
        let story = text("story").and_then(|named| {
            let (kind, id) = named.split_once(':')?;
            Some(Named { kind: Kind::parse(kind)?, id: id.to_string() })
        });
        let listed = match params.get("list") {
            Some("rejected") => Listed::Rejected,
            _ => Listed::Accepted,
        };
        let (outcome, user, code) = (text("outcome"), text("user"), text("code"));
        let mut instant = |name: &str| {
            let text = text(name)?;
            let instant = parse_rfc3339(&text);
            if instant.is_none() {
                unread.push(format!("{name}={text}"));
            }
            instant
        };
        let (hour, until) = (instant("hour"), instant("until"));
        (EventsState { frame, kind, outcome, user, filters, story, listed, code, hour, until }, unread)
    }

    /// The address of the page.
    pub fn href(&self) -> String {
        let mut params = self.common();
        if let Some(Named { kind, id }) = &self.story {
            params.push("story", format!("{}:{id}", kind.name()));
        }
        if self.listed == Listed::Rejected {
            params.push("list", "rejected");
        }
        if let Some(code) = &self.code {
            params.push("code", code);
        }
        let mut all = Params::default();
        self.frame.write(&mut all);
        for (name, instant) in [("hour", self.hour), ("until", self.until)] {
            if let Some(instant) = instant {
                all.push(name, rfc3339(instant));
            }
        }
        all.extend(params);
        all.after("/events")
    }

    fn common(&self) -> Params {
        let mut params = Params::default();
        if let Some(kind) = self.kind {
            params.push("kind", kind.name());
        }
        for (name, value) in [("outcome", &self.outcome), ("user", &self.user)] {
            if let Some(value) = value {
                params.push(name, value);
            }
        }
        for filter in &self.filters {
            params.push("filter", filter);
        }
        params
    }

    /// Whose events: those of the scope, else of the one advertiser that is filtered by.
    pub fn advertiser(&self, scope: &Scope) -> Option<String> {
        if let Scope::Advertiser(key) = scope {
            return Some(key.to_string());
        }
        let names = |filter: &&Filter| filter.dimension == Dimension::Advertiser && filter.test.op() == "eq";
        self.filters.iter().find(names).and_then(|filter| filter.test.values().first().cloned())
    }

    /// The address of the list.
    pub fn list(&self, advertiser: &str, span: crate::calendar::Span, zone: &impl Offsets) -> String {
        let mut params = Params::default();
        params.push("advertiser", advertiser);
        params.extend(self.common());
        let (from, to) = match self.hour {
            Some(hour) => (hour, hour.saturating_add(HOUR_MS)),
            None => (zone.day_start_ms(span.from), zone.day_start_ms(span.to)),
        };
        params.push("from", from);
        params.push("to", self.until.map_or(to, |until| until.min(to).max(from)));
        params.push("limit", LIMIT);
        params.after("/v1/events")
    }

    /// The address of the list of what was rejected, of the one whose scope it is.
    pub fn rejected(&self, scope: &Scope, span: crate::calendar::Span, zone: &impl Offsets) -> String {
        let mut params = Params::default();
        match (scope, self.advertiser(scope)) {
            (_, Some(advertiser)) => params.push("advertiser", advertiser),
            (Scope::Service(key), None) => params.push("service", key),
            (_, None) => {}
        }
        if let Some(code) = &self.code {
            params.push("code", code);
        }
        params.push("from", zone.day_start_ms(span.from));
        params.push("to", zone.day_start_ms(span.to));
        params.push("limit", LIMIT);
        params.after("/v1/rejected")
    }

    /// The address of the story.
    pub fn story_address(&self, advertiser: &str) -> Option<String> {
        let Named { kind, id } = self.story.as_ref()?;
        let mut params = Params::default();
        params.push("advertiser", advertiser);
        params.push("kind", kind.name());
        // Ids are of letters, digits and `._:-`, which a path takes as they are.
        Some(params.after(&format!("/v1/events/{id}")))
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::calendar::{FixedOffset, Span};

    #[wasm_bindgen_test(unsupported = test)]
    fn events_round_trip() {
        for query in [
            "",
            "?list=rejected&code=bad_json",
            "?kind=click&outcome=bot",
            "?from=2026-11-17&to=2026-11-18&hour=2026-11-17T05:00:00Z&kind=click",
            "?from=2026-11-17&to=2026-11-19&until=2026-11-18T05:00:00Z&kind=click",
            "?range=today&user=u1&filter=ad:eq:x&story=click:c:1",
        ] {
            let (state, unread) = EventsState::read(query);
            assert_eq!(state.href(), format!("/events{query}"));
            assert!(unread.is_empty(), "{unread:?}");
        }
        assert_eq!(EventsState::read("kind=wink&hour=noon&until=5").1, ["kind=wink", "hour=noon", "until=5"]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn addresses() {
        let (state, _) = EventsState::read("kind=click&filter=ad:eq:x&story=click:c1");
        let span = Span { from: "1970-01-02".parse().unwrap(), to: "1970-01-03".parse().unwrap() };
        let address =
            "/v1/events?advertiser=a&kind=click&filter=ad:eq:x&from=54000000&to=140400000&limit=200";
        assert_eq!(state.list("a", span, &FixedOffset(9 * 3_600_000)), address);
        let one = EventsState { hour: Some(54_000_000), ..state };
        let address = "/v1/events?advertiser=a&kind=click&filter=ad:eq:x&from=54000000&to=57600000&limit=200";
        assert_eq!(one.list("a", span, &FixedOffset(9 * 3_600_000)), address);
        let first = EventsState { hour: None, until: Some(72_000_000), ..one };
        let address = "/v1/events?advertiser=a&kind=click&filter=ad:eq:x&from=54000000&to=72000000&limit=200";
        assert_eq!(first.list("a", span, &FixedOffset(9 * 3_600_000)), address);
        let (state, _) = EventsState::read("kind=click&filter=ad:eq:x&story=click:c1&code=bad_json");
        let asked = |scope| state.rejected(&Scope::parse(scope).unwrap(), span, &FixedOffset(9 * 3_600_000));
        let tail = "code=bad_json&from=54000000&to=140400000";
        assert_eq!(asked("platform"), format!("/v1/rejected?{tail}&limit=200"));
        assert_eq!(asked("advertiser:a"), format!("/v1/rejected?advertiser=a&{tail}&limit=200"));
        assert_eq!(asked("service:s"), format!("/v1/rejected?service=s&{tail}&limit=200"));
        assert_eq!(state.story_address("a").as_deref(), Some("/v1/events/c1?advertiser=a&kind=click"));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_platform_names_the_advertiser() {
        let scope = |text| Scope::parse(text).unwrap();
        let (state, _) = EventsState::read("filter=advertiser:eq:b");
        assert_eq!(state.advertiser(&scope("platform")).as_deref(), Some("b"));
        assert_eq!(state.advertiser(&scope("advertiser:a")).as_deref(), Some("a"));
        assert_eq!(EventsState::default().advertiser(&scope("platform")), None);
        let (state, _) = EventsState::read("filter=advertiser:ne:a&filter=advertiser:eq:b");
        assert_eq!(state.advertiser(&scope("platform")).as_deref(), Some("b"));
    }
}
