//! Tests of files as a whole.

use std::collections::BTreeMap;

use adtally_core::batch::{Accepted, Entry, Gone, Hashes, Look, Repeat, Stored, StoredRow, Whose};
use adtally_core::event::{Dims, Event, EventRef, Extras, Kind, Screening};
use adtally_core::key::{EventId, Key, UserKey};
use adtally_core::settings::Settings;
use adtally_core::time::{DAY_MS, Day, EventTime, ServerTime};
use adtally_wire::batch::ArchiveFile;
use bytes::Bytes;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;

use crate::{
    ArchiveError, Index, MAX_FILE_ENTRIES, Merge, Meta, Named, ROW_GROUP, Reader, Rewritten, Writer, Written,
    compactable, erase, merged_entries, merges,
};

const DAY: Day = Day(17_734);

fn meta() -> Meta {
    let advertiser = Key::parse("acme").unwrap();
    let mut settings = Settings::default();
    settings.windows.repeat_click_ms = 7;
    let settings = BTreeMap::from([(0, Settings::default()), (3, settings), (9, Settings::default())]);
    Meta { advertiser, shard: 2, day: DAY, rows: (1, 1 << 40), settings }
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![Just(""), Just("kr"), Just("여름"), Just("a name that does not lie inside")]
        .prop_map(|text| Key::parse(text).unwrap())
}

fn id() -> impl Strategy<Value = EventId> {
    (0..9_u8).prop_map(|n| EventId::parse(&format!("i{n}")).unwrap())
}

fn dims() -> impl Strategy<Value = Dims> {
    (key(), key(), key(), key(), key(), key()).prop_map(
        |(campaign, ad, service, placement, country, device)| Dims {
            campaign,
            ad,
            service,
            placement,
            country,
            device,
        },
    )
}

fn extras() -> impl Strategy<Value = Option<Box<Extras>>> {
    let props = prop::collection::btree_map("[a-z\"\\\\é]{0,3}", ".{0,4}", 0..3);
    let extras = (key(), key(), ".{0,5}", props).prop_map(|(os, browser, page, props)| Extras {
        os,
        browser,
        page,
        props: props.into_iter().collect(),
    });
    extras.prop_map(|extras| (extras != Extras::default()).then(|| Box::new(extras)))
}

fn event() -> impl Strategy<Value = Event> {
    let kind = prop::sample::select(Kind::ALL.to_vec());
    let screening = prop::sample::select(vec![Screening::Clean, Screening::Bot, Screening::Datacenter]);
    let user = prop::option::of(prop::sample::select(vec![0, 5, u64::MAX, 1 << 63]));
    let money = prop::option::of(prop::sample::select(vec![0, 7, i64::MAX]));
    let (parents, at) = ((prop::option::of(id()), prop::option::of(id())), 0..DAY_MS);
    let rest = (dims(), key(), extras(), screening);
    (kind, id(), at, user, parents, money, 0..3_i64, rest).prop_map(
        |(kind, id, at, user, (impression, click), cost_micros, value_micros, rest)| {
            let (dims, label, extras, screening) = rest;
            Event {
                event: EventRef { kind, id },
                at: EventTime(DAY.start_ms() + at),
                advertiser: Key::parse("acme").unwrap(),
                dims,
                label,
                user: user.map(UserKey),
                impression,
                click,
                cost_micros,
                value_micros,
                screening,
                extras,
            }
        },
    )
}

fn entry() -> impl Strategy<Value = Entry> {
    let revision = prop::sample::select(vec![0_u64, 3]);
    let row = prop_oneof![1..9_i64, Just(1_i64 << 40)];
    (event(), row, 0..5_i64, revision, prop::option::weighted(0.2, any::<u64>())).prop_map(
        |(event, row, received, revision, group)| {
            let received = ServerTime(DAY.start_ms() + received);
            match group {
                None => Entry::Accepted(Box::new(Accepted { row, received, revision, event })),
                Some(group) => {
                    Entry::Repeat(Repeat { row, received, at: event.at, event: event.event, group })
                }
            }
        },
    )
}

fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by_key(|entry| (entry.hashes().group, entry.row()));
    entries
}

/// Many entries, of a few kinds each in turn.
fn many(count: usize) -> Vec<Entry> {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let few = prop::collection::vec(entry(), 64).new_tree(&mut runner).unwrap().current();
    let row = |n: usize| 1 + (n as i64) / 10;
    let numbered = |n: usize| match few[n % few.len()].clone() {
        Entry::Accepted(mut accepted) => {
            accepted.row = row(n);
            accepted.event.user = Some(UserKey((n as u64 % 5_000).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
            accepted.event.event.id = EventId::parse(&format!("event-{n}")).unwrap();
            Entry::Accepted(accepted)
        }
        Entry::Repeat(repeat) => Entry::Repeat(Repeat { row: row(n), ..repeat }),
    };
    (0..count).map(numbered).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn entries_both_ways(entries in prop::collection::vec(entry(), 1..60), picks in any::<u64>()) {
        let written = Writer::write(meta(), entries.clone()).unwrap();
        prop_assert_eq!(&Writer::write(meta(), entries.clone()).unwrap(), &written, "other bytes");
        let reader = Reader::verified(written.bytes, &written.file).unwrap();
        let expected = sorted(entries);
        prop_assert_eq!(&reader.all().unwrap(), &expected);
        prop_assert!(reader.meta().settings.keys().all(|revision| [0, 3].contains(revision)));

        let glances = reader.glances(0..=u64::MAX).unwrap();
        for (at, (glance, entry)) in glances.iter().zip(&expected).enumerate() {
            prop_assert_eq!((glance.index, glance.row, glance.received), (at, entry.row(), entry.received()));
            prop_assert_eq!(glance.hashes, entry.hashes());
        }
        prop_assert_eq!(glances.len(), expected.len());

        let rows: Vec<usize> = (0..expected.len()).filter(|row| picks >> (row % 64) & 1 == 1).collect();
        let picked: Vec<Entry> = rows.iter().map(|row| expected[*row].clone()).collect();
        prop_assert_eq!(reader.entries(&rows).unwrap(), picked);
        // Where they stand they are the same, but for what decides about no link and no cell.
        let mut stood = 0;
        reader.each_stored(&rows, |row, stored| {
            let is_same = match (&expected[row], &stored) {
                (Entry::Accepted(accepted), StoredRow::Accepted(stored)) => {
                    let event = Event { extras: None, ..accepted.event.clone() };
                    Stored::of(accepted) == *stored && stored.event() == Some(event) && stored.group() == expected[row].group()
                }
                (Entry::Repeat(repeat), StoredRow::Repeat(stored)) => repeat == stored,
                _ => false,
            };
            assert!(is_same, "{:?} stands as {stored:?}", expected[row]);
            stood += 1;
        }).unwrap();
        prop_assert_eq!(stood, rows.len());
    }

    /// Damaged bytes are an error, or entries that could be: never a panic.
    #[test]
    fn what_goes_is_gone_and_the_rest_is_as_it_was(
        entries in prop::collection::vec(entry(), 1..60),
        users in prop::collection::btree_set(0..4u64, 0..3),
        upto in 0..1_000i64,
    ) {
        let gone = Gone { whose: Whose::Groups(users), upto };
        let written = Writer::write(meta(), entries.clone()).unwrap();
        let reader = Reader::verified(written.bytes.clone(), &written.file).unwrap();
        let is_left = |entry: &Entry| !gone.holds(entry.group(), entry.row());
        let left: Vec<Entry> = reader.all().unwrap().into_iter().filter(is_left).collect();
        match erase(&reader, &gone).unwrap() {
            Rewritten::Same => prop_assert_eq!(left.len(), entries.len()),
            Rewritten::Empty => prop_assert!(left.is_empty()),
            Rewritten::File(new) => {
                let reader = Reader::verified(new.bytes.clone(), &new.file).unwrap();
                prop_assert!(!left.is_empty() && left.len() < entries.len());
                prop_assert_eq!(reader.all().unwrap(), left);
                prop_assert_ne!(&new.file.key, &written.file.key);
                // The settings of those that are left are in it.
                prop_assert!(matches!(erase(&reader, &gone), Ok(Rewritten::Same)));
            }
        }
    }

    #[test]
    fn damage_is_an_error(entries in prop::collection::vec(entry(), 1..6), places in any::<[u32; 3]>(), cut in any::<bool>()) {
        let Written { mut bytes, file, .. } = Writer::write(meta(), entries).unwrap();
        let place = |n: u32| n as usize % bytes.len();
        let [first, second, third] = places.map(place);
        if cut {
            bytes.truncate(first);
        } else {
            // One of them near the end, where the file is described.
            let end = bytes.len() - 1 - second % bytes.len().min(400);
            bytes[first] ^= 1 << (third % 8);
            bytes[end] ^= 1 << (first % 8);
        }
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        let read = Reader::open(bytes.clone());
        let entries = read.map(|reader| (reader.all(), reader.glances(0..=u64::MAX).map(drop)));
        std::panic::set_hook(hook);
        if cut {
            prop_assert!(entries.is_err());
        }
        let verified = Reader::verified(bytes, &file).map(drop);
        prop_assert!(matches!(verified, Err(ArchiveError::Checksum(_)) | Ok(())));
    }
}

#[test]
fn what_is_no_archive_is_said_to_be_none() {
    let read = |bytes: &'static [u8]| Reader::open(bytes).map(drop).unwrap_err().to_string();
    assert!(read(b"").starts_with("the file cannot be read as Parquet"), "{}", read(b""));
    assert!(read(b"PAR1 no, it is not PAR1").starts_with("the file cannot be read as Parquet"));
    let written = Writer::write(meta(), many(3)).unwrap();
    let reader = Reader::open(written.bytes).unwrap();
    assert_eq!(reader.entries(&[3]), Err(ArchiveError::NoRow { row: 3, rows: 3 }));
    assert_eq!(reader.entries(&[1, 1]), Err(ArchiveError::NoRow { row: 1, rows: 3 }));
}

#[test]
fn what_does_not_belong_is_refused() {
    let entries = sorted(many(20));
    let mut writer = Writer::new(meta()).unwrap();
    writer.push(entries[19].clone()).unwrap();
    assert_eq!(writer.push(entries[0].clone()), Err(ArchiveError::Misplaced(entries[0].row())));
    let mut writer = Writer::new(Meta { day: Day(1), ..meta() }).unwrap();
    assert_eq!(writer.push(entries[0].clone()), Err(ArchiveError::Misplaced(entries[0].row())));
    let mut writer = Writer::new(Meta { rows: (50, 60), ..meta() }).unwrap();
    assert_eq!(writer.push(entries[0].clone()), Err(ArchiveError::Misplaced(entries[0].row())));
}

#[test]
fn groups_of_a_large_file_are_found_without_the_rest() {
    let entries = many(2 * ROW_GROUP + 100);
    let expected = sorted(entries.clone());
    let reader = Reader::open(Writer::write(meta(), entries).unwrap().bytes).unwrap();
    assert_eq!(reader.all().unwrap(), expected);
    let (from, to) = (expected[ROW_GROUP - 3].hashes().group, expected[ROW_GROUP + 3].hashes().group);
    for groups in [from..=to, 0..=from, to..=u64::MAX, from..=from] {
        let found = reader.glances(groups.clone()).unwrap();
        let is_wanted = |entry: &&Entry| groups.contains(&entry.hashes().group);
        let wanted: Vec<Entry> = expected.iter().filter(is_wanted).cloned().collect();
        let rows: Vec<usize> = found.iter().map(|glance| glance.index).collect();
        assert_eq!(reader.entries(&rows).unwrap(), wanted);
    }
}

#[test]
fn names_are_found_in_any_row_group() {
    let entries = many(2 * ROW_GROUP + 100);
    let expected = sorted(entries.clone());
    let reader = Reader::open(Writer::write(meta(), entries).unwrap().bytes).unwrap();
    let group = |row: usize| expected[row].hashes().group;
    let looks = [
        Look { groups: None, names: true },
        Look { groups: Some((group(ROW_GROUP + 3), group(ROW_GROUP + 9))), names: true },
        Look { groups: Some((group(3), group(9))), names: false },
        Look { groups: None, names: false },
    ];
    for sought in [vec![], vec![7], vec![0, ROW_GROUP + 5, 2 * ROW_GROUP + 99]] {
        for by in [Named::Own, Named::Parent] {
            let name = |entry: &Entry| match by {
                Named::Own => Some(entry.hashes().name),
                Named::Parent => entry.hashes().parent,
            };
            let names: Vec<u64> = sought.iter().filter_map(|row| name(&expected[*row])).collect();
            for look in looks {
                let found = reader.glances_of(look, by, |name| names.contains(&name)).unwrap();
                let is_wanted = |entry: &Entry| {
                    look.holds(entry.hashes().group)
                        || (look.names && name(entry).is_some_and(|name| names.contains(&name)))
                };
                let wanted: Vec<usize> =
                    (0..expected.len()).filter(|row| is_wanted(&expected[*row])).collect();
                assert_eq!(
                    found.iter().map(|glance| glance.index).collect::<Vec<_>>(),
                    wanted,
                    "{look:?}, {by:?}"
                );
            }
        }
    }
}

#[test]
fn merged_files_have_what_their_inputs_had() {
    let entries = many(9_000);
    let expected = sorted(entries.clone());
    let readers = || -> Vec<Reader> {
        let meta = |n: usize| Meta { rows: (1 + 300 * n as i64, 300 * (n as i64 + 1)), ..meta() };
        let files = entries.chunks(3_000).enumerate();
        let written = files.map(|(n, part)| Writer::write(meta(n), part.to_vec()).unwrap());
        written.map(|written| Reader::open(written.bytes).unwrap()).collect()
    };
    for max in [400, 2_000, MAX_FILE_ENTRIES] {
        let mut merge = Merge::new(readers(), max).unwrap();
        let mut found = Vec::new();
        let mut before: Option<u64> = None;
        while let Some(written) = merge.next_file().unwrap() {
            assert!(before.is_none_or(|before| before < written.file.groups.0), "groups overlap");
            before = Some(written.file.groups.1);
            assert_eq!((written.file.from_row, written.file.to_row), (1, 900));
            let reader = Reader::verified(Bytes::from(written.bytes), &written.file).unwrap();
            assert!(reader.len() as u64 <= 2 * max);
            let index = written.index.unwrap();
            let index = Index::of(&index, &written.file).unwrap();
            for glance in reader.glances(0..=u64::MAX).unwrap() {
                let Hashes { name, parent, .. } = glance.hashes;
                assert!(index.may_have_any(Named::Own, &[name]));
                assert!(parent.is_none_or(|parent| index.may_have_any(Named::Parent, &[parent])));
            }
            found.extend(reader.all().unwrap());
        }
        assert!(found == expected, "merged by {max}");
    }
}

fn listed(n: i64, entries: u64, bytes: u64) -> ArchiveFile {
    ArchiveFile {
        key: n.to_string(),
        day: DAY.0,
        from_row: n,
        to_row: n,
        entries,
        bytes,
        sha256: [0; 32],
        groups: (0, 1),
        received_ms: (0, 1),
    }
}

#[test]
fn small_files_are_worth_a_merge_when_there_are_many() {
    let check = |count: i64, entries: u64, bytes: u64, expected: Option<usize>| {
        let files = (0..count).map(|n| listed(n, entries, bytes)).collect();
        assert_eq!(compactable(files).map(|files| files.len()), expected, "{count} of {entries}");
    };
    check(7, 10, 1_000, None);
    check(8, 10, 1_000, Some(8));
    check(100, 10, 1_000_000, Some(24));
    check(8, 10, 10_000_000, None);
    check(20, MAX_FILE_ENTRIES / 2, 1_000, None);
}

#[test]
fn new_files_are_merged_in_batches_that_are_alike() {
    let check = |count: i64, entries: u64, bytes: u64, expected: &[usize]| {
        let files: Vec<ArchiveFile> = (0..count).rev().map(|n| listed(n, entries, bytes)).collect();
        let batches = merges(files);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), expected, "{count} of {entries}");
        let rows: Vec<i64> = batches.iter().flatten().map(|file| file.from_row).collect();
        assert!(rows.is_sorted() && rows.len() as i64 == if expected.is_empty() { 0 } else { count });
    };
    check(0, 10, 1_000, &[]);
    check(7, 10, 1_000, &[]);
    check(8, 10, 1_000, &[8]);
    check(8, 10, 0, &[8]);
    check(50, 25_000, 1_000_000, &[17, 17, 16]);
    check(202, 25_000, 1_100_000, &[21, 20, 20, 20, 20, 21, 20, 20, 20, 20]);
    check(20, MAX_FILE_ENTRIES / 2, 1_000, &[]);
    // What was merged is not merged again.
    let mut files: Vec<ArchiveFile> = (0..9).map(|n| listed(n, 10, 10)).collect();
    files.iter_mut().take(2).for_each(|file| file.key = "raw/1-2.0badcafe.parquet".to_owned());
    assert_eq!(merges(files), Vec::<Vec<ArchiveFile>>::new());
}

#[test]
fn merged_files_are_about_alike() {
    let check = |entries: u64, files: u64| {
        let each = merged_entries(entries);
        assert!((1..=MAX_FILE_ENTRIES).contains(&each));
        assert_eq!(entries.div_ceil(each).max(1), files, "{entries}");
        // None of them is small enough to be merged once more.
        assert!(files == 1 || entries - (files - 1) * each >= MAX_FILE_ENTRIES / 2, "{entries}");
    };
    check(0, 1);
    check(1, 1);
    check(MAX_FILE_ENTRIES, 1);
    check(MAX_FILE_ENTRIES + 1, 2);
    check(500_001, 5);
    check(600_000, 5);
}
