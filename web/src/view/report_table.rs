//! The rows of a report.

use std::sync::Arc;

use adtally_core::measure::Measure;
use adtally_core::report::{By, Filter, Metric};
use adtally_wire::api::{ReportAnswer, ReportValue};
use leptos::ev::MouseEvent;
use leptos::prelude::*;

use super::heads::waiting;
use super::icon::{Glyph, Icon};
use crate::api::feed::{Feed, Shown};
use crate::api::request::Period;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::format::{self, Moment, Width};
use crate::lang::Lang;
use crate::metric;
use crate::model::behind::events_of_row;
use crate::model::catalog::{Catalog, Currency};
use crate::model::figure;
use crate::phrase::Phrase;
use crate::state::edit::SortStep;
use crate::state::report::{Column, Direction, ReportState};

/// A table of what was asked for last; headers sort, values of dimensions filter.
#[component]
pub fn ReportTable(
    /// Whose rows.
    feed: Feed,
    /// What is asked.
    state: Memo<ReportState>,
    /// Asks something else.
    change: Callback<ReportState>,
) -> impl IntoView {
    let session = Session::expect();
    let content = move || match feed.shown.get() {
        None => skeleton(&state.get()).into_any(),
        Some(shown) => {
            let catalog = session.catalog.get().unwrap_or_default();
            let sheet = Sheet {
                lang: browser::lang(),
                currency: catalog.currency(&shown.request.scope),
                catalog,
                shown,
            };
            sheet.table(state, change).into_any()
        }
    };
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=t(Phrase::Report)>
            <table class="report-table" data-testid="report-table">{content}</table>
        </div>
    }
}

/// An answer with all that is needed to write it.
struct Sheet {
    shown: Shown,
    lang: Lang,
    catalog: Arc<Catalog>,
    currency: Currency,
}

impl Sheet {
    fn answer(&self) -> &ReportAnswer {
        &self.shown.answer
    }

    fn columns(&self) -> Vec<Column> {
        self.answer().columns.iter().filter_map(|column| Column::parse(&column.name)).collect()
    }

    fn table(&self, state: Memo<ReportState>, change: Callback<ReportState>) -> impl IntoView + use<> {
        let columns = self.columns();
        let heads = columns.iter().map(|column| view! { <Head column=*column state change/> }).collect_view();
        let rows = self.answer().rows.iter().map(|row| self.row(&columns, row, state, change)).collect_view();
        view! {
            <thead><tr>{heads}</tr></thead>
            <tbody>{self.totals(&columns)}{rows}</tbody>
        }
    }

    fn totals(&self, columns: &[Column]) -> Option<impl IntoView + use<>> {
        let cell = |(index, column): (usize, &Column)| match column {
            Column::By(_) => {
                let text = if index == 0 { Phrase::Total.text(self.lang) } else { "" };
                view! { <td>{text}</td> }.into_any()
            }
            Column::Metric(_) => {
                let value = self.answer().totals.get(column.name());
                self.figure(*column, value.unwrap_or(&ReportValue::Nothing), &self.currency, None).into_any()
            }
        };
        // The only row of a report by nothing is the total.
        (!self.shown.request.by.is_empty()).then(|| {
            let cells = columns.iter().enumerate().map(cell).collect_view();
            view! { <tr class="totals" data-testid="totals-row">{cells}</tr> }
        })
    }

    fn row(
        &self,
        columns: &[Column],
        row: &[ReportValue],
        state: Memo<ReportState>,
        change: Callback<ReportState>,
    ) -> impl IntoView + use<> {
        let currency = self.row_currency(columns, row);
        let cell = |(column, value): (&Column, &ReportValue)| match column {
            Column::By(by) => self.name(*by, value, state, change).into_any(),
            Column::Metric(metric) => {
                let behind = self.behind(*metric, columns, row, &state.read_untracked());
                self.figure(*column, value, &currency, behind).into_any()
            }
        };
        let cells = columns.iter().zip(row).map(cell).collect_view();
        view! { <tr data-testid="row">{cells}</tr> }
    }

    /// The currency of a row: its advertiser's, where the row says which that is.
    fn row_currency(&self, columns: &[Column], row: &[ReportValue]) -> Currency {
        let of_value = |(column, value): (&Column, &ReportValue)| match (column, value) {
            (Column::By(By::Dimension(dimension)), ReportValue::Text(key)) => {
                self.catalog.currency_of_row(*dimension, key)
            }
            _ => None,
        };
        columns.iter().zip(row).find_map(of_value).unwrap_or_else(|| self.currency.clone())
    }

    /// The address of the events that a figure of a row counts.
    fn behind(
        &self,
        metric: Metric,
        columns: &[Column],
        row: &[ReportValue],
        state: &ReportState,
    ) -> Option<String> {
        let Period::Days(span) = self.shown.request.period else { return None };
        // Whom reach counts is not in a list of events, and a ratio counts none.
        let is_listed = [metric::COST, Metric::Measure(Measure::Waiting)].contains(&metric);
        if metric::kind(metric).is_none() && !is_listed {
            return None;
        }
        let told = columns.iter().zip(row).filter_map(|(column, value)| match (column, value) {
            (Column::By(by), ReportValue::Text(key)) => Some((*by, key.as_str())),
            _ => None,
        });
        let frame = (&self.shown.request.scope, span, self.answer().tz.as_str());
        Some(events_of_row(state, told, metric, frame, &self.catalog).href())
    }

    fn figure(
        &self,
        column: Column,
        value: &ReportValue,
        currency: &Currency,
        behind: Option<String>,
    ) -> impl IntoView + use<> {
        let Column::Metric(metric) = column else { return view! { <td></td> }.into_any() };
        let is_mixed = metric::needs_one_currency(metric) && *currency == Currency::Mixed;
        let number = figure::number(value).filter(|_| !is_mixed);
        let text = format::figure(self.lang, metric, number, currency.code(), Width::Full);
        let title = match (is_mixed, &behind) {
            (true, _) => Some(Phrase::MixedCurrencies.text(self.lang)),
            (false, Some(_)) => Some(Phrase::EventsBehind.text(self.lang)),
            (false, None) => None,
        };
        let text = match behind.filter(|_| number.is_some_and(|number| number != 0.0)) {
            Some(href) => {
                view! { <a class="figure-link" data-testid="behind" href=href>{text}</a> }.into_any()
            }
            None => text.into_any(),
        };
        view! {
            <td class="number" class:nothing=number.is_none() data-col=metric.name() data-value=figure::raw(value) title=title>
                {text}
            </td>
        }
        .into_any()
    }

    fn name(
        &self,
        by: By,
        value: &ReportValue,
        state: Memo<ReportState>,
        change: Callback<ReportState>,
    ) -> impl IntoView + use<> {
        let raw = figure::raw(value).unwrap_or_default();
        let cell = |inner: AnyView| {
            view! { <td class="name" data-col=by.name() data-value=raw.clone()>{inner}</td> }.into_any()
        };
        match by {
            By::Time(unit) => {
                let text = figure::instant(value).map_or(raw.clone(), |start| {
                    format::moment(self.lang, Moment::Bucket(unit), start, &self.answer().tz)
                });
                cell(text.into_any())
            }
            By::Dimension(dimension) => {
                let text = match (raw.as_str(), self.catalog.name(dimension, &raw)) {
                    ("", _) => Phrase::None.text(self.lang).to_string(),
                    (key, name) => name.unwrap_or(key).to_string(),
                };
                let label = Phrase::FilterTo.with(self.lang, &[&text]);
                let filter = Filter::parse(&format!("{}:eq:{raw}", dimension.name()));
                let narrow = move |_| {
                    if let Some(filter) = filter.clone() {
                        change.run(state.get_untracked().with_filter(filter));
                    }
                };
                let class = if raw.is_empty() { "value nothing" } else { "value" };
                let title = format!("{label} ({raw})");
                cell(view! {
                    <button type="button" class=class title=title aria-label=label on:click=narrow>{text}</button>
                }
                .into_any())
            }
        }
    }
}

/// A header that sorts; with Shift or Ctrl it adds to the order.
#[component]
fn Head(column: Column, state: Memo<ReportState>, change: Callback<ReportState>) -> impl IntoView {
    let direction = Memo::new(move |_| {
        let orders = state.read().orders();
        orders.iter().find(|order| order.column == column).map(|order| order.direction)
    });
    let aria_sort = move || match direction.get() {
        Some(Direction::Ascending) => "ascending",
        Some(Direction::Descending) => "descending",
        None => "none",
    };
    let sort = move |event: MouseEvent| {
        let step = if event.shift_key() || event.ctrl_key() { SortStep::Also } else { SortStep::Only };
        change.run(state.get_untracked().sorted(column, step));
    };
    let arrow = move || {
        let icon = match direction.get()? {
            Direction::Ascending => Icon::Up,
            Direction::Descending => Icon::Down,
        };
        Some(view! { <Glyph icon/> })
    };
    let title = move || {
        let lang = browser::lang();
        Phrase::SortBy.with(lang, &[column.phrase().text(lang)])
    };
    view! {
        <th
            scope="col"
            class=if matches!(column, Column::Metric(_)) { "number" } else { "name" }
            data-testid=format!("col-{}", column.name())
            aria-sort=aria_sort
        >
            <button type="button" data-testid=format!("sort-{}", column.name()) title=title on:click=sort>
                {t(column.phrase())}
                {arrow}
            </button>
        </th>
    }
}

/// Rows of the height of those to come, under the headers that are known already.
fn skeleton(state: &ReportState) -> impl IntoView + use<> {
    let columns = state.by.len() + state.metrics.len();
    let by = state.by.iter().map(|by| Column::By(*by));
    let heads = by.chain(state.metrics.iter().map(|metric| Column::Metric(*metric)));
    let head = |column: Column| {
        let class = if matches!(column, Column::Metric(_)) { "number" } else { "name" };
        view! { <th scope="col" class=class><span class="head-text">{t(column.phrase())}</span></th> }
    };
    view! {
        <thead><tr data-testid="state-loading">{heads.map(head).collect_view()}</tr></thead>
        <tbody>{waiting(8, columns)}</tbody>
    }
}
