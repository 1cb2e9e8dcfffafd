//! The groups of one hour: a table that is small and used for a while, so it stays near.

use crate::link::FactMeasures;
use crate::measure::Measure;
use crate::numbers::Slots;
use crate::sketch::{self, SPARSE_MAX, Sketch, SketchView};

/// The measures that most rows have: their sums lie with the key of a group, all others apart.
pub(super) const NEAR: [Measure; 3] = [Measure::Impressions, Measure::Views, Measure::CostMicros];

/// Users or rare figures of an hour that are kept as they came, before those of one place are put together.
const MAX_REPEATED: usize = 1 << 20;

/// Slots of a table with its first key.
const FIRST_SLOTS: usize = 1 << 6;

/// What an hour has of each group.
#[derive(Debug, Default)]
pub(super) struct Hourly {
    slots: Slots,
    groups: Vec<Group>,
    /// Group, measure and amount of what is not near.
    rare: Vec<(u32, Measure, i64)>,
    /// How many of `rare` were of different places when that was looked at last.
    different_rare: usize,
    /// Group and sketch entry of each user who was reached.
    reached: Vec<(u32, u32)>,
    /// How many of `reached` were different when that was looked at last.
    different_reached: usize,
}

/// The rows of one tuple.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    pub(super) key: u64,
    /// In the order of [`NEAR`].
    pub(super) near: [i64; NEAR.len()],
}

/// The users of an hour by group.
#[derive(Debug, Default)]
pub(super) struct Reached {
    /// Where the entries of each group end; they begin where those before end. Empty where the hour has no users.
    ends: Vec<u32>,
    entries: Vec<u32>,
    /// Those with too many users for entries, by group, ascending.
    dense: Vec<(u32, Sketch)>,
}

impl Hourly {
    /// The groups by number.
    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The figures that do not lie with their group: its number, the measure, the amount.
    pub(super) fn rare(&self) -> &[(u32, Measure, i64)] {
        &self.rare
    }

    /// The number of the group with this key; a new one gets the next.
    #[inline]
    pub(super) fn group(&mut self, key: u64) -> u32 {
        let make = || Group { key, near: [0; NEAR.len()] };
        self.slots.number(key, &mut self.groups, |group| group.key, make, FIRST_SLOTS)
    }

    /// What the slot says in which a key is looked for first.
    #[inline]
    pub(super) fn first_slot(&self, key: u64) -> u32 {
        self.slots.first(key)
    }

    /// The key of the group that a slot says; that of another one where the slot is free.
    #[inline]
    pub(super) fn key_in(&self, slot: u32) -> u64 {
        self.groups.get(slot.saturating_sub(1) as usize).map_or(0, |group| group.key)
    }

    /// Adds to one figure.
    pub(super) fn add(&mut self, group: u32, measure: Measure, amount: i64) {
        match NEAR.iter().position(|near| *near == measure) {
            Some(place) => {
                let sum = &mut self.groups[group as usize].near[place];
                *sum = sum.wrapping_add(amount);
            }
            None => self.add_rare(group, measure, amount),
        }
    }

    /// Adds what an event counts, or takes it away.
    #[inline]
    pub(super) fn count(&mut self, group: u32, sign: i8, measures: &FactMeasures) {
        let sign = if sign < 0 { -1 } else { 1 };
        let (counted, [cost, value, duplicates]) = measures.parts();
        let ones = |measure: Measure| sign * i64::from(counted >> measure as u32 & 1);
        let amounts = [ones(Measure::Impressions), ones(Measure::Views), cost.wrapping_mul(sign)];
        for (sum, amount) in self.groups[group as usize].near.iter_mut().zip(amounts) {
            *sum = sum.wrapping_add(amount);
        }
        let mut rest = counted & !(1 << Measure::Impressions as u32 | 1 << Measure::Views as u32);
        while rest != 0 {
            if let Some(measure) = Measure::ALL.get(rest.trailing_zeros() as usize) {
                self.add_rare(group, *measure, sign);
            }
            rest &= rest - 1;
        }
        for (measure, amount) in [(Measure::ValueMicros, value), (Measure::Duplicates, duplicates)] {
            if amount != 0 {
                self.add_rare(group, measure, amount.wrapping_mul(sign));
            }
        }
    }

    /// Adds a user, by its sketch entry.
    #[inline]
    pub(super) fn reach(&mut self, group: u32, entry: u32) {
        self.reached.push((group, entry));
        if self.reached.len() >= 2 * self.different_reached.max(MAX_REPEATED) {
            self.reached.sort_unstable();
            self.reached.dedup();
            self.different_reached = self.reached.len();
        }
    }

    #[inline]
    fn add_rare(&mut self, group: u32, measure: Measure, amount: i64) {
        self.rare.push((group, measure, amount));
        if self.rare.len() >= 2 * self.different_rare.max(MAX_REPEATED) {
            self.put_together();
        }
    }

    #[cold]
    fn put_together(&mut self) {
        self.rare.sort_unstable_by_key(|(group, measure, _)| (*group, *measure));
        self.rare.dedup_by(|later, earlier| {
            let same = (later.0, later.1) == (earlier.0, earlier.1);
            if same {
                earlier.2 = earlier.2.wrapping_add(later.2);
            }
            same
        });
        self.different_rare = self.rare.len();
    }

    /// Gives each group the key that its tuple has now.
    pub(super) fn rekey(&mut self, mut key: impl FnMut(u64) -> u64) {
        self.groups.iter_mut().for_each(|group| group.key = key(group.key));
        self.slots.enter(&self.groups, |group| group.key);
    }

    /// The users by group.
    pub(super) fn users(&self) -> Reached {
        if self.reached.is_empty() {
            return Reached::default();
        }
        // By counting, as groups are many and each has few.
        let mut ends = vec![0u32; self.groups.len() + 1];
        self.reached.iter().for_each(|(group, _)| ends[*group as usize + 1] += 1);
        (1..ends.len()).for_each(|group| ends[group] += ends[group - 1]);
        let mut entries = vec![0u32; self.reached.len()];
        for (group, entry) in &self.reached {
            let place = &mut ends[*group as usize];
            entries[*place as usize] = *entry;
            *place += 1;
        }
        ends.pop();
        let mut dense = Vec::new();
        let (mut start, mut kept) = (0, 0);
        for (group, end) in (0..).zip(&mut ends) {
            let of_group = start..*end as usize;
            start = of_group.end;
            entries[of_group.clone()].sort_unstable();
            let different = sketch::leave_greatest(&mut entries[of_group.clone()]);
            if different > SPARSE_MAX {
                dense.push((
                    group,
                    Sketch::of_ascending(&entries[of_group.start..of_group.start + different]),
                ));
            } else {
                entries.copy_within(of_group.start..of_group.start + different, kept);
                kept += different;
            }
            *end = kept as u32;
        }
        entries.truncate(kept);
        Reached { ends, entries, dense }
    }
}

impl Reached {
    /// The users of a group, if it has any.
    pub(super) fn of(&self, group: u32) -> Option<SketchView<'_>> {
        let end = *self.ends.get(group as usize)? as usize;
        let start = group.checked_sub(1).map_or(0, |before| self.ends[before as usize] as usize);
        if start < end {
            return Some(SketchView::Sparse(&self.entries[start..end]));
        }
        let place = self.dense.binary_search_by_key(&group, |(group, _)| *group).ok()?;
        Some(self.dense[place].1.view())
    }

    /// Whether nobody was reached.
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
}
