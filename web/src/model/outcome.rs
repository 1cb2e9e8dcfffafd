//! The answer of a statement: as a table of which a window is shown, as a file, as a chart.

use adtally_core::time::parse_rfc3339;
use serde::Deserialize;

/// The height of a row in pixels; style and this agree.
pub const ROW_HEIGHT: f64 = 30.0;
/// Rows beyond the window on either side, so that scrolling shows no gap.
const SPARE: usize = 12;
/// Bars that fit on a page.
pub const MAX_BARS: usize = 30;
/// Points that a line can show.
pub const MAX_POINTS: usize = 2_000;

/// A value.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// A number.
    Number(f64),
    /// A text; days, times and decimals are such too.
    Text(String),
    /// True or false.
    Truth(bool),
    /// Nothing.
    Nothing(()),
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Column {
    /// What it is called.
    pub name: String,
    /// What its values are.
    #[serde(rename = "type")]
    pub kind: String,
}

/// An answer of `/v1/sql`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct Answer {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Cell {
    /// As it stands in a table; nothing is empty.
    pub fn text(&self) -> String {
        match self {
            Cell::Number(number) => number.to_string(),
            Cell::Text(text) => text.clone(),
            Cell::Truth(truth) => truth.to_string(),
            Cell::Nothing(()) => String::new(),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Cell::Number(number) => Some(*number),
            Cell::Text(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }
}

impl Column {
    /// Whether its values are numbers.
    pub fn is_number(&self) -> bool {
        ["bigint", "double"].contains(&self.kind.as_str()) || self.kind.starts_with("decimal")
    }

    /// Whether its values are days or times.
    pub fn is_time(&self) -> bool {
        self.kind == "date" || self.kind.starts_with("timestamp")
    }
}

/// The rows that are made for a scrolled table: the first, the one after the last, of so many.
pub fn window(scroll_top: f64, height: f64, rows: usize) -> (usize, usize) {
    let first = (scroll_top.max(0.0) / ROW_HEIGHT) as usize;
    let seen = (height.max(0.0) / ROW_HEIGHT).ceil() as usize + 1;
    (first.saturating_sub(SPARE).min(rows), (first + seen + SPARE).min(rows))
}

/// RFC 4180; what a spreadsheet would take for a formula gets a quote before it.
pub fn csv(answer: &Answer) -> String {
    let mut text = line(answer.columns.iter().map(|column| guarded(&column.name)));
    for row in &answer.rows {
        text += &line(row.iter().map(|cell| match cell {
            Cell::Text(text) if text.parse::<f64>().is_err() => guarded(text),
            other => other.text(),
        }));
    }
    text
}

fn guarded(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_string() }
}

fn line(fields: impl Iterator<Item = String>) -> String {
    let quoted = fields.map(|field| {
        if field.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field
        }
    });
    quoted.collect::<Vec<_>>().join(",") + "\r\n"
}

/// The lines of an `EXPLAIN`.
pub fn plan_text(answer: &Answer) -> String {
    answer.rows.iter().filter_map(|row| row.first()).map(Cell::text).collect::<Vec<_>>().join("\n")
}

/// A figure of an answer, drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// The figures that can be drawn, by name.
    pub figures: Vec<String>,
    /// Whether the values stand over time.
    pub is_time: bool,
    /// What each value is of.
    pub names: Vec<String>,
    /// The values.
    pub values: Vec<Option<f64>>,
}

/// The figure of that place in the list drawn over the columns that are none; `None` where nothing can be.
///
/// Times stand in their order whatever the order of the rows, if there is one row of each.
pub fn drawing(answer: &Answer, figure: usize) -> Option<Drawing> {
    let (numbers, others): (Vec<usize>, Vec<usize>) =
        (0..answer.columns.len()).partition(|place| answer.columns[*place].is_number());
    let of = *numbers.get(figure).or(numbers.first())?;
    if answer.rows.is_empty() || others.is_empty() {
        return None;
    }
    let name =
        |row: &Vec<Cell>| others.iter().map(|place| row[*place].text()).collect::<Vec<_>>().join(" · ");
    let mut rows: Vec<(String, Option<f64>)> =
        answer.rows.iter().map(|row| (name(row), row[of].number())).collect();
    let is_time = others.len() == 1 && answer.columns[others[0]].is_time() && {
        rows.sort_by(|a, b| a.0.cmp(&b.0));
        rows.windows(2).all(|pair| pair[0].0 != pair[1].0)
    };
    if !is_time {
        rows = answer.rows.iter().map(|row| (name(row), row[of].number())).collect();
    }
    rows.truncate(if is_time { MAX_POINTS } else { MAX_BARS });
    let (names, values) = rows.into_iter().unzip();
    let figures = numbers.iter().map(|place| answer.columns[*place].name.clone()).collect();
    Some(Drawing { figures, is_time, names, values })
}

/// A local time or day of an answer, in ms since 1970 as if it were UTC.
pub fn local_ms(text: &str) -> Option<i64> {
    let text = text.replacen(' ', "T", 1);
    parse_rfc3339(&if text.contains('T') { format!("{text}Z") } else { format!("{text}T00:00:00Z") })
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn answer(columns: &[(&str, &str)], rows: Vec<Vec<Cell>>) -> Answer {
        let column = |(name, kind): &(&str, &str)| Column { name: name.to_string(), kind: kind.to_string() };
        Answer { columns: columns.iter().map(column).collect(), rows }
    }

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_string())
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn windows_follow_the_scroll() {
        assert_eq!(window(0.0, 300.0, 10_000), (0, 23));
        assert_eq!(window(3_000.0, 300.0, 10_000), (88, 123));
        assert_eq!(window(299_900.0, 300.0, 10_000), (9_984, 10_000));
        assert_eq!(window(1e9, 300.0, 5), (5, 5));
        assert_eq!(window(-4.0, 0.0, 3), (0, 3));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn files_are_csv() {
        let rows = vec![vec![
            text("=a,\"b\""),
            Cell::Number(-1.5),
            text("-2.50"),
            Cell::Nothing(()),
            Cell::Truth(true),
        ]];
        let columns =
            [("n", "varchar"), ("x", "double"), ("d", "decimal"), ("z", "bigint"), ("t", "boolean")];
        assert_eq!(csv(&answer(&columns, rows)), "n,x,d,z,t\r\n\"'=a,\"\"b\"\"\",-1.5,-2.50,,true\r\n");
    }

    #[wasm_bindgen_test]
    fn answers_are_read() {
        let text = r#"{"columns":[{"name":"n","type":"bigint"}],"rows":[[1],["1.50"],[null],[true]],"row_count":4,"versions":[],"steps":9}"#;
        let read: Answer = crate::api::client::from_json(text).unwrap();
        let cells: Vec<String> = read.rows.iter().map(|row| row[0].text()).collect();
        assert_eq!(cells, ["1", "1.50", "", "true"]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_is_drawn() {
        let days = answer(
            &[("day", "date"), ("clicks", "bigint"), ("cost", "decimal")],
            vec![
                vec![text("2026-03-07"), Cell::Number(2.0), text("1.5")],
                vec![text("2026-03-06"), Cell::Number(1.0), Cell::Nothing(())],
            ],
        );
        let drawn = drawing(&days, 1).unwrap();
        assert_eq!(
            (drawn.is_time, drawn.names, drawn.values),
            (true, vec!["2026-03-06".to_string(), "2026-03-07".to_string()], vec![None, Some(1.5)])
        );
        assert_eq!(drawn.figures, ["clicks", "cost"]);
        assert_eq!(drawing(&days, 9).unwrap().values, [Some(1.0), Some(2.0)]);
        let bars = answer(
            &[("n", "bigint"), ("a", "varchar"), ("b", "varchar")],
            vec![vec![Cell::Number(3.0), text("x"), Cell::Nothing(())]],
        );
        let drawn = drawing(&bars, 0).unwrap();
        assert_eq!((drawn.is_time, drawn.names[0].as_str()), (false, "x · "));
        assert_eq!(drawing(&answer(&[("n", "bigint")], vec![vec![Cell::Number(3.0)]]), 0), None);
        assert_eq!(drawing(&answer(&[("a", "varchar")], vec![vec![text("x")]]), 0), None);
        assert_eq!(local_ms("2026-03-06"), local_ms("2026-03-06 00:00:00"));
    }
}
