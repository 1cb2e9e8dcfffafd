//! What a shard takes of memory for a user with very many events: it must not grow with them.

#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use adtally_core::batch::Ruling;
use adtally_core::event::{Dims, Event, EventRef, Kind, Screening};
use adtally_core::key::{EventId, Key, UserKey};
use adtally_core::link::run::Progress;
use adtally_core::link::{MERGE_RUNS, PageRef, Retention, Shelf, ShelfError};
use adtally_core::settings::Settings;
use adtally_core::shard::{Row, Shard, Stored, Telling, Whom};
use adtally_core::time::{DAY_MS, EventTime, ServerTime};

/// Counts what is allocated, and the most that ever was.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[expect(unsafe_code, reason = "an allocator is unsafe by its nature; this one only counts")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Runs, each extent a row.
#[derive(Default)]
struct Extents(BTreeMap<(u64, u32), Vec<u8>>);

impl Shelf for Extents {
    fn read(&self, page: PageRef) -> Result<Vec<u8>, ShelfError> {
        Ok(self.0[&(page.run, page.extent)][page.offset as usize..][..page.len as usize].to_vec())
    }
}

const START: i64 = 1_700_006_400_000;
const PER_ROW: u64 = 10_000;

/// A shard with what it has stored.
struct Machine {
    shard: Shard,
    extents: Extents,
    next_row: i64,
    /// Parcels that were made before all of a row was linked.
    told: usize,
}

impl Machine {
    fn new() -> Self {
        let mut shard = Shard::new(Stored::default(), Retention::default());
        shard.set_settings(1, 1, Settings::default());
        Self { shard, extents: Extents::default(), next_row: 1, told: 0 }
    }

    fn take(&mut self, row: Row) {
        let now = row.received;
        let mut told = 0;
        let mut count = |telling: &Telling| told += telling.parcels.len();
        self.shard.committed_in_parts(self.next_row, row, now, &self.extents, &mut count).unwrap();
        self.told += told;
        self.next_row += 1;
        if let Some(telling) = self.shard.tell(now, Whom::ReportsAndBilling) {
            self.shard.told(&telling);
        }
        self.make_room(now);
    }

    fn make_room(&mut self, now: ServerTime) {
        if !self.shard.is_spill_due() {
            return;
        }
        let spill = self.shard.spill(now).unwrap();
        let put = |extents: &mut Extents, run, new: &[(u32, Vec<u8>)]| {
            extents.0.extend(new.iter().map(|(number, bytes)| ((run, *number), bytes.clone())));
        };
        put(&mut self.extents, spill.written.run.id, &spill.written.extents);
        self.shard.spilled(spill);
        while let Some(mut merge) = self.shard.merge(MERGE_RUNS) {
            loop {
                match merge.step(2_048, &self.extents).unwrap() {
                    Progress::Extents(extents) => put(&mut self.extents, merge.id, &extents),
                    Progress::Done(written) => {
                        put(&mut self.extents, merge.id, &written.extents);
                        self.shard.merged(&merge.inputs, written.run);
                        self.extents.0.retain(|(run, _), _| !merge.inputs.contains(run));
                        break;
                    }
                }
            }
        }
    }

    fn stored(&self) -> usize {
        self.extents.0.values().map(Vec::capacity).sum()
    }
}

/// The `n`th of `events` of a day of one user: nine impressions, then a click on one of them.
fn event(n: u64, events: u64, has_names: bool) -> Event {
    let kind = if n % 10 == 9 { Kind::Click } else { Kind::Impression };
    let key = |text: String| Key::parse(&text).unwrap();
    let id = |n: u64| EventId::parse(&format!("solo.2023-11-14.{n:08}")).unwrap();
    let ad = (n / 10) % 40;
    Event {
        event: EventRef { kind, id: id(n) },
        at: EventTime(START + (n as i64 * DAY_MS) / events as i64),
        advertiser: key("solo".to_owned()),
        dims: Dims {
            campaign: key(format!("c{}", ad / 8)),
            ad: key(format!("ad-{ad}")),
            service: key("news".to_owned()),
            ..Dims::default()
        },
        label: Key::empty(),
        user: Some(UserKey(7)),
        impression: Some(id(n - n % 10)).filter(|_| kind == Kind::Click && has_names),
        click: None,
        cost_micros: Some(10),
        value_micros: 0,
        screening: Screening::Clean,
        extras: None,
    }
}

/// What a change of everything that a user has takes besides what was there before: bytes and parcels.
fn ruled(events: u64, has_names: bool) -> (usize, usize) {
    let mut machine = Machine::new();
    let row = |now: i64, accepted| Row {
        received: ServerTime(now),
        revision: 1,
        accepted,
        repeats: Vec::new(),
        rulings: Vec::new(),
    };
    for first in (0..events).step_by(PER_ROW as usize) {
        let some: Vec<Event> = (first..first + PER_ROW).map(|n| event(n, events, has_names)).collect();
        let now = some.last().unwrap().at.0;
        machine.take(row(now, some));
    }
    let day = EventTime(START).day();
    let now = START + DAY_MS;
    let before = NOW.load(Ordering::Relaxed) - machine.stored();
    let mut most = 0;
    for kind in [Kind::Impression, Kind::Click] {
        MOST.store(NOW.load(Ordering::Relaxed), Ordering::Relaxed);
        let rulings = vec![Ruling { group: 7, kind, day }];
        let stored = machine.stored();
        machine.take(Row { rulings, ..row(now, Vec::new()) });
        most = most.max(MOST.load(Ordering::Relaxed) - stored);
        let all = machine.shard.linker().len() as u64;
        assert_eq!(all, events);
    }
    let conversion = Event {
        event: EventRef { kind: Kind::Conversion, id: EventId::parse("bought").unwrap() },
        at: EventTime(now),
        ..event(0, events, has_names)
    };
    MOST.store(NOW.load(Ordering::Relaxed), Ordering::Relaxed);
    let stored = machine.stored();
    machine.take(row(now, vec![conversion]));
    let conversion = MOST.load(Ordering::Relaxed) - stored;
    println!(
        "{events} events: {:.1} MB before, {:.1} MB while ruled, {:.1} MB for a conversion, {} parcels",
        before as f64 / 1e6,
        most as f64 / 1e6,
        conversion as f64 / 1e6,
        machine.told
    );
    (most.max(conversion), machine.told)
}

/// The memory of a shard is bounded whatever one user does.
#[test]
fn a_user_with_very_many_events_takes_no_more_memory_than_one_with_many() {
    let sizes: Vec<u64> = std::env::var("ADTALLY_HOT")
        .map_or(vec![50_000, 120_000], |text| text.split(',').map(|size| size.parse().unwrap()).collect());
    for has_names in [false, true] {
        for events in &sizes {
            let (most, parcels) = ruled(*events, has_names);
            assert!(most < 48_000_000, "{events} events take {most} bytes");
            assert!(parcels as u64 > events / 10_000, "{events} events were told in {parcels} parcels");
        }
    }
}
