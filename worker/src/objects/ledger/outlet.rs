//! From the ledger to a topic of Kafka.
//!
//! The ledger is where an entry is known to be once, in an order that stays: so each ledger is a producer of its own, with
//! one partition. What is sent and under which numbers is decided by `adtally_kafka::Delivery` (KAFKA-1).

use std::ops::ControlFlow;
use std::time::Duration;

use adtally_core::telemetry::Figure;
use adtally_core::time::rfc3339;
use adtally_kafka::{
    Address, Delivery, MAX_BATCH_BYTES, Metadata, Place, Producer, Record, Settings, Verdict, code_name,
    partition_of,
};
use adtally_wire::billing::api::BillingEntry;
use adtally_wire::billing::kafka::{KafkaAnswer, KafkaInFlight, KafkaProducer, KafkaTrouble};
use adtally_wire::billing::object::{Cursor, EntriesQuery};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Response, Result};

use super::Ledger;
use crate::clock;
use crate::kafka::{Connection, Failure, settings};
use crate::objects::refuse;
use crate::storage::ledger::LedgerStore;
use crate::telemetry;
use crate::troubles::trouble;

/// How long entries are gathered before they are sent, in ms: a batch costs a row however many they are.
pub(super) const GATHER_MS: u64 = 500;
/// The longest that one alarm delivers, in ms; the next goes on at once.
const SHIFT_MS: i64 = 20_000;
/// New producers in one shift: a broker that forgets each at once needs somebody to look at it.
const MAX_RENEWALS: u32 = 3;
/// How often a stopped ledger says that it is.
const REMINDER_MS: i64 = 60_000;
/// The header with an entry's id.
const ID_HEADER: &str = "id";

/// Entries of the ledger as records.
struct Gathered {
    records: Vec<Record>,
    to: Place,
}

impl Ledger {
    /// Delivers what is there, until there is nothing more or something is in the way; when to look again, in ms since
    /// 1970.
    ///
    /// 1. What is about to be sent is stored first, under its numbers; a crash after it sends the same again, and the
    ///    leader of the partition knows the numbers.
    /// 2. What a broker answered is stored with what is sent next, or at the end. A crash before it sends once more
    ///    what is stored already, which 1 makes harmless.
    /// 3. A number for a producer may be asked for again: one that is not used costs the brokers nothing.
    pub(super) async fn deliver(&self) -> Result<Option<i64>> {
        let Ok(Some(settings)) = settings(&self.env) else { return Ok(None) };
        let store = self.store()?;
        let mut delivery = store.delivery(&settings.topic)?;
        let now = clock::now().0;
        match delivery.next_ms(now, settings.fingerprint()) {
            Some(at) if at <= now => {}
            other => {
                self.tell(&delivery, &store)?;
                return Ok(Some(other.unwrap_or(now + REMINDER_MS)));
            }
        }
        if delivery.in_flight.is_none() && gather(&store, delivery.done, 1, 0)?.is_none() {
            return Ok(None);
        }
        let outcome = self.shift(&settings, &store, &mut delivery).await;
        let again = match outcome {
            Ok(is_all) => (!is_all).then_some(now),
            Err(failure) => {
                trouble!("kafka: {}: {}", failure.code, failure.detail);
                telemetry::add(Figure::KafkaErrors, failure.code, 1);
                let (now, settings) = (clock::now().0, settings.fingerprint());
                delivery.failed(failure.code, failure.detail, failure.is_final, now, settings);
                Some(delivery.next_ms(now, settings).unwrap_or(now + REMINDER_MS))
            }
        };
        store.put_delivery(&settings.topic, &delivery)?;
        self.tell(&delivery, &store)?;
        Ok(again)
    }

    /// One connection's work; whether nothing is left.
    async fn shift(
        &self,
        settings: &Settings,
        store: &LedgerStore,
        delivery: &mut Delivery,
    ) -> Result<bool, Failure> {
        let mut connection = connect(settings, delivery, &self.advertiser().map_err(internal)?).await?;
        let done = self.send_all(settings, store, delivery, &mut connection).await;
        connection.close().await;
        done
    }

    async fn send_all(
        &self,
        settings: &Settings,
        store: &LedgerStore,
        delivery: &mut Delivery,
        connection: &mut Connection,
    ) -> Result<bool, Failure> {
        let end = clock::now().0 + SHIFT_MS;
        let mut renewals = 0;
        while clock::now().0 < end {
            let Some(records) = next(store, delivery)? else { return Ok(true) };
            if delivery.producer.is_none() {
                renewals += 1;
                if renewals > MAX_RENEWALS {
                    return Err(Failure::passing(
                        "producers_forgotten",
                        "each new producer is unknown at once",
                    ));
                }
                let (error, id, epoch) = connection.producer().await?;
                refused(error, "InitProducerId")?;
                delivery.produce_as(Producer { id, epoch });
            }
            let was_open = delivery.attempt();
            store.put_delivery(&settings.topic, delivery).map_err(internal)?;
            self.durable().await.map_err(internal)?;
            let (Some(mut batch), Some(partition)) = (delivery.batch(), delivery.partition) else {
                return Err(Failure::last("no_batch", "nothing is in flight"));
            };
            let count = records.len();
            batch.records = records;
            let (error, offset) = connection.produce(&settings.topic, partition, &batch).await?;
            judged(delivery, error, offset, was_open, count)?;
        }
        Ok(false)
    }

    /// Waits until everything that was written is stored for good: the platform does so for answers, not for sockets.
    async fn durable(&self) -> Result<()> {
        let stored = self.state.storage().as_raw().sync()?;
        JsFuture::from(stored).await?;
        Ok(())
    }

    /// Says how far it is.
    fn tell(&self, delivery: &Delivery, store: &LedgerStore) -> Result<()> {
        let behind = store.behind(delivery.done)?;
        let oldest = behind.oldest_ms.into_iter().chain(delivery.in_flight.map(|sent| sent.at_ms)).min();
        let age_ms = oldest.map_or(0, |oldest| clock::now().0.saturating_sub(oldest).max(0));
        let is_stopped = i64::from(delivery.is_stopped());
        let gauges = [(Figure::KafkaAge, age_ms), (Figure::KafkaStopped, is_stopped)];
        telemetry::gauge(&format!("kafka {}", self.advertiser()?), &gauges);
        telemetry::push_soon(&self.state, &self.env);
        Ok(())
    }

    /// What there is to say about the delivery.
    pub(super) fn delivery(&self) -> Result<Response> {
        let advertiser = self.advertiser()?;
        let settings = match settings(&self.env) {
            Ok(Some(settings)) => settings,
            Ok(None) => return Response::from_json(&KafkaAnswer::without("off", advertiser, None)),
            Err(error) => {
                let told = KafkaAnswer::without("misconfigured", advertiser, Some(error.to_string()));
                return Response::from_json(&told);
            }
        };
        let store = self.store()?;
        let delivery = store.delivery(&settings.topic)?;
        let behind = store.behind(delivery.done)?;
        let state = match (&delivery.trouble, delivery.in_flight) {
            (Some(trouble), _) if trouble.again_ms.is_none() => "stopped",
            (Some(_), _) => "waiting",
            (None, None) if behind.batches == 0 => "idle",
            _ => "sending",
        };
        Response::from_json(&KafkaAnswer {
            topic: Some(settings.topic.clone()),
            cluster: delivery.cluster.clone(),
            partition: delivery.partition,
            producer: delivery
                .producer
                .map(|producer| KafkaProducer { id: producer.id, epoch: producer.epoch }),
            next_sequence: delivery.next_sequence,
            sent: delivery.sent,
            last_offset: delivery.last_offset,
            renewed: delivery.renewed,
            in_flight: delivery.in_flight.map(|sent| KafkaInFlight {
                base_sequence: sent.base_sequence,
                count: sent.count,
                attempts: sent.attempts,
                is_open: sent.is_open,
            }),
            waiting_messages: u64::try_from(behind.batches).unwrap_or(0),
            oldest: behind.oldest_ms.map(rfc3339),
            trouble: delivery.trouble.as_ref().map(|trouble| KafkaTrouble {
                code: trouble.code.clone(),
                detail: trouble.detail.clone(),
                times: trouble.times,
                since: rfc3339(trouble.since_ms),
                again: trouble.again_ms.map(rfc3339),
            }),
            ..KafkaAnswer::without(state, advertiser, None)
        })
    }

    /// Goes on after a stop. May be repeated: what is not stopped is left as it is.
    pub(super) async fn resume(&self, sends_again: bool) -> Result<Response> {
        let Ok(Some(settings)) = settings(&self.env) else {
            return refuse(409, None, "nothing is configured to go to Kafka");
        };
        let store = self.store()?;
        let mut delivery = store.delivery(&settings.topic)?;
        if delivery.is_stopped() {
            delivery.resume(sends_again);
            store.put_delivery(&settings.topic, &delivery)?;
            // Also where an alarm is set: that of a ledger that was stopped is only a reminder, much later.
            self.set_alarm(Duration::from_millis(GATHER_MS)).await;
        }
        self.delivery()
    }
}

/// A connection to the leader of the ledger's partition, which is chosen once.
async fn connect(
    settings: &Settings,
    delivery: &mut Delivery,
    advertiser: &str,
) -> Result<Connection, Failure> {
    let tried = delivery.trouble.as_ref().map_or(0, |trouble| trouble.times as usize);
    let first = &settings.brokers[tried % settings.brokers.len()];
    let mut connection = Connection::open(settings, first).await?;
    let metadata = connection.metadata(&settings.topic).await;
    let leader = metadata.and_then(|metadata| leader_of(settings, delivery, advertiser, &metadata));
    match leader {
        Ok(leader) if leader == *connection.address() => Ok(connection),
        Ok(leader) => {
            connection.close().await;
            Connection::open(settings, &leader).await
        }
        Err(failure) => {
            connection.close().await;
            Err(failure)
        }
    }
}

fn leader_of(
    settings: &Settings,
    delivery: &mut Delivery,
    advertiser: &str,
    metadata: &Metadata,
) -> Result<Address, Failure> {
    refused(metadata.error, &settings.topic)?;
    match (&delivery.cluster, &metadata.cluster) {
        (Some(known), Some(found)) if known != found => {
            let detail = format!("{} entries went to cluster {known}, this is {found}", delivery.sent);
            return Err(Failure::last("another_cluster", detail));
        }
        (None, Some(found)) => delivery.cluster = Some(found.clone()),
        _ => {}
    }
    let partition = match delivery.partition {
        Some(partition) => partition,
        None => {
            let chosen = partition_of(advertiser.as_bytes(), metadata.partitions.len());
            let chosen = chosen.and_then(|index| metadata.partitions.get(index));
            let none = || Failure::passing("no_partitions", format!("{} has no partitions", settings.topic));
            *delivery.partition.insert(chosen.ok_or_else(none)?.id)
        }
    };
    let leader = metadata.leader(partition).cloned();
    leader.ok_or_else(|| {
        Failure::passing("leader_not_available", format!("partition {partition} has no leader now"))
    })
}

/// The records that are sent next: those in flight, the same as before, or new ones.
fn next(store: &LedgerStore, delivery: &mut Delivery) -> Result<Option<Vec<Record>>, Failure> {
    if let Some(in_flight) = delivery.in_flight {
        let gathered = gather(store, delivery.done, in_flight.count, usize::MAX).map_err(internal)?;
        let records = gathered.map(|gathered| gathered.records).unwrap_or_default();
        if records.len() != in_flight.count as usize {
            let detail =
                format!("{} entries are in flight, the ledger has {}", in_flight.count, records.len());
            return Err(Failure::last("ledger_changed", detail));
        }
        return Ok(Some(records));
    }
    let gathered = gather(store, delivery.done, delivery.max_records(), MAX_BATCH_BYTES).map_err(internal)?;
    let Some(Gathered { records, to }) = gathered else { return Ok(None) };
    delivery.begin(u32::try_from(records.len()).unwrap_or(u32::MAX), to, clock::now().0);
    Ok(Some(records))
}

/// Entries behind a place, in their order, until they are so many or take so many bytes; at least one, if there is any.
fn gather(store: &LedgerStore, from: Place, max: u32, max_bytes: usize) -> Result<Option<Gathered>> {
    let mut gathered = Gathered { records: Vec::new(), to: from };
    let (mut bytes, mut is_full) = (0, false);
    loop {
        let begin = gathered.to;
        let after = Some(Cursor { batch: begin.batch, index: begin.index });
        let query = EntriesQuery { after, ..EntriesQuery::default() };
        let are_all = store.batches(&query, |id, message| {
            let skipped = if id == gathered.to.batch { gathered.to.index as usize } else { 0 };
            for index in skipped..message.batch.entries.len() {
                let Some(entry) = BillingEntry::of(message, index) else { continue };
                let record = record(&entry);
                bytes += record.size();
                let is_first = gathered.records.is_empty();
                if gathered.records.len() >= max as usize || (bytes > max_bytes && !is_first) {
                    is_full = true;
                    return ControlFlow::Break(());
                }
                gathered.records.push(record);
                gathered.to = Place { batch: id, index: index as u32 + 1 };
            }
            ControlFlow::Continue(())
        })?;
        if are_all || is_full || gathered.to == begin {
            break;
        }
    }
    Ok((!gathered.records.is_empty()).then_some(gathered))
}

/// The key is the charge: where a topic is compacted, the last entry of a charge says whether it holds.
fn record(entry: &BillingEntry) -> Record {
    // Plain structs can always be written.
    let value = serde_json::to_vec(entry).unwrap_or_default();
    let headers = vec![(ID_HEADER, entry.id.clone().into_bytes())];
    Record { key: entry.charge.clone().into_bytes(), value, headers }
}

/// Takes the answer to a batch; an error where the connection is of no use any more.
fn judged(
    delivery: &mut Delivery,
    error: i16,
    offset: i64,
    was_open: bool,
    count: usize,
) -> Result<(), Failure> {
    let verdict = delivery.ended(error, offset, was_open);
    let name = code_name(error);
    if error != 0 {
        trouble!("kafka: a batch of {count}: {name}: {verdict:?}");
        telemetry::add(Figure::KafkaErrors, name, 1);
    }
    match verdict {
        Verdict::Stored => telemetry::add(Figure::KafkaSent, "", count as u64),
        Verdict::Renew => {}
        Verdict::TooLarge if count > 1 => {}
        Verdict::TooLarge => return Err(Failure::last(name, "one entry is larger than the topic takes")),
        Verdict::Refused | Verdict::Unknown => {
            return Err(Failure::passing(name, format!("a batch of {count} entries")));
        }
        Verdict::Stop => {
            let detail = format!("{name}, for a batch of {count} entries at {}", delivery.next_sequence);
            return Err(Failure::last(Delivery::stop_code(error), detail));
        }
    }
    Ok(())
}

/// What a broker said about anything but a batch.
fn refused(error: i16, what: &str) -> Result<(), Failure> {
    let is_final = match adtally_kafka::judge(error, false) {
        Verdict::Stored => return Ok(()),
        Verdict::Stop => true,
        _ => false,
    };
    Err(Failure { code: code_name(error), detail: what.to_owned(), is_final })
}

fn internal(error: worker::Error) -> Failure {
    Failure::passing("internal", error.to_string())
}
