//! Rejected events as they are kept until somebody looks at them: without what tells whose they are.
//!
//! Neither a raw user key nor an address is ever kept. The user becomes a pseudonym at once, as on any event that is
//! accepted; address and user agent are judged for robots and data centres at once, and dropped. So what is kept can
//! become, once its fault is repaired, the very event that it would have been.
//! What is no JSON object could hold a user key anywhere: only its shape is kept.

use serde_json::{Map, Value};

use super::fields::{Field, Fields};
use super::rules::{self, Fault, Told};
use super::{Context, RejectCode};
use crate::event::{Event, Screening};
use crate::key::{Key, UserKey};
use crate::screen::Judge;

/// The most bytes of one rejected event that are kept: as many as an event may have.
pub const MAX_HELD_BYTES: usize = super::MAX_EVENT_BYTES;
/// The most characters of a shape.
const MAX_SHAPE_CHARS: usize = 512;
/// The most characters of a message: names that a sender chose stand in it.
const MAX_MESSAGE_CHARS: usize = 300;

/// A rejected event, fit to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// What it said.
    pub kept: Kept,
    /// Whose it was, where the user key was right.
    pub user: Option<UserKey>,
    /// The verdict on its user agent and address, which are not kept.
    pub screening: Screening,
}

/// What is kept of a rejected event.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept {
    /// Its fields without `user`, `user_agent` and `ip`; with its time, and with an id.
    ///
    /// A `user` that was no key stays, as the number of its characters, so that the event stays wrong.
    Fields(Map<String, Value>),
    /// Its punctuation, its field names as far as we know them, `x` for letters and `9` for digits.
    Shape(String),
}

impl Held {
    /// The advertiser that it names, where that is a key.
    pub fn advertiser(&self) -> Option<Key> {
        let Kept::Fields(fields) = &self.kept else { return None };
        let key = Key::parse(fields.get(Field::Advertiser.name())?.as_str()?).ok()?;
        (!key.is_empty()).then_some(key)
    }
}

/// Holds the event at `index` of a body, whose bytes these are.
pub fn hold_bytes(raw: &[u8], index: usize, context: &Context<'_>) -> Held {
    let fields = (raw.len() <= MAX_HELD_BYTES).then(|| serde_json::from_slice(raw).ok()).flatten();
    match fields {
        Some(fields) => hold_fields(fields, index, context),
        None => Held { kept: Kept::Shape(shape(raw)), user: None, screening: Screening::Clean },
    }
}

/// Holds the event at `index` that has these fields.
pub fn hold_fields(mut fields: Map<String, Value>, index: usize, context: &Context<'_>) -> Held {
    let judge = Judge::new(context.lists, context.visitor);
    let mut take = |field: Field| fields.remove(field.name());
    let (user_agent, ip, user) = (take(Field::UserAgent), take(Field::Ip), take(Field::User));
    let text = |value: &Option<Value>| value.as_ref().and_then(Value::as_str).map(str::to_owned);
    let screening = judge.screen(text(&user_agent).as_deref(), text(&ip).as_deref());
    let agent = judge.agent(text(&user_agent).as_deref()).unwrap_or_default();
    let mut say = |field: Field, value: Value| {
        if fields.get(field.name()).is_none_or(Value::is_null) {
            fields.insert(field.name().to_owned(), value);
        }
    };
    say(Field::At, Value::from(context.now.0));
    say(Field::Id, Value::from(format!("adt-{:016x}-{index}", context.nonce)));
    if !judge.country.is_empty() {
        say(Field::Country, Value::from(judge.country.as_str()));
    }
    for (field, name) in
        [(Field::Device, agent.device), (Field::Os, agent.os), (Field::Browser, agent.browser)]
    {
        if !name.is_empty() {
            say(field, Value::from(name));
        }
    }
    let key = match &user {
        None | Some(Value::Null) => Some(Key::empty()),
        Some(value) => value.as_str().and_then(|text| Key::parse(text).ok()),
    };
    if key.is_none() {
        let chars = user.map_or(0, |value| value.as_str().map_or(0, |text| text.chars().count()));
        fields.insert(Field::User.name().to_owned(), Value::from(chars));
    }
    let user = key.filter(|key| !key.is_empty()).map(|key| context.salt.pseudonym(key.as_str()));
    let json_bytes = serde_json::to_vec(&fields).map_or(usize::MAX, |json| json.len());
    if json_bytes > 2 * MAX_HELD_BYTES {
        let json = serde_json::to_vec(&fields).unwrap_or_default();
        return Held { kept: Kept::Shape(shape(&json)), user, screening };
    }
    Held { kept: Kept::Fields(fields), user, screening }
}

/// Holds an event that is right in itself.
pub fn hold_event(event: &Event) -> Held {
    let mut fields = Map::new();
    let mut say = |field: Field, value: &str| {
        if !value.is_empty() {
            fields.insert(field.name().to_owned(), Value::from(value));
        }
    };
    say(Field::Kind, event.kind().name());
    say(Field::Id, event.id().as_str());
    say(Field::Advertiser, event.advertiser.as_str());
    say(Field::Campaign, event.dims.campaign.as_str());
    say(Field::Ad, event.dims.ad.as_str());
    say(Field::Service, event.dims.service.as_str());
    say(Field::Placement, event.dims.placement.as_str());
    say(Field::Country, event.dims.country.as_str());
    say(Field::Device, event.dims.device.as_str());
    say(Field::Label, event.label.as_str());
    say(Field::Impression, event.impression.as_ref().map_or("", |id| id.as_str()));
    say(Field::Click, event.click.as_ref().map_or("", |id| id.as_str()));
    if let Some(extras) = &event.extras {
        say(Field::Os, extras.os.as_str());
        say(Field::Browser, extras.browser.as_str());
        say(Field::Page, &extras.page);
        let props = extras.props.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        fields.insert(Field::Props.name().to_owned(), Value::Object(props.collect()));
    }
    fields.insert(Field::At.name().to_owned(), Value::from(event.at.0));
    if let Some(cost) = event.cost_micros {
        fields.insert(Field::CostMicros.name().to_owned(), Value::from(cost));
    }
    fields.insert(Field::ValueMicros.name().to_owned(), Value::from(event.value_micros));
    Held { kept: Kept::Fields(fields), user: event.user, screening: event.screening }
}

/// Reads a held event anew, with `set` said instead of what it said; null unsays a field.
///
/// It has the user and the verdict that it had on arrival, unless `set` names another user.
pub fn release(held: &Held, set: &Map<String, Value>, context: &Context<'_>) -> Result<Event, Fault> {
    let Kept::Fields(fields) = &held.kept else {
        let message = "only the shape of it was kept, since it was not JSON or too large".to_owned();
        return Err((RejectCode::BadJson, message));
    };
    let mut fields = fields.clone();
    for (name, value) in set {
        fields.insert(name.clone(), value.clone());
    }
    let mut event = rules::blank();
    let judge = Judge::new(context.lists, None);
    rules::fill(&mut event, &Fields::of(&fields), 0, Told { context, judge: &judge })?;
    if !set.contains_key(Field::User.name()) {
        event.user = held.user;
    }
    event.screening = held.screening;
    Ok(event)
}

/// A message without what it may quote of a person.
pub fn safe_message(message: &str) -> String {
    for field in [Field::User, Field::Ip, Field::UserAgent] {
        if message.starts_with(&format!("`{}`", field.name())) {
            return format!("`{}` is not what it has to be", field.name());
        }
    }
    message.chars().take(MAX_MESSAGE_CHARS).collect()
}

/// What a text looks like, without what it says.
fn shape(raw: &[u8]) -> String {
    let text = String::from_utf8_lossy(&raw[..raw.len().min(8 * MAX_SHAPE_CHARS)]);
    let mut shape = String::new();
    let mut word = String::new();
    for letter in text.chars().take(MAX_SHAPE_CHARS) {
        if letter.is_alphanumeric() || letter == '_' {
            word.push(letter);
            continue;
        }
        push_word(&mut shape, &mut word);
        shape.push(if letter.is_control() && letter != '\n' { ' ' } else { letter });
    }
    push_word(&mut shape, &mut word);
    shape
}

fn push_word(shape: &mut String, word: &mut String) {
    if Field::ALL.iter().any(|field| field.name() == word) {
        shape.push_str(word);
    } else {
        shape.extend(word.chars().map(|letter| if letter.is_numeric() { '9' } else { 'x' }));
    }
    word.clear();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::UserSalt;
    use crate::screen::{Lists, Visitor};
    use crate::time::ServerTime;

    const NOW: ServerTime = ServerTime(1_532_271_600_000);

    fn held(json: &str) -> Held {
        let salt = UserSalt::new(b"salt");
        let user_agent = Some("Mozilla/5.0 (iPad) Firefox/1".to_owned());
        let visitor = Visitor { country: Some("KR".to_owned()), user_agent, ..Visitor::default() };
        let context =
            Context { now: NOW, nonce: 7, salt: &salt, lists: Lists::built_in(), visitor: Some(&visitor) };
        hold_bytes(json.as_bytes(), 3, &context)
    }

    fn released(held: &Held, set: &str) -> Result<Event, Fault> {
        let salt = UserSalt::new(b"salt");
        let later = ServerTime(NOW.0 + 1_000_000);
        let context = Context { now: later, nonce: 9, salt: &salt, lists: Lists::built_in(), visitor: None };
        release(held, &serde_json::from_str(set).unwrap(), &context)
    }

    #[test]
    fn nothing_of_a_person_is_kept() {
        let held = held(
            r#"{"kind":"wink","advertiser":"acme","ad":"a","user":"u1","ip":"203.0.113.9","user_agent":"curl/8"}"#,
        );
        let Kept::Fields(fields) = &held.kept else { panic!("{held:?}") };
        let json = serde_json::to_string(fields).unwrap();
        assert_eq!(
            json,
            r#"{"ad":"a","advertiser":"acme","at":1532271600000,"country":"KR","id":"adt-0000000000000007-3","kind":"wink"}"#
        );
        assert_eq!(
            (held.user, held.screening),
            (Some(UserSalt::new(b"salt").pseudonym("u1")), Screening::Bot)
        );
        assert_eq!(held.advertiser(), Key::parse("acme").ok());
    }

    #[test]
    fn what_is_repaired_is_the_event_that_it_would_have_been() {
        let held = held(r#"{"kind":"wink","advertiser":"acme","ad":"a","user":"u1"}"#);
        assert_eq!(released(&held, "{}").unwrap_err().0, RejectCode::UnknownKind);
        let event = released(&held, r#"{"kind":"click"}"#).unwrap();
        assert_eq!(event.at.0, NOW.0);
        assert_eq!(event.id().as_str(), "adt-0000000000000007-3");
        assert_eq!(event.user, held.user);
        assert_eq!((event.dims.country.as_str(), event.dims.device.as_str()), ("KR", "tablet"));
        assert_eq!(event.extras.unwrap().browser.as_str(), "firefox");
        assert_eq!(released(&held, r#"{"kind":"click","user":null}"#).unwrap().user, None);
    }

    #[test]
    fn a_wrong_user_stays_wrong() {
        let long = "u".repeat(65);
        let held = held(&format!(r#"{{"kind":"click","advertiser":"acme","ad":"a","user":"{long}"}}"#));
        assert_eq!(released(&held, "{}").unwrap_err().0, RejectCode::WrongType);
        assert!(released(&held, r#"{"user":null}"#).is_ok());
        assert_eq!(
            safe_message("`user` must be a string, it is the number 17"),
            "`user` is not what it has to be"
        );
    }

    #[test]
    fn an_event_that_is_right_comes_out_as_it_went_in() {
        let body = r#"{"id":"c1","kind":"conversion","at":"2018-07-22T14:00:00Z","advertiser":"acme","click":"k1",
            "impression":"i1","user":"u1","label":"buy","value_micros":7,"cost_micros":0,"country":"KR","os":"x",
            "page":"https://a.example","user_agent":"curl/8","props":{"a":"1"},"b":2}"#;
        let salt = UserSalt::new(b"salt");
        let context = Context { now: NOW, nonce: 7, salt: &salt, lists: Lists::built_in(), visitor: None };
        let intake = crate::intake::read_body(body.as_bytes(), crate::intake::Media::Json, &context).unwrap();
        let (_, event) = &intake.events[0];
        assert_eq!(released(&hold_event(event), "{}").unwrap(), *event);
    }

    #[test]
    fn shapes() {
        fn check(raw: &str, expected: &str) {
            assert_eq!(held(raw).kept, Kept::Shape(expected.to_owned()));
        }
        check(
            r#"{"kind":"click","user":"peter-07@a.example""#,
            r#"{"kind":"click","user":"xxxxx-99@x.xxxxxxx""#,
        );
        check("[17]", "[99]");
        check("\u{0}é", " x");
    }

    #[test]
    fn shapes_end() {
        let Kept::Shape(shape) = held(&"y".repeat(100_000)).kept else { panic!("kept") };
        assert_eq!(shape, "x".repeat(MAX_SHAPE_CHARS));
    }
}
