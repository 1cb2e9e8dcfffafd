use wasm_bindgen_test::wasm_bindgen_test;

use super::*;
use crate::cell::Dimension;
use crate::key::{Key, UserKey};
use crate::measure::Measure;

fn cell(hour: i32, ad: &str, clicks: i64, users: &[u64]) -> (CellKey, Tally) {
    let mut key = CellKey::at(Hour(hour));
    key.set(Dimension::Advertiser, Key::parse("acme").unwrap());
    key.set(Dimension::Ad, Key::parse(ad).unwrap());
    let mut tally = Tally::default();
    tally.measures.add(Measure::Clicks, clicks);
    users.iter().for_each(|user| tally.users.insert(UserKey(*user)));
    (key, tally)
}

fn segment<const N: usize>(cells: [(CellKey, Tally); N]) -> Segment {
    Segment::from_cells(Cells::from(cells))
}

/// Whether a cell says as much as its absence.
#[cfg(not(target_arch = "wasm32"))]
fn is_nothing(tally: &Tally) -> bool {
    tally.measures.is_zero() && tally.users.is_empty()
}

/// The bytes with a checksum that fits.
fn sealed(body: &[u8]) -> Vec<u8> {
    let mut bytes = [b"ADSG\x01", body].concat();
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

#[wasm_bindgen_test(unsupported = test)]
fn the_encoding_is_what_it_was() {
    let bytes =
        segment([cell(-1, "", 2, &[]), cell(-1, "a1", -1, &[]), cell(3, "a2", 0, &[1 << 39])]).encode();
    let body = [
        3, 8, // cells, dimensions
        1, 0, 4, b'a', b'c', b'm', b'e', // advertiser
        1, 0, 0, // campaign
        3, 0, 0, 0, 2, b'a', b'1', 1, 1, b'2', // ad
        1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, // service, placement, country, device, label
        1, 2, 4, 1, // hours
        1, 0, 2, 1, 0, 2, 0, 0, 1, 2, // codes: advertiser, campaign, ad
        1, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0, 2, 1, 0, 2, // service, placement, country, device, label
        1, 2, 0, 4, 1, 0, // clicks
        1, 2, 1, 0x68, // one sketch, in the third cell: index 1, rank 40
    ];
    assert_eq!(bytes, sealed(&body));
    assert_eq!(Segment::default().encode(), sealed(&[&[0, 8][..], &[0; 8], &[0; 8], &[0, 0]].concat()));
}

#[wasm_bindgen_test(unsupported = test)]
fn damage_is_noticed() {
    let segment = segment([cell(0, "a", 1, &[7]), cell(1, "b", 2, &[]), cell(1, "여름", 3, &[1, 2])]);
    let bytes = segment.encode();
    assert_eq!(Segment::decode(&bytes), Ok(segment));
    for length in 0..bytes.len() {
        assert!(Segment::decode(&bytes[..length]).is_err(), "cut at {length}");
    }
    for place in 0..bytes.len() {
        for change in 1..=255 {
            let mut damaged = bytes.clone();
            damaged[place] ^= change;
            assert!(Segment::decode(&damaged).is_err(), "byte {place} ^ {change}");
        }
    }
    assert!(Segment::decode(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn other_formats_are_named() {
    fn check(bytes: &[u8], expected: SegmentError) {
        assert_eq!(Segment::decode(bytes), Err(expected), "{bytes:?}");
    }
    check(b"", SegmentError::Magic);
    check(b"PAR1 and so on", SegmentError::Magic);
    check(b"ADSG", SegmentError::Magic);
    check(b"ADSG\x02 and so on", SegmentError::Version(2));
    check(b"ADSG\x01abc", SegmentError::Magic);
    check(b"ADSG\x01\0\0\0\0", SegmentError::Checksum { expected: 0, actual: crc32fast::hash(b"ADSG\x01") });
}

/// A body in which the checksum fits and something else does not.
#[test]
fn hostile_bytes_with_a_good_checksum_are_refused() {
    fn check(body: &[u8], expected: &str) {
        let error = Segment::decode(&sealed(body)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}, not {expected}, of {body:?}");
    }
    let huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
    check(&huge, "number of cells");
    check(&[0], "number of dimensions");
    check(&[0, 9], "9 dimensions");
    check(&[&[0, 1], &huge[..]].concat(), "dictionary");
    check(&[&[0, 1, 1, 0], &huge[..]].concat(), "dictionary");
    check(&[0, 1, 2, 0, 1, b'a', 0, 1, b'a', 0, 0, 0, 0], "dictionary");
    check(&[0, 1, 1, 0, 1, 0xff, 0, 0, 0], "dictionary");
    check(&[0, 1, 1, 0, 1, b'\n', 0, 0, 0], "dictionary");
    check(&[1, 0, 0, 2, 0, 0], "hours");
    check(&[2, 0, 0, 1, 0, 1, 0, 0, 0], "hours");
    check(&[1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1, 0, 0], "hours");
    check(&[1, 1, 0, 0, 1, 0, 0, 0, 0], "codes");
    check(&[2, 1, 1, 0, 0, 0, 2, 1, 0, 1, 0, 0], "order of cells");
    check(&[1, 0, 0, 1, 0, 0], "cell without content");
    check(&[1, 0, 0, 1, 1, 0, 0, 0, 0], "cell without content");
    check(&[1, 0, 0, 1, 1, 99, 0, 1, 0], "measure of index 99");
    check(&[1, 0, 0, 1, 2, 2, 0, 1, 2, 0, 1, 0], "order of measures");
    check(&[1, 0, 0, 1, 0, 1, 1, 1, 1], "place of a sketch");
    check(&[1, 0, 0, 1, 0, 1, 0, 0], "sketch without users");
    check(&[1, 0, 0, 1, 0, 1, 0, 1, 0], "out of order or out of range");
    check(&[1, 0, 0, 1, 1, 2, 0, 2, 0, 0], "end");
}

#[test]
fn fewer_dimensions_are_those_of_earlier_software() {
    let read = Segment::decode(&sealed(&[1, 1, 1, 0, 1, b'a', 0, 1, 0, 0, 1, 2, 0, 2, 0])).unwrap();
    let mut key = CellKey::at(Hour(0));
    key.set(Dimension::Advertiser, Key::parse("a").unwrap());
    assert_eq!(read.iter().map(|(key, _)| key).collect::<Vec<_>>(), [key]);
}

#[test]
fn what_cancels_out_disappears() {
    let mut sum = segment([cell(1, "a", 5, &[]), cell(1, "b", 5, &[]), cell(2, "a", 5, &[1 << 50])]);
    sum.merge(&segment([cell(1, "a", -5, &[]), cell(2, "a", -5, &[]), cell(0, "a", 1, &[])]));
    assert_eq!(sum, segment([cell(0, "a", 1, &[]), cell(1, "b", 5, &[]), cell(2, "a", 0, &[1 << 50])]));
    assert_eq!(segment([cell(1, "a", 0, &[])]), Segment::default());
}

#[test]
fn hours_come_apart() {
    let whole = segment([cell(-3, "a", 1, &[]), cell(-3, "b", 2, &[]), cell(5, "a", 4, &[])]);
    assert_eq!(whole.hours(), Some(Hour(-3)..=Hour(5)));
    let parts: Vec<_> = whole.split_by_hour().collect();
    let first = segment([cell(-3, "a", 1, &[]), cell(-3, "b", 2, &[])]);
    assert_eq!(parts, [(Hour(-3), first), (Hour(5), segment([cell(5, "a", 4, &[])]))]);
    assert_eq!(Segment::default().hours(), None);
    assert_eq!(Segment::default().split_by_hour().count(), 0);
}

#[test]
fn equal_neighbours_cost_little() {
    let cells: Cells = (0..10_000).map(|ad| cell(7, &format!("ad-{ad:05}"), 1 + ad % 3, &[])).collect();
    let bytes = Segment::from_cells(cells).encode();
    assert!(bytes.len() < 10_000 * 7, "{}", bytes.len());
}

#[cfg(not(target_arch = "wasm32"))]
mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Few keys, so that merges meet and cancel.
    fn cells() -> impl Strategy<Value = Cells> {
        let key = (-2..3i32, prop::collection::vec("[ab여]{0,2}", Dimension::COUNT));
        let key = key.prop_map(|(hour, dims)| {
            let mut key = CellKey::at(Hour(hour));
            for (dimension, value) in Dimension::ALL.into_iter().zip(dims) {
                key.set(dimension, Key::parse(&value).unwrap());
            }
            key
        });
        let few_keys = (-2..3i32, 0..4u8).prop_map(|(hour, ad)| cell(hour, &format!("a{ad}"), 0, &[]).0);
        let measure = prop::sample::select(Measure::ALL.to_vec());
        let amount = prop_oneof![Just(0), Just(1), Just(-1), any::<i64>()];
        let measures = prop::collection::vec((measure, amount), 0..4);
        let users = prop::collection::vec(any::<u64>(), 0..3);
        let tally = (measures, users, 0..40u8).prop_map(|(measures, users, crowd)| {
            let mut tally = Tally::default();
            measures.into_iter().for_each(|(measure, amount)| tally.measures.add(measure, amount));
            users.into_iter().for_each(|user| tally.users.insert(UserKey(user)));
            if crowd == 0 {
                (0..1_000u64)
                    .for_each(|user| tally.users.insert(UserKey(user.wrapping_mul(0x9e37_79b9_7f4a_7c15))));
            }
            tally
        });
        prop::collection::btree_map(prop_oneof![key, few_keys], tally, 0..20)
    }

    fn merged(mut a: Cells, b: &Cells) -> Cells {
        for (key, tally) in b {
            a.entry(key.clone()).or_default().merge(tally);
        }
        a.retain(|_, tally| !is_nothing(tally));
        a
    }

    proptest! {
        /// SEG-1: equal cells have equal bytes.
        #[test]
        fn bytes_round_trip(cells in cells()) {
            let segment = Segment::from_cells(cells.clone());
            prop_assert_eq!(segment.cells(), merged(cells, &Cells::new()));
            prop_assert_eq!(Segment::decode(&segment.encode()), Ok(segment));
        }

        #[test]
        fn parts_are_small_and_make_the_whole(cells in cells()) {
            let whole = Segment::from_cells(cells);
            let mut together = Segment::default();
            for part in whole.encode_within(120) {
                let part = Segment::decode(&part).unwrap();
                prop_assert!(part.encode().len() <= 120 || part.len() == 1);
                together.merge(&part);
            }
            prop_assert_eq!(together, whole);
        }

        #[test]
        fn merging_is_that_of_maps(a in cells(), b in cells(), c in cells()) {
            let [sa, sb, sc] = [&a, &b, &c].map(|cells| Segment::from_cells(cells.clone()));
            let mut left = sa.clone();
            left.merge(&sb);
            prop_assert_eq!(left.cells(), merged(a, &b));
            left.merge(&sc);
            let mut right = sc;
            right.merge(&sb);
            right.merge(&sa);
            prop_assert_eq!(left.encode(), right.encode());
        }

        #[test]
        fn hours_together_are_the_whole(cells in cells()) {
            let whole = Segment::from_cells(cells);
            let mut sum = Segment::default();
            for (hour, part) in whole.clone().split_by_hour() {
                prop_assert_eq!(part.hours(), Some(hour..=hour));
                sum.merge(&part);
            }
            prop_assert_eq!(sum, whole);
        }

        #[test]
        fn any_bytes_are_a_segment_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Segment::decode(&bytes);
            let _ = Segment::decode(&sealed(&bytes));
        }

        /// Damage behind a checksum that was made for it: the structure alone has to hold.
        #[test]
        fn resealed_damage_never_panics(
            cells in cells(), place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
        ) {
            let bytes = Segment::from_cells(cells).encode();
            let mut body = bytes[5..bytes.len() - 4].to_vec();
            let place = place.index(body.len());
            if cut { body.truncate(place) } else { body[place] = byte }
            if let Ok(read) = Segment::decode(&sealed(&body)) {
                prop_assert_eq!(Segment::decode(&read.encode()), Ok(read));
            }
        }
    }
}
