//! Verify: a day's raw events, linked here, beside what the server says of them.

use adtally_core::cell::{Dimension, Scope};
use adtally_core::measure::Measure;
use adtally_core::report::{Metric, TimeUnit};
use adtally_core::time::{parse_date, parse_rfc3339};
use adtally_wire::verify::{Difference, Verified};
use chrono::NaiveDate;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::events::WhichAdvertiser;
use super::explore::catalog;
use super::heads::heads;
use super::icon::{Glyph, Icon};
use super::place::CurrentPlace;
use crate::api::verify::verify;
use crate::browser::{self, t};
use crate::format::{self, Moment, Width};
use crate::metric;
use crate::model::catalog::Currency;
use crate::phrase::Phrase;

/// Bytes of a megabyte.
const MEGABYTE: f64 = 1e6;

/// What became of it.
#[derive(Clone)]
enum Outcome {
    /// Nothing was asked for yet.
    Open,
    /// It is under way.
    Running,
    /// It could not be done.
    Failed(String),
    /// What was found of a day.
    Done(NaiveDate, Verified),
}

/// The page.
#[component]
pub fn Verify() -> impl IntoView {
    let place = CurrentPlace::expect();
    let advertiser = Memo::new(move |_| match place.setting.get()?.scope {
        Scope::Advertiser(key) => Some(key.to_string()),
        Scope::Platform | Scope::Service(_) => None,
    });
    let last =
        Memo::new(move |_| place.setting.get().map(|setting| setting.last_finished_day(place.now_ms.get())));
    let outcome = RwSignal::new(Outcome::Open);
    // Another advertiser or day: what was found is not about it.
    Effect::new(move |_| {
        advertiser.track();
        last.track();
        outcome.set(Outcome::Open);
    });
    let busy = move || if matches!(*outcome.read(), Outcome::Running) { "true" } else { "false" };
    let form = move || match (place.setting.read().is_some(), advertiser.get()) {
        (true, None) => view! { <WhichAdvertiser/> }.into_any(),
        (_, advertiser) => advertiser.map(|advertiser| view! { <Ask advertiser last outcome/> }).into_any(),
    };
    view! {
        <div class="verify" data-testid="verify" data-busy=busy aria-busy=busy>
            <section class="card">{form}</section>
            <section class="card report-card" aria-live="polite">
                {move || said(outcome.get())}
            </section>
        </div>
    }
}

/// Which day.
#[component]
fn Ask(advertiser: String, last: Memo<Option<NaiveDate>>, outcome: RwSignal<Outcome>) -> impl IntoView {
    let day = RwSignal::new(last.get().map(|day| day.to_string()).unwrap_or_default());
    let running = move || matches!(*outcome.read(), Outcome::Running);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(day) = parse_date(&day.read_untracked()) else { return };
        let advertiser = advertiser.clone();
        outcome.set(Outcome::Running);
        spawn_local(async move {
            let found = verify(&advertiser, day).await;
            // The page may be gone.
            outcome.try_set(found.map_or_else(Outcome::Failed, |found| Outcome::Done(day, found)));
        });
    };
    view! {
        <form class="card-body form verify-form" on:submit=submit>
            <label class="stacked">
                <span>{t(Phrase::DayInUtc)}</span>
                <input
                    type="date"
                    class="input"
                    required
                    data-testid="verify-day"
                    prop:value=day
                    on:input=move |event| day.set(event_target_value(&event))
                />
            </label>
            <button type="submit" class="button primary" data-testid="verify-start" disabled=running>
                {t(Phrase::VerifyNow)}
            </button>
        </form>
    }
}

fn said(outcome: Outcome) -> AnyView {
    match outcome {
        Outcome::Open => view! {
            <div class="notice" data-testid="state-empty">
                <span class="notice-icon"><Glyph icon=Icon::Lock/></span>
                <h2>{t(Phrase::VerifyOpen)}</h2>
                <p>{t(Phrase::VerifyOpenHint)}</p>
            </div>
        }
        .into_any(),
        Outcome::Running => view! {
            <div class="notice" data-testid="state-loading">
                <span class="skeleton wide"></span>
                <p role="status">{t(Phrase::VerifyRunning)}</p>
            </div>
        }
        .into_any(),
        Outcome::Failed(why) => view! {
            <div class="notice" role="alert" data-testid="state-error">
                <span class="notice-icon"><Glyph icon=Icon::Alert/></span>
                <h2>{t(Phrase::VerifyFailed)}</h2>
                <p>{why}</p>
            </div>
        }
        .into_any(),
        Outcome::Done(day, verified) => view! { <Found day verified/> }.into_any(),
    }
}

#[component]
fn Found(day: NaiveDate, verified: Verified) -> impl IntoView {
    let lang = browser::lang();
    let count = |value: u64| format::count(lang, i64::try_from(value).unwrap_or(i64::MAX));
    let megabytes = format!("{:.2}", verified.bytes as f64 / MEGABYTE);
    let read = Phrase::VerifyRead.with(lang, &[&count(verified.events), &count(verified.files), &megabytes]);
    let made = Phrase::VerifyMade.with(lang, &[&count(verified.cells)]);
    let is_nothing = verified.equal && verified.events == 0 && verified.cells == 0;
    let (icon, title, class) = match verified.equal {
        true if is_nothing => (Icon::Inbox, Phrase::VerifyNothing.text(lang).to_string(), "verdict"),
        true => (Icon::Check, Phrase::VerifyEqual.text(lang).to_string(), "verdict equal"),
        false => (
            Icon::Alert,
            Phrase::VerifyDifferent.with(lang, &[&count(verified.different)]),
            "verdict different",
        ),
    };
    let equal = if verified.equal { "true" } else { "false" };
    let differences = (!verified.equal).then(|| view! { <Differences list=verified.differences.clone()/> });
    view! {
        <div class=class data-testid="verdict" data-equal=equal data-nothing=is_nothing.then_some("true") data-events=verified.events data-cells=verified.cells>
            <h2><Glyph icon/>{title}</h2>
            <p>{read}" "{made}</p>
            <dl class="fields">
                <dt>{t(Phrase::DayInUtc)}</dt>
                <dd data-testid="verified-day">{day.to_string()}</dd>
                <dt>{t(Phrase::HashHere)}</dt>
                <dd>{verified.hash_here}</dd>
                <dt>{t(Phrase::HashServer)}</dt>
                <dd>{verified.hash_server}</dd>
            </dl>
        </div>
        {differences}
    }
}

/// Where the figures are not the same.
#[component]
fn Differences(list: Vec<Difference>) -> impl IntoView {
    let (lang, catalog) = (browser::lang(), catalog());
    let setting = CurrentPlace::expect().setting.get_untracked();
    let currency = setting.map(|setting| catalog.currency(&setting.scope));
    let code = currency.as_ref().and_then(Currency::code);
    let row = |one: Difference| {
        let measure = Measure::ALL.into_iter().find(|measure| measure.name() == one.measure);
        let figure = |value: i64| match measure {
            Some(measure) => {
                format::figure(lang, Metric::Measure(measure), Some(value as f64), code, Width::Full)
            }
            None => format::count(lang, value),
        };
        let name = measure.map_or(one.measure.clone(), |measure| {
            metric::phrase(Metric::Measure(measure)).text(lang).to_string()
        });
        let hour = parse_rfc3339(&one.hour)
            .map(|at| format::moment(lang, Moment::Bucket(TimeUnit::Hour), at, "UTC"));
        let named = |(name, key): (String, String)| {
            let dimension = Dimension::ALL.into_iter().find(|dimension| dimension.name() == name);
            let known = dimension.and_then(|dimension| catalog.name(dimension, &key)).map(str::to_string);
            known.unwrap_or(key)
        };
        let cell = one.cell.into_iter().map(named).collect::<Vec<_>>().join(" · ");
        view! {
            <tr data-testid="difference" data-measure=one.measure data-here=one.here data-server=one.server>
                <td>{hour}</td>
                <td class="of-cell">{cell}</td>
                <td>{name}</td>
                <td class="number">{figure(one.here)}</td>
                <td class="number">{figure(one.server)}</td>
            </tr>
        }
    };
    let rows = list.into_iter().map(row).collect_view();
    let heads = heads([
        (Phrase::HourUtc, ""),
        (Phrase::Cell, ""),
        (Phrase::Figure, ""),
        (Phrase::Here, "number"),
        (Phrase::Server, "number"),
    ]);
    view! {
        <p class="card-note">{t(Phrase::VerifyNotArchived)}</p>
        <div class="table-scroll" tabindex="0" role="region" aria-label=t(Phrase::Differences)>
            <table class="report-table"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>
        </div>
    }
}
