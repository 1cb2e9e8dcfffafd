//! Pages that show nothing to somebody, whatever the server would say.

use adtally_core::cell::Scope;

use crate::phrase::Phrase;
use crate::state::bench::Bench;
use crate::state::place::Place;

/// Why a page shows nothing to whoever has the scope `own`; `None` where it does.
///
/// The server decides anyway: this spares questions that it would refuse.
pub fn closed(place: &Place, own: &Scope) -> Option<Phrase> {
    let shown = place.frame().scope.as_ref().unwrap_or(own);
    match place {
        Place::Bench(Bench::Jobs, ..) if *own != Scope::Platform => Some(Phrase::PlatformOnly),
        _ if !own.covers(&shown.owner()) => Some(Phrase::NotYourScope),
        Place::Bench(Bench::Verify, ..) if matches!(shown, Scope::Service(_)) => {
            Some(Phrase::EventsAreAdvertisers)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn who_may_see_what() {
        fn check(own: &str, path: &str, query: &str, expected: Option<Phrase>) {
            let (place, _) = Place::read(path, query).unwrap();
            assert_eq!(closed(&place, &Scope::parse(own).unwrap()), expected, "{own} {path}?{query}");
        }
        for path in ["/", "/report", "/explore", "/events", "/restatements", "/settings", "/health"] {
            check("platform", path, "scope=advertiser:a", None);
            check("advertiser:a", path, "", None);
            check("service:s", path, "scope=service:s", None);
            check("advertiser:a", path, "scope=advertiser:b", Some(Phrase::NotYourScope));
            check("service:s", path, "scope=platform", Some(Phrase::NotYourScope));
        }
        check("platform", "/jobs", "", None);
        check("advertiser:a", "/jobs", "", Some(Phrase::PlatformOnly));
        check("advertiser:a", "/verify", "", None);
        check("service:s", "/verify", "", Some(Phrase::EventsAreAdvertisers));
        check("platform", "/verify", "scope=service:s", Some(Phrase::EventsAreAdvertisers));
    }
}
