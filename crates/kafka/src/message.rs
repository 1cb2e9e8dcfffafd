//! The messages that are sent, and their answers, each in one version.
//!
//! All of them are known to brokers from 0.11 to 4: <https://kafka.apache.org/protocol>.

use crate::octets::{Malformed, Reader, Writer};
use crate::settings::Address;

/// What this program calls itself.
const CLIENT_ID: &str = "adtally";
/// Stored by all replicas that are in sync, or else it is not stored: what an idempotent producer needs.
const ACKS_ALL: i16 = -1;
/// How long a broker may wait for the others, in ms.
const PRODUCE_TIMEOUT_MS: i32 = 20_000;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    Produce,
    Metadata,
    SaslHandshake,
    Versions,
    InitProducerId,
    SaslAuthenticate,
}

impl Api {
    /// Those that a broker has to know; logging in comes apart.
    pub(crate) const NEEDED: [Api; 3] = [Api::Produce, Api::Metadata, Api::InitProducerId];

    /// Its number.
    pub(crate) fn key(self) -> i16 {
        match self {
            Api::Produce => 0,
            Api::Metadata => 3,
            Api::SaslHandshake => 17,
            Api::Versions => 18,
            Api::InitProducerId => 22,
            Api::SaslAuthenticate => 36,
        }
    }

    /// The version that is spoken.
    pub(crate) fn version(self) -> i16 {
        match self {
            // The first with the present format of batches.
            Api::Produce => 3,
            // The first that does not make topics.
            Api::Metadata => 4,
            // The first after which logging in has frames.
            Api::SaslHandshake => 1,
            Api::Versions | Api::InitProducerId | Api::SaslAuthenticate => 0,
        }
    }

    /// For errors.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Api::Produce => "Produce",
            Api::Metadata => "Metadata",
            Api::SaslHandshake => "SaslHandshake",
            Api::Versions => "ApiVersions",
            Api::InitProducerId => "InitProducerId",
            Api::SaslAuthenticate => "SaslAuthenticate",
        }
    }

    /// A request as it goes over the wire.
    pub(crate) fn frame(self, correlation: i32, body: &[u8]) -> Vec<u8> {
        let mut head = Writer::default();
        head.i16(self.key());
        head.i16(self.version());
        head.i32(correlation);
        head.text(CLIENT_ID);
        let mut frame = Writer::default();
        frame.length(head.bytes.len() + body.len());
        frame.bytes.extend(head.bytes);
        frame.bytes.extend(body);
        frame.bytes
    }
}

/// A broker of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broker {
    /// Its number.
    pub id: i32,
    /// Where it listens.
    pub address: Address,
}

/// What is known of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its number.
    pub id: i32,
    /// What is the matter with it; 0: nothing.
    pub error: i16,
    /// The broker that takes its records; -1: none.
    pub leader: i32,
}

/// What a broker says of the cluster and a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// The name of the cluster, if it has one.
    pub cluster: Option<String>,
    /// Its brokers.
    pub brokers: Vec<Broker>,
    /// What is the matter with the topic; 0: nothing.
    pub error: i16,
    /// Its partitions, by number.
    pub partitions: Vec<Partition>,
}

impl Metadata {
    /// Where the leader of a partition listens.
    pub fn leader(&self, partition: i32) -> Option<&Address> {
        let partition = self.partitions.iter().find(|known| known.id == partition)?;
        let broker = self.brokers.iter().find(|broker| broker.id == partition.leader)?;
        Some(&broker.address)
    }
}

/// Error, and the versions of each message.
pub(crate) type Versions = (i16, Vec<(i16, i16, i16)>);

pub(crate) fn read_versions(bytes: &[u8]) -> Result<Versions, Malformed> {
    let mut reader = Reader::new(bytes);
    let error = reader.i16()?;
    let versions = reader.list(|reader| Ok((reader.i16()?, reader.i16()?, reader.i16()?)))?;
    Ok((error, versions))
}

pub(crate) fn handshake(mechanism: &str) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.text(mechanism);
    writer.bytes
}

/// Error, and the mechanisms that the broker knows.
pub(crate) fn read_handshake(bytes: &[u8]) -> Result<(i16, Vec<String>), Malformed> {
    let mut reader = Reader::new(bytes);
    Ok((reader.i16()?, reader.list(Reader::text)?))
}

pub(crate) fn authenticate(token: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.octets(token);
    writer.bytes
}

/// Error, what the broker says about it, and its part of the conversation.
pub(crate) fn read_authenticate(bytes: &[u8]) -> Result<(i16, Option<String>, Vec<u8>), Malformed> {
    let mut reader = Reader::new(bytes);
    Ok((reader.i16()?, reader.text_or_null()?, reader.octets()?.to_vec()))
}

pub(crate) fn metadata(topic: &str) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.length(1);
    writer.text(topic);
    // A topic is made by whoever knows how many partitions and copies it needs.
    writer.i8(0);
    writer.bytes
}

pub(crate) fn read_metadata(bytes: &[u8], topic: &str) -> Result<Metadata, Malformed> {
    let mut reader = Reader::new(bytes);
    let _throttled = reader.i32()?;
    let brokers = reader.list(|reader| {
        let (id, host, port) = (reader.i32()?, reader.text()?, reader.i32()?);
        let _rack = reader.text_or_null()?;
        let port = u16::try_from(port).map_err(|_| Malformed(0))?;
        Ok(Broker { id, address: Address { host, port } })
    })?;
    let cluster = reader.text_or_null()?;
    let _controller = reader.i32()?;
    let topics = reader.list(|reader| {
        let (error, name, _is_internal) = (reader.i16()?, reader.text()?, reader.bool()?);
        let mut partitions = reader.list(|reader| {
            let partition = Partition { error: reader.i16()?, id: reader.i32()?, leader: reader.i32()? };
            let _replicas = (reader.list(Reader::i32)?, reader.list(Reader::i32)?);
            Ok(partition)
        })?;
        partitions.sort_by_key(|partition| partition.id);
        Ok((name, error, partitions))
    })?;
    let found = topics.into_iter().find(|(name, ..)| name == topic).ok_or(Malformed(bytes.len()))?;
    Ok(Metadata { cluster, brokers, error: found.1, partitions: found.2 })
}

pub(crate) fn init_producer_id() -> Vec<u8> {
    let mut writer = Writer::default();
    // No transactions.
    writer.no_text();
    writer.i32(0);
    writer.bytes
}

/// Error, id and epoch.
pub(crate) fn read_init_producer_id(bytes: &[u8]) -> Result<(i16, i64, i16), Malformed> {
    let mut reader = Reader::new(bytes);
    let _throttled = reader.i32()?;
    Ok((reader.i16()?, reader.i64()?, reader.i16()?))
}

pub(crate) fn produce(topic: &str, partition: i32, records: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.no_text();
    writer.i16(ACKS_ALL);
    writer.i32(PRODUCE_TIMEOUT_MS);
    writer.length(1);
    writer.text(topic);
    writer.length(1);
    writer.i32(partition);
    writer.octets(records);
    writer.bytes
}

/// Error and offset of the first record.
pub(crate) fn read_produce(bytes: &[u8], topic: &str, partition: i32) -> Result<(i16, i64), Malformed> {
    let mut reader = Reader::new(bytes);
    let topics = reader.list(|reader| {
        let name = reader.text()?;
        let partitions = reader.list(|reader| {
            let found = (reader.i32()?, reader.i16()?, reader.i64()?);
            let _appended = reader.i64()?;
            Ok(found)
        })?;
        Ok((name, partitions))
    })?;
    let of_topic =
        topics.into_iter().filter(|(name, _)| name == topic).flat_map(|(_, partitions)| partitions);
    let found = of_topic.into_iter().find(|(id, ..)| *id == partition);
    found.map(|(_, error, offset)| (error, offset)).ok_or(Malformed(bytes.len()))
}
