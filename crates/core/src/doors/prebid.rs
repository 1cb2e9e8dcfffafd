//! Prebid.js's generic analytics adapter: `{eventType, args}`, one or a list of them, as `text/plain`.
//!
//! `bidWon` is an impression, `bidViewable` the view of it, `auctionEnd` and the others none of ours. A page that
//! translates its events itself (`options.events`) may send ours as they are: whatever says a `kind` is one.

use serde_json::{Map, Value};

use super::DoorError;
use super::document::{listed, quoted, say, text};
use super::value::amount;
use crate::event::Kind;
use crate::intake::{Draft, MAX_BODY_EVENTS, RejectCode};

/// Reads a body, or the `data` of a `GET`.
pub fn of_body(bytes: &[u8]) -> Result<Vec<Draft>, DoorError> {
    let body: Value = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
    let items = listed(body);
    if items.len() > MAX_BODY_EVENTS {
        return Err(format!("{} events, at most {MAX_BODY_EVENTS} are allowed", items.len()));
    }
    Ok(items.into_iter().map(of_item).collect())
}

fn of_item(item: Value) -> Draft {
    let Value::Object(item) = item else {
        return Draft::rejected(Map::new(), RejectCode::NotAnObject, "an event is a JSON object");
    };
    if item.contains_key("kind") {
        return Draft::of(item);
    }
    let name = text(&item, "eventType").unwrap_or_default();
    let args = item.get("args").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut fields = Map::new();
    match name.as_str() {
        "bidWon" => {
            say(&mut fields, "kind", Some(Kind::Impression.name()));
            say(&mut fields, "id", text(&args, "adId"));
            let cost = args.get("cpm").filter(|cpm| !cpm.is_null()).map(|cpm| amount(cpm, 1_000));
            say(&mut fields, "cost_micros", cost);
        }
        "bidViewable" => {
            say(&mut fields, "kind", Some(Kind::View.name()));
            say(&mut fields, "id", text(&args, "adId"));
            say(&mut fields, "impression", text(&args, "adId"));
        }
        _ => {
            say(&mut fields, "event_type", Some(quoted(&name)));
            let message = format!("a Prebid event of type {:?}", quoted(&name));
            return Draft::rejected(fields, RejectCode::NotAnAdEvent, message);
        }
    }
    say(&mut fields, "ad", text(&args, "creativeId").or_else(|| text(&args, "adId")));
    say(&mut fields, "placement", text(&args, "adUnitCode"));
    for name in ["bidder", "currency", "auctionId"] {
        say(&mut fields, name, text(&args, name));
    }
    if let Some(Value::Object(meta)) = args.get("meta") {
        say(&mut fields, "advertiser", text(meta, "advertiserId"));
    }
    Draft::of(fields)
}
