//! Of which accepted event a delivery is a repeat.

use super::pool::{Pool, Role, Slot};
use super::run::Passing;
use super::{Linker, Shelf, ShelfError, name_of};
use crate::event::EventRef;
use crate::time::{EventTime, ServerTime};

impl Linker {
    /// The time and the group of the event that a delivery repeated which arrived then, whatever arrived since; `None`
    /// where there is none, or where it is forgotten.
    pub fn origin(
        &mut self,
        repeat: &EventRef,
        received: ServerTime,
        shelf: &dyn Shelf,
    ) -> Result<Option<(EventTime, u64)>, ShelfError> {
        let hash = name_of(repeat);
        let horizon_ms = self.rules.retention.dedupe_ms;
        let fits = |pool: &Pool, slot: &Slot| {
            let record = pool.get(*slot);
            let age_ms = received.0.saturating_sub(record.received);
            record.role == Role::Event
                && (record.hash, record.kind) == (hash, repeat.kind)
                && pool.id(*slot) == repeat.id.as_bytes()
                && (0..=horizon_ms).contains(&age_ms)
        };
        let told = |pool: &Pool, slot: Slot| {
            let record = pool.get(slot);
            (record.received, EventTime(record.at), record.group)
        };
        let in_memory = self.names.get(&hash).copied();
        let in_memory = in_memory.into_iter().flat_map(|latest| self.pool.follow(latest, |r| r.namesake));
        let in_memory = in_memory.filter(|slot| fits(&self.pool, slot)).map(|slot| told(&self.pool, slot));
        let mut found: Vec<(i64, EventTime, u64)> = in_memory.collect();
        let mark = self.pool.mark();
        for index in 0..self.runs.len() {
            if !self.runs[index].names.has(hash) {
                continue;
            }
            for group in self.runs[index].groups_of(hash, shelf)? {
                let mut is_it = |passing: &Passing<'_>| passing.hash == hash;
                self.runs[index].pick_group(group, shelf, &mut self.pool, &mut is_it)?;
                let read = mark.slots(&self.pool).filter(|slot| fits(&self.pool, slot));
                found.extend(read.map(|slot| told(&self.pool, slot)));
                self.pool.back_to(mark);
            }
        }
        Ok(found.into_iter().max().map(|(_, at, group)| (at, group)))
    }
}
