//! The way in from the page.

use adtally_core::cell::Scope;
use adtally_core::segment::Segment;
use adtally_core::time::ServerTime;
use js_sys::{Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::answer::{Answerer, Trouble};
use crate::shelf::{Fetch, Fetched};

/// Answers statements about a scope, of cells that it keeps.
#[wasm_bindgen]
pub struct Engine(Answerer);

/// What the page fetches with: an address, and a body or nothing, into a promise of `{bytes, version}`.
struct FromPage<'f>(&'f Function);

impl Fetch for FromPage<'_> {
    async fn fetch(&self, address: &str, body: Option<String>) -> Result<Fetched, Trouble> {
        let body = body.map_or(JsValue::UNDEFINED, |body| JsValue::from_str(&body));
        let promise = self.0.call2(&JsValue::NULL, &address.into(), &body).map_err(said)?;
        let answer = JsFuture::from(Promise::resolve(&promise)).await.map_err(said)?;
        let bytes = Reflect::get(&answer, &"bytes".into()).map_err(said)?;
        Ok(Fetched {
            bytes: Uint8Array::new(&bytes).to_vec(),
            version: text(&answer, "version").unwrap_or_default(),
        })
    }
}

#[wasm_bindgen]
impl Engine {
    /// About a scope, with days of an IANA zone.
    ///
    /// # Errors
    /// The scope is none.
    #[wasm_bindgen(constructor)]
    pub fn new(scope: &str, tz: &str) -> Result<Engine, JsValue> {
        let parsed =
            Scope::parse(scope).ok_or_else(|| JsValue::from_str(&format!("{scope:?} is no scope")))?;
        Ok(Engine(Answerer::new(parsed, tz)))
    }

    /// Keeps a segment beside those that were kept before: all of them together are all cells of the scope. Tells how
    /// many cells it has.
    ///
    /// # Errors
    /// The bytes are no segment.
    pub fn load(&mut self, bytes: &[u8], version: String) -> Result<usize, JsValue> {
        let cells = Segment::decode(bytes).map_err(|error| JsValue::from_str(&error.to_string()))?;
        let count = cells.len();
        self.0.shelf.hold(cells, version);
        Ok(count)
    }

    /// How many cells are here.
    pub fn cells(&self) -> usize {
        self.0.shelf.cells()
    }

    /// How many bytes were fetched.
    pub fn bytes(&self) -> f64 {
        self.0.shelf.bytes as f64
    }

    /// The answer of a statement, as that of `POST /v1/sql`; the time is in ms since 1970.
    ///
    /// # Errors
    /// `{code, detail}`.
    pub async fn answer(&mut self, sql: String, now_ms: f64, fetch: Function) -> Result<String, JsValue> {
        let answer = self.0.answer(&sql, ServerTime(now_ms as i64), &FromPage(&fetch)).await;
        answer.map_err(|trouble| {
            let error = js_sys::Object::new();
            for (name, value) in [("code", trouble.code()), ("detail", &trouble.to_string())] {
                // Setting a property of a new object cannot fail.
                let _ = Reflect::set(&error, &name.into(), &value.into());
            }
            error.into()
        })
    }
}

/// Why the page could not fetch.
fn said(error: JsValue) -> Trouble {
    let detail = text(&error, "message").unwrap_or_else(|| "what is needed cannot be fetched".to_owned());
    match text(&error, "code") {
        Some(code) => Trouble::Refused { code, detail },
        None => Trouble::Unreachable(detail),
    }
}

fn text(value: &JsValue, name: &str) -> Option<String> {
    Reflect::get(value, &name.into()).ok()?.as_string()
}
