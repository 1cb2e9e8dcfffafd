//! A pivot as a picture: SVG without style sheets, which a browser turns into PNG.

use std::fmt::Write as _;

use adtally_core::report::Metric;

use super::pivot::{greatest, heat, value};
use super::sheet::{Answered, Line, Stands};
use crate::html::Html;

/// The most rows and columns of a picture: beyond that nobody can read it, and CSV has them.
const MAX_ROWS: usize = 200;
const MAX_COLUMNS: usize = 60;
/// Sizes, in pixels.
const ROW: usize = 28;
const PAD: usize = 12;
const TITLE: usize = 40;
const CHART_HEIGHT: usize = 320;
const CHART_WIDTH: usize = 960;
/// Of a character on average, at 13 pixels.
const CHAR: usize = 8;
/// How dark the greatest figure is.
const DARKEST: f64 = 0.52;

/// What colours a picture has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Colours {
    /// Behind all.
    pub surface: String,
    /// Of text.
    pub ink: String,
    /// Of what is less important.
    pub soft: String,
    /// Of lines.
    pub edge: String,
    /// Of figures.
    pub accent: String,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// An SVG document.
    pub svg: String,
}

/// A cell of a table: its text, and how dark it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// As on the page.
    pub text: String,
    /// From 0 to 1.
    pub shade: f64,
}

/// A row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// How deep it lies.
    pub depth: usize,
    /// Its figures.
    pub cells: Vec<Cell>,
}

/// What a value of a custom property is in a scheme: `light-dark(a, b)` has two.
pub fn in_scheme(value: &str, is_dark: bool) -> String {
    let inner = value.trim().strip_prefix("light-dark(").and_then(|rest| rest.strip_suffix(')'));
    let both = inner.and_then(|inner| inner.split_once(','));
    both.map_or(value.trim(), |(light, dark)| if is_dark { dark.trim() } else { light.trim() }).to_string()
}

/// Rows of figures under heads, with a title.
pub fn table(title: &str, heads: &[String], rows: &[Row], colours: &Colours) -> Picture {
    let rows = &rows[..rows.len().min(MAX_ROWS)];
    let shown = heads.len().min(MAX_COLUMNS + 1);
    let width_of = |column: usize| {
        let own = heads.get(column).map_or(0, |head| head.chars().count());
        let cells = rows.iter().map(|row| match column {
            0 => row.name.chars().count() + 2 * row.depth,
            column => row.cells.get(column - 1).map_or(0, |cell| cell.text.chars().count()),
        });
        cells.chain([own]).max().unwrap_or(0).min(40) * CHAR + 2 * PAD
    };
    let widths: Vec<usize> = (0..shown).map(width_of).collect();
    let width = widths.iter().sum::<usize>() + 2 * PAD;
    let height = TITLE + (rows.len() + 1) * ROW + PAD;
    let mut svg = begin(width, height, title, colours);
    let mut y = TITLE;
    let mut right = PAD;
    for (column, head) in heads.iter().take(shown).enumerate() {
        right += widths[column];
        text(&mut svg, place(column, right, widths[column]), y + 19, head, &colours.soft, column > 0);
    }
    for row in rows {
        y += ROW;
        rule(&mut svg, PAD, width - PAD, y, &colours.edge);
        text(&mut svg, 2 * PAD + row.depth * 16, y + 19, &row.name, &colours.ink, false);
        let mut right = PAD + widths.first().copied().unwrap_or(0);
        for (cell, width) in row.cells.iter().zip(widths.iter().skip(1)) {
            right += width;
            if cell.shade > 0.0 {
                let _ = write!(
                    svg,
                    "<rect x=\"{}\" y=\"{}\" width=\"{width}\" height=\"{}\" fill=\"{}\" fill-opacity=\"{:.2}\"/>",
                    right - width,
                    y + 1,
                    ROW - 1,
                    colours.accent,
                    cell.shade * DARKEST
                );
            }
            text(&mut svg, right - PAD, y + 19, &cell.text, &colours.ink, true);
        }
    }
    Picture { width, height, svg: svg + "</svg>" }
}

/// A bar for each row of one figure: name, text, and its part of the greatest.
pub fn bars(title: &str, rows: &[(String, String, f64)], colours: &Colours) -> Picture {
    let rows = &rows[..rows.len().min(MAX_ROWS)];
    let height = TITLE + rows.len() * ROW + PAD;
    let mut svg = begin(CHART_WIDTH, height, title, colours);
    let (left, longest) = (280, CHART_WIDTH - 280 - 140);
    for (number, (name, figure, part)) in rows.iter().enumerate() {
        let y = TITLE + number * ROW;
        text(&mut svg, left - PAD, y + 19, name, &colours.ink, true);
        let _ = write!(
            svg,
            "<rect x=\"{left}\" y=\"{}\" width=\"{:.1}\" height=\"{}\" rx=\"2\" fill=\"{}\"/>",
            y + 6,
            part.clamp(0.0, 1.0) * longest as f64,
            ROW - 12,
            colours.accent
        );
        text(&mut svg, CHART_WIDTH - PAD, y + 19, figure, &colours.soft, true);
    }
    Picture { width: CHART_WIDTH, height, svg: svg + "</svg>" }
}

/// A line through figures in the order of time; `most` is how the greatest of them reads.
pub fn line(title: &str, points: &[(String, Option<f64>)], most: &str, colours: &Colours) -> Picture {
    let height = TITLE + CHART_HEIGHT + 2 * ROW;
    let mut svg = begin(CHART_WIDTH, height, title, colours);
    let greatest = points.iter().filter_map(|(_, figure)| *figure).fold(0.0, f64::max);
    let (left, right, bottom) = (PAD as f64, (CHART_WIDTH - PAD) as f64, (TITLE + CHART_HEIGHT) as f64);
    let step = (right - left) / (points.len().saturating_sub(1).max(1)) as f64;
    rule(&mut svg, PAD, CHART_WIDTH - PAD, TITLE + 16, &colours.edge);
    rule(&mut svg, PAD, CHART_WIDTH - PAD, TITLE + CHART_HEIGHT, &colours.edge);
    text(&mut svg, PAD, TITLE + 10, most, &colours.soft, false);
    let mut path = String::new();
    let mut is_begun = false;
    for (number, (_, figure)) in points.iter().enumerate() {
        let Some(figure) = figure else {
            is_begun = false;
            continue;
        };
        let y = bottom - heat(Some(*figure), greatest) * (CHART_HEIGHT - 16) as f64;
        let _ = write!(path, "{}{:.1} {y:.1}", if is_begun { 'L' } else { 'M' }, left + step * number as f64);
        is_begun = true;
    }
    let _ = write!(
        svg,
        "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-linejoin=\"round\"/>",
        colours.accent
    );
    let ends = [(points.first(), PAD, false), (points.last(), CHART_WIDTH - PAD, true)];
    for (point, x, is_end) in ends {
        let name = point.map_or("", |(name, _)| name.as_str());
        text(&mut svg, x, TITLE + CHART_HEIGHT + ROW - 8, name, &colours.soft, is_end);
    }
    Picture { width: CHART_WIDTH, height, svg: svg + "</svg>" }
}

/// The rows of a pivot as they are on the page; `write` makes the text of a figure, `name` that of a line.
pub fn rows_of(
    answered: &Answered,
    write: impl Fn(Metric, Option<f64>, &Line) -> String,
    name: impl Fn(&Line) -> String,
) -> Vec<Row> {
    let (state, sheet) = (&answered.state, &answered.sheet);
    let columns = state.column.map_or(0, |_| sheet.columns.len() + usize::from(sheet.other_columns > 0));
    let is_row = |line: &&Line| matches!(line.stands, Stands::Row { .. });
    let most: Vec<f64> = state
        .metrics
        .iter()
        .map(|metric| match columns {
            0 => greatest(sheet.lines.iter().filter(is_row).map(|line| &line.row.total), *metric),
            _ => greatest(
                sheet.lines.iter().filter(is_row).flat_map(|line| &line.row.cells[..columns]),
                *metric,
            ),
        })
        .collect();
    let row = |line: &Line| {
        let cells = if columns > 0 { &line.row.cells[..columns] } else { &[] };
        let figures = cells.iter().chain([&line.row.total]).enumerate().flat_map(|(column, measures)| {
            let is_shaded = state.heat && line.stands != Stands::Total && (columns == 0 || column < columns);
            let one = |(number, metric): (usize, &Metric)| {
                let figure = value(*metric, measures);
                let shade = if is_shaded { heat(figure, most[number]) } else { 0.0 };
                Cell { text: write(*metric, figure, line), shade }
            };
            state.metrics.iter().enumerate().map(one).collect::<Vec<_>>()
        });
        Row { name: name(line), depth: line.depth, cells: figures.collect() }
    };
    sheet.lines.iter().take(MAX_ROWS).map(row).collect()
}

fn begin(width: usize, height: usize, title: &str, colours: &Colours) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\"><rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>",
        colours.surface
    );
    text(&mut svg, 2 * PAD, 26, title, &colours.ink, false);
    svg
}

fn place(column: usize, right: usize, width: usize) -> usize {
    if column == 0 { right - width + PAD } else { right - PAD }
}

fn text(svg: &mut String, x: usize, y: usize, text: &str, colour: &str, is_end: bool) {
    let mut html = Html::default();
    html.text(text);
    let anchor = if is_end { " text-anchor=\"end\"" } else { "" };
    // Writing to a string cannot fail.
    let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\" fill=\"{colour}\"{anchor}>{}</text>", html.finish());
}

fn rule(svg: &mut String, from: usize, to: usize, y: usize, colour: &str) {
    let _ = write!(svg, "<path d=\"M{from} {y}.5H{to}\" stroke=\"{colour}\"/>");
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn colours() -> Colours {
        let [surface, ink, soft, edge, accent] = ["#111", "#222", "#333", "#444", "#555"].map(str::to_string);
        Colours { surface, ink, soft, edge, accent }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn schemes() {
        assert_eq!(in_scheme(" light-dark(#fff, #000) ", false), "#fff");
        assert_eq!(in_scheme("light-dark(#fff, #000)", true), "#000");
        assert_eq!(in_scheme("red", true), "red");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn tables_have_every_text_and_shade() {
        let cell = |text: &str, shade| Cell { text: text.to_string(), shade };
        let row = Row { name: "a<b".to_string(), depth: 1, cells: vec![cell("12", 1.0), cell("3", 0.0)] };
        let heads = ["Ad", "Clicks", "Views"].map(str::to_string);
        let picture = table("Clicks & more", &heads, std::slice::from_ref(&row), &colours());
        for part in ["Clicks &amp; more", "a&lt;b", ">12<", ">3<", "fill-opacity=\"0.52\"", "width=\"72\""] {
            assert!(picture.svg.contains(part), "{part}: {}", picture.svg);
        }
        assert_eq!(picture.svg.matches("fill-opacity").count(), 1);
        assert_eq!(picture.height, TITLE + 2 * ROW + PAD);
        let many = table("t", &heads, &vec![row; 999], &colours());
        assert_eq!(many.height, TITLE + (MAX_ROWS + 1) * ROW + PAD);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn lines_break_where_there_is_nothing() {
        let points = [Some(1.0), Some(2.0), None, Some(0.0)].map(|figure| ("d".to_string(), figure));
        let picture = line("t", &points, "2", &colours());
        assert_eq!((picture.svg.matches('M').count() - 2, picture.svg.matches('L').count()), (2, 1));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn bars_are_as_long_as_their_part() {
        let rows = [("a".to_string(), "10".to_string(), 1.0), ("b".to_string(), "5".to_string(), 0.5)];
        let picture = bars("t", &rows, &colours());
        assert!(
            picture.svg.contains("width=\"540.0\"") && picture.svg.contains("width=\"270.0\""),
            "{}",
            picture.svg
        );
    }
}
