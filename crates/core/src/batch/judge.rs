//! Who has too many events of a kind in a day.
//!
//! Two passes over a day, so that memory does not grow with its users: the first counts by hash, many users to a
//! counter; the second counts those exactly of whose counter it could be true.

use rustc_hash::FxHashMap;

use super::{Hashes, Ruling, Standing};
use crate::event::Kind;
use crate::time::Day;

/// The most impressions of a user in a day: one every 86 seconds, day and night.
pub const MAX_IMPRESSIONS: u32 = 1_000;
/// The most views of a user in a day.
pub const MAX_VIEWS: u32 = 1_000;
/// The most clicks of a user in a day.
pub const MAX_CLICKS: u32 = 100;
/// The most conversions of a user in a day.
pub const MAX_CONVERSIONS: u32 = 100;

/// The most counters: four megabytes.
const MAX_COUNTERS: u64 = 1 << 20;

/// How many events of a kind a user may have in a day before all of them are invalid traffic.
pub fn most(kind: Kind) -> u32 {
    match kind {
        Kind::Impression => MAX_IMPRESSIONS,
        Kind::View => MAX_VIEWS,
        Kind::Click => MAX_CLICKS,
        Kind::Conversion => MAX_CONVERSIONS,
    }
}

/// Counts a day's accepted events by user and kind, whatever their validity.
#[derive(Debug)]
pub struct Judge {
    day: Day,
    /// A power of two of them.
    counters: Vec<u32>,
    /// Those who may have too many; `None` in the first pass.
    exact: Option<FxHashMap<(u64, Kind), u32>>,
}

impl Judge {
    /// Of a day with so many entries.
    pub fn new(day: Day, entries: u64) -> Self {
        let counters = entries.clamp(1, MAX_COUNTERS).next_power_of_two() as usize;
        Self { day, counters: vec![0; counters], exact: None }
    }

    /// Counts an entry of the day: each once in each pass.
    pub fn count(&mut self, row: &Hashes) {
        if row.standing != Standing::OfUser {
            return;
        }
        // Groups of users are hashes already; the kinds of one must not meet.
        let spread = (row.group ^ row.kind as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = (spread >> 32) as usize & (self.counters.len() - 1);
        let counter = &mut self.counters[place];
        match &mut self.exact {
            None => *counter = counter.saturating_add(1),
            Some(exact) if *counter > most(row.kind) => *exact.entry((row.group, row.kind)).or_default() += 1,
            Some(_) => {}
        }
    }

    /// Ends the first pass; whether there has to be a second one.
    pub fn next_pass(&mut self) -> bool {
        let least = Kind::ALL.into_iter().map(most).min().unwrap_or_default();
        self.exact = Some(FxHashMap::default());
        self.counters.iter().any(|counter| *counter > least)
    }

    /// The rulings after the passes.
    pub fn rulings(self) -> Vec<Ruling> {
        let exact = self.exact.into_iter().flatten();
        let too_many = exact.filter(|((_, kind), count)| *count > most(*kind));
        let mut rulings: Vec<Ruling> =
            too_many.map(|((group, kind), _)| Ruling { group, kind, day: self.day }).collect();
        rulings.sort_unstable();
        rulings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the passes over these rows find: user, kind and how many.
    fn check(counts: &[(u64, Kind, u32)], expected: &[(u64, Kind)]) {
        let day = Day(17_734);
        let row = |&(group, kind, count): &(u64, Kind, u32)| {
            let row = Hashes { kind, group, name: 0, parent: None, standing: Standing::OfUser };
            (0..count).map(move |_| row)
        };
        let rows: Vec<Hashes> = counts.iter().flat_map(row).collect();
        let others = [Standing::OfNobody, Standing::Repeat];
        let others = others.into_iter().flat_map(|standing| {
            let row = Hashes { kind: Kind::Click, group: 9, name: 0, parent: None, standing };
            (0..2 * MAX_CLICKS).map(move |_| row)
        });
        let rows: Vec<Hashes> = rows.into_iter().chain(others).collect();
        // With one counter all users meet.
        for entries in [1, 64, rows.len() as u64] {
            let mut judge = Judge::new(day, entries);
            rows.iter().for_each(|row| judge.count(row));
            if judge.next_pass() {
                rows.iter().for_each(|row| judge.count(row));
            }
            let found: Vec<_> = judge.rulings().into_iter().map(|r| (r.group, r.kind, r.day)).collect();
            let expected: Vec<_> = expected.iter().map(|(group, kind)| (*group, *kind, day)).collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn more_than_the_most_is_too_many() {
        check(&[], &[]);
        check(&[(1, Kind::Click, MAX_CLICKS), (2, Kind::Conversion, MAX_CONVERSIONS)], &[]);
        check(&[(1, Kind::Click, MAX_CLICKS + 1), (1, Kind::View, MAX_VIEWS)], &[(1, Kind::Click)]);
        check(
            &[
                (1, Kind::Impression, MAX_IMPRESSIONS + 1),
                (1, Kind::View, MAX_VIEWS + 1),
                (1, Kind::Click, MAX_CLICKS),
                (2, Kind::Impression, MAX_IMPRESSIONS),
                (u64::MAX, Kind::Conversion, 3 * MAX_CONVERSIONS),
            ],
            &[(1, Kind::Impression), (1, Kind::View), (u64::MAX, Kind::Conversion)],
        );
    }
}
