//! Networks of data centres: by number, by owner, by address.

use std::net::IpAddr;

use super::entries::Entries;
use super::fragments::Fragments;

/// Networks, ready to be asked.
#[derive(Debug)]
pub(super) struct Networks {
    /// In order.
    asns: Vec<u32>,
    owners: Fragments,
    /// First and last address of each range, in order, without overlaps; addresses of version 4 and 6 apart.
    v4: Vec<(u128, u128)>,
    v6: Vec<(u128, u128)>,
}

impl Networks {
    pub(super) fn new(entries: Entries) -> Self {
        let Entries { fragments, mut asns, ranges } = entries;
        asns.sort_unstable();
        let (v4, v6) = ranges.into_iter().partition(|(first, _)| first.is_ipv4());
        Self { asns, owners: Fragments::new(fragments), v4: merged(v4), v6: merged(v6) }
    }

    /// Whether the network of this number or owner is one of them.
    pub(super) fn has(&self, asn: Option<u32>, owner: Option<&str>) -> bool {
        asn.is_some_and(|asn| self.asns.binary_search(&asn).is_ok())
            || owner.is_some_and(|owner| self.owners.are_in(owner))
    }

    /// Whether one of them has this address.
    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let ranges = if address.is_ipv4() { &self.v4 } else { &self.v6 };
        let bits = bits(address);
        let behind = ranges.partition_point(|(first, _)| *first <= bits);
        behind.checked_sub(1).is_some_and(|before| bits <= ranges[before].1)
    }
}

fn merged(ranges: Vec<(IpAddr, IpAddr)>) -> Vec<(u128, u128)> {
    let mut ranges: Vec<_> = ranges.into_iter().map(|(first, last)| (bits(first), bits(last))).collect();
    ranges.sort_unstable();
    let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some((_, end)) if first <= *end => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    merged
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}
