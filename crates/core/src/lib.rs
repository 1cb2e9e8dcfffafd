//! The pure heart of Adtally: bytes become events, events linked facts, facts cells, and cells reports.
//!
//! ```text
//! intake -> route -> link -> cell -> segment -> report
//! ```
//!
//! ```
//! use adtally_core::cell::Scope;
//! use adtally_core::intake::{Context, Media, read_body};
//! use adtally_core::key::{Key, UserSalt};
//! use adtally_core::link::{Arrival, Linker, cells_of};
//! use adtally_core::report::{Query, Value, run};
//! use adtally_core::screen::Lists;
//! use adtally_core::segment::Segment;
//! use adtally_core::settings::Settings;
//! use adtally_core::time::ServerTime;
//!
//! // A click arrives before its impression.
//! let body = br#"
//!     {"kind":"click","id":"c1","advertiser":"acme","impression":"i1","at":"2018-07-22T15:00:05Z"}
//!     {"kind":"impression","id":"i1","advertiser":"acme","ad":"a1","at":"2018-07-22T15:00:00Z"}"#;
//! let now = ServerTime(1_532_271_610_000);
//! let salt = UserSalt::new(b"secret");
//! let context = Context { now, nonce: 0, salt: &salt, lists: Lists::built_in(), visitor: None };
//! let intake = read_body(body, Media::Ndjson, &context)?;
//!
//! let mut linker = Linker::new();
//! let mut facts = Vec::new();
//! for (_, event) in intake.events {
//!     let settings = std::sync::Arc::new(Settings::default());
//!     facts.extend(linker.apply([Arrival { event, received: now, settings }]).facts);
//! }
//!
//! let scope = Scope::Advertiser(Key::parse("acme")?);
//! let segment = Segment::from_cells(cells_of(&facts, &scope));
//! let params = [("by", "ad"), ("metrics", "impressions,linked_clicks"), ("from", "2018-07-22")];
//! let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
//! let query = Query::parse(&params, "UTC", now)?;
//! let table = run(&query, &query.plan().reduce(&segment), &scope);
//! assert_eq!(table.rows, [[Value::Text("a1".to_owned()), Value::Count(1), Value::Count(1)]]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It knows no clock, no randomness, no I/O, no async and no logging: the worker, the dashboard and the command
//! line call it and execute what it decides.

pub mod event;
pub mod key;
pub mod time;
pub mod screen;
pub mod intake;
pub mod doors;
pub mod settings;
pub mod route;
pub mod link;
pub mod measure;
pub mod sketch;
pub mod cell;
pub mod segment;
pub mod aggregate;
pub mod billing;
pub mod shard;
pub mod ledger;
pub mod restate;
pub mod publish;
pub mod batch;
pub mod jobs;
pub mod backup;
pub mod report;
pub mod freshness;
pub mod cube;
pub mod access;
pub mod limit;
pub mod telemetry;

mod numbers;
mod varint;
