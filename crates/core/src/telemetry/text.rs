//! The text that Prometheus reads, version 0.0.4.

use std::fmt::Write as _;

use super::counts::SUM;
use super::{About, Counts, Kind, REGISTRY, Unit};

/// All that is counted, with what the table says of it; figures that nobody has counted are left out.
pub fn prometheus(counts: &Counts) -> String {
    let mut text = String::new();
    for about in &REGISTRY {
        let series: Vec<(&str, i64)> = counts
            .iter()
            .filter(|(series, _)| series.figure == about.figure)
            .map(|(series, value)| (series.part.as_str(), value))
            .collect();
        if series.is_empty() {
            continue;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {} {}", about.name, about.help);
        let _ = writeln!(text, "# TYPE {} {}", about.name, about.kind.name());
        match about.kind {
            Kind::Counter(unit) | Kind::Gauge(unit, _) => plain(&mut text, about, unit, &series),
            Kind::Histogram(unit, bounds) => histogram(&mut text, about, unit, bounds, &series),
        }
    }
    text
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Counter(_) => "counter",
            Kind::Gauge(..) => "gauge",
            Kind::Histogram(..) => "histogram",
        }
    }
}

fn plain(text: &mut String, about: &About, unit: Unit, series: &[(&str, i64)]) {
    let Some(label) = about.label else {
        let value = series.first().map_or(0, |(_, value)| *value);
        let _ = writeln!(text, "{} {}", about.name, decimal(value, unit));
        return;
    };
    for (part, value) in series {
        let _ = writeln!(text, "{}{{{label}=\"{}\"}} {}", about.name, escaped(part), decimal(*value, unit));
    }
}

fn histogram(text: &mut String, about: &About, unit: Unit, bounds: &[i64], series: &[(&str, i64)]) {
    let of = |part: &str| series.iter().find(|(name, _)| *name == part).map_or(0, |(_, count)| *count);
    let mut count = 0;
    for (range, bound) in bounds.iter().map(Some).chain([None]).enumerate() {
        count += of(&format!("{range:02}"));
        let le = bound.map_or("+Inf".to_owned(), |bound| decimal(*bound, unit));
        let _ = writeln!(text, "{}_bucket{{le=\"{le}\"}} {count}", about.name);
    }
    let _ = writeln!(text, "{}_sum {}", about.name, decimal(of(SUM), unit));
    let _ = writeln!(text, "{}_count {count}", about.name);
}

/// A whole number of parts, as a decimal number of whole ones.
fn decimal(value: i64, unit: Unit) -> String {
    let (divisor, sign) = (unit.divisor().unsigned_abs(), if value < 0 { "-" } else { "" });
    let (whole, rest) = (value.unsigned_abs() / divisor, value.unsigned_abs() % divisor);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    let digits = divisor.ilog10() as usize;
    format!("{sign}{whole}.{}", format!("{rest:0digits$}").trim_end_matches('0'))
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
