//! Events in bytes: what the worker appends to a Linker, and the rows of the Linker's log.
//!
//! Both begin with a version byte ([`crate::versioned`]).

use adtally_core::batch::Ruling;
use adtally_core::event::{Dims, Event, EventRef, Extras, Kind, Screening};
use adtally_core::key::{EventId, Key, UserKey};
use adtally_core::shard::Row;
use adtally_core::time::{EventTime, ServerTime};
use serde::{Deserialize, Serialize};

use crate::batch::RulingV1;
use crate::versioned::{VersionedError, decode, decode_as, encode, encode_as};

/// The body of a Linker's `POST /append`: events of one advertiser and shard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// How many shards the sender believes the advertiser to have.
    pub shards: u32,
    /// In the order in which their statuses are answered.
    pub events: Vec<Event>,
}

impl Append {
    /// The bytes of the request body.
    pub fn encode(&self) -> Vec<u8> {
        let events: Vec<EventV1<'_>> = self.events.iter().map(EventV1::from).collect();
        encode(&(self.shards, events))
    }

    /// Reads what [`Append::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, VersionedError> {
        let (shards, events): (u32, Vec<EventV1<'_>>) = decode(bytes)?;
        Ok(Self { shards, events: events.into_iter().map(Event::try_from).collect::<Result<_, _>>()? })
    }
}

/// Rows with rulings have this version; those without are written as ever.
const WITH_RULINGS: u8 = 2;

/// The bytes of a row of the log.
pub fn encode_row(row: &Row) -> Vec<u8> {
    let events = RowV1 {
        received_ms: row.received.0,
        revision: row.revision,
        accepted: row.accepted.iter().map(EventV1::from).collect(),
        repeats: row.repeats.iter().map(|repeat| (repeat.kind as u8, repeat.id.as_str())).collect(),
    };
    if row.rulings.is_empty() {
        return encode(&events);
    }
    let rulings = row.rulings.iter().map(|ruling| RulingV1::from(*ruling)).collect();
    encode_as(WITH_RULINGS, &RowV2 { events, rulings })
}

/// Reads what [`encode_row`] wrote.
pub fn decode_row(bytes: &[u8]) -> Result<Row, VersionedError> {
    let (events, rulings): (RowV1<'_>, Vec<RulingV1>) = match bytes.first() {
        Some(&WITH_RULINGS) => {
            let RowV2 { events, rulings } = decode_as(WITH_RULINGS, bytes)?;
            (events, rulings)
        }
        _ => (decode(bytes)?, Vec::new()),
    };
    Ok(Row {
        received: ServerTime(events.received_ms),
        revision: events.revision,
        accepted: events.accepted.into_iter().map(Event::try_from).collect::<Result<_, _>>()?,
        repeats: events.repeats.iter().map(|(kind, id)| reference(*kind, id)).collect::<Result<_, _>>()?,
        rulings: rulings.into_iter().map(Ruling::try_from).collect::<Result<_, _>>()?,
    })
}

/// The bytes of a row, split into rows of at most `max_bytes` where events are small enough to allow it.
pub fn encode_row_within(row: &Row, max_bytes: usize) -> Vec<Vec<u8>> {
    let bytes = encode_row(row);
    if bytes.len() <= max_bytes || row.accepted.len() + row.repeats.len() < 2 {
        return vec![bytes];
    }
    let (first, second) = halves(row.clone());
    let mut rows = encode_row_within(&first, max_bytes);
    rows.extend(encode_row_within(&second, max_bytes));
    rows
}

fn halves(mut row: Row) -> (Row, Row) {
    // Repeats go to the second half: they may repeat an event of the same commit, which has to come first. So do
    // rulings, which hold for what is before and after them alike.
    let (accepted, repeats) = if row.accepted.len() < 2 {
        let keep = if row.accepted.is_empty() { row.repeats.len() / 2 } else { 0 };
        (Vec::new(), row.repeats.split_off(keep))
    } else {
        let half = row.accepted.len() / 2;
        (row.accepted.split_off(half), std::mem::take(&mut row.repeats))
    };
    let rulings = std::mem::take(&mut row.rulings);
    let second = Row { received: row.received, revision: row.revision, accepted, repeats, rulings };
    (row, second)
}

/// Texts are those of the events or of the bytes: nothing is copied on either way.
#[derive(Serialize, Deserialize)]
struct RowV1<'a> {
    received_ms: i64,
    revision: u64,
    #[serde(borrow)]
    accepted: Vec<EventV1<'a>>,
    repeats: Vec<(u8, &'a str)>,
}

#[derive(Serialize, Deserialize)]
struct RowV2<'a> {
    #[serde(borrow)]
    events: RowV1<'a>,
    rulings: Vec<RulingV1>,
}

#[derive(Serialize, Deserialize)]
struct EventV1<'a> {
    kind: u8,
    id: &'a str,
    at_ms: i64,
    advertiser: &'a str,
    /// Campaign, ad, service, placement, country, device, label, os, browser.
    #[serde(borrow)]
    keys: [&'a str; 9],
    user: Option<u64>,
    impression: Option<&'a str>,
    click: Option<&'a str>,
    cost_micros: Option<i64>,
    value_micros: i64,
    screening: u8,
    page: &'a str,
    props: Vec<(&'a str, &'a str)>,
}

impl<'a> From<&'a Event> for EventV1<'a> {
    fn from(event: &'a Event) -> Self {
        let Dims { campaign, ad, service, placement, country, device } = &event.dims;
        let extras = event.extras.as_deref();
        let [os, browser] = extras.map_or(["", ""], |extras| [extras.os.as_str(), extras.browser.as_str()]);
        let [campaign, ad, service, placement, country, device, label] =
            [campaign, ad, service, placement, country, device, &event.label].map(Key::as_str);
        let props = extras.map_or(&[][..], |extras| &extras.props);
        Self {
            kind: event.kind() as u8,
            id: event.id().as_str(),
            at_ms: event.at.0,
            advertiser: event.advertiser.as_str(),
            keys: [campaign, ad, service, placement, country, device, label, os, browser],
            user: event.user.map(|user| user.0),
            impression: event.impression.as_ref().map(EventId::as_str),
            click: event.click.as_ref().map(EventId::as_str),
            cost_micros: event.cost_micros,
            value_micros: event.value_micros,
            screening: match event.screening {
                Screening::Clean => 0,
                Screening::Bot => 1,
                Screening::Datacenter => 2,
            },
            page: extras.map_or("", |extras| &extras.page),
            props: props.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
        }
    }
}

impl TryFrom<EventV1<'_>> for Event {
    type Error = VersionedError;

    fn try_from(v1: EventV1<'_>) -> Result<Self, VersionedError> {
        let key = |text: &str| Key::parse(text).map_err(|_| VersionedError::Invalid("key"));
        let id = |text: &str| EventId::parse(text).map_err(|_| VersionedError::Invalid("event id"));
        let [campaign, ad, service, placement, country, device, label, os, browser] = v1.keys;
        let props = v1.props.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let extras = Extras { os: key(os)?, browser: key(browser)?, page: v1.page.to_owned(), props };
        Ok(Event {
            event: reference(v1.kind, v1.id)?,
            at: EventTime(v1.at_ms),
            advertiser: key(v1.advertiser)?,
            dims: Dims {
                campaign: key(campaign)?,
                ad: key(ad)?,
                service: key(service)?,
                placement: key(placement)?,
                country: key(country)?,
                device: key(device)?,
            },
            label: key(label)?,
            user: v1.user.map(UserKey),
            impression: v1.impression.map(id).transpose()?,
            click: v1.click.map(id).transpose()?,
            cost_micros: v1.cost_micros,
            value_micros: v1.value_micros,
            screening: match v1.screening {
                0 => Screening::Clean,
                1 => Screening::Bot,
                2 => Screening::Datacenter,
                _ => return Err(VersionedError::Invalid("screening")),
            },
            extras: (extras != Extras::default()).then(|| Box::new(extras)),
        })
    }
}

fn reference(kind: u8, id: &str) -> Result<EventRef, VersionedError> {
    let kind = Kind::ALL.get(usize::from(kind)).ok_or(VersionedError::Invalid("kind"))?;
    let id = EventId::parse(id).map_err(|_| VersionedError::Invalid("event id"))?;
    Ok(EventRef { kind: *kind, id })
}

#[cfg(test)]
mod tests {
    use adtally_core::time::Day;

    use super::*;

    fn event(n: u32) -> Event {
        let key = |text: &str| Key::parse(text).unwrap();
        Event {
            event: EventRef { kind: Kind::Conversion, id: EventId::parse(&format!("v{n}")).unwrap() },
            at: EventTime(1_532_271_600_000 + i64::from(n)),
            advertiser: key("acme"),
            dims: Dims { campaign: key("여름"), country: key("KR"), ..Dims::default() },
            label: key("purchase"),
            user: Some(UserKey(u64::MAX - 1)),
            impression: None,
            click: Some(EventId::parse("c1").unwrap()),
            cost_micros: Some(0),
            value_micros: i64::MAX,
            screening: Screening::Datacenter,
            extras: Some(Box::new(Extras {
                props: vec![("a".to_owned(), "x".repeat(100))],
                ..Extras::default()
            })),
        }
    }

    fn row(accepted: u32, repeats: u32) -> Row {
        let repeat = |n| EventRef { kind: Kind::View, id: EventId::parse(&format!("w{n}")).unwrap() };
        Row {
            received: ServerTime(1_532_271_600_001),
            revision: 3,
            accepted: (0..accepted).map(event).collect(),
            repeats: (0..repeats).map(repeat).collect(),
            rulings: vec![],
        }
    }

    #[test]
    fn both_ways() {
        let append = Append { shards: 4, events: vec![event(1), event(2)] };
        assert_eq!(Append::decode(&append.encode()), Ok(append));
        let row = row(2, 1);
        assert_eq!(decode_row(&encode_row(&row)), Ok(row.clone()));
        let ruling = Ruling { group: u64::MAX, kind: Kind::Click, day: Day(-3) };
        let ruled = Row { rulings: vec![ruling], ..row };
        assert_eq!(decode_row(&encode_row(&ruled)), Ok(ruled));
    }

    #[test]
    fn damaged_bytes_are_an_error() {
        assert_eq!(decode_row(&[]), Err(VersionedError::Empty));
        assert_eq!(decode_row(&[9, 0]), Err(VersionedError::Version(9)));
        let bytes = encode_row(&row(1, 1));
        for cut in 1..bytes.len() {
            assert!(decode_row(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn splitting_keeps_every_entry_in_order() {
        for (accepted, repeats) in [(0, 1), (0, 400), (1, 0), (1, 400), (40, 0), (40, 400)] {
            let whole = row(accepted, repeats);
            let parts = encode_row_within(&whole, 600);
            assert!(parts.len() > 1 || accepted + repeats < 4, "{accepted} and {repeats} in one row");
            let mut joined = row(0, 0);
            for part in parts {
                assert!(part.len() <= 600, "{} bytes", part.len());
                let part = decode_row(&part).unwrap();
                joined.accepted.extend(part.accepted);
                joined.repeats.extend(part.repeats);
            }
            assert_eq!(joined, whole);
        }
    }

    #[test]
    fn the_bytes_of_version_2_stay_readable() {
        let written = [2, 14, 3, 0, 0, 1, 5, 2, 6];
        let ruling = Ruling { group: 5, kind: Kind::Click, day: Day(3) };
        let (accepted, repeats) = Default::default();
        let expected = Row { received: ServerTime(7), revision: 3, accepted, repeats, rulings: vec![ruling] };
        assert_eq!(encode_row(&expected), written);
        assert_eq!(decode_row(&written), Ok(expected));
    }

    #[test]
    fn the_bytes_of_version_1_stay_readable() {
        let written = [1, 130, 134, 137, 168, 152, 89, 3, 0, 1, 3, 2, b'v', b'1'];
        let expected = Row {
            received: ServerTime(1_532_271_600_001),
            revision: 3,
            accepted: vec![],
            repeats: vec![EventRef { kind: Kind::Conversion, id: EventId::parse("v1").unwrap() }],
            rulings: vec![],
        };
        assert_eq!(encode_row(&expected), written);
        assert_eq!(decode_row(&written), Ok(expected));
    }
}
