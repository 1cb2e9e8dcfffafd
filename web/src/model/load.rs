//! Figures of the platform's operation, as a page shows them.

use adtally_wire::health::{HealthFigures, ObjectLoad};

/// An object and how busy it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Busy {
    /// Its class.
    pub class: String,
    /// Its name.
    pub object: String,
    /// Calls a second.
    pub calls: f64,
    /// Events a second that it stored.
    pub events: f64,
    /// Its part of the calls of all that are listed, in hundredths.
    pub share: u32,
}

/// How many a second, of so many in so many milliseconds; nothing is known of no time.
pub fn per_second(count: i64, over_ms: i64) -> Option<f64> {
    (over_ms > 0).then(|| count as f64 * 1_000.0 / over_ms as f64)
}

/// Objects, as busy as they were.
pub fn busy(figures: &HealthFigures) -> Vec<Busy> {
    let all: u64 = figures.objects.iter().map(|object| object.calls).sum();
    let rate = |count: u64| {
        per_second(i64::try_from(count).unwrap_or(i64::MAX), figures.recent_ms).unwrap_or_default()
    };
    let one = |load: &ObjectLoad| Busy {
        class: load.class.clone(),
        object: load.object.clone(),
        calls: rate(load.calls),
        events: rate(load.events),
        share: u32::try_from(load.calls * 100 / all.max(1)).unwrap_or(100),
    };
    figures.objects.iter().map(one).collect()
}

/// A rate with as many digits as are worth reading.
pub fn rate_text(rate: f64) -> String {
    match rate {
        rate if rate >= 100.0 => format!("{rate:.0}"),
        rate if rate >= 1.0 => format!("{rate:.1}"),
        rate => format!("{rate:.2}"),
    }
}

/// A time: `12 ms`, `1.4 s`, `3 min`.
pub fn time_text(ms: i64) -> String {
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{:.1} s", ms as f64 / 1_000.0),
        _ => format!("{} min", ms / 60_000),
    }
}

/// Dollars of millionths.
pub fn dollars_text(micros: i64) -> String {
    let dollars = micros as f64 / 1_000_000.0;
    if dollars >= 100.0 { format!("${dollars:.0}") } else { format!("${dollars:.2}") }
}

/// Megabytes.
pub fn megabytes_text(bytes: i64) -> String {
    format!("{:.0} MB", bytes as f64 / 1_000_000.0)
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn texts() {
        let rates = [0.0, 0.004, 0.5, 1.0, 99.94, 1234.5].map(rate_text);
        assert_eq!(rates, ["0.00", "0.00", "0.50", "1.0", "99.9", "1234"]);
        assert_eq!([12, 1_400, 180_000].map(time_text), ["12 ms", "1.4 s", "3 min"]);
        assert_eq!(
            [0, 530_000, 2_460_000, 123_400_000].map(dollars_text),
            ["$0.00", "$0.53", "$2.46", "$123"]
        );
        assert_eq!(megabytes_text(92_400_000), "92 MB");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn rates() {
        assert_eq!((per_second(30, 60_000), per_second(30, 0)), (Some(0.5), None));
    }
}
