//! What the figures should be: on one core of a small server.

/// Whether a figure should be large or small.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Better {
    More,
    Less,
}

/// Rates should be large, everything else small.
pub(super) fn better(unit: &str) -> Better {
    if unit.ends_with("/s") { Better::More } else { Better::Less }
}

/// By name of the figure.
const GOALS: [(&str, f64); 32] = [
    ("native/parse", 5e6),
    ("native/link", 12e6),
    ("native/link-peak", 1_000.0),
    ("native/bulk", 12e6),
    ("native/bulk-loaded", 12e6),
    ("native/bulk-peak", 1_000.0),
    ("native/aggregate", 25e6),
    ("native/aggregate-users", 12e6),
    ("native/whole", 3e6),
    ("native/whole-set", 3e6),
    ("native/q1", 2.0),
    ("native/q2", 2.0),
    ("native/q3", 0.2),
    ("native/q4", 1.5),
    ("wasm/parse", 4e6),
    ("wasm/whole", 1.5e6),
    ("wasm/whole-set", 1.5e6),
    ("wasm/open-events", 96.0),
    ("wasm/q1", 3.0),
    ("wasm/q2", 3.0),
    ("wasm/q3", 0.3),
    ("wasm/q4", 2.5),
    ("wasm/module", 1_000.0),
    ("worker/rows/single", 40.0),
    ("worker/rows/batch", 40.0),
    ("worker/dollars/single", 0.50),
    ("worker/dollars/batch", 0.03),
    ("worker/freshness/p99", 2_000.0),
    ("worker/touches/memory", 32.0),
    ("worker/sql/cubes/mixed-p50", 50.0),
    ("worker/sql/cubes/mixed-p90", 200.0),
    ("browser/sql/module", 1_000.0),
];

/// The goal of a figure that has one.
pub(super) fn goal(name: &str) -> Option<f64> {
    GOALS.iter().find(|(known, _)| *known == name).map(|(_, goal)| *goal)
}
