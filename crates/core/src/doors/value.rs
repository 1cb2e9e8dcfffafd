//! Values as others write them: decimal amounts, times in seconds or milliseconds, macros that nobody filled in.

use serde_json::Value;

/// Millionths of a decimal amount such as `12.5`; digits beyond the sixth place are dropped.
pub(super) fn micros(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let fraction = &fraction[..fraction.len().min(6)];
    let part: i64 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let part = part * 10_i64.pow(6 - fraction.len() as u32);
    Some(sign * whole.checked_mul(1_000_000)?.checked_add(part)?)
}

/// An amount in micros, of a number or of a text that is one; what is neither stays as it is, for the rules to refuse.
pub(super) fn amount(value: &Value, divisor: i64) -> Value {
    let text = match value {
        Value::Number(number) => plain(number),
        Value::String(text) => text.clone(),
        other => return other.clone(),
    };
    micros(&text).map_or_else(|| value.clone(), |micros| Value::from(micros / divisor))
}

/// A number without an exponent: JSON allows `1e-3`.
fn plain(number: &serde_json::Number) -> String {
    let text = number.to_string();
    match number.as_f64() {
        Some(float) if text.contains(['e', 'E']) && float.abs() < 1e15 => format!("{float:.6}"),
        _ => text,
    }
}

/// A time: whole seconds or milliseconds since 1970 by the number of their digits, or a text for the rules to read.
pub(super) fn time(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(seconds) if text.len() == 10 => Value::from(seconds * 1_000),
        Ok(ms) => Value::from(ms),
        // A plus that was not encoded arrives as a space.
        Err(_) => Value::from(text.trim().replace(' ', "+")),
    }
}

/// Whether a value says nothing: empty, unknown to a player (`-1`, VAST 4.1), or a macro that nobody filled in.
pub(super) fn is_unfilled(value: &str) -> bool {
    const FRAMES: [(&str, &str); 7] =
        [("[", "]"), ("{", "}"), ("{{", "}}"), ("${", "}"), ("%%", "%%"), ("__", "__"), ("<", ">")];
    let is_name = |text: &str| {
        !text.is_empty()
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-.:".contains(letter))
    };
    let framed = |(open, close): &(&str, &str)| {
        value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close)).is_some_and(is_name)
    };
    value.is_empty() || value == "-1" || value == "-2" || FRAMES.iter().any(framed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts() {
        fn check(text: &str, expected: Option<i64>) {
            assert_eq!(micros(text), expected, "{text}");
        }
        check("12.34", Some(12_340_000));
        check("0.0000019", Some(1));
        check(".5", Some(500_000));
        check("7.", Some(7_000_000));
        check("-2", Some(-2_000_000));
        check("9223372036854775807", None);
        check("1e3", None);
        check("", None);
        check(".", None);
        check("1,5", None);
        assert_eq!(amount(&serde_json::json!(1e-3), 1), 1_000);
        assert_eq!(amount(&serde_json::json!(2.5), 1_000), 2_500);
        assert_eq!(amount(&serde_json::json!("x"), 1), "x");
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("1532271600", Value::from(1_532_271_600_000_i64)),
            ("1532271600123", Value::from(1_532_271_600_123_i64)),
            ("2018-07-22T15:00:00 09:00", Value::from("2018-07-22T15:00:00+09:00")),
        ] {
            assert_eq!(time(text), expected, "{text}");
        }
    }

    #[test]
    fn macros() {
        for text in
            ["", "-1", "-2", "[CACHEBUSTING]", "{click_id}", "{{ad.id}}", "${AUCTION_ID}", "%%X%%", "__C__"]
        {
            assert!(is_unfilled(text), "{text}");
        }
        for text in ["0", "1", "[a b]", "{}", "{\"a\":1}", "__", "a{b}", "<>"] {
            assert!(!is_unfilled(text), "{text}");
        }
    }
}
