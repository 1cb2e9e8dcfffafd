//! Events as they are held by the million: some seventy bytes each, in columns that are read alone.
//!
//! What decides with which others an event is looked at, its hashes and a few bits, stands in columns of its own; the
//! rest is looked at once, when the event is settled. Blocks are of one size, so nothing is moved when there are more.

use rustc_hash::FxHashMap;

use super::parts::{Marks, Parts};
use super::pool::{Money, NO_POSITION, Pool, Record, Slot, as_id};
use super::settle::{Rules, SlotLink, State};
use super::words::Tuple;
use crate::event::{EventRef, Kind, Screening};

/// Rows of a block.
const BLOCK_BITS: u32 = 13;
const BLOCK: usize = 1 << BLOCK_BITS;
/// Bytes of a piece of texts.
const PIECE_BITS: u32 = 16;
const PIECE: usize = 1 << PIECE_BITS;
/// Instead of a number that does not fit.
const WIDE: u32 = u32::MAX;

/// What is looked at when an event is settled.
#[derive(Debug, Clone, Copy)]
struct Rest {
    /// Numbers since those of the block.
    at: u32,
    received: u32,
    row: u32,
    cost: u32,
    tuple: Tuple,
    id: u32,
    /// One more than the place of what few events have; 0: nothing.
    more: u32,
    settings: u32,
}

/// A column of numbers that lie near each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Near {
    At,
    Received,
    Row,
    Cost,
}

/// What few events have.
#[derive(Debug, Clone, Copy)]
struct More {
    impression: u32,
    click: u32,
    value_micros: i64,
    /// The hash of the parent that it names, if it names one.
    parent: Option<u64>,
}

#[derive(Debug, Default)]
struct Block {
    marks: Vec<Marks>,
    names: Vec<u64>,
    groups: Vec<u64>,
    rest: Vec<Rest>,
    /// What [`Near`] numbers are counted from.
    base: [i64; 4],
}

/// Columns of events.
#[derive(Debug, Default)]
pub(super) struct Rows {
    blocks: Vec<Block>,
    texts: Texts,
    mores: Vec<More>,
    /// Numbers that are too far from those of their block.
    wide: FxHashMap<(Slot, Near), i64>,
    /// How often events were delivered again.
    duplicates: FxHashMap<Slot, u32>,
    /// The places of all but impressions.
    children: Vec<Slot>,
    len: usize,
}

/// Texts of up to 255 bytes one after the other, each behind its length.
#[derive(Debug, Default)]
struct Texts(Vec<Vec<u8>>);

impl Rows {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Takes in an event.
    pub(super) fn push(&mut self, parts: &Parts<'_>) {
        // An event takes more than a byte, and there are no 2^32 bytes for them where this runs.
        let slot = self.len as Slot;
        if self.len & (BLOCK - 1) == 0 {
            self.blocks.push(Block::beginning_with(parts, self.len > 0));
        }
        let has_more =
            parts.money.value_micros != 0 || !parts.impression.is_empty() || !parts.click.is_empty();
        let more = if has_more { self.push_more(parts) } else { 0 };
        let id = self.texts.push(parts.id);
        let Some(block) = self.blocks.last_mut() else { return };
        let [at, received, row, cost] = block.base;
        let mut near = |field: Near, base: i64, value: i64| {
            let offset = value.wrapping_sub(base).cast_unsigned();
            if offset < u64::from(WIDE) {
                return offset as u32;
            }
            self.wide.insert((slot, field), value);
            WIDE
        };
        let rest = Rest {
            at: near(Near::At, at, parts.at),
            received: near(Near::Received, received, parts.received),
            row: near(Near::Row, row, parts.row),
            cost: near(Near::Cost, cost, parts.money.cost_micros.unwrap_or(0)),
            tuple: parts.tuple,
            id,
            more,
            settings: parts.settings,
        };
        block.marks.push(parts.marks());
        block.names.push(parts.name);
        block.groups.push(parts.group);
        block.rest.push(rest);
        if parts.kind != Kind::Impression {
            self.children.push(slot);
        }
        self.len += 1;
    }

    fn push_more(&mut self, parts: &Parts<'_>) -> u32 {
        let mut text = |id: &[u8]| if id.is_empty() { 0 } else { self.texts.push(id) };
        let (impression, click) = (text(parts.impression), text(parts.click));
        let value_micros = parts.money.value_micros;
        self.mores.push(More { impression, click, value_micros, parent: parts.parent() });
        self.mores.len() as u32
    }

    fn block(&self, slot: Slot) -> (&Block, usize) {
        (&self.blocks[(slot >> BLOCK_BITS) as usize], slot as usize & (BLOCK - 1))
    }

    /// All that is looked at to find out with which others an event has to do: place, marks, name, group.
    pub(super) fn each(&self, mut look: impl FnMut(Slot, Marks, u64, u64)) {
        let mut slot = 0;
        for Block { marks, names, groups, .. } in &self.blocks {
            for ((marks, name), group) in marks.iter().zip(names).zip(groups) {
                look(slot, *marks, *name, *group);
                slot += 1;
            }
        }
    }

    /// The names of all, in their order.
    pub(super) fn names(&self) -> impl Iterator<Item = &[u64]> {
        self.blocks.iter().map(|block| &block.names[..])
    }

    /// The places of all but impressions.
    pub(super) fn children(&self) -> &[Slot] {
        &self.children
    }

    pub(super) fn marks(&self, slot: Slot) -> Marks {
        let (block, at) = self.block(slot);
        block.marks[at]
    }

    pub(super) fn group(&self, slot: Slot) -> u64 {
        let (block, at) = self.block(slot);
        block.groups[at]
    }

    /// The dimensions that an event says itself.
    pub(super) fn tuple(&self, slot: Slot) -> Tuple {
        let (block, at) = self.block(slot);
        block.rest[at].tuple
    }

    pub(super) fn id(&self, slot: Slot) -> &[u8] {
        let (block, at) = self.block(slot);
        self.texts.get(block.rest[at].id)
    }

    pub(super) fn received(&self, slot: Slot) -> i64 {
        let (block, at) = self.block(slot);
        self.near(slot, block, Near::Received, block.rest[at].received)
    }

    pub(super) fn log_row(&self, slot: Slot) -> i64 {
        let (block, at) = self.block(slot);
        self.near(slot, block, Near::Row, block.rest[at].row)
    }

    fn near(&self, slot: Slot, block: &Block, field: Near, offset: u32) -> i64 {
        match offset {
            WIDE => self.wide.get(&(slot, field)).copied().unwrap_or(0),
            offset => block.base[field as usize].wrapping_add(i64::from(offset)),
        }
    }

    fn more(&self, rest: &Rest) -> Option<&More> {
        rest.more.checked_sub(1).map(|place| &self.mores[place as usize])
    }

    /// The hash of the parent that an event names.
    pub(super) fn parent(&self, slot: Slot) -> Option<u64> {
        let (block, at) = self.block(slot);
        self.more(&block.rest[at])?.parent
    }

    pub(super) fn duplicates(&self, slot: Slot) -> u32 {
        if self.marks(slot).has(Marks::AGAIN) { self.duplicates.get(&slot).copied().unwrap_or(0) } else { 0 }
    }

    /// An event was delivered again so often.
    pub(super) fn repeat(&mut self, slot: Slot, count: u32) {
        let times = self.duplicates.entry(slot).or_default();
        *times = times.saturating_add(count);
        self.mark(slot, Marks::AGAIN);
    }

    /// A delivery of one that is there.
    pub(super) fn drop(&mut self, slot: Slot) {
        self.mark(slot, Marks::DUPLICATE);
    }

    /// Others may depend on it.
    pub(super) fn meet(&mut self, slot: Slot) {
        self.mark(slot, Marks::MET);
    }

    fn mark(&mut self, slot: Slot, mark: u16) {
        let place = slot as usize & (BLOCK - 1);
        self.blocks[(slot >> BLOCK_BITS) as usize].marks[place].add(mark);
    }

    /// An event without its texts and its money.
    pub(super) fn record(&self, slot: Slot) -> Record {
        let (block, at) = self.block(slot);
        let (rest, marks) = (&block.rest[at], block.marks[at]);
        let near = |field, offset| self.near(slot, block, field, offset);
        let blank = Record::blank(
            block.groups[at],
            block.names[at],
            near(Near::At, rest.at),
            near(Near::Received, rest.received),
            rest.settings,
        );
        Record {
            position: NO_POSITION,
            row: near(Near::Row, rest.row),
            tuple: rest.tuple,
            duplicates: self.duplicates(slot),
            kind: marks.kind(),
            screening: marks.screening(),
            has_user: marks.has_user(),
            ..blank
        }
    }

    /// What an impression is on which no other event has any bearing.
    pub(super) fn alone(&self, slot: Slot, rules: &Rules) -> State {
        let (block, at) = self.block(slot);
        match block.marks[at].screening() {
            Screening::Clean if rules.rulings.is_empty() => {
                State { invalid: None, link: SlotLink::Root, tuple: block.rest[at].tuple }
            }
            _ => State::alone(&self.record(slot), rules),
        }
    }

    pub(super) fn money(&self, slot: Slot) -> Money {
        let (block, at) = self.block(slot);
        let rest = &block.rest[at];
        let cost = block.marks[at].has(Marks::COST).then(|| self.near(slot, block, Near::Cost, rest.cost));
        Money { cost_micros: cost, value_micros: self.more(rest).map_or(0, |more| more.value_micros) }
    }

    /// Puts an event where it can be settled.
    pub(super) fn lend(&self, slot: Slot, pool: &mut Pool) -> Slot {
        let (block, at) = self.block(slot);
        let rest = &block.rest[at];
        let more = self.more(rest);
        let text = |handle: u32| if handle == 0 { &[][..] } else { self.texts.get(handle) };
        let record = Record {
            id: pool.intern_id(self.texts.get(rest.id)),
            impression: more.map_or(0, |more| pool.intern_id(text(more.impression))),
            click: more.map_or(0, |more| pool.intern_id(text(more.click))),
            money: pool.intern_money(self.money(slot)),
            ..self.record(slot)
        };
        pool.add(record)
    }

    pub(super) fn event_ref(&self, slot: Slot) -> EventRef {
        EventRef { kind: self.marks(slot).kind(), id: as_id(self.id(slot)) }
    }
}

impl Block {
    fn beginning_with(parts: &Parts<'_>, is_one_of_many: bool) -> Self {
        // Later events may be earlier ones.
        let before = |value: i64| value.saturating_sub(1 << 31);
        let base = [before(parts.at), before(parts.received), before(parts.row), 0];
        let room = if is_one_of_many { BLOCK } else { 0 };
        Self {
            marks: Vec::with_capacity(room),
            names: Vec::with_capacity(room),
            groups: Vec::with_capacity(room),
            rest: Vec::with_capacity(room),
            base,
        }
    }
}

impl Texts {
    /// A handle that is not 0.
    fn push(&mut self, text: &[u8]) -> u32 {
        let has_room = |piece: &Vec<u8>| piece.len() + 1 + text.len() <= PIECE;
        if !self.0.last().is_some_and(has_room) {
            let room = if self.0.is_empty() { 0 } else { PIECE };
            let mut piece = Vec::with_capacity(room);
            // No handle is 0.
            piece.push(0);
            self.0.push(piece);
        }
        let piece = self.0.len() - 1;
        let bytes = &mut self.0[piece];
        let handle = (piece << PIECE_BITS | bytes.len()) as u32;
        // Ids have up to 64 bytes.
        bytes.push(text.len() as u8);
        bytes.extend_from_slice(text);
        handle
    }

    fn get(&self, handle: u32) -> &[u8] {
        let piece = &self.0[(handle >> PIECE_BITS) as usize];
        let place = handle as usize & (PIECE - 1);
        &piece[place + 1..][..usize::from(piece[place])]
    }
}
