//! The story of an event: its chain, why it is linked as it is, its facts, its billing.

use adtally_core::cell::Dimension;
use adtally_core::event::Kind;
use adtally_core::time::parse_rfc3339;
use adtally_wire::api::{EventStory, SignedFact};
use leptos::prelude::*;

use super::events::kind_phrase;
use super::explore::catalog;
use super::icon::{Glyph, Icon};
use super::notice::FailureNotice;
use super::panel::{hold_focus, on_escape};
use super::place::CurrentPlace;
use super::zone::ZoneNote;
use crate::api::fetch::Fetch;
use crate::api::live::Live;
use crate::browser::{self, t};
use crate::format::{self, Moment, Width};
use crate::lang::Lang;
use crate::metric::COST;
use crate::model::spoken::{figure, spoken};
use crate::model::timeline::{Moment as Told, timeline};
use crate::phrase::Phrase;
use crate::state::events::{EventsState, Named};

/// A panel beside the list.
#[component]
pub fn StoryPanel(
    /// Whose story.
    state: Memo<EventsState>,
    /// Another one, or none.
    change: Callback<EventsState>,
    /// Whose event it is.
    advertiser: Memo<Option<String>>,
) -> impl IntoView {
    let live: Live = expect_context();
    let story = Fetch::<EventStory>::new(
        move || state.read().story_address(&advertiser.get()?),
        move || live.tick.track(),
    );
    let close = move || change.run(EventsState { story: None, ..state.get_untracked() });
    let name = move || state.read().story.as_ref().map(|named| named.id.clone());
    let body = move || match (story.failure.get(), story.shown.get()) {
        (Some(failure), None) => {
            view! { <FailureNotice failure on_retry=Callback::new(move |()| story.retry())/> }.into_any()
        }
        (_, Some(told)) => view! { <Story told state change/> }.into_any(),
        (None, None) => view! { <p><span class="skeleton wide"></span></p> }.into_any(),
    };
    let panel = NodeRef::<leptos::html::Section>::new();
    hold_focus(panel, move || name().unwrap_or_default());
    view! {
        <section
            class="story"
            node_ref=panel
            tabindex="-1"
            data-testid="story"
            aria-label=t(Phrase::Story)
            on:keydown=on_escape(close)
        >
            <div class="story-head">
                <h2>{t(Phrase::Story)}" "<code>{name}</code></h2>
                <button type="button" class="icon-button" data-testid="close-story" aria-label=t(Phrase::Close) on:click=move |_| close()>
                    <Glyph icon=Icon::Cross/>
                </button>
            </div>
            {body}
        </section>
    }
}

#[component]
fn Story(told: EventStory, state: Memo<EventsState>, change: Callback<EventsState>) -> impl IntoView {
    let lang = browser::lang();
    let outcome = if told.outcome == "counted" { Phrase::Counted } else { Phrase::Invalid }.text(lang);
    let rule = (!told.rule.is_empty()).then(|| Phrase::RuleIs.with(lang, &[&spoken(&told.rule, lang)]));
    let reason = told.reason.as_deref().map(|reason| spoken(reason, lang));
    let go = Callback::new(move |named: Named| {
        change.run(EventsState { story: Some(named), ..state.get_untracked() })
    });
    view! {
        <p class="story-sum">
            <span class="state" data-state=told.outcome.clone() data-testid="story-outcome">{outcome}</span>
            {reason.map(|reason| view! { <span>{reason}</span> })}
            {rule.map(|rule| view! { <span class="quiet">{rule}</span> })}
            <ZoneNote/>
        </p>
        <h3>{t(Phrase::Timeline)}</h3>
        <ol class="timeline" data-testid="timeline">{timeline(&told).into_iter().map(|one| moment(one, lang, go)).collect_view()}</ol>
        {considered(&told, lang)}
        {facts(&told, lang)}
        {billing(&told, lang)}
        {fields(&told)}
    }
}

fn moment(told: Told, lang: Lang, go: Callback<Named>) -> impl IntoView {
    let tz = CurrentPlace::expect().setting.get_untracked().map(|setting| setting.tz).unwrap_or_default();
    let at =
        parse_rfc3339(&told.at).map_or(told.at.clone(), |at| format::moment(lang, Moment::Exact, at, &tz));
    let kind = Kind::parse(&told.kind);
    let text = kind.map(|kind| kind_phrase(kind).text(lang));
    let class = if told.is_this { "this" } else { "" };
    let name = match kind.filter(|_| !told.is_this) {
        Some(kind) => {
            let named = Named { kind, id: told.id.clone() };
            view! { <button type="button" class="link" on:click=move |_| go.run(named.clone())>{told.id}</button> }.into_any()
        }
        None => view! { <strong>{told.id}</strong> }.into_any(),
    };
    view! {
        <li class=class data-kind=told.kind>
            <span class="tip-time">{at}</span>
            <span>{text}" "{name}</span>
        </li>
    }
}

fn considered(told: &EventStory, lang: Lang) -> impl IntoView + use<> {
    let line = |one: &adtally_wire::api::ConsideredEvent| {
        let is_chosen = one.outcome == "chosen";
        let outcome = spoken(&one.outcome, lang);
        let kind =
            Kind::parse(&one.kind).map_or(one.kind.clone(), |kind| kind_phrase(kind).text(lang).to_string());
        view! {
            <li class:this=is_chosen>
                <span>{kind}" "<code>{one.id.clone()}</code></span>
                <span class="quiet">{outcome}</span>
            </li>
        }
    };
    let lines = told.considered.iter().map(line).collect_view();
    (!told.considered.is_empty()).then(|| {
        view! {
            <h3>{Phrase::WhatWasConsidered.text(lang)}</h3>
            <ul class="facts" data-testid="considered">{lines}</ul>
        }
    })
}

/// The currency of the advertiser whose event it is.
fn currency(told: &EventStory) -> Option<String> {
    let advertiser = told.cell.get("advertiser")?;
    catalog().currency_of_row(Dimension::Advertiser, advertiser)?.code().map(str::to_string)
}

fn facts(told: &EventStory, lang: Lang) -> impl IntoView + use<> {
    let code = currency(told);
    let line = |fact: &SignedFact| {
        let (sign, phrase) =
            if fact.sign > 0 { ("+1", Phrase::FactAdded) } else { ("−1", Phrase::FactRetracted) };
        let measures = fact.measures.iter().map(|(name, value)| figure(name, *value, code.as_deref(), lang));
        let measures = measures.collect::<Vec<_>>().join(", ");
        let outcome = spoken(&fact.outcome, lang);
        let at = Phrase::AtPosition.with(lang, &[&fact.position.to_string()]);
        let reason = fact.reason.as_deref().map(|reason| format!(" · {}", spoken(reason, lang)));
        view! {
            <li class:retracted=fact.sign < 0>
                <span><strong>{sign}</strong>" "{phrase.text(lang)}" · "{outcome}{reason}</span>
                <span class="quiet">{measures}" · "{at}</span>
            </li>
        }
    };
    let partial =
        (!told.facts_complete).then(|| view! { <p class="hint">{Phrase::FactsPartial.text(lang)}</p> });
    let lines = told.facts.iter().map(line).collect_view();
    view! { <h3>{Phrase::FactsHeading.text(lang)}</h3><ul class="facts" data-testid="facts">{lines}</ul>{partial} }
}

fn billing(told: &EventStory, lang: Lang) -> impl IntoView + use<> {
    let billing = told.billing.as_ref()?;
    let money = |micros: i64, currency: &str| {
        let currency = Some(currency).filter(|code| !code.is_empty());
        format::figure(lang, COST, Some(micros as f64), currency, Width::Full)
    };
    let code = currency(told).unwrap_or_default();
    let line = |entry: &adtally_wire::billing::story::StoryEntry| {
        let kind = if entry.kind == "credit" { Phrase::Credit } else { Phrase::Charge }.text(lang);
        let state = if entry.state == "pending" { Phrase::Pending } else { Phrase::Sent }.text(lang);
        view! {
            <li class:retracted=entry.kind == "credit">
                <span>{kind}" "<strong>{money(entry.amount_micros, &entry.currency)}</strong>" · "{entry.basis.clone()}</span>
                <span class="quiet">{state}</span>
            </li>
        }
    };
    let lines = billing.entries.iter().map(line).collect_view();
    let sum = match billing.entries.is_empty() {
        true => Phrase::NothingCharged.text(lang).to_string(),
        false => Phrase::NetCharge.with(lang, &[&money(billing.net_micros, &code)]),
    };
    Some(
        view! { <h3>{Phrase::BillingHeading.text(lang)}</h3><p>{sum}</p><ul class="facts" data-testid="billing">{lines}</ul> },
    )
}

fn fields(told: &EventStory) -> impl IntoView + use<> {
    let own = [("at", told.event.at.clone()), ("received", told.event.received.clone())];
    let own = own.map(|(name, value)| (name.to_string(), value)).into_iter();
    let sent = told.event.fields.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
        (name.clone(), text)
    });
    let line = |(name, value): (String, String)| view! { <dt>{name}</dt><dd>{value}</dd> };
    view! { <h3>{t(Phrase::FieldsHeading)}</h3><dl class="fields">{own.chain(sent).map(line).collect_view()}</dl> }
}
