//! Goes through a body, event by event.
//!
//! An array must be whole JSON; lines are split without being parsed, so that one bad line stays alone.
//! The fast reader tries first, both at events and at where they end; what it does not know the general one decides.

use std::ops::Range;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::Fields;
use super::rules::{self, Fault, Told};
use super::scan::{Order, scan};
use super::{BodyError, Context, Intake, MAX_BODY_EVENTS, MAX_EVENT_BYTES, Media, RejectCode, Rejection};
use crate::screen::Judge;

/// What has been read of a body.
pub(super) struct Reader<'a> {
    /// How much was trimmed in front of the body.
    trimmed: usize,
    body: &'a [u8],
    context: &'a Context<'a>,
    judge: Judge<'a>,
    /// Events seen so far: the position of the next one.
    index: usize,
    intake: Intake,
    order: Order,
    /// Storage for the fields of one event after the other.
    fields: Fields<'a>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], context: &'a Context<'a>) -> Self {
        let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
        Self {
            trimmed: offset(bytes, body),
            body,
            context,
            judge: Judge::new(context.lists, context.visitor),
            index: 0,
            intake: Intake::default(),
            order: Order::new(),
            fields: Fields::new(body),
        }
    }

    /// Reads every event.
    pub(super) fn read(mut self, media: Media) -> Result<Intake, BodyError> {
        match (self.body.first(), media) {
            (None, _) => return Err(BodyError::Empty),
            (Some(_), Media::Ndjson) => self.lines()?,
            (Some(b'['), Media::Json) => self.array()?,
            (Some(b'{'), Media::Json) if self.scanned_whole() => {}
            (Some(_), Media::Json) => match serde_json::from_slice::<&RawValue>(self.body) {
                Ok(_) => self.item(self.body),
                Err(_) if self.body.starts_with(b"{") && self.body.contains(&b'\n') => self.lines()?,
                Err(error) => return Err(BodyError::BadJson(error.to_string())),
            },
        }
        self.finish()
    }

    fn finish(self) -> Result<Intake, BodyError> {
        let is_bad = |rejection: &&Rejection| rejection.code == RejectCode::BadJson;
        let mut bad = self.intake.rejected.iter().filter(is_bad);
        match bad.next() {
            Some(first) if 1 + bad.count() == self.index => Err(BodyError::BadJson(first.message.clone())),
            _ => Ok(self.intake),
        }
    }

    fn lines(&mut self) -> Result<(), BodyError> {
        let mut at = 0;
        loop {
            at = skip(self.body, at, |byte| byte.is_ascii_whitespace());
            if at == self.body.len() {
                return Ok(());
            }
            if self.index == MAX_BODY_EVENTS {
                return Err(BodyError::TooManyEvents(count_lines(self.body)));
            }
            at = self.scanned_line(at).unwrap_or_else(|| {
                let end = skip(self.body, at, |byte| byte != b'\n');
                self.general(self.body[at..end].trim_ascii());
                end
            });
        }
    }

    /// Takes a line that the fast reader knows; answers where it ends.
    #[inline]
    fn scanned_line(&mut self, at: usize) -> Option<usize> {
        let object_end = scan(self.body, at, &mut self.order, &mut self.fields)?;
        let end = skip(self.body, object_end, |byte| byte != b'\n' && byte.is_ascii_whitespace());
        if !matches!(self.body.get(end), None | Some(b'\n')) {
            return None;
        }
        self.scanned(at..object_end);
        Some(end)
    }

    fn array(&mut self) -> Result<(), BodyError> {
        if self.scanned_array().is_some() {
            return Ok(());
        }
        (self.index, self.intake) = (0, Intake::default());
        let items: Vec<&RawValue> =
            serde_json::from_slice(self.body).map_err(|error| BodyError::BadJson(error.to_string()))?;
        if items.len() > MAX_BODY_EVENTS {
            return Err(BodyError::TooManyEvents(items.len()));
        }
        items.into_iter().for_each(|item| self.item(item.get().as_bytes()));
        Ok(())
    }

    /// Takes an array of nothing but events that the fast reader knows.
    fn scanned_array(&mut self) -> Option<()> {
        let space = |byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        let mut at = skip(self.body, 1, space);
        while self.index < MAX_BODY_EVENTS {
            let end = scan(self.body, at, &mut self.order, &mut self.fields)?;
            self.scanned(at..end);
            at = skip(self.body, end, space);
            match self.body.get(at)? {
                b',' => at = skip(self.body, at + 1, space),
                b']' => return (at + 1 == self.body.len()).then_some(()),
                _ => return None,
            }
        }
        None
    }

    /// Takes a body that is one event which the fast reader knows.
    fn scanned_whole(&mut self) -> bool {
        let whole = scan(self.body, 0, &mut self.order, &mut self.fields) == Some(self.body.len());
        if whole {
            self.scanned(0..self.body.len());
        }
        whole
    }

    /// Takes what lies apart from the others.
    fn item(&mut self, item: &'a [u8]) {
        if scan(item, 0, &mut self.order, &mut self.fields) == Some(item.len()) {
            let start = offset(self.body, item);
            self.scanned(start..start + item.len());
        } else {
            self.general(item);
        }
    }

    /// Takes what the fast reader has put into the fields; it lies at `place` of the body.
    #[inline]
    fn scanned(&mut self, place: Range<usize>) {
        let index = self.next_index();
        let bytes = place.len();
        let raw = self.trimmed + place.start..self.trimmed + place.end;
        if let Some(fault) = too_large(bytes) {
            return self.intake.reject(Place { index, raw }, rules::sent_id(&self.fields), fault);
        }
        if self.intake.events.is_empty() {
            // Events of one sender are of much the same length.
            self.intake.events.reserve((self.body.len() / bytes + 1).min(MAX_BODY_EVENTS));
        }
        let told = Told { context: self.context, judge: &self.judge };
        self.intake.take(Place { index, raw }, &self.fields, told);
    }

    /// Takes what may be anything.
    #[cold]
    fn general(&mut self, item: &[u8]) {
        let start = self.trimmed + offset(self.body, item);
        let place = Place { index: self.next_index(), raw: start..start + item.len() };
        if let Some(fault) = too_large(item.len()) {
            let map = serde_json::from_slice::<Map<String, Value>>(item).unwrap_or_default();
            return self.intake.reject(place, rules::sent_id(&Fields::of(&map)), fault);
        }
        let map = match serde_json::from_slice(item) {
            Ok(Value::Object(map)) => map,
            Ok(other) => {
                let message = format!("an event is a JSON object, this is {}", rules::type_of(&other));
                return self.intake.reject(place, None, (RejectCode::NotAnObject, message));
            }
            Err(error) => {
                return self.intake.reject(place, None, (RejectCode::BadJson, format!("not JSON: {error}")));
            }
        };
        let fields = Fields::of(&map);
        let told = Told { context: self.context, judge: &self.judge };
        self.intake.take(place, &fields, told);
    }

    fn next_index(&mut self) -> usize {
        self.index += 1;
        self.index - 1
    }
}

/// Which event of a body, and where it lies in it.
pub(super) struct Place {
    /// From 0.
    pub(super) index: usize,
    /// Its bytes.
    pub(super) raw: Range<usize>,
}

impl Intake {
    /// Takes the event of these fields, or what is wrong with it.
    #[inline]
    pub(super) fn take(&mut self, place: Place, fields: &Fields<'_>, told: Told<'_>) {
        // Made where it stays: `push` would make it elsewhere and move it.
        self.events.resize_with(self.events.len() + 1, || (place.index, rules::blank()));
        let Some((_, event)) = self.events.last_mut() else { return };
        if let Err(fault) = rules::fill(event, fields, place.index, told) {
            self.events.pop();
            self.reject(place, rules::sent_id(fields), fault);
        }
    }

    #[cold]
    pub(super) fn reject(&mut self, place: Place, id: Option<String>, (code, message): Fault) {
        self.rejected.push(Rejection { index: place.index, id, code, message, raw: place.raw });
    }
}

/// Where `part`, which lies in `whole`, begins there.
fn offset(whole: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize)
}

fn too_large(bytes: usize) -> Option<Fault> {
    let message = || format!("the event has {bytes} bytes, at most {MAX_EVENT_BYTES} are allowed");
    (bytes > MAX_EVENT_BYTES).then(|| (RejectCode::EventTooLarge, message()))
}

/// The first position from `at` on whose byte is not one of those; the length if there is none.
#[inline]
fn skip(bytes: &[u8], at: usize, skipped: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest.iter().position(|byte| !skipped(*byte)).unwrap_or(rest.len())
}

fn count_lines(body: &[u8]) -> usize {
    body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).count()
}
