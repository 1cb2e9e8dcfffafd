//! What this isolate has used since it started: what the platform bills by, and what it limits.
//!
//! Counted for all objects of the isolate together, since they share its memory and its price.
//! An isolate that is thrown away takes its counts with it; whoever wants sums takes differences often.

use std::sync::atomic::{AtomicU64, Ordering};

use adtally_core::time::ServerTime;
use adtally_wire::object::Usage;
use worker::{Response, Result};

static ROWS_WRITTEN: AtomicU64 = AtomicU64::new(0);
static ALARMS_SET: AtomicU64 = AtomicU64::new(0);
static OBJECT_CALLS: AtomicU64 = AtomicU64::new(0);
static OBJECT_MS: AtomicU64 = AtomicU64::new(0);
static QUEUE_OPERATIONS: AtomicU64 = AtomicU64::new(0);
static CONSUMER_CALLS: AtomicU64 = AtomicU64::new(0);
static BUCKET_WRITES: AtomicU64 = AtomicU64::new(0);
static BUCKET_READS: AtomicU64 = AtomicU64::new(0);
static REPORT_QUESTIONS: AtomicU64 = AtomicU64::new(0);

/// What queues are billed by.
const QUEUE_UNIT_BYTES: usize = 64_000;
/// Written, read and deleted.
const OPERATIONS_PER_UNIT: usize = 3;

/// A statement wrote rows; index entries and deleted rows are rows.
pub(crate) fn wrote(rows: usize) {
    ROWS_WRITTEN.fetch_add(rows as u64, Ordering::Relaxed);
}

/// An alarm was set, which is billed as a row.
pub(crate) fn set_alarm() {
    ALARMS_SET.fetch_add(1, Ordering::Relaxed);
}

/// An object was called, by a request or by its alarm.
pub(crate) fn called() {
    OBJECT_CALLS.fetch_add(1, Ordering::Relaxed);
}

/// A Report or Ledger object was at a call for so long, as its caller saw it.
pub(crate) fn waited(since: ServerTime, now: ServerTime) {
    let waited_ms = now.0.saturating_sub(since.0);
    OBJECT_MS.fetch_add(u64::try_from(waited_ms).unwrap_or(0), Ordering::Relaxed);
}

/// An object of the bucket was put, or a page of them listed.
pub(crate) fn put() {
    BUCKET_WRITES.fetch_add(1, Ordering::Relaxed);
}

/// An object of the bucket was read.
pub(crate) fn got() {
    BUCKET_READS.fetch_add(1, Ordering::Relaxed);
}

/// A Report object was asked for cells, or whether they changed.
pub(crate) fn asked() {
    REPORT_QUESTIONS.fetch_add(1, Ordering::Relaxed);
}

/// A message of so many bytes was sent to a queue.
pub(crate) fn sent(bytes: usize) {
    let operations = bytes.div_ceil(QUEUE_UNIT_BYTES).max(1) * OPERATIONS_PER_UNIT;
    QUEUE_OPERATIONS.fetch_add(operations as u64, Ordering::Relaxed);
}

/// A batch of messages came from a queue.
pub(crate) fn consumed() {
    CONSUMER_CALLS.fetch_add(1, Ordering::Relaxed);
}

/// The answer to `USAGE`, which is for measuring and reachable through an object's binding only.
pub(crate) fn answer() -> Result<Response> {
    Response::from_json(&so_far())
}

/// What was used until now.
pub(crate) fn so_far() -> Usage {
    Usage {
        rows_written: ROWS_WRITTEN.load(Ordering::Relaxed),
        alarms_set: ALARMS_SET.load(Ordering::Relaxed),
        object_calls: OBJECT_CALLS.load(Ordering::Relaxed),
        object_ms: OBJECT_MS.load(Ordering::Relaxed),
        queue_operations: QUEUE_OPERATIONS.load(Ordering::Relaxed),
        consumer_calls: CONSUMER_CALLS.load(Ordering::Relaxed),
        bucket_writes: BUCKET_WRITES.load(Ordering::Relaxed),
        bucket_reads: BUCKET_READS.load(Ordering::Relaxed),
        report_questions: REPORT_QUESTIONS.load(Ordering::Relaxed),
        memory_bytes: memory_bytes(),
    }
}

/// The size of the module's memory, which never shrinks; 0 where this does not run as WebAssembly.
fn memory_bytes() -> u64 {
    #[cfg(target_arch = "wasm32")]
    {
        const PAGE_BYTES: u64 = 65_536;
        core::arch::wasm32::memory_size(0) as u64 * PAGE_BYTES
    }
    #[cfg(not(target_arch = "wasm32"))]
    0
}
