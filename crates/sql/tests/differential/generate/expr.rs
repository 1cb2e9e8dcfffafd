//! Expressions of every type.

use super::Pair;
use crate::data::{ADS, CAMPAIGNS, COUNTRIES, DEVICES, MEASURES, SERVICES};
use crate::dice::Dice;

/// Dimensions and the values that they may have.
const DIMENSIONS: [(&str, &[&str]); 5] = [
    ("campaign", &CAMPAIGNS),
    ("ad", &ADS),
    ("country", &COUNTRIES),
    ("device", &DEVICES),
    ("service", &SERVICES),
];

pub(crate) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The name of a dimension.
pub(crate) fn dimension(dice: &mut Dice) -> &'static str {
    dice.pick(&DIMENSIONS).0
}

/// The name of a measure.
pub(crate) fn measure(dice: &mut Dice) -> &'static str {
    dice.pick(&MEASURES).0
}

fn value_of(dice: &mut Dice, name: &str) -> String {
    let values =
        DIMENSIONS.iter().find(|(known, _)| *known == name).map_or(&CAMPAIGNS[..], |(_, values)| values);
    match dice.one_in(8) {
        true => quoted("nobody"),
        false => quoted(dice.pick(values)),
    }
}

/// A day in or near the range of the data.
pub(crate) fn day(dice: &mut Dice) -> String {
    let (year, month) = dice.pick(&[(2025, 10), (2025, 11), (2025, 12), (2026, 1), (2026, 2)]);
    format!("{year}-{month:02}-{:02}", 1 + dice.below(28))
}

/// A text of dimensions only.
pub(crate) fn text(dice: &mut Dice, depth: usize) -> Pair {
    let name = dimension(dice);
    if depth == 0 {
        return Pair::same(name);
    }
    let inner = text(dice, depth - 1);
    match dice.below(10) {
        0 => Pair::around("UPPER({})", &[&inner]),
        1 => Pair::around("LOWER({})", &[&inner]),
        2 => Pair::around("SUBSTR({}, 1, 2)", &[&inner]),
        3 => Pair::around("({} || '/')", &[&inner]),
        4 => Pair::around("COALESCE(NULLIF({}, ''), 'none')", &[&inner]),
        5 => Pair::around("NULLIF({}, '')", &[&inner]),
        6 => {
            let condition = condition(dice, depth - 1, false);
            Pair::around("CASE WHEN {} THEN {} ELSE 'other' END", &[&condition, &inner])
        }
        7 => Pair::around("REPLACE({}, 'a', 'bb')", &[&inner]),
        _ => Pair::same(name),
    }
}

/// A whole number of dimensions and times only.
pub(crate) fn whole(dice: &mut Dice, depth: usize) -> Pair {
    match dice.below(7) {
        0 => Pair::around("LENGTH({})", &[&text(dice, depth.saturating_sub(1))]),
        1 => Pair::two("EXTRACT(MONTH FROM day)", "CAST(strftime('%m', day) AS INTEGER)"),
        2 => Pair::two("EXTRACT(HOUR FROM hour)", "CAST(strftime('%H', hour) AS INTEGER)"),
        3 => Pair::two("EXTRACT(DOW FROM hour)", "(CAST(strftime('%w', hour) AS INTEGER) + 1)"),
        4 => Pair::two("YEAR(hour)", "CAST(strftime('%Y', hour) AS INTEGER)"),
        5 if depth > 0 => {
            let (one, other) = (whole(dice, depth - 1), whole(dice, depth - 1));
            let op = dice.pick(&["+", "-", "*", "/", "%"]);
            Pair::around(&format!("({{}} {op} {{}})"), &[&one, &other])
        }
        _ => Pair::same(dice.pick(&["0", "1", "2", "7", "-3"])),
    }
}

/// A time cut off, or a column of one.
pub(crate) fn time(dice: &mut Dice) -> Pair {
    match dice.below(9) {
        0 => Pair::same("day"),
        1 => Pair::same("week"),
        2 => Pair::same("month"),
        3 => Pair::same("hour"),
        4 => Pair::two("CAST(FLOOR(CAST(day AS TIMESTAMP) TO DAY) AS DATE)", "day"),
        5 => Pair::two("DATE_TRUNC('month', hour)", "strftime('%Y-%m-01 00:00:00', hour)"),
        6 => Pair::two("FLOOR(hour TO DAY)", "strftime('%Y-%m-%d 00:00:00', hour)"),
        7 => Pair::two("CAST(hour AS DATE)", "date(hour)"),
        _ => Pair::two("DATE_TRUNC('year', day)", "strftime('%Y-01-01', day)"),
    }
}

/// A number of measures, for one row.
pub(crate) fn figure(dice: &mut Dice, depth: usize) -> Pair {
    if depth == 0 {
        return Pair::same(measure(dice));
    }
    let inner = figure(dice, depth - 1);
    match dice.below(9) {
        0 => Pair::around("({} + {})", &[&inner, &figure(dice, depth - 1)]),
        1 => Pair::around("({} - {})", &[&inner, &figure(dice, depth - 1)]),
        2 => Pair::around("({} * 3)", &[&inner]),
        3 => Pair::around("({} * 0.25)", &[&inner]),
        4 => {
            let condition = condition(dice, depth - 1, depth > 1);
            Pair::around("CASE WHEN {} THEN {} ELSE 0 END", &[&condition, &inner])
        }
        5 => {
            let condition = condition(dice, depth - 1, false);
            Pair::around("CASE WHEN {} THEN {} END", &[&condition, &inner])
        }
        6 => Pair::around("({} / 4)", &[&inner]),
        7 => Pair::around("(-{})", &[&inner]),
        _ => inner,
    }
}

/// True, false or unknown; of measures too where `measures`.
pub(crate) fn condition(dice: &mut Dice, depth: usize, measures: bool) -> Pair {
    if depth > 0 && dice.one_in(3) {
        let (one, other) = (condition(dice, depth - 1, measures), condition(dice, depth - 1, measures));
        return match dice.below(4) {
            0 => Pair::around("({} OR {})", &[&one, &other]),
            1 => Pair::around("(NOT {})", &[&one]),
            2 => Pair::around("(({}) IS TRUE)", &[&one]),
            _ => Pair::around("({} AND {})", &[&one, &other]),
        };
    }
    let name = dimension(dice);
    let value = value_of(dice, name);
    match dice.below(if measures { 16 } else { 14 }) {
        0 | 1 => Pair::same(format!("{name} = {value}")),
        2 => Pair::same(format!("{name} <> {value}")),
        3 => Pair::same(format!("{name} IN ({value}, {})", value_of(dice, name))),
        4 => Pair::same(format!("{name} NOT IN ({value}, {})", value_of(dice, name))),
        5 => Pair::same(format!("{name} LIKE {}", quoted(dice.pick(&["%", "s%", "%e%", "a_", "%배%", ""])))),
        6 => Pair::same(format!("NULLIF({name}, {value}) IS NULL")),
        7 => {
            let (one, other) = (day(dice), day(dice));
            Pair::same(format!("day BETWEEN '{}' AND '{}'", (&one).min(&other), (&one).max(&other)))
        }
        8 => Pair::same(format!("day >= '{}'", day(dice))),
        9 => Pair::same(format!("hour < '{} 12:00:00'", day(dice))),
        10 => {
            let day = day(dice);
            let theirs = format!("hour >= datetime('{day}', '-7 days')");
            Pair::two(format!("hour >= DATE '{day}' - INTERVAL '7' DAY"), theirs)
        }
        11 => Pair::around(&format!("{{}} {} 2", dice.pick(&["<", ">", "=", "<="])), &[&whole(dice, 1)]),
        12 => Pair::around("{} > 'k'", &[&text(dice, 1)]),
        13 => Pair::same(format!("month = '{}-01'", &day(dice)[..7])),
        _ => {
            Pair::same(format!("{} {} {}", measure(dice), dice.pick(&[">", "<", "=", "<>"]), dice.below(12)))
        }
    }
}

/// An aggregate over cells.
pub(crate) fn aggregate(dice: &mut Dice) -> Pair {
    match dice.below(13) {
        0 => Pair::same("COUNT(*)"),
        1 => Pair::around("COUNT(DISTINCT {})", &[&text(dice, 1)]),
        2 => Pair::around("COUNT({})", &[&text(dice, 1)]),
        3 => Pair::around("AVG({})", &[&figure(dice, 1)]),
        4 => Pair::around("MIN({})", &[&figure(dice, 1)]),
        5 => Pair::around("MAX({})", &[&text(dice, 1)]),
        6 => Pair::around("MIN({})", &[&time(dice)]),
        7 => Pair::around("SUM({}) FILTER (WHERE {})", &[&figure(dice, 1), &condition(dice, 1, true)]),
        8 => Pair::around("SUM(DISTINCT {})", &[&figure(dice, 0)]),
        9 => {
            let (one, other) = (measure(dice), measure(dice));
            Pair::same(format!("SUM({one}) * 1.5 / SUM({other})"))
        }
        _ => Pair::around("SUM({})", &[&figure(dice, 2)]),
    }
}
