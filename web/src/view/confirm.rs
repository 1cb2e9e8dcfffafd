//! A button for what cannot be undone: it is done when that is said twice.

use leptos::html::Button;
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::panel::on_escape;
use super::show::Show;
use crate::browser::t;
use crate::phrase::Phrase;

/// A button that is followed by two others: to leave it, where the focus and a second click in haste go, and to do it.
#[component]
pub fn Confirmed(
    /// What the button says.
    phrase: Phrase,
    /// What it does, to what.
    label: String,
    /// What the button says that does it.
    sure: Phrase,
    /// For tests; the two others are named after it, with `-not` and `-sure`.
    test_id: &'static str,
    /// What it shows instead of its words.
    #[prop(optional)]
    icon: Option<Icon>,
    /// How the button looks.
    #[prop(default = "button")]
    class: &'static str,
    /// Does it.
    deed: Callback<()>,
) -> impl IntoView {
    let asked = RwSignal::new(false);
    let (first, not) = (NodeRef::<Button>::new(), NodeRef::<Button>::new());
    let label = StoredValue::new(label);
    let turn = move |is_asked: bool| {
        asked.set(is_asked);
        focus_soon(if is_asked { not } else { first });
    };
    let doing = move |_| {
        turn(false);
        deed.run(());
    };
    view! {
        <Show
            when=move || asked.get()
            fallback=move || view! {
                <button type="button" class=class node_ref=first data-testid=test_id aria-label=label.get_value() title=icon.map(|_| label.get_value()) on:click=move |_| turn(true)>
                    {match icon {
                        Some(icon) => view! { <Glyph icon/> }.into_any(),
                        None => t(phrase).into_any(),
                    }}
                </button>
            }
        >
            <span class="confirm" role="group" aria-label=label.get_value() on:keydown=on_escape(move || turn(false))>
                <button type="button" class="button" node_ref=not data-testid=format!("{test_id}-not") on:click=move |_| turn(false)>
                    {t(Phrase::Cancel)}
                </button>
                <button type="button" class="button danger" data-testid=format!("{test_id}-sure") on:click=doing>{t(sure)}</button>
            </span>
        </Show>
    }
}

/// Moves the focus to a button that is about to be there.
fn focus_soon(button: NodeRef<Button>) {
    request_animation_frame(move || {
        if let Some(button) = button.try_get_untracked().flatten() {
            // Focus can only fail on an element that is not in the page.
            let _ = button.focus();
        }
    });
}
