//! `PUT /v1/views/{name}`: the state of a page under a name.

use serde::{Deserialize, Serialize};

use super::{CatalogError, name as check_name, wrong};

/// The pages whose state can be saved.
pub const KINDS: [&str; 3] = ["report", "explore", "events"];
/// The longest state: what browsers and proxies take as an address.
const MAX_QUERY_CHARS: usize = 4_000;
/// The parameter of a page that says whose figures it shows: a view says that itself.
const SCOPE: &str = "scope";

/// A body of `PUT /v1/views/{name}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ViewPut {
    /// The page: one of [`KINDS`].
    pub kind: String,
    /// Its state: the query of its address.
    pub query: String,
}

/// A saved view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// Unique in its scope.
    pub name: String,
    /// Whose it is.
    pub scope: String,
    /// The page.
    pub kind: String,
    /// Its state, without whose figures they are.
    pub query: String,
    /// When it was saved; RFC 3339.
    pub saved: String,
}

/// Several views.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Views {
    /// By name.
    pub views: Vec<View>,
}

/// The name of a view: not empty.
pub fn name(text: &str) -> Result<String, CatalogError> {
    if text.trim().is_empty() {
        return Err(wrong("name", "is empty"));
    }
    check_name(text.trim().to_owned())
}

/// The page that is named, one of [`KINDS`].
pub fn kind(text: &str) -> Result<String, CatalogError> {
    if KINDS.contains(&text) {
        Ok(text.to_owned())
    } else {
        Err(wrong("kind", format!("{text:?} is not one of {}", KINDS.join(", "))))
    }
}

impl ViewPut {
    /// Page and state; a scope in the state is left out, so that a view of one scope never asks for another.
    pub fn check(self) -> Result<(String, String), CatalogError> {
        let kind = kind(&self.kind)?;
        let query = self.query.trim_start_matches('?');
        let chars = query.chars().count();
        if chars > MAX_QUERY_CHARS {
            let detail = format!("has {chars} characters, at most {MAX_QUERY_CHARS} are allowed");
            return Err(wrong("query", detail));
        }
        if let Some(other) = query.chars().find(|c| !c.is_ascii_graphic() || "\"<>\\#".contains(*c)) {
            return Err(wrong("query", format!("{other:?} must be percent-encoded")));
        }
        let is_kept = |pair: &&str| !pair.is_empty() && pair.split('=').next() != Some(SCOPE);
        let kept: Vec<&str> = query.split('&').filter(is_kept).collect();
        Ok((kind, kept.join("&")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states() {
        fn check(kind: &str, query: &str, expected: Result<&str, &str>) {
            let found = ViewPut { kind: kind.to_owned(), query: query.to_owned() }.check();
            match (found, expected) {
                (Ok((found, query)), Ok(expected)) => {
                    assert_eq!((found.as_str(), query.as_str()), (kind, expected))
                }
                (Err(error), Err(says)) => assert!(error.to_string().contains(says), "{error}"),
                (found, _) => panic!("{kind} {query}: {found:?}"),
            }
        }
        check("report", "?by=day&metrics=clicks", Ok("by=day&metrics=clicks"));
        check("explore", "rows=ad&scope=advertiser:other&heat=1", Ok("rows=ad&heat=1"));
        check("events", "scope=platform", Ok(""));
        check("events", "scoped=1&&a", Ok("scoped=1&a"));
        check("jobs", "", Err("\"jobs\""));
        check("report", "a=b c", Err("' '"));
        check("report", "a=<script>", Err("'<'"));
        check("report", "a=#b", Err("'#'"));
        check("report", "a=여름", Err("percent-encoded"));
        check("report", &"a".repeat(MAX_QUERY_CHARS + 1), Err("4001"));
    }

    #[test]
    fn names() {
        assert_eq!(name(" 여름 a/b ").as_deref(), Ok("여름 a/b"));
        for wrong in ["", "  ", "a\nb"] {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
    }
}
