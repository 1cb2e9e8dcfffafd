//! What the linker can tell about single events.

use std::collections::BTreeSet;

use super::explain::{Considered, Rule};
use super::pool::{NO_POSITION, Record, Slot};
use super::settle::{Settled, settle};
use super::{Fact, FactBody, Found, Linker, NoShelf, Outcome, Shelf, ShelfError, Unlinked};
use crate::event::{Event, EventRef, InvalidReason, Kind};
use crate::key::{EventId, UserKey};
use crate::time::{EventTime, ServerTime};

/// The most events that are linked again for one event's history: some tens of milliseconds in which the shard does
/// nothing else.
pub const MAX_HISTORY_EVENTS: usize = 2_000;

/// An accepted event with what the rules make of it.
#[derive(Debug, Clone)]
pub struct Related {
    /// The event as accepted, without what no cell counts by: that is in the log.
    pub event: Event,
    /// When it reached the server.
    pub received: ServerTime,
    /// Position in the shard's log.
    pub position: u64,
    /// The row of the log that it is in; 0 where the linker was told no rows.
    pub row: i64,
    /// How often it was delivered again.
    pub duplicates: u64,
    /// What it counts as.
    pub fact: FactBody,
}

/// All that is known of an event.
#[derive(Debug, Clone)]
pub struct Story {
    /// The event.
    pub event: Related,
    /// The events that it is linked to, nearest first.
    pub parents: Vec<Related>,
    /// The events that are linked to it directly, by position; of more than [`super::SLICE_EVENTS`] that are tied to it
    /// those that happened about then.
    pub children: Vec<Related>,
    /// By what it looks for its parent.
    pub rule: Rule,
    /// What it could have been linked to, the parent first, then the nearest in time; at most
    /// [`super::MAX_CONSIDERED`].
    pub considered: Vec<Considered>,
    /// Every fact of it since its arrival, each with the position of the arrival that caused it, or of the last one
    /// before the ruling that did.
    ///
    /// `None` where more than [`MAX_HISTORY_EVENTS`] would have to be linked again, or where some of them are forgotten.
    /// Deliveries of duplicates have no position and are not in it.
    pub history: Option<Vec<(u64, Fact)>>,
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

impl Filter {
    /// What `outcome` may be: the outcomes, then the reasons.
    pub fn outcomes() -> impl Iterator<Item = &'static str> {
        let outcomes = [Outcome::Counted, Outcome::Invalid(InvalidReason::Bot)].map(Outcome::name);
        let reasons = InvalidReason::ALL.map(InvalidReason::name).into_iter();
        outcomes.into_iter().chain(reasons).chain(Unlinked::ALL.map(Unlinked::name))
    }

    /// Whether an event fits, as far as it can say itself.
    pub fn fits(&self, event: &Event) -> bool {
        self.kind.is_none_or(|kind| kind == event.kind())
            && self.user.is_none_or(|user| event.user == Some(user))
            && self.from.is_none_or(|from| event.at >= from)
            && self.to.is_none_or(|to| event.at < to)
    }

    /// Whether what an event counts as fits.
    pub fn fits_outcome(&self, fact: &FactBody) -> bool {
        match self.outcome.as_deref() {
            None => true,
            Some(name) => name == fact.outcome.name() || fact.reason() == Some(name),
        }
    }
}

impl Linker {
    /// The kinds that have an event of this id.
    pub fn kinds_of(&mut self, id: &EventId, shelf: &dyn Shelf) -> Result<Vec<Kind>, ShelfError> {
        let mut kinds = Vec::new();
        for kind in Kind::ALL {
            if self.find(&EventRef { kind, id: id.clone() }, None, shelf)?.is_some() {
                kinds.push(kind);
            }
        }
        Ok(kinds)
    }

    /// The latest event of this kind and id; with `received` the one that arrived about then.
    pub fn get(
        &mut self,
        event: &EventRef,
        received: Option<ServerTime>,
        shelf: &dyn Shelf,
    ) -> Result<Option<Related>, ShelfError> {
        self.look(event, received, shelf, |linker, settled, slot| linker.related(settled, slot))
    }

    /// The story of the latest event of this kind and id.
    pub fn story(&mut self, event: &EventRef, shelf: &dyn Shelf) -> Result<Option<Story>, ShelfError> {
        self.look(event, None, shelf, |linker, settled, slot| linker.tell(settled, slot))
    }

    /// Every event with what it counts as, by position; only for linkers without runs.
    pub fn iter(&mut self) -> impl Iterator<Item = Related> + use<> {
        #[expect(clippy::expect_used, reason = "without runs nothing is read")]
        let all = self.all(&NoShelf).expect("reads nothing");
        all.into_iter()
    }

    /// Every event that is not forgotten, with what it counts as, by position: reads all runs, so not for a shard that
    /// has other things to do.
    pub fn all(&mut self, shelf: &dyn Shelf) -> Result<Vec<Related>, ShelfError> {
        let mut groups: BTreeSet<u64> = self.heads.keys().chain(self.roots.keys()).copied().collect();
        for run in &self.runs {
            groups.extend(run.all_groups(shelf)?);
        }
        let mut all = Vec::new();
        while let Some(&group) = groups.first() {
            let mark = self.pool.mark();
            let Some(component) = self.explore(group, usize::MAX, shelf)? else { break };
            let settled = settle(&mut self.pool, component.members, &self.rules);
            let is_new = |slot: &&Slot| {
                let record = self.pool.get(**slot);
                record.position != NO_POSITION && groups.contains(&record.group)
            };
            let new = settled.order.iter().filter(is_new);
            all.extend(new.filter_map(|slot| self.related(&settled, *slot)));
            groups.retain(|group| !component.groups.contains(group));
            self.pool.back_to(mark);
        }
        all.sort_by_key(|related| related.position);
        Ok(all)
    }

    /// Settles everything that is tied to an event and looks at it. Where that is too much to be held, what is looked at
    /// is the event with those around it.
    fn look<T>(
        &mut self,
        event: &EventRef,
        received: Option<ServerTime>,
        shelf: &dyn Shelf,
        look: impl Fn(&mut Self, &Settled, Slot) -> Option<T>,
    ) -> Result<Option<T>, ShelfError> {
        let group = match self.find(event, received, shelf)? {
            Some(Found::InMemory(slot)) => self.pool.get(slot).group,
            Some(Found::InRun { group, .. }) => group,
            None => return Ok(None),
        };
        let mark = self.pool.mark();
        let Some(component) = self.explore(group, self.slice, shelf)? else {
            self.pool.back_to(mark);
            let mut latest = None;
            self.look_in_slices(group, shelf, &mut |linker, settled, members| {
                let Some(slot) = linker.latest_of(event, received, members) else { return };
                let arrived = linker.pool.get(slot).received;
                if latest.as_ref().is_none_or(|(other, _)| *other < arrived) {
                    latest = Some((arrived, look(linker, settled, slot)));
                }
            })?;
            return Ok(latest.and_then(|(_, seen)| seen));
        };
        let settled = settle(&mut self.pool, component.members, &self.rules);
        let latest = self.latest_of(event, received, &settled.order);
        let seen = latest.and_then(|slot| look(self, &settled, slot));
        self.pool.back_to(mark);
        Ok(seen)
    }

    /// The latest of this name, or the one that arrived about then.
    fn latest_of(&self, event: &EventRef, received: Option<ServerTime>, among: &[Slot]) -> Option<Slot> {
        let is_near = |slot: &Slot| {
            let record = self.pool.get(*slot);
            let apart_ms = |received: ServerTime| (received.0 - record.received).abs();
            record.position != NO_POSITION
                && received.is_none_or(|received| apart_ms(received) <= self.rules.retention.dedupe_ms)
        };
        let named = among.iter().copied().filter(is_near);
        let named = named.filter(|slot| self.pool.event_ref(*slot) == *event);
        named.max_by_key(|slot| self.pool.get(*slot).received)
    }

    fn related(&self, settled: &Settled, slot: Slot) -> Option<Related> {
        let record = self.pool.get(slot);
        Some(Related {
            event: self.pool.event(slot),
            received: ServerTime(record.received),
            position: record.position,
            row: record.row,
            duplicates: u64::from(record.duplicates),
            fact: self.pool.fact(slot, &settled.state(slot)?, record.duplicates),
        })
    }

    fn tell(&mut self, settled: &Settled, slot: Slot) -> Option<Story> {
        let parent_of = |slot: Slot| settled.state(slot).and_then(|state| state.link.parent());
        let parents = std::iter::successors(parent_of(slot), |parent| parent_of(*parent));
        let parents = parents.filter_map(|parent| self.related(settled, parent)).collect();
        let children = settled.order.iter().filter(|child| parent_of(**child) == Some(slot));
        let mut children: Vec<Related> = children.filter_map(|child| self.related(settled, *child)).collect();
        children.sort_by_key(|child| child.position);
        let history = self.history(settled, slot);
        let (rule, considered) = self.explain(settled, slot);
        let event = self.related(settled, slot)?;
        Some(Story { event, parents, children, rule, considered, history })
    }

    /// Facts are a function of the events alone, so the history need not be kept: the arrivals that can have had a part
    /// in it are linked again, one by one.
    fn history(&self, settled: &Settled, slot: Slot) -> Option<Vec<(u64, Fact)>> {
        let mut members: Vec<Slot> = settled.order.clone();
        let is_forgotten = |slot: &Slot| self.pool.get(*slot).position == NO_POSITION;
        if members.len() > MAX_HISTORY_EVENTS || members.iter().any(is_forgotten) {
            return None;
        }
        members.sort_by_key(|slot| self.pool.get(*slot).position);
        let rulings = members.iter().filter_map(|slot| self.rules.ruling(self.pool.get(*slot)));
        let mut rulings = rulings.collect::<BTreeSet<_>>().into_iter().peekable();
        let event = self.pool.event_ref(slot);
        let mut replay = Linker::with_retention(self.rules.retention);
        let mut history = Vec::new();
        let mut note = |position: u64, facts: Vec<Fact>| {
            let own = facts.into_iter().filter(|fact| fact.event == event);
            history.extend(own.map(|fact| (position, fact)));
        };
        let mut last = 0;
        for member in members {
            let Record { row, position, .. } = *self.pool.get(member);
            while let Some((ruled, ruling)) = rulings.next_if(|(ruled, _)| *ruled < row) {
                note(last, replay.rule(ruled, [ruling], &NoShelf).ok()?);
            }
            note(position, replay.apply([self.pool.arrival(member)]).facts);
            last = position;
        }
        for (ruled, ruling) in rulings {
            note(last, replay.rule(ruled, [ruling], &NoShelf).ok()?);
        }
        Some(history)
    }
}
