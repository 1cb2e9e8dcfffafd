//! Which events have to do with each other, among many of which most have to do with none.

use rustc_hash::FxHashMap;

use super::pool::Slot;
use super::words::Values;
use crate::cell::Dimension;
use crate::event::Kind;

/// Bits of a filter for each of its keys: one in sixteen of what is not there passes.
const KEY_BITS: usize = 16;
/// The most bits of a filter: sixteen megabytes.
const MAX_BITS: usize = 1 << 27;

/// A few of many hashes: most of the others are told from them by looking at one bit.
#[derive(Debug)]
pub(super) struct Sieve {
    bits: Vec<u64>,
    shift: u32,
}

/// The same, exactly, and numbered as they come.
#[derive(Debug)]
pub(super) struct Few {
    sieve: Sieve,
    numbers: FxHashMap<u64, u32>,
}

/// By number of a name that is looked for, the events that have it.
#[derive(Debug)]
pub(super) struct Namesakes {
    names: Few,
    /// Where those of each number begin, and where the last ones end.
    starts: Vec<u32>,
    slots: Vec<Slot>,
}

/// Children that look for a touch by user: what impressions they may take. A view or click takes one of its ad, a
/// conversion one of its campaign, or any where it says none.
#[derive(Debug)]
pub(super) struct Seekers {
    groups: Sieve,
    wanted: Sieve,
}

/// Groups that are tied together: by group another one of them, up to one that stands for all (Galler and Fischer 1964).
#[derive(Debug, Default)]
pub(super) struct Ties(FxHashMap<u64, u64>);

impl Sieve {
    /// None yet, of `most` at most.
    pub(super) fn with_room(most: usize) -> Self {
        let bits = most.saturating_mul(KEY_BITS).clamp(u64::BITS as usize, MAX_BITS).next_power_of_two();
        Self { bits: vec![0; bits / u64::BITS as usize], shift: u64::BITS - bits.ilog2() }
    }

    fn place(&self, key: u64) -> (usize, u64) {
        // The product's first bits depend on all bits of the key.
        let place = key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift;
        ((place / u64::from(u64::BITS)) as usize, 1 << (place % u64::from(u64::BITS)))
    }

    pub(super) fn add(&mut self, key: u64) {
        let (word, bit) = self.place(key);
        self.bits[word] |= bit;
    }

    /// Whether it may be one of them.
    #[inline]
    pub(super) fn may_have(&self, key: u64) -> bool {
        let (word, bit) = self.place(key);
        self.bits[word] & bit != 0
    }
}

impl Few {
    /// Those of them that are different, which are `most` at most.
    pub(super) fn of(keys: impl Iterator<Item = u64>, most: usize) -> Self {
        let mut few = Self { sieve: Sieve::with_room(most), numbers: FxHashMap::default() };
        for key in keys {
            few.sieve.add(key);
            let next = few.numbers.len() as u32;
            few.numbers.entry(key).or_insert(next);
        }
        few
    }

    /// The number of a key that is there.
    #[inline]
    pub(super) fn number(&self, key: u64) -> Option<u32> {
        if self.sieve.may_have(key) { self.numbers.get(&key).copied() } else { None }
    }

    fn len(&self) -> usize {
        self.numbers.len()
    }
}

impl Namesakes {
    /// The events that were found to have these names, each with the number of its name.
    pub(super) fn of(names: Few, found: Vec<(u32, Slot)>) -> Self {
        let mut starts = vec![0; names.len() + 1];
        found.iter().for_each(|(number, _)| starts[*number as usize + 1] += 1);
        (1..starts.len()).for_each(|number| starts[number] += starts[number - 1]);
        let (mut next, mut slots) = (starts.clone(), vec![0; found.len()]);
        for (number, slot) in found {
            let place = &mut next[number as usize];
            slots[*place as usize] = slot;
            *place += 1;
        }
        Self { names, starts, slots }
    }

    /// The events of this name.
    pub(super) fn of_name(&self, name: u64) -> &[Slot] {
        let Some(number) = self.names.number(name) else { return &[] };
        let number = number as usize;
        &self.slots[self.starts[number] as usize..self.starts[number + 1] as usize]
    }
}

impl Seekers {
    /// None yet, of `most` at most.
    pub(super) fn with_room(most: usize) -> Self {
        Self { groups: Sieve::with_room(most), wanted: Sieve::with_room(most) }
    }

    pub(super) fn add(&mut self, kind: Kind, group: u64, values: &Values) {
        let by = if kind == Kind::Conversion { Dimension::Campaign } else { Dimension::Ad };
        self.groups.add(group);
        self.wanted.add(wanted(group, by, values[by as usize]));
    }

    /// Whether one of them may take an impression of the group.
    #[inline]
    pub(super) fn may_take<'a>(&self, group: u64, values: impl FnOnce() -> &'a Values) -> bool {
        self.groups.may_have(group) && {
            let values = values();
            let by = |dimension, value| self.wanted.may_have(wanted(group, dimension, value));
            by(Dimension::Ad, values[Dimension::Ad as usize])
                || by(Dimension::Campaign, values[Dimension::Campaign as usize])
                || by(Dimension::Campaign, 0)
        }
    }
}

/// A touch that is looked for, as a number; others may be the same number.
fn wanted(group: u64, by: Dimension, value: u32) -> u64 {
    let place = u64::from(value) << 8 | by as u64;
    group.rotate_left(29) ^ place.wrapping_mul(0xd6e8_feb8_6659_fd93)
}

impl Ties {
    pub(super) fn tie(&mut self, one: u64, other: u64) {
        let (one, other) = (self.root(one).unwrap_or(one), self.root(other).unwrap_or(other));
        self.0.insert(one, other);
        self.0.insert(other, other);
    }

    /// The group that stands for all that this one is tied to; `None` where it is tied to none.
    pub(super) fn root(&mut self, group: u64) -> Option<u64> {
        let mut place = *self.0.get(&group)?;
        while let Some(&next) = self.0.get(&place).filter(|next| **next != place) {
            place = next;
        }
        // The way is short next time.
        self.0.insert(group, place);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_found_among_many() {
        let few = Few::of([7, 9, 7, u64::MAX].into_iter(), 4);
        let numbers: Vec<(u64, u32)> =
            (0..100_000).chain([u64::MAX]).filter_map(|key| Some((key, few.number(key)?))).collect();
        assert_eq!(numbers, [(7, 0), (9, 1), (u64::MAX, 2)]);
        assert_eq!(Few::of([].into_iter(), 0).number(7), None);
    }

    #[test]
    fn namesakes_keep_their_order() {
        let names = Few::of([5, 6, 8].into_iter(), 3);
        let named = [(8, 0), (5, 1), (1, 2), (8, 3), (5, 4)];
        let found = named.iter().filter_map(|(name, slot)| Some((names.number(*name)?, *slot))).collect();
        let namesakes = Namesakes::of(names, found);
        let of_names: Vec<&[Slot]> = [5, 6, 8, 1].map(|name| namesakes.of_name(name)).to_vec();
        assert_eq!(of_names, [&[1, 4][..], &[], &[0, 3], &[]]);
    }
}
