//! Single events: the newest first, live, with filters; and the story of one.

use adtally_core::cell::{Dimension, Scope};
use adtally_core::event::Kind;
use adtally_core::report::{By, Filter, TimeUnit};
use adtally_wire::api::{EventList, EventStory};
use leptos::prelude::*;

use super::chips::{Chip, Line};
use super::choosers::FilterChips;
use super::event_story::StoryPanel;
use super::explore::catalog;
use super::freshness::LiveBadge;
use super::heads::{heads, waiting};
use super::icon::{Glyph, Icon};
use super::notice::{FailureNotice, NotYours};
use super::older::{Older, OlderButtons};
use super::place::CurrentPlace;
use super::rejected::Rejected;
use super::saved_views::SavedViews;
use super::shell::PageHead;
use super::show::Show;
use super::trend::Trend;
use super::zone::ZoneNote;
use crate::api::feed::{Feed, Follow};
use crate::api::fetch::Fetch;
use crate::api::live::Live;
use crate::api::request::{Period, ReportRequest};
use crate::browser::{self, t};
use crate::calendar::{Offsets as _, unit_for_days};
use crate::format::{self, Moment};
use crate::intl::Zone;
use crate::model::series::Series;
use crate::model::spoken::{REASONS, spoken};
use crate::phrase::Phrase;
use crate::state::events::{EventsState, Listed as Which, Named};
use crate::state::frame::Frame;
use crate::state::place::Place;

/// The name of a kind on a page.
pub fn kind_phrase(kind: Kind) -> Phrase {
    match kind {
        Kind::Impression => Phrase::Impression,
        Kind::View => Phrase::ViewEvent,
        Kind::Click => Phrase::Click,
        Kind::Conversion => Phrase::Conversion,
    }
}

/// The events page.
#[component]
pub fn Events() -> impl IntoView {
    let place = CurrentPlace::expect();
    let live: Live = expect_context();
    let state = Memo::new(move |_| match place.place.get() {
        Some(Place::Events(state)) => state,
        _ => EventsState::default(),
    });
    let change = Callback::new(move |state: EventsState| place.go(&Place::Events(state)));
    let advertiser = Memo::new(move |_| state.read().advertiser(&place.setting.get()?.scope));
    let tail = RwSignal::new(true);
    let older = Older::new(move || {
        let setting = place.setting.get()?;
        if state.read().listed == Which::Rejected {
            return None;
        }
        Some(state.read().list(&advertiser.get()?, setting.span, &Zone::or_utc(&setting.tz)?))
    });
    // Older ones stay what they are.
    let events = Fetch::<EventList>::new(
        move || older.address("cursor"),
        move || {
            if tail.get() && older.is_newest() {
                live.tick.track();
            }
        },
    );
    let next = Memo::new(move |_| events.shown.read().as_ref().map(|list| list.next.clone()));
    let is_rejected = Memo::new(move |_| state.read().listed == Which::Rejected);
    let body = move || match (place.setting.get(), advertiser.get(), events.failure.get()) {
        _ if is_rejected.get() => view! { <Rejected state change/> }.into_any(),
        (Some(setting), None, _) if matches!(setting.scope, Scope::Service(_)) => {
            view! { <NotYours text=Phrase::EventsAreAdvertisers/> }.into_any()
        }
        (Some(_), None, _) => view! { <WhichAdvertiser/> }.into_any(),
        (_, _, Some(failure)) if events.shown.read().is_none() => {
            view! { <FailureNotice failure on_retry=Callback::new(move |()| events.retry())/> }.into_any()
        }
        _ => view! { <Listed events older state change/> }.into_any(),
    };
    let busy = move || if events.busy.get() { "true" } else { "false" };
    // Its room is kept until it is known whose events they are.
    let has_histogram = Memo::new(move |_| {
        !is_rejected.get() && (place.setting.read().is_none() || advertiser.get().is_some())
    });
    let has_story = Memo::new(move |_| state.read().story.is_some());
    view! {
        <div class="events" data-testid="events" data-busy=busy aria-busy=busy>
            <PageHead title=Phrase::Events/>
            <div class="freshness"><LiveBadge/></div>
            <Switch state change/>
            <Show when=move || !is_rejected.get()><Controls state change tail/></Show>
            <Show when=move || has_histogram.get()><Histogram state/></Show>
            <section class="card report-card">{body}<OlderButtons older next/></section>
            <Show when=move || has_story.get()><StoryPanel state change advertiser/></Show>
        </div>
    }
}

/// Those that were accepted, or those that were not.
#[component]
fn Switch(state: Memo<EventsState>, change: Callback<EventsState>) -> impl IntoView {
    let one = move |which: Which, phrase: Phrase, test_id: &'static str| {
        view! {
            <button
                type="button"
                data-testid=test_id
                aria-pressed=move || if state.read().listed == which { "true" } else { "false" }
                on:click=move |_| change.run(EventsState { listed: which, story: None, code: None, ..state.get_untracked() })
            >
                {t(phrase)}
            </button>
        }
    };
    view! {
        <div class="card-actions events-switch">
            <div class="segments" role="group" aria-label=t(Phrase::WhichEvents)>
                {one(Which::Accepted, Phrase::AcceptedEvents, "list-accepted")}
                {one(Which::Rejected, Phrase::RejectedEvents, "list-rejected")}
            </div>
            <SavedViews kind="events"/>
        </div>
    }
}

#[component]
fn Controls(state: Memo<EventsState>, change: Callback<EventsState>, tail: RwSignal<bool>) -> impl IntoView {
    let add = Callback::new(move |filter: Filter| {
        let mut next = state.get_untracked();
        next.filters.push(filter);
        change.run(next);
    });
    let remove = Callback::new(move |filter: Filter| {
        let mut next = state.get_untracked();
        next.filters.retain(|known| *known != filter);
        change.run(next);
    });
    let kinds = Kind::ALL.map(|kind| {
        view! { <option value=kind.name() selected=move || state.read().kind == Some(kind)>{t(kind_phrase(kind))}</option> }
    });
    let outcomes = [("counted", Phrase::Counted), ("invalid", Phrase::Invalid)].into_iter().chain(REASONS);
    let outcomes = outcomes.map(|(name, phrase)| {
        let chosen = move || state.read().outcome.as_deref() == Some(name);
        view! { <option value=name selected=chosen>{t(phrase)}</option> }
    });
    let outcomes = outcomes.collect_view();
    let choose_kind = move |event| {
        change.run(EventsState { kind: Kind::parse(&event_target_value(&event)), ..state.get_untracked() });
    };
    let choose_outcome = move |event| {
        let outcome = Some(event_target_value(&event)).filter(|name| !name.is_empty());
        change.run(EventsState { outcome, ..state.get_untracked() });
    };
    view! {
        <section class="card builder">
            <Line heading=Phrase::Filters>
                <select class="select small" data-testid="event-kind" aria-label=t(Phrase::EventKind) on:change=choose_kind>
                    <option value="" selected=move || state.read().kind.is_none()>{t(Phrase::AnyKind)}</option>
                    {kinds}
                </select>
                <select class="select small" data-testid="event-outcome" aria-label=t(Phrase::Outcome) on:change=choose_outcome>
                    <option value="" selected=move || state.read().outcome.is_none()>{t(Phrase::AnyOutcome)}</option>
                    {outcomes}
                </select>
                <UserField state change/>
                <HourChip state change/>
                <FilterChips filters=Signal::derive(move || state.get().filters) add remove/>
                <button
                    type="button"
                    class="button quiet"
                    class:lit=move || tail.get()
                    data-testid="tail"
                    aria-pressed=move || if tail.get() { "true" } else { "false" }
                    on:click=move |_| tail.update(|on| *on = !*on)
                >
                    {t(Phrase::LiveTail)}
                </button>
            </Line>
        </section>
    }
}

/// The one hour whose events are listed, or the one before which they are, where one is chosen.
#[component]
fn HourChip(state: Memo<EventsState>, change: Callback<EventsState>) -> impl IntoView {
    let place = CurrentPlace::expect();
    let named = move |instant: i64| {
        let tz = place.setting.get()?.tz;
        Some(format::moment(browser::lang(), Moment::Bucket(TimeUnit::Hour), instant, &tz))
    };
    let hour = move || {
        let text = named(state.read().hour?)?;
        let remove = Callback::new(move |()| change.run(EventsState { hour: None, ..state.get_untracked() }));
        Some(view! { <Chip text test_id="event-hour".to_string() remove/> })
    };
    let until = move || {
        let text = Phrase::BeforeTime.with(browser::lang(), &[&named(state.read().until?)?]);
        let remove =
            Callback::new(move |()| change.run(EventsState { until: None, ..state.get_untracked() }));
        Some(view! { <Chip text test_id="event-until".to_string() remove/> })
    };
    view! {
        {hour}
        {until}
    }
}

#[component]
fn UserField(state: Memo<EventsState>, change: Callback<EventsState>) -> impl IntoView {
    let choose_user = move |event| {
        let user = Some(event_target_value(&event).trim().to_string()).filter(|key| !key.is_empty());
        change.run(EventsState { user, ..state.get_untracked() });
    };
    view! {
        <input
                class="input small"
                data-testid="event-user"
                aria-label=t(Phrase::UserKey)
                placeholder=t(Phrase::UserKey)
                prop:value=move || state.read().user.clone().unwrap_or_default()
                on:change=choose_user
            />
    }
}

/// All events of the kind over time, whatever their outcome.
#[component]
fn Histogram(state: Memo<EventsState>) -> impl IntoView {
    let place = CurrentPlace::expect();
    let metric = Memo::new(move |_| {
        adtally_core::report::Metric::Gross(state.read().kind.unwrap_or(Kind::Impression))
    });
    let unit = Memo::new(move |_| place.setting.get().map(|setting| unit_for_days(setting.span.days())));
    let feed = Feed::new(
        move || {
            let setting = place.setting.get()?;
            let totals = ReportRequest::totals(
                setting.scope,
                Period::Days(setting.span),
                Some(setting.tz),
                vec![metric.get()],
            );
            let filters = state.read().filters.clone();
            Some(ReportRequest { by: vec![By::Time(unit.get()?)], filters, limit: Some(10_000), ..totals })
        },
        Follow::Live,
    );
    let series = Memo::new(move |_| {
        let (shown, setting, unit) = (feed.shown.get()?, place.setting.get()?, unit.get()?);
        let starts = Zone::or_utc(&setting.tz)?.bucket_starts(setting.span, unit, 10_000);
        Some(std::sync::Arc::new(Series::new(&shown.answer, unit, &starts, place.now_ms.get())))
    });
    let currency = Signal::stored(None::<String>);
    view! {
        <section class="card report-card">
            <Trend series metric currency unit choose_unit=Callback::new(|_| {})/>
        </section>
    }
}

/// A platform looks at one advertiser's events at a time.
#[component]
pub fn WhichAdvertiser() -> impl IntoView {
    let place = CurrentPlace::expect();
    let option = move |advertiser: adtally_wire::api::Advertiser| {
        let scope = adtally_core::cell::Scope::parse(&format!("advertiser:{}", advertiser.key));
        let name = if advertiser.name.is_empty() { advertiser.key.clone() } else { advertiser.name };
        let choose = move |_| {
            let scope = scope.clone();
            place.change_frame(|frame| Frame { scope, ..frame });
        };
        view! { <button type="button" class="button" data-testid="choose-advertiser" on:click=choose>{name}</button> }
    };
    view! {
        <div class="notice" data-testid="choose">
            <span class="notice-icon"><Glyph icon=Icon::Layers/></span>
            <h2>{t(Phrase::ChooseAdvertiser)}</h2>
            <p>{t(Phrase::ChooseAdvertiserHint)}</p>
            <div class="chips">{move || catalog().advertisers.iter().cloned().map(option).collect_view()}</div>
        </div>
    }
}

const HEADS: [(Phrase, &str); 7] = [
    (Phrase::EventTime, ""),
    (Phrase::EventKind, ""),
    (Phrase::EventId, ""),
    (Phrase::Outcome, ""),
    (Phrase::Campaign, ""),
    (Phrase::Ad, ""),
    (Phrase::Service, ""),
];

#[component]
fn Listed(
    events: Fetch<EventList>,
    older: Older,
    state: Memo<EventsState>,
    change: Callback<EventsState>,
) -> impl IntoView {
    let place = CurrentPlace::expect();
    let rows = move || {
        let tz = place.setting.get().map(|setting| setting.tz).unwrap_or_default();
        let row = |story: EventStory| event_row(story, &tz, state, change).into_any();
        match events.shown.get() {
            None => waiting(8, 7),
            Some(list) => list.events.into_iter().map(row).collect_view().into_any(),
        }
    };
    let count = move || {
        let shown = events.shown.read();
        let list = shown.as_ref()?;
        let count = format::count(browser::lang(), list.events.len() as i64);
        let phrase = if older.is_newest() { Phrase::EventsShown } else { Phrase::OlderShown };
        let shown = phrase.with(browser::lang(), &[&count]);
        Some(match list.complete {
            true => shown,
            false => format!("{shown} · {}", Phrase::NotAllLookedAt.text(browser::lang())),
        })
    };
    let is_empty =
        Memo::new(move |_| events.shown.read().as_ref().is_some_and(|list| list.events.is_empty()));
    view! {
        <div class="card-head"><p class="pager-text" role="status" data-testid="event-count">{count}</p><ZoneNote/></div>
        <Show
            when=move || !is_empty.get()
            fallback=|| view! {
                <div class="notice" data-testid="state-empty">
                    <span class="notice-icon"><Glyph icon=Icon::Inbox/></span>
                    <h2>{t(Phrase::NoEvents)}</h2>
                </div>
            }
        >
            <div class="table-scroll" tabindex="0" role="region" aria-label=t(Phrase::Events)>
                <table class="report-table" data-testid="event-table">
                    <thead><tr>{heads(HEADS)}</tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </Show>
    }
}

fn event_row(
    story: EventStory,
    tz: &str,
    state: Memo<EventsState>,
    change: Callback<EventsState>,
) -> impl IntoView + use<> {
    let lang = browser::lang();
    let event = story.event;
    let instant = adtally_core::time::parse_rfc3339(&event.at).unwrap_or_default();
    let kind = Kind::parse(&event.kind);
    let named = kind.map(|kind| Named { kind, id: event.id.clone() });
    let label = Phrase::OpenStory.with(lang, &[&event.id]);
    let open = move |_| change.run(EventsState { story: named.clone(), ..state.get_untracked() });
    let outcome = if story.outcome == "counted" { Phrase::Counted } else { Phrase::Invalid }.text(lang);
    let reason = story.reason.map(|reason| view! { <span class="quiet">" · "{spoken(&reason, lang)}</span> });
    let id = event.id.clone();
    let catalog = catalog();
    let dims = [Dimension::Campaign, Dimension::Ad, Dimension::Service].map(|dimension| {
        let key = story.cell.get(dimension.name()).cloned().unwrap_or_default();
        let name = catalog.name(dimension, &key).unwrap_or(&key).to_string();
        view! { <td title=key>{name}</td> }
    });
    view! {
        <tr data-testid="event-row" data-id=id>
            <td>{format::moment(lang, Moment::Exact, instant, tz)}</td>
            <td>{kind.map(|kind| kind_phrase(kind).text(lang))}</td>
            <td><button type="button" class="value link" aria-label=label on:click=open>{event.id}</button></td>
            <td><span class="state" data-state=story.outcome>{outcome}</span>{reason}</td>
            {dims}
        </tr>
    }
}
