//! Calls of objects in the fewest steps through JavaScript: what a single event costs is mostly such steps.
//!
//! The platform makes the request of an address and what goes with it, and its answer is asked for its status alone. Where
//! there is more to tell, the body comes whole, and not as a stream.

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{RequestInit, Response};
use worker::{Error, Headers, Result, Stub};

#[wasm_bindgen]
extern "C" {
    /// An object's stub, as JavaScript knows it.
    type RawStub;

    #[wasm_bindgen(method, catch)]
    fn fetch(this: &RawStub, address: &str, init: &RequestInit) -> std::result::Result<Promise, JsValue>;
}

/// What an object answered.
pub(crate) struct Answer {
    raw: Response,
}

/// Sends bytes to an object.
pub(crate) async fn call(stub: Stub, method: &str, address: &str, body: &[u8]) -> Result<Answer> {
    let init = RequestInit::new();
    init.set_method(method);
    init.set_body(&Uint8Array::from(body));
    let stub = stub.into_rpc::<RawStub>();
    let raw =
        JsFuture::from(stub.fetch(address, &init)?).await?.dyn_into::<Response>().map_err(Error::from)?;
    Ok(Answer { raw })
}

impl Answer {
    /// Its status.
    pub(crate) fn status(&self) -> u16 {
        self.raw.status()
    }

    /// Its headers.
    pub(crate) fn headers(&self) -> Headers {
        Headers(self.raw.headers())
    }

    /// All that it says.
    pub(crate) async fn bytes(&self) -> Result<Vec<u8>> {
        let buffer = JsFuture::from(self.raw.array_buffer()?).await?;
        Ok(Uint8Array::new(&buffer).to_vec())
    }
}
