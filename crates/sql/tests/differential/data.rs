//! Cells and tables, here and as a script for SQLite.

use std::fmt::Write;

use adtally_core::cell::{CellKey, Cells, Dimension, Scope};
use adtally_core::key::{Key, UserKey};
use adtally_core::measure::Measure;
use adtally_core::segment::Segment;
use adtally_core::time::{HOUR_MS, Hour};
use adtally_sql::Value;
use chrono::{DateTime, Datelike, Days, TimeZone, Utc};
use chrono_tz::Tz;

use crate::dice::Dice;

/// 2026-01-15T00:00:00Z.
const NOW_MS: i64 = 1_768_435_200_000;

pub(crate) const CAMPAIGNS: [&str; 5] = ["", "summer", "winter, late", "o'brien", "50%_off"];
pub(crate) const ADS: [&str; 6] = ["", "a1", "a2", "A3", "배너", "x-y"];
pub(crate) const COUNTRIES: [&str; 4] = ["", "KR", "US", "DE"];
pub(crate) const DEVICES: [&str; 3] = ["", "phone", "desktop"];
pub(crate) const SERVICES: [&str; 3] = ["news", "blog", "video"];
const LABELS: [&str; 2] = ["", "purchase"];

/// Measures that have figures.
pub(crate) const MEASURES: [(&str, Measure); 4] = [
    ("impressions", Measure::Impressions),
    ("clicks", Measure::Clicks),
    ("conversions", Measure::Conversions),
    ("cost_micros", Measure::CostMicros),
];

/// What statements are about.
pub(crate) struct World {
    pub(crate) scope: Scope,
    pub(crate) zone: Tz,
    pub(crate) now_ms: i64,
    /// Cells as they lie in several places, some in more than one.
    pub(crate) parts: Vec<Segment>,
    pub(crate) campaigns: Vec<Vec<Value>>,
    pub(crate) ads: Vec<Vec<Value>>,
    cells: Cells,
    users: Vec<(usize, u64)>,
}

impl World {
    pub(crate) fn make(dice: &mut Dice) -> World {
        let zone = dice.pick(&[Tz::UTC, Tz::Asia__Seoul, Tz::America__New_York, Tz::Asia__Kolkata]);
        let count = dice.pick(&[0, 1, 20, 150, 300]);
        let (mut cells, mut keys) = (Cells::new(), Vec::new());
        let mut parts = vec![Cells::new(), Cells::new(), Cells::new()];
        for _ in 0..count {
            let mut key = CellKey::at(Hour((NOW_MS / HOUR_MS) as i32 - 1 - dice.below(24 * 90) as i32));
            let mut set = |dimension, text: &str| key.set(dimension, Key::parse(text).unwrap());
            set(Dimension::Advertiser, "acme");
            set(Dimension::Campaign, dice.pick(&CAMPAIGNS));
            set(Dimension::Ad, dice.pick(&ADS));
            set(Dimension::Service, dice.pick(&SERVICES));
            set(Dimension::Country, dice.pick(&COUNTRIES));
            set(Dimension::Device, dice.pick(&DEVICES));
            set(Dimension::Label, dice.pick(&LABELS));
            let users: Vec<u64> = (0..dice.below(4)).map(|_| user(dice.below(60))).collect();
            let figures = [1 + dice.below(40), dice.below(6), dice.below(3), dice.below(5) * 250_000];
            for cells in [&mut cells, &mut parts[dice.below(3)]] {
                let tally = cells.entry(key.clone()).or_default();
                for ((_, measure), figure) in MEASURES.iter().zip(figures) {
                    tally.measures.add(*measure, figure as i64);
                }
                users.iter().for_each(|user| tally.users.insert(UserKey(*user)));
            }
            keys.push((key, users));
        }
        let place = |key: &CellKey| cells.keys().position(|known| known == key).unwrap();
        let users =
            keys.iter().flat_map(|(key, users)| users.iter().map(|user| (place(key), *user))).collect();
        let text = Value::text;
        let campaign = |key: &str, name: &str, model: Option<&str>, price| {
            let model = model.map_or(Value::Null, Value::text);
            let budget = if price > 500 { Value::Integer(price * 10) } else { Value::Null };
            vec![
                text("acme"),
                text(key),
                text(name),
                model,
                Value::Integer(price),
                Value::Null,
                Value::Null,
                budget,
            ]
        };
        World {
            scope: Scope::Advertiser(Key::parse("acme").unwrap()),
            zone,
            now_ms: NOW_MS,
            parts: parts.into_iter().map(Segment::from_cells).collect(),
            campaigns: vec![
                campaign("summer", "Summer", Some("cpm"), 1_000),
                campaign("o'brien", "O'Brien", None, 500),
                campaign("unused", "", Some("cpc"), 7),
            ],
            ads: ["a1", "a2", "A3"]
                .map(|ad| vec![text("acme"), text(ad), text(&format!("Ad {ad}")), text("summer")])
                .to_vec(),
            cells,
            users,
        }
    }

    /// Tables and rows as SQLite takes them.
    pub(crate) fn script(&self) -> String {
        let mut script = String::from("PRAGMA case_sensitive_like = ON;\n");
        let dimensions = Dimension::ALL.map(|dimension| format!("{} TEXT", dimension.name())).join(", ");
        let measures = MEASURES.map(|(name, _)| format!("{name} INTEGER")).join(", ");
        let times = "cell INTEGER PRIMARY KEY, hour TEXT, day TEXT, week TEXT, month TEXT";
        let _ = writeln!(script, "CREATE TABLE ad_stats ({times}, {dimensions}, {measures});");
        let _ = writeln!(script, "CREATE TABLE cell_users (cell INTEGER, user TEXT);");
        for (number, (key, tally)) in self.cells.iter().enumerate() {
            let utc = DateTime::<Utc>::from_timestamp_millis(key.hour.start_ms()).unwrap();
            let local = self.zone.from_utc_datetime(&utc.naive_utc()).naive_local();
            let day = local.date();
            let week = day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())).unwrap();
            let mut row = vec![
                number.to_string(),
                quoted(&local.format("%Y-%m-%d %H:%M:%S").to_string()),
                quoted(&day.to_string()),
                quoted(&week.to_string()),
                quoted(&day.with_day(1).unwrap().to_string()),
            ];
            row.extend(Dimension::ALL.map(|dimension| quoted(key.dim(dimension).as_str())));
            row.extend(MEASURES.map(|(_, measure)| tally.measures.get(measure).to_string()));
            let _ = writeln!(script, "INSERT INTO ad_stats VALUES ({});", row.join(", "));
        }
        for (cell, user) in &self.users {
            let _ = writeln!(script, "INSERT INTO cell_users VALUES ({cell}, '{user}');");
        }
        table(
            &mut script,
            "campaigns (advertiser, campaign, name, price_model, price_micros INTEGER, start_time, end_time, budget_micros INTEGER)",
            &self.campaigns,
        );
        table(&mut script, "ads (advertiser, ad, name, campaign)", &self.ads);
        script
    }
}

/// Even bits, as pseudonyms have.
fn user(number: usize) -> u64 {
    (number as u64 + 1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .rotate_left(29)
        .wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn table(script: &mut String, head: &str, rows: &[Vec<Value>]) {
    let _ = writeln!(script, "CREATE TABLE {head};");
    let name = head.split(' ').next().unwrap();
    for row in rows {
        let values = row.iter().map(|value| match value {
            Value::Null => "NULL".to_owned(),
            Value::Integer(number) => number.to_string(),
            other => quoted(&other.to_string()),
        });
        let _ = writeln!(script, "INSERT INTO {name} VALUES ({});", values.collect::<Vec<_>>().join(", "));
    }
}
