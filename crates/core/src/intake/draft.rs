//! Events that came in another form than ours: a door says what they mean, the same rules decide.

use serde_json::{Map, Value};

use super::body::Place;
use super::fields::Fields;
use super::rules::{self, Told};
use super::{BodyError, Context, Intake, MAX_BODY_EVENTS, RejectCode};
use crate::screen::Judge;

/// What a message means in our words.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draft {
    /// The fields of an event, as `POST /v1/events` knows them.
    pub fields: Map<String, Value>,
    /// What the door itself has against it.
    pub fault: Option<(RejectCode, String)>,
}

impl Draft {
    /// A message that says this.
    pub fn of(fields: Map<String, Value>) -> Draft {
        Draft { fields, fault: None }
    }

    /// A message that is no event.
    pub fn rejected(fields: Map<String, Value>, code: RejectCode, message: impl Into<String>) -> Draft {
        Draft { fields, fault: Some((code, message.into())) }
    }

    /// Says `value` of the field `name`, unless something is said of it already.
    pub fn or_say(&mut self, name: &str, value: &str) {
        if !value.is_empty() && self.fields.get(name).is_none_or(Value::is_null) {
            self.fields.insert(name.to_owned(), Value::from(value));
        }
    }
}

/// Judges drafts as if they had been sent to us in our words; positions are those of the slice.
pub fn read_drafts(drafts: &[Draft], context: &Context<'_>) -> Result<Intake, BodyError> {
    if drafts.len() > MAX_BODY_EVENTS {
        return Err(BodyError::TooManyEvents(drafts.len()));
    }
    let judge = Judge::new(context.lists, context.visitor);
    let mut intake = Intake::default();
    for (index, Draft { fields, fault }) in drafts.iter().enumerate() {
        let fields = Fields::of(fields);
        let place = Place { index, raw: 0..0 };
        match fault {
            Some(fault) => intake.reject(place, rules::sent_id(&fields), fault.clone()),
            None => intake.take(place, &fields, Told { context, judge: &judge }),
        }
    }
    Ok(intake)
}
