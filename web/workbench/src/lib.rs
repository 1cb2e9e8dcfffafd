//! Pages that few people open first, as a module of their own, so that a first visit does not download them.
//!
//! `boot.js` loads it when the dashboard shows such a page, and puts the page into an element of the dashboard's. All
//! that it is made of is in `adtally-web`; this is the way in.

use adtally_web::view::bench_page::{Page, open};
use wasm_bindgen::prelude::*;

/// A page that stands in an element.
#[wasm_bindgen]
pub struct Mounted(Page);

/// Puts the page that is told of into an element.
#[wasm_bindgen]
pub fn mount(root: web_sys::HtmlElement, told: &JsValue) -> Mounted {
    Mounted(open(root, told))
}

#[wasm_bindgen]
impl Mounted {
    /// The dashboard is about something else now.
    pub fn tell(&self, told: &JsValue) {
        self.0.tell(told);
    }

    /// The live channel says something.
    pub fn hear(&self, heard: &JsValue) {
        self.0.hear(heard);
    }

    /// Takes the page away.
    pub fn leave(self) {
        drop(self.0);
    }
}
