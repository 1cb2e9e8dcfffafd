//! The state of the cubes page: which cube is open, or which one is being made.

use super::params::Params;

/// The units of time that cells of a cube may have.
pub const GRAINS: [&str; 3] = ["hour", "day", "month"];

/// What the cubes page shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CubesState {
    /// The cube that is open.
    pub cube: Option<String>,
    /// The cube that is being made.
    pub draft: Option<Draft>,
}

/// A cube that is being made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// What is told apart, by name.
    pub dimensions: Vec<String>,
    /// The unit of time.
    pub grain: &'static str,
    /// Whether users are kept.
    pub users: bool,
}

impl Default for Draft {
    fn default() -> Self {
        Draft { dimensions: Vec::new(), grain: "day", users: false }
    }
}

impl CubesState {
    /// Reads what of a query is the page's own.
    pub fn read(query: &str) -> CubesState {
        let params = Params::parse(query);
        let text = |name| params.get(name).filter(|text| !text.is_empty());
        let draft = params.get("new").map(|dimensions| Draft {
            dimensions: dimensions.split(',').filter(|name| !name.is_empty()).map(str::to_string).collect(),
            grain: grain_named(text("grain").unwrap_or_default()),
            users: text("reach").is_some(),
        });
        CubesState { cube: text("cube").map(str::to_string), draft }
    }

    /// The inverse of [`CubesState::read`].
    pub fn write(&self) -> String {
        let mut params = Params::default();
        if let Some(cube) = &self.cube {
            params.push("cube", cube);
        }
        if let Some(draft) = &self.draft {
            params.push("new", draft.dimensions.join(","));
            params.push_unless("grain", draft.grain, Draft::default().grain);
            if draft.users {
                params.push("reach", 1);
            }
        }
        params.to_string()
    }

    /// The page with a cube open.
    pub fn of_cube(name: &str) -> CubesState {
        CubesState { cube: Some(name.to_string()), draft: None }
    }

    /// The page with a cube being made.
    pub fn of_draft(draft: Draft) -> CubesState {
        CubesState { cube: None, draft: Some(draft) }
    }
}

/// The unit of that name, else a day.
pub fn grain_named(name: &str) -> &'static str {
    GRAINS.into_iter().find(|grain| *grain == name).unwrap_or(Draft::default().grain)
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn cubes_round_trip() {
        for query in ["", "cube=daily", "new=", "new=campaign,country&grain=hour&reach=1"] {
            assert_eq!(CubesState::read(query).write(), query);
        }
        assert_eq!(CubesState::read("new=ad&grain=week").write(), "new=ad");
    }
}
