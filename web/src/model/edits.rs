//! What forms show of numbers, and what they read.

/// An amount in units of `unit`, without needless zeros: 5,400,000 ms are `1.5` hours.
pub fn hours_of(amount: i64, unit: i64) -> String {
    let text = format!("{:.6}", amount as f64 / unit as f64);
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// The amount that a text means in units of `unit`; `None` where it is no number that is at least 0.
pub fn ms_of(text: &str, unit: i64) -> Option<i64> {
    let number: f64 = text.trim().replace(',', "").parse().ok()?;
    (number.is_finite() && number >= 0.0).then(|| (number * unit as f64).round() as i64)
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn amounts_both_ways() {
        fn check(amount: i64, text: &str) {
            assert_eq!(hours_of(amount, 3_600_000), text);
            assert_eq!(ms_of(text, 3_600_000), Some(amount));
        }
        check(0, "0");
        check(86_400_000, "24");
        check(5_400_000, "1.5");
        assert_eq!(ms_of(" 1,000 ", 1_000_000), Some(1_000_000_000));
        for wrong in ["", "x", "-1", "inf"] {
            assert_eq!(ms_of(wrong, 1), None, "{wrong}");
        }
    }
}
