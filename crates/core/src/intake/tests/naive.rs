//! The reference: everything through `serde_json` values, nothing clever.

use std::ops::Range;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::*;
use crate::event::{Dims, EventRef, Extras, Kind};
use crate::key::{EventId, Key, MAX_KEY_CHARS};
use crate::screen::{Agent, Judge};
use crate::time::{EventTime, parse_rfc3339, rfc3339};

type Fault = (RejectCode, String);

pub(super) fn read_body(bytes: &[u8], media: Media, context: &Context<'_>) -> Result<Intake, BodyError> {
    if bytes.len() > MAX_BODY_BYTES {
        return Err(BodyError::TooLarge);
    }
    let items = split(bytes, media)?;
    let mut intake = Intake::default();
    for (index, item) in items.iter().enumerate() {
        let start = item.as_ptr() as usize - bytes.as_ptr() as usize;
        match read_event(item, index, context, start..start + item.len()) {
            Ok(event) => intake.events.push((index, event)),
            Err(rejection) => intake.rejected.push(rejection),
        }
    }
    match intake.rejected.first() {
        Some(first)
            if intake.events.is_empty()
                && intake.rejected.iter().all(|other| other.code == RejectCode::BadJson) =>
        {
            Err(BodyError::BadJson(first.message.clone()))
        }
        _ => Ok(intake),
    }
}

/// The bytes of each event, in the order of the body.
///
/// An array must be whole JSON; lines are split without being parsed, so that one bad line stays alone.
fn split(bytes: &[u8], media: Media) -> Result<Vec<&[u8]>, BodyError> {
    let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    let items = match (body.first(), media) {
        (None, _) => return Err(BodyError::Empty),
        (Some(b'['), Media::Json) => array(body)?,
        (Some(b'{'), Media::Json) if is_one_value(body) => vec![body],
        (Some(b'{'), Media::Json) if !body.contains(&b'\n') => return Err(fault(body)),
        (Some(b'{'), Media::Json) | (Some(_), Media::Ndjson) => lines(body),
        (Some(_), Media::Json) => match serde_json::from_slice::<&RawValue>(body) {
            Ok(_) => vec![body],
            Err(_) => return Err(fault(body)),
        },
    };
    if items.len() > MAX_BODY_EVENTS {
        return Err(BodyError::TooManyEvents(items.len()));
    }
    Ok(items)
}

fn array(body: &[u8]) -> Result<Vec<&[u8]>, BodyError> {
    let items: Vec<&RawValue> =
        serde_json::from_slice(body).map_err(|e| BodyError::BadJson(e.to_string()))?;
    Ok(items.into_iter().map(|item| item.get().as_bytes()).collect())
}

fn lines(body: &[u8]) -> Vec<&[u8]> {
    body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect()
}

fn is_one_value(body: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(body).is_ok()
}

fn fault(body: &[u8]) -> BodyError {
    match serde_json::from_slice::<&RawValue>(body) {
        Ok(_) => BodyError::BadJson("not an object or an array".to_owned()),
        Err(error) => BodyError::BadJson(error.to_string()),
    }
}

/// Reads one event from its JSON text.
fn read_event(
    item: &[u8],
    index: usize,
    context: &Context<'_>,
    raw: Range<usize>,
) -> Result<Event, Rejection> {
    let reject = |id, (code, message): Fault| Rejection { index, id, code, message, raw: raw.clone() };
    if item.len() > MAX_EVENT_BYTES {
        let message = format!("the event has {} bytes, at most {MAX_EVENT_BYTES} are allowed", item.len());
        let map = serde_json::from_slice::<Map<String, Value>>(item).unwrap_or_default();
        let id = map.get("id").and_then(Value::as_str).map(|id| id.chars().take(MAX_KEY_CHARS).collect());
        return Err(reject(id, (RejectCode::EventTooLarge, message)));
    }
    let map = match serde_json::from_slice(item) {
        Ok(Value::Object(map)) => map,
        Ok(other) => {
            let message = format!("an event is a JSON object, this is {}", type_of(&other));
            return Err(reject(None, (RejectCode::NotAnObject, message)));
        }
        Err(error) => return Err(reject(None, (RejectCode::BadJson, format!("not JSON: {error}")))),
    };
    let id = map.get("id").and_then(Value::as_str).map(|id| id.chars().take(MAX_KEY_CHARS).collect());
    Fields { map }.event(index, context).map_err(|fault| reject(id, fault))
}

/// The fields that have not been read yet; what is left at the end becomes properties.
struct Fields {
    map: Map<String, Value>,
}

impl Fields {
    fn event(mut self, index: usize, context: &Context<'_>) -> Result<Event, Fault> {
        let kind = self.kind()?;
        let advertiser = self.key("advertiser")?;
        if advertiser.is_empty() {
            return Err((RejectCode::MissingAdvertiser, "`advertiser` is missing".to_owned()));
        }
        let made_id = || EventId::parse(&format!("adt-{:016x}-{index}", context.nonce)).ok();
        let id = self.id("id")?.or_else(made_id);
        let id = id.ok_or_else(|| (RejectCode::InvalidId, "`id` could not be made".to_owned()))?;
        let at = self.at(context)?;
        let dims = Dims {
            campaign: self.key("campaign")?,
            ad: self.key("ad")?,
            service: self.key("service")?,
            placement: self.key("placement")?,
            country: self.key("country")?,
            device: self.key("device")?,
        };
        let label = self.key("label")?;
        let user = Some(self.key("user")?).filter(|user| !user.is_empty());
        // A parent of a kind that cannot be one says nothing; its value must be right all the same.
        let impression = self.id("impression")?.filter(|_| kind != Kind::Impression);
        let click = self.id("click")?.filter(|_| kind == Kind::Conversion);
        check_ad(kind, &dims.ad, impression.is_some())?;
        let cost_micros = self.amount("cost_micros")?;
        let value_micros = self.amount("value_micros")?.unwrap_or(0);
        let user_agent = self.text("user_agent")?;
        let ip = self.text("ip")?;
        let judge = Judge::new(context.lists, context.visitor);
        let country = if dims.country.is_empty() { judge.country.clone() } else { dims.country };
        let dims = Dims { country, ..dims };
        let mut extras = Extras {
            os: self.key("os")?,
            browser: self.key("browser")?,
            page: self.text("page")?.unwrap_or_default().chars().take(MAX_PAGE_CHARS).collect(),
            props: self.props()?,
        };
        let mut dims = dims;
        if let Some(visitor) = context.visitor {
            let own = user_agent.clone().filter(|agent| !agent.is_empty());
            let agent = Agent::of(&own.or(visitor.user_agent.clone()).unwrap_or_default());
            for (key, name) in [
                (&mut dims.device, agent.device),
                (&mut extras.os, agent.os),
                (&mut extras.browser, agent.browser),
            ] {
                if key.is_empty() {
                    *key = Key::parse(name).unwrap();
                }
            }
            click_ids::lift(&extras.page, &mut extras.props);
        }
        Ok(Event {
            event: EventRef { kind, id },
            at,
            advertiser,
            dims,
            label,
            user: user.map(|user| context.salt.pseudonym(user.as_str())),
            impression,
            click,
            cost_micros,
            value_micros,
            screening: judge.screen(user_agent.as_deref(), ip.as_deref()),
            extras: (extras != Extras::default()).then(|| Box::new(extras)),
        })
    }

    fn kind(&mut self) -> Result<Kind, Fault> {
        let Some(name) = self.text("kind")? else {
            return Err((RejectCode::MissingKind, "`kind` is missing".to_owned()));
        };
        Kind::parse(&name).ok_or_else(|| {
            let message = format!("`kind` is {name:?}, it must be impression, view, click or conversion");
            (RejectCode::UnknownKind, message)
        })
    }

    fn at(&mut self, context: &Context<'_>) -> Result<EventTime, Fault> {
        let ms = match self.take("at") {
            None => return Ok(EventTime(context.now.0)),
            Some(Value::Number(number)) => integer(&number).ok_or_else(|| {
                (RejectCode::InvalidAt, format!("`at` is {number}, it must be whole milliseconds since 1970"))
            })?,
            Some(Value::String(text)) => parse_rfc3339(&text)
                .ok_or_else(|| (RejectCode::InvalidAt, format!("`at` is {text:?}, it must be RFC 3339")))?,
            Some(other) => return Err(wrong_type("at", "a number or a string", &other)),
        };
        if ms < EARLIEST_AT_MS {
            let hint = match ms.checked_mul(1_000) {
                Some(scaled) if scaled >= EARLIEST_AT_MS => {
                    "; it looks like seconds, milliseconds are expected"
                }
                _ => "",
            };
            return Err((RejectCode::AtTooOld, format!("`at` is {}, before 2010{hint}", rfc3339(ms))));
        }
        if ms > context.now.0.saturating_add(MAX_AHEAD_MS) {
            let message = format!("`at` is {}, more than 10 minutes ahead of {}", rfc3339(ms), context.now);
            return Err((RejectCode::AtInFuture, message));
        }
        Ok(EventTime(ms))
    }

    fn key(&mut self, name: &str) -> Result<Key, Fault> {
        let text = self.text(name)?.unwrap_or_default();
        Key::parse(&text).map_err(|error| (RejectCode::InvalidKey, format!("`{name}` {error}")))
    }

    fn id(&mut self, name: &str) -> Result<Option<EventId>, Fault> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let id = EventId::parse(&text);
        id.map(Some).map_err(|error| (RejectCode::InvalidId, format!("`{name}` {error}")))
    }

    fn amount(&mut self, name: &str) -> Result<Option<i64>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Number(number)) => match integer(&number) {
                Some(amount) if amount > MAX_AMOUNT_MICROS => {
                    let message = format!("`{name}` is {amount}, at most {MAX_AMOUNT_MICROS} is allowed");
                    Err((RejectCode::AmountTooLarge, message))
                }
                Some(amount) if amount >= 0 => Ok(Some(amount)),
                Some(amount) => Err((
                    RejectCode::NegativeAmount,
                    format!("`{name}` is {amount}, it must not be negative"),
                )),
                None => Err(wrong_type(name, "a whole number of micros", &Value::Number(number))),
            },
            Some(other) => Err(wrong_type(name, "a whole number of micros", &other)),
        }
    }

    fn text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(wrong_type(name, "a string", &other)),
        }
    }

    fn props(&mut self) -> Result<Vec<(String, String)>, Fault> {
        let mut props = match self.take("props") {
            None => Map::new(),
            Some(Value::Object(map)) => map,
            Some(other) => return Err(wrong_type("props", "an object", &other)),
        };
        props.append(&mut self.map);
        props.retain(|_, value| !value.is_null());
        if props.len() > MAX_PROPS {
            let message =
                format!("{} properties and unknown fields, at most {MAX_PROPS} are allowed", props.len());
            return Err((RejectCode::TooManyProps, message));
        }
        let mut kept: Vec<_> = props.into_iter().map(prop).collect::<Result<_, _>>()?;
        kept.sort_unstable();
        Ok(kept)
    }

    /// Takes a field; null is the same as absent.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.map.remove(name).filter(|value| !value.is_null())
    }
}

fn check_ad(kind: Kind, ad: &Key, has_impression: bool) -> Result<(), Fault> {
    let message = match kind {
        Kind::Impression if ad.is_empty() => "an impression needs `ad`",
        Kind::View | Kind::Click if ad.is_empty() && !has_impression => "needs `ad` or `impression`",
        _ => return Ok(()),
    };
    Err((RejectCode::MissingAd, message.to_owned()))
}

fn prop((name, value): (String, Value)) -> Result<(String, String), Fault> {
    let text = match value {
        Value::String(text) => text,
        other => other.to_string(),
    };
    for (part, chars, most) in [
        ("name", name.chars().count(), MAX_PROP_NAME_CHARS),
        ("value", text.chars().count(), MAX_PROP_VALUE_CHARS),
    ] {
        if chars > most {
            let name: String = name.chars().take(MAX_PROP_NAME_CHARS).collect();
            let message = format!("the {part} of property {name:?} has {chars} characters, at most {most}");
            return Err((RejectCode::PropTooLong, message));
        }
    }
    Ok((name, text))
}

/// A whole number, also when written as `1.0` or `1e3`.
fn integer(number: &serde_json::Number) -> Option<i64> {
    /// Beyond 2^53 a float no longer tells neighbouring integers apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = || number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() <= EXACT);
    number.as_i64().or_else(|| float().map(|f| f as i64))
}

fn wrong_type(name: &str, expected: &str, value: &Value) -> Fault {
    (RejectCode::WrongType, format!("`{name}` must be {expected}, it is {}", type_of(value)))
}

fn type_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
