//! A pivot as a PNG for the reader's device.

use adtally_core::report::{By, Metric};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::explore::name_of;
use super::place::scope_text;
use crate::api::session::Session;
use crate::browser::{self, Preferences};
use crate::format::{self, Width};
use crate::lang::Lang;
use crate::metric;
use crate::model::catalog::Currency;
use crate::model::picture::{Colours, Picture, bars, in_scheme, line, rows_of, table};
use crate::model::pivot::{greatest, heat, value};
use crate::model::sheet::{Answered, Line, Stands};
use crate::phrase::Phrase;
use crate::state::explore::Look;
use crate::state::report::by_phrase;

/// What a picture says beside the figures; known where the page is made, used when somebody clicks.
#[derive(Clone, Copy)]
pub struct Painter {
    session: Session,
    preferences: Preferences,
}

impl Painter {
    /// That of the page around.
    pub fn expect() -> Painter {
        Painter { session: Session::expect(), preferences: expect_context() }
    }
}

/// Puts what is shown, table or chart, into a picture.
pub fn save(answered: &Answered, painter: Painter) {
    let picture = picture(answered, painter);
    spawn_local(async move { browser::save_png("adtally-explore.png", &picture).await });
}

fn picture(answered: &Answered, painter: Painter) -> Picture {
    let Painter { session, preferences } = painter;
    let (lang, catalog) =
        (preferences.lang.get_untracked(), session.catalog.get_untracked().unwrap_or_default());
    let state = &answered.state;
    let currency = catalog.currency(&answered.basis.scope);
    let write = |metric: Metric, figure: Option<f64>| {
        let is_mixed = metric::needs_one_currency(metric) && currency == Currency::Mixed;
        format::figure(lang, metric, figure.filter(|_| !is_mixed), currency.code(), Width::Full)
    };
    let key_name = |by: By, key: &str| name_of(by, key, &catalog, answered.basis.zone.name(), lang);
    let name = |line: &Line| match &line.stands {
        Stands::Total => Phrase::Total.text(lang).to_string(),
        Stands::Others(count) => Phrase::Others.with(lang, &[&count.to_string()]),
        Stands::Row { by, .. } => key_name(*by, line.path.last().map_or("", String::as_str)),
    };
    let span = answered.basis.span;
    let title =
        format!("{}, {} – {}", scope_text(&answered.basis.scope, session, lang), span.from, span.last());
    let colours = colours();
    match (state.look, state.ranked_by()) {
        (Look::Chart, Some(metric)) => {
            let title = format!("{}: {title}", metric::phrase(metric).text(lang));
            let rows = || answered.sheet.lines.iter().filter(|line| line.stands != Stands::Total);
            let most = greatest(rows().map(|line| &line.row.total), metric);
            let figure = |line: &Line| value(metric, &line.row.total);
            if matches!(state.rows.first(), Some(By::Time(_))) {
                let points: Vec<_> = rows().map(|line| (name(line), figure(line))).collect();
                line(&title, &points, &write(metric, Some(most)), &colours)
            } else {
                let bar = |line: &Line| (name(line), write(metric, figure(line)), heat(figure(line), most));
                bars(&title, &rows().map(bar).collect::<Vec<_>>(), &colours)
            }
        }
        _ => {
            let rows = rows_of(answered, |metric, figure, _| write(metric, figure), name);
            table(&title, &heads(answered, lang, key_name), &rows, &colours)
        }
    }
}

/// The names of the columns: what rows are, then each metric of each column.
fn heads(answered: &Answered, lang: Lang, key_name: impl Fn(By, &str) -> String) -> Vec<String> {
    let (state, sheet) = (&answered.state, &answered.sheet);
    let rows: Vec<_> = state.rows.iter().map(|by| by_phrase(*by).text(lang)).collect();
    let mut heads = vec![rows.join(" › ")];
    let metrics = || state.metrics.iter().map(|metric| metric::phrase(*metric).text(lang));
    if let Some(by) = state.column {
        let others =
            (sheet.other_columns > 0).then(|| Phrase::Others.with(lang, &[&sheet.other_columns.to_string()]));
        for column in sheet.columns.iter().map(|key| key_name(by, key)).chain(others) {
            heads.extend(metrics().map(|metric| format!("{column} {metric}")));
        }
    }
    heads.extend(metrics().map(str::to_string));
    heads
}

/// Those of the page.
fn colours() -> Colours {
    let is_dark = browser::is_dark();
    let token = |name: &str| in_scheme(&browser::token(name), is_dark);
    Colours {
        surface: token("--surface"),
        ink: token("--ink"),
        soft: token("--ink-soft"),
        edge: token("--edge"),
        accent: token("--accent"),
    }
}
