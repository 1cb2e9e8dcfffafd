//! A day, linked again here: by a module of its own, in a thread of its own.

use adtally_wire::verify::Verified;
use chrono::NaiveDate;
use wasm_bindgen::prelude::*;

use super::client::from_json;

#[wasm_bindgen]
extern "C" {
    /// `boot.js` starts the thread.
    #[wasm_bindgen(catch, js_name = adtallyVerify)]
    async fn adtally_verify(advertiser: &str, day: &str) -> Result<JsValue, JsValue>;
}

/// Links a day (UTC) of an advertiser again from its raw events, and compares it with the server's figures.
///
/// # Errors
/// A text that says why it could not be done.
pub async fn verify(advertiser: &str, day: NaiveDate) -> Result<Verified, String> {
    let answer = adtally_verify(advertiser, &day.to_string()).await;
    let text = |value: JsValue| value.as_string().unwrap_or_default();
    let said = |error: JsValue| {
        let message = js_sys::Reflect::get(&error, &JsValue::from_str("message")).unwrap_or(error);
        text(message)
    };
    from_json(&text(answer.map_err(said)?)).map_err(|failure| format!("{failure:?}"))
}
