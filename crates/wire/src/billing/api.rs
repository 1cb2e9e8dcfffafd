//! The JSON bodies of `/v1/billing`.

use adtally_core::billing::Sums;
use adtally_core::link::Through;
use adtally_core::time::rfc3339;
use serde::{Deserialize, Serialize};

use super::Message;

/// Answer of `GET /v1/billing`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingAnswer {
    /// Whose ledger it is.
    pub advertiser: String,
    /// The first hour of the answer, RFC 3339.
    pub from: String,
    /// The end of its last hour.
    pub to: String,
    /// The IANA zone in which days begin.
    pub tz: String,
    /// By day, campaign, currency and basis, in this order.
    pub rows: Vec<BillingRow>,
    /// By currency.
    pub totals: Vec<BillingTotal>,
}

/// Sums of one day, campaign, currency and basis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingRow {
    /// The first instant of the day, RFC 3339.
    pub day: String,
    /// Empty where the events have none.
    pub campaign: String,
    /// ISO 4217; empty where it was not known.
    pub currency: String,
    /// `own`, `cpm`, `cpc` or `cpa`.
    pub basis: String,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Sums of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingTotal {
    /// ISO 4217; empty where it was not known.
    pub currency: String,
    /// The figures.
    #[serde(flatten)]
    pub figures: Figures,
}

/// Sums of charges and credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// How many charges.
    pub charges: u64,
    /// How many credits.
    pub credits: u64,
    /// Sum of the charges.
    pub charged_micros: i64,
    /// Sum of the credits, not negative.
    pub credited_micros: i64,
    /// What is left to pay.
    pub net_micros: i64,
}

impl From<&Sums> for Figures {
    fn from(sums: &Sums) -> Self {
        Self {
            charges: sums.charges,
            credits: sums.credits,
            charged_micros: sums.charged_micros,
            credited_micros: sums.credited_micros,
            net_micros: sums.net_micros(),
        }
    }
}

/// Answer of `GET /v1/billing/entries`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingEntries {
    /// In the order in which the ledger took them.
    pub entries: Vec<BillingEntry>,
    /// What to send as `cursor` for what comes after these, also where nothing has come yet.
    pub next: String,
    /// Whether something has; a page can be empty and not the last.
    pub more: bool,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillingEntry {
    /// The idempotency key: count each id once.
    pub id: String,
    /// Identity of the charge; a credit has that of the charge that it takes back.
    pub charge: String,
    /// `charge` or `credit`.
    pub kind: String,
    /// More than 0, for credits too.
    pub amount_micros: i64,
    /// ISO 4217; empty where it was not known.
    pub currency: String,
    /// `own`, `cpm`, `cpc` or `cpa`.
    pub basis: String,
    /// Who pays.
    pub advertiser: String,
    /// Empty where unknown, like the following.
    pub campaign: String,
    /// What was shown.
    pub ad: String,
    /// The publisher service that showed it.
    pub service: String,
    /// The place in the service.
    pub placement: String,
    /// The event that is charged.
    pub event: BilledEvent,
    /// The impression at the root of its chain.
    pub impression: Option<String>,
    /// The click that a conversion is attributed to.
    pub click: Option<String>,
    /// For conversions: `click` or `view`.
    pub through: Option<String>,
    /// The shard that made the entry.
    pub source: String,
    /// The number of the telling of that shard that it belongs to.
    pub seq: u64,
}

/// The event that is charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BilledEvent {
    /// `impression`, `view`, `click` or `conversion`.
    pub kind: String,
    /// The sender's idempotency key.
    pub id: String,
    /// When it happened, RFC 3339.
    pub at: String,
}

impl BillingEntry {
    /// The entry at a place of a message.
    pub fn of(message: &Message, index: usize) -> Option<BillingEntry> {
        let entry = message.batch.entries.get(index)?;
        let charge = &entry.charge;
        let text = |id: &adtally_core::key::EventId| id.to_string();
        Some(BillingEntry {
            id: message.entry_id(index),
            charge: charge.identity().to_string(),
            kind: entry.kind.name().to_owned(),
            amount_micros: charge.amount_micros,
            currency: charge.currency.to_string(),
            basis: charge.basis.name().to_owned(),
            advertiser: charge.advertiser.to_string(),
            campaign: charge.campaign.to_string(),
            ad: charge.ad.to_string(),
            service: charge.service.to_string(),
            placement: charge.placement.to_string(),
            event: BilledEvent {
                kind: charge.event.kind.name().to_owned(),
                id: charge.event.id.to_string(),
                at: rfc3339(charge.at.0),
            },
            impression: charge.impression.as_ref().map(text),
            click: charge.click.as_ref().map(text),
            through: charge.through.map(Through::name).map(str::to_owned),
            source: message.source.clone(),
            seq: message.batch.id.seq,
        })
    }
}

/// Answer of `GET /v1/billing/outbox`: what no ledger has confirmed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outbox {
    /// Entries in all shards together.
    pub entries: u64,
    /// When the oldest of them was made, RFC 3339.
    pub oldest: Option<String>,
    /// How long ago that is.
    pub age_ms: Option<i64>,
    /// Those that have something.
    pub shards: Vec<OutboxShard>,
}

/// The billing outbox of one shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxShard {
    /// Which one.
    pub shard: u32,
    /// Rows; each becomes some messages.
    pub rows: u64,
    /// Entries in them.
    pub entries: u64,
    /// When the oldest was made, in ms since 1970.
    pub oldest_ms: Option<i64>,
}

/// Answer of `GET /v1/billing/dead`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetters {
    /// How many there are in all.
    pub count: u64,
    /// The oldest first.
    pub dead: Vec<DeadLetter>,
    /// What to send as `cursor` for the next page.
    pub next: Option<String>,
}

/// A message that could not be processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// For `POST /v1/billing/dead/replay`.
    pub id: String,
    /// Whose ledger it is for, where that can be read.
    pub advertiser: Option<String>,
    /// How many entries it has, where that can be read.
    pub entries: Option<u64>,
    /// Why it was not processed the last time.
    pub error: String,
    /// When it first died, RFC 3339.
    pub first: String,
    /// When it died the last time.
    pub last: String,
    /// How often.
    pub times: u64,
    /// The message itself.
    pub message: String,
}

/// Body of `POST /v1/billing/dead/replay`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Replay {
    /// Which letters; none: the oldest.
    pub ids: Vec<String>,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayAnswer {
    /// How many are in their ledgers now.
    pub replayed: u64,
    /// Those that still cannot be processed.
    pub failed: Vec<ReplayFailure>,
    /// How many letters are left in all.
    pub left: u64,
}

/// A letter that still cannot be processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayFailure {
    /// Which one.
    pub id: String,
    /// Why.
    pub error: String,
}
