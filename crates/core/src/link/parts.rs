//! An event taken apart, to be held with many others.

use super::bulk::Use;
use super::group_of_names;
use super::pool::{Money, group_of, name_hash};
use super::words::{Tuple, Words};
use crate::batch::Stored;
use crate::event::{Event, Kind, Screening};
use crate::key::EventId;

/// What is known of an event in a few bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks(u16);

impl Marks {
    const KIND: u16 = 0b11;
    const BOT: u16 = 1 << 2;
    const DATACENTER: u16 = 1 << 3;
    const USER: u16 = 1 << 4;
    pub(super) const COST: u16 = 1 << 5;
    const CONTEXT: u16 = 1 << 6;
    const REPEATS: u16 = 1 << 7;
    /// It was delivered again.
    pub(super) const AGAIN: u16 = 1 << 8;
    /// It is a delivery of one that is there.
    pub(super) const DUPLICATE: u16 = 1 << 9;
    /// Others may depend on it.
    pub(super) const MET: u16 = 1 << 10;
    /// Whether it is a duplicate has to be found out.
    const DELIVERED: u16 = 1 << 11;

    pub(super) fn has(self, mark: u16) -> bool {
        self.0 & mark != 0
    }

    /// The kind of the event.
    pub(super) fn kind(self) -> Kind {
        Kind::ALL[usize::from(self.0 & Self::KIND)]
    }

    pub(super) fn screening(self) -> Screening {
        match (self.has(Self::BOT), self.has(Self::DATACENTER)) {
            (true, _) => Screening::Bot,
            (_, true) => Screening::Datacenter,
            _ => Screening::Clean,
        }
    }

    /// Whether its group is a user's.
    pub(super) fn has_user(self) -> bool {
        self.has(Self::USER)
    }

    /// What it is there for.
    pub(super) fn its_use(self) -> Use {
        match (self.has(Self::CONTEXT), self.has(Self::REPEATS)) {
            (true, _) => Use::Context,
            (_, true) => Use::Repeats,
            _ => Use::Told,
        }
    }

    /// Whether it is an event of its own.
    pub(super) fn is_event(self) -> bool {
        !self.has(Self::DUPLICATE)
    }

    pub(super) fn is_delivered(self) -> bool {
        self.has(Self::DELIVERED)
    }

    pub(super) fn add(&mut self, mark: u16) {
        self.0 |= mark;
    }

    pub(super) fn is_met(self) -> bool {
        self.has(Self::MET)
    }
}

/// An event to be held, taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) kind: Kind,
    pub(super) id: &'a [u8],
    pub(super) at: i64,
    pub(super) received: i64,
    pub(super) row: i64,
    pub(super) group: u64,
    pub(super) name: u64,
    pub(super) has_user: bool,
    pub(super) impression: &'a [u8],
    pub(super) click: &'a [u8],
    pub(super) tuple: Tuple,
    pub(super) money: Money,
    pub(super) screening: Screening,
    pub(super) settings: u32,
    pub(super) its_use: Use,
    /// Whether it may be one that is there already.
    pub(super) is_delivered: bool,
}

impl<'a> Parts<'a> {
    /// Of an event; the other numbers are what is known of its arrival.
    pub(super) fn of(event: &'a Event, words: &mut Words) -> Self {
        let bytes = |id: &'a Option<EventId>| id.as_ref().map_or(&[][..], EventId::as_bytes);
        let name = name_hash(event.kind(), event.id().as_bytes());
        Self {
            kind: event.kind(),
            id: event.id().as_bytes(),
            at: event.at.0,
            received: 0,
            row: 0,
            group: group_of(event, name),
            name,
            has_user: event.user.is_some(),
            impression: bytes(&event.impression),
            click: bytes(&event.click),
            tuple: words.tuple_of(event),
            money: Money { cost_micros: event.cost_micros, value_micros: event.value_micros },
            screening: event.screening,
            settings: 0,
            its_use: Use::Told,
            is_delivered: false,
        }
    }

    /// Of an event where it stands in the archive; `None` where its texts are none of an event.
    pub(super) fn of_stored(stored: &Stored<'a>, words: &mut Words) -> Option<Self> {
        let Stored { kind, id, impression, click, .. } = *stored;
        let is_named = |id: &[u8]| id.is_empty() || EventId::is_valid(id);
        if !EventId::is_valid(id) || !is_named(impression) || !is_named(click) {
            return None;
        }
        let name = name_hash(kind, id);
        Some(Self {
            kind,
            id,
            at: stored.at.0,
            received: stored.received.0,
            row: stored.row,
            group: stored.user.map_or_else(|| group_of_names(impression, click, || name), |user| user.0),
            name,
            has_user: stored.user.is_some(),
            impression,
            click,
            tuple: words.tuple_of_texts(&stored.dims)?,
            money: Money { cost_micros: stored.cost_micros, value_micros: stored.value_micros },
            screening: stored.screening,
            settings: 0,
            its_use: Use::Told,
            is_delivered: false,
        })
    }

    pub(super) fn marks(&self) -> Marks {
        let mark = |holds: bool, mark: u16| if holds { mark } else { 0 };
        Marks(
            self.kind as u16
                | mark(self.screening == Screening::Bot, Marks::BOT)
                | mark(self.screening == Screening::Datacenter, Marks::DATACENTER)
                | mark(self.has_user, Marks::USER)
                | mark(self.money.cost_micros.is_some(), Marks::COST)
                | mark(self.its_use == Use::Context, Marks::CONTEXT)
                | mark(self.its_use == Use::Repeats, Marks::REPEATS)
                | mark(self.is_delivered, Marks::DELIVERED),
        )
    }

    /// The hash of the parent that it names.
    pub(super) fn parent(&self) -> Option<u64> {
        if self.kind == Kind::Conversion && !self.click.is_empty() {
            return Some(name_hash(Kind::Click, self.click));
        }
        (!self.impression.is_empty()).then(|| name_hash(Kind::Impression, self.impression))
    }
}
