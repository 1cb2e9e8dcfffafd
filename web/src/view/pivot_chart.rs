//! A pivot as bars: the first metric of each row.

use leptos::prelude::*;

use super::explore::{catalog, name_of};
use crate::browser;
use crate::format::{self, Width};
use crate::metric;
use crate::model::catalog::Currency;
use crate::model::pivot::{greatest, heat, value};
use crate::model::sheet::{Answered, Stands};
use crate::phrase::Phrase;
use crate::state::explore::ExploreState;

/// One bar per row; a click goes into the row.
#[component]
pub fn PivotChart(
    /// The pivot.
    answered: Memo<Option<Answered>>,
    /// Asks something else.
    change: Callback<ExploreState>,
) -> impl IntoView {
    move || {
        let Answered { state, basis, sheet, .. } = answered.get()?;
        let metric = state.ranked_by()?;
        let (lang, catalog) = (browser::lang(), catalog());
        let currency = catalog.currency(&basis.scope);
        let is_mixed = metric::needs_one_currency(metric) && currency == Currency::Mixed;
        let rows = || sheet.lines.iter().filter(|line| line.stands != Stands::Total);
        let most = greatest(rows().map(|line| &line.row.total), metric);
        let bar = |line: &crate::model::sheet::Line| {
            let name = match &line.stands {
                Stands::Row { by, .. } => {
                    name_of(*by, line.path.last().map_or("", String::as_str), &catalog, &basis.tz, lang)
                }
                Stands::Others(count) => Phrase::Others.with(lang, &[&count.to_string()]),
                Stands::Total => String::new(),
            };
            let figure = value(metric, &line.row.total).filter(|_| !is_mixed);
            let text = format::figure(lang, metric, figure, currency.code(), Width::Full);
            let (state, path, scope) = (state.clone(), line.path.clone(), basis.scope.clone());
            let drill = move |_| change.run(state.clone().drilled(&path, &scope));
            view! {
                <li class="bar-line" data-testid="bar" data-value=figure.map(|figure| figure.to_string())>
                    <button type="button" class="value bar-name" on:click=drill>{name}</button>
                    <svg class="wide-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
                        <rect class="bar-length" width=100.0 * heat(figure, most) height="10" rx="0.4"/>
                    </svg>
                    <span class="bar-figure">{text}</span>
                </li>
            }
        };
        let name = metric::phrase(metric).text(lang);
        Some(view! {
            <figure class="bars" data-testid="pivot-chart" aria-label=name>
                <figcaption>{name}</figcaption>
                <ul>{rows().map(bar).collect_view()}</ul>
            </figure>
        })
    }
}
