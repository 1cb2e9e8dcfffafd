//! Conversions of large groups: what one amounts to follows from one touch, and it changes nothing that was there.
//!
//! So the touch is looked for, from the conversion backwards, and nothing is settled but what that depends on: the clicks
//! of which it may be a repeat, and the impression that it remembers ([`Pin`](super::pool::Pin)).

use rustc_hash::FxHashMap;

use super::Linker;
use super::pool::{Record, Slot, name_hash};
use super::run::{Run, Shelf, ShelfError};
use super::settle::{SlotLink, State, counts_for, settle, settle_with, window_ms};
use crate::cell::Dimension;
use crate::event::Kind;
use crate::time::HOUR_MS;

/// How far back a touch is looked for at first, and how much farther each time that there is none: an hour, then the days
/// of most windows, then whatever is left. Each time reads what may be in the range.
const FIRST_SPAN_MS: i64 = HOUR_MS;
const SPAN_GROWTH: i64 = 24;
/// So many touches are looked at together; where a range has more it is divided.
const TOGETHER: usize = 1_024;

impl Linker {
    /// Whether a new conversion changes no other event, and its group is so large that looking for its touch pays.
    pub(super) fn changes_nothing(&self, slot: Slot) -> bool {
        let record = self.pool.get(slot);
        record.has_user
            && !self.repeats_impressions
            && self.spans().repeat_ms[Kind::Conversion as usize].is_none()
            && self.is_large(record.group)
    }

    /// Whether the touch of a conversion that changes nothing is in its own group, as far as is known.
    pub(super) fn has_touch_at_home(&mut self, slot: Slot, shelf: &dyn Shelf) -> Result<bool, ShelfError> {
        let mark = self.pool.mark();
        let is_at_home = self.pool.named_parent(slot).is_none() || self.named_at_home(slot, shelf)?.is_some();
        self.pool.back_to(mark);
        Ok(is_at_home)
    }

    /// What such a conversion is.
    pub(super) fn settle_conversion(
        &mut self,
        slot: Slot,
        shelf: &dyn Shelf,
    ) -> Result<Option<State>, ShelfError> {
        let alone = settle(&mut self.pool, vec![slot], &self.rules).state(slot);
        if alone.is_none_or(|state| state.invalid.is_some()) {
            return Ok(alone);
        }
        let found = if self.pool.named_parent(slot).is_some() {
            let parent = self.named_at_home(slot, shelf)?;
            parent.map(|parent| Ok((parent, self.decide(parent, shelf)?))).transpose()?
        } else {
            match self.latest_touch(slot, Kind::Click, shelf)? {
                Some(found) => Some(found),
                None => self.latest_touch(slot, Kind::Impression, shelf)?,
            }
        };
        let Some((touch, state)) = found else { return Ok(alone) };
        let known: FxHashMap<Slot, State> = [(touch, state)].into_iter().collect();
        Ok(settle_with(&mut self.pool, vec![touch, slot], &self.rules, &known).state(slot))
    }

    /// The event that a conversion names, if it is in its group and nobody else can be meant.
    fn named_at_home(&mut self, slot: Slot, shelf: &dyn Shelf) -> Result<Option<Slot>, ShelfError> {
        let Some((kind, name)) = self.pool.named_parent(slot) else { return Ok(None) };
        let (name, child) = (name.to_vec(), *self.pool.get(slot));
        let hash = name_hash(kind, &name);
        let can_be_in = |run: &Run| run.names.has(hash);
        let named = self.pick_from(child.group, can_be_in, shelf, &mut |passing, _| {
            passing.is_event() && passing.hash == hash && passing.kind == kind && passing.id == name
        })?;
        // Who is the first of a name is meant, wherever others are.
        let is_it = |other: &Record| !other.again && counts_for(other, &child, &self.rules.retention);
        Ok(named.into_iter().find(|other| is_it(self.pool.get(*other))))
    }

    /// The latest valid touch of a kind at or before a conversion of its user, within the window, and what it is.
    fn latest_touch(
        &mut self,
        slot: Slot,
        kind: Kind,
        shelf: &dyn Shelf,
    ) -> Result<Option<(Slot, State)>, ShelfError> {
        let child = *self.pool.get(slot);
        let window_ms = window_ms(&self.pool.settings(slot).windows, child.kind, kind);
        let (from, mut until) = (child.at.saturating_sub(window_ms), child.at);
        let mut span_ms = FIRST_SPAN_MS;
        while from <= until {
            let mark = self.pool.mark();
            let since = from.max(until.saturating_sub(span_ms));
            let (touches, is_all) = self.touches(child.group, kind, (since, until), shelf)?;
            if !is_all {
                self.pool.back_to(mark);
                span_ms = until.saturating_sub(since) / 2;
                continue;
            }
            let settled = settle(&mut self.pool, touches, &self.rules);
            for (touch, state) in settled.order.iter().copied().zip(&settled.states).rev() {
                let record = self.pool.get(touch);
                let is_near = record.at >= since && counts_for(record, &child, &self.rules.retention);
                if state.invalid.is_none() && is_near {
                    let state = self.linked(touch, state);
                    if self.fits(slot, &state) {
                        return Ok(Some((touch, state)));
                    }
                }
            }
            self.pool.back_to(mark);
            until = since.saturating_sub(1);
            span_ms = span_ms.max(1).saturating_mul(SPAN_GROWTH);
        }
        Ok(None)
    }

    /// The touches of a group in a range of time, with those before it of which they may be repeats. So many that they
    /// should not be held are not all of them, unless they are of one instant.
    fn touches(
        &mut self,
        group: u64,
        kind: Kind,
        (since, until): (i64, i64),
        shelf: &dyn Shelf,
    ) -> Result<(Vec<Slot>, bool), ShelfError> {
        let repeat_ms = self.spans().repeat_ms[kind as usize].unwrap_or(0);
        let earliest = since.saturating_sub(repeat_ms);
        let most = if since == until { usize::MAX } else { TOGETHER.min(self.slice) };
        let mut count = 0;
        let touches = self.pick(group, earliest, shelf, &mut |passing, _| {
            let is_one =
                passing.is_event() && passing.kind == kind && (earliest..=until).contains(&passing.at);
            count += usize::from(is_one);
            is_one && count <= most
        })?;
        Ok((touches, count <= most))
    }

    /// What a touch is that may be a repeat.
    fn decide(&mut self, touch: Slot, shelf: &dyn Shelf) -> Result<State, ShelfError> {
        let Record { group, kind, at, .. } = *self.pool.get(touch);
        let (mut near, _) = self.touches(group, kind, (at, at), shelf)?;
        // Picked again, it stands twice in the pool.
        let identity = |slot: &Slot| (self.pool.get(*slot).hash, self.pool.get(*slot).received);
        let own = identity(&touch);
        near.retain(|other| identity(other) != own);
        near.push(touch);
        let settled = settle(&mut self.pool, near, &self.rules);
        let state = settled.state(touch).unwrap_or_else(|| State::alone(self.pool.get(touch), &self.rules));
        Ok(if state.invalid.is_none() { self.linked(touch, &state) } else { state })
    }

    /// What a valid touch is with what it inherits: a click remembers its impression.
    fn linked(&mut self, touch: Slot, state: &State) -> State {
        if self.pool.get(touch).kind != Kind::Click {
            return *state;
        }
        let nothing = State { link: SlotLink::Root, tuple: self.pool.get(touch).tuple, ..*state };
        let Some(impression) = self.pool.push_ghost(touch) else { return nothing };
        let valid = State { invalid: None, link: SlotLink::Root, tuple: self.pool.get(impression).tuple };
        let known: FxHashMap<Slot, State> = [(impression, valid)].into_iter().collect();
        let settled = settle_with(&mut self.pool, vec![impression, touch], &self.rules, &known);
        settled.state(touch).map_or(nothing, |linked| State { invalid: None, ..linked })
    }

    /// Whether a conversion may be of this touch's campaign.
    fn fits(&self, slot: Slot, touch: &State) -> bool {
        let campaign = |tuple| self.pool.words.value(tuple, Dimension::Campaign);
        let own = campaign(self.pool.get(slot).tuple);
        own == 0 || own == campaign(touch.tuple)
    }
}
