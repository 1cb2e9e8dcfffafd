//! The HTTP API of this site, with its answers decoded.

use std::sync::Arc;

use adtally_wire::api::{Problem, ReportAnswer, SessionInfo, SignIn};
use gloo_net::http::{Method, Request, RequestBuilder, Response};
use leptos::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;

use super::failure::Failure;

/// The session: who is signed in.
const SESSION: &str = "/v1/session";
/// Reports that are kept to be shown again when the server says that nothing has changed; a page has about six.
const MAX_KEPT: usize = 32;

/// Asks the API. It remembers reports by address and version, so that one that has not changed is not sent again.
#[derive(Clone, Copy)]
pub struct Client {
    kept: StoredValue<Vec<Kept>, LocalStorage>,
}

struct Kept {
    address: String,
    etag: String,
    answer: Arc<ReportAnswer>,
}

impl Client {
    /// Remembers nothing yet.
    pub fn new() -> Client {
        Client { kept: StoredValue::new_local(Vec::new()) }
    }

    /// Forgets everything: another person may sign in next.
    pub fn forget(&self) {
        self.kept.update_value(Vec::clear);
    }

    /// Who is signed in.
    pub async fn session(&self) -> Result<SessionInfo, Failure> {
        self.get(SESSION).await
    }

    /// Exchanges a token for a session cookie, which scripts cannot read.
    pub async fn sign_in(&self, token: String) -> Result<SessionInfo, Failure> {
        let body = serde_wasm_bindgen::to_value(&SignIn { token }).map_err(unreadable)?;
        let text = js_sys::JSON::stringify(&body).map_err(unreadable)?;
        let request = Request::post(SESSION).header("content-type", "application/json");
        let request = request.body(String::from(text)).map_err(unreachable)?;
        decode(accepted(request.send().await.map_err(unreachable)?).await?).await
    }

    /// Ends the session, also on the server.
    pub async fn sign_out(&self) -> Result<(), Failure> {
        accepted(Request::delete(SESSION).send().await.map_err(unreachable)?).await.map(drop)
    }

    /// Any answer that is one JSON value, as the browser's parser has it.
    pub async fn value(&self, address: &str) -> Result<JsValue, Failure> {
        parse(accepted(Request::get(address).send().await.map_err(unreachable)?).await?).await
    }

    /// Any answer that is one JSON value.
    pub async fn get<T: DeserializeOwned>(&self, address: &str) -> Result<T, Failure> {
        read(self.value(address).await?)
    }

    /// Bytes, and the version of the data that they were made of.
    pub async fn bytes(&self, address: &str) -> Result<(Vec<u8>, String), Failure> {
        let response = accepted(Request::get(address).send().await.map_err(unreachable)?).await?;
        let version = response.headers().get("adtally-version").unwrap_or_default();
        Ok((response.binary().await.map_err(unreachable)?, version))
    }

    /// Sends a JSON body and reads the answer.
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        address: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = body.serialize(&serde_wasm_bindgen::Serializer::json_compatible()).map_err(unreadable)?;
        read(self.exchange(method, address, body).await?)
    }

    async fn exchange(&self, method: Method, address: &str, body: JsValue) -> Result<JsValue, Failure> {
        let text = js_sys::JSON::stringify(&body).map_err(unreadable)?;
        let request = RequestBuilder::new(address).method(method).header("content-type", "application/json");
        let request = request.body(String::from(text)).map_err(unreachable)?;
        parse(accepted(request.send().await.map_err(unreachable)?).await?).await
    }

    /// Deletes what is at an address.
    pub async fn delete(&self, address: &str) -> Result<(), Failure> {
        accepted(Request::delete(address).send().await.map_err(unreachable)?).await.map(drop)
    }

    /// A report; one that has not changed since it was last asked for comes from memory.
    pub async fn report(&self, address: &str) -> Result<Arc<ReportAnswer>, Failure> {
        let known = self.kept.with_value(|kept| {
            kept.iter().find(|one| one.address == address).map(|one| (one.etag.clone(), one.answer.clone()))
        });
        let mut request = Request::get(address);
        if let Some((etag, _)) = &known {
            request = request.header("if-none-match", etag);
        }
        let response = request.send().await.map_err(unreachable)?;
        if let (304, Some((_, answer))) = (response.status(), known) {
            return Ok(answer);
        }
        let response = accepted(response).await?;
        let etag = response.headers().get("etag");
        let answer: Arc<ReportAnswer> = Arc::new(decode(response).await?);
        if let Some(etag) = etag {
            self.keep(Kept { address: address.to_string(), etag, answer: answer.clone() });
        }
        Ok(answer)
    }

    /// The oldest goes first.
    fn keep(&self, new: Kept) {
        self.kept.try_update_value(|kept| {
            kept.retain(|one| one.address != new.address);
            if kept.len() == MAX_KEPT {
                kept.remove(0);
            }
            kept.push(new);
        });
    }
}

impl Default for Client {
    fn default() -> Self {
        Client::new()
    }
}

/// The response, or what it says is wrong.
async fn accepted(response: Response) -> Result<Response, Failure> {
    if response.ok() {
        return Ok(response);
    }
    let status = response.status();
    let problem = decode::<Problem>(response).await;
    Err(problem.map_or(Failure::Status(status), Failure::Refused))
}

/// The browser parses the JSON: its parser is there already, and faster than one that would have to be downloaded.
async fn decode<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    read(parse(response).await?)
}

async fn parse(response: Response) -> Result<JsValue, Failure> {
    let text = response.text().await.map_err(unreachable)?;
    js_sys::JSON::parse(&text).map_err(unreadable)
}

/// A value of what the browser has parsed.
pub fn read<T: DeserializeOwned>(value: JsValue) -> Result<T, Failure> {
    T::deserialize(serde_wasm_bindgen::Deserializer::from(value)).map_err(unreadable)
}

/// A value from JSON text.
pub fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    read(js_sys::JSON::parse(text).map_err(unreadable)?)
}

fn unreachable(error: gloo_net::Error) -> Failure {
    Failure::Unreachable(error.to_string())
}

fn unreadable(error: impl Into<JsValue>) -> Failure {
    let error: JsValue = error.into();
    let message =
        js_sys::Reflect::get(&error, &JsValue::from_str("message")).ok().and_then(|text| text.as_string());
    Failure::Unreadable(message.unwrap_or_else(|| format!("{error:?}")))
}

#[cfg(test)]
mod tests {
    use adtally_wire::api::{LiveMessage, ReportValue};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test]
    fn reports_are_read_from_json() {
        let text = r#"{"columns":[{"name":"day","kind":"time"},{"name":"clicks","kind":"count"},{"name":"ctr","kind":"ratio"}],
            "rows":[["2018-07-22T00:00:00Z",12,0.5],["2018-07-23T00:00:00Z",0,null]],"totals":{"clicks":12,"ctr":1},
            "row_count":2,"version":"advertiser:acme@g3.118","generation":3,
            "complete_through":"2018-07-22T15:00:00Z","link_rate":null,"waiting":4,"tz":"Asia/Seoul"}"#;
        let answer: ReportAnswer = from_json(text).unwrap();
        assert_eq!(answer.rows[0][1..], [ReportValue::Count(12), ReportValue::Ratio(0.5)]);
        assert_eq!(answer.rows[1][1..], [ReportValue::Count(0), ReportValue::Nothing]);
        assert_eq!((answer.row_count, answer.generation, answer.waiting), (2, 3, 4));
        assert_eq!(answer.link_rate, None);
        assert_eq!(answer.totals["clicks"], ReportValue::Count(12));
    }

    #[wasm_bindgen_test]
    fn live_messages_are_read_from_json() {
        let message: LiveMessage = from_json(
            r#"{"scope":"platform","version":"platform@g0.7","totals":{"clicks":9007199254740991}}"#,
        )
        .unwrap();
        assert_eq!(message.totals["clicks"], 9_007_199_254_740_991);
    }

    #[wasm_bindgen_test]
    fn what_is_not_an_answer_says_so() {
        for text in ["", "<html>", "[]", r#"{"columns":1}"#] {
            let result: Result<ReportAnswer, _> = from_json(text);
            assert_eq!(result.unwrap_err().code(), "unreadable_answer", "{text}");
        }
    }
}
