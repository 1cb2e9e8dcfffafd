//! The batch: a day of a shard, linked again from the archive.
//!
//! The archive is the log, by event day: for each accepted event and each repeated delivery an [`Entry`]. A day is
//! linked again a [`Part`] at a time, so that memory is bounded:
//!
//! ```text
//! the columns of Hashes, of each file that Selection::opens -> Selection::wants -> the rows to read
//! those rows, where they stand                              -> Relink::add_stored
//! Selection::next_round, until nothing is looked for        -> Relink::finish -> cells by scope
//! ```
//!
//! What comes out is what the facts of the same log up to its last entry amount to, for the events of that day and part:
//! what a fact depends on is looked for until nothing is missing, by the same rules as in [`crate::link`].

mod wants;
mod selection;
mod relink;
mod affected;
mod gone;
mod stored;
pub mod judge;

pub use affected::{Affected, MAX_NEWS};
pub use gone::{Gone, Whose, residue};
pub use judge::Judge;
pub use relink::{Relink, RelinkError};
pub use selection::Selection;
pub use stored::{Stored, StoredRow};

use crate::event::{Event, EventRef, Kind};
use crate::link;
use crate::time::{Day, EventTime, ServerTime};

/// An entry of the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// An accepted event.
    Accepted(Box<Accepted>),
    /// A delivery of an event that had been accepted before.
    Repeat(Repeat),
}

/// An accepted event, as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The row of the log: its position.
    pub row: i64,
    /// When it arrived.
    pub received: ServerTime,
    /// The revision of the settings that were in force then.
    pub revision: u64,
    /// The event.
    pub event: Event,
}

/// A repeated delivery; it counts where the accepted event does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    /// The row of the log: its position.
    pub row: i64,
    /// When it arrived.
    pub received: ServerTime,
    /// The event that was delivered again.
    pub event: EventRef,
    /// When the accepted event happened.
    pub at: EventTime,
    /// The group of the accepted event.
    pub group: u64,
}

/// What of an entry decides with which others it is linked: columns of the archive that can be read alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashes {
    /// The kind of the event.
    pub kind: Kind,
    /// Its group: its user, or the root that it names, or itself.
    pub group: u64,
    /// The hash of its kind and id.
    pub name: u64,
    /// The same of the parent that it names.
    pub parent: Option<u64>,
    /// Whether it counts, and whether its group is a user's.
    pub standing: Standing,
}

/// Whether an entry is an accepted event, and of whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// An accepted event of a user, whose group has all events of that user.
    OfUser,
    /// An accepted event without a user.
    OfNobody,
    /// A repeated delivery: nothing is linked to it.
    Repeat,
}

/// That a user has too many events of a kind in a day: they are all invalid, those that are to come as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ruling {
    /// The group of the user.
    pub group: u64,
    /// Which of its events.
    pub kind: Kind,
    /// On which day.
    pub day: Day,
}

/// The most entries of a part, roughly: some ten megabytes in memory with what they depend on.
pub const MAX_PART_ENTRIES: u64 = 100_000;

/// The most events that are linked at once, with what a part depends on: some thirty megabytes, and three times that
/// where all are of one user, of the 128 that there are. A part is made smaller by dividing its users, so only one with
/// several hundred thousand events in a day gets there.
pub const MAX_HELD_ENTRIES: usize = 400_000;

/// What of a day is linked at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The day.
    pub day: Day,
    /// The first and the last group.
    pub groups: (u64, u64),
}

/// What is known of a file of the archive before it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The day of its events.
    pub day: Day,
    /// The least and the greatest group.
    pub groups: (u64, u64),
    /// The first and the last arrival.
    pub received: (ServerTime, ServerTime),
}

/// What of a file has to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Every row of these groups, from the first to the last; `None`: not for its group.
    pub groups: Option<(u64, u64)>,
    /// Every row with a name that is looked for, too.
    pub names: bool,
}

impl Look {
    /// Every row of these groups and no other.
    pub fn at(groups: (u64, u64)) -> Self {
        Self { groups: Some(groups), names: false }
    }

    /// Only for groups, where no name that is looked for is in a file.
    pub fn without_names(self) -> Option<Self> {
        Self { names: false, ..self }.some()
    }

    /// Whether there is anything to look at.
    fn some(self) -> Option<Self> {
        (self.groups.is_some() || self.names).then_some(self)
    }

    /// Whether rows of a group are looked at.
    pub fn holds(&self, group: u64) -> bool {
        self.groups.is_some_and(|(first, last)| first <= group && group <= last)
    }
}

impl Span {
    /// Whether it may have rows of these groups.
    fn meets(&self, (first, last): (u64, u64)) -> bool {
        self.groups.0 <= last && first <= self.groups.1
    }
}

impl Part {
    /// A day of so many entries, in parts that are small enough. Groups are hashes, so parts come out alike.
    pub fn divide(day: Day, entries: u64) -> Vec<Part> {
        ranges(entries, MAX_PART_ENTRIES).into_iter().map(|groups| Part { day, groups }).collect()
    }

    /// Whether an entry of this day and group belongs to it.
    pub fn holds(&self, day: Day, group: u64) -> bool {
        day == self.day && self.groups.0 <= group && group <= self.groups.1
    }
}

/// All groups in ranges, so that of so many entries at most about `most` are in each.
pub fn ranges(entries: u64, most: u64) -> Vec<(u64, u64)> {
    let ranges = u128::from(entries.div_ceil(most.max(1)).max(1));
    // The first group of a range; all groups there are are 2^64.
    let first = |range: u128| (range << 64) / ranges;
    (0..ranges).map(|range| (first(range) as u64, (first(range + 1) - 1) as u64)).collect()
}

/// A range that had too much in it, as two; none where it cannot be divided.
pub fn halves((first, last): (u64, u64)) -> Option<[(u64, u64); 2]> {
    let middle = first.midpoint(last);
    (first < last).then(|| [(first, middle), (middle + 1, last)])
}

impl Entry {
    /// The day to which it belongs: that of the event.
    pub fn day(&self) -> Day {
        match self {
            Entry::Accepted(accepted) => accepted.event.at.day(),
            Entry::Repeat(repeat) => repeat.at.day(),
        }
    }

    /// The row of the log.
    pub fn row(&self) -> i64 {
        match self {
            Entry::Accepted(accepted) => accepted.row,
            Entry::Repeat(repeat) => repeat.row,
        }
    }

    /// When it arrived.
    pub fn received(&self) -> ServerTime {
        match self {
            Entry::Accepted(accepted) => accepted.received,
            Entry::Repeat(repeat) => repeat.received,
        }
    }

    /// Its group: what decides to which part of a day it belongs.
    pub fn group(&self) -> u64 {
        match self {
            Entry::Accepted(accepted) => link::group_of(&accepted.event),
            Entry::Repeat(repeat) => repeat.group,
        }
    }

    /// What decides with which others it is linked.
    pub fn hashes(&self) -> Hashes {
        match self {
            Entry::Accepted(accepted) => Hashes::of(&accepted.event),
            Entry::Repeat(Repeat { event, group, .. }) => {
                let (kind, name) = (event.kind, link::name_of(event));
                Hashes { kind, group: *group, name, parent: None, standing: Standing::Repeat }
            }
        }
    }
}

impl Hashes {
    /// Those of an event.
    pub fn of(event: &Event) -> Self {
        let click = event.click.as_ref().filter(|_| event.kind() == Kind::Conversion);
        let click = click.map(|id| (Kind::Click, id));
        let parent = click.or_else(|| event.impression.as_ref().map(|id| (Kind::Impression, id)));
        let parent = parent.map(|(kind, id)| link::name_of(&EventRef { kind, id: id.clone() }));
        let (group, name) = (link::group_of(event), link::name_of(&event.event));
        let standing = event.user.map_or(Standing::OfNobody, |_| Standing::OfUser);
        Self { kind: event.kind(), group, name, parent, standing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_leave_nothing_out() {
        fn check(entries: u64, most: u64, expected: &[(u64, u64)]) {
            assert_eq!(ranges(entries, most), expected);
        }
        check(0, 10, &[(0, u64::MAX)]);
        check(10, 10, &[(0, u64::MAX)]);
        check(11, 10, &[(0, u64::MAX / 2), (u64::MAX / 2 + 1, u64::MAX)]);
        let thirds = ranges(30, 10);
        assert_eq!((thirds.len(), thirds[0].0, thirds[2].1), (3, 0, u64::MAX));
        assert!(thirds.windows(2).all(|two| two[0].1 + 1 == two[1].0), "{thirds:?}");
    }

    #[test]
    fn halves_leave_nothing_out() {
        fn check(range: (u64, u64), expected: Option<[(u64, u64); 2]>) {
            assert_eq!(halves(range), expected, "{range:?}");
        }
        check((0, u64::MAX), Some([(0, u64::MAX / 2), (u64::MAX / 2 + 1, u64::MAX)]));
        check((3, 5), Some([(3, 4), (5, 5)]));
        check((u64::MAX - 1, u64::MAX), Some([(u64::MAX - 1, u64::MAX - 1), (u64::MAX, u64::MAX)]));
        check((7, 7), None);
    }
}
