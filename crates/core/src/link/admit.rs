//! Which of many deliveries are of an event that was accepted before, of a set instead of a stream.
//!
//! Names are hashes, so their first bits divide them into parts of equal size, each small enough for a table that is
//! near; ids are compared only where hashes are equal.

use super::pool::Slot;
use super::rows::Rows;

/// About so many names are in a part.
const PART: usize = 2_048;
const MAX_PART_BITS: u32 = 12;

/// A name in a part: the bits of its hash that follow those of the part, and its place.
#[derive(Debug, Clone, Copy, Default)]
struct Named {
    bits: u32,
    slot: Slot,
}

/// Deliveries of events that are there, each with the event. Events count as accepted in the order in which they came;
/// of those that are no deliveries that is known.
pub(super) fn duplicates(rows: &Rows, horizon_ms: i64) -> Vec<(Slot, Slot)> {
    let mut alike = alike(rows);
    alike.sort_unstable();
    let mut duplicates = Vec::new();
    let mut accepted: Vec<Slot> = Vec::new();
    for names in alike.chunk_by(|a, b| a.0 == b.0) {
        accepted.clear();
        accepted.push(names[0].0);
        for &(_, slot) in names {
            let is_it = |other: &&Slot| {
                let apart_ms = rows.received(slot).saturating_sub(rows.received(**other));
                rows.marks(slot).kind() == rows.marks(**other).kind()
                    && rows.id(slot) == rows.id(**other)
                    && apart_ms.saturating_abs() <= horizon_ms
            };
            let found = accepted.iter().rev().find(is_it).filter(|_| rows.marks(slot).is_delivered());
            match found {
                Some(event) => duplicates.push((slot, *event)),
                None => accepted.push(slot),
            }
        }
    }
    duplicates
}

/// Each place of a name of which many bits are those of one before, with the first one of these.
fn alike(rows: &Rows) -> Vec<(Slot, Slot)> {
    let part_bits = rows.len().div_ceil(PART).next_power_of_two().ilog2().min(MAX_PART_BITS);
    // Twice, as a number cannot be shifted by all of its bits.
    let part = |name: u64| (name >> 1 >> (u64::BITS - 1 - part_bits)) as usize;
    let mut ends = vec![0usize; 1 << part_bits];
    rows.names().flatten().for_each(|name| ends[part(*name)] += 1);
    let mut end = 0;
    for place in &mut ends {
        end += std::mem::replace(place, end);
    }
    let mut all = vec![Named::default(); rows.len()];
    let mut slot = 0;
    for names in rows.names() {
        for &name in names {
            let place = &mut ends[part(name)];
            all[*place] = Named { bits: (name << part_bits >> u32::BITS) as u32, slot };
            *place += 1;
            slot += 1;
        }
    }
    let (mut table, mut alike, mut start) = (Vec::new(), Vec::new(), 0);
    for end in ends {
        alike_in(&all[start..end], &mut table, &mut alike);
        start = end;
    }
    alike
}

/// The same of a part, whose places ascend.
fn alike_in(names: &[Named], table: &mut Vec<u32>, alike: &mut Vec<(Slot, Slot)>) {
    let table_bits = (2 * names.len() + 2).next_power_of_two().ilog2();
    let mask = (1usize << table_bits) - 1;
    table.clear();
    table.resize(mask + 1, 0);
    for (number, name) in (1..).zip(names) {
        let mut place = (name.bits >> (u32::BITS - table_bits.min(u32::BITS))) as usize & mask;
        loop {
            match table[place] {
                0 => {
                    table[place] = number;
                    break;
                }
                known if names[known as usize - 1].bits == name.bits => {
                    alike.push((names[known as usize - 1].slot, name.slot));
                    break;
                }
                _ => place = (place + 1) & mask,
            }
        }
    }
}
