//! How lively a place is through its day and its week.

use chrono::{Datelike, Timelike};
use chrono_tz::Tz;

use adtally_core::time::MINUTE_MS;

/// Traffic by local hour: asleep at four, a peak at lunch, the highest in the evening.
const BY_HOUR: [f64; 24] = [
    0.55, 0.33, 0.20, 0.14, 0.13, 0.18, 0.38, 0.78, 1.10, 1.12, 1.05, 1.12, 1.48, 1.34, 1.12, 1.06, 1.08,
    1.20, 1.36, 1.52, 1.74, 1.82, 1.58, 1.04,
];

/// Saturdays and Sundays are busier.
const WEEKEND: f64 = 1.12;

/// The traffic of a minute since 1970, around 1 on average.
pub(crate) fn liveliness(minute: i64, zone: Tz) -> f64 {
    let Some(utc) = chrono::DateTime::from_timestamp_millis(minute.saturating_mul(MINUTE_MS)) else {
        return 1.0;
    };
    let local = utc.with_timezone(&zone);
    let hour = local.hour() as usize % BY_HOUR.len();
    let next = BY_HOUR[(hour + 1) % BY_HOUR.len()];
    // From one hour's value to the next in a straight line, so that charts show no steps.
    let within = f64::from(local.minute()) / 60.0;
    let level = BY_HOUR[hour] + (next - BY_HOUR[hour]) * within;
    if local.weekday().number_from_monday() > 5 { level * WEEKEND } else { level }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_averages_to_one() {
        // 2026-11-18, a Wednesday.
        let first = 1_794_927_600_000 / MINUTE_MS;
        let sum: f64 = (0..24 * 60).map(|minute| liveliness(first + minute, chrono_tz::Asia::Seoul)).sum();
        let average = sum / (24.0 * 60.0);
        assert!((0.97..1.03).contains(&average), "{average}");
    }

    #[test]
    fn the_night_is_quiet_where_it_is_night() {
        // 2026-11-18T19:00:00Z: four in the morning in Seoul, two in the afternoon in New York.
        let minute = 1_795_028_400_000 / MINUTE_MS;
        assert!(liveliness(minute, chrono_tz::Asia::Seoul) < 0.2);
        assert!(liveliness(minute, chrono_tz::America::New_York) > 1.0);
    }
}
