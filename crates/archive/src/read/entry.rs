//! Rows of all columns into entries.

use std::fmt;

use adtally_core::batch::{Accepted, Entry, Repeat, Stored, StoredRow};
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
    /// By column, those that are read.
    strips: Vec<Option<Strip>>,
    /// The row of the file that comes next.
    next: usize,
}

impl Strips {
    pub(crate) fn new(first: usize, strips: Vec<Option<Strip>>) -> Self {
        Self { strips, next: first }
    }

    /// Reads these rows of the file, which ascend from the next one on.
    pub(crate) fn read(&mut self, rows: &[usize]) -> Result<(), ArchiveError> {
        for strip in self.strips.iter_mut().flatten() {
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

    /// The same, where it stands.
    pub(crate) fn stored<'a>(
        &'a self,
        at: usize,
        row: usize,
        advertiser: &'a Key,
    ) -> Result<StoredRow<'a>, ArchiveError> {
        Line { strips: &self.strips, at, row }.stored(advertiser)
    }
}

/// A row.
#[derive(Clone, Copy)]
struct Line<'a> {
    strips: &'a [Option<Strip>],
    at: usize,
    row: usize,
}

impl<'a> Line<'a> {
    fn text(&self, column: Column) -> Option<&'a str> {
        self.strips[column as usize].as_ref()?.text(self.at)
    }

    /// Unknown values are nothing.
    fn bytes(&self, column: Column) -> &'a [u8] {
        self.strips[column as usize].as_ref().and_then(|strip| strip.bytes(self.at)).unwrap_or_default()
    }

    fn number(&self, column: Column) -> Option<i64> {
        self.strips[column as usize].as_ref()?.number(self.at)
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

    fn stored(self, advertiser: &'a Key) -> Result<StoredRow<'a>, ArchiveError> {
        if self.bytes(Column::Outcome) != ACCEPTED.as_bytes() {
            return match self.entry(advertiser)? {
                Entry::Repeat(repeat) => Ok(StoredRow::Repeat(repeat)),
                Entry::Accepted(_) => Err(self.invalid(Column::Outcome)),
            };
        }
        let kind = Kind::ALL.into_iter().find(|kind| kind.name().as_bytes() == self.bytes(Column::Kind));
        let text = |column| self.bytes(column);
        Ok(StoredRow::Accepted(Stored {
            row: self.required(Column::Row)?,
            received: ServerTime(self.required(Column::Received)?),
            revision: self.required(Column::Revision)? as u64,
            kind: kind.ok_or_else(|| self.invalid(Column::Kind))?,
            id: text(Column::Id),
            at: EventTime(self.required(Column::At)?),
            user: self.number(Column::User).map(|user| UserKey(user as u64)),
            dims: [
                advertiser.as_bytes(),
                text(Column::Campaign),
                text(Column::Ad),
                text(Column::Service),
                text(Column::Placement),
                text(Column::Country),
                text(Column::Device),
                text(Column::Label),
            ],
            impression: text(Column::Impression),
            click: text(Column::Click),
            cost_micros: self.number(Column::Cost),
            value_micros: self.required(Column::Value)?,
            screening: self.screening()?,
        }))
    }

    fn screening(&self) -> Result<Screening, ArchiveError> {
        let named = self.bytes(Column::Screening);
        let all = [Screening::Clean, Screening::Bot, Screening::Datacenter];
        let found = all.into_iter().find(|screening| screening_name(*screening).as_bytes() == named);
        found.ok_or_else(|| self.invalid(Column::Screening))
    }

    fn event(&self, event: EventRef, at: EventTime, advertiser: &Key) -> Result<Event, ArchiveError> {
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
            screening: self.screening()?,
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
