//! A button that opens a panel below it.

use gloo::events::EventListener;
use leptos::ev::KeyboardEvent;
use leptos::html::{Button, Div};
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;

use super::icon::{Glyph, Icon};
use super::show::Show;

/// A button with a panel that Escape, a click elsewhere, or leaving with the keyboard closes.
#[component]
pub fn Popover(
    /// Whether the panel is there; whoever owns it may close it.
    open: RwSignal<bool>,
    /// What the button is for, where its text does not say it.
    #[prop(into)]
    label: Signal<String>,
    /// For tests.
    test_id: &'static str,
    /// The icon before the text.
    icon: Icon,
    /// The text of the button.
    #[prop(into)]
    text: Signal<String>,
    /// A class that says how the button looks.
    #[prop(default = "control")]
    class: &'static str,
    /// The panel.
    children: ChildrenFn,
) -> impl IntoView {
    let container = NodeRef::<Div>::new();
    let button = NodeRef::<Button>::new();
    close_elsewhere(open, container);
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" && open.get_untracked() {
            event.stop_propagation();
            open.set(false);
            if let Some(button) = button.get_untracked() {
                // Focus can only fail on an element that is not in the page.
                let _ = button.focus();
            }
        }
    };
    let panel = StoredValue::new(children);
    view! {
        <div class="popover" node_ref=container on:keydown=on_key>
            <button
                type="button"
                class=class
                node_ref=button
                data-testid=test_id
                aria-haspopup="dialog"
                aria-expanded=move || if open.get() { "true" } else { "false" }
                aria-label=move || format!("{}: {}", label.get(), text.get())
                title=label
                on:click=move |_| open.update(|open| *open = !*open)
            >
                <Glyph icon/>
                <span class="control-text">{text}</span>
                <Glyph icon=Icon::Chevron/>
            </button>
            <Show when=move || open.get()>
                <div class="panel" role="dialog" aria-label=label>
                    {panel.with_value(|panel| panel())}
                </div>
            </Show>
        </div>
    }
}

/// Closes when something outside of `container` is pressed or gets the focus.
fn close_elsewhere(open: RwSignal<bool>, container: NodeRef<Div>) {
    let listener = |name: &'static str| {
        EventListener::new(&document(), name, move |event| {
            let inside = |element: &web_sys::HtmlDivElement| {
                let target = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
                element.contains(target.as_ref())
            };
            let outside = container.try_get_untracked().flatten().is_some_and(|element| !inside(&element));
            if outside && open.try_get_untracked() == Some(true) {
                open.set(false);
            }
        })
    };
    let listeners = StoredValue::new_local(vec![listener("pointerdown"), listener("focusin")]);
    on_cleanup(move || drop(listeners.try_update_value(std::mem::take)));
}
