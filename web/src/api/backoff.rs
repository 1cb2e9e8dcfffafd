//! How long to wait before the live channel is opened again.

/// The wait after the first loss.
const FIRST_MS: u32 = 500;
/// The longest wait: a server that comes back is noticed within half a minute.
const LONGEST_MS: u32 = 30_000;

/// The wait before attempt number `attempt` (from 0): doubling, up to half a minute.
///
/// `jitter` in 0..=1 takes up to half of it away, so that all the browsers that lost a server at once do not come
/// back at once.
pub fn wait_ms(attempt: u32, jitter: f64) -> u32 {
    let doubled = FIRST_MS.saturating_mul(1_u32.checked_shl(attempt).unwrap_or(u32::MAX));
    let wait = doubled.min(LONGEST_MS);
    wait - (f64::from(wait) / 2.0 * jitter.clamp(0.0, 1.0)) as u32
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn doubles_up_to_half_a_minute() {
        fn check(attempt: u32, jitter: f64, expected: u32) {
            assert_eq!(wait_ms(attempt, jitter), expected, "attempt {attempt}, jitter {jitter}");
        }
        check(0, 0.0, 500);
        check(1, 0.0, 1_000);
        check(5, 0.0, 16_000);
        check(6, 0.0, 30_000);
        check(31, 0.0, 30_000);
        check(u32::MAX, 0.0, 30_000);
        check(6, 1.0, 15_000);
        check(0, 0.5, 375);
    }
}
