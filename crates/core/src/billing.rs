//! Billing: what counted events cost, as entries that a ledger can add up.
//!
//! A **charge** says that an event costs something, a **credit** takes a charge back.
//! Both follow from signed facts when a shard is told, so a retraction that a late event causes is a credit.
//!
//! BILL-1: for every event, the sum of its entries is what its present fact costs, whenever a shard has told all it
//! knows; every entry is delivered until it is confirmed, and counted once by its id.
//!
//! ```text
//! facts -> entries (netted) -> batches -> outbox -> queue -> ledger -> confirmation -> outbox row gone
//! ```
//!
//! What changes and changes back between two tellings makes no entries. Whatever a bill names makes entries when it
//! changes, parents included: whoever audits a charge has to find the click that it was for. What a bill does not name
//! (country, device, label, value, duplicates, lateness) makes none.

mod entry;
mod batch;
mod hand_off;
mod sums;

pub use batch::{Batch, BatchId, MAX_BATCH_BYTES, MAX_ROW_BATCHES, batches};
pub use entry::{Charge, ChargeId, Entry, EntryKind, entries};
pub use hand_off::{HandOff, MAX_UNCONFIRMED, PATIENCE_MS, Step};
pub use sums::{Account, HourlySums, Overflow, Sums, add_up, book};
