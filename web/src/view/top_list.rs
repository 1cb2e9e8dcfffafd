//! The largest campaigns, services, placements or advertisers by the chosen figure.

use std::sync::Arc;

use adtally_core::cell::Dimension;
use adtally_core::report::{By, Filter, Metric};
use leptos::prelude::*;

use super::notice::FailureNotice;
use super::place::CurrentPlace;
use crate::api::feed::{Feed, Follow};
use crate::api::request::{Period, ReportRequest};
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::format::{self, Width};
use crate::lang::Lang;
use crate::metric::{self, CLICKS, CTR, IMPRESSIONS, weight};
use crate::model::catalog::{Catalog, Currency};
use crate::model::ranking::{Ranked, ranking};
use crate::model::setting::Setting;
use crate::phrase::Phrase;
use crate::state::report::{ReportState, dimension_phrase};

/// How many lines a list has.
const LINES: u32 = 6;
/// What is shown beside the ranked figure.
const BESIDE: [Metric; 3] = [IMPRESSIONS, CLICKS, CTR];

/// A card with the first rows by `dimension`, ranked by `metric`.
#[component]
pub fn TopList(
    /// What is ranked.
    dimension: Dimension,
    /// By what.
    metric: Memo<Metric>,
) -> impl IntoView {
    let (place, session) = (CurrentPlace::expect(), Session::expect());
    let feed =
        Feed::new(move || Some(request_of(place.setting.get()?, dimension, metric.get())), Follow::Live);
    // The metric of the answer, not the chosen one: until the new answer is there the old one is shown.
    let shown_metric = move |shown: &crate::api::feed::Shown| {
        let has = |metric: &Metric| shown.request.metrics.contains(metric);
        Some(metric.get()).filter(has).unwrap_or(IMPRESSIONS)
    };
    let lines = move || {
        let shown = feed.shown.get()?;
        let (lang, catalog) = (browser::lang(), session.catalog.get().unwrap_or_default());
        let context = LineContext {
            dimension,
            metric: shown_metric(&shown),
            lang,
            sum: catalog.currency(&shown.request.scope),
            catalog,
            place,
        };
        let lines = ranking(&shown.answer, dimension, context.metric);
        Some(lines.into_iter().map(|line| context.line(line)).collect_view())
    };
    let report = move || {
        let by = vec![By::Dimension(dimension)];
        ReportState { frame: place.frame(), by, ..ReportState::default() }.href()
    };
    let title = match dimension {
        Dimension::Advertiser => Phrase::TopAdvertisers,
        Dimension::Ad => Phrase::TopAds,
        Dimension::Campaign => Phrase::TopCampaigns,
        Dimension::Placement => Phrase::TopPlacements,
        Dimension::Service => Phrase::TopServices,
        other => dimension_phrase(other),
    };
    let failed = move || feed.failure.get().filter(|_| feed.shown.read().is_none());
    let body = move || match failed() {
        Some(failure) => {
            view! { <FailureNotice failure on_retry=Callback::new(move |()| feed.retry())/> }.into_any()
        }
        None => view! {
            <table class="top-table" aria-busy=move || if feed.busy.get() { "true" } else { "false" }>
                <Head dimension metric/>
                <tbody>{move || lines().map_or_else(|| skeleton().into_any(), IntoAny::into_any)}</tbody>
            </table>
        }
        .into_any(),
    };
    view! {
        <section class="card top-list" data-testid=format!("top-{}", dimension.name())>
            <div class="card-head">
                <h2>{t(title)}</h2>
                <a class="link" href=report>{t(Phrase::OpenReport)}</a>
            </div>
            {body}
        </section>
    }
}

/// The first rows by `dimension`, with the figures beside them.
fn request_of(setting: Setting, dimension: Dimension, ranked_by: Metric) -> ReportRequest {
    let Setting { scope, tz, span, .. } = setting;
    let mut metrics = vec![ranked_by, weight(ranked_by)];
    metrics.extend(BESIDE);
    metrics.sort_unstable();
    metrics.dedup();
    let totals = ReportRequest::totals(scope, Period::Days(span), Some(tz), metrics);
    let sort = format!("-{},{}", weight(ranked_by).name(), dimension.name());
    ReportRequest { by: vec![By::Dimension(dimension)], sort, limit: Some(LINES), ..totals }
}

#[component]
fn Head(dimension: Dimension, metric: Memo<Metric>) -> impl IntoView {
    let beside = move || {
        let shown = metric.get();
        let head =
            |other: Metric| view! { <th scope="col" class="number beside">{t(metric::phrase(other))}</th> };
        BESIDE.into_iter().filter(|other| *other != shown).map(head).collect_view()
    };
    view! {
        <thead>
            <tr>
                <th scope="col">{t(dimension_phrase(dimension))}</th>
                <th scope="col" class="number">{move || metric::phrase(metric.get()).text(browser::lang())}</th>
                {beside}
            </tr>
        </thead>
    }
}

/// What every line of a list shares.
struct LineContext {
    dimension: Dimension,
    metric: Metric,
    lang: Lang,
    sum: Currency,
    catalog: Arc<Catalog>,
    place: CurrentPlace,
}

impl LineContext {
    fn line(&self, line: Ranked) -> impl IntoView + use<> {
        let lang = self.lang;
        let name = match (line.key.as_str(), self.catalog.name(self.dimension, &line.key)) {
            ("", _) => Phrase::None.text(lang).to_string(),
            (key, name) => name.unwrap_or(key).to_string(),
        };
        let currency =
            self.catalog.currency_of_row(self.dimension, &line.key).unwrap_or_else(|| self.sum.clone());
        let figure = |metric: Metric, value: Option<f64>| {
            let is_sum_of_several = metric::needs_one_currency(metric) && currency == Currency::Mixed;
            let value = value.filter(|_| !is_sum_of_several);
            format::figure(lang, metric, value, currency.code(), Width::Full)
        };
        let others: Vec<_> = line.others.iter().filter(|(other, _)| BESIDE.contains(other)).collect();
        let in_order =
            BESIDE.into_iter().filter_map(|metric| others.iter().find(|(other, _)| *other == metric));
        let beside = in_order.map(|(metric, value)| {
            view! { <td class="number beside" data-col=metric.name()>{figure(*metric, *value)}</td> }
        });
        let beside = beside.collect_view();
        // Bars and shares of won beside dollars would compare what cannot be compared.
        let comparable = self.sum != Currency::Mixed || !metric::needs_one_currency(self.metric);
        let length = if comparable { line.length * 100.0 } else { 0.0 };
        let share = line
            .share
            .filter(|_| comparable)
            .map(|share| Phrase::ShareOf.with(lang, &[&format::percent(lang, share)]));
        view! {
            <tr data-testid="top-row" data-key=line.key.clone()>
                <th scope="row">
                    <a href=self.report_of(&line.key) title=line.key.clone()>{name}</a>
                    <svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
                        <rect class="bar-room" width="100" height="4"/>
                        <rect class="bar-length" width=length height="4"/>
                    </svg>
                </th>
                <td
                    class="number strong"
                    title=share
                    data-testid="top-value"
                    data-value=line.figure.map(|figure| figure.to_string())
                >
                    {figure(self.metric, line.figure)}
                </td>
                {beside}
            </tr>
        }
    }

    /// The report of one line, by day.
    fn report_of(&self, key: &str) -> String {
        let filter = Filter::parse(&format!("{}:eq:{key}", self.dimension.name()));
        let frame = self.place.frame();
        ReportState { frame, filters: filter.into_iter().collect(), ..ReportState::default() }.href()
    }
}

/// Lines of the height of those to come.
fn skeleton() -> impl IntoView {
    let line = |_| {
        view! {
            <tr class="skeleton-row">
                <th scope="row"><span class="skeleton wide"></span></th>
                <td class="number"><span class="skeleton"></span></td>
                <td class="number beside"><span class="skeleton"></span></td>
                <td class="number beside"><span class="skeleton"></span></td>
            </tr>
        }
    };
    (0..LINES).map(line).collect_view()
}
