//! Telling: facts become parcels for Report objects and entries for billing.
//!
//! Reports are told at every flush, billing seldom: each keeps its own place in the log.

use super::Shard;
use crate::aggregate::Aggregator;
use crate::billing::{self, Batch, Entry, MAX_BATCH_BYTES};
use crate::cell::Scope;
use crate::event::EventRef;
use crate::link::Fact;
use crate::time::{SECOND_MS, ServerTime};

/// The most facts in a parcel, which is as many as are sent in a flush: a second parcel is a second row in each report.
pub const MAX_PARCEL_FACTS: usize = 30_000;
/// The most bytes of a parcel's segments together: an outbox row may have 2 MB.
pub const MAX_PARCEL_BYTES: usize = 1_000_000;
/// The most scopes of a parcel: each is a delivery, and a delivery that fails repeats the parcel.
pub const MAX_PARCEL_SCOPES: usize = 50;
/// The least time between two tellings of billing: each costs rows in the outbox and in the ledger, and nobody waits for
/// a charge as for a report.
pub const BILL_EVERY_MS: i64 = 5 * SECOND_MS;
/// The facts that billing is told at once: they are in memory until then, two megabytes or so.
pub const MAX_UNBILLED_FACTS: usize = 5_000;
/// The facts that are told without waiting for the next flush: they are in memory until then, and what a flush writes
/// costs little for as many.
pub const MAX_UNTOLD_FACTS: usize = 10_000;

/// One row of the outbox: what one flush has to deliver, by scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// Its number; Report objects take each number of a shard once.
    pub seq: u64,
    /// Everything acknowledged up to this server time is in this parcel or an earlier one; `None` where parcels that
    /// belong to it follow.
    pub through: Option<ServerTime>,
    /// Signed cells by scope, encoded.
    pub segments: Vec<(Scope, Vec<u8>)>,
}

/// Who is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// Report objects.
    Reports,
    /// Report objects, and billing of everything since it was told last.
    ReportsAndBilling,
}

/// Parcels and entries to be stored as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// When it was made.
    pub made: ServerTime,
    /// The last row of the log whose facts are in these parcels or earlier ones.
    pub upto: i64,
    /// The last row of the log whose facts billing was told.
    pub billed_upto: i64,
    /// Numbered without gaps; none where only billing has something to hear.
    pub parcels: Vec<Parcel>,
    /// What facts cost, for billing.
    pub billing: Vec<Batch>,
}

impl Shard {
    /// Who is to be told when something is told now.
    pub fn whom(&self, now: ServerTime) -> Whom {
        // The clock may have gone back.
        let is_due = now.0.abs_diff(self.billed_at.0) >= BILL_EVERY_MS.unsigned_abs();
        match is_due || self.untold.len() >= MAX_UNBILLED_FACTS {
            true => Whom::ReportsAndBilling,
            false => Whom::Reports,
        }
    }

    /// Whether so much is to be told that it should not wait.
    pub fn is_full(&self) -> bool {
        self.untold.len() - self.reported >= MAX_UNTOLD_FACTS
    }

    /// Whether billing has still to be told what reports were told.
    pub fn is_unbilled(&self) -> bool {
        self.reported > 0
    }

    /// What to store for those who are to be told; `None` where there is nothing.
    pub fn tell(&self, now: ServerTime, whom: Whom) -> Option<Telling> {
        let contents = self.untold[self.reported..].chunks(MAX_PARCEL_FACTS).flat_map(contents);
        let parcel = |(seq, segments)| Parcel { seq, through: None, segments };
        let mut parcels: Vec<Parcel> = (self.last_seq + 1..).zip(contents).map(parcel).collect();
        if let Some(last) = parcels.last_mut() {
            last.through = Some(now);
        }
        // Without a new parcel the last one has this number, and billing was not told with it.
        let seq = self.last_seq + parcels.len() as u64;
        let (billed_upto, billing) = match whom {
            Whom::Reports => (self.billed_upto, Vec::new()),
            Whom::ReportsAndBilling => {
                (self.last_row, billing::batches(seq, billing::entries(&self.untold), MAX_BATCH_BYTES))
            }
        };
        let is_nothing = parcels.is_empty() && (whom == Whom::Reports || self.untold.is_empty());
        let telling = Telling { made: now, upto: self.last_row, billed_upto, parcels, billing };
        (!is_nothing).then_some(telling)
    }

    /// The entries of an event that are in no telling yet.
    pub fn unbilled(&self, event: &EventRef) -> Vec<Entry> {
        let facts: Vec<Fact> = self.untold.iter().filter(|fact| fact.event == *event).cloned().collect();
        billing::entries(&facts)
    }

    /// Notes that what [`Shard::tell`] made is stored.
    pub fn told(&mut self, telling: &Telling) {
        self.last_seq += telling.parcels.len() as u64;
        self.told_upto = telling.upto;
        if telling.billed_upto < telling.upto {
            self.reported = self.untold.len();
        } else {
            self.untold.clear();
            self.reported = 0;
            (self.billed_upto, self.billed_at) = (telling.billed_upto, telling.made);
        }
    }
}

/// What the parcels of these facts hold: one, or as many as it takes for each to be small enough.
fn contents(facts: &[Fact]) -> Vec<Vec<(Scope, Vec<u8>)>> {
    let segments = segments(facts);
    let bytes: usize = segments.iter().map(|(_, segment)| segment.len()).sum();
    if (bytes <= MAX_PARCEL_BYTES && segments.len() <= MAX_PARCEL_SCOPES) || facts.len() < 2 {
        return vec![segments];
    }
    let (first, second) = facts.split_at(facts.len() / 2);
    [first, second].into_iter().flat_map(contents).collect()
}

/// The cells of each scope that the facts concern.
fn segments(facts: &[Fact]) -> Vec<(Scope, Vec<u8>)> {
    let mut aggregator = Aggregator::default();
    facts.iter().for_each(|fact| aggregator.add_fact(fact));
    aggregator.segments().into_iter().map(|(scope, segment)| (scope, segment.encode())).collect()
}
