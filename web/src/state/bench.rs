//! Pages of a module of its own, and what the dashboard tells them.

use adtally_wire::api::LiveMessage;
use serde::{Deserialize, Serialize};

/// A page that is loaded when somebody opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bench {
    /// `/cubes`
    Cubes,
    /// `/sql`
    Sql,
    /// `/restatements`
    Restatements,
    /// `/verify`
    Verify,
    /// `/jobs`
    Jobs,
    /// `/health`
    Health,
    /// `/settings`
    Settings,
}

impl Bench {
    /// Every such page.
    pub const ALL: [Bench; 7] = [
        Bench::Cubes,
        Bench::Sql,
        Bench::Restatements,
        Bench::Verify,
        Bench::Jobs,
        Bench::Health,
        Bench::Settings,
    ];

    /// Its path.
    pub fn path(self) -> &'static str {
        match self {
            Bench::Cubes => "/cubes",
            Bench::Sql => "/sql",
            Bench::Restatements => "/restatements",
            Bench::Verify => "/verify",
            Bench::Jobs => "/jobs",
            Bench::Health => "/health",
            Bench::Settings => "/settings",
        }
    }

    /// The page at a path.
    pub fn at(path: &str) -> Option<Bench> {
        Bench::ALL.into_iter().find(|page| page.path() == path)
    }
}

/// Beside what is told: the lists of the catalog.
pub const LISTS: &str = "lists";

/// Where the dashboard is, for a page that follows no address itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Told {
    /// The path.
    pub path: String,
    /// The whole query.
    pub search: String,
    /// What of the query is the page's own.
    pub query: String,
    /// What of it is every page's, for links.
    pub frame: String,
    /// Whose figures.
    pub scope: String,
    /// The zone in which days begin.
    pub tz: String,
    /// The first day of the period.
    pub from: String,
    /// The day after its last one.
    pub to: String,
    /// The language's tag.
    pub lang: String,
    /// The scope of whoever is signed in.
    pub own: String,
    /// Whether the reader may change what belongs to the scope.
    pub may_change: bool,
    /// Whether the reader sees the jobs.
    pub operates: bool,
}

/// What the live channel said, for a page that has none itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Heard {
    /// How the channel is, by its name.
    pub state: String,
    /// How many times reports should have been asked for again.
    pub tick: u32,
    /// The newest message.
    pub newest: Option<LiveMessage>,
}

impl Told {
    /// The address of one of these pages about the same.
    pub fn href(&self, path: &str, own: &str) -> String {
        let parts: Vec<&str> =
            [self.frame.as_str(), own].into_iter().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() { path.to_string() } else { format!("{path}?{}", parts.join("&")) }
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn addresses_keep_what_every_page_has() {
        let told = |frame: &str| Told { frame: frame.to_string(), ..Told::default() };
        assert_eq!(
            told("scope=platform&range=7d").href("/cubes", "cube=x"),
            "/cubes?scope=platform&range=7d&cube=x"
        );
        assert_eq!(told("").href("/cubes", "cube=x"), "/cubes?cube=x");
        assert_eq!(told("").href("/jobs", ""), "/jobs");
        assert_eq!(Bench::ALL.map(|page| Bench::at(page.path())), Bench::ALL.map(Some));
    }
}
