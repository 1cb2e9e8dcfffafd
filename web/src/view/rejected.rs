//! Events that were not accepted: why, what they said, and another try.

use adtally_core::access::Role;
use adtally_core::time::{parse_rfc3339, rfc3339};
use adtally_wire::quarantine::{RejectedList, RejectedRecord, ReplayOrder, ReplayResult};
use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::heads::waiting;
use super::icon::{Glyph, Icon};
use super::notice::{FailureNotice, failure_text};
use super::older::{Older, OlderButtons};
use super::place::CurrentPlace;
use super::show::Show;
use super::zone::ZoneNote;
use crate::api::failure::Failure;
use crate::api::fetch::Fetch;
use crate::api::session::{Session, Who};
use crate::browser::{self, beat, t};
use crate::calendar::Offsets as _;
use crate::format::{self, Moment};
use crate::intl::Zone;
use crate::model::held::{codes, correction, owner, said};
use crate::model::spoken::rejected;
use crate::phrase::Phrase;
use crate::state::events::EventsState;

/// How often the list is asked for: the live channel tells of what was accepted only.
const FOLLOW_MS: u32 = 5_000;

/// What became of a replay.
#[derive(Debug, Clone, PartialEq)]
enum Told {
    Nothing,
    Done(ReplayResult),
    Refused(Failure),
}

/// Replays what is meant.
#[derive(Clone, Copy)]
struct Desk {
    state: Memo<EventsState>,
    list: Fetch<RejectedList>,
    told: RwSignal<Told>,
    busy: RwSignal<bool>,
    place: CurrentPlace,
    session: Session,
}

/// The list of what was rejected, with its reasons.
#[component]
pub fn Rejected(
    /// What is asked.
    state: Memo<EventsState>,
    /// Asks something else.
    change: Callback<EventsState>,
) -> impl IntoView {
    let place = CurrentPlace::expect();
    let older = Older::new(move || {
        let setting = place.setting.get()?;
        let zone = Zone::or_utc(&setting.tz)?;
        Some(state.read().rejected(&setting.scope, setting.span, &zone))
    });
    let ticks = beat(FOLLOW_MS);
    let list = Fetch::<RejectedList>::new(move || older.address("before"), move || ticks.track());
    let desk = Desk {
        state,
        list,
        told: RwSignal::new(Told::Nothing),
        busy: RwSignal::new(false),
        place,
        session: Session::expect(),
    };
    let next = Memo::new(move |_| list.shown.read().as_ref().map(|shown| shown.next.clone()));
    let is_empty =
        Memo::new(move |_| list.shown.read().as_ref().is_some_and(|shown| shown.rejected.is_empty()));
    let body = move || match list.failure.get().filter(|_| list.shown.read().is_none()) {
        Some(failure) => {
            view! { <FailureNotice failure on_retry=Callback::new(move |()| list.retry())/> }.into_any()
        }
        None if is_empty.get() => view! {
            <div class="notice" data-testid="state-empty">
                <span class="notice-icon"><Glyph icon=Icon::Inbox/></span>
                <h2>{t(Phrase::NothingRejected)}</h2>
                <p>{t(Phrase::NothingRejectedHint)}</p>
            </div>
        }
        .into_any(),
        None => view! { <Table desk/> }.into_any(),
    };
    view! {
        <div class="rejected" data-testid="rejected">
            <Reasons desk change/>
            <Show when=move || !is_empty.get()><Replay desk/></Show>
            <Outcome desk/>
            {body}
            <OlderButtons older next/>
        </div>
    }
}

/// How many of each reason; one of them may be all that is listed.
#[component]
fn Reasons(desk: Desk, change: Callback<EventsState>) -> impl IntoView {
    let choose = move |code: Option<String>| {
        change.run(EventsState { code, ..desk.state.get_untracked() });
    };
    let chip = move |code: Option<String>, count: u64| {
        let (is, name) = (code.clone(), code.clone());
        let chosen = move || if desk.state.read().code == is { "true" } else { "false" };
        let lang = browser::lang();
        let count = format::count(lang, i64::try_from(count).unwrap_or(i64::MAX));
        let text = name.map_or_else(|| Phrase::AnyCode.text(lang).to_string(), |code| rejected(&code, lang));
        let test_id = format!("code-{}", code.as_deref().unwrap_or("any"));
        view! {
            <button type="button" class="control small" data-testid=test_id aria-pressed=chosen on:click=move |_| choose(code.clone())>
                {text}" "<span class="quiet">{count}</span>
            </button>
        }
    };
    let chips = move || {
        let shown = desk.list.shown.read();
        let counts = shown.as_ref().map(|shown| codes(&shown.counts)).unwrap_or_default();
        let all: u64 = counts.iter().map(|(_, count)| count).sum();
        let each = counts.into_iter().map(|(code, count)| chip(Some(code), count).into_any());
        [chip(None, all).into_any()].into_iter().chain(each).collect_view()
    };
    view! { <div class="card-head"><div class="chips" role="group" aria-label=t(Phrase::Reason)>{chips}</div><ZoneNote/></div> }
}

/// Replays what is listed, with a correction where one is needed.
#[component]
fn Replay(desk: Desk) -> impl IntoView {
    let may = Memo::new(move |_| matches!(desk.session.who.get(), Who::Somebody(Role::Admin, _)));
    let (field, value) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let order = ReplayOrder { code: desk.state.read_untracked().code.clone(), ..ReplayOrder::default() };
        desk.replay(ReplayOrder {
            set: correction(&field.read_untracked(), &value.read_untracked()),
            ..order
        });
    };
    let input = |phrase: Phrase, test_id: &'static str, signal: RwSignal<String>| {
        view! {
            <input
                class="input"
                data-testid=test_id
                aria-label=t(phrase)
                placeholder=t(phrase)
                prop:value=signal
                on:input=move |event| signal.set(event_target_value(&event))
            />
        }
    };
    view! {
        <Show when=move || may.get() fallback=|| view! { <p class="strip">{t(Phrase::OnlyAdminsReplay)}</p> }>
            <form class="card-body replay-form" on:submit=submit>
                <p class="hint">{t(Phrase::ReplayHint)}</p>
                {input(Phrase::SetField, "set-field", field)}
                {input(Phrase::SetValue, "set-value", value)}
                <button type="submit" class="button" data-testid="replay" disabled=move || desk.busy.get()>
                    <Glyph icon=Icon::Refresh/>
                    {t(Phrase::ReplayListed)}
                </button>
            </form>
        </Show>
    }
}

/// What became of the last replay; it stays when that emptied the list.
#[component]
fn Outcome(desk: Desk) -> impl IntoView {
    move || {
        let said = match desk.told.get() {
            Told::Nothing => return None,
            Told::Refused(failure) => {
                let text = failure_text(&failure, browser::lang());
                view! { <p role="alert" class="field-error" data-testid="refused">{text}</p> }.into_any()
            }
            Told::Done(result) => {
                view! { <p role="status" data-testid="replayed">{replayed(&result)}</p> }.into_any()
            }
        };
        Some(view! { <div class="card-body">{said}</div> })
    }
}

fn replayed(result: &ReplayResult) -> String {
    let lang = browser::lang();
    let count = |number: u64| format::count(lang, i64::try_from(number).unwrap_or(i64::MAX));
    let wrong = count(result.rejected.len() as u64);
    let text = Phrase::Replayed.with(lang, &[&count(result.accepted), &count(result.duplicates), &wrong]);
    match result.next {
        Some(_) => format!("{text}. {}", Phrase::ReplayMore.text(lang)),
        None => text,
    }
}

impl Desk {
    /// Replays what `order` says of the period and the owner that are shown.
    fn replay(self, order: ReplayOrder) {
        let Some(setting) = self.place.setting.get_untracked() else { return };
        let Some(zone) = Zone::or_utc(&setting.tz) else { return };
        let advertiser = self.state.read_untracked().advertiser(&setting.scope);
        let (advertiser, service) = owner(&setting.scope, advertiser);
        let (from, to) = (zone.day_start_ms(setting.span.from), zone.day_start_ms(setting.span.to));
        let order =
            ReplayOrder { advertiser, service, from: Some(rfc3339(from)), to: Some(rfc3339(to)), ..order };
        self.busy.set(true);
        spawn_local(async move {
            let answer =
                self.session.client.send::<ReplayResult>(Method::POST, "/v1/rejected/replay", &order).await;
            self.busy.set(false);
            self.told.set(answer.map_or_else(Told::Refused, Told::Done));
            self.list.retry();
        });
    }
}

#[component]
fn Table(desk: Desk) -> impl IntoView {
    let may = Memo::new(move |_| matches!(desk.session.who.get(), Who::Somebody(Role::Admin, _)));
    let rows = move || match desk.list.shown.get() {
        None => waiting(6, 6),
        Some(list) => {
            list.rejected.into_iter().map(|record| row(record, desk, may)).collect_view().into_any()
        }
    };
    let heads = [Phrase::ArrivedAt, Phrase::Reason, Phrase::Door, Phrase::SentFields, Phrase::Tries];
    let count = move || {
        let shown = desk.list.shown.read();
        let shown = shown.as_ref()?;
        let number = |number: u64| format::count(browser::lang(), i64::try_from(number).unwrap_or(i64::MAX));
        let all = shown.counts.values().sum();
        let listed = shown.rejected.len() as u64;
        Some(Phrase::RejectedCount.with(browser::lang(), &[&number(all), &number(listed)]))
    };
    view! {
        <div class="table-scroll" tabindex="0" role="region" aria-label=t(Phrase::RejectedEvents)>
            <table class="report-table" data-testid="rejected-table">
                <thead><tr>
                    {heads.map(|head| view! { <th scope="col"><span class="head-text">{t(head)}</span></th> })}
                    <th scope="col"><span class="visually-hidden">{t(Phrase::Actions)}</span></th>
                </tr></thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <div class="card-head">
            <p class="pager-text" role="status">{count}</p>
        </div>
    }
}

fn row(record: RejectedRecord, desk: Desk, may: Memo<bool>) -> impl IntoView {
    let lang = browser::lang();
    let tz = desk.place.setting.get_untracked().map(|setting| setting.tz).unwrap_or_default();
    let at = parse_rfc3339(&record.received).unwrap_or_default();
    let id = record.id.clone();
    let again = move |_| desk.replay(ReplayOrder { ids: vec![id.clone()], ..ReplayOrder::default() });
    let again = StoredValue::new(again);
    let tries = (record.tries > 0).then(|| format::count(lang, record.tries.into()));
    view! {
        <tr data-testid="rejected-row" data-id=record.id.clone() data-code=record.code.clone()>
            <td>{format::moment(lang, Moment::Exact, at, &tz)}</td>
            <td class="reason"><span class="state" data-state="failed" title=record.code.clone()>{rejected(&record.code, lang)}</span><span class="quiet">{record.message.clone()}</span></td>
            <td>{record.door.clone()}</td>
            <td class="sent"><code>{said(&record)}</code></td>
            <td>{tries}</td>
            <td>
                <Show when=move || may.get()>
                    <button type="button" class="icon-button" data-testid="replay-one" aria-label=t(Phrase::ReplayOne) title=t(Phrase::ReplayOne) on:click=move |event| again.with_value(|again| again(event))>
                        <Glyph icon=Icon::Refresh/>
                    </button>
                </Show>
            </td>
        </tr>
    }
}
