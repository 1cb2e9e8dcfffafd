//! The rejected events of many owners as one list: where each lies, in which order, and how to read on.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use adtally_core::cell::Scope;
use serde::{Deserialize, Serialize};

use super::{Listing, Place, Record};

/// Quarantine of the platform: `POST` an [`Owner`] of whom something was rejected, answered by 200.
pub const NOTE: &str = "/note";
/// Quarantine of the platform: `GET`, answered by [`Owner`]s, the last noted first.
pub const OWNERS: &str = "/owners";
/// The most owners that one list asks besides the platform: each is a call of an object.
pub const MAX_ASKED: usize = 100;

/// Of whom something was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// A scope that is not the platform.
    pub owner: String,
}

/// Where a record lies: a place, `12.0`, in the quarantine of its owner, `12.0@advertiser:acme`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// `None` where it is not said.
    pub owner: Option<Scope>,
    /// In that owner's quarantine.
    pub place: Place,
}

impl Address {
    /// Reads what [`Display`](fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Address> {
        match text.split_once('@') {
            None => Some(Address { owner: None, place: Place::parse(text)? }),
            Some((place, owner)) => {
                Some(Address { owner: Some(Scope::parse(owner)?), place: Place::parse(place)? })
            }
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.owner {
            None => self.place.fmt(f),
            Some(owner) => write!(f, "{}@{owner}", self.place),
        }
    }
}

/// How far each owner's records were read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cursor(pub BTreeMap<Scope, Place>);

impl Cursor {
    /// Reads what [`Display`](fmt::Display) writes; what names no owner is of `default`.
    pub fn parse(text: &str, default: &Scope) -> Option<Cursor> {
        let addresses = text.split('\n').map(Address::parse).collect::<Option<Vec<_>>>()?;
        let placed = |address: Address| (address.owner.unwrap_or_else(|| default.clone()), address.place);
        Some(Cursor(addresses.into_iter().map(placed).collect()))
    }
}

impl fmt::Display for Cursor {
    /// Keys have no line breaks, so nothing has to be escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (owner, place)) in self.0.iter().enumerate() {
            let break_ = if index == 0 { "" } else { "\n" };
            write!(f, "{break_}{}", Address { owner: Some(owner.clone()), place: *place })?;
        }
        Ok(())
    }
}

/// A page of the records of many owners.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Gathered {
    /// The sums of all owners.
    pub counts: BTreeMap<String, u64>,
    /// Newest first, those of one owner in its own order.
    pub records: Vec<(Scope, Place, Record)>,
    /// Where to read on, if there are more.
    pub next: Option<Cursor>,
}

/// The newest `limit` records of what owners listed from `cursor` on, newest first.
pub fn gather(listings: Vec<(Scope, Listing)>, mut cursor: Cursor, limit: usize) -> Gathered {
    let mut gathered = Gathered::default();
    let mut more = false;
    let mut heads = Vec::new();
    for (owner, listing) in listings {
        more |= listing.more;
        for (code, count) in listing.counts {
            *gathered.counts.entry(code).or_default() += count;
        }
        heads.push((owner, VecDeque::from(listing.records)));
    }
    while gathered.records.len() < limit {
        let newest = heads.iter_mut().max_by_key(|(_, records)| records.front().map(|(_, one)| one.at_ms));
        let Some((owner, records)) = newest else { break };
        let Some((place, record)) = records.pop_front() else { break };
        cursor.0.insert(owner.clone(), place);
        gathered.records.push((owner.clone(), place, record));
    }
    more |= heads.iter().any(|(_, records)| !records.is_empty());
    gathered.next = more.then_some(cursor);
    gathered
}

#[cfg(test)]
mod tests {
    use adtally_core::event::Screening;
    use adtally_core::intake::{Held, Kept};

    use super::*;

    fn listing(rows: &[(i64, i64)], more: bool) -> Listing {
        let record = |at_ms| {
            let held = Held { kept: Kept::Shape("s".to_owned()), user: None, screening: Screening::Clean };
            Record::new(held, at_ms, "events", "c", String::new())
        };
        let records = rows.iter().map(|&(row, at_ms)| (Place { row, index: 0 }, record(at_ms))).collect();
        Listing { counts: [("c".to_owned(), rows.len() as u64)].into(), records, more }
    }

    #[test]
    fn addresses() {
        for text in ["3.1", "3.1@advertiser:a@b", "3.1@service:news", "3.1@platform"] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        for wrong in ["", "3", "x.1", "3.1@", "3.1@acme", "@advertiser:a"] {
            assert_eq!(Address::parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(Cursor::parse("3.1\nx", &Scope::Platform), None);
    }

    /// Reads pages of `limit` to the end: owner and row of each record.
    fn pages(all: &[(&str, &[(i64, i64)])], limit: usize) -> Vec<String> {
        let (mut seen, mut cursor) = (Vec::new(), Cursor::default());
        loop {
            let rest = all.iter().map(|(owner, rows)| {
                let owner = Scope::parse(owner).unwrap();
                let from = cursor.0.get(&owner).copied();
                let left: Vec<_> =
                    rows.iter().copied().filter(|(row, _)| from.is_none_or(|from| *row < from.row)).collect();
                let page = &left[..left.len().min(limit)];
                (owner, listing(page, left.len() > limit))
            });
            let page = gather(rest.collect(), cursor, limit);
            assert!(page.records.len() <= limit);
            seen.extend(page.records.iter().map(|(owner, place, _)| format!("{}@{owner}", place.row)));
            let Some(next) = page.next else { return seen };
            assert_eq!(page.records.len(), limit, "a page that is not the last is full");
            cursor = Cursor::parse(&next.to_string(), &Scope::Platform).unwrap();
            assert_eq!(cursor, next);
        }
    }

    #[test]
    fn pages_have_all_records_once_and_in_order() {
        let all: [(&str, &[(i64, i64)]); 4] = [
            ("platform", &[(9, 50), (8, 40), (2, 10)]),
            ("advertiser:a", &[(5, 45), (4, 46), (3, 5)]),
            ("service:s", &[]),
            ("advertiser:b", &[(1, 50)]),
        ];
        let expected = [
            "1@advertiser:b",
            "9@platform",
            "5@advertiser:a",
            "4@advertiser:a",
            "8@platform",
            "2@platform",
            "3@advertiser:a",
        ];
        for limit in 1..9 {
            let mut seen = pages(&all, limit);
            assert_eq!(seen.len(), expected.len(), "{limit}: {seen:?}");
            if limit >= expected.len() {
                assert_eq!(seen, expected);
            }
            let mut sorted = expected.map(str::to_owned).to_vec();
            sorted.sort();
            seen.sort();
            assert_eq!(seen, sorted, "{limit}");
        }
        assert_eq!(pages(&[], 3), Vec::<String>::new());
    }

    #[test]
    fn counts_are_summed() {
        let listings = vec![
            (Scope::Platform, listing(&[(1, 1)], false)),
            (Scope::parse("service:s").unwrap(), listing(&[(1, 1), (0, 0)], false)),
        ];
        assert_eq!(gather(listings, Cursor::default(), 9).counts["c"], 3);
    }
}
