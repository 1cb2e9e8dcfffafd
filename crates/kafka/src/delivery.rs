//! How far a ledger is delivered: stored before anything is sent, so that whatever is sent again is the same to the broker.
//!
//! KAFKA-1: a batch is sent under numbers that were stored before, and under no others until a broker has said what became
//! of it. So an entry is in the topic once, however often anybody is killed or disconnected, as long as the brokers
//! remember the producer.
//!
//! ```text
//! begin -> stored -> attempt -> stored if it was not open -> sent -> ended by a verdict -> stored
//! ```

use serde::{Deserialize, Serialize};

use crate::record::RecordBatch;
use crate::verdict::{Verdict, code_name, judge};

/// The most records of a batch, to begin with: some 500 kB.
const MAX_RECORDS: u32 = 1_000;
/// The first wait after something went wrong; twice as long each time.
const FIRST_WAIT_MS: i64 = 500;
/// The longest.
const MAX_WAIT_MS: i64 = 60_000;

/// A place in the ledger: `index` entries of its batch `batch` lie before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Place {
    /// The ledger's number of the batch.
    pub batch: i64,
    /// Entries before.
    pub index: u32,
}

/// A producer, as the brokers know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Producer {
    /// Its id.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
}

/// Entries that are being sent; they are the same however often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// The sequence number of the first.
    pub base_sequence: i32,
    /// How many.
    pub count: u32,
    /// Where they begin is where the delivery is; here they end.
    pub to: Place,
    /// The time that their records carry, in ms since 1970.
    pub at_ms: i64,
    /// It may be in the topic: it was sent, and no answer told.
    pub is_open: bool,
    /// How often it was sent.
    pub attempts: u32,
}

/// Why nothing is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// For machines.
    pub code: String,
    /// For people.
    pub detail: String,
    /// How often in a row.
    pub times: u32,
    /// Since when, in ms since 1970.
    pub since_ms: i64,
    /// When it is tried again; `None`: when somebody has looked at it.
    pub again_ms: Option<i64>,
    /// The settings under which it happened: others may do better.
    pub settings: u32,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Delivery {
    /// Which cluster it goes to, once known.
    pub cluster: Option<String>,
    /// Into which partition, once known: it stays, whatever partitions are added.
    pub partition: Option<i32>,
    /// As whom.
    pub producer: Option<Producer>,
    /// The number of the next record.
    pub next_sequence: i32,
    /// How far the ledger is in the topic.
    pub done: Place,
    /// How many entries that are.
    pub sent: u64,
    /// The offset of the last batch, where a broker told it.
    pub last_offset: Option<i64>,
    /// What is being sent.
    pub in_flight: Option<InFlight>,
    /// The most records of a batch; 0: as many as usual.
    pub max_records: u32,
    /// How often it had to begin as a new producer.
    pub renewed: u32,
    /// Why nothing is sent.
    pub trouble: Option<Trouble>,
}

/// How long to wait after it went wrong so many times in a row.
pub fn backoff_ms(times: u32) -> i64 {
    FIRST_WAIT_MS.saturating_mul(1 << times.saturating_sub(1).min(16)).min(MAX_WAIT_MS)
}

impl Delivery {
    /// Goes on as a new producer, with what was in flight too: what is known of the old one is not what brokers know.
    pub fn begin_anew(&mut self) {
        (self.producer, self.in_flight, self.trouble) = (None, None, None);
        self.next_sequence = 0;
    }

    /// Reads what [`Delivery::to_text`] wrote.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// As text.
    pub fn to_text(&self) -> String {
        #[expect(
            clippy::expect_used,
            reason = "plain structs into a text: neither format nor space can fail"
        )]
        serde_json::to_string(self).expect("encodes")
    }

    /// The most records of the next batch.
    pub fn max_records(&self) -> u32 {
        if self.max_records == 0 { MAX_RECORDS } else { self.max_records }
    }

    /// When to go on; `None`: not before somebody has looked at it, or the settings are others.
    pub fn next_ms(&self, now_ms: i64, settings: u32) -> Option<i64> {
        match &self.trouble {
            Some(trouble) if trouble.settings == settings => trouble.again_ms,
            _ => Some(now_ms),
        }
    }

    /// Whether it waits for somebody.
    pub fn is_stopped(&self) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.again_ms.is_none())
    }

    /// Takes entries from where it is to `to` for the next batch. To be stored before it is sent.
    pub fn begin(&mut self, count: u32, to: Place, now_ms: i64) {
        let base_sequence = self.next_sequence;
        self.in_flight =
            Some(InFlight { base_sequence, count, to, at_ms: now_ms, is_open: false, attempts: 0 });
    }

    /// Says that what is in flight is about to be sent, and whether that was open before. To be stored before it is sent.
    pub fn attempt(&mut self) -> bool {
        let Some(in_flight) = &mut self.in_flight else { return false };
        in_flight.attempts = in_flight.attempts.saturating_add(1);
        std::mem::replace(&mut in_flight.is_open, true)
    }

    /// The head of the batch that is in flight, without its records.
    pub fn batch(&self) -> Option<RecordBatch> {
        let (in_flight, producer) = (self.in_flight?, self.producer?);
        Some(RecordBatch {
            producer_id: producer.id,
            producer_epoch: producer.epoch,
            base_sequence: in_flight.base_sequence,
            timestamp_ms: in_flight.at_ms,
            records: Vec::new(),
        })
    }

    /// Becomes another producer, whose first record will have the number 0.
    pub fn produce_as(&mut self, producer: Producer) {
        self.renewed = self.renewed.saturating_add(u32::from(self.sent > 0));
        self.producer = Some(producer);
        self.next_sequence = 0;
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.base_sequence = 0;
        }
    }

    /// Takes the answer to an attempt, before which the batch `was_open`.
    pub fn ended(&mut self, code: i16, offset: i64, was_open: bool) -> Verdict {
        let verdict = judge(code, was_open);
        match verdict {
            Verdict::Stored => self.stored(if code == 0 { Some(offset) } else { None }),
            Verdict::Unknown => {}
            Verdict::Renew => {
                self.producer = None;
                self.set_open(false);
            }
            Verdict::TooLarge => {
                let count = self.in_flight.map_or(0, |in_flight| in_flight.count);
                self.in_flight = None;
                self.max_records = (count / 2).max(1);
            }
            // It is as open as it was before: a refusal says nothing about an earlier attempt.
            Verdict::Refused | Verdict::Stop => self.set_open(was_open),
        }
        verdict
    }

    fn stored(&mut self, offset: Option<i64>) {
        let Some(in_flight) = self.in_flight.take() else { return };
        // The broker counts up to 2^31 - 1 and begins again.
        let next = (i64::from(in_flight.base_sequence) + i64::from(in_flight.count)) & i64::from(i32::MAX);
        self.next_sequence = next as i32;
        self.done = in_flight.to;
        self.sent += u64::from(in_flight.count);
        self.last_offset = offset.filter(|offset| *offset >= 0);
        self.trouble = None;
    }

    fn set_open(&mut self, is_open: bool) {
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.is_open = is_open;
        }
    }

    /// Notes what went wrong; `is_final` where it would each time.
    pub fn failed(&mut self, code: &str, detail: String, is_final: bool, now_ms: i64, settings: u32) {
        let before = self.trouble.take().filter(|trouble| trouble.settings == settings);
        let times = before.as_ref().map_or(1, |trouble| trouble.times.saturating_add(1));
        let since_ms = before.map_or(now_ms, |trouble| trouble.since_ms);
        let again_ms = (!is_final).then(|| now_ms.saturating_add(backoff_ms(times)));
        self.trouble = Some(Trouble { code: code.to_owned(), detail, times, since_ms, again_ms, settings });
    }

    /// What the codes of a stop are called: whether a batch was stored is the one question that only people can answer.
    pub fn stop_code(code: i16) -> &'static str {
        match code {
            47 | 49 | 59 | 90 => "outcome_unknown",
            _ => code_name(code),
        }
    }

    /// Goes on after a stop. What nobody knows the outcome of is sent again (`again`), or counts as stored.
    pub fn resume(&mut self, again: bool) {
        let is_open = self.in_flight.is_some_and(|in_flight| in_flight.is_open);
        if is_open && self.trouble.as_ref().is_some_and(|trouble| trouble.code == "outcome_unknown") {
            if again {
                self.set_open(false);
            } else {
                self.stored(None);
            }
            self.producer = None;
        }
        self.trouble = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TO: Place = Place { batch: 3, index: 7 };
    const ONE: Producer = Producer { id: 9, epoch: 0 };

    fn started() -> Delivery {
        let mut delivery = Delivery { partition: Some(0), producer: Some(ONE), ..Delivery::default() };
        delivery.next_sequence = 40;
        delivery.begin(10, TO, 1_000);
        delivery
    }

    /// What a batch is after an answer, and the next sequence number.
    fn check(codes: &[i16], last: Verdict, in_flight: Option<(i32, bool)>, next: i32) {
        let mut delivery = started();
        let mut verdict = None;
        for code in codes {
            let was_open = delivery.attempt();
            verdict = Some(delivery.ended(*code, 500, was_open));
        }
        let found = delivery.in_flight.map(|in_flight| (in_flight.base_sequence, in_flight.is_open));
        assert_eq!((verdict, found, delivery.next_sequence), (Some(last), in_flight, next), "{codes:?}");
    }

    #[test]
    fn answers() {
        check(&[0], Verdict::Stored, None, 50);
        check(&[46], Verdict::Stored, None, 50);
        check(&[6], Verdict::Refused, Some((40, false)), 40);
        check(&[7], Verdict::Unknown, Some((40, true)), 40);
        check(&[7, 6], Verdict::Refused, Some((40, true)), 40);
        check(&[7, 6, 46], Verdict::Stored, None, 50);
        check(&[6, 59], Verdict::Renew, Some((40, false)), 40);
        check(&[7, 59], Verdict::Stop, Some((40, true)), 40);
        check(&[7, 45], Verdict::Renew, Some((40, false)), 40);
        check(&[10], Verdict::TooLarge, None, 40);
        check(&[29], Verdict::Stop, Some((40, false)), 40);
    }

    #[test]
    fn a_new_producer_begins_at_zero_with_the_same_entries() {
        let mut delivery = started();
        let was_open = delivery.attempt();
        delivery.ended(59, -1, was_open);
        assert_eq!(delivery.batch(), None);
        delivery.produce_as(Producer { id: 10, epoch: 0 });
        let in_flight = delivery.in_flight.unwrap();
        assert_eq!((in_flight.base_sequence, in_flight.count, in_flight.to), (0, 10, TO));
        let was_open = delivery.attempt();
        delivery.ended(0, 7, was_open);
        assert_eq!((delivery.next_sequence, delivery.done, delivery.last_offset), (10, TO, Some(7)));
    }

    #[test]
    fn numbers_begin_again_where_the_broker_does() {
        let check = |base: i32, count: u32, next: i32| {
            let mut delivery = started();
            delivery.next_sequence = base;
            delivery.begin(count, TO, 0);
            delivery.attempt();
            delivery.ended(0, 0, false);
            assert_eq!(delivery.next_sequence, next);
        };
        check(i32::MAX - 1, 1, i32::MAX);
        check(i32::MAX, 1, 0);
        check(i32::MAX - 4, 10, 5);
    }

    #[test]
    fn troubles_wait_longer_each_time_and_new_settings_end_them() {
        let mut delivery = started();
        let mut waits = Vec::new();
        for _ in 0..10 {
            delivery.failed("closed", String::new(), false, 1_000, 1);
            waits.push(delivery.next_ms(1_000, 1).unwrap() - 1_000);
        }
        assert_eq!(waits, [500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
        delivery.failed("authentication_failed", String::new(), true, 1_000, 1);
        assert_eq!((delivery.next_ms(1_000, 1), delivery.is_stopped()), (None, true));
        assert_eq!(delivery.next_ms(1_000, 2), Some(1_000));
    }

    #[test]
    fn somebody_decides_what_nobody_knows() {
        let stopped = || {
            let mut delivery = started();
            delivery.attempt();
            let was_open = delivery.attempt();
            assert_eq!(delivery.ended(59, -1, was_open), Verdict::Stop);
            delivery.failed(Delivery::stop_code(59), String::new(), true, 0, 1);
            delivery
        };
        let mut again = stopped();
        again.resume(true);
        assert_eq!((again.done, again.producer, again.trouble.clone()), (Place::default(), None, None));
        assert!(!again.in_flight.unwrap().is_open);
        let mut skipped = stopped();
        skipped.resume(false);
        assert_eq!((skipped.done, skipped.in_flight, skipped.sent), (TO, None, 10));
    }

    #[test]
    fn both_ways_and_the_first_version_stays_readable() {
        let mut delivery = started();
        delivery.attempt();
        delivery.failed("closed", "x".to_owned(), false, 5, 6);
        let text = r#"{"cluster":null,"partition":0,"producer":{"id":9,"epoch":0},"next_sequence":40,"done":{"batch":0,"index":0},"sent":0,"last_offset":null,"in_flight":{"base_sequence":40,"count":10,"to":{"batch":3,"index":7},"at_ms":1000,"is_open":true,"attempts":1},"max_records":0,"renewed":0,"trouble":{"code":"closed","detail":"x","times":1,"since_ms":5,"again_ms":505,"settings":6}}"#;
        assert_eq!(delivery.to_text(), text);
        assert_eq!(Delivery::parse(text).unwrap(), delivery);
    }
}
