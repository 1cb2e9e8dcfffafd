//! Which shard of its advertiser an event belongs to.

use crate::event::Event;
use crate::key::{EventId, Key};

/// The most shards of an advertiser: each is an object with its own log.
pub const MAX_SHARDS: u32 = 256;

/// The shard of an event: by user, or for an event without user by the explicit root of its chain.
///
/// All events of a chain must therefore carry the same user, or none; and where there are several shards, a
/// conversion without user has to name the impression besides the click.
pub fn shard_of(event: &Event, shards: u32) -> u32 {
    let root = || event.impression.as_ref().or(event.click.as_ref()).unwrap_or(event.id());
    let hash = event.user.map_or_else(|| fnv1a(root()), |user| user.0);
    // A remainder of a divisor that fits 32 bits fits 32 bits.
    (hash % u64::from(shards.max(1))) as u32
}

/// The name of the Linker object of a shard.
pub fn linker_name(advertiser: &str, shard: u32) -> String {
    format!("{advertiser}/{shard}")
}

/// Reads what [`linker_name`] wrote; an advertiser key may itself contain slashes, the shard is behind the last.
pub fn parse_linker_name(name: &str) -> Option<(Key, u32)> {
    let (advertiser, shard) = name.rsplit_once('/')?;
    let advertiser = Key::parse(advertiser).ok().filter(|key| !key.is_empty())?;
    Some((advertiser, shard.parse().ok()?))
}

/// FNV-1a, 64 bits (draft-eastlake-fnv): shards are stored, so the hash is written down here and never changes.
fn fnv1a(id: &EventId) -> u64 {
    id.as_str().bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Dims, EventRef, Kind, Screening};
    use crate::key::UserKey;
    use crate::time::EventTime;

    fn event(
        kind: Kind,
        id: &str,
        user: Option<u64>,
        impression: Option<&str>,
        click: Option<&str>,
    ) -> Event {
        let id_of = |text: &str| EventId::parse(text).unwrap();
        Event {
            event: EventRef { kind, id: id_of(id) },
            at: EventTime(0),
            advertiser: Key::parse("acme").unwrap(),
            dims: Dims::default(),
            label: Key::empty(),
            user: user.map(UserKey),
            impression: impression.map(id_of),
            click: click.map(id_of),
            cost_micros: None,
            value_micros: 0,
            screening: Screening::Clean,
            extras: None,
        }
    }

    #[test]
    fn a_chain_stays_together() {
        let chains = [
            [
                event(Kind::Impression, "i1", Some(77), None, None),
                event(Kind::Click, "c1", Some(77), Some("i9"), None),
                event(Kind::Conversion, "v1", Some(77), None, Some("c8")),
            ],
            [
                event(Kind::Impression, "i1", None, None, None),
                event(Kind::Click, "c1", None, Some("i1"), None),
                event(Kind::Conversion, "v1", None, Some("i1"), Some("c1")),
            ],
        ];
        for shards in [1, 2, 7, 256] {
            for chain in &chains {
                let shard = shard_of(&chain[0], shards);
                assert!(shard < shards);
                assert!(chain.iter().all(|event| shard_of(event, shards) == shard));
            }
        }
    }

    #[test]
    fn linker_names() {
        fn check(name: &str, expected: Option<(&str, u32)>) {
            let parsed = parse_linker_name(name);
            assert_eq!(parsed.as_ref().map(|(key, shard)| (key.as_str(), *shard)), expected, "{name}");
            if let Some((key, shard)) = parsed {
                assert_eq!(linker_name(key.as_str(), shard), name);
            }
        }
        check("acme/0", Some(("acme", 0)));
        check("acme/eu/12", Some(("acme/eu", 12)));
        check("/0", None);
        check("acme", None);
        check("acme/x", None);
    }

    #[test]
    fn the_hash_is_fixed() {
        assert_eq!(fnv1a(&EventId::parse("foobar").unwrap()), 0x85944171f73967e8);
    }
}
