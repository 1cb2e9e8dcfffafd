//! Snowplow's tracker protocol: `POST /com.snowplowanalytics.snowplow/tp2` and `GET /i`.
//!
//! Of its self-describing events (`ue_pr`, or `ue_px` in base64) `ad_impression`, `ad_click` and `ad_conversion` are
//! events of ours. An event has the id that the ad server gave it (`impressionId`, `clickId`, `conversionId`), because
//! clicks name their impression by it; without one it has the tracker's `eid`. Either way a tracker that sends again
//! sends the same id.
//!
//! What is no event of ours is counted and kept with what it says: page views, structured events, pings, transactions,
//! and self-describing ones of other schemas.

use serde_json::{Map, Value};

use super::document::{quoted, say, text, too_large};
use super::value::{amount, is_unfilled};
use super::{DoorError, base64};
use crate::event::Kind;
use crate::intake::{Draft, MAX_BODY_EVENTS, RejectCode};
use crate::time::ServerTime;

/// What a request body's schema begins with.
const PAYLOAD: &str = "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-";
/// What the schemas of our events lie under.
const VENDOR: &str = "iglu:com.snowplowanalytics.snowplow/";
/// What the names of parameters begin with that say what a structured event, a page ping or a transaction is about.
const SAYING: [&str; 4] = ["se_", "pp_", "tr_", "ti_"];
/// What the tracker calls a self-describing event.
const SELF_DESCRIBING: &str = "ue";

/// Reads the body of a `POST`.
pub fn of_body(bytes: &[u8], now: ServerTime) -> Result<Vec<Draft>, DoorError> {
    let body: Value = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
    let schema = body.get("schema").and_then(Value::as_str).unwrap_or_default();
    if !schema.starts_with(PAYLOAD) {
        return Err(format!("the schema is {:?}, {PAYLOAD}0-4 is known", quoted(schema)));
    }
    let Some(Value::Array(items)) = body.get("data") else {
        return Err("`data` is not an array".to_owned());
    };
    if items.len() > MAX_BODY_EVENTS {
        return Err(format!("{} events, at most {MAX_BODY_EVENTS} are allowed", items.len()));
    }
    Ok(items.iter().map(|item| of_item(item, now)).collect())
}

/// Reads the parameters of a `GET`.
pub fn of_query(pairs: &[(String, String)], now: ServerTime) -> Draft {
    let said: Map<_, _> =
        pairs.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    of_parameters(&said, now)
}

fn of_item(item: &Value, now: ServerTime) -> Draft {
    match item {
        Value::Object(said) => of_parameters(said, now),
        _ => Draft::rejected(Map::new(), RejectCode::NotAnObject, "an event is an object of parameters"),
    }
}

fn of_parameters(said: &Map<String, Value>, now: ServerTime) -> Draft {
    let mut fields = Map::new();
    let filled = |name: &str| text(said, name).filter(|text| !is_unfilled(text));
    say(&mut fields, "id", filled("eid"));
    say(&mut fields, "at", happened_ms(said, now));
    say(&mut fields, "service", filled("aid"));
    say(&mut fields, "user", filled("uid").or_else(|| filled("duid")).or_else(|| filled("nuid")));
    say(&mut fields, "page", filled("url"));
    say(&mut fields, "user_agent", filled("ua"));
    say(&mut fields, "ip", filled("ip"));
    let kind = text(said, "e").unwrap_or_default();
    if kind != SELF_DESCRIBING {
        say(&mut fields, "e", Some(quoted(&kind)));
        say(&mut fields, "title", filled("page"));
        let saying = said.iter().filter(|(name, _)| SAYING.iter().any(|start| name.starts_with(start)));
        fields.extend(saying.map(|(name, value)| (name.clone(), value.clone())));
        let message = format!("a Snowplow event of type {:?}", quoted(&kind));
        return Draft::rejected(fields, RejectCode::NotAnAdEvent, message);
    }
    match described(said) {
        Ok((schema, data)) => of_described(fields, &schema, &data),
        Err(message) => Draft::rejected(fields, RejectCode::BadMessage, message),
    }
}

/// When it happened by our clock: the tracker's two times tell how long it waited. Its true timestamp wins.
fn happened_ms(said: &Map<String, Value>, now: ServerTime) -> Option<i64> {
    let ms = |name: &str| text(said, name)?.parse::<i64>().ok();
    match (ms("ttm"), ms("dtm"), ms("stm")) {
        (Some(true_ms), ..) => Some(true_ms),
        (None, Some(created), Some(sent)) => Some(now.0.saturating_sub(sent.saturating_sub(created).max(0))),
        (None, created, None) => created,
        (None, None, Some(_)) => None,
    }
}

/// The schema and data of a self-describing event.
fn described(said: &Map<String, Value>) -> Result<(String, Map<String, Value>), String> {
    let json = match (text(said, "ue_pr"), text(said, "ue_px")) {
        (Some(json), _) => json.into_bytes(),
        (None, Some(packed)) => base64::decode(&packed).ok_or("`ue_px` is not base64")?,
        (None, None) => return Err("neither `ue_pr` nor `ue_px`".to_owned()),
    };
    if let Some(Draft { fault: Some((_, message)), .. }) = too_large(json.len()) {
        return Err(message);
    }
    let outer: Value = serde_json::from_slice(&json).map_err(|error| format!("not JSON: {error}"))?;
    let inner = outer.get("data").ok_or("`data` is missing")?;
    let schema = inner.get("schema").and_then(Value::as_str).ok_or("`data.schema` is missing")?;
    let data = inner.get("data").and_then(Value::as_object).ok_or("`data.data` is missing")?;
    Ok((schema.to_owned(), data.clone()))
}

fn of_described(mut fields: Map<String, Value>, schema: &str, data: &Map<String, Value>) -> Draft {
    let name = schema.strip_prefix(VENDOR).and_then(|rest| rest.split('/').next()).unwrap_or_default();
    let (kind, id) = match name {
        "ad_impression" => (Kind::Impression, "impressionId"),
        "ad_click" => (Kind::Click, "clickId"),
        "ad_conversion" => (Kind::Conversion, "conversionId"),
        _ => {
            say(&mut fields, "schema", Some(quoted(schema)));
            say(&mut fields, "data", Some(Value::Object(data.clone())));
            let message = format!("a self-describing event of {:?}", quoted(schema));
            return Draft::rejected(fields, RejectCode::NotAnAdEvent, message);
        }
    };
    say(&mut fields, "kind", Some(kind.name()));
    if let Some(id) = text(data, id) {
        let eid = fields.insert("id".to_owned(), Value::from(id));
        say(&mut fields, "eid", eid);
    }
    for (theirs, ours) in [
        ("advertiserId", "advertiser"),
        ("campaignId", "campaign"),
        ("bannerId", "ad"),
        ("zoneId", "placement"),
    ] {
        say(&mut fields, ours, text(data, theirs));
    }
    if kind != Kind::Impression {
        say(&mut fields, "impression", text(data, "impressionId"));
    }
    if kind == Kind::Conversion {
        say(&mut fields, "click", text(data, "clickId"));
        say(&mut fields, "label", text(data, "action").or_else(|| text(data, "category")));
        say(&mut fields, "value_micros", data.get("initialValue").map(|value| amount(value, 1)));
        say(&mut fields, "property", text(data, "property"));
    } else {
        say(&mut fields, "target_url", text(data, "targetUrl").filter(|url| url.chars().count() <= 256));
    }
    // The price of a thousand, if it is that.
    let divisor = if text(data, "costModel").as_deref() == Some("cpm") { 1_000 } else { 1 };
    say(
        &mut fields,
        "cost_micros",
        data.get("cost").filter(|cost| !cost.is_null()).map(|cost| amount(cost, divisor)),
    );
    Draft::of(fields)
}
