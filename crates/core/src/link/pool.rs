//! Events as the linker keeps them: some hundred bytes each, without a pointer.

use std::collections::HashMap;
use std::hash::Hasher;
use std::sync::Arc;

use siphasher::sip::SipHasher13;

use super::Arrival;
use super::words::{Tuple, Words};
use crate::cell::Dimension;
use crate::event::{Dims, Event, EventRef, Kind, Screening};
use crate::key::{EventId, UserKey};
use crate::settings::Settings;
use crate::time::{EventTime, ServerTime};

/// The place of a record in a [`Pool`].
pub(super) type Slot = u32;
/// No slot: the end of a chain.
pub(super) const NONE: Slot = Slot::MAX;
/// The position of what is no event of the log: a tie, or an impression that only a click remembers.
pub(super) const NO_POSITION: u64 = u64::MAX;

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// An accepted event.
    Event,
    /// A signpost in the group that an event's name stands for, to the group of an event that names it: `hash` is
    /// that group.
    Tie,
}

/// An event, or a tie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record {
    /// When it happened.
    pub(super) at: i64,
    /// When it arrived.
    pub(super) received: i64,
    /// Events of one group are linked together: the user, or for an event without user the root that it names.
    pub(super) group: u64,
    /// [`name_hash`] of kind and id; of a tie the group that it points to.
    pub(super) hash: u64,
    /// Position in the log.
    pub(super) position: u64,
    /// Row of the log.
    pub(super) row: i64,
    /// Handle of its id.
    pub(super) id: u32,
    /// Handles of the ids that it names; 0: none.
    pub(super) impression: u32,
    pub(super) click: u32,
    /// The dimensions that it says itself.
    pub(super) tuple: Tuple,
    /// Its own cost and value, by number; 0: neither.
    pub(super) money: u32,
    /// What a click remembers of its impression, by number; 0: nothing.
    pub(super) pin: u32,
    /// Its settings, by number in the pool.
    pub(super) settings: u32,
    /// How often it was delivered again.
    pub(super) duplicates: u32,
    /// The record before it in its group.
    pub(super) next: Slot,
    /// The child without a named parent before it in its group.
    pub(super) next_unnamed: Slot,
    /// Another record in memory of its name.
    pub(super) namesake: Slot,
    pub(super) kind: Kind,
    pub(super) screening: Screening,
    /// Whether the group is the user's.
    pub(super) has_user: bool,
    pub(super) role: Role,
    /// Whether there may be another event of its name: names may be used again after the dedupe horizon.
    pub(super) again: bool,
}

/// Own cost and value of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Money {
    pub(super) cost_micros: Option<i64>,
    pub(super) value_micros: i64,
}

/// What a click remembers of its impression, so that the impression can be forgotten first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pin {
    pub(super) id: EventId,
    pub(super) at: i64,
    pub(super) received: i64,
    pub(super) group: u64,
    pub(super) has_user: bool,
    pub(super) tuple: Tuple,
}

/// Records and all that they refer to by number.
#[derive(Debug, Default)]
pub(super) struct Pool {
    pub(super) records: Vec<Record>,
    pub(super) words: Words,
    /// Ids, each after its length.
    ids: Vec<u8>,
    moneys: Vec<Money>,
    pins: Vec<Pin>,
    settings: Vec<(u64, Arc<Settings>)>,
    by_revision: HashMap<u64, u32>,
}

/// How far a pool is filled, to go back there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    records: usize,
    ids: usize,
    moneys: usize,
    pins: usize,
}

/// Everything of a record that is not a plain number, taken out of one pool for another.
#[derive(Debug, Clone)]
pub(super) struct Loose {
    pub(super) record: Record,
    pub(super) id: Vec<u8>,
    pub(super) impression: Vec<u8>,
    pub(super) click: Vec<u8>,
    pub(super) money: Money,
    pub(super) pin: Option<Pin>,
}

impl Mark {
    /// The first slot after it.
    pub(super) fn first(self) -> Slot {
        self.records as Slot
    }
}

impl Record {
    /// An event of which nothing else is known.
    pub(super) fn blank(group: u64, hash: u64, at: i64, received: i64, settings: u32) -> Self {
        Self {
            at,
            received,
            group,
            hash,
            position: NO_POSITION,
            row: 0,
            id: 0,
            impression: 0,
            click: 0,
            tuple: 0,
            money: 0,
            pin: 0,
            settings,
            duplicates: 0,
            next: NONE,
            next_unnamed: NONE,
            namesake: NONE,
            kind: Kind::Impression,
            screening: Screening::Clean,
            has_user: false,
            role: Role::Event,
            again: false,
        }
    }
}

impl Loose {
    /// A record without anything besides.
    pub(super) fn of(record: Record) -> Self {
        let (id, impression, click) = Default::default();
        Self { record, id, impression, click, money: Money::default(), pin: None }
    }
}

/// The hash of an event's name. It is stored, so it is written down here and never changes: SipHash-1-3 (Aumasson and
/// Bernstein 2012) under the zero key, of the kind's number and the id.
pub(super) fn name_hash(kind: Kind, id: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write_u8(kind as u8);
    hasher.write(id);
    hasher.finish()
}

/// The group of an event: see [`Record::group`].
pub(super) fn group_of(event: &Event, own: u64) -> u64 {
    let named = |kind, id: &EventId| name_hash(kind, id.as_str().as_bytes());
    match (event.user, &event.impression, &event.click) {
        (Some(user), ..) => user.0,
        (None, Some(impression), _) => named(Kind::Impression, impression),
        (None, None, Some(click)) => named(Kind::Click, click),
        (None, None, None) => own,
    }
}

impl Pool {
    /// Takes in an arrival; it is in no chain yet.
    pub(super) fn push(&mut self, arrival: &Arrival, position: u64, row: i64) -> Slot {
        let settings = self.number_of(&arrival.settings);
        self.push_event(&arrival.event, arrival.received, settings, position, row)
    }

    /// Takes in an event that arrived under these settings; it is in no chain yet.
    pub(super) fn push_event(
        &mut self,
        event: &Event,
        received: ServerTime,
        settings: u32,
        position: u64,
        row: i64,
    ) -> Slot {
        let hash = name_hash(event.kind(), event.id().as_str().as_bytes());
        let optional = |id: &Option<EventId>, pool: &mut Self| {
            id.as_ref().map_or(0, |id| pool.intern_id(id.as_str().as_bytes()))
        };
        let blank = Record::blank(group_of(event, hash), hash, event.at.0, received.0, settings);
        let record = Record {
            position,
            row,
            id: self.intern_id(event.id().as_str().as_bytes()),
            impression: optional(&event.impression, self),
            click: optional(&event.click, self),
            tuple: self.words.tuple_of(event),
            money: self
                .intern_money(Money { cost_micros: event.cost_micros, value_micros: event.value_micros }),
            kind: event.kind(),
            screening: event.screening,
            has_user: event.user.is_some(),
            ..blank
        };
        self.add(record)
    }

    /// Takes in a record whose handles are those of this pool; it is in no chain yet.
    pub(super) fn add(&mut self, record: Record) -> Slot {
        // A pool is bounded far below 2^32 records by the memory of an isolate.
        let slot = self.records.len() as Slot;
        self.records.push(record);
        slot
    }

    /// A tie in group `group`, to group `to`.
    pub(super) fn push_tie(&mut self, group: u64, to: u64, child: &Record) -> Slot {
        let tie = Record::blank(group, to, child.at, child.received, child.settings);
        self.add(Record { role: Role::Tie, kind: child.kind, ..tie })
    }

    /// The impression that a click remembers, as a record.
    pub(super) fn push_ghost(&mut self, click: Slot) -> Option<Slot> {
        let pin = self.pin(click)?.clone();
        let id = self.intern_id(pin.id.as_str().as_bytes());
        let hash = name_hash(Kind::Impression, pin.id.as_str().as_bytes());
        let blank = Record::blank(pin.group, hash, pin.at, pin.received, self.get(click).settings);
        let ghost = Record { id, tuple: pin.tuple, has_user: pin.has_user, ..blank };
        Some(self.add(ghost))
    }

    pub(super) fn get(&self, slot: Slot) -> &Record {
        &self.records[slot as usize]
    }

    /// The chain that begins with `first` and goes on with what `next` says of each record, up to [`NONE`].
    pub(super) fn follow(&self, first: Slot, next: impl Fn(&Record) -> Slot) -> impl Iterator<Item = Slot> {
        let some = |slot: Slot| Some(slot).filter(|slot| *slot != NONE);
        std::iter::successors(some(first), move |slot| some(next(self.get(*slot))))
    }

    pub(super) fn id(&self, slot: Slot) -> &[u8] {
        self.text(self.get(slot).id)
    }

    pub(super) fn impression(&self, slot: Slot) -> Option<&[u8]> {
        Some(self.get(slot).impression).filter(|handle| *handle != 0).map(|handle| self.text(handle))
    }

    pub(super) fn click(&self, slot: Slot) -> Option<&[u8]> {
        Some(self.get(slot).click).filter(|handle| *handle != 0).map(|handle| self.text(handle))
    }

    /// The kind and id of the parent that an event names.
    pub(super) fn named_parent(&self, slot: Slot) -> Option<(Kind, &[u8])> {
        let click = self.click(slot).filter(|_| self.get(slot).kind == Kind::Conversion);
        let click = click.map(|id| (Kind::Click, id));
        click.or_else(|| self.impression(slot).map(|id| (Kind::Impression, id)))
    }

    /// Whether an event looks for its parent by user.
    pub(super) fn is_unnamed_child(&self, slot: Slot) -> bool {
        self.get(slot).kind != Kind::Impression && self.named_parent(slot).is_none()
    }

    pub(super) fn event_id(&self, slot: Slot) -> EventId {
        as_id(self.id(slot))
    }

    pub(super) fn event_ref(&self, slot: Slot) -> EventRef {
        EventRef { kind: self.get(slot).kind, id: self.event_id(slot) }
    }

    pub(super) fn money(&self, slot: Slot) -> Money {
        match self.get(slot).money {
            0 => Money::default(),
            number => self.moneys[number as usize - 1],
        }
    }

    pub(super) fn pin(&self, slot: Slot) -> Option<&Pin> {
        (self.get(slot).pin as usize).checked_sub(1).map(|index| &self.pins[index])
    }

    pub(super) fn set_pin(&mut self, slot: Slot, pin: Option<Pin>) {
        self.records[slot as usize].pin = self.intern_pin(pin);
    }

    pub(super) fn settings(&self, slot: Slot) -> &Arc<Settings> {
        self.settings_numbered(self.get(slot).settings)
    }

    /// The settings that were given this number.
    pub(super) fn settings_numbered(&self, number: u32) -> &Arc<Settings> {
        &self.settings[number as usize].1
    }

    /// The revision under which its settings are known.
    pub(super) fn revision(&self, slot: Slot) -> u64 {
        self.settings[self.get(slot).settings as usize].0
    }

    /// Makes settings known under a revision, which records in runs refer to; gives their number.
    pub(super) fn know(&mut self, revision: u64, settings: Arc<Settings>) -> u32 {
        let number = self.settings.len() as u32;
        self.settings.push((revision, settings));
        self.by_revision.insert(revision, number);
        number
    }

    /// The number of the settings of a revision.
    pub(super) fn number_of_revision(&self, revision: u64) -> Option<u32> {
        self.by_revision.get(&revision).copied()
    }

    pub(super) fn revisions(&self) -> impl Iterator<Item = (u64, Arc<Settings>)> {
        self.settings.iter().cloned()
    }

    fn number_of(&mut self, settings: &Arc<Settings>) -> u32 {
        let known = self.settings.iter().rposition(|(_, known)| Arc::ptr_eq(known, settings));
        let equal = || self.settings.iter().rposition(|(_, known)| known == settings);
        match known.or_else(equal) {
            Some(number) => number as u32,
            None => {
                // Settings without a revision: a linker in memory only. They are numbered from above.
                let number = self.settings.len() as u64;
                self.know(u64::MAX - number, settings.clone())
            }
        }
    }

    pub(super) fn user(&self, slot: Slot) -> Option<UserKey> {
        let record = self.get(slot);
        record.has_user.then_some(UserKey(record.group))
    }

    /// The event as it was accepted, without what no cell counts by.
    pub(super) fn event(&self, slot: Slot) -> Event {
        let record = self.get(slot);
        let key = |dimension| self.words.key_of(record.tuple, dimension).clone();
        let Money { cost_micros, value_micros } = self.money(slot);
        Event {
            event: self.event_ref(slot),
            at: EventTime(record.at),
            advertiser: key(Dimension::Advertiser),
            dims: Dims {
                campaign: key(Dimension::Campaign),
                ad: key(Dimension::Ad),
                service: key(Dimension::Service),
                placement: key(Dimension::Placement),
                country: key(Dimension::Country),
                device: key(Dimension::Device),
            },
            label: key(Dimension::Label),
            user: self.user(slot),
            impression: self.impression(slot).map(as_id),
            click: self.click(slot).map(as_id),
            cost_micros,
            value_micros,
            screening: record.screening,
            extras: None,
        }
    }

    /// The event as it arrived, as far as linking is concerned.
    pub(super) fn arrival(&self, slot: Slot) -> Arrival {
        let received = ServerTime(self.get(slot).received);
        Arrival { event: self.event(slot), received, settings: self.settings(slot).clone() }
    }

    pub(super) fn mark(&self) -> Mark {
        let Self { records, ids, moneys, pins, .. } = self;
        Mark { records: records.len(), ids: ids.len(), moneys: moneys.len(), pins: pins.len() }
    }

    /// Forgets every record since the mark; what they added to the words stays.
    pub(super) fn back_to(&mut self, mark: Mark) {
        self.records.truncate(mark.records);
        self.ids.truncate(mark.ids);
        self.moneys.truncate(mark.moneys);
        self.pins.truncate(mark.pins);
    }

    /// Whether a record came after the mark.
    pub(super) fn is_after(mark: &Mark, slot: Slot) -> bool {
        slot as usize >= mark.records
    }

    pub(super) fn loosen(&self, slot: Slot) -> Loose {
        let bytes = |text: Option<&[u8]>| text.unwrap_or_default().to_vec();
        Loose {
            record: *self.get(slot),
            id: self.id(slot).to_vec(),
            impression: bytes(self.impression(slot)),
            click: bytes(self.click(slot)),
            money: self.money(slot),
            pin: self.pin(slot).cloned(),
        }
    }

    /// Adds a record with what belongs to it; its settings and dimensions are numbers of this pool already.
    pub(super) fn fasten(&mut self, loose: &Loose) -> Slot {
        let record = Record {
            id: self.intern_id(&loose.id),
            impression: self.intern_id(&loose.impression),
            click: self.intern_id(&loose.click),
            money: self.intern_money(loose.money),
            pin: self.intern_pin(loose.pin.clone()),
            next: NONE,
            next_unnamed: NONE,
            namesake: NONE,
            ..loose.record
        };
        self.add(record)
    }

    /// Roughly the bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        self.records.capacity() * size_of::<Record>()
            + self.ids.capacity()
            + self.moneys.capacity() * size_of::<Money>()
            + self.pins.capacity() * size_of::<Pin>()
            + self.words.bytes()
    }

    /// The handle of an id; that of no id is 0.
    pub(super) fn intern_id(&mut self, id: &[u8]) -> u32 {
        if id.is_empty() {
            return 0;
        }
        if self.ids.is_empty() {
            // No handle is 0.
            self.ids.push(0);
        }
        let handle = self.ids.len() as u32;
        self.ids.push(id.len() as u8);
        self.ids.extend_from_slice(id);
        handle
    }

    fn text(&self, handle: u32) -> &[u8] {
        match handle as usize {
            0 => &[],
            place => &self.ids[place + 1..][..usize::from(self.ids[place])],
        }
    }

    pub(super) fn intern_money(&mut self, money: Money) -> u32 {
        if money == Money::default() {
            return 0;
        }
        self.moneys.push(money);
        self.moneys.len() as u32
    }

    fn intern_pin(&mut self, pin: Option<Pin>) -> u32 {
        let Some(pin) = pin else { return 0 };
        self.pins.push(pin);
        self.pins.len() as u32
    }
}

/// The id that these bytes were made of.
pub(super) fn as_id(bytes: &[u8]) -> EventId {
    let id = std::str::from_utf8(bytes).ok().and_then(|text| EventId::parse(text).ok());
    #[expect(
        clippy::expect_used,
        reason = "a pool takes bytes of ids only: of events, and of pages that were checked"
    )]
    id.expect("the bytes of an id")
}
