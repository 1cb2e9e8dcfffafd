//! The dashboard as a browser loads it first; all that it is made of is in `adtally-web`.

use wasm_bindgen::prelude::wasm_bindgen;

/// Puts the dashboard into the page; `boot.js` calls it.
#[wasm_bindgen]
pub fn start() {
    adtally_web::start();
}
