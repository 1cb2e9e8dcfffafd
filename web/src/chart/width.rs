//! How wide a part of the page is, as it changes.

use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{ResizeObserver, ResizeObserverEntry};

/// Before the first layout, and where it cannot be measured.
const UNKNOWN: f64 = 640.0;

/// The inner width of `node`, followed for as long as the component around lives.
pub fn follow_width(node: NodeRef<Div>) -> RwSignal<f64> {
    let width = RwSignal::new(UNKNOWN);
    let observed = StoredValue::new_local(None::<Observed>);
    Effect::new(move |_| {
        let Some(element) = node.get() else { return };
        width.set(f64::from(element.client_width()));
        let closure = Closure::new(move |entries: js_sys::Array| {
            let entry = entries.get(0).dyn_into::<ResizeObserverEntry>();
            if let Ok(measured) = entry.map(|entry| entry.content_rect().width()) {
                // A frame may still be on its way when the component is gone.
                width.try_set(measured);
            }
        });
        if let Ok(observer) = ResizeObserver::new(closure.as_ref().unchecked_ref()) {
            observer.observe(&element);
            observed.set_value(Some(Observed { observer, _closure: closure }));
        }
    });
    on_cleanup(move || drop(observed.try_update_value(Option::take)));
    width
}

struct Observed {
    observer: ResizeObserver,
    _closure: Closure<dyn FnMut(js_sys::Array)>,
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.observer.disconnect();
    }
}
