//! Entries where they stand in the archive, to be linked without being taken out.

use super::{Accepted, Repeat};
use crate::cell::Dimension;
use crate::event::{Dims, Event, EventRef, Kind, Screening};
use crate::key::{EventId, Key, UserKey};
use crate::link::{group_of_names, name_of_bytes};
use crate::time::{EventTime, ServerTime};

/// An accepted event as far as linking and cells are concerned. What is absent is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored<'a> {
    /// The row of the log: its position.
    pub row: i64,
    /// When it arrived.
    pub received: ServerTime,
    /// The revision of the settings that were in force then.
    pub revision: u64,
    /// Impression, view, click or conversion.
    pub kind: Kind,
    /// Its id.
    pub id: &'a [u8],
    /// When it happened.
    pub at: EventTime,
    /// Who did it.
    pub user: Option<UserKey>,
    /// One value per [`Dimension`], in its order.
    pub dims: [&'a [u8]; Dimension::COUNT],
    /// The impression that it names.
    pub impression: &'a [u8],
    /// The click that it names.
    pub click: &'a [u8],
    /// Its own spend.
    pub cost_micros: Option<i64>,
    /// Its value.
    pub value_micros: i64,
    /// Verdict of arrival.
    pub screening: Screening,
}

/// An entry where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredRow<'a> {
    /// An accepted event.
    Accepted(Stored<'a>),
    /// A delivery of an event that had been accepted before.
    Repeat(Repeat),
}

impl<'a> Stored<'a> {
    /// Of an entry that was taken out.
    pub fn of(accepted: &'a Accepted) -> Self {
        let Accepted { row, received, revision, event } = accepted;
        let Dims { campaign, ad, service, placement, country, device } = &event.dims;
        let id = |id: &'a Option<EventId>| id.as_ref().map_or(&[][..], EventId::as_bytes);
        Self {
            row: *row,
            received: *received,
            revision: *revision,
            kind: event.kind(),
            id: event.id().as_bytes(),
            at: event.at,
            user: event.user,
            dims: [&event.advertiser, campaign, ad, service, placement, country, device, &event.label]
                .map(Key::as_bytes),
            impression: id(&event.impression),
            click: id(&event.click),
            cost_micros: event.cost_micros,
            value_micros: event.value_micros,
            screening: event.screening,
        }
    }

    /// Its group: what decides to which part of a day it belongs.
    pub fn group(&self) -> u64 {
        let own = || name_of_bytes(self.kind, self.id);
        self.user.map_or_else(|| group_of_names(self.impression, self.click, own), |user| user.0)
    }

    /// The event, if its texts are such as events have.
    pub fn event(&self) -> Option<Event> {
        let text = |bytes: &'a [u8]| str::from_utf8(bytes).ok();
        let key = |dimension: Dimension| Key::parse(text(self.dims[dimension as usize])?).ok();
        let id = |bytes: &'a [u8]| EventId::parse(text(bytes)?).ok();
        let named = |bytes: &'a [u8]| if bytes.is_empty() { Some(None) } else { id(bytes).map(Some) };
        Some(Event {
            event: EventRef { kind: self.kind, id: id(self.id)? },
            at: self.at,
            advertiser: key(Dimension::Advertiser)?,
            dims: Dims {
                campaign: key(Dimension::Campaign)?,
                ad: key(Dimension::Ad)?,
                service: key(Dimension::Service)?,
                placement: key(Dimension::Placement)?,
                country: key(Dimension::Country)?,
                device: key(Dimension::Device)?,
            },
            label: key(Dimension::Label)?,
            user: self.user,
            impression: named(self.impression)?,
            click: named(self.click)?,
            cost_micros: self.cost_micros,
            value_micros: self.value_micros,
            screening: self.screening,
            extras: None,
        })
    }
}
