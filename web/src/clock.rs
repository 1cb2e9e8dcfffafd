//! The one place where the dashboard asks what time it is.

/// Milliseconds since 1970 by this device's clock.
pub fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// Milliseconds since the page began, with their fraction: for measuring, not for dates.
pub fn precise_ms() -> f64 {
    leptos::prelude::window().performance().map_or(0.0, |performance| performance.now())
}
