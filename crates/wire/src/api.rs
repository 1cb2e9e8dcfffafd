//! The JSON bodies of the HTTP API.
//!
//! Times are RFC 3339 in UTC, money is in micros of the advertiser's currency.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::billing::story::BillingStory;

/// An error: `application/problem+json` (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A URI that names the problem, `about:blank#<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The text of the HTTP status.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request, with the value.
    pub detail: String,
    /// Stable, for programs.
    pub code: String,
}

/// Answer of `GET /healthz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthInfo {
    /// `ok`, or `degraded` where not every part works.
    pub status: String,
    /// Of the program.
    pub version: String,
    /// What does not work as it should.
    pub degraded: Vec<Degraded>,
}

/// A part that does not work as it should.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Degraded {
    /// A part that does not answer, or the name of the alert that it is about.
    pub part: String,
    /// What that means.
    pub detail: String,
}

/// A list of robots or data centres that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListInfo {
    /// `bots` or `datacenters`.
    pub list: String,
    /// Grows with every change.
    pub revision: u64,
    /// How many entries it has, those of an included built-in list not counted.
    pub entries: u64,
}

/// Answer of the collect endpoints, sent once every accepted event is durable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CollectAnswer {
    /// Events stored for the first time.
    pub accepted: u64,
    /// Events that were stored before.
    pub duplicates: u64,
    /// Events that were not stored, with the reason.
    pub rejected: Vec<RejectedEvent>,
}

/// Why one event of a batch was not stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedEvent {
    /// Its position in the batch, from 0.
    pub index: u64,
    /// Its id, where it could be read.
    pub id: Option<String>,
    /// Stable, for programs.
    pub code: String,
    /// For people, with the value.
    pub message: String,
}

/// A published figure that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restated {
    /// The first instant of the cell's hour.
    pub hour: String,
    /// The cell's dimensions, as far as the scope has them; empty where unknown.
    pub cell: BTreeMap<String, String>,
    /// Which figure.
    pub measure: String,
    /// What was published before.
    pub from: i64,
    /// What is published since.
    pub to: i64,
    /// The generation that changed it.
    pub generation: u64,
    /// When that was published.
    pub published: String,
    /// `late`, `relink`, `invalid_traffic` or `correction`.
    pub cause: String,
}

/// Answer of `GET /v1/restatements`, the newest generations first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RestatementList {
    /// What changed.
    pub restatements: Vec<Restated>,
    /// The `cursor` of the next page; absent on the last.
    pub next: Option<String>,
    /// The last generation of the scope; 0: none yet, so nothing can have changed.
    pub generation: u64,
}

/// Body of `POST /v1/links`: where a click leads, and whose click it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLink {
    /// An address of the web; `{click}` in its query becomes the click's id.
    pub to: String,
    /// Who pays.
    pub advertiser: String,
    /// What is clicked on.
    #[serde(default)]
    pub campaign: String,
    /// What is clicked on.
    #[serde(default)]
    pub ad: String,
    /// Where it is shown.
    #[serde(default)]
    pub service: String,
    /// Where it is shown.
    #[serde(default)]
    pub placement: String,
}

/// Answer of `POST /v1/links`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedLink {
    /// The whole address; a page may add `user`, `impression`, `id`, `page` and properties.
    pub url: String,
    /// The signature in it.
    pub sig: String,
}

/// Body of `POST /v1/session`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// The access token.
    pub token: String,
}

/// Answer of `GET|POST /v1/session`: who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// `admin` or `analyst`.
    pub role: String,
    /// `platform`, `advertiser:<key>` or `service:<key>`.
    pub scope: String,
}

/// Body and answer of `GET|PUT /v1/advertisers/{key}`; in a `PUT` what is absent keeps its value or default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advertiser {
    /// Part of the path in a `PUT`.
    #[serde(default)]
    pub key: String,
    /// For people.
    pub name: String,
    /// ISO 4217.
    pub currency: String,
    /// IANA zone, the default of its reports.
    pub timezone: String,
    /// 1 to 256; fixed once events have arrived.
    pub shards: u32,
    /// Impression to click.
    pub click_window_ms: i64,
    /// Click to conversion.
    pub conversion_click_window_ms: i64,
    /// Impression to conversion.
    pub conversion_view_window_ms: i64,
    /// 0 is off.
    pub repeat_click_ms: i64,
    /// 0 is off.
    pub repeat_conversion_ms: i64,
    /// 0 is off.
    pub repeat_impression_ms: i64,
}

/// Body and answer of `GET|PUT /v1/campaigns/{key}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Part of the path in a `PUT`.
    #[serde(default)]
    pub key: String,
    /// Whose it is.
    pub advertiser: String,
    /// For people.
    #[serde(default)]
    pub name: String,
    /// `cpm`, `cpc` or `cpa`; absent: events bring their own cost.
    #[serde(default)]
    pub price_model: Option<String>,
    /// Per thousand for `cpm`, each for `cpc` and `cpa`.
    #[serde(default)]
    pub price_micros: i64,
    /// RFC 3339.
    #[serde(default)]
    pub start: Option<String>,
    /// RFC 3339.
    #[serde(default)]
    pub end: Option<String>,
    /// In micros.
    #[serde(default, rename = "budget", alias = "budget_micros")]
    pub budget_micros: Option<i64>,
}

/// Body and answer of `GET|PUT /v1/ads/{key}`, `/v1/services/{key}`, `/v1/placements/{key}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogEntry {
    /// Part of the path in a `PUT`.
    #[serde(default)]
    pub key: String,
    /// For people.
    #[serde(default)]
    pub name: String,
    /// Ads only: whose it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertiser: Option<String>,
    /// Ads only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// Placements only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

/// Body of `POST /v1/tokens`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewToken {
    /// For people.
    pub name: String,
    /// `admin`, `analyst` or `write` (a write key).
    pub role: String,
    /// `platform`, `advertiser:<key>` or `service:<key>`.
    pub scope: String,
}

/// A token as listed by `GET /v1/tokens`; `token` only in the answer that creates it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInfo {
    /// Public handle, for `DELETE /v1/tokens/{id}`.
    pub id: String,
    /// For people.
    pub name: String,
    /// `admin`, `analyst` or `write`.
    pub role: String,
    /// `platform`, `advertiser:<key>` or `service:<key>`.
    pub scope: String,
    /// RFC 3339.
    pub created: String,
    /// The secret, shown once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// A value in a report: a count, a ratio, a name or a time, or nothing (a ratio over zero).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ReportValue {
    /// A count or an amount in micros.
    Count(i64),
    /// A ratio.
    Ratio(f64),
    /// A dimension value, or a time in RFC 3339.
    Text(String),
    /// No value, such as a ratio over zero.
    Nothing,
}

/// A column of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportColumn {
    /// As asked for in `by` or `metrics`.
    pub name: String,
    /// `time`, `dimension`, `count`, `money` or `ratio`.
    pub kind: String,
}

/// Answer of `GET /v1/reports`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportAnswer {
    /// First those of `by`, then those of `metrics`, in the order of the query.
    pub columns: Vec<ReportColumn>,
    /// One value per column.
    pub rows: Vec<Vec<ReportValue>>,
    /// Over all rows, also those that `limit` cuts off; by metric.
    pub totals: BTreeMap<String, ReportValue>,
    /// How many rows there are without `limit` and `offset`.
    pub row_count: u64,
    /// Changes whenever the data behind the answer does.
    pub version: String,
    /// The batch generation that is merged in; 0: none yet.
    pub generation: u64,
    /// Of every shard that the scope has heard, what was acknowledged up to this server time is in the answer.
    pub complete_through: Option<String>,
    /// The server time of the latest news in the answer, from whichever shard.
    #[serde(default)]
    pub updated: Option<String>,
    /// Linked share of the valid clicks of the answer; null without clicks.
    pub link_rate: Option<f64>,
    /// Valid events of the answer whose explicit parent has not arrived.
    pub waiting: i64,
    /// The IANA zone in which days begin.
    pub tz: String,
    /// The first hour of the answer: cells are hourly, so the range is that of the hours that begin in it.
    #[serde(default)]
    pub from: String,
    /// The end of its last hour.
    #[serde(default)]
    pub to: String,
}

/// One message of `GET /v1/live`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveMessage {
    /// The scope whose data changed.
    pub scope: String,
    /// The data version that a report asked for now would have, or a later one.
    pub version: String,
    /// All-time totals of the scope by measure.
    pub totals: BTreeMap<String, i64>,
}

/// Answer of `GET /v1/events/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventStory {
    /// The event as stored.
    pub event: StoredEvent,
    /// `counted` or `invalid`.
    pub outcome: String,
    /// Why it is invalid, or why it is not linked.
    pub reason: Option<String>,
    /// Id of the linked impression.
    pub impression: Option<String>,
    /// Id of the linked click.
    pub click: Option<String>,
    /// For conversions: `click` or `view`.
    pub through: Option<String>,
    /// The events it is linked to, nearest first.
    pub parents: Vec<LinkedEvent>,
    /// The events that are linked to it.
    pub children: Vec<LinkedEvent>,
    /// By what it looks for its parent: `named_click`, `named_impression`, `latest_impression_of_ad`, `latest_touch`,
    /// `no_key` or `none`; empty in lists.
    #[serde(default)]
    pub rule: String,
    /// The touches that it could have been linked to, the chosen one first, then the nearest in time.
    #[serde(default)]
    pub considered: Vec<ConsideredEvent>,
    /// Every signed fact since arrival: +1 as counted, -1 as retracted.
    pub facts: Vec<SignedFact>,
    /// Whether `facts` is the whole history; where too many events had a part in it, it is only what counts now.
    #[serde(default)]
    pub facts_complete: bool,
    /// The cell that it counts in now: `hour` and the dimensions by name.
    pub cell: BTreeMap<String, String>,
    /// What it costs, and the entries that say so; absent in lists.
    pub billing: Option<BillingStory>,
    /// Other kinds that have an event of the same id.
    pub also: Vec<String>,
}

/// A touch that an event could have been linked to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsideredEvent {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// When it happened, RFC 3339.
    pub at: String,
    /// `chosen`, or why it lost: `not_the_latest`, `click_beats_view`, `not_the_first_of_its_name`, `other_ad`,
    /// `other_campaign`, `invalid`, `outside_window`, `not_kept`.
    pub outcome: String,
}

/// Answer of `GET /v1/events`: the newest first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EventList {
    /// What became of each.
    pub events: Vec<EventStory>,
    /// Whether these are all that fit, up to the limit; otherwise older ones were not looked at.
    #[serde(default)]
    pub complete: bool,
    /// Where older ones begin, if there may be any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An event as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// The sender's idempotency key.
    pub id: String,
    /// Impression, view, click or conversion.
    pub kind: String,
    /// When it happened, RFC 3339.
    pub at: String,
    /// When it arrived, RFC 3339.
    pub received: String,
    /// Shard and position in the shard's log.
    pub shard: u32,
    /// Position in the shard's log.
    pub position: u64,
    /// How often it was delivered again.
    pub duplicates: u64,
    /// Pseudonym of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Every other field that the event brought, by name.
    #[serde(flatten)]
    pub fields: BTreeMap<String, serde_json::Value>,
}

/// An event that stands in a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkedEvent {
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: String,
    /// When it happened, RFC 3339.
    pub at: String,
}

/// One signed fact of an event's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedFact {
    /// +1 or -1.
    pub sign: i8,
    /// The arrival that caused it: position in the shard's log.
    pub position: u64,
    /// `counted` or `invalid`.
    pub outcome: String,
    /// Why it is invalid, or why it is not linked.
    pub reason: Option<String>,
    /// Id of the linked impression.
    pub impression: Option<String>,
    /// Id of the linked click.
    pub click: Option<String>,
    /// `hour` and the dimensions by name.
    pub cell: BTreeMap<String, String>,
    /// The measures that are not zero, by name.
    pub measures: BTreeMap<String, i64>,
}
