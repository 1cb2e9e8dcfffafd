//! What the worker says to the Linker and Report objects, and what they answer.
//!
//! All of it is plain HTTP between the worker and its own objects: nothing of it is reachable from outside, and
//! both sides are deployed together.

use adtally_core::cell::{Dimension, Scope};
use adtally_core::measure::Measure;
use adtally_core::settings::Settings;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::freshness::ScopeNews;

/// Linker: `POST` the bytes of a `wire::log::Append` to this, with [the id](append_id) of the request from outside, for the
/// log; answered by an [`AppendAnswer`], or by [`ALL_ACCEPTED`]; 409 [`ShardsConflict`].
pub const APPEND: &str = "/append";
/// The status of a Linker that has accepted all: it says nothing else, as that is what it says nearly always.
pub const ALL_ACCEPTED: u16 = 204;
/// A header of answers to outside: the id of the request.
pub const REQUEST_ID: &str = "X-Request-Id";

/// The id of the request that is behind an append, from the append's address. None: the edge is of a release that did not
/// know [`ALL_ACCEPTED`]. While one comes out, edges and objects are of both; Linkers before look at the path alone.
pub fn append_id(address: &str) -> Option<&str> {
    address.split_once('?').map(|(_, id)| id)
}

/// Linker: `PUT` [`LinkerSettings`], answered by 200; 409 [`ShardsConflict`].
pub const SETTINGS: &str = "/settings";
/// Linker: `POST` a [`StoryQuery`] as JSON, answered by an [`EventStory`](crate::api::EventStory) or 404.
pub const STORY: &str = "/story";
/// Linker: `POST` an [`EventsQuery`] as JSON, answered by an [`EventsPage`].
pub const EVENTS: &str = "/events";
/// Linker: `POST` a [`ConversionsQuery`], answered by [`Conversions`] as JSON.
pub const CONVERSIONS: &str = "/conversions";
/// Report: `POST` a [`ReduceQuery`] as JSON, answered by the bytes of a [`ReduceAnswer`].
pub const REDUCE: &str = "/reduce";
/// Report: `GET`, answered by a [`ScopeNews`] as JSON.
pub const NEWS: &str = "/news";
/// Report: `POST` the bytes of a [`Delta`](crate::delta::Delta), answered by 200 once it is durable.
pub const DELTA: &str = "/delta";
/// Report: `GET`, answered by the names of all Linkers that ever told it anything, as a JSON array.
pub const SOURCES: &str = "/sources";
/// Report: `GET`, answered by a [`LastGeneration`] as JSON.
pub const GENERATION: &str = "/generation";
/// Report: `POST` a [`ReduceQuery`] with the parameters of `GET /v1/restatements` as JSON, answered by a
/// [`RestatementList`](crate::api::RestatementList).
pub const RESTATEMENTS: &str = "/restatements";
/// Linker and Report: `GET`, answered by [`Usage`] as JSON.
pub const USAGE: &str = "/usage";
/// Report: `GET`, upgraded to a WebSocket of [`LiveMessage`](crate::api::LiveMessage)s.
pub const LIVE: &str = "/live";

/// Answer to an append: one status per entry, in order, sent once all of them are durable.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AppendAnswer {
    /// One per entry.
    pub statuses: Vec<Appended>,
}

/// What became of an appended event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Appended {
    /// Stored for the first time.
    Accepted,
    /// Stored before.
    Duplicate,
}

/// The object holds events, or settings, under another shard count than the request's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardsConflict {
    /// The count that the object goes by.
    pub shards: u32,
}

/// What a Linker goes by from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkerSettings {
    /// Grows with every change of the advertiser's settings; a Linker answers 200 to an older one and ignores it,
    /// so that two changes at once cannot leave the first one's settings in force.
    pub revision: u64,
    /// How many shards the advertiser has.
    pub shards: u32,
    /// Windows and prices.
    pub settings: Settings,
}

/// What an isolate has used since it started, all its objects together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Rows that statements wrote, index entries and deletions included.
    pub rows_written: u64,
    /// Alarms that were set; each is billed as a row.
    pub alarms_set: u64,
    /// Requests to objects and alarms that rang; each is billed as a request.
    pub object_calls: u64,
    /// Operations of queues: writing, reading and deleting each started 64 KB of a message.
    pub queue_operations: u64,
    /// Batches of messages that were consumed; each is billed as a request to the worker.
    pub consumer_calls: u64,
    /// Milliseconds that Report and Ledger objects were at a call, as their callers saw it: what is billed of an object
    /// that is idle otherwise.
    pub object_ms: u64,
    /// Objects that were put into the bucket, and pages of lists of it: operations of class A.
    pub bucket_writes: u64,
    /// Objects that were read from the bucket: operations of class B.
    pub bucket_reads: u64,
    /// Questions for cells, or whether they changed, that Report objects answered.
    pub report_questions: u64,
    /// The size of the WebAssembly memory, which never shrinks.
    pub memory_bytes: u64,
}

/// Which event's story to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryQuery {
    /// Its id.
    pub id: String,
    /// Its kind; absent: the first kind that has an event of this id.
    pub kind: Option<String>,
}

/// Which events to list, the newest first; an absent part fits all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EventsQuery {
    /// Only this kind.
    pub kind: Option<String>,
    /// Only this user, by pseudonym; as text, since readers that go through JavaScript know 53 bits of a number.
    #[serde(with = "decimal")]
    pub user: Option<u64>,
    /// `counted`, `invalid`, or a reason's name.
    pub outcome: Option<String>,
    /// From this event time on, in ms since 1970.
    pub from_ms: Option<i64>,
    /// Before this event time, in ms since 1970.
    pub to_ms: Option<i64>,
    /// What the cell of the event has to be: filters as the report API writes them.
    #[serde(default)]
    pub filters: Vec<String>,
    /// For each shard, only what lies before this place of its log; none: from its end on.
    pub before: Option<EventsCursor>,
    /// The most events to list.
    pub limit: u32,
}

/// A place between two events of a shard's log: a row, and how many of its events lie before the place.
pub type LogPlace = (i64, u32);

/// Where a page of events ends in the log of each shard, in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsCursor(pub Vec<LogPlace>);

impl EventsCursor {
    /// Reads what [`Display`](std::fmt::Display) writes.
    pub fn parse(text: &str) -> Option<Self> {
        let place = |text: &str| {
            let (row, events) = text.split_once('.')?;
            Some((row.parse().ok().filter(|row| (0..MAX_LOG_ROW).contains(row))?, events.parse().ok()?))
        };
        text.split(',').map(place).collect::<Option<_>>().map(Self)
    }
}

impl std::fmt::Display for EventsCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (shard, (row, events)) in self.0.iter().enumerate() {
            let comma = if shard == 0 { "" } else { "," };
            write!(f, "{comma}{row}.{events}")?;
        }
        Ok(())
    }
}

/// No log has so many rows.
pub const MAX_LOG_ROW: i64 = i64::MAX >> 11;

/// Events of a shard, the latest arrival first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EventsPage {
    /// What became of each, with the place behind it.
    pub events: Vec<(LogPlace, crate::api::EventStory)>,
    /// What lies before this was not looked at; none: the log was looked at to its beginning.
    pub rest: Option<LogPlace>,
    /// Whether these are all that fit, up to the limit.
    pub complete: bool,
}

/// Which attributed conversions to list, in the order in which they arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversionsQuery {
    /// The row of the log where the page before ended, and how many of its events were done.
    pub after: (i64, u32),
    /// Those that arrived before are left out, in ms since 1970.
    pub since_ms: i64,
    /// Those that arrived later are left for another time.
    pub upto_ms: i64,
    /// The most conversions.
    pub limit: u32,
}

/// Conversions that are attributed to a click.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversions {
    /// Each with the place behind it.
    pub conversions: Vec<((i64, u32), crate::api::EventStory)>,
    /// Where the next page begins.
    pub next: (i64, u32),
    /// Whether the log has more of that time.
    pub more: bool,
}

/// A report query as the worker got it, for an object to parse again: the parameters are the query's only encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReduceQuery {
    /// Names and values, in order; without `scope`, which the object's name says.
    pub parameters: Vec<(String, String)>,
    /// The worker's clock: both sides must mean the same by "the last seven days".
    pub now_ms: i64,
    /// The zone where the parameters name none.
    pub default_tz: String,
    /// The generation and version whose cells the worker has: if they are still the same, they need not be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<(u64, u64)>,
    /// Whether cells of cubes may be left to whoever asks.
    #[serde(default)]
    pub use_cubes: bool,
}

/// A scope's cells, reduced to what a query needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReduceAnswer {
    /// What is known about the cells.
    pub head: ReduceHead,
    /// What the scope says of all its data.
    pub news: ScopeNews,
    /// Where they come from.
    pub routed: Routed,
    /// The cells in the encoding of [`adtally_core::segment`]; none if they are those that the worker knows.
    pub segment: Option<Vec<u8>>,
}

/// The part of a [`ReduceAnswer`] that is not cells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ReduceHead {
    /// Within a generation, grows whenever the scope's real-time data does; 0 where no real time is in the cells.
    pub version: u64,
    /// The batch generation that is merged in; 0: none yet.
    pub generation: u64,
    /// The last generation of the scope, whichever was asked for; 0: none yet.
    pub published: u64,
    /// Of every shard that was heard, what was acknowledged up to this server time is in the cells, in ms since 1970.
    pub complete_through_ms: Option<i64>,
    /// The server time of the latest news, in ms since 1970.
    pub updated_ms: Option<i64>,
}

/// Where the cells of an answer come from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Routed {
    /// Where the parts of the cuboid are, which whoever asks has to add.
    pub parts: Vec<String>,
    /// The cuboid, in words; empty: none.
    pub cuboid: String,
    /// Cells of the parts.
    pub part_cells: u64,
    /// Days of the batch that are in the parts.
    pub part_days: u64,
    /// Days of the batch that were read from base cells.
    pub base_days: u64,
    /// Base cells that were read for them.
    pub base_cells: u64,
    /// Cells of real time that were read.
    pub realtime_cells: u64,
    /// Cuboids that were not taken, with the reason.
    pub passed_over: Vec<String>,
    /// The cuboid that the question needs, in words.
    pub wanted: String,
}

/// The last generation that a scope published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LastGeneration {
    /// 0: none yet.
    pub generation: u64,
}

/// Cuboids that were not taken, of which the reason is told.
const MAX_PASSED_OVER: usize = 10;

impl Routed {
    /// In words, a line each.
    pub fn lines(&self, scope: &str) -> Vec<String> {
        let Routed { cuboid, part_cells, part_days, base_days, base_cells, realtime_cells, .. } = self;
        let base = format!("{base_cells} base cells of {base_days} days, {realtime_cells} of real time");
        let mut lines = match cuboid.is_empty() {
            true => vec![format!("{scope}: {base}")],
            false => {
                vec![format!("{scope}: cuboid {cuboid}, {part_cells} cells of {part_days} days; {base}")]
            }
        };
        if cuboid.is_empty() {
            lines.push(format!("a cuboid of {} would have helped", self.wanted));
        }
        lines.extend(self.passed_over.iter().take(MAX_PASSED_OVER).map(|why| format!("not {why}")));
        lines
    }
}

impl ReduceQuery {
    /// The same question to a generation of the batch.
    pub fn as_of(&self, generation: u64) -> ReduceQuery {
        let kept = self.parameters.iter().filter(|(name, _)| !matches!(name.as_str(), "source" | "as_of"));
        let as_of = [("as_of".to_owned(), format!("g{generation}"))];
        Self { parameters: kept.cloned().chain(as_of).collect(), ..self.clone() }
    }

    /// The question which advertisers have cells for this query at all, as far as the platform's own cells can tell.
    pub fn which_advertisers(&self) -> ReduceQuery {
        let is_coarse = |filter: &str| {
            let dimension = filter.split(':').next();
            Scope::Platform.dimensions().iter().any(|known| Some(known.name()) == dimension)
        };
        let kept = self.parameters.iter().filter(|(name, value)| match name.as_str() {
            "from" | "to" | "tz" | "source" | "as_of" => true,
            "filter" => is_coarse(value),
            _ => false,
        });
        let asked = [("by", Dimension::Advertiser.name()), ("metrics", Measure::Impressions.name())];
        let asked = asked.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self { parameters: kept.cloned().chain(asked).collect(), ..self.clone() }
    }
}

impl ReduceHead {
    /// The version as it stands in API answers and live messages: `advertiser:acme@g3.118`.
    pub fn data_version(&self, scope: &Scope) -> String {
        format!("{scope}@g{}.{}", self.generation, self.version)
    }
}

/// An answer between objects that cannot be read: the two sides differ in version, or bytes were lost.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unreadable answer of an object: {0}")]
pub struct AnswerError(String);

impl AnswerError {
    pub(crate) fn of(error: &postcard::Error) -> Self {
        Self(error.to_string())
    }
}

impl AppendAnswer {
    /// That of a Linker that has accepted so many.
    pub fn all_accepted(entries: usize) -> Self {
        Self { statuses: vec![Appended::Accepted; entries] }
    }

    /// Whether it is what [`ALL_ACCEPTED`] says.
    pub fn is_all_accepted(&self) -> bool {
        self.statuses.iter().all(|status| *status == Appended::Accepted)
    }

    /// The bytes of the answer.
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// Reads what [`AppendAnswer::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, AnswerError> {
        postcard::from_bytes(bytes).map_err(|error| AnswerError(error.to_string()))
    }
}

impl ReduceAnswer {
    /// The bytes of the answer: what is about the cells, then the segment up to the end.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = encode(&(&self.head, &self.news, &self.routed, self.segment.is_some()));
        bytes.extend(self.segment.iter().flatten());
        bytes
    }

    /// Reads what [`ReduceAnswer::encode`] wrote; the segment has its own checksum and is not looked at.
    pub fn decode(bytes: &[u8]) -> Result<Self, AnswerError> {
        let ((head, news, routed, is_told), segment): ((ReduceHead, ScopeNews, Routed, bool), &[u8]) =
            postcard::take_from_bytes(bytes).map_err(|error| AnswerError::of(&error))?;
        Ok(Self { head, news, routed, segment: is_told.then(|| segment.to_vec()) })
    }
}

/// 64-bit numbers as decimal text.
mod decimal {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(number: &Option<u64>, to: S) -> Result<S::Ok, S::Error> {
        number.map(|number| number.to_string()).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}

pub(crate) fn encode(value: &impl Serialize) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "plain structs of numbers into a Vec: neither format nor space can fail"
    )]
    postcard::to_allocvec(value).expect("encodes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_for_advertisers_is_coarse() {
        let query = |parameters: &[(&str, &str)]| ReduceQuery {
            parameters: parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            now_ms: 7,
            default_tz: "UTC".to_owned(),
            known: None,
            use_cubes: false,
        };
        let fine = query(&[
            ("from", "2026-01-01"),
            ("by", "ad"),
            ("metrics", "clicks,reach"),
            ("filter", "ad:prefix:b"),
            ("filter", "service:eq:a:b"),
            ("filter", "advertiser:in:acme,globex"),
            ("sort", "-clicks"),
            ("limit", "5"),
        ]);
        let coarse = query(&[
            ("from", "2026-01-01"),
            ("filter", "service:eq:a:b"),
            ("filter", "advertiser:in:acme,globex"),
            ("by", "advertiser"),
            ("metrics", "impressions"),
        ]);
        assert_eq!(fine.which_advertisers(), coarse);
    }

    #[test]
    fn the_question_to_a_past_generation() {
        let query = |parameters: &[(&str, &str)]| ReduceQuery {
            parameters: parameters.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            now_ms: 7,
            default_tz: "UTC".to_owned(),
            known: None,
            use_cubes: false,
        };
        assert_eq!(
            query(&[("source", "batch"), ("by", "ad")]).as_of(3),
            query(&[("by", "ad"), ("as_of", "g3")])
        );
        assert_eq!(query(&[("as_of", "9")]).as_of(3), query(&[("as_of", "g3")]));
    }

    #[test]
    fn pseudonyms_keep_all_their_bits() {
        let query = EventsQuery { user: Some(u64::MAX), limit: 1, ..EventsQuery::default() };
        let json = serde_json::to_string(&query).unwrap();
        assert!(json.contains(r#""user":"18446744073709551615""#), "{json}");
        assert_eq!(serde_json::from_str::<EventsQuery>(&json).unwrap(), query);
    }

    #[test]
    fn appends_of_both_releases_are_told_apart() {
        assert_eq!(append_id("https://object/append?1a2b"), Some("1a2b"));
        assert_eq!(append_id("https://object/append"), None);
    }

    #[test]
    fn answers_both_ways() {
        let answer = AppendAnswer { statuses: vec![Appended::Accepted, Appended::Duplicate] };
        assert!(!answer.is_all_accepted());
        assert!(AppendAnswer::all_accepted(2).is_all_accepted());
        assert_eq!(AppendAnswer::decode(&answer.encode()), Ok(answer));
        let head = ReduceHead {
            version: 300,
            generation: 2,
            complete_through_ms: Some(-1),
            updated_ms: Some(7),
            published: 3,
        };
        let news = ScopeNews { head: head.clone(), days: vec![(-1, 300)], ..ScopeNews::default() };
        let routed = Routed { part_days: 2, ..Routed::default() };
        for segment in [None, Some(vec![]), Some(vec![1, 2, 3])] {
            let answer =
                ReduceAnswer { head: head.clone(), news: news.clone(), routed: routed.clone(), segment };
            assert_eq!(ReduceAnswer::decode(&answer.encode()), Ok(answer));
        }
        assert!(ReduceAnswer::decode(&[]).is_err());
    }
}
