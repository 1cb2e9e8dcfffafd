//! What was linked here beside what the server says.

use std::collections::BTreeSet;

use adtally_core::cell::{CellKey, Dimension, Scope};
use adtally_core::measure::Measure;
use adtally_core::report::{Query, Zone};
use adtally_core::segment::Segment;
use adtally_core::time::{Day, ServerTime, rfc3339};
use adtally_wire::verify::{Difference, MAX_DIFFERENCES, Verified};

use crate::shelf::{Trouble, hex};

/// The cells of a scope on a day, as the server is asked for them.
pub fn cells_of(scope: &Scope, day: Day, segments: &[(Scope, Segment)]) -> Result<Segment, Trouble> {
    let names = scope.dimensions().iter().map(|dimension| dimension.name());
    let by: Vec<&str> = std::iter::once("hour").chain(names).collect();
    let params = [("from", day.to_string()), ("to", Day(day.0 + 1).to_string()), ("by", by.join(","))];
    let params = params.map(|(name, value)| (name.to_owned(), value));
    let utc = Zone::sampled("UTC", 0..0, |_| 0);
    let query =
        Query::parse_in(utc, &params, ServerTime(0)).map_err(|error| Trouble::Damaged(error.to_string()))?;
    let own: Vec<&Segment> = segments.iter().filter(|(of, _)| of == scope).map(|(_, cells)| cells).collect();
    Ok(query.plan().reduce(&Segment::merged(&own)))
}

/// Compares cells with the bytes of the server's.
pub fn compare(here: &Segment, server: &[u8]) -> Result<Verified, Trouble> {
    let bytes = here.encode();
    let theirs = Segment::decode(server).map_err(|error| Trouble::Damaged(error.to_string()))?;
    let mut verified = Verified {
        equal: bytes == server,
        cells: here.len() as u64,
        hash_here: hex(&bytes),
        hash_server: hex(server),
        ..Verified::default()
    };
    if verified.equal {
        return Ok(verified);
    }
    let (here, theirs) = (here.cells(), theirs.cells());
    let keys: BTreeSet<&CellKey> = here.keys().chain(theirs.keys()).collect();
    for key in keys {
        let figures = |cells: &adtally_core::cell::Cells, measure| {
            cells.get(key).map_or(0, |tally| tally.measures.get(measure))
        };
        for measure in Measure::ALL {
            let (mine, server) = (figures(&here, measure), figures(&theirs, measure));
            if mine == server {
                continue;
            }
            verified.different += 1;
            if verified.differences.len() < MAX_DIFFERENCES {
                verified.differences.push(difference(key, measure, mine, server));
            }
        }
    }
    Ok(verified)
}

fn difference(key: &CellKey, measure: Measure, here: i64, server: i64) -> Difference {
    let dims =
        Dimension::ALL.map(|dimension| (dimension.name().to_owned(), key.dim(dimension).as_str().to_owned()));
    Difference {
        hour: rfc3339(key.hour.start_ms()),
        cell: dims.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
        measure: measure.name().to_owned(),
        here,
        server,
    }
}

#[cfg(test)]
mod tests {
    use adtally_core::cell::Cells;
    use adtally_core::key::Key;
    use adtally_core::time::Hour;

    use super::*;

    /// Clicks by hour and ad.
    fn segment(clicks: &[(i32, &str, i64)]) -> Segment {
        let mut cells = Cells::new();
        for (hour, ad, count) in clicks {
            let mut key = CellKey::at(Hour(*hour));
            key.set(Dimension::Ad, Key::parse(ad).unwrap());
            cells.entry(key).or_default().measures.add(Measure::Clicks, *count);
        }
        Segment::from_cells(cells)
    }

    #[test]
    fn equal_cells_are_equal_bytes_and_others_are_told() {
        fn check(server: &[(i32, &str, i64)], expected: &[(&str, i64, i64)]) {
            let here = segment(&[(0, "x", 1), (1, "y", 2)]);
            let verified = compare(&here, &segment(server).encode()).unwrap();
            let found =
                verified.differences.iter().map(|one| (one.cell["ad"].as_str(), one.here, one.server));
            assert_eq!(found.collect::<Vec<_>>(), expected);
            assert_eq!(verified.equal, expected.is_empty());
            assert_eq!(verified.hash_here == verified.hash_server, expected.is_empty());
            assert_eq!((verified.different, verified.cells), (expected.len() as u64, 2));
        }
        check(&[(0, "x", 1), (1, "y", 2)], &[]);
        check(&[(0, "x", 5), (1, "y", 2)], &[("x", 1, 5)]);
        check(&[(0, "x", 1), (2, "z", 3)], &[("y", 2, 0), ("z", 0, 3)]);
    }

    #[test]
    fn what_is_no_segment_is_trouble() {
        assert!(matches!(compare(&segment(&[]), b"nonsense"), Err(Trouble::Damaged(_))));
    }

    #[test]
    fn only_the_scope_and_the_day_are_compared() {
        let acme = Scope::parse("advertiser:acme").unwrap();
        let other = Scope::parse("service:news").unwrap();
        let day = segment(&[(24, "x", 1), (47, "x", 2)]);
        let around = segment(&[(23, "x", 7), (48, "x", 7)]);
        let all = [(acme.clone(), day.clone()), (other, day.clone()), (acme.clone(), around)];
        assert_eq!(cells_of(&acme, Day(1), &all).unwrap().encode(), day.encode());
    }
}
