//! Rows of all columns into entries.

use std::fmt;

use adtally_core::batch::{Accepted, Entry, Repeat};
use adtally_core::event::{Dims, Event, EventRef, Extras, Kind, Screening};
use adtally_core::key::{EventId, Key, UserKey};
use adtally_core::time::{EventTime, ServerTime};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

use super::strip::Strip;
use crate::ArchiveError;
use crate::column::{ACCEPTED, Column, REPEAT, screening_name};

/// Rows that are decoded at a time.
pub(crate) const BATCH: usize = 1_024;

/// All columns of a row group.
pub(crate) struct Strips {
    strips: Vec<Strip>,
    /// The row of the file that comes next.
    next: usize,
}

impl Strips {
    pub(crate) fn new(first: usize, strips: Vec<Strip>) -> Self {
        Self { strips, next: first }
    }

    /// Reads these rows of the file, which ascend from the next one on.
    pub(crate) fn read(&mut self, rows: &[usize]) -> Result<(), ArchiveError> {
        for strip in &mut self.strips {
            strip.clear();
            let mut next = self.next;
            for run in rows.chunk_by(|a, b| a + 1 == *b) {
                strip.skip(run[0] - next)?;
                strip.read(run.len())?;
                next = run[0] + run.len();
            }
        }
        self.next = rows.last().map_or(self.next, |last| last + 1);
        Ok(())
    }

    /// The entry of the row that was read as number `at`, which is row `row` of the file.
    pub(crate) fn entry(&self, at: usize, row: usize, advertiser: &Key) -> Result<Entry, ArchiveError> {
        Line { strips: &self.strips, at, row }.entry(advertiser)
    }
}

/// A row.
struct Line<'a> {
    strips: &'a [Strip],
    at: usize,
    row: usize,
}

impl Line<'_> {
    fn text(&self, column: Column) -> Option<&str> {
        self.strips[column as usize].text(self.at)
    }

    fn number(&self, column: Column) -> Option<i64> {
        self.strips[column as usize].number(self.at)
    }

    fn invalid(&self, column: Column) -> ArchiveError {
        ArchiveError::Value { row: self.row, column: column.name() }
    }

    fn required(&self, column: Column) -> Result<i64, ArchiveError> {
        self.number(column).ok_or_else(|| self.invalid(column))
    }

    /// Unknown values are nothing.
    fn key(&self, column: Column) -> Result<Key, ArchiveError> {
        let key = self.text(column).map_or(Ok(Key::empty()), Key::parse);
        key.map_err(|_| self.invalid(column))
    }

    fn id(&self, column: Column) -> Result<Option<EventId>, ArchiveError> {
        self.text(column).map(EventId::parse).transpose().map_err(|_| self.invalid(column))
    }

    fn entry(&self, advertiser: &Key) -> Result<Entry, ArchiveError> {
        let kind = self.text(Column::Kind).and_then(Kind::parse);
        let event = EventRef {
            kind: kind.ok_or_else(|| self.invalid(Column::Kind))?,
            id: self.id(Column::Id)?.ok_or_else(|| self.invalid(Column::Id))?,
        };
        let (row, received) = (self.required(Column::Row)?, ServerTime(self.required(Column::Received)?));
        let at = EventTime(self.required(Column::At)?);
        match self.text(Column::Outcome) {
            Some(ACCEPTED) => {
                let revision = self.required(Column::Revision)? as u64;
                let event = self.event(event, at, advertiser)?;
                Ok(Entry::Accepted(Box::new(Accepted { row, received, revision, event })))
            }
            Some(REPEAT) => {
                let group = self.required(Column::Group)? as u64;
                Ok(Entry::Repeat(Repeat { row, received, event, at, group }))
            }
            _ => Err(self.invalid(Column::Outcome)),
        }
    }

    fn event(&self, event: EventRef, at: EventTime, advertiser: &Key) -> Result<Event, ArchiveError> {
        let screening = [Screening::Clean, Screening::Bot, Screening::Datacenter]
            .into_iter()
            .find(|screening| self.text(Column::Screening) == Some(screening_name(*screening)));
        let props: Props = match self.text(Column::Props) {
            Some(text) => serde_json::from_str(text).map_err(|_| self.invalid(Column::Props))?,
            None => Props(Vec::new()),
        };
        let extras = Extras {
            os: self.key(Column::Os)?,
            browser: self.key(Column::Browser)?,
            page: self.text(Column::Page).unwrap_or_default().to_owned(),
            props: props.0,
        };
        Ok(Event {
            event,
            at,
            advertiser: advertiser.clone(),
            dims: Dims {
                campaign: self.key(Column::Campaign)?,
                ad: self.key(Column::Ad)?,
                service: self.key(Column::Service)?,
                placement: self.key(Column::Placement)?,
                country: self.key(Column::Country)?,
                device: self.key(Column::Device)?,
            },
            label: self.key(Column::Label)?,
            user: self.number(Column::User).map(|user| UserKey(user as u64)),
            impression: self.id(Column::Impression)?,
            click: self.id(Column::Click)?,
            cost_micros: self.number(Column::Cost),
            value_micros: self.required(Column::Value)?,
            screening: screening.ok_or_else(|| self.invalid(Column::Screening))?,
            extras: (extras != Extras::default()).then(|| Box::new(extras)),
        })
    }
}

/// A JSON object of texts, in its order.
struct Props(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Props {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Props;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Props, A::Error> {
                let mut props = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    props.push(pair);
                }
                Ok(Props(props))
            }
        }
        from.deserialize_map(Pairs)
    }
}
