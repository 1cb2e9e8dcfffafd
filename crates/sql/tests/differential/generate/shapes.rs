//! Whole statements.

use super::Pair;
use super::expr::{aggregate, condition, dimension, figure, measure, quoted, text, time, whole};
use crate::dice::Dice;

/// One of the shapes that people and tools write.
pub(crate) fn statement(dice: &mut Dice) -> Pair {
    match dice.below(14) {
        0..=3 => grouped(dice),
        4 => plain(dice),
        5 => distinct(dice),
        6 => joined(dice),
        7 => sets(dice),
        8 => users(dice),
        9 => nested(dice),
        10 => in_query(dice),
        11 => union(dice),
        12 => window(dice),
        _ => with(dice),
    }
}

fn filter(dice: &mut Dice, measures: bool) -> Pair {
    match dice.one_in(4) {
        true => Pair::same(""),
        false => Pair::around(" WHERE {}", &[&condition(dice, 2, measures)]),
    }
}

fn key(dice: &mut Dice) -> Pair {
    match dice.below(5) {
        0 | 1 => Pair::same(dimension(dice)),
        2 => time(dice),
        3 => text(dice, 2),
        _ => whole(dice, 1),
    }
}

/// An order by every column, which leaves nothing open, and maybe a page.
fn ordered(dice: &mut Dice, query: &Pair, columns: usize) -> Pair {
    let first = 1 + dice.below(columns);
    let places = [first].into_iter().chain((1..=columns).filter(|place| *place != first));
    let keys: Vec<String> = places
        .map(|place| {
            let direction = dice.pick(&["", " DESC"]);
            format!("{place}{direction} NULLS {}", dice.pick(&["FIRST", "LAST"]))
        })
        .collect();
    let page = match dice.below(3) {
        0 => format!(" LIMIT {}", dice.below(20)),
        1 => format!(" LIMIT {} OFFSET {}", dice.below(20), dice.below(5)),
        _ => String::new(),
    };
    let mut pair = Pair::around(&format!("{{}} ORDER BY {}{page}", keys.join(", ")), &[query]);
    pair.ordered = true;
    pair
}

fn grouped(dice: &mut Dice) -> Pair {
    // A constant key would be taken for the number of a column.
    let keys: Vec<Pair> = (0..dice.below(4)).map(|_| key(dice)).filter(|key| !is_constant(key)).collect();
    let aggregates: Vec<Pair> = (0..1 + dice.below(3)).map(|_| aggregate(dice)).collect();
    let shown: Vec<Pair> = keys.iter().chain(&aggregates).cloned().collect();
    let measures = dice.one_in(3);
    let filter = filter(dice, measures);
    let mut query = Pair::around("SELECT {} FROM ad_stats{}", &[&Pair::list(&shown, ", "), &filter]);
    if !keys.is_empty() {
        let by = match dice.one_in(3) {
            true => Pair::same((1..=keys.len()).map(|n| n.to_string()).collect::<Vec<_>>().join(", ")),
            false => Pair::list(&keys, ", "),
        };
        query = Pair::around("{} GROUP BY {}", &[&query, &by]);
        if dice.one_in(4) {
            query =
                Pair::around(&format!("{{}} HAVING SUM({}) > {}", measure(dice), dice.below(60)), &[&query]);
        }
    }
    if dice.one_in(2) { ordered(dice, &query, shown.len()) } else { query }
}

fn is_constant(pair: &Pair) -> bool {
    !pair.ours.contains(|character: char| character.is_ascii_alphabetic())
}

fn plain(dice: &mut Dice) -> Pair {
    let truth = Pair::around("({})", &[&condition(dice, 1, true)]);
    let shown = [key(dice), figure(dice, 2), key(dice), truth];
    let query = Pair::around("SELECT {} FROM ad_stats{}", &[&Pair::list(&shown, ", "), &filter(dice, true)]);
    ordered(dice, &query, shown.len())
}

fn distinct(dice: &mut Dice) -> Pair {
    let shown = [key(dice), key(dice)];
    let filter = filter(dice, false);
    let query = Pair::around("SELECT DISTINCT {} FROM ad_stats{}", &[&Pair::list(&shown, ", "), &filter]);
    if dice.one_in(2) { ordered(dice, &query, 2) } else { query }
}

fn joined(dice: &mut Dice) -> Pair {
    let join = dice.pick(&["JOIN", "LEFT JOIN", "INNER JOIN", "LEFT OUTER JOIN"]);
    let on = dice.pick(&[
        "s.campaign = c.campaign",
        "c.campaign = s.campaign AND c.price_micros > 600",
        "s.campaign = c.campaign AND s.country <> 'KR'",
        "s.advertiser = c.advertiser AND s.campaign = c.campaign",
    ]);
    let name =
        dice.pick(&["c.name", "c.price_model", "COALESCE(c.name, 'none')", "s.country", "c.budget_micros"]);
    let figure = dice.pick(&[
        "SUM(s.clicks)",
        "SUM(s.clicks * c.price_micros)",
        "COUNT(*)",
        "COUNT(c.name)",
        "MAX(c.price_micros)",
        "SUM(CASE WHEN c.name IS NULL THEN s.impressions ELSE 0 END)",
        "SUM(c.price_micros)",
    ]);
    let condition = dice.pick(&[
        "",
        " WHERE c.name IS NULL",
        " WHERE s.country = 'KR'",
        " WHERE (c.price_micros > 600 OR s.ad = 'a1')",
        " WHERE s.day >= '2025-12-01' AND c.name LIKE 'S%'",
    ]);
    let query = match dice.below(3) {
        0 => format!("ad_stats s {join} campaigns c ON {on}{condition}"),
        1 => format!("campaigns c {join} ad_stats s ON {on}{condition}"),
        _ if condition.is_empty() => format!("ad_stats s, campaigns c WHERE {on}"),
        _ => format!("ad_stats s, campaigns c{condition} AND {on}"),
    };
    let query = format!("SELECT {name}, {figure} FROM {query} GROUP BY {name}");
    ordered(dice, &Pair::same(query), 2)
}

/// Grouping sets are several groupings to SQLite.
fn sets(dice: &mut Dice) -> Pair {
    let (one, other) = (dimension(dice), "day");
    let figure = Pair::list(&[aggregate(dice), aggregate(dice)], ", ");
    let filter = filter(dice, false);
    let (clause, sets): (String, &[(bool, bool)]) = match dice.below(3) {
        0 => (format!("ROLLUP ({one}, {other})"), &[(true, true), (true, false), (false, false)]),
        1 => {
            (format!("CUBE ({one}, {other})"), &[(true, true), (true, false), (false, true), (false, false)])
        }
        _ => (format!("GROUPING SETS (({one}), ({other}))"), &[(true, false), (false, true)]),
    };
    let shown = format!("SELECT {one}, {other}, GROUPING({one}, {other})");
    let ours =
        Pair::around(&format!("{shown}, {{}} FROM ad_stats{{}} GROUP BY {clause}"), &[&figure, &filter]);
    let branches = sets.iter().map(|(has_one, has_other)| {
        let shown = |has: &bool, name: &str| if *has { name.to_owned() } else { "NULL".to_owned() };
        let bits = u8::from(!has_one) * 2 + u8::from(!has_other);
        let keys = [(*has_one, one), (*has_other, other)];
        let keys: Vec<&str> = keys.iter().filter(|(has, _)| *has).map(|(_, name)| *name).collect();
        let by = if keys.is_empty() { String::new() } else { format!(" GROUP BY {}", keys.join(", ")) };
        let (one, other) = (shown(has_one, one), shown(has_other, other));
        format!("SELECT {one}, {other}, {bits}, {} FROM ad_stats{}{by}", figure.theirs, filter.theirs)
    });
    Pair::two(ours.ours, branches.collect::<Vec<_>>().join(" UNION ALL "))
}

/// Users lie in a table of their own at SQLite.
fn users(dice: &mut Dice) -> Pair {
    let key = dimension(dice);
    let filter = filter(dice, false);
    let count = dice.pick(&["COUNT(DISTINCT user_key)", "APPROX_COUNT_DISTINCT(user_key)"]);
    let (ours, theirs) = (&filter.ours, &filter.theirs);
    let joined = "ad_stats LEFT JOIN cell_users USING (cell)";
    Pair::two(
        format!("SELECT {key}, {count}, MAX(day) FROM ad_stats{ours} GROUP BY {key}"),
        format!("SELECT {key}, COUNT(DISTINCT user), MAX(day) FROM {joined}{theirs} GROUP BY {key}"),
    )
}

fn nested(dice: &mut Dice) -> Pair {
    const KEYS: &str = "campaign, country, ad, device, service, day, week, month, hour";
    const FIGURES: [&str; 4] = ["clicks", "impressions", "conversions", "cost_micros"];
    let inner = match dice.below(3) {
        0 => Pair::around("SELECT * FROM ad_stats{}", &[&filter(dice, true)]),
        1 => {
            let shown = format!("SELECT {KEYS}, {} FROM ad_stats{{}}", FIGURES.join(", "));
            Pair::around(&shown, &[&filter(dice, false)])
        }
        _ => {
            let sums = FIGURES.map(|figure| format!("SUM({figure}) AS {figure}")).join(", ");
            let shown = format!("SELECT {KEYS}, {sums} FROM ad_stats{{}} GROUP BY {KEYS}");
            Pair::around(&shown, &[&filter(dice, false)])
        }
    };
    let (key, figure) = (dimension(dice), aggregate(dice));
    let query = Pair::around(
        &format!("SELECT {key}, {{}} FROM ({{}}) AS t{{}} GROUP BY {key}"),
        &[&figure, &inner, &filter(dice, false)],
    );
    ordered(dice, &query, 2)
}

fn in_query(dice: &mut Dice) -> Pair {
    let not = dice.pick(&["", "NOT "]);
    let inner = match dice.below(5) {
        0 => {
            Pair::same(format!("campaign {not}IN (SELECT campaign FROM campaigns WHERE price_micros > 600)"))
        }
        1 => {
            let inner = format!("campaign {not}IN (SELECT NULLIF(campaign, '') FROM ad_stats{{}})");
            Pair::around(&inner, &[&filter(dice, true)])
        }
        2 => Pair::same(format!("clicks {not}IN (SELECT MAX(clicks) FROM ad_stats GROUP BY country)")),
        3 => Pair::around(&format!("{not}EXISTS (SELECT 1 FROM ad_stats{{}})"), &[&filter(dice, true)]),
        _ => Pair::around("impressions > (SELECT AVG(impressions) FROM ad_stats{})", &[&filter(dice, true)]),
    };
    let figure = Pair::around("SUM({})", &[&figure(dice, 1)]);
    Pair::around(
        "SELECT {}, COUNT(*) FROM ad_stats WHERE {} AND {}",
        &[&figure, &inner, &condition(dice, 1, true)],
    )
}

fn union(dice: &mut Dice) -> Pair {
    let all = dice.pick(&["UNION ALL", "UNION"]);
    let mut branch = || {
        let (key, filter) = (dimension(dice), filter(dice, false));
        let shown = format!("SELECT {key} AS k, SUM({}) AS n", measure(dice));
        Pair::around(&format!("{shown} FROM ad_stats{{}} GROUP BY {key}"), &[&filter])
    };
    let (one, other) = (branch(), branch());
    let query = Pair::around(&format!("{{}} {all} {{}}"), &[&one, &other]);
    ordered(dice, &query, 2)
}

fn window(dice: &mut Dice) -> Pair {
    let (key, figure) = (dimension(dice), measure(dice));
    let by_day = format!("(PARTITION BY {key} ORDER BY day)");
    let rows = "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW";
    let call = match dice.below(8) {
        0 => format!("ROW_NUMBER() OVER {by_day}"),
        1 => format!("RANK() OVER (ORDER BY SUM({figure}) DESC)"),
        2 => format!("DENSE_RANK() OVER (PARTITION BY {key} ORDER BY SUM({figure}))"),
        3 => format!("SUM(SUM({figure})) OVER (PARTITION BY {key})"),
        4 => format!("SUM(SUM({figure})) OVER {by_day}"),
        5 => format!("LAG(SUM({figure})) OVER {by_day}"),
        6 => format!("AVG(SUM({figure})) OVER (ORDER BY day, {key} {rows})"),
        _ => format!("LEAD(SUM({figure}), 2, -1) OVER {by_day}"),
    };
    let query = Pair::around(
        &format!("SELECT {key}, day, SUM({figure}), {call} FROM ad_stats{{}} GROUP BY {key}, day"),
        &[&filter(dice, false)],
    );
    ordered(dice, &query, 4)
}

fn with(dice: &mut Dice) -> Pair {
    let (key, filter) = (dimension(dice), filter(dice, true));
    let limit = dice.below(50);
    let suffix = quoted(dice.pick(&["a", "%", ""]));
    Pair::around(
        &format!(
            "WITH t AS (SELECT {key} AS k, day AS d, SUM(clicks) AS n FROM ad_stats{{}} GROUP BY {key}, day), \
             u AS (SELECT k, SUM(n) AS n, COUNT(*) AS days FROM t WHERE n < {limit} GROUP BY k) \
             SELECT t.k || {suffix}, t.n, u.n, u.days FROM t JOIN u ON t.k = u.k WHERE t.n * 2 > u.days"
        ),
        &[&filter],
    )
}
