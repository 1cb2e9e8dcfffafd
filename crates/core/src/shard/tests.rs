use super::*;
use crate::event::{Dims, Kind, Screening};
use crate::key::{EventId, Key};
use crate::link::NoShelf;
use crate::segment::Segment;
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
    const EVENTS: usize = 10_001;
    let mut shard = Shard::new(Stored { last_seq: 7, ..Stored::default() }, Retention::default());
    shard.set_settings(0, 1, Settings::default());
    let events = (0..EVENTS).map(long_impression).collect();
    let (row, _) = shard.commit(events, ServerTime(5), &NoShelf).unwrap();
    shard.committed(1, row, &NoShelf).unwrap();
    let telling = shard.tell(ServerTime(9), Whom::ReportsAndBilling).unwrap();
    let sizes = telling.parcels.iter().map(|parcel| parcel.segments.iter().map(|(_, s)| s.len()).sum());
    let sizes: Vec<usize> = sizes.collect();
    assert!(sizes.len() > 2 && sizes.iter().all(|size| *size <= MAX_PARCEL_BYTES), "{sizes:?}");
    let told = telling.parcels.iter().map(|parcel| {
        let (_, platform) = &parcel.segments[0];
        let segment = Segment::decode(platform).unwrap();
        segment.iter().map(|(_, tally)| tally.measures.get(crate::measure::Measure::Impressions)).sum::<i64>()
    });
    assert_eq!(told.sum::<i64>(), EVENTS as i64);
    let (last, before) = telling.parcels.split_last().unwrap();
    assert_eq!(last.through, Some(ServerTime(9)));
    assert!(before.iter().all(|parcel| parcel.through.is_none()), "an earlier parcel claims to be complete");
    let scopes = telling.parcels.iter().map(|parcel| parcel.segments.len());
    assert!(scopes.max() <= Some(MAX_PARCEL_SCOPES));
    let numbers: Vec<u64> = telling.parcels.iter().map(|parcel| parcel.seq).collect();
    assert_eq!(numbers, (8..8 + numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn settings_that_nothing_refers_to_are_forgotten() {
    let mut shard = Shard::new(Stored::default(), Retention::default());
    for revision in 0..4 {
        shard.set_settings(revision, 1, Settings::default());
        if revision == 1 {
            let (row, _) = shard.commit(vec![long_impression(0)], ServerTime(5), &NoShelf).unwrap();
            shard.committed(1, row, &NoShelf).unwrap();
        }
    }
    assert_eq!(shard.forget_revisions(), [0, 2]);
    assert_eq!(shard.forget_revisions(), Vec::<u64>::new());
}

#[test]
fn the_shard_count_is_fixed_by_the_first_event_even_if_it_waits() {
    let mut shard = Shard::new(Stored::default(), Retention::default());
    shard.set_settings(1, 1, Settings::default());
    assert_eq!(shard.judge_settings(2, 4, 0), SettingsVerdict::Store);
    assert_eq!(shard.judge_settings(2, 4, 1), SettingsVerdict::Conflict(1));
    assert_eq!(shard.judge_settings(1, 1, 0), SettingsVerdict::Known);
    let (row, _) = shard.commit(vec![long_impression(0)], ServerTime(5), &NoShelf).unwrap();
    shard.committed(1, row, &NoShelf).unwrap();
    assert_eq!(shard.judge_settings(2, 4, 0), SettingsVerdict::Conflict(1));
    assert_eq!(shard.judge_settings(2, 1, 0), SettingsVerdict::Store);
}

/// Found by the simulation: a start took in an untold row again whose event's earlier delivery was forgotten.
#[test]
fn nothing_is_forgotten_while_facts_are_untold() {
    let mut shard = Shard::new(Stored::default(), Retention::default());
    shard.set_settings(0, 1, Settings::default());
    let (row, _) = shard.commit(vec![long_impression(0)], ServerTime(5), &NoShelf).unwrap();
    shard.committed(1, row, &NoShelf).unwrap();
    let spill = shard.spill(ServerTime(6)).unwrap();
    shard.spilled(spill);
    let late = ServerTime(6 + Retention::default().horizon_ms());
    assert!(shard.expire(late).is_some());
    let row = Row {
        received: ServerTime(7),
        revision: 0,
        accepted: vec![long_impression(1)],
        repeats: vec![],
        rulings: vec![],
    };
    shard.committed(2, row, &NoShelf).unwrap();
    assert_eq!(shard.expire(late), None);
    let telling = shard.tell(late, Whom::ReportsAndBilling).unwrap();
    shard.told(&telling);
    assert!(shard.expire(late).is_some());
}

#[test]
fn rulings_are_stored_once_and_only_for_days_that_are_kept() {
    const NOW: ServerTime = ServerTime(1_700_000_000_000);
    let mut shard = Shard::new(Stored::default(), Retention::default());
    shard.set_settings(0, 1, Settings::default());
    let ruling =
        |days_ago: i32| Ruling { group: 1, kind: Kind::Click, day: Day(EventTime(NOW.0).day().0 - days_ago) };
    let row = shard.rule([ruling(0), ruling(51), ruling(53), ruling(0)], NOW).unwrap();
    assert_eq!(row.rulings, [ruling(51), ruling(0)]);
    shard.committed(1, row, &NoShelf).unwrap();
    assert_eq!(shard.rule([ruling(51), ruling(0)], NOW), None);
    // A later row of the log brings it again, so a start does not have it before.
    let stored = Stored { rulings: vec![(1, ruling(0))], ..Stored::default() };
    assert!(Shard::new(stored, Retention::default()).rule([ruling(0)], NOW).is_some());
}

/// An impression that costs something.
fn paid_impression(n: usize) -> Event {
    Event { cost_micros: Some(1_000), ..long_impression(n) }
}

fn take(shard: &mut Shard, id: i64) {
    let (row, _) = shard.commit(vec![paid_impression(id as usize)], ServerTime(id), &NoShelf).unwrap();
    shard.committed(id, row, &NoShelf).unwrap();
}

#[test]
fn billing_is_told_seldom_and_of_everything_since() {
    let mut shard = Shard::new(Stored { last_seq: 7, ..Stored::default() }, Retention::default());
    shard.set_settings(0, 1, Settings::default());
    let mut now = ServerTime(1_700_000_000_000);
    let mut check = |shard: &mut Shard, after_ms: i64, parcels: &[u64], billed: &[(u64, usize)]| {
        now.0 += after_ms;
        let telling = shard.tell(now, shard.whom(now));
        let told = telling.iter().flat_map(|telling| &telling.parcels).map(|parcel| parcel.seq);
        assert_eq!(told.collect::<Vec<_>>(), parcels);
        let batches = telling.iter().flat_map(|telling| &telling.billing);
        let batches: Vec<_> = batches.map(|batch| (batch.id.seq, batch.entries.len())).collect();
        assert_eq!(batches, billed);
        telling.iter().for_each(|telling| shard.told(telling));
    };
    take(&mut shard, 1);
    check(&mut shard, 0, &[8], &[(8, 1)]);
    assert!(!shard.is_unbilled());
    for id in 2..4 {
        take(&mut shard, id);
        check(&mut shard, 1_000, &[id as u64 + 7], &[]);
        assert!(shard.is_unbilled());
        assert_eq!(shard.unbilled(&paid_impression(id as usize).event).len(), 1);
    }
    check(&mut shard, 1_000, &[], &[]);
    // Under the number of the last parcel, with which billing was not told.
    check(&mut shard, BILL_EVERY_MS, &[], &[(10, 2)]);
    check(&mut shard, BILL_EVERY_MS, &[], &[]);
    take(&mut shard, 4);
    check(&mut shard, 0, &[11], &[(11, 1)]);
    // A clock that went back holds nothing up.
    take(&mut shard, 5);
    check(&mut shard, -BILL_EVERY_MS, &[12], &[(12, 1)]);
}

#[test]
fn what_fills_memory_does_not_wait() {
    let mut shard = Shard::new(Stored::default(), Retention::default());
    shard.set_settings(0, 1, Settings::default());
    let many = (1..MAX_UNTOLD_FACTS).map(paid_impression).collect();
    let (row, _) = shard.commit(many, ServerTime(1), &NoShelf).unwrap();
    shard.committed(1, row, &NoShelf).unwrap();
    assert!(!shard.is_full());
    take(&mut shard, MAX_UNTOLD_FACTS as i64);
    assert!(shard.is_full());
    shard.told(&shard.tell(ServerTime(1_700_000_000_000), Whom::Reports).unwrap());
    assert!(shard.is_unbilled() && !shard.is_full());
}

#[test]
fn a_start_goes_on_where_each_was_told() {
    let stored = Stored { last_seq: 9, told_upto: 2, billed_upto: 1, ..Stored::default() };
    let mut shard = Shard::new(stored, Retention::default());
    shard.set_settings(0, 1, Settings::default());
    (1..4).for_each(|id| take(&mut shard, id));
    let telling = shard.tell(ServerTime(9), Whom::ReportsAndBilling).unwrap();
    let counted = Segment::decode(&telling.parcels[0].segments[0].1).unwrap().sums();
    assert_eq!((telling.parcels.len(), counted.get(crate::measure::Measure::Impressions)), (1, 1));
    assert_eq!(telling.billing.iter().map(|batch| batch.entries.len()).collect::<Vec<_>>(), [2]);
    let unreported = shard.tell(ServerTime(9), Whom::Reports).unwrap();
    assert_eq!((unreported.billed_upto, unreported.billing.len()), (1, 0));
}
