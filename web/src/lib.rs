//! The dashboard of Adtally, as WebAssembly in the browser.
//!
//! The pipeline is url -> query -> api -> view model -> view: [`state`] reads the address into a typed value,
//! [`api`] asks the server for what it means, [`model`] makes figures of the answer, [`chart`] geometry of figures,
//! and [`view`] elements of both. All but the last are plain functions.
//!
//! It keeps no token (the session is a cookie that scripts cannot read), computes no figure that the server has
//! computed, and loads nothing from anywhere else.

pub mod lang;
pub mod phrase;
pub mod clock;
pub mod calendar;
pub mod intl;
pub mod metric;
pub mod format;
pub mod html;
pub mod state;
pub mod api;
pub mod model;
pub mod chart;
pub mod browser;
pub mod address;
pub mod view;
pub mod app;

/// Puts the dashboard into the page.
pub fn start() {
    if let Some(placeholder) = leptos::prelude::document().get_element_by_id("boot") {
        placeholder.remove();
    }
    leptos::mount::mount_to_body(app::App);
}

#[cfg(test)]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
