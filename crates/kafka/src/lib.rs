//! What Adtally says to Kafka: an idempotent producer, bytes in and bytes out.
//!
//! ```text
//! settings -> Session: ApiVersions, SASL -> Metadata -> InitProducerId -> Produce(acks=all) -> Delivery judges the answer
//! ```
//!
//! ```
//! use adtally_kafka::Session;
//!
//! let mut session = Session::new(None);
//! let asked = session.output();
//! assert_eq!(asked[4..8], [0, 18, 0, 0], "ApiVersions, version 0");
//! // A broker that knows no message at all.
//! let answer = [0, 0, 0, 10, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
//! assert_eq!(session.input(&answer).unwrap_err().code(), "unsupported_version");
//! ```
//!
//! It opens no connection, reads no clock and keeps nothing: whoever calls it moves the bytes and stores the [`Delivery`].
//! It consumes nothing, knows no transactions, and compresses nothing.
//!
//! The codec is its own: the few messages that are needed, in versions that brokers know from 0.11 to 4. What it writes is
//! read by another implementation in the tests, and the other way round. Whatever a length in an answer says, no more is
//! reserved than bytes have arrived.

mod settings;
mod octets;
mod message;
mod record;
mod scram;
mod session;
mod delivery;
mod verdict;

pub use delivery::{Delivery, InFlight, Place, Producer, Trouble, backoff_ms};
pub use message::{Broker, Metadata, Partition};
pub use record::{MAX_BATCH_BYTES, Record, RecordBatch, partition_of};
pub use session::{Broken, Session, Told};
pub use settings::{Address, Login, Mechanism, Settings, SettingsError, SettingsText};
pub use verdict::{Verdict, code_name, judge};
