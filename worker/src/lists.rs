//! The lists of robots and data centres, remembered by the isolate: a change is in force everywhere within
//! [`REMEMBER_MS`].

use std::cell::RefCell;
use std::sync::Arc;

use adtally_core::screen::{ListName, ListTexts, Lists};
use adtally_core::time::ServerTime;
use worker::D1Database;

use crate::catalog::lists::{self, Revision, Row};
use crate::problem::Fault;
use crate::troubles::trouble;

/// How long lists are remembered.
const REMEMBER_MS: i64 = 10_000;

thread_local! {
    static REMEMBERED: RefCell<Option<Remembered>> = RefCell::default();
}

#[derive(Clone)]
struct Remembered {
    lists: Arc<Lists>,
    revisions: Vec<Revision>,
    until_ms: i64,
}

/// The lists that are in force.
///
/// While the catalog does not answer, those that were remembered stay: events must not be turned away for that.
pub(crate) async fn current(db: &D1Database, now: ServerTime) -> Result<Arc<Lists>, Fault> {
    let known = REMEMBERED.with_borrow(Clone::clone);
    let known = match known {
        Some(known) if now.0 < known.until_ms => return Ok(known.lists),
        known => known,
    };
    let until_ms = now.0 + REMEMBER_MS;
    let next = match (load(db, known.as_ref(), until_ms).await, known) {
        (Ok(loaded), _) => loaded,
        (Err(fault), Some(known)) => {
            trouble!("lists of revisions {:?} stay in force: {fault}", known.revisions);
            Remembered { until_ms, ..known }
        }
        (Err(fault), None) => return Err(fault),
    };
    let lists = Arc::clone(&next.lists);
    REMEMBERED.with_borrow_mut(|remembered| *remembered = Some(next));
    Ok(lists)
}

/// Forgets the lists, so that what this isolate changed is in force at once.
pub(crate) fn forget() {
    REMEMBERED.with_borrow_mut(|remembered| *remembered = None);
}

/// Reads the texts only if a revision has changed: they may be long.
async fn load(db: &D1Database, known: Option<&Remembered>, until_ms: i64) -> Result<Remembered, Fault> {
    let revisions = lists::revisions(db).await?;
    if let Some(known) = known.filter(|known| known.revisions == revisions) {
        return Ok(Remembered { until_ms, ..known.clone() });
    }
    let rows = if revisions.is_empty() { Vec::new() } else { lists::read(db).await? };
    let revisions =
        rows.iter().map(|row| Revision { name: row.name.clone(), revision: row.revision }).collect();
    Ok(Remembered { lists: lists_of(&rows), revisions, until_ms })
}

/// A text that was a list when it was written may be none under newer rules: then the built-in list holds.
fn lists_of(rows: &[Row]) -> Arc<Lists> {
    let text = |list: ListName| rows.iter().find(|row| row.name == list.name())?.text.as_deref();
    let texts = ListTexts { bots: text(ListName::Bots), datacenters: text(ListName::Datacenters) };
    Lists::new(texts).map(Arc::new).unwrap_or_else(|error| {
        trouble!("the built-in lists are in force: {error}");
        Arc::clone(Lists::built_in())
    })
}
