//! What is chosen, as chips, and lists of what can be.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::popover::Popover;
use super::show::Show;
use crate::browser::{self, t};
use crate::phrase::Phrase;

/// A line of a builder: its name, and chips.
#[component]
pub fn Line(
    /// What the chips are.
    heading: Phrase,
    /// The chips.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="builder-line" role="group" aria-label=t(heading)>
            <span class="builder-name">{t(heading)}</span>
            <div class="chips">{children()}</div>
        </div>
    }
}

/// Something chosen, with a button that takes it away.
#[component]
pub fn Chip(
    /// What.
    text: String,
    /// For tests.
    test_id: String,
    /// Takes it away.
    remove: Callback<()>,
) -> impl IntoView {
    let label = {
        let text = text.clone();
        move || Phrase::Remove.with(browser::lang(), &[&text])
    };
    view! {
        <span class="chip" data-testid=test_id>
            <span>{text}</span>
            <button type="button" data-testid="remove" aria-label=label on:click=move |_| remove.run(())>
                <Glyph icon=Icon::Cross/>
            </button>
        </span>
    }
}

/// Something that can be chosen, in the list of an [`Adder`].
#[component]
pub fn Choice(
    /// What.
    phrase: Phrase,
    /// For tests.
    test_id: String,
    /// Whether it is.
    chosen: Signal<bool>,
    /// Chooses it, or no longer.
    toggle: Callback<()>,
) -> impl IntoView {
    view! {
        <button
            type="button"
            class="option"
            role="checkbox"
            data-testid=test_id
            aria-checked=move || if chosen.get() { "true" } else { "false" }
            on:click=move |_| toggle.run(())
        >
            <span>{t(phrase)}</span>
            <Show when=move || chosen.get()><Glyph icon=Icon::Check/></Show>
        </button>
    }
}

/// A button that opens a list of what can be added.
#[component]
pub fn Adder(
    /// What can be added.
    phrase: Phrase,
    /// For tests.
    test_id: &'static str,
    /// The list.
    children: ChildrenFn,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let label = Signal::derive(move || t(phrase)().to_string());
    let text = Signal::derive(move || t(Phrase::Add)().to_string());
    let children = StoredValue::new(children);
    view! {
        <Popover open icon=Icon::Plus test_id label text class="control small">
            <div class="panel-scroll columns">{children.with_value(|children| children())}</div>
        </Popover>
    }
}
