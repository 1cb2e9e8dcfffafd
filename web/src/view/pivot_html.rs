//! The cells of a pivot as HTML.

use std::ops::Range;

use adtally_core::measure::Measures;
use adtally_core::report::{By, Metric};

use super::explore::name_of;
use super::icon::Icon;
use crate::format::{self, Width};
use crate::html::Html;
use crate::lang::Lang;
use crate::metric;
use crate::model::catalog::{Catalog, Currency};
use crate::model::kpi::{Change, Tone};
use crate::model::pivot::{Row, greatest, heat, value};
use crate::model::sheet::{Answered, Line, Stands};
use crate::model::window::{Extent, Window};
use crate::phrase::Phrase;
use crate::state::explore::ExploreState;
use crate::state::params::encode;
use crate::state::report::by_phrase;

// The content security policy lets no style attribute be parsed: shades and depths are rules of the style sheet.

/// How many shades there are.
const SHADES: f64 = 13.0;
/// Figures of so many characters fit into a column of fixed width.
const WHOLE_CHARS: usize = 10;
/// Rows that lie deeper are indented no further.
const DEEPEST: usize = 7;

/// A pivot with all that is needed to write it.
pub struct Grid<'a> {
    answered: &'a Answered,
    catalog: &'a Catalog,
    lang: Lang,
    currency: Currency,
    /// The greatest figure of each metric among the cells, for their shade.
    greatest: Vec<f64>,
    /// How many columns have cells, without that of all.
    columns: usize,
    /// Which columns are written, that of all included.
    written: Range<usize>,
    /// Which lines are.
    lines: Range<usize>,
    /// Whether the others are room.
    is_windowed: bool,
}

/// Where a figure stands.
#[derive(Clone, Copy)]
struct Cell {
    line: usize,
    column: usize,
    metric: usize,
    is_row: bool,
}

/// What a figure is compared with.
struct Against<'a> {
    /// As it was before.
    before: &'a Measures,
    /// What of it is compared, where that is not all.
    part: Option<&'a Measures>,
}

impl<'a> Grid<'a> {
    /// Of an answer, in a language.
    pub fn new(answered: &'a Answered, catalog: &'a Catalog, lang: Lang) -> Grid<'a> {
        let sheet = &answered.sheet;
        let columns = match answered.state.column {
            Some(_) => sheet.columns.len() + usize::from(sheet.other_columns > 0),
            None => 0,
        };
        let rows = || sheet.lines.iter().filter(|line| matches!(line.stands, Stands::Row { .. }));
        let of = |metric: &Metric| match columns {
            0 => greatest(rows().map(|line| &line.row.total), *metric),
            _ => greatest(rows().flat_map(|line| &line.row.cells[..columns]), *metric),
        };
        let greatest = answered.state.metrics.iter().map(of).collect();
        let currency = catalog.currency(&answered.basis.scope);
        Grid {
            answered,
            catalog,
            lang,
            currency,
            greatest,
            columns,
            written: 0..columns + 1,
            lines: 0..sheet.lines.len(),
            is_windowed: false,
        }
    }

    /// How large it is.
    pub fn extent(answered: &Answered) -> Extent {
        let sheet = &answered.sheet;
        let columns =
            answered.state.column.map_or(0, |_| sheet.columns.len() + usize::from(sheet.other_columns > 0));
        Extent {
            lines: sheet.lines.len(),
            columns: columns + 1,
            figures: answered.state.metrics.len(),
            is_tall: sheet.lines.iter().any(|line| line.before.is_some()),
        }
    }

    /// How many rows of heads there are.
    pub fn heads(answered: &Answered) -> usize {
        1 + usize::from(answered.state.column.is_some())
    }

    /// Writes only what is in sight.
    #[must_use]
    pub fn within(mut self, window: &Window) -> Self {
        if let Window::Part { lines, columns } = window {
            self.written = columns.start.min(self.columns)..columns.end.min(self.columns + 1);
            let count = self.answered.sheet.lines.len();
            self.lines = lines.start.min(count)..lines.end.min(count);
            self.is_windowed = true;
        }
        self
    }

    /// How many columns are room, before and behind those that are written.
    fn room(&self) -> (usize, usize) {
        (self.written.start, self.columns + 1 - self.written.end)
    }

    /// Head and body.
    pub fn html(&self) -> String {
        let mut html = Html::default();
        self.widths(&mut html);
        self.head(&mut html);
        html.raw("<tbody>");
        self.lines_of_room(&mut html, "above", self.lines.start);
        for (number, line) in self.answered.sheet.lines.iter().enumerate() {
            if self.lines.contains(&number) {
                self.line(&mut html, number, line);
            }
        }
        self.lines_of_room(&mut html, "below", self.answered.sheet.lines.len() - self.lines.end);
        html.raw("</tbody>");
        html.finish()
    }

    fn state(&self) -> &ExploreState {
        &self.answered.state
    }

    fn name(&self, by: By, key: &str) -> String {
        name_of(by, key, self.catalog, self.answered.basis.zone.name(), self.lang)
    }

    /// Columns of known widths, so that the room of those that are not written is known too.
    fn widths(&self, html: &mut Html) {
        if !self.is_windowed {
            return;
        }
        let (before, behind) = self.room();
        html.raw("<colgroup><col class=\"names\"/>");
        if before > 0 {
            html.raw("<col data-room=\"before\"/>");
        }
        for _ in 0..self.written.len() * self.state().metrics.len() {
            html.raw("<col class=\"figures\"/>");
        }
        if behind > 0 {
            html.raw("<col data-room=\"behind\"/>");
        }
        html.raw("</colgroup>");
    }

    /// A row of room for lines that are not written.
    fn lines_of_room(&self, html: &mut Html, which: &'static str, count: usize) {
        if count > 0 {
            html.raw("<tr class=\"room\" aria-hidden=\"true\"")
                .attr("data-room", which)
                .raw("><td></td></tr>");
        }
    }

    /// The number of a row among all, which counts from one and begins with the heads.
    fn row_index(&self, html: &mut Html, row: usize) {
        if self.is_windowed {
            html.attr("aria-rowindex", row + 1);
        }
    }

    /// A cell of room on either side of what `write` writes.
    fn between(&self, html: &mut Html, write: impl FnOnce(&mut Html)) {
        let (before, behind) = self.room();
        if before > 0 {
            html.raw("<td class=\"room\" aria-hidden=\"true\"></td>");
        }
        write(html);
        if behind > 0 {
            html.raw("<td class=\"room\" aria-hidden=\"true\"></td>");
        }
    }

    fn head(&self, html: &mut Html) {
        html.raw("<thead>");
        let metrics = &self.state().metrics;
        if let Some(by) = self.state().column {
            let sheet = &self.answered.sheet;
            let keys = sheet.columns.iter().map(|key| self.name(by, key));
            let others = Phrase::Others.with(self.lang, &[&sheet.other_columns.to_string()]);
            let others = (sheet.other_columns > 0).then_some(others);
            html.raw("<tr");
            self.row_index(html, 0);
            html.raw("><td></td>");
            let all = keys.chain(others).chain([Phrase::Total.text(self.lang).to_string()]);
            let texts = all.skip(self.written.start).take(self.written.len());
            self.between(html, |html| {
                for text in texts {
                    html.raw("<th scope=\"colgroup\" class=\"group\"").attr("colspan", metrics.len());
                    html.raw(">").text(&text).raw("</th>");
                }
            });
            html.raw("</tr>");
        }
        let names: Vec<_> = self.state().rows.iter().map(|by| by_phrase(*by).text(self.lang)).collect();
        html.raw("<tr");
        self.row_index(html, Grid::heads(self.answered) - 1);
        html.raw("><th scope=\"col\" class=\"name\"><span class=\"head-text\">");
        html.text(&names.join(" › ")).raw("</span></th>");
        self.between(html, |html| {
            for column in self.written.clone() {
                metrics.iter().for_each(|metric| self.metric_head(html, *metric, column));
            }
        });
        html.raw("</tr></thead>");
    }

    /// A header that ranks rows by its metric.
    fn metric_head(&self, html: &mut Html, metric: Metric, column: usize) {
        let is_rank = self.state().ranked_by() == Some(metric);
        let name = metric::phrase(metric).text(self.lang);
        let sort = if is_rank { "descending" } else { "none" };
        html.raw("<th scope=\"col\" class=\"number\"").attr("aria-sort", sort);
        html.raw("><button type=\"button\" data-do=\"rank\"").attr("data-on", metric.name());
        html.attr("data-testid", format_args!("rank-{}", metric.name())).attr("data-column", column);
        html.attr("title", Phrase::SortBy.with(self.lang, &[name])).raw(">").text(name);
        if is_rank {
            Icon::Down.write(html);
        }
        html.raw("</button></th>");
    }

    fn line(&self, html: &mut Html, number: usize, line: &'a Line) {
        let class = match line.stands {
            Stands::Total => "totals",
            Stands::Others(_) => "others-row",
            Stands::Row { .. } => "",
        };
        html.raw("<tr data-testid=\"pivot-row\"").attr("class", class).attr("data-key", line.path.join("/"));
        self.row_index(html, Grid::heads(self.answered) + number);
        html.raw(">");
        self.row_head(html, number, line);
        let cells = if self.columns > 0 { &line.row.cells[..self.columns] } else { &[] };
        let beside = |row: &'a Option<Row>, column: usize| match (row, column < cells.len()) {
            (Some(row), true) => row.cells.get(column),
            (Some(row), false) => Some(&row.total),
            (None, _) => None,
        };
        let compared = |column: usize| {
            let before = beside(&line.before, column)?;
            Some(Against { before, part: beside(&line.part, column) })
        };
        let currency = self.currency_of(line);
        let is_row = !matches!(line.stands, Stands::Total);
        let written = cells.iter().chain([&line.row.total]).enumerate();
        let written = written.skip(self.written.start).take(self.written.len());
        self.between(html, |html| {
            for (column, measures) in written {
                for (metric, which) in self.state().metrics.iter().enumerate() {
                    let at = Cell { line: number, column, metric, is_row };
                    self.cell(html, at, *which, (measures, compared(column)), &currency);
                }
            }
        });
        html.raw("</tr>");
    }

    /// The currency of the row: that of its advertiser or campaign, where one is named.
    fn currency_of(&self, line: &Line) -> Currency {
        let mut named = self.state().rows.iter().zip(&line.path).filter_map(|(by, key)| match by {
            By::Dimension(dimension) => self.catalog.currency_of_row(*dimension, key),
            By::Time(_) => None,
        });
        let mut filtered = self.state().filters.iter().filter(|filter| filter.test.op() == "eq");
        let by_filter = || {
            filtered.find_map(|filter| {
                self.catalog.currency_of_row(filter.dimension, filter.test.values().first()?)
            })
        };
        named.next_back().or_else(by_filter).unwrap_or_else(|| self.currency.clone())
    }

    fn row_head(&self, html: &mut Html, number: usize, line: &Line) {
        html.raw("<th scope=\"row\" class=\"name\"");
        html.attr("data-depth", line.depth.min(DEEPEST)).raw(">");
        match &line.stands {
            Stands::Total => html.text(Phrase::Total.text(self.lang)),
            Stands::Others(count) => self.others_head(html, number, line, *count),
            Stands::Row { by, opens, open } => {
                html.raw("<span class=\"row-name\">");
                let name = self.name(*by, line.path.last().map_or("", String::as_str));
                let on = encode(&line.path.join("\n"));
                if *opens {
                    self.opener(html, number, &on, &name, *open);
                }
                match by {
                    By::Dimension(_) => {
                        html.raw(
                            "<button type=\"button\" class=\"value\" data-testid=\"drill\" data-do=\"drill\"",
                        );
                        html.attr("data-on", &on).attr("data-line", number);
                        html.attr("title", Phrase::DrillInto.with(self.lang, &[&name]));
                        html.raw(">").text(&name).raw("</button>");
                    }
                    By::Time(_) => {
                        html.text(&name);
                    }
                }
                html.raw("</span>")
            }
        };
        html.raw("</th>");
    }

    /// Others that can be filtered by lead to themselves; times cannot.
    fn others_head<'h>(&self, html: &'h mut Html, number: usize, line: &Line, count: usize) -> &'h mut Html {
        let text = Phrase::Others.with(self.lang, &[&count.to_string()]);
        if !matches!(self.state().rows.get(line.path.len()), Some(By::Dimension(_))) {
            return html.text(&text);
        }
        html.raw("<button type=\"button\" class=\"value\" data-testid=\"drill-others\" data-do=\"drill\"");
        html.attr("data-on", format_args!("others:{}", encode(&line.path.join("\n"))))
            .attr("data-line", number);
        html.attr("title", Phrase::DrillOthers.text(self.lang)).raw(">").text(&text).raw("</button>")
    }

    fn opener(&self, html: &mut Html, number: usize, on: &str, name: &str, open: bool) {
        let phrase = if open { Phrase::Collapse } else { Phrase::Expand };
        html.raw("<button type=\"button\" data-testid=\"open-row\" data-do=\"open\"");
        html.attr("class", if open { "opener open" } else { "opener" });
        html.attr("data-on", on).attr("data-line", number).attr("aria-expanded", open);
        html.attr("aria-label", phrase.with(self.lang, &[name])).raw(">");
        Icon::Right.write(html);
        html.raw("</button>");
    }

    /// A figure, and what it was before.
    fn cell(
        &self,
        html: &mut Html,
        at: Cell,
        metric: Metric,
        (measures, compared): (&Measures, Option<Against<'_>>),
        currency: &Currency,
    ) {
        let is_mixed = metric::needs_one_currency(metric) && *currency == Currency::Mixed;
        let is_hidden = is_mixed || !metric.is_seen_by(&self.answered.basis.scope);
        let figure = value(metric, measures).filter(|_| !is_hidden);
        let is_shaded = self.state().heat && at.is_row && (self.columns == 0 || at.column < self.columns);
        let place = at.column * self.state().metrics.len() + at.metric;
        let text = format::figure(self.lang, metric, figure, currency.code(), Width::Full);
        html.raw("<td class=\"number");
        // Each cell that is cut off costs its layout: only those that may have to be.
        let is_long = text.chars().count() > WHOLE_CHARS;
        for (is_so, class) in [(figure.is_none(), " nothing"), (is_shaded, " shaded"), (is_long, " long")] {
            html.raw(if is_so { class } else { "" });
        }
        html.raw("\"").attr("data-line", at.line).attr("data-column", at.column);
        html.attr("data-place", place).attr("data-col", metric.name());
        let is_first = at.line == self.lines.start && at.metric == 0 && at.column == self.written.start;
        html.attr("tabindex", if is_first { 0 } else { -1 });
        if self.is_windowed {
            html.attr("aria-colindex", place + 2);
        }
        if is_shaded {
            let shade = (SHADES * heat(figure, self.greatest[at.metric])).round();
            html.attr("data-heat", shade);
        }
        if let Some(figure) = figure {
            html.attr("data-value", figure);
        }
        if is_long {
            html.attr("title", &text);
        }
        html.raw(">").text(&text);
        if let Some(compared) = compared {
            // What has no figure has no change either.
            let now = value(metric, compared.part.unwrap_or(measures)).filter(|_| !is_hidden);
            self.change_of(html, metric, &compared, now);
        }
        html.raw("</td>");
    }

    fn change_of(&self, html: &mut Html, metric: Metric, against: &Against<'_>, now: Option<f64>) {
        let change = Change::between(value(metric, against.before), now);
        let title = if against.part.is_some() { Phrase::ComparedTitleHours } else { Phrase::ComparedTitle };
        let class = match change.tone(metric) {
            Tone::Better => "change better",
            Tone::Worse => "change worse",
            Tone::Even => "change",
        };
        let text = match change {
            Change::NothingBefore => format::NOTHING.to_string(),
            Change::By(by) => format::change(self.lang, by),
        };
        html.raw("<span").attr("class", class).attr("title", title.text(self.lang));
        if let Change::By(by) = change {
            html.attr("data-change", by);
        }
        html.raw(">").text(&text).raw("</span>");
    }
}

/// Rows of the height of those to come.
pub fn skeleton() -> String {
    let mut html = Html::default();
    html.raw("<tbody data-testid=\"state-loading\">");
    for _ in 0..9 {
        html.raw("<tr class=\"skeleton-row\">");
        for _ in 0..5 {
            html.raw("<td><span class=\"skeleton\"></span></td>");
        }
        html.raw("</tr>");
    }
    html.raw("</tbody>");
    html.finish()
}
