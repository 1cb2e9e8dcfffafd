//! What every page shares: whose figures, of which days, in which time zone.

use adtally_core::cell::Scope;

use super::params::Params;
use super::range::Range;

/// The part of a page's state that moving to another page keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Whose figures; `None` is the token's own scope, so that one link serves whoever opens it.
    pub scope: Option<Scope>,
    /// Of which days.
    pub range: Range,
    /// IANA zone in which days begin; `None` is the scope's own.
    pub tz: Option<String>,
}

impl Default for Frame {
    fn default() -> Self {
        Self { scope: None, range: Range::DEFAULT, tz: None }
    }
}

impl Frame {
    /// Reads its parameters and names those that it cannot.
    pub fn read(params: &Params, unread: &mut Vec<String>) -> Frame {
        let scope = params.get("scope").and_then(|text| {
            let scope = Scope::parse(text);
            if scope.is_none() {
                unread.push(format!("scope={text}"));
            }
            scope
        });
        let tz = params.get("tz").filter(|tz| !tz.is_empty()).map(str::to_string);
        Frame { scope, range: Range::read(params, unread), tz }
    }

    /// The parameters that are none of a frame.
    pub fn beside(params: Params) -> Params {
        params.without(&["scope", "range", "from", "to", "tz"])
    }

    /// The inverse of [`Frame::read`].
    pub fn write(&self, params: &mut Params) {
        if let Some(scope) = &self.scope {
            params.push("scope", scope);
        }
        self.range.write(params);
        if let Some(tz) = &self.tz {
            params.push("tz", tz);
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn frames_round_trip() {
        fn check(query: &str) {
            let mut unread = Vec::new();
            let frame = Frame::read(&Params::parse(query), &mut unread);
            let mut params = Params::default();
            frame.write(&mut params);
            assert_eq!(params.to_string(), query);
            assert!(unread.is_empty(), "{unread:?}");
        }
        check("");
        check("scope=advertiser:acme");
        check("scope=service:news:kr&range=28d&tz=Asia/Seoul");
        check("from=2026-01-01&to=2026-02-01");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_broken_scope_is_named_and_the_rest_kept() {
        let mut unread = Vec::new();
        let frame = Frame::read(&Params::parse("scope=acme&range=today"), &mut unread);
        assert_eq!((frame.scope, frame.range), (None, Range::Preset(crate::state::range::Preset::Today)));
        assert_eq!(unread, ["scope=acme"]);
    }
}
