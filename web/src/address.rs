//! The address bar: what it says, and how to change it without leaving the page.
//!
//! The state of a page is its address (`state`), so this is all that a router has to do here.

use gloo::events::{EventListener, EventListenerOptions, EventListenerPhase};
use leptos::ev::MouseEvent;
use leptos::prelude::*;
use wasm_bindgen::JsCast as _;
use web_sys::Element;

use crate::browser;

/// The address of the page, followed.
#[derive(Clone, Copy)]
pub struct Address {
    /// Path and query.
    pub at: RwSignal<(String, String)>,
}

impl Address {
    /// Follows back, forward, and links, for as long as the component that calls this is there.
    pub fn follow() -> Address {
        let address = Address { at: RwSignal::new(shown()) };
        let back = EventListener::new(&window(), "popstate", move |_| {
            address.at.try_set(shown());
        });
        let options = EventListenerOptions { phase: EventListenerPhase::Bubble, passive: false };
        let click = EventListener::new_with_options(&document(), "click", options, move |event| {
            let Some(event) = event.dyn_ref::<MouseEvent>() else { return };
            if let Some(href) = page_of(event) {
                event.prevent_default();
                address.go(&href);
                window().scroll_to_with_x_and_y(0.0, 0.0);
            }
        });
        let listeners = StoredValue::new_local(Some((back, click)));
        on_cleanup(move || drop(listeners.try_update_value(Option::take)));
        address
    }

    /// Follows nothing by itself: a page of a module of its own is told.
    pub fn told(path: &str, query: &str) -> Address {
        Address { at: RwSignal::new((path.to_string(), query.to_string())) }
    }

    /// Goes to another address of this site, which back leaves again; whoever follows the address hears of it.
    pub fn go(self, href: &str) {
        browser::go(href);
    }
}

/// Path and query of the address bar.
fn shown() -> (String, String) {
    let location = window().location();
    (location.pathname().unwrap_or_default(), location.search().unwrap_or_default())
}

/// The page that a click on a link goes to, where it is one of ours and to be shown here.
fn page_of(event: &MouseEvent) -> Option<String> {
    let plain = !(event.ctrl_key() || event.meta_key() || event.shift_key() || event.alt_key());
    if event.default_prevented() || event.button() != 0 || !plain {
        return None;
    }
    let element = event.target()?.dyn_into::<Element>().ok()?;
    let link = element.closest("a[href]").ok()??;
    let elsewhere = link.has_attribute("download") || link.has_attribute("target");
    link.get_attribute("href").filter(|href| !elsewhere && is_page(href))
}

/// Whether an address is a page of this site: neither a part of one, nor what the API answers.
fn is_page(href: &str) -> bool {
    href.starts_with('/') && !href.starts_with("//") && !href.starts_with("/v1/")
}

#[cfg(test)]
mod tests {
    use gloo::timers::future::TimeoutFuture;
    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::HtmlElement;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn pages_of_this_site() {
        fn check(href: &str, expected: bool) {
            assert_eq!(is_page(href), expected, "{href}");
        }
        check("/", true);
        check("/report?by=ad", true);
        check("#content", false);
        check("/v1/reports?format=csv", false);
        check("//elsewhere.example/", false);
        check("https://elsewhere.example/", false);
    }

    #[wasm_bindgen_test]
    async fn links_and_back_change_the_address_alone() {
        let before = shown();
        let root: HtmlElement = document().create_element("div").unwrap().unchecked_into();
        document().body().unwrap().append_child(&root).unwrap();
        let seen = StoredValue::new(None::<Address>);
        let handle = leptos::mount::mount_to(root.clone(), move || {
            seen.set_value(Some(Address::follow()));
            view! { <a href="/explore?rows=ad"><span id="inner">"Explore"</span></a> }
        });
        let at = move || seen.get_value().unwrap().at.get_untracked();
        let link: HtmlElement = root.query_selector("#inner").unwrap().unwrap().unchecked_into();
        link.click();
        assert_eq!(at(), ("/explore".to_string(), "?rows=ad".to_string()));
        assert_eq!(shown(), at());
        window().history().unwrap().back().unwrap();
        for _ in 0..50 {
            if at() == before {
                break;
            }
            TimeoutFuture::new(20).await;
        }
        assert_eq!(at(), before);
        drop(handle);
        root.remove();
    }
}
