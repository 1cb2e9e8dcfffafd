//! The JSON bodies of `/v1/billing/kafka`.

use serde::{Deserialize, Serialize};

/// Answer of `GET /v1/billing/kafka`: how far a ledger is in its topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KafkaAnswer {
    /// Whose ledger it is.
    pub advertiser: String,
    /// `off`, `misconfigured`, `idle`, `sending`, `waiting` (it went wrong and is tried again) or `stopped`.
    pub state: String,
    /// What is wrong with the settings.
    pub misconfigured: Option<String>,
    /// The topic.
    pub topic: Option<String>,
    /// The cluster, once known.
    pub cluster: Option<String>,
    /// The partition, once chosen.
    pub partition: Option<i32>,
    /// As whom it is sent.
    pub producer: Option<KafkaProducer>,
    /// The number of the next record.
    pub next_sequence: i32,
    /// Entries that are in the topic.
    pub sent: u64,
    /// Of the first record of the last batch.
    pub last_offset: Option<i64>,
    /// How often the brokers had forgotten the producer.
    pub renewed: u32,
    /// What is being sent.
    pub in_flight: Option<KafkaInFlight>,
    /// Messages of Linkers that are not begun.
    pub waiting_messages: u64,
    /// When the ledger took the first of them, RFC 3339.
    pub oldest: Option<String>,
    /// What is in the way.
    pub trouble: Option<KafkaTrouble>,
}

/// A producer, as the brokers know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KafkaProducer {
    /// Its id.
    pub id: i64,
    /// Its epoch.
    pub epoch: i16,
}

/// A batch that is being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KafkaInFlight {
    /// The number of its first record.
    pub base_sequence: i32,
    /// Its records.
    pub count: u32,
    /// How often it was sent.
    pub attempts: u32,
    /// Whether it may be in the topic already.
    pub is_open: bool,
}

/// What is in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KafkaTrouble {
    /// For machines: a broker's own code in small letters, or one of ours.
    pub code: String,
    /// For people.
    pub detail: String,
    /// How often in a row.
    pub times: u32,
    /// Since when, RFC 3339.
    pub since: String,
    /// When it is tried again; absent: when somebody says so.
    pub again: Option<String>,
}

/// Body of `POST /v1/billing/kafka/resume`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaResume {
    /// What becomes of a batch of which nobody knows whether it is in the topic: `again` or `skip`.
    #[serde(default)]
    pub unknown: Option<String>,
}

impl KafkaAnswer {
    /// An answer with nothing but its state.
    pub fn without(state: &str, advertiser: String, misconfigured: Option<String>) -> Self {
        Self {
            advertiser,
            state: state.to_owned(),
            misconfigured,
            topic: None,
            cluster: None,
            partition: None,
            producer: None,
            next_sequence: 0,
            sent: 0,
            last_offset: None,
            renewed: 0,
            in_flight: None,
            waiting_messages: 0,
            oldest: None,
            trouble: None,
        }
    }
}
