//! A shard of an advertiser: what its Linker object decides, without storing or sending anything itself.
//!
//! The object reads facts (a request, a row, the clock), asks here what to do, does it, and tells here that it is
//! done. Whatever is in memory follows from what was stored: [`Shard::committed`] makes it again, so a crash between any
//! two steps loses nothing that was acknowledged and repeats nothing that was told.
//!
//! ```text
//! append:  admit -> commit -> (store the row) -> committed -> (acknowledge)
//! flush:   tell  -> (store the parcels)       -> told      -> (deliver each, mark it delivered)
//! start:   settings, told upto -> committed, for each row
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use thiserror::Error;

use crate::billing::{self, Batch, Entry, MAX_BATCH_BYTES};
use crate::cell::{Dimension, Scope};
use crate::event::{Event, EventRef};
use crate::link::{Admission, Arrival, Fact, Linker, cells_of};
use crate::segment::Segment;
use crate::settings::Settings;
use crate::time::ServerTime;

/// The most facts in a parcel: what is encoded at a time.
pub const MAX_PARCEL_FACTS: usize = 10_000;
/// The most bytes of a parcel's segments together: an outbox row may have 2 MB.
pub const MAX_PARCEL_BYTES: usize = 1_000_000;
/// The most scopes of a parcel: each is a delivery, and a delivery that fails repeats the parcel.
pub const MAX_PARCEL_SCOPES: usize = 50;
/// The most events that may wait for a commit: three of the largest requests.
pub const MAX_WAITING: usize = 30_000;
/// The most events that a shard keeps in memory: measured at 0.4 kB each in WebAssembly, so 80 MB in an isolate of 128
/// MB that other objects may share.
pub const MAX_RESIDENT: usize = 200_000;

/// One row of the log: what one group commit stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// When it was committed.
    pub received: ServerTime,
    /// The revision of the settings in force.
    pub revision: u64,
    /// New events, in the order of their positions.
    pub accepted: Vec<Event>,
    /// Deliveries of events that were there before.
    pub repeats: Vec<EventRef>,
}

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

/// Parcels to be stored as one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telling {
    /// The last row of the log whose facts are in them.
    pub upto: i64,
    /// Numbered without gaps.
    pub parcels: Vec<Parcel>,
    /// What the same facts cost, for billing.
    pub billing: Vec<Batch>,
}

/// Why events are not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The sender routed by another shard count.
    #[error("the advertiser has {0} shards")]
    Shards(u32),
    /// More than [`MAX_WAITING`].
    #[error("too many events are waiting")]
    Busy,
    /// More than [`MAX_RESIDENT`].
    #[error("the shard holds as many events as it can")]
    Full,
}

/// What to do about settings that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsVerdict {
    /// Store them, then [`Shard::set_settings`].
    Store,
    /// These or later ones are in force.
    Known,
    /// Events are stored under this other shard count.
    Conflict(u32),
}

/// The log refers to settings that are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the log refers to settings {0}, which are missing")]
pub struct MissingSettings(pub u64);

/// What of the log is linked, and what of that is still to be told.
#[derive(Debug, Default)]
pub struct Shard {
    linker: Linker,
    /// Every revision that a row may refer to.
    revisions: BTreeMap<u64, Arc<Settings>>,
    /// The revisions that rows refer to.
    used: BTreeSet<u64>,
    /// `None` before the first event or setting.
    shards: Option<u32>,
    /// Facts that are in no parcel yet.
    untold: Vec<Fact>,
    /// The last row of the log.
    last_row: i64,
    /// The last parcel's number, and the last row whose facts were in a parcel when memory was made.
    last_seq: u64,
    told_upto: i64,
}

impl Shard {
    /// A shard with an outbox that ends with parcel `last_seq`, in which the log is told up to row `told_upto`; its
    /// settings and its rows follow.
    pub fn new(last_seq: u64, told_upto: i64) -> Self {
        Self { last_seq, told_upto, ..Self::default() }
    }

    /// The events, linked.
    pub fn linker(&self) -> &Linker {
        &self.linker
    }

    /// How many shards the advertiser has; `None` before the first event or setting.
    pub fn shards(&self) -> Option<u32> {
        self.shards
    }

    /// What to do about settings of a revision, with `waiting` events that are admitted but not stored.
    pub fn judge_settings(&self, revision: u64, shards: u32, waiting: usize) -> SettingsVerdict {
        let is_used = !self.linker.is_empty() || waiting > 0;
        match self.shards {
            Some(known) if known != shards && is_used => SettingsVerdict::Conflict(known),
            _ if self.revision().is_some_and(|known| known >= revision) => SettingsVerdict::Known,
            _ => SettingsVerdict::Store,
        }
    }

    /// Puts settings that are stored in force.
    pub fn set_settings(&mut self, revision: u64, shards: u32, settings: Settings) {
        self.shards = Some(shards);
        self.revisions.insert(revision, Arc::new(settings));
    }

    /// Revisions that are not in force any more and that no row refers to: they need not be kept.
    pub fn forget_revisions(&mut self) -> Vec<u64> {
        let Some(last) = self.revision() else { return Vec::new() };
        let used = &self.used;
        let kept = |revision: &u64| *revision == last || used.contains(revision);
        let forgotten = self.revisions.keys().copied().filter(|revision| !kept(revision)).collect();
        self.revisions.retain(|revision, _| kept(revision));
        forgotten
    }

    /// Whether to take `events` more, with `waiting` before them; settings must be in force.
    pub fn admit(&self, shards: u32, waiting: usize, events: usize) -> Result<(), Refusal> {
        match self.shards {
            Some(known) if known != shards => Err(Refusal::Shards(known)),
            _ if waiting + events > MAX_WAITING => Err(Refusal::Busy),
            _ if self.linker.len() + waiting + events > MAX_RESIDENT => Err(Refusal::Full),
            _ => Ok(()),
        }
    }

    /// The row to store for these events, and what each of them then is.
    pub fn commit(&self, events: Vec<Event>, now: ServerTime) -> (Row, Vec<Admission>) {
        let admissions = self.linker.admissions(events.iter().map(|event| &event.event));
        let mut accepted = Vec::with_capacity(events.len());
        let mut repeats = Vec::new();
        for (event, admission) in events.into_iter().zip(&admissions) {
            match admission {
                Admission::Accepted(_) => accepted.push(event),
                Admission::Duplicate => repeats.push(event.event),
            }
        }
        let revision = self.revision().unwrap_or_default();
        (Row { received: now, revision, accepted, repeats }, admissions)
    }

    /// Links a row that is stored as row `id` of the log: after its commit, and again, in order, at every start.
    pub fn committed(&mut self, id: i64, row: Row) -> Result<(), MissingSettings> {
        let Row { received, revision, accepted, repeats } = row;
        let settings = self.revisions.get(&revision).ok_or(MissingSettings(revision))?.clone();
        let arrival = |event| Arrival { event, received, settings: settings.clone() };
        let applied = self.linker.apply_with_repeats(accepted.into_iter().map(arrival), repeats);
        self.used.insert(revision);
        self.last_row = id;
        if id > self.told_upto {
            self.untold.extend(applied.facts);
        }
        Ok(())
    }

    /// The parcels to store for what is untold; `None` where there is nothing.
    pub fn tell(&self, now: ServerTime) -> Option<Telling> {
        let contents = self.untold.chunks(MAX_PARCEL_FACTS).flat_map(contents);
        let parcel = |(seq, segments)| Parcel { seq, through: None, segments };
        let mut parcels: Vec<Parcel> = (self.last_seq + 1..).zip(contents).map(parcel).collect();
        let last = parcels.last_mut()?;
        last.through = Some(now);
        let billing = billing::batches(last.seq, billing::entries(&self.untold), MAX_BATCH_BYTES);
        Some(Telling { upto: self.last_row, parcels, billing })
    }

    /// The entries of an event that are in no telling yet.
    pub fn unbilled(&self, event: &EventRef) -> Vec<Entry> {
        let facts: Vec<Fact> = self.untold.iter().filter(|fact| fact.event == *event).cloned().collect();
        billing::entries(&facts)
    }

    /// Notes that the parcels of [`Shard::tell`] are stored.
    pub fn told(&mut self, telling: &Telling) {
        self.untold.clear();
        self.last_seq += telling.parcels.len() as u64;
        self.told_upto = telling.upto;
    }

    fn revision(&self) -> Option<u64> {
        self.revisions.keys().next_back().copied()
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
    let dims =
        |dimension| facts.iter().map(move |fact| fact.body.cell.dim(dimension)).collect::<BTreeSet<_>>();
    let advertisers = dims(Dimension::Advertiser).into_iter().cloned().map(Scope::Advertiser);
    let services = dims(Dimension::Service).into_iter().filter(|key| !key.is_empty()).cloned();
    let scopes = [Scope::Platform].into_iter().chain(advertisers).chain(services.map(Scope::Service));
    let segment = |scope: Scope| {
        let segment = Segment::from_cells(cells_of(facts, &scope));
        (scope, segment)
    };
    let segments = scopes.map(segment).filter(|(_, segment)| !segment.is_empty());
    segments.map(|(scope, segment)| (scope, segment.encode())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Dims, Kind, Screening};
    use crate::key::{EventId, Key};
    use crate::time::EventTime;

    /// An impression whose dimensions are as long as they may be, and no other's.
    fn long_impression(n: usize) -> Event {
        let long = |name: &str| Key::parse(&format!("{name}{n:-<63}")).unwrap();
        let dims = Dims {
            campaign: long("c"),
            ad: long("a"),
            service: Key::parse(&format!("s{}", n % 60)).unwrap(),
            placement: long("p"),
            country: long("k"),
            device: long("d"),
        };
        Event {
            event: EventRef { kind: Kind::Impression, id: EventId::parse(&format!("i{n}")).unwrap() },
            at: EventTime(1_700_000_000_000),
            advertiser: Key::parse("acme").unwrap(),
            dims,
            label: Key::empty(),
            user: None,
            impression: None,
            click: None,
            cost_micros: None,
            value_micros: 0,
            screening: Screening::Clean,
            extras: None,
        }
    }

    #[test]
    fn parcels_stay_small_whatever_is_in_them() {
        let mut shard = Shard::new(7, 0);
        shard.set_settings(0, 1, Settings::default());
        let events = (0..MAX_PARCEL_FACTS + 1).map(long_impression).collect();
        let (row, _) = shard.commit(events, ServerTime(5));
        shard.committed(1, row).unwrap();
        let telling = shard.tell(ServerTime(9)).unwrap();
        let sizes = telling.parcels.iter().map(|parcel| parcel.segments.iter().map(|(_, s)| s.len()).sum());
        let sizes: Vec<usize> = sizes.collect();
        assert!(sizes.len() > 2 && sizes.iter().all(|size| *size <= MAX_PARCEL_BYTES), "{sizes:?}");
        let told = telling.parcels.iter().map(|parcel| {
            let (_, platform) = &parcel.segments[0];
            let segment = Segment::decode(platform).unwrap();
            segment
                .iter()
                .map(|(_, tally)| tally.measures.get(crate::measure::Measure::Impressions))
                .sum::<i64>()
        });
        assert_eq!(told.sum::<i64>(), MAX_PARCEL_FACTS as i64 + 1);
        let (last, before) = telling.parcels.split_last().unwrap();
        assert_eq!(last.through, Some(ServerTime(9)));
        assert!(
            before.iter().all(|parcel| parcel.through.is_none()),
            "an earlier parcel claims to be complete"
        );
        let scopes = telling.parcels.iter().map(|parcel| parcel.segments.len());
        assert!(scopes.max() <= Some(MAX_PARCEL_SCOPES));
        let numbers: Vec<u64> = telling.parcels.iter().map(|parcel| parcel.seq).collect();
        assert_eq!(numbers, (8..8 + numbers.len() as u64).collect::<Vec<_>>());
    }

    #[test]
    fn settings_that_nothing_refers_to_are_forgotten() {
        let mut shard = Shard::new(0, 0);
        for revision in 0..4 {
            shard.set_settings(revision, 1, Settings::default());
            if revision == 1 {
                let (row, _) = shard.commit(vec![long_impression(0)], ServerTime(5));
                shard.committed(1, row).unwrap();
            }
        }
        assert_eq!(shard.forget_revisions(), [0, 2]);
        assert_eq!(shard.forget_revisions(), Vec::<u64>::new());
    }

    #[test]
    fn the_shard_count_is_fixed_by_the_first_event_even_if_it_waits() {
        let mut shard = Shard::new(0, 0);
        shard.set_settings(1, 1, Settings::default());
        assert_eq!(shard.judge_settings(2, 4, 0), SettingsVerdict::Store);
        assert_eq!(shard.judge_settings(2, 4, 1), SettingsVerdict::Conflict(1));
        assert_eq!(shard.judge_settings(1, 1, 0), SettingsVerdict::Known);
        let (row, _) = shard.commit(vec![long_impression(0)], ServerTime(5));
        shard.committed(1, row).unwrap();
        assert_eq!(shard.judge_settings(2, 4, 0), SettingsVerdict::Conflict(1));
        assert_eq!(shard.judge_settings(2, 1, 0), SettingsVerdict::Store);
    }
}
