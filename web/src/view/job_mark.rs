//! States of tasks and runs, told by a shape, a colour and words.

use std::collections::BTreeMap;

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::browser;
use crate::format;
use crate::phrase::Phrase;

/// What a state is called.
pub fn state_phrase(state: &str) -> Phrase {
    match state {
        "queued" => Phrase::Queued,
        "running" => Phrase::Running,
        "succeeded" => Phrase::Succeeded,
        "skipped" => Phrase::Skipped,
        "upstream_failed" => Phrase::UpstreamFailed,
        _ => Phrase::Failed,
    }
}

/// The shape of a state; what has not begun, and never will, has a sign instead of an icon.
#[component]
pub fn Shape(
    /// The state.
    #[prop(into)]
    state: Signal<String>,
) -> impl IntoView {
    move || match state.read().as_str() {
        "succeeded" => view! { <Glyph icon=Icon::Check/> }.into_any(),
        "running" => view! { <Glyph icon=Icon::Play/> }.into_any(),
        "upstream_failed" => view! { <Glyph icon=Icon::Alert/> }.into_any(),
        "queued" => view! { <span class="sign" aria-hidden="true">"…"</span> }.into_any(),
        "skipped" => view! { <span class="sign" aria-hidden="true">"–"</span> }.into_any(),
        _ => view! { <Glyph icon=Icon::Cross/> }.into_any(),
    }
}

/// A state with its shape and its name.
#[component]
pub fn StateMark(
    /// The state.
    state: String,
    /// More words, where there are some.
    #[prop(optional, into)]
    text: Option<String>,
) -> impl IntoView {
    let name = text.unwrap_or_else(|| state_phrase(&state).text(browser::lang()).to_string());
    let shape = state.clone();
    view! { <span class="state-mark" data-state=state><Shape state=shape/>{name}</span> }
}

/// Counts of states, as marks.
pub fn counts(counts: &BTreeMap<String, u64>) -> impl IntoView + use<> {
    let lang = browser::lang();
    let mark = |(state, count): (&String, &u64)| {
        let text = Phrase::CountOf
            .with(lang, &[&format::count(lang, *count as i64), state_phrase(state).text(lang)]);
        view! { <StateMark state=state.clone() text=text/> }
    };
    view! { <span class="state-marks">{counts.iter().map(mark).collect_view()}</span> }
}
