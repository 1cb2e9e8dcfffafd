//! Pages of a module of its own, which `boot.js` loads.

use wasm_bindgen::prelude::*;
use web_sys::Element;

#[wasm_bindgen]
extern "C" {
    /// Loads the module, and puts a page into an element.
    #[wasm_bindgen(catch, js_name = adtallyBench)]
    async fn adtally_bench(root: &Element, told: &JsValue) -> Result<JsValue, JsValue>;

    /// A page of it.
    pub type Mounted;

    /// Tells it where the dashboard is now.
    #[wasm_bindgen(method)]
    pub fn tell(this: &Mounted, told: &JsValue);

    /// Tells it what the live channel says.
    #[wasm_bindgen(method)]
    pub fn hear(this: &Mounted, heard: &JsValue);

    /// Takes it away.
    #[wasm_bindgen(method)]
    pub fn leave(this: &Mounted);
}

/// Puts a page into an element; `None` where it cannot be loaded.
pub async fn mount(root: &Element, told: &JsValue) -> Option<Mounted> {
    adtally_bench(root, told).await.ok().map(JsCast::unchecked_into)
}
