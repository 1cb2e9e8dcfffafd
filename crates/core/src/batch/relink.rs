//! A part of a day, linked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thiserror::Error;

use super::{Entry, Gone, Hashes, MAX_HELD_ENTRIES, Part, Repeat, Ruling, Standing, Stored, StoredRow};
use crate::cell::Scope;
use crate::link::{Bulk, Fact, Retention, SettingsNumber, Use};
use crate::segment::Segment;
use crate::settings::Settings;

/// Why a part cannot be linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RelinkError {
    /// An entry refers to settings that are not there.
    #[error("the archive refers to settings {0}, which are missing")]
    MissingSettings(u64),
    /// An accepted event has texts that no event has.
    #[error("the entry of row {0} is no event")]
    NoEvent(i64),
    /// A user's events of a day are linked together, whatever the part. See [`Relink::crowded`].
    #[error("more than {MAX_HELD_ENTRIES} events are linked together: a user has too many that day")]
    TooMany,
}

/// The entries of a part of a day, and those that they depend on.
#[derive(Debug)]
pub struct Relink {
    part: Part,
    bulk: Bulk,
    revisions: BTreeMap<u64, SettingsNumber>,
    gone: Gone,
    /// The rulings, where events under them are counted as they come.
    crowd: Option<BTreeSet<Ruling>>,
}

impl Relink {
    /// No entries yet.
    pub fn new(
        part: Part,
        retention: Retention,
        settings: impl IntoIterator<Item = (u64, Arc<Settings>)>,
        rulings: impl IntoIterator<Item = Ruling>,
    ) -> Self {
        let mut bulk = Bulk::new(retention, rulings);
        let settings = settings.into_iter();
        let revisions =
            settings.map(|(revision, settings)| (revision, bulk.know_settings(revision, settings))).collect();
        Self { part, bulk, revisions, gone: Gone::default(), crowd: None }
    }

    /// Counts events of users who have too many as they come, and does not hold them: what is left of a part for which there
    /// was [`RelinkError::TooMany`]. Every entry of the part has to be foreseen before the first one is added. Only cells
    /// can be told then, and they are the same.
    pub fn crowded(self, rulings: impl IntoIterator<Item = Ruling>) -> Self {
        Self { bulk: self.bulk.crowded(), crowd: Some(rulings.into_iter().collect()), ..self }
    }

    /// Takes note of to what an entry of the part, in row `row` of the log, refers.
    pub fn foresee(&mut self, row: i64, entry: &Hashes) -> Result<(), RelinkError> {
        let Hashes { kind, group, name, parent, standing } = *entry;
        let ruling = Ruling { group, kind, day: self.part.day };
        let is_ruled = || self.crowd.as_ref().is_some_and(|rulings| rulings.contains(&ruling));
        let is_meant = !self.gone.holds(group, row) && self.part.holds(self.part.day, group);
        let named = match standing {
            Standing::Repeat => Some(name),
            Standing::OfUser if is_ruled() => None,
            Standing::OfUser | Standing::OfNobody => parent,
        };
        named.filter(|_| is_meant).into_iter().for_each(|name| self.bulk.foresee(name));
        self.check()
    }

    /// Names that would have had to be foreseen, too: what the part depends on refers to them, which is known when all is
    /// added. All of it has to be added once more then, to an empty one that foresees them. There are none the second time
    /// or soon after.
    pub fn unforeseen(&self) -> BTreeSet<u64> {
        self.bulk.unforeseen()
    }

    /// Takes note that a name is referred to.
    pub fn foresee_name(&mut self, name: u64) {
        self.bulk.foresee(name);
    }

    /// There is an end to what fits.
    fn check(&self) -> Result<(), RelinkError> {
        if self.len() > MAX_HELD_ENTRIES { Err(RelinkError::TooMany) } else { Ok(()) }
    }

    /// The same as if these entries had never been there.
    pub fn without(self, gone: Gone) -> Self {
        Self { gone, ..self }
    }

    /// Adds an entry that was wanted; the order does not matter, but none may come twice.
    pub fn add(&mut self, entry: &Entry) -> Result<(), RelinkError> {
        match entry {
            Entry::Accepted(accepted) => self.add_accepted(&Stored::of(accepted)),
            Entry::Repeat(repeat) => self.add_repeat(repeat),
        }
    }

    /// The same of an entry where it stands in the archive.
    pub fn add_stored(&mut self, row: &StoredRow<'_>) -> Result<(), RelinkError> {
        match row {
            StoredRow::Accepted(stored) => self.add_accepted(stored),
            StoredRow::Repeat(repeat) => self.add_repeat(repeat),
        }
    }

    fn add_accepted(&mut self, stored: &Stored<'_>) -> Result<(), RelinkError> {
        let (group, revision) = (stored.group(), stored.revision);
        if self.gone.holds(group, stored.row) {
            return Ok(());
        }
        let its_use = if self.part.holds(stored.at.day(), group) { Use::Told } else { Use::Context };
        let settings = self.revisions.get(&revision).ok_or(RelinkError::MissingSettings(revision))?;
        if !self.bulk.add_stored(stored, *settings, its_use) {
            return Err(RelinkError::NoEvent(stored.row));
        }
        self.check()
    }

    fn add_repeat(&mut self, repeat: &Repeat) -> Result<(), RelinkError> {
        let Repeat { row, event, at, group, .. } = repeat;
        if self.part.holds(at.day(), *group) && !self.gone.holds(*group, *row) {
            self.bulk.repeat(event.clone(), *row);
        }
        self.check()
    }

    /// How many events and deliveries it holds.
    pub fn len(&self) -> usize {
        self.bulk.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.bulk.is_empty()
    }

    /// The facts of the part's own events; not to be asked for where it is crowded.
    pub fn facts(self, mut tell: impl FnMut(Fact)) {
        self.bulk.settle(|told| tell(told.fact()));
    }

    /// The cells of the part's own events, by scope.
    pub fn finish(mut self) -> Vec<(Scope, Segment)> {
        let mut aggregator = self.bulk.take_counted();
        self.bulk.settle(|told| told.add_to(&mut aggregator));
        aggregator.segments()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Accepted;
    use crate::event::{Dims, Event, EventRef, Kind, Screening};
    use crate::key::{EventId, Key, UserKey};
    use crate::time::{Day, EventTime, ServerTime};

    #[test]
    fn a_user_with_too_many_events_is_an_error_and_no_dead_isolate() {
        let part = Part { day: Day(0), groups: (0, u64::MAX) };
        let mut relink = Relink::new(part, Retention::default(), [(0, Arc::new(Settings::default()))], []);
        let mut event = Event {
            event: EventRef { kind: Kind::Impression, id: EventId::parse("i").unwrap() },
            at: EventTime(5),
            advertiser: Key::parse("acme").unwrap(),
            dims: Dims::default(),
            label: Key::empty(),
            user: Some(UserKey(7)),
            impression: None,
            click: None,
            cost_micros: None,
            value_micros: 0,
            screening: Screening::Clean,
            extras: None,
        };
        for n in 0..=MAX_HELD_ENTRIES {
            event.event.id = EventId::parse(&format!("i{n}")).unwrap();
            let accepted = Accepted { row: 1, received: ServerTime(9), revision: 0, event: event.clone() };
            let added = relink.add(&Entry::Accepted(Box::new(accepted)));
            assert_eq!(added.is_err(), n == MAX_HELD_ENTRIES, "{added:?}");
        }
        assert_eq!(relink.len(), MAX_HELD_ENTRIES + 1);
    }
}
