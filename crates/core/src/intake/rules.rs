//! What makes fields an event: the rules, in the order in which they are told.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{Field, Fields, Raw, Slot};
use super::{
    Context, EARLIEST_AT_MS, MAX_AHEAD_MS, MAX_AMOUNT_MICROS, MAX_PAGE_CHARS, MAX_PROP_NAME_CHARS,
    MAX_PROP_VALUE_CHARS, MAX_PROPS, RejectCode, click_ids, word,
};
use crate::event::{Dims, Event, EventRef, Extras, Kind, Screening};
use crate::key::{EventId, Key, MAX_KEY_CHARS, UserKey};
use crate::screen::{Agent, Judge};
use crate::time::{EventTime, parse_rfc3339, rfc3339};

/// Why fields are no event.
pub(super) type Fault = (RejectCode, String);

/// What is known besides the fields.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    /// As the caller knows it.
    pub(super) context: &'a Context<'a>,
    /// Made of it.
    pub(super) judge: &'a Judge<'a>,
}

/// Makes `event`, which says nothing yet, the one that the fields tell of; `index` is its position in the body.
///
/// It is written where it stays: moving the bytes of an event about takes longer than reading them.
#[inline]
pub(super) fn fill(
    event: &mut Event,
    fields: &Fields<'_>,
    index: usize,
    Told { context, judge }: Told<'_>,
) -> Result<(), Fault> {
    event.event.kind = kind(fields)?;
    key(&mut event.advertiser, fields, Field::Advertiser)?;
    if event.advertiser.is_empty() {
        return Err((RejectCode::MissingAdvertiser, "`advertiser` is missing".to_owned()));
    }
    if !id(&mut event.event.id, fields, Field::Id)? {
        event.event.id = made_id(index, context)?;
    }
    event.at = at(fields, context)?;
    key(&mut event.dims.campaign, fields, Field::Campaign)?;
    key(&mut event.dims.ad, fields, Field::Ad)?;
    key(&mut event.dims.service, fields, Field::Service)?;
    key(&mut event.dims.placement, fields, Field::Placement)?;
    key(&mut event.dims.country, fields, Field::Country)?;
    key(&mut event.dims.device, fields, Field::Device)?;
    if event.dims.country.is_empty() {
        event.dims.country = judge.country.clone();
    }
    key(&mut event.label, fields, Field::Label)?;
    event.user = user(fields, context)?;
    // A parent of a kind that cannot be one says nothing; its value must be right all the same.
    parent(&mut event.impression, fields, Field::Impression, event.event.kind != Kind::Impression)?;
    parent(&mut event.click, fields, Field::Click, event.event.kind == Kind::Conversion)?;
    check_ad(event)?;
    event.cost_micros = amount(fields, Field::CostMicros)?;
    event.value_micros = amount(fields, Field::ValueMicros)?.unwrap_or(0);
    event.screening = screening(fields, judge)?;
    event.extras = extras(fields)?;
    if context.visitor.is_some()
        && let Some(agent) = judge.agent(text(fields, Field::UserAgent)?)
    {
        enrich(event, agent);
    }
    Ok(())
}

/// Fills what the event of a browser leaves out.
fn enrich(event: &mut Event, agent: Agent) {
    let fill = |key: &mut Key, name: &str| {
        if key.is_empty() {
            *key = Key::parse(name).unwrap_or_default();
        }
    };
    fill(&mut event.dims.device, agent.device);
    let mut extras = event.extras.take().map_or_else(Extras::default, |extras| *extras);
    fill(&mut extras.os, agent.os);
    fill(&mut extras.browser, agent.browser);
    click_ids::lift(&extras.page, &mut extras.props);
    event.extras = (extras != Extras::default()).then(|| Box::new(extras));
}

/// An event that says nothing, to be filled.
pub(super) fn blank() -> Event {
    Event {
        event: EventRef { kind: Kind::Impression, id: EventId::first() },
        at: EventTime(0),
        advertiser: Key::empty(),
        dims: Dims::default(),
        label: Key::empty(),
        user: None,
        impression: None,
        click: None,
        cost_micros: None,
        value_micros: 0,
        screening: Screening::Clean,
        extras: None,
    }
}

/// The id as it was sent, where it is a string, cut at the length of an id.
pub(super) fn sent_id(fields: &Fields<'_>) -> Option<String> {
    let text = fields.get(Field::Id)?.text()?;
    Some(text.chars().take(MAX_KEY_CHARS).collect())
}

fn kind(fields: &Fields<'_>) -> Result<Kind, Fault> {
    if let Some(Raw::Plain { window, len }) = fields.get(Field::Kind)
        && let Some(kind) = known_kind(window, len)
    {
        return Ok(kind);
    }
    let Some(name) = text(fields, Field::Kind)? else {
        return Err((RejectCode::MissingKind, "`kind` is missing".to_owned()));
    };
    Kind::parse(name).ok_or_else(|| {
        let message = format!("`kind` is {name:?}, it must be impression, view, click or conversion");
        (RejectCode::UnknownKind, message)
    })
}

/// The kind whose name is the first `len` bytes of `window`; may miss it where the window ends early.
#[inline]
fn known_kind(window: &[u8], len: usize) -> Option<Kind> {
    let name = u128::from_le_bytes(*window.first_chunk().filter(|_| len < 16)?) & !(u128::MAX << (8 * len));
    Kind::ALL.into_iter().find(|kind| word::of_name(kind.name()) == name)
}

#[cold]
fn made_id(index: usize, context: &Context<'_>) -> Result<EventId, Fault> {
    EventId::parse(&format!("adt-{:016x}-{index}", context.nonce))
        .map_err(|_| (RejectCode::InvalidId, "`id` could not be made".to_owned()))
}

fn at(fields: &Fields<'_>, context: &Context<'_>) -> Result<EventTime, Fault> {
    let ms = match fields.get(Field::At) {
        None => return Ok(EventTime(context.now.0)),
        Some(Raw::Integer(ms)) => ms,
        Some(Raw::Value(Value::Number(number))) => integer(number).ok_or_else(|| {
            (RejectCode::InvalidAt, format!("`at` is {number}, it must be whole milliseconds since 1970"))
        })?,
        Some(raw) => {
            let text = raw.text().ok_or_else(|| wrong_type(Field::At, "a number or a string", raw))?;
            parse_rfc3339(text)
                .ok_or_else(|| (RejectCode::InvalidAt, format!("`at` is {text:?}, it must be RFC 3339")))?
        }
    };
    if ms < EARLIEST_AT_MS {
        let hint = match ms.checked_mul(1_000) {
            Some(scaled) if scaled >= EARLIEST_AT_MS => "; it looks like seconds, milliseconds are expected",
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

/// Reads a key, if the field is there.
#[inline(always)]
fn key(place: &mut Key, fields: &Fields<'_>, field: Field) -> Result<(), Fault> {
    match fields.get(field) {
        None => {}
        Some(Raw::Plain { window, len }) if len <= MAX_KEY_CHARS => place.set_printable(window, len),
        Some(_) => *place = parsed_key(fields, field)?,
    }
    Ok(())
}

#[cold]
#[inline(never)]
fn parsed_key(fields: &Fields<'_>, field: Field) -> Result<Key, Fault> {
    let key = Key::parse(text(fields, field)?.unwrap_or_default());
    key.map_err(|error| (RejectCode::InvalidKey, format!("`{}` {error}", field.name())))
}

/// The pseudonym of `user`, which is a key.
#[inline]
fn user(fields: &Fields<'_>, context: &Context<'_>) -> Result<Option<UserKey>, Fault> {
    if let Some(Raw::Plain { window, len }) = fields.get(Field::User)
        && (1..=MAX_KEY_CHARS).contains(&len)
        && let Some(bytes) = window.get(..len)
    {
        return Ok(Some(context.salt.pseudonym_of(bytes)));
    }
    let key = parsed_key(fields, Field::User)?;
    Ok((!key.is_empty()).then(|| context.salt.pseudonym_of(key.as_bytes())))
}

/// Reads an id, if the field is there; whether it is.
#[inline(always)]
fn id(place: &mut EventId, fields: &Fields<'_>, field: Field) -> Result<bool, Fault> {
    match fields.get(field) {
        None => return Ok(false),
        Some(Raw::Plain { window, len }) if is_id(window, len) => place.set_checked(window, len),
        Some(_) => *place = parsed_id(fields, field)?,
    }
    Ok(true)
}

/// Reads the id of a parent, which is kept if it `counts`.
#[inline]
fn parent(place: &mut Option<EventId>, fields: &Fields<'_>, field: Field, counts: bool) -> Result<(), Fault> {
    if fields.get(field).is_some() {
        let named = place.insert(EventId::first());
        id(named, fields, field)?;
        if !counts {
            *place = None;
        }
    }
    Ok(())
}

#[cold]
#[inline(never)]
fn parsed_id(fields: &Fields<'_>, field: Field) -> Result<EventId, Fault> {
    let id = EventId::parse(text(fields, field)?.unwrap_or_default());
    id.map_err(|error| (RejectCode::InvalidId, format!("`{}` {error}", field.name())))
}

/// Whether [`EventId::parse`] takes the first `len` bytes of `window`, which are ASCII.
#[inline]
fn is_id(window: &[u8], len: usize) -> bool {
    let Some(text) = window.get(..len) else { return false };
    let (words, end) = text.as_chunks();
    (1..=MAX_KEY_CHARS).contains(&len)
        && words.iter().all(|word| word::is_id(u64::from_le_bytes(*word)))
        && word::is_id(word::first(word::load(window.get(len - end.len()..).unwrap_or_default()), end.len()))
}

fn amount(fields: &Fields<'_>, field: Field) -> Result<Option<i64>, Fault> {
    let expected = "a whole number of micros";
    let amount = match fields.get(field) {
        None => return Ok(None),
        Some(Raw::Integer(amount)) => amount,
        Some(raw @ Raw::Value(Value::Number(number))) => {
            integer(number).ok_or_else(|| wrong_type(field, expected, raw))?
        }
        Some(other) => return Err(wrong_type(field, expected, other)),
    };
    let name = field.name();
    if amount > MAX_AMOUNT_MICROS {
        let message = format!("`{name}` is {amount}, at most {MAX_AMOUNT_MICROS} is allowed");
        return Err((RejectCode::AmountTooLarge, message));
    }
    if amount < 0 {
        let message = format!("`{name}` is {amount}, it must not be negative");
        return Err((RejectCode::NegativeAmount, message));
    }
    Ok(Some(amount))
}

/// A field that is a string if it is there.
fn text<'t>(fields: &'t Fields<'_>, field: Field) -> Result<Option<&'t str>, Fault> {
    let Some(raw) = fields.get(field) else { return Ok(None) };
    raw.text().map(Some).ok_or_else(|| wrong_type(field, "a string", raw))
}

fn check_ad(event: &Event) -> Result<(), Fault> {
    let message = match event.event.kind {
        _ if !event.dims.ad.is_empty() => return Ok(()),
        Kind::Impression => "an impression needs `ad`",
        Kind::View | Kind::Click if event.impression.is_none() => "needs `ad` or `impression`",
        _ => return Ok(()),
    };
    Err((RejectCode::MissingAd, message.to_owned()))
}

fn screening(fields: &Fields<'_>, judge: &Judge<'_>) -> Result<Screening, Fault> {
    if fields.lacks(&[Field::UserAgent, Field::Ip]) {
        return Ok(judge.screen(None, None));
    }
    let user_agent = text(fields, Field::UserAgent)?;
    let ip = text(fields, Field::Ip)?;
    Ok(judge.screen(user_agent, ip))
}

#[inline]
fn extras(fields: &Fields<'_>) -> Result<Option<Box<Extras>>, Fault> {
    let lacks = fields.lacks(&[Field::Os, Field::Browser, Field::Page, Field::Props]);
    let bare = lacks && fields.props.is_empty() && fields.unknown.is_empty();
    if bare { Ok(None) } else { some_extras(fields) }
}

fn some_extras(fields: &Fields<'_>) -> Result<Option<Box<Extras>>, Fault> {
    let extras = Extras {
        os: parsed_key(fields, Field::Os)?,
        browser: parsed_key(fields, Field::Browser)?,
        page: text(fields, Field::Page)?.unwrap_or_default().chars().take(MAX_PAGE_CHARS).collect(),
        props: props(fields)?,
    };
    Ok((extras != Extras::default()).then(|| Box::new(extras)))
}

/// Properties and unknown fields in the order of their names; of two with one name the unknown field counts.
fn props(fields: &Fields<'_>) -> Result<Vec<(String, String)>, Fault> {
    if let Some(raw) = fields.get(Field::Props) {
        return Err(wrong_type(Field::Props, "an object", raw));
    }
    if fields.props.is_empty() && fields.unknown.is_empty() {
        return Ok(Vec::new());
    }
    let named: BTreeMap<&str, Slot> = fields.props.iter().chain(&fields.unknown).copied().collect();
    let kept: Vec<_> =
        named.into_iter().filter_map(|(name, slot)| Some((name, fields.read(slot)?))).collect();
    if kept.len() > MAX_PROPS {
        let message =
            format!("{} properties and unknown fields, at most {MAX_PROPS} are allowed", kept.len());
        return Err((RejectCode::TooManyProps, message));
    }
    kept.into_iter().map(|(name, raw)| prop(name, raw)).collect()
}

fn prop(name: &str, raw: Raw<'_>) -> Result<(String, String), Fault> {
    let text = match raw {
        Raw::Integer(number) => number.to_string(),
        Raw::Value(value) => value.to_string(),
        text => text.text().unwrap_or_default().to_owned(),
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
    Ok((name.to_owned(), text))
}

/// A whole number, also when written as `1.0` or `1e3`.
fn integer(number: &serde_json::Number) -> Option<i64> {
    /// Beyond 2^53 a float no longer tells neighbouring integers apart.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = || number.as_f64().filter(|f| f.fract() == 0.0 && f.abs() <= EXACT);
    number.as_i64().or_else(|| float().map(|f| f as i64))
}

fn wrong_type(field: Field, expected: &str, raw: Raw<'_>) -> Fault {
    let found = match raw {
        Raw::Integer(number) => format!("the number {number}"),
        Raw::Value(value) => type_of(value),
        Raw::Plain { .. } | Raw::Text(_) => "a string".to_owned(),
    };
    (RejectCode::WrongType, format!("`{}` must be {expected}, it is {found}", field.name()))
}

/// What a value is, in words.
pub(super) fn type_of(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("the boolean {value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
