//! The message that carries a batch of entries: one line of JSON with a version.
//!
//! The same text, packed where it is long, is a line of the outbox, the body in the queue and what the ledger keeps, so a
//! batch that is delivered twice is the same to the byte. Ids of entries and charges follow from it and are not in it: see
//! [`Message::entry_id`] and `Charge::identity`.

use std::borrow::Cow;

use adtally_core::billing::{Batch, BatchId, Charge, Entry, EntryKind};
use adtally_core::event::{EventRef, Kind};
use adtally_core::key::{EventId, Key};
use adtally_core::link::{Basis, Through};
use adtally_core::time::EventTime;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::packed::{PACKED_VERSION, unpack};

/// The only version of the text so far; a version that was ever sent is read for ever.
pub const VERSION: u32 = 1;

/// A batch with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who pays for all of it.
    pub advertiser: Key,
    /// The name of the Linker object.
    pub source: String,
    /// Its entries.
    pub batch: Batch,
}

/// What every version of a message says about itself: whoever hands it on need not read its entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Whose ledger it is for.
    pub advertiser: Key,
    /// The name of the Linker object.
    pub source: String,
    /// Which of its batches it is.
    pub batch: BatchId,
}

/// Why a text is not a message.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MessageError {
    /// Not JSON, or not of this shape.
    #[error("not a message: {0}")]
    Malformed(String),
    /// Sent by a later version of this program.
    #[error("version {0} is not known, the latest known is {PACKED_VERSION}")]
    Version(u32),
    /// Well-formed, but a value that cannot be.
    #[error("an invalid {0}")]
    Invalid(&'static str),
}

impl Message {
    /// The text: one line.
    pub fn to_text(&self) -> String {
        plain(&self.advertiser, &self.source, self.batch.id, &self.batch.entries)
    }

    /// Reads what [`Message::to_text`] wrote, packed or not.
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        match head(text)?.version {
            VERSION => Self::parse_plain(text),
            PACKED_VERSION => {
                let packed: Packed = serde_json::from_str(text).map_err(malformed)?;
                Self::parse_plain(&unpack(&packed.packed)?)
            }
            other => Err(MessageError::Version(other)),
        }
    }

    fn parse_plain(text: &str) -> Result<Self, MessageError> {
        let v1: MessageV1 = serde_json::from_str(text).map_err(malformed)?;
        let advertiser = key(&v1.advertiser)?;
        let entries = v1.entries.into_iter().map(|entry| entry.of(&advertiser)).collect::<Result<_, _>>()?;
        let batch = Batch { id: BatchId { seq: v1.seq, part: v1.part }, entries };
        Ok(Self { advertiser, source: v1.source, batch })
    }

    /// The id of an entry by its place: it is to be counted once.
    pub fn entry_id(&self, index: usize) -> String {
        self.batch.id.entry(&self.source, index)
    }
}

impl Envelope {
    /// Reads the envelope of a message of any version.
    pub fn read(text: &str) -> Result<Self, MessageError> {
        let Head { advertiser, source, seq, part, .. } = head(text)?;
        Ok(Self { advertiser: key(&advertiser)?, source, batch: BatchId { seq, part } })
    }
}

/// The text of a message that is not packed.
pub(super) fn plain(advertiser: &Key, source: &str, id: BatchId, entries: &[Entry]) -> String {
    let BatchId { seq, part } = id;
    let message = MessageV1 {
        version: VERSION,
        advertiser: advertiser.to_string(),
        source: source.to_owned(),
        seq,
        part,
        entries: entries.iter().map(EntryV1::from).collect(),
    };
    #[expect(clippy::expect_used, reason = "plain structs into a text: neither format nor space can fail")]
    serde_json::to_string(&message).expect("encodes")
}

fn head(text: &str) -> Result<Head, MessageError> {
    serde_json::from_str(text).map_err(malformed)
}

fn malformed(error: serde_json::Error) -> MessageError {
    MessageError::Malformed(error.to_string())
}

#[derive(Deserialize)]
struct Head {
    version: u32,
    advertiser: String,
    source: String,
    seq: u64,
    part: u32,
}

#[derive(Deserialize)]
struct Packed<'a> {
    #[serde(borrow)]
    packed: Cow<'a, str>,
}

#[derive(Serialize, Deserialize)]
struct MessageV1 {
    version: u32,
    advertiser: String,
    source: String,
    seq: u64,
    part: u32,
    entries: Vec<EntryV1>,
}

#[derive(Serialize, Deserialize)]
struct EntryV1 {
    kind: String,
    amount_micros: i64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    currency: String,
    basis: String,
    event: String,
    id: String,
    at_ms: i64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    campaign: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    ad: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    service: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    placement: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    impression: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    click: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    through: Option<String>,
}

impl From<&Entry> for EntryV1 {
    fn from(Entry { kind, charge }: &Entry) -> Self {
        Self {
            kind: kind.name().to_owned(),
            amount_micros: charge.amount_micros,
            currency: charge.currency.to_string(),
            basis: charge.basis.name().to_owned(),
            event: charge.event.kind.name().to_owned(),
            id: charge.event.id.to_string(),
            at_ms: charge.at.0,
            campaign: charge.campaign.to_string(),
            ad: charge.ad.to_string(),
            service: charge.service.to_string(),
            placement: charge.placement.to_string(),
            impression: charge.impression.as_ref().map(EventId::to_string),
            click: charge.click.as_ref().map(EventId::to_string),
            through: charge.through.map(|through| through.name().to_owned()),
        }
    }
}

impl EntryV1 {
    fn of(self, advertiser: &Key) -> Result<Entry, MessageError> {
        let id = |text: &str| EventId::parse(text).map_err(|_| MessageError::Invalid("event id"));
        let parent = |text: Option<String>| text.map(|text| id(&text)).transpose();
        let through = |name: String| {
            let known = [Through::Click, Through::View].into_iter().find(|through| through.name() == name);
            known.ok_or(MessageError::Invalid("through"))
        };
        if self.amount_micros <= 0 {
            return Err(MessageError::Invalid("amount"));
        }
        let charge = Charge {
            event: EventRef {
                kind: Kind::parse(&self.event).ok_or(MessageError::Invalid("event"))?,
                id: id(&self.id)?,
            },
            at: EventTime(self.at_ms),
            advertiser: advertiser.clone(),
            amount_micros: self.amount_micros,
            currency: key(&self.currency)?,
            basis: basis(&self.basis)?,
            campaign: key(&self.campaign)?,
            ad: key(&self.ad)?,
            service: key(&self.service)?,
            placement: key(&self.placement)?,
            impression: parent(self.impression)?,
            click: parent(self.click)?,
            through: self.through.map(through).transpose()?,
        };
        Ok(Entry { kind: EntryKind::parse(&self.kind).ok_or(MessageError::Invalid("kind"))?, charge })
    }
}

fn key(text: &str) -> Result<Key, MessageError> {
    Key::parse(text).map_err(|_| MessageError::Invalid("key"))
}

/// What costs comes from; free is no basis of an entry.
pub(super) fn basis(name: &str) -> Result<Basis, MessageError> {
    let all = [Basis::Own, Basis::Cpm, Basis::Cpc, Basis::Cpa];
    all.into_iter().find(|basis| basis.name() == name).ok_or(MessageError::Invalid("basis"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A credit for a conversion, with every field and awkward texts.
    fn full(event: &str) -> Entry {
        let key = |text: &str| Key::parse(text).unwrap();
        let id = |text: &str| EventId::parse(text).unwrap();
        let charge = Charge {
            event: EventRef { kind: Kind::Conversion, id: id(event) },
            at: EventTime(1_532_271_600_123),
            advertiser: key("acme"),
            amount_micros: 1_000_000_000_000_000,
            currency: key("KRW"),
            basis: Basis::Cpa,
            campaign: key("여름 \"세일\""),
            ad: key("a\\b"),
            service: key("news"),
            placement: key("top"),
            impression: Some(id("i1")),
            click: Some(id("c1")),
            through: Some(Through::Click),
        };
        Entry { kind: EntryKind::Credit, charge }
    }

    fn message(entries: Vec<Entry>) -> Message {
        let batch = Batch { id: BatchId { seq: 17, part: 2 }, entries };
        Message { advertiser: Key::parse("acme").unwrap(), source: "acme/0".to_owned(), batch }
    }

    #[test]
    fn both_ways() {
        let mut bare = full("v2");
        bare.kind = EntryKind::Charge;
        bare.charge.basis = Basis::Own;
        for name in ["currency", "campaign", "ad", "service", "placement"] {
            let empty = Key::empty();
            match name {
                "currency" => bare.charge.currency = empty,
                "campaign" => bare.charge.campaign = empty,
                "ad" => bare.charge.ad = empty,
                "service" => bare.charge.service = empty,
                _ => bare.charge.placement = empty,
            }
        }
        (bare.charge.impression, bare.charge.click, bare.charge.through) = (None, None, None);
        let message = message(vec![full("v1"), bare]);
        let text = message.to_text();
        assert!(!text.contains('\n'));
        assert_eq!(Message::parse(&text), Ok(message));
    }

    #[test]
    fn the_text_of_version_1_stays_readable() {
        let written = r#"{"version":1,"advertiser":"acme","source":"acme/0","seq":17,"part":2,"entries":[{"kind":"credit","amount_micros":1000000000000000,"currency":"KRW","basis":"cpa","event":"conversion","id":"v1","at_ms":1532271600123,"campaign":"여름 \"세일\"","ad":"a\\b","service":"news","placement":"top","impression":"i1","click":"c1","through":"click"}]}"#;
        let message = message(vec![full("v1")]);
        assert_eq!(message.to_text(), written);
        assert_eq!(message.entry_id(0), "acme/0:17.2.0");
        assert_eq!(Message::parse(written), Ok(message));
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        let text = message(vec![full("v1")]).to_text();
        let check = |from: &str, to: &str, expected: MessageError| {
            assert_eq!(Message::parse(&text.replace(from, to)), Err(expected), "{to}");
        };
        check("\"version\":1", "\"version\":3", MessageError::Version(3));
        let later = text.replace("\"version\":1", "\"version\":3").replace("entries", "lines");
        let envelope = Envelope::read(&later).unwrap();
        assert_eq!((envelope.source.as_str(), envelope.batch), ("acme/0", BatchId { seq: 17, part: 2 }));
        check("1000000000000000", "-1", MessageError::Invalid("amount"));
        check("credit", "debit", MessageError::Invalid("kind"));
        check("cpa", "free", MessageError::Invalid("basis"));
        check("\"i1\"", "\"\"", MessageError::Invalid("event id"));
        for text in ["", "null", "[]", "{}", &text[..text.len() - 1]] {
            assert!(matches!(Message::parse(text), Err(MessageError::Malformed(_))), "{text}");
        }
    }
}
