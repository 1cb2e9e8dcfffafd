//! The browser's `Intl`: numbers, money, dates and time zones as each language writes them.
//!
//! It is bound by hand because a currency or a zone comes from data: where it is not one, the constructor throws,
//! and that has to be an answer here and not the end of the page.

use adtally_core::report;
use adtally_core::time::DAY_MS;
use wasm_bindgen::prelude::*;

use crate::calendar::{Offsets, Span};

#[wasm_bindgen]
extern "C" {
    type NumberFormat;

    #[wasm_bindgen(catch, constructor, js_namespace = Intl)]
    fn new(locale: &str, options: &JsValue) -> Result<NumberFormat, JsValue>;

    #[wasm_bindgen(method)]
    fn format(this: &NumberFormat, value: f64) -> String;

    type DateTimeFormat;

    #[wasm_bindgen(catch, constructor, js_namespace = Intl)]
    fn new(locale: &str, options: &JsValue) -> Result<DateTimeFormat, JsValue>;

    #[wasm_bindgen(method)]
    fn format(this: &DateTimeFormat, epoch_ms: f64) -> String;

    #[wasm_bindgen(method, js_name = resolvedOptions)]
    fn resolved_options(this: &DateTimeFormat) -> js_sys::Object;

    #[wasm_bindgen(catch, js_namespace = Intl, js_name = supportedValuesOf)]
    fn supported_values_of(key: &str) -> Result<js_sys::Array, JsValue>;
}

/// An options object.
fn options(entries: &[(&str, JsValue)]) -> JsValue {
    let object = js_sys::Object::new();
    for (name, value) in entries {
        // Setting a property of a fresh plain object cannot fail.
        let _ = js_sys::Reflect::set(&object, &JsValue::from_str(name), value);
    }
    object.into()
}

/// Writes numbers in one style.
pub struct Numbers(NumberFormat);

impl Numbers {
    /// `None` when an option is not one, such as a currency that is none.
    pub fn new(locale: &str, entries: &[(&str, JsValue)]) -> Option<Numbers> {
        NumberFormat::new(locale, &options(entries)).ok().map(Numbers)
    }

    /// The number as text.
    pub fn write(&self, value: f64) -> String {
        self.0.format(value)
    }
}

/// Writes instants in one style.
pub struct Dates(DateTimeFormat);

impl Dates {
    /// `None` when an option is not one, such as a zone that this browser does not know.
    pub fn new(locale: &str, entries: &[(&str, JsValue)]) -> Option<Dates> {
        DateTimeFormat::new(locale, &options(entries)).ok().map(Dates)
    }

    /// The instant as text.
    pub fn write(&self, instant_ms: i64) -> String {
        self.0.format(instant_ms as f64)
    }
}

/// A time zone by the browser's zone table.
pub struct Zone(Dates);

impl Zone {
    /// `None` when the browser does not know it.
    pub fn new(name: &str) -> Option<Zone> {
        let numeric = |field| (field, JsValue::from_str("numeric"));
        let fields = ["year", "month", "day", "hour", "minute", "second"].map(numeric);
        let mut entries = fields.to_vec();
        entries.push(("timeZone", JsValue::from_str(name)));
        entries.push(("hourCycle", JsValue::from_str("h23")));
        Dates::new("en-US", &entries).map(Zone)
    }

    /// The zone, or UTC.
    pub fn or_utc(name: &str) -> Option<Zone> {
        Zone::new(name).or_else(|| Zone::new("UTC"))
    }
}

impl Offsets for Zone {
    /// The wall time that `Intl` writes (`11/22/2026, 15:04:05`), taken as UTC, less the instant.
    fn offset_ms(&self, instant_ms: i64) -> i64 {
        let text = self.0.write(instant_ms);
        let mut fields =
            text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse::<u32>().ok());
        let mut next = || fields.next().unwrap_or_default();
        let (month, day, year) = (next(), next(), next());
        let (hour, minute, second) = (next(), next(), next());
        let wall = i32::try_from(year)
            .ok()
            .and_then(|year| chrono::NaiveDate::from_ymd_opt(year, month, day))
            .and_then(|date| date.and_hms_opt(hour, minute, second));
        let whole_second = instant_ms - instant_ms.rem_euclid(1_000);
        wall.map_or(0, |wall| wall.and_utc().timestamp_millis() - whole_second)
    }
}

/// The zone of that name for whatever touches the days of `span`; one that the browser does not know is UTC.
pub fn zone_in(name: &str, span: Span) -> report::Zone {
    let start = |day: chrono::NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
    // A week and a month begin before the first of their days that is asked for.
    let instants = start(span.from) - 33 * DAY_MS..start(span.to) + 2 * DAY_MS;
    let zone = Zone::or_utc(name);
    report::Zone::sampled(name, instants, |at| zone.as_ref().map_or(0, |zone| zone.offset_ms(at)))
}

/// The zone that this device is set to.
pub fn device_zone() -> Option<String> {
    let format = DateTimeFormat::new("en-US", &options(&[])).ok()?;
    js_sys::Reflect::get(&format.resolved_options(), &JsValue::from_str("timeZone")).ok()?.as_string()
}

/// Every zone that the browser knows, by name, UTC first.
pub fn zone_names() -> Vec<String> {
    let known = supported_values_of("timeZone").map(|names| names.to_vec()).unwrap_or_default();
    let named = known.iter().filter_map(JsValue::as_string).filter(|name| name != "UTC");
    std::iter::once("UTC".to_string()).chain(named).collect()
}

#[cfg(test)]
mod tests {
    use adtally_core::time::{HOUR_MS, MINUTE_MS, parse_rfc3339};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn offsets_of_the_browser() {
        fn check(zone: &str, at: &str, expected: i64) {
            let zone = Zone::new(zone).unwrap();
            assert_eq!(zone.offset_ms(parse_rfc3339(at).unwrap()), expected, "{at}");
        }
        check("UTC", "2026-11-22T15:04:05.678Z", 0);
        check("Asia/Seoul", "2026-11-22T15:04:05.678Z", 9 * HOUR_MS);
        check("Asia/Kolkata", "2026-11-22T23:59:59Z", 5 * HOUR_MS + 30 * MINUTE_MS);
        check("America/New_York", "2026-07-01T00:00:00Z", -4 * HOUR_MS);
        check("America/New_York", "2026-12-01T00:00:00Z", -5 * HOUR_MS);
    }

    #[wasm_bindgen_test]
    fn what_is_not_a_zone_is_none() {
        for name in ["", "Mars/Olympus", "아시아/서울"] {
            assert!(Zone::new(name).is_none(), "{name}");
        }
    }

    #[wasm_bindgen_test]
    fn zones_can_be_listed() {
        let names = zone_names();
        assert_eq!(names.first().map(String::as_str), Some("UTC"));
        assert!(names.iter().any(|name| name == "Asia/Seoul"));
    }
}
