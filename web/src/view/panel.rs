//! A panel beside a page: it takes the focus, Escape closes it, and whoever opened it gets the focus back.

use leptos::ev::KeyboardEvent;
use leptos::html::Section;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement};

/// Where the focus was when something opened.
struct Opener {
    element: Element,
    /// Lists are written anew as events come: the same button is then another element of this name.
    label: Option<String>,
}

impl Opener {
    /// Whatever has the focus, unless it is in `panel`.
    fn find(panel: &Element) -> Option<Opener> {
        let element = document().active_element()?;
        let label = element.get_attribute("aria-label");
        (!panel.contains(Some(&element))).then_some(Opener { element, label })
    }

    fn is_body(&self) -> bool {
        is_body(&self.element)
    }

    /// Gives the focus back: to the element, else to the one that took its place, else to the page.
    fn focus(self) {
        let named = || {
            let label = self.label.as_deref()?.replace('\\', "\\\\").replace('"', "\\\"");
            let found = document().query_selector(&format!("[aria-label=\"{label}\"]"));
            // Only what is no selector is refused.
            found.ok().flatten()
        };
        let there = (self.element.is_connected() && !self.is_body()).then(|| self.element.clone());
        let target = there.or_else(named).or_else(|| document().get_element_by_id("content"));
        if let Some(target) = target.and_then(|target| target.dyn_into::<HtmlElement>().ok()) {
            // Focus can only fail on an element that is not in the page.
            let _ = target.focus();
        }
    }
}

fn is_body(element: &Element) -> bool {
    document().body().is_some_and(|body| *element == Element::from(body))
}

/// Moves the focus into a panel as it opens, and as it tells of something else that was opened from outside of it; when
/// the panel goes while it has the focus, what opened it gets it back.
pub fn hold_focus(panel: NodeRef<Section>, about: impl Fn() -> String + 'static) {
    let opener = StoredValue::new_local(None::<Opener>);
    Effect::new(move |before: Option<Option<String>>| {
        let element = panel.get()?;
        let about = about();
        if before.flatten().as_ref() != Some(&about) {
            // What was pressed in the panel itself may be gone by now: then nothing has the focus.
            let found = Opener::find(&element);
            let is_first = opener.with_value(Option::is_none);
            if let Some(found) = found.filter(|found| is_first || !found.is_body()) {
                opener.set_value(Some(found));
            }
            // Focus can only fail on an element that is not in the page.
            let _ = element.focus();
        }
        Some(about)
    });
    on_cleanup(move || {
        let element = panel.try_get_untracked().flatten();
        let active = document().active_element();
        // Somebody who has gone elsewhere meanwhile stays there.
        let is_here = active.is_none_or(|active| {
            let in_panel = element.is_some_and(|element| element.contains(Some(&active)));
            in_panel || is_body(&active)
        });
        if let Some(opener) = opener.try_update_value(Option::take).flatten().filter(|_| is_here) {
            opener.focus();
        }
    });
}

/// Closes a panel by Escape.
pub fn on_escape(close: impl Fn()) -> impl Fn(KeyboardEvent) {
    move |event| {
        if event.key() == "Escape" {
            event.stop_propagation();
            close();
        }
    }
}
