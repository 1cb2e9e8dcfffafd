//! Messages as they travel: short ones as the text that they are, long ones packed.
//!
//! A queue and a ledger are paid by the message, whatever is in it; what a shard is charged in a second is hundreds of
//! kilobytes of text, most of it the same words. The envelope of a packed message is as readable as any other.

use adtally_core::billing::{Batch, BatchId, Entry};
use adtally_core::key::Key;
use serde::Serialize;

use super::MessageError;
use super::message::plain;
use crate::{base64, gzip};

/// The version of the envelope around a packed message.
pub(super) const PACKED_VERSION: u32 = 2;
/// The longest text that is not packed: a queue counts 64 KB as one.
const MAX_PLAIN_BYTES: usize = 60_000;
/// The most bytes of a message as it travels: a queue takes 128,000, and two of them at once 256,000.
pub const MAX_TEXT_BYTES: usize = 120_000;
/// The most bytes that are unpacked.
const MAX_UNPACKED_BYTES: usize = 2_000_000;

#[derive(Serialize)]
struct PackedV2<'a> {
    version: u32,
    advertiser: &'a str,
    source: &'a str,
    seq: u64,
    part: u32,
    packed: String,
}

/// A message on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Its batch.
    pub id: BatchId,
    /// How many entries it has.
    pub entries: usize,
    /// One line.
    pub text: String,
}

/// The texts of the batches of one telling, each short enough to travel.
///
/// A batch that cannot be packed so far is halved; parts are numbered anew.
pub fn texts(advertiser: &Key, source: &str, batches: &[Batch]) -> Vec<Text> {
    let mut texts = Vec::new();
    let mut waiting: Vec<(u64, &[Entry])> =
        batches.iter().rev().map(|batch| (batch.id.seq, batch.entries.as_slice())).collect();
    while let Some((seq, entries)) = waiting.pop() {
        let id = BatchId { seq, part: u32::try_from(texts.len()).unwrap_or(u32::MAX) };
        let text = text(advertiser, source, id, entries);
        if text.len() > MAX_TEXT_BYTES && entries.len() > 1 {
            let (first, second) = entries.split_at(entries.len() / 2);
            waiting.extend([(seq, second), (seq, first)]);
        } else {
            texts.push(Text { id, entries: entries.len(), text });
        }
    }
    texts
}

fn text(advertiser: &Key, source: &str, id: BatchId, entries: &[Entry]) -> String {
    let plain = plain(advertiser, source, id, entries);
    if plain.len() <= MAX_PLAIN_BYTES {
        return plain;
    }
    let Ok(packed) = gzip::gzip_fast(plain.as_bytes()) else { return plain };
    let (advertiser, BatchId { seq, part }, packed) = (advertiser.as_str(), id, base64::encode(&packed));
    let envelope = PackedV2 { version: PACKED_VERSION, advertiser, source, seq, part, packed };
    serde_json::to_string(&envelope).unwrap_or(plain)
}

/// Whether a text is that of a packed message.
pub fn is_packed(text: &str) -> bool {
    text.contains("\"packed\":")
}

/// The text that was packed.
pub(super) fn unpack(packed: &str) -> Result<String, MessageError> {
    let malformed = |reason: String| MessageError::Malformed(reason);
    let bytes = base64::decode(packed).ok_or_else(|| malformed("it is packed otherwise".to_owned()))?;
    let text = gzip::gunzip(&bytes, MAX_UNPACKED_BYTES).map_err(|error| malformed(error.to_string()))?;
    String::from_utf8(text).map_err(|error| malformed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use adtally_core::billing::{Charge, EntryKind, MAX_BATCH_BYTES, batches};
    use adtally_core::event::{EventRef, Kind};
    use adtally_core::key::EventId;
    use adtally_core::link::Basis;
    use adtally_core::time::EventTime;

    use super::*;
    use crate::billing::{Envelope, Message};

    fn entry(id: &str) -> Entry {
        let key = |text: &str| Key::parse(text).unwrap();
        let charge = Charge {
            event: EventRef { kind: Kind::Impression, id: EventId::parse(id).unwrap() },
            at: EventTime(1_532_271_600_123),
            advertiser: key("acme"),
            amount_micros: 300,
            currency: key("KRW"),
            basis: Basis::Own,
            campaign: key("summer"),
            ad: key("a1"),
            service: key("news"),
            placement: key("top"),
            impression: None,
            click: None,
            through: None,
        };
        Entry { kind: EntryKind::Charge, charge }
    }

    /// An id of 64 characters that nothing can pack much.
    fn noise(n: u64) -> String {
        let mut state = n + 1;
        let digit = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from_digit((state >> 33) as u32 % 36, 36).unwrap()
        };
        (0..64).map(digit).collect()
    }

    /// How many texts there are, and whether they are packed.
    fn check(entries: Vec<Entry>, expected: (usize, bool)) {
        let acme = Key::parse("acme").unwrap();
        let texts = texts(&acme, "acme/0", &batches(7, entries.clone(), MAX_BATCH_BYTES));
        let is_packed = |text: &Text| text.text.contains("\"packed\"");
        assert_eq!((texts.len(), is_packed(&texts[0])), expected);
        let mut read = Vec::new();
        for (part, Text { id, entries, text }) in (0..).zip(texts) {
            assert_eq!(id, BatchId { seq: 7, part });
            assert!(text.len() <= MAX_TEXT_BYTES && !text.contains('\n'), "{} bytes", text.len());
            let envelope = Envelope { advertiser: acme.clone(), source: "acme/0".to_owned(), batch: id };
            assert_eq!(Envelope::read(&text), Ok(envelope));
            let message = Message::parse(&text).unwrap();
            assert_eq!((message.batch.id, message.batch.entries.len()), (id, entries));
            read.extend(message.batch.entries);
        }
        assert_eq!(read, entries);
    }

    #[test]
    fn short_messages_are_plain_and_long_ones_packed() {
        check(vec![entry("i1")], (1, false));
        check((0..3_000).map(|n| entry(&format!("impression-{n}"))).collect(), (1, true));
        check((0..9_000).map(|n| entry(&format!("impression-{n}"))).collect(), (3, true));
    }

    #[test]
    fn what_cannot_be_packed_is_divided() {
        // One batch.
        check((0..2_900).map(|n| entry(&noise(n))).collect(), (2, true));
    }

    #[test]
    fn what_cannot_be_unpacked_is_an_error() {
        let acme = Key::parse("acme").unwrap();
        let batches = batches(7, vec![entry("i1"); 1_000], MAX_BATCH_BYTES);
        let text = texts(&acme, "acme/0", &batches).remove(0).text;
        let (head, packed) = text.split_once("\"packed\":\"").unwrap();
        for damaged in [&packed[4..], "", "x\"}", "AAAA\"}", &packed[..packed.len() - 6]] {
            let damaged = format!("{head}\"packed\":\"{damaged}");
            assert!(matches!(Message::parse(&damaged), Err(MessageError::Malformed(_))), "{damaged}");
        }
    }
}
