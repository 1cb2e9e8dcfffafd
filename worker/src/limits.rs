//! How often somebody may ask, by key and by address.
//!
//! Each isolate counts for itself: the platform spreads a flood over isolates, and what matters is that none of them is
//! kept busy by one sender. Beyond that, each Linker refuses what it cannot store in time.

use std::cell::RefCell;

use adtally_core::access::Role;
use adtally_core::limit::{Buckets, Rate, Wait};
use adtally_core::telemetry::Figure;
use adtally_core::time::SECOND_MS;
use adtally_wire::token::TokenHash;

use crate::call::Call;
use crate::problem::Fault;
use crate::telemetry;

/// Requests of a write key: what an isolate can do at all, so that a key may use it as long as nobody else asks.
const COLLECT: Rate = Rate { per_second: 5_000, burst: 20_000 };
/// Requests of a key that reads or changes something: programs that compare figures ask hundreds of times a second.
const READ: Rate = Rate { per_second: 1_000, burst: 5_000 };
/// Requests of one address to what browsers ask: a network of thousands of people may stand behind one.
const BROWSE: Rate = Rate { per_second: 1_000, burst: 5_000 };
/// Secrets of one address that nobody knows. A secret has 256 random bits; this spares the catalog.
const GUESS: Rate = Rate { per_second: 5, burst: 100 };
/// The most keys or addresses that are remembered.
const MAX_KNOWN: usize = 10_000;

thread_local! {
    static COLLECTED: RefCell<Buckets> = RefCell::new(Buckets::new(COLLECT, MAX_KNOWN));
    static ASKED: RefCell<Buckets> = RefCell::new(Buckets::new(READ, MAX_KNOWN));
    static BROWSED: RefCell<Buckets> = RefCell::new(Buckets::new(BROWSE, MAX_KNOWN));
    static GUESSED: RefCell<Buckets> = RefCell::new(Buckets::new(GUESS, MAX_KNOWN));
}

/// A request of a key that is known; a call counts once, however often it asks who is calling.
pub(crate) fn by_key(call: &Call, hash: &TokenHash, role: Role) -> Result<(), Fault> {
    if call.is_counted.replace(true) {
        return Ok(());
    }
    let buckets = match role {
        Role::Write => &COLLECTED,
        Role::Admin | Role::Analyst => &ASKED,
    };
    let taken = buckets.with_borrow_mut(|buckets| buckets.take(&hash.hex(), 1, call.now));
    taken.map_err(|wait| refused("key", wait))
}

/// A secret that has to be looked up: whether the address may try one more.
pub(crate) fn may_guess(call: &Call) -> Result<(), Fault> {
    let checked = GUESSED.with_borrow(|buckets| buckets.check(&address(call), 1, call.now));
    checked.map_err(|wait| refused("guess", wait))
}

/// A secret that nobody knows. Known ones do not count: many keys may share an address.
pub(crate) fn guessed(call: &Call) {
    // Whoever has no token left is refused at the next try.
    let _ = GUESSED.with_borrow_mut(|buckets| buckets.take(&address(call), 1, call.now));
}

/// A request from a browser, to what anybody's page may ask.
pub(crate) fn by_address(call: &Call) -> Result<(), Fault> {
    let taken = BROWSED.with_borrow_mut(|buckets| buckets.take(&address(call), 1, call.now));
    taken.map_err(|wait| refused("address", wait))
}

/// Of the caller, as the platform says; without one all share a bucket.
fn address(call: &Call) -> String {
    call.header("CF-Connecting-IP").unwrap_or_default()
}

fn refused(by: &'static str, wait: Wait) -> Fault {
    telemetry::add(Figure::Limited, by, 1);
    let seconds = wait.ms.div_euclid(SECOND_MS) + 1;
    Fault::limited(u32::try_from(seconds).unwrap_or(u32::MAX))
}
