//! Maps: how the rows of a file become events. The reference for people is docs/replay.md.
//!
//! ```text
//! TOML --compile--> Map --apply(row)--> 0..n OutgoingEvents, or the reason why this row has none
//! ```

pub(crate) mod condition;
pub(crate) mod decimal;
pub(crate) mod field;
pub(crate) mod row;
pub(crate) mod template;
pub(crate) mod timestamp;

use std::collections::{BTreeMap, BTreeSet};

use adtally_core::event::Kind;
use serde::Deserialize;

use self::condition::{Condition, ConditionError};
use self::field::{AmountField, FieldError, FieldText, TextField, TimeField, ValueError};
use self::row::{BUILT_IN, Row};
use crate::outgoing::OutgoingEvent;

/// Every field that a map may fill, as in the collect endpoint.
const FIELDS: [&str; 23] = [
    "kind",
    "id",
    "at",
    "advertiser",
    "campaign",
    "ad",
    "service",
    "placement",
    "user",
    "impression",
    "click",
    "cost_micros",
    "value_micros",
    "label",
    "country",
    "device",
    "os",
    "browser",
    "page",
    "user_agent",
    "ip",
    "props",
    "when",
];

/// How rows become events.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Map {
    pub(crate) input: InputOptions,
    events: Vec<EventMap>,
}

/// What a map says of its files.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct InputOptions {
    /// Absent: by the file's name.
    pub(crate) format: Option<InputFormat>,
    /// CSV: what parts the cells; absent: `,`, or a tabulator in `.tsv` files.
    pub(crate) delimiter: Option<char>,
    /// CSV: the names of the columns of a file that has no header.
    pub(crate) columns: Option<Vec<String>>,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum InputFormat {
    /// Cells and a delimiter, quoted where needed.
    Csv,
    /// One JSON object per line.
    Ndjson,
}

/// How one event is made from a row.
#[derive(Debug, PartialEq, Eq)]
struct EventMap {
    conditions: Vec<Condition>,
    texts: BTreeMap<String, TextField>,
    at: Option<TimeField>,
    amounts: BTreeMap<String, AmountField>,
    props: BTreeMap<String, TextField>,
}

/// Why a text is not a map.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MapError {
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error("has no [[event]]")]
    NoEvent,
    #[error("event {event}: {source}")]
    Event { event: usize, source: EventMapError },
}

/// Why one `[[event]]` is wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EventMapError {
    #[error("`{0}` is no field of an event; there are {fields}", fields = FIELDS.join(", "))]
    UnknownField(String),
    #[error("`{field}`: {message}")]
    Form { field: String, message: String },
    #[error("`{field}`: {source}")]
    Field { field: String, source: FieldError },
    #[error(transparent)]
    Condition(#[from] ConditionError),
    #[error("needs `{0}`{why}", why = why_needed(.0))]
    Missing(&'static str),
    #[error("`kind` is impression, view, click or conversion, not `{0}`")]
    Kind(String),
}

fn why_needed(field: &str) -> &'static str {
    match field {
        "id" => ": made from the row, it is what makes sending twice safe, such as \"{_file_stem}-{_row}\"",
        _ => "",
    }
}

/// Why a row gives no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {event}: `{field}`: {source}")]
pub(crate) struct RowError {
    /// Which `[[event]]`, from 1.
    event: usize,
    field: String,
    source: ValueError,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MapText {
    #[serde(default)]
    input: InputOptions,
    /// Fields of every event that does not set them itself.
    #[serde(default)]
    every: toml::Table,
    #[serde(default)]
    event: Vec<toml::Table>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl Map {
    /// Reads a map in TOML.
    pub(crate) fn parse(text: &str) -> Result<Self, MapError> {
        let map: MapText = toml::from_str(text)?;
        if map.event.is_empty() {
            return Err(MapError::NoEvent);
        }
        let compile = |(index, own): (usize, toml::Table)| {
            let mut fields = map.every.clone();
            fields.extend(own);
            EventMap::compile(fields).map_err(|source| MapError::Event { event: index + 1, source })
        };
        let events = map.event.into_iter().enumerate().map(compile).collect::<Result<_, _>>()?;
        Ok(Self { input: map.input, events })
    }

    /// The columns that the map reads, built-in names left out.
    pub(crate) fn columns(&self) -> BTreeSet<&str> {
        self.events.iter().flat_map(EventMap::columns).filter(|column| !BUILT_IN.contains(column)).collect()
    }

    /// The events of a row: all of them or, when one cannot be made, none.
    pub(crate) fn apply(&self, row: &Row<'_>) -> Result<Vec<OutgoingEvent>, RowError> {
        let wanted = self.events.iter().enumerate().filter(|(_, event)| event.applies(row));
        let make = |(index, event): (usize, &EventMap)| {
            event.make(row).map_err(|(field, source)| RowError {
                event: index + 1,
                field: field.to_owned(),
                source,
            })
        };
        wanted.map(make).collect()
    }
}

impl EventMap {
    fn compile(fields: toml::Table) -> Result<Self, EventMapError> {
        let mut event = Self {
            conditions: Vec::new(),
            texts: BTreeMap::new(),
            at: None,
            amounts: BTreeMap::new(),
            props: BTreeMap::new(),
        };
        for (name, value) in fields {
            event.set(name, value)?;
        }
        for needed in ["kind", "id", "advertiser"] {
            if !event.texts.contains_key(needed) {
                return Err(EventMapError::Missing(needed));
            }
        }
        match event.texts.get("kind").and_then(TextField::constant) {
            Some(kind) if Kind::parse(kind).is_none() => Err(EventMapError::Kind(kind.to_owned())),
            _ => Ok(event),
        }
    }

    fn set(&mut self, name: String, value: toml::Value) -> Result<(), EventMapError> {
        if !FIELDS.contains(&name.as_str()) {
            return Err(EventMapError::UnknownField(name));
        }
        let wrong = |source| EventMapError::Field { field: name.clone(), source };
        match name.as_str() {
            "when" => {
                let conditions = match read(&name, value)? {
                    OneOrMore::One(condition) => vec![condition],
                    OneOrMore::More(conditions) => conditions,
                };
                self.conditions =
                    conditions.iter().map(|text| Condition::parse(text)).collect::<Result<_, _>>()?;
            }
            "at" => self.at = Some(TimeField::compile(read(&name, value)?).map_err(wrong)?),
            "cost_micros" | "value_micros" => {
                let amount = AmountField::compile(read(&name, value)?).map_err(wrong)?;
                self.amounts.insert(name, amount);
            }
            "props" => {
                for (key, text) in read::<BTreeMap<String, FieldText>>(&name, value)? {
                    self.props.insert(key, TextField::compile(text).map_err(wrong)?);
                }
            }
            _ => {
                let text = TextField::compile(read(&name, value)?).map_err(wrong)?;
                self.texts.insert(name, text);
            }
        }
        Ok(())
    }

    fn columns(&self) -> impl Iterator<Item = &str> {
        let conditions = self.conditions.iter().map(Condition::column);
        let texts = self.texts.values().chain(self.props.values()).flat_map(TextField::columns);
        let amounts = self.amounts.values().flat_map(AmountField::columns);
        conditions.chain(texts).chain(amounts).chain(self.at.iter().flat_map(TimeField::columns))
    }

    fn applies(&self, row: &Row<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(row))
    }

    fn make(&self, row: &Row<'_>) -> Result<OutgoingEvent, (&str, ValueError)> {
        let text = |name| self.texts.get(name).map(|field| field.value(row)).unwrap_or_default();
        let amount = |name| match self.amounts.get(name) {
            Some(field) => field.value(row).map_err(|source| (name, source)),
            None => Ok(None),
        };
        let props = self.props.iter().map(|(name, field)| (name.clone(), field.value(row)));
        Ok(OutgoingEvent {
            kind: text("kind"),
            id: text("id"),
            at: self
                .at
                .as_ref()
                .map(|field| field.value(row))
                .transpose()
                .map_err(|source| ("at", source))?,
            advertiser: text("advertiser"),
            campaign: text("campaign"),
            ad: text("ad"),
            service: text("service"),
            placement: text("placement"),
            user: text("user"),
            impression: text("impression"),
            click: text("click"),
            cost_micros: amount("cost_micros")?,
            value_micros: amount("value_micros")?,
            label: text("label"),
            country: text("country"),
            device: text("device"),
            os: text("os"),
            browser: text("browser"),
            page: text("page"),
            user_agent: text("user_agent"),
            ip: text("ip"),
            props: props.filter(|(_, value)| !value.is_empty()).collect(),
        })
    }
}

fn read<T: for<'a> Deserialize<'a>>(field: &str, value: toml::Value) -> Result<T, EventMapError> {
    let wrong = |error: toml::de::Error| EventMapError::Form {
        field: field.to_owned(),
        message: error.message().to_owned(),
    };
    value.try_into().map_err(wrong)
}

#[cfg(test)]
mod tests;
