//! Of which days, in which time zone.

use adtally_core::time::parse_date;
use chrono::NaiveDate;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::place::CurrentPlace;
use super::popover::Popover;
use super::show::Show;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::calendar::Span;
use crate::format::{self, Moment};
use crate::intl;
use crate::lang::Lang;
use crate::model::setting::Setting;
use crate::phrase::Phrase;
use crate::state::frame::Frame;
use crate::state::range::{Preset, Range};

/// A choice of periods and zones.
#[component]
pub fn RangePicker() -> impl IntoView {
    let place = CurrentPlace::expect();
    let open = RwSignal::new(false);
    let text = Signal::derive(move || {
        place.setting.get().map(|set| range_text(&set, browser::lang())).unwrap_or_default()
    });
    let choose = Callback::new(move |range: Range| {
        open.set(false);
        place.change_frame(|frame| Frame { range, ..frame });
    });
    view! {
        <Popover
            open
            icon=Icon::Calendar
            test_id="range-picker"
            label=Signal::derive(move || t(Phrase::DateRange)().to_string())
            text
        >
            <div class="range-panel">
                <Presets choose/>
                <div class="range-own">
                    <Days choose/>
                    <Zones/>
                </div>
            </div>
        </Popover>
    }
}

/// A period in words: the preset's name, or its days.
fn range_text(setting: &Setting, lang: Lang) -> String {
    match setting.range {
        Range::Preset(preset) => preset.phrase().text(lang).to_string(),
        Range::Days(span) => days_text(span, lang),
    }
}

/// The first and the last day, or the only one.
fn days_text(span: Span, lang: Lang) -> String {
    // A day by itself has no zone.
    let text = |date: NaiveDate| {
        let start = date.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
        format::moment(lang, Moment::Day, start, "UTC")
    };
    if span.days() == 1 { text(span.from) } else { format!("{} – {}", text(span.from), text(span.last())) }
}

#[component]
fn Presets(choose: Callback<Range>) -> impl IntoView {
    let place = CurrentPlace::expect();
    let option = move |preset: Preset| {
        let range = Range::Preset(preset);
        let chosen = Memo::new(move |_| place.setting.get().is_some_and(|setting| setting.range == range));
        view! {
            <button
                type="button"
                class="option"
                data-testid=format!("range-{}", preset.name())
                aria-current=move || chosen.get().then_some("true")
                on:click=move |_| choose.run(range)
            >
                <span>{t(preset.phrase())}</span>
                <Show when=move || chosen.get()><Glyph icon=Icon::Check/></Show>
            </button>
        }
    };
    view! { <div class="options">{Preset::ALL.map(option)}</div> }
}

#[component]
fn Days(choose: Callback<Range>) -> impl IntoView {
    let setting = CurrentPlace::expect().setting;
    let days = move || setting.get_untracked().map(|setting| setting.span);
    // All time begins before anything can have happened: a bad start for choosing days.
    let first = setting.get_untracked().map(|set| if set.is_all_time() { set.today } else { set.span.from });
    let from = RwSignal::new(first.map(|date| date.to_string()).unwrap_or_default());
    let last = RwSignal::new(days().map(|span| span.last().to_string()).unwrap_or_default());
    let backwards = RwSignal::new(false);
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let span = parse_date(&from.read())
            .zip(parse_date(&last.read()).and_then(|date| date.succ_opt()))
            .map(|(from, to)| Span { from, to });
        match span {
            Some(span) if span.from < span.to => choose.run(Range::Days(span)),
            Some(_) => backwards.set(true),
            None => {}
        }
    };
    view! {
        <form on:submit=submit>
            <h3>{t(Phrase::CustomRange)}</h3>
            <label class="pair">
                <span>{t(Phrase::FromDate)}</span>
                <input
                    class="input"
                    type="date"
                    required
                    data-testid="range-from"
                    prop:value=from
                    on:input=move |event| from.set(event_target_value(&event))
                />
            </label>
            <label class="pair">
                <span>{t(Phrase::ToDate)}</span>
                <input
                    class="input"
                    type="date"
                    required
                    data-testid="range-to"
                    prop:value=last
                    on:input=move |event| last.set(event_target_value(&event))
                />
            </label>
            <Show when=move || backwards.get()>
                <p class="field-error" role="alert">{t(Phrase::RangeBackwards)}</p>
            </Show>
            <button type="submit" class="button" data-testid="range-apply">{t(Phrase::Apply)}</button>
        </form>
    }
}

#[component]
fn Zones() -> impl IntoView {
    let (place, session) = (CurrentPlace::expect(), Session::expect());
    let chosen = move || place.frame().tz.unwrap_or_default();
    let own = move || {
        let scope = place.setting.get().map(|setting| setting.scope);
        let catalog = session.catalog.get();
        scope.zip(catalog).map(|(scope, catalog)| catalog.zone(&scope)).unwrap_or_default()
    };
    let option = move |name: String, text: Signal<String>| {
        let value = name.clone();
        view! { <option value=value selected=move || chosen() == name>{text}</option> }
    };
    let default = Signal::derive(move || Phrase::TimeZoneDefault.with(browser::lang(), &[&own()]));
    let device = intl::device_zone().map(|name| {
        let shown = name.clone();
        let text = Signal::derive(move || Phrase::TimeZoneThisDevice.with(browser::lang(), &[&shown]));
        // Its value is the zone's name, so that the link means the same elsewhere; the list below has it again.
        view! { <option value=name>{text}</option> }
    });
    let named =
        intl::zone_names().into_iter().map(|name| option(name.clone(), Signal::stored(name))).collect_view();
    view! {
        <label class="stacked">
            <span class="panel-title">{t(Phrase::TimeZone)}</span>
            <select
                class="select"
                data-testid="tz"
                on:change=move |event| {
                    let tz = Some(event_target_value(&event)).filter(|name| !name.is_empty());
                    place.change_frame(|frame| Frame { tz, ..frame });
                }
            >
                {option(String::new(), default)}
                {device}
                {named}
            </select>
        </label>
    }
}
