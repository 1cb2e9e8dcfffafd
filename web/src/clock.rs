//! The one place where the dashboard asks what time it is.

/// Milliseconds since 1970 by this device's clock.
pub fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}
