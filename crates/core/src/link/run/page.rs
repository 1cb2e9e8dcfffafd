//! Pages: a few kilobytes of records, with the dimension values that occur in them, readable on their own.

use super::ShelfError;
use crate::event::{Kind, Screening};
use crate::key::{EventId, Key};
use crate::link::pool::{Loose, Money, NO_POSITION, NONE, Pin, Pool, Record, Role, Slot, name_hash};
use crate::link::words::Values;
use crate::varint::{self, Reader, unzigzag, zigzag};

/// A page is closed when it has so many bytes: a look decodes one, and the first key of each is in memory.
const PAGE_BYTES: usize = 8_192;
/// Names in a page of names, 16 bytes each.
pub(super) const PAGE_NAMES: usize = 512;

const SCREENINGS: [Screening; 3] = [Screening::Clean, Screening::Bot, Screening::Datacenter];

/// What is wrong with a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    Damaged,
    Settings(u64),
}

impl Flaw {
    pub(super) fn of(self, run: u64) -> ShelfError {
        match self {
            Flaw::Damaged => ShelfError::Damaged(run),
            Flaw::Settings(revision) => ShelfError::Settings(revision),
        }
    }
}

/// The numbers that the next record is written as a difference to.
#[derive(Debug, Default)]
struct Previous {
    group: u64,
    at: i64,
    received: i64,
    position: u64,
    row: i64,
}

/// A page that is being written.
#[derive(Debug, Default)]
pub(super) struct PageWriter {
    words: Vec<Key>,
    word_bytes: usize,
    by_word: rustc_hash::FxHashMap<Key, u64>,
    records: Vec<u8>,
    count: u64,
    first: u64,
    previous: Previous,
}

impl PageWriter {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn is_full(&self) -> bool {
        self.records.len() + self.word_bytes >= PAGE_BYTES
    }

    /// The first group, and the bytes; the writer is empty after it.
    pub(super) fn close(&mut self) -> (u64, Vec<u8>) {
        let PageWriter { words, records, count, first, .. } = std::mem::take(self);
        let mut out = Vec::with_capacity(records.len() + 16 * words.len());
        varint::write(&mut out, words.len() as u64);
        for word in words {
            write_bytes(&mut out, word.as_str().as_bytes());
        }
        varint::write(&mut out, count);
        out.extend(records);
        (first, out)
    }

    pub(super) fn push(&mut self, pool: &Pool, slot: Slot) {
        let record = pool.get(slot);
        if self.count == 0 {
            self.first = record.group;
        }
        self.count += 1;
        let pin = pool.pin(slot);
        let screening = SCREENINGS.iter().position(|known| *known == record.screening).unwrap_or(0);
        let bits = [record.has_user, record.role == Role::Tie, record.again, pin.is_some()];
        let flags = bits.iter().enumerate().fold(0, |flags, (n, bit)| flags | (u8::from(*bit) << (4 + n)));
        self.records.push(record.kind as u8 | (screening as u8) << 2 | flags);
        let before = &mut self.previous;
        let differences = [
            record.group.wrapping_sub(before.group),
            zigzag(record.at.wrapping_sub(before.at)),
            zigzag(record.received.wrapping_sub(before.received)),
        ];
        differences.into_iter().for_each(|difference| varint::write(&mut self.records, difference));
        (before.group, before.at, before.received) = (record.group, record.at, record.received);
        if record.role == Role::Tie {
            varint::write(&mut self.records, record.hash);
            return;
        }
        let position = record.position.wrapping_sub(before.position) as i64;
        varint::write(&mut self.records, zigzag(position));
        varint::write(&mut self.records, zigzag(record.row.wrapping_sub(before.row)));
        (before.position, before.row) = (record.position, record.row);
        write_bytes(&mut self.records, pool.id(slot));
        write_bytes(&mut self.records, pool.impression(slot).unwrap_or_default());
        write_bytes(&mut self.records, pool.click(slot).unwrap_or_default());
        self.write_values(pool, *pool.words.values(record.tuple));
        let Money { cost_micros, value_micros } = pool.money(slot);
        self.records.push(u8::from(cost_micros.is_some()));
        varint::write(&mut self.records, zigzag(cost_micros.unwrap_or(0)));
        varint::write(&mut self.records, zigzag(value_micros));
        varint::write(&mut self.records, pool.revision(slot));
        varint::write(&mut self.records, u64::from(record.duplicates));
        if let Some(pin) = pin {
            write_bytes(&mut self.records, pin.id.as_str().as_bytes());
            varint::write(&mut self.records, zigzag(pin.at.wrapping_sub(record.at)));
            varint::write(&mut self.records, zigzag(pin.received.wrapping_sub(record.received)));
            varint::write(&mut self.records, pin.group);
            self.records.push(u8::from(pin.has_user));
            self.write_values(pool, *pool.words.values(pin.tuple));
        }
    }

    fn write_values(&mut self, pool: &Pool, values: Values) {
        for value in values {
            let key = pool.words.key(value);
            let number = match self.by_word.get(key) {
                Some(number) => *number,
                None => {
                    let number = self.words.len() as u64;
                    self.word_bytes += key.as_str().len() + 1;
                    self.words.push(key.clone());
                    self.by_word.insert(key.clone(), number);
                    number
                }
            };
            varint::write(&mut self.records, number);
        }
    }
}

/// Adds the records of a page to a pool: all, or those of one group.
pub(super) fn read(bytes: &[u8], only: Option<u64>, pool: &mut Pool) -> Result<(), Flaw> {
    let mut from = Reader::new(bytes);
    let words = read_words(&mut from).ok_or(Flaw::Damaged)?;
    let count = from.varint().ok_or(Flaw::Damaged)?;
    let mut previous = Previous::default();
    for _ in 0..count {
        let group = read_record(&mut from, &words, &mut previous, only, pool)?;
        if only.is_some_and(|only| group > only) {
            return Ok(());
        }
    }
    if from.is_empty() { Ok(()) } else { Err(Flaw::Damaged) }
}

/// What can be seen of a record in passing.
#[derive(Debug, Clone, Copy)]
pub(in crate::link) struct Passing<'a> {
    pub(in crate::link) kind: Kind,
    pub(in crate::link) role: Role,
    pub(in crate::link) at: i64,
    pub(in crate::link) received: i64,
    /// The hash of its name; of a tie the group that it points to.
    pub(in crate::link) hash: u64,
    pub(in crate::link) id: &'a [u8],
    /// The kind and id of the parent that it names.
    pub(in crate::link) parent: Option<(Kind, &'a [u8])>,
    pub(in crate::link) again: bool,
    /// The name and the arrival of the impression that it remembers.
    pub(in crate::link) pin: Option<(u64, i64)>,
}

/// Shows the records of a group in a page, and adds those to a pool that are wanted; without a pool none is.
pub(super) fn pass(
    bytes: &[u8],
    only: u64,
    mut pool: Option<&mut Pool>,
    wanted: &mut dyn FnMut(&Passing<'_>) -> bool,
) -> Result<(), Flaw> {
    let mut from = Reader::new(bytes);
    let words = read_words(&mut from).ok_or(Flaw::Damaged)?;
    let count = from.varint().ok_or(Flaw::Damaged)?;
    let mut before = Previous::default();
    for _ in 0..count {
        let raw = RawRecord::read(&mut from, &mut before).ok_or(Flaw::Damaged)?;
        if before.group > only {
            return Ok(());
        }
        if before.group == only && wanted(&raw.passing(&before).ok_or(Flaw::Damaged)?) {
            pool.as_mut().map_or(Ok(()), |pool| raw.fasten(&words, &before, pool))?;
        }
    }
    if from.is_empty() { Ok(()) } else { Err(Flaw::Damaged) }
}

/// The groups of a page, of each record one.
pub(super) fn groups(bytes: &[u8]) -> Option<Vec<u64>> {
    let mut from = Reader::new(bytes);
    read_words(&mut from)?;
    let count = from.count(from.len())?;
    let mut previous = Previous::default();
    let group = |_| RawRecord::read(&mut from, &mut previous).map(|_| previous.group);
    (0..count).map(group).collect()
}

/// The dimension values of a page; looked at only where a record refers to them.
fn read_words<'a>(from: &mut Reader<'a>) -> Option<Vec<&'a [u8]>> {
    let count = from.count(from.len())?;
    (0..count).map(|_| read_bytes(from)).collect()
}

fn read_record(
    from: &mut Reader<'_>,
    words: &[&[u8]],
    before: &mut Previous,
    only: Option<u64>,
    pool: &mut Pool,
) -> Result<u64, Flaw> {
    let raw = RawRecord::read(from, before).ok_or(Flaw::Damaged)?;
    let group = before.group;
    if only.is_none_or(|only| only == group) {
        raw.fasten(words, before, pool)?;
    }
    Ok(group)
}

/// A record as it is written.
struct RawRecord<'a> {
    flags: u8,
    /// The group that a tie points to.
    to: u64,
    /// Nothing for a tie.
    body: Option<RawBody<'a>>,
    revision: u64,
}

struct RawBody<'a> {
    id: &'a [u8],
    impression: &'a [u8],
    click: &'a [u8],
    values: [usize; 8],
    money: Money,
    duplicates: u64,
    pin: Option<RawPin<'a>>,
}

struct RawPin<'a> {
    id: &'a [u8],
    at: i64,
    received: i64,
    group: u64,
    has_user: bool,
    values: [usize; 8],
}

impl<'a> RawRecord<'a> {
    fn read(from: &mut Reader<'a>, before: &mut Previous) -> Option<Self> {
        let flags = from.byte()?;
        before.group = before.group.wrapping_add(from.varint()?);
        before.at = before.at.wrapping_add(unzigzag(from.varint()?));
        before.received = before.received.wrapping_add(unzigzag(from.varint()?));
        if flags & 0x20 != 0 {
            return Some(Self { flags, to: from.varint()?, body: None, revision: 0 });
        }
        before.position = before.position.wrapping_add(unzigzag(from.varint()?) as u64);
        before.row = before.row.wrapping_add(unzigzag(from.varint()?));
        let (id, impression, click) = (read_bytes(from)?, read_bytes(from)?, read_bytes(from)?);
        let values = read_values(from)?;
        let has_cost = from.byte()? != 0;
        let (cost, value_micros) = (unzigzag(from.varint()?), unzigzag(from.varint()?));
        let money = Money { cost_micros: has_cost.then_some(cost), value_micros };
        let (revision, duplicates) = (from.varint()?, from.varint()?);
        let pin = if flags & 0x80 != 0 { Some(RawPin::read(from, before)?) } else { None };
        let body = RawBody { id, impression, click, values, money, duplicates, pin };
        Some(Self { flags, to: 0, body: Some(body), revision })
    }

    fn kind(&self) -> Option<Kind> {
        Kind::ALL.get(usize::from(self.flags & 3)).copied()
    }

    fn passing(&self, place: &Previous) -> Option<Passing<'a>> {
        let kind = self.kind()?;
        let body = self.body.as_ref();
        let some = |id: &'a [u8]| Some(id).filter(|id| !id.is_empty());
        let click = body.and_then(|body| some(body.click)).filter(|_| kind == Kind::Conversion);
        let impression = body.and_then(|body| some(body.impression));
        let pin = body.and_then(|body| body.pin.as_ref());
        Some(Passing {
            kind,
            role: if body.is_some() { Role::Event } else { Role::Tie },
            at: place.at,
            received: place.received,
            hash: body.map_or(self.to, |body| name_hash(kind, body.id)),
            id: body.map_or(&[], |body| body.id),
            parent: click.map(|id| (Kind::Click, id)).or(impression.map(|id| (Kind::Impression, id))),
            again: self.flags & 0x40 != 0,
            pin: pin.map(|pin| (name_hash(Kind::Impression, pin.id), pin.received)),
        })
    }

    /// Adds the record to a pool.
    fn fasten(&self, words: &[&[u8]], place: &Previous, pool: &mut Pool) -> Result<(), Flaw> {
        let number = match self.body {
            Some(_) => pool.number_of_revision(self.revision).ok_or(Flaw::Settings(self.revision))?,
            None => 0,
        };
        let loose = self.loosen(words, place, number, pool).ok_or(Flaw::Damaged)?;
        pool.fasten(&loose);
        Ok(())
    }

    fn loosen(&self, words: &[&[u8]], at: &Previous, settings: u32, pool: &mut Pool) -> Option<Loose> {
        let kind = self.kind()?;
        let screening = *SCREENINGS.get(usize::from(self.flags >> 2 & 3))?;
        let body = self.body.as_ref();
        let tuple = match body {
            Some(body) => tuple(words, &body.values, pool)?,
            None => 0,
        };
        let hash = body.map_or(self.to, |body| name_hash(kind, body.id));
        let record = Record {
            position: if body.is_some() { at.position } else { NO_POSITION },
            row: if body.is_some() { at.row } else { 0 },
            tuple,
            duplicates: u32::try_from(body.map_or(0, |body| body.duplicates)).ok()?,
            next: NONE,
            kind,
            screening,
            has_user: self.flags & 0x10 != 0,
            role: if body.is_some() { Role::Event } else { Role::Tie },
            again: self.flags & 0x40 != 0,
            ..Record::blank(at.group, hash, at.at, at.received, settings)
        };
        let Some(body) = body else {
            return Some(Loose::of(record));
        };
        let pin = match &body.pin {
            Some(pin) => Some(pin.fasten(words, pool)?),
            None => None,
        };
        let checked = |id: &[u8]| (id.is_empty() || is_id(id)).then(|| id.to_vec());
        Some(Loose {
            record,
            id: checked(body.id).filter(|id| !id.is_empty())?,
            impression: checked(body.impression)?,
            click: checked(body.click)?,
            money: body.money,
            pin,
        })
    }
}

impl<'a> RawPin<'a> {
    fn read(from: &mut Reader<'a>, before: &Previous) -> Option<Self> {
        Some(Self {
            id: read_bytes(from)?,
            at: before.at.wrapping_add(unzigzag(from.varint()?)),
            received: before.received.wrapping_add(unzigzag(from.varint()?)),
            group: from.varint()?,
            has_user: from.byte()? != 0,
            values: read_values(from)?,
        })
    }

    fn fasten(&self, words: &[&[u8]], pool: &mut Pool) -> Option<Pin> {
        let id = std::str::from_utf8(self.id).ok().and_then(|text| EventId::parse(text).ok())?;
        let tuple = tuple(words, &self.values, pool)?;
        let Self { at, received, group, has_user, .. } = *self;
        Some(Pin { id, at, received, group, has_user, tuple })
    }
}

fn is_id(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| EventId::parse(text).is_ok())
}

fn tuple(words: &[&[u8]], numbers: &[usize; 8], pool: &mut Pool) -> Option<u32> {
    let mut values: Values = [0; 8];
    for (value, number) in values.iter_mut().zip(numbers) {
        let word = std::str::from_utf8(words.get(*number)?).ok()?;
        *value = pool.words.word(&Key::parse(word).ok()?);
    }
    Some(pool.words.tuple(values))
}

fn read_values(from: &mut Reader<'_>) -> Option<[usize; 8]> {
    let mut values = [0; 8];
    for value in &mut values {
        *value = usize::try_from(from.varint()?).ok()?;
    }
    Some(values)
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    varint::write(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn read_bytes<'a>(from: &mut Reader<'a>) -> Option<&'a [u8]> {
    let len = from.count(from.len())?;
    from.take(len)
}

/// A page of names, sorted: hash and group.
pub(super) fn write_names(names: &[(u64, u64)]) -> Vec<u8> {
    names.iter().flat_map(|(name, group)| [name.to_le_bytes(), group.to_le_bytes()]).flatten().collect()
}

/// Reads what [`write_names`] wrote.
pub(super) fn read_names(bytes: &[u8]) -> Option<Vec<(u64, u64)>> {
    let number = |bytes: &[u8]| bytes.try_into().map(u64::from_le_bytes).ok();
    let pair = |pair: &[u8]| Some((number(&pair[..8])?, number(&pair[8..])?));
    bytes.len().is_multiple_of(16).then(|| bytes.chunks_exact(16).map(pair).collect())?
}
