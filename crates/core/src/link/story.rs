//! What the linker can tell about single events.

use std::collections::BTreeSet;

use super::{Arrival, Entry, Fact, FactBody, Linker, Slot};
use crate::event::{Event, EventRef, Kind};
use crate::key::{EventId, UserKey};
use crate::time::{EventTime, ServerTime};

/// The most events that are linked again for one event's history: some tens of milliseconds in which the shard does
/// nothing else.
pub const MAX_HISTORY_EVENTS: usize = 2_000;

/// An accepted event with what the rules make of it.
#[derive(Debug, Clone)]
pub struct Related<'a> {
    /// The event as accepted.
    pub event: &'a Event,
    /// When it reached the server.
    pub received: ServerTime,
    /// Position in the shard's log.
    pub position: u64,
    /// How often it was delivered again.
    pub duplicates: u64,
    /// What it counts as.
    pub fact: FactBody,
}

/// Which events to list; an absent part fits all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Only this kind.
    pub kind: Option<Kind>,
    /// Only this user.
    pub user: Option<UserKey>,
    /// `counted`, `invalid`, or a reason's name.
    pub outcome: Option<String>,
    /// From this event time on.
    pub from: Option<EventTime>,
    /// Before this event time.
    pub to: Option<EventTime>,
}

impl Linker {
    /// The event with this kind and id.
    pub fn get(&self, event: &EventRef) -> Option<Related<'_>> {
        self.by_ref.get(event).map(|slot| self.related(*slot))
    }

    /// The kinds that have an event of this id.
    pub fn kinds_of(&self, id: &EventId) -> Vec<Kind> {
        let has = |kind: &Kind| self.by_ref.contains_key(&EventRef { kind: *kind, id: id.clone() });
        Kind::ALL.into_iter().filter(has).collect()
    }

    /// The events that this one is linked to, nearest first.
    pub fn parents(&self, event: &EventRef) -> Vec<Related<'_>> {
        let mut parents = Vec::new();
        let mut next = self.by_ref.get(event).copied();
        while let Some(slot) = next {
            next = self.entries[slot].link.parent();
            parents.extend(next.map(|parent| self.related(parent)));
        }
        parents
    }

    /// The events that are linked to this one directly, by position.
    pub fn children(&self, event: &EventRef) -> Vec<Related<'_>> {
        let Some(&slot) = self.by_ref.get(event) else { return Vec::new() };
        let mut children = BTreeSet::new();
        self.index.children(&self.entries[slot].event, |child| {
            if self.entries[child].link.parent() == Some(slot) {
                children.insert(child);
            }
        });
        children.into_iter().map(|child| self.related(child)).collect()
    }

    /// Every fact of this event since its arrival, each with the position of the arrival that caused it.
    ///
    /// `None` where more than [`MAX_HISTORY_EVENTS`] would have to be linked again.
    ///
    /// Facts are a function of the events alone, so the history need not be kept: the arrivals that can have had a
    /// part in it are linked again, one by one. Deliveries of duplicates have no position and are not in it.
    pub fn history(&self, event: &EventRef) -> Option<Vec<(u64, Fact)>> {
        let neighbourhood = self.neighbourhood(*self.by_ref.get(event)?)?;
        let mut replay = Linker::new();
        let mut history = Vec::new();
        for slot in neighbourhood {
            let Entry { event: replayed, received, settings, .. } = &self.entries[slot];
            let (replayed, settings) = (replayed.clone(), settings.clone());
            let applied = replay.apply([Arrival { event: replayed, received: *received, settings }]);
            let own = applied.facts.into_iter().filter(|fact| fact.event == *event);
            history.extend(own.map(|fact| (slot as u64, fact)));
        }
        Some(history)
    }

    /// Events that fit the filter, newest arrival first.
    pub fn list<'a>(&'a self, filter: &'a Filter) -> impl Iterator<Item = Related<'a>> {
        let fits = move |slot: &Slot| {
            let event = &self.entries[*slot].event;
            filter.kind.is_none_or(|kind| kind == event.kind())
                && filter.user.is_none_or(|user| event.user == Some(user))
                && filter.from.is_none_or(|from| event.at >= from)
                && filter.to.is_none_or(|to| event.at < to)
        };
        let outcome = move |related: &Related<'_>| match filter.outcome.as_deref() {
            None => true,
            Some(name) => name == related.fact.outcome.name() || related.fact.reason() == Some(name),
        };
        (0..self.entries.len()).rev().filter(fits).map(|slot| self.related(slot)).filter(outcome)
    }

    /// Every event with what it counts as, by position.
    pub fn iter(&self) -> impl Iterator<Item = Related<'_>> {
        (0..self.entries.len()).map(|slot| self.related(slot))
    }

    fn related(&self, slot: Slot) -> Related<'_> {
        let entry = &self.entries[slot];
        Related {
            event: &entry.event,
            received: entry.received,
            position: slot as u64,
            duplicates: entry.duplicates,
            fact: self.fact(slot),
        }
    }

    /// Everything that can have had a part in the facts of `slot`, in order of arrival: the events of its user, those
    /// that it names, and theirs. `None` where they are too many.
    fn neighbourhood(&self, slot: Slot) -> Option<BTreeSet<Slot>> {
        let mut found = BTreeSet::new();
        let mut users = BTreeSet::new();
        let mut open = vec![slot];
        while let Some(slot) = open.pop() {
            if !found.insert(slot) {
                continue;
            }
            if found.len() > MAX_HISTORY_EVENTS {
                return None;
            }
            let event = &self.entries[slot].event;
            let named = [(Kind::Impression, &event.impression), (Kind::Click, &event.click)];
            let named = named.into_iter().filter_map(|(kind, id)| Some(EventRef { kind, id: id.clone()? }));
            open.extend(named.filter_map(|parent| self.by_ref.get(&parent).copied()));
            let Some(user) = event.user.filter(|user| users.insert(*user)) else { continue };
            for kind in Kind::ALL {
                open.extend(self.index.of_user(user, kind, EventTime(i64::MIN), EventTime(i64::MAX - 1)));
            }
        }
        Some(found)
    }
}
