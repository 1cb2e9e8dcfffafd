//! A dashboard for Grafana: a panel for each figure.

use serde_json::{Value, json};

use super::rules::quantile_of;
use super::{About, Figure, Kind, REGISTRY};

/// Panels side by side.
const COLUMNS: usize = 3;
/// Of Grafana's 24 units of width.
const WIDTH: usize = 24 / COLUMNS;
const HEIGHT: usize = 7;

/// The dashboard as a file to import.
pub fn grafana() -> String {
    let shown = REGISTRY.iter().filter(|about| about.figure != Figure::Build);
    let panels: Vec<Value> = shown.enumerate().map(|(index, about)| panel(index, about)).collect();
    let dashboard = json!({
        "title": "Adtally",
        "uid": "adtally",
        "schemaVersion": 39,
        "editable": true,
        "refresh": "30s",
        "time": { "from": "now-6h", "to": "now" },
        "templating": { "list": [{ "name": "source", "type": "datasource", "query": "prometheus", "label": "Source" }] },
        "panels": panels,
    });
    // Values of maps with text keys can always be written.
    serde_json::to_string_pretty(&dashboard).map_or_else(|_| String::new(), |text| text + "\n")
}

fn panel(index: usize, about: &About) -> Value {
    let targets: Vec<Value> = expressions(about)
        .into_iter()
        .zip('A'..)
        .map(|((expression, legend), id)| json!({ "refId": id.to_string(), "expr": expression, "legendFormat": legend }))
        .collect();
    json!({
        "id": index + 1,
        "type": "timeseries",
        "title": title(about),
        "description": about.help,
        "datasource": { "type": "prometheus", "uid": "${source}" },
        "gridPos": { "x": index % COLUMNS * WIDTH, "y": index / COLUMNS * HEIGHT, "w": WIDTH, "h": HEIGHT },
        "fieldConfig": { "defaults": { "unit": unit(about), "min": 0 }, "overrides": [] },
        "targets": targets,
    })
}

/// What a panel asks for, and what its lines are called.
fn expressions(about: &About) -> Vec<(String, String)> {
    match (about.kind, about.label) {
        (Kind::Counter(_), Some(label)) => {
            vec![(format!("sum(rate({}[5m])) by ({label})", about.name), format!("{{{{{label}}}}}"))]
        }
        (Kind::Counter(_), None) => vec![(format!("sum(rate({}[5m]))", about.name), "a second".to_owned())],
        (Kind::Gauge(..), label) => {
            vec![(about.name.to_owned(), label.map_or("now".to_owned(), |label| format!("{{{{{label}}}}}")))]
        }
        (Kind::Histogram(..), _) => ["0.5", "0.99"]
            .map(|quantile| (quantile_of(about.figure, quantile), format!("p{}", &quantile[2..])))
            .to_vec(),
    }
}

/// `adtally_events_accepted_total` is "Events accepted".
fn title(about: &About) -> String {
    let words = about.name.trim_start_matches("adtally_").trim_end_matches("_total").replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn unit(about: &About) -> &'static str {
    match (about.kind, about.name) {
        (_, name) if name.ends_with("_seconds") => "s",
        (_, name) if name.ends_with("_bytes") => "bytes",
        (_, name) if name.ends_with("_ratio") => "percentunit",
        (_, name) if name.contains("_dollars") => "currencyUSD",
        (Kind::Counter(_), _) => "ops",
        _ => "short",
    }
}
