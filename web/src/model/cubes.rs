//! Cubes, as lines of a page say what they are.

use adtally_core::cell::{Dimension, Scope};
use adtally_core::cube::is_cube_name;
use adtally_core::time::parse_date;
use adtally_wire::cube::{CubeBody, CubeInfo, Estimate, Recommendation};

use crate::lang::Lang;
use crate::phrase::Phrase;
use crate::state::cubes::{Draft, grain_named};
use crate::state::report::dimension_phrase;

/// What can be said of a cube.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is neither used nor built.
    Off,
    /// No day is published that it could be built of.
    NoDays,
    /// Nothing of it is built.
    Unbuilt,
    /// So many days are missing or old.
    Behind(u64),
    /// All of it is built.
    Whole,
}

impl Standing {
    /// What can be said of this one.
    pub fn of(cube: &CubeInfo) -> Standing {
        match (cube.enabled, cube.days, cube.stale_days) {
            (false, ..) => Standing::Off,
            (true, 0, _) => Standing::NoDays,
            (true, _, 0) => Standing::Whole,
            (true, days, stale) if stale >= days => Standing::Unbuilt,
            (true, _, stale) => Standing::Behind(stale),
        }
    }

    /// For style and tests.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Off => "off",
            Standing::NoDays => "no_days",
            Standing::Unbuilt => "unbuilt",
            Standing::Behind(_) => "behind",
            Standing::Whole => "succeeded",
        }
    }
}

/// How much of a cube is built, from 0 to 1.
pub fn built_share(cube: &CubeInfo) -> f64 {
    match cube.days {
        0 => 0.0,
        days => days.saturating_sub(cube.stale_days) as f64 / days as f64,
    }
}

/// Bytes as people read them: `12 kB`, `3.5 MB`.
pub fn bytes_text(bytes: u64) -> String {
    let bytes = bytes as f64;
    match bytes {
        bytes if bytes < 1e3 => format!("{bytes} B"),
        bytes if bytes < 1e6 => format!("{:.1} kB", bytes / 1e3),
        bytes if bytes < 1e9 => format!("{:.1} MB", bytes / 1e6),
        bytes => format!("{:.2} GB", bytes / 1e9),
    }
}

/// A time that something took: `320 ms`, `4.2 s`.
pub fn took_text(ms: i64) -> String {
    if ms < 1_000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1e3) }
}

/// What a set of dimensions is called: `Campaign, Country`; the empty one is of no dimension.
pub fn set_text(names: &[String], lang: Lang) -> String {
    let called = |name: &String| {
        let dimension = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name);
        dimension.map_or(name.clone(), |dimension| dimension_phrase(dimension).text(lang).to_string())
    };
    match names.is_empty() {
        true => Phrase::AllTogether.text(lang).to_string(),
        false => names.iter().map(called).collect::<Vec<_>>().join(", "),
    }
}

/// The first and the last day of a part; `to` is the day after it.
pub fn days_text(from: &str, to: &str) -> String {
    let last = parse_date(to).and_then(|to| to.pred_opt()).map(|last| last.to_string());
    match last {
        Some(last) if last != from => format!("{from} – {last}"),
        _ => from.to_string(),
    }
}

/// The names of the dimensions that a scope has cells of.
pub fn dimensions_of(scope: &str) -> Vec<String> {
    let scope = Scope::parse(scope);
    let all = scope.iter().flat_map(|scope| scope.dimensions().iter());
    all.map(|dimension| dimension.name().to_string()).collect()
}

/// The same draft with a dimension more, or less.
#[must_use]
pub fn toggled(draft: &Draft, dimension: &str, scope: &str) -> Draft {
    let has = |name: &str| draft.dimensions.iter().any(|one| one == name);
    let wanted = |name: &String| has(name) != (name == dimension);
    Draft { dimensions: dimensions_of(scope).into_iter().filter(wanted).collect(), ..draft.clone() }
}

/// A name for a draft that no other cube has.
pub fn name_for(draft: &Draft, taken: &[CubeInfo]) -> String {
    let mut name = draft.grain.to_string();
    for dimension in &draft.dimensions {
        name = format!("{name}-{dimension}");
    }
    let free = |name: &String| is_cube_name(name) && taken.iter().all(|cube| cube.name != *name);
    let numbered = (2..).map(|number| format!("{}-{number}", draft.grain));
    std::iter::once(name).chain(numbered).find(free).unwrap_or_default()
}

/// Whether a name can be given to a new cube.
pub fn is_free(name: &str, taken: &[CubeInfo]) -> bool {
    is_cube_name(name) && taken.iter().all(|cube| cube.name != name)
}

/// The sets of dimensions that a draft has unless somebody says otherwise: each alone, and none.
pub fn usual_cuboids(dimensions: &[String]) -> Vec<Vec<String>> {
    let alone = dimensions.iter().map(|one| vec![one.clone()]);
    let all = alone.chain([Vec::new()]);
    all.filter(|cuboid| cuboid.as_slice() != dimensions).collect()
}

/// Pairs of dimensions that are no cuboid yet, of three dimensions or more.
pub fn pairs(dimensions: &[String], kept: &[Vec<String>]) -> Vec<Vec<String>> {
    let mut pairs = Vec::new();
    if dimensions.len() > 2 {
        for (place, first) in dimensions.iter().enumerate() {
            for second in &dimensions[place + 1..] {
                pairs.push(vec![first.clone(), second.clone()]);
            }
        }
    }
    pairs.retain(|pair| !kept.contains(pair));
    pairs
}

/// What is asked for.
pub fn body_of(draft: &Draft, tz: &str, cuboids: &[Vec<String>]) -> CubeBody {
    CubeBody {
        dimensions: draft.dimensions.clone(),
        measures: if draft.users { vec!["reach".to_string()] } else { Vec::new() },
        grain: Some(draft.grain.to_string()),
        tz: Some(tz.to_string()),
        cuboids: Some(cuboids.to_vec()),
    }
}

/// What somebody would make of a recommendation.
pub fn draft_of(told: &Recommendation) -> Draft {
    Draft {
        dimensions: told.dimensions.clone(),
        grain: grain_named(&told.grain),
        users: !told.measures.is_empty(),
    }
}

/// How many cells there would be of a cuboid, and how many bytes.
pub fn estimated(estimate: &Estimate, cuboid: &[String]) -> Option<(u64, u64)> {
    let found = estimate.cuboids.iter().find(|one| one.cuboid == cuboid)?;
    Some((found.cells, found.bytes))
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn texts(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_string).collect()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn standings() {
        fn check(enabled: bool, days: u64, stale_days: u64, expected: Standing, share: f64) {
            let cube = CubeInfo { enabled, days, stale_days, ..CubeInfo::default() };
            assert_eq!(
                (Standing::of(&cube), built_share(&cube)),
                (expected, share),
                "{enabled} {days} {stale_days}"
            );
        }
        check(false, 4, 0, Standing::Off, 1.0);
        check(true, 0, 0, Standing::NoDays, 0.0);
        check(true, 4, 4, Standing::Unbuilt, 0.0);
        check(true, 4, 1, Standing::Behind(1), 0.75);
        check(true, 4, 0, Standing::Whole, 1.0);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn days_of_parts() {
        assert_eq!(days_text("2026-02-01", "2026-03-01"), "2026-02-01 – 2026-02-28");
        assert_eq!(days_text("2026-03-07", "2026-03-08"), "2026-03-07");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn sizes_and_times() {
        assert_eq!(
            [0, 999, 1_500, 3_499_000, 2_000_000_000].map(bytes_text),
            ["0 B", "999 B", "1.5 kB", "3.5 MB", "2.00 GB"]
        );
        assert_eq!([0, 999, 1_850].map(took_text), ["0 ms", "999 ms", "1.9 s"]);
        assert_eq!(set_text(&texts("ad country"), Lang::En), "Ad, Country");
        assert_eq!(set_text(&texts("ad of-tomorrow"), Lang::Ko), "광고, of-tomorrow");
        assert_eq!(set_text(&[], Lang::En), "all together");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn drafts_change_and_get_names() {
        let scope = "advertiser:acme";
        let draft = toggled(&toggled(&Draft::default(), "country", scope), "campaign", scope);
        assert_eq!(draft.dimensions, texts("campaign country"));
        assert_eq!(toggled(&draft, "campaign", scope).dimensions, texts("country"));
        assert_eq!(name_for(&draft, &[]), "day-campaign-country");
        let taken = ["day-campaign-country", "day-2"]
            .map(|name| CubeInfo { name: name.to_string(), ..CubeInfo::default() });
        assert_eq!(name_for(&draft, &taken), "day-3");
        assert!(is_free("mine", &taken) && !is_free("day-2", &taken) && !is_free("Mine", &taken));
        assert!(dimensions_of("service:news").iter().all(|name| name != "campaign"));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn cuboids_of_a_draft() {
        assert_eq!(usual_cuboids(&texts("ad country")), [texts("ad"), texts("country"), vec![]]);
        assert_eq!(usual_cuboids(&texts("ad")), [Vec::<String>::new()]);
        let three = texts("ad country device");
        assert_eq!(pairs(&three, &[texts("ad country")]), [texts("ad device"), texts("country device")]);
        assert!(pairs(&texts("ad country"), &[]).is_empty());
        let body =
            body_of(&Draft { dimensions: three.clone(), grain: "hour", users: true }, "UTC", &[vec![]]);
        assert_eq!(
            (body.measures, body.grain.as_deref(), body.cuboids),
            (texts("reach"), Some("hour"), Some(vec![vec![]]))
        );
    }
}
