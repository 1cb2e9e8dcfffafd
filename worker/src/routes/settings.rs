//! Changing what Linkers go by: the catalog says it, Linkers follow it.

use adtally_core::key::Key;
use worker::{D1Database, D1PreparedStatement};

use crate::bindings::Bindings;
use crate::catalog::settings::{current, next_revision};
use crate::linkers::{LinkerFault, push_settings};
use crate::problem::Fault;

/// Writes a change of the catalog and takes the next revision, in one transaction.
pub(super) async fn write(db: &D1Database, key: &Key, change: D1PreparedStatement) -> Result<(), Fault> {
    db.batch(vec![change, next_revision(db, key)?]).await.map_err(Fault::catalog)?;
    Ok(())
}

/// Tells every Linker of the advertiser what the catalog says now.
pub(super) async fn push(bindings: &Bindings, key: &Key) -> Result<(), Fault> {
    let settings = current(&bindings.catalog, key).await?;
    match push_settings(&bindings.linkers, key, settings.shards, &settings).await {
        Ok(()) => Ok(()),
        Err(LinkerFault::Fault(fault)) => Err(fault),
        Err(LinkerFault::Shards(conflict)) => Err(fixed(conflict.shards, settings.shards)),
    }
}

/// Makes every Linker of the advertiser agree to another shard count before the catalog says it.
///
/// Linkers that hold events refuse: the events of one chain would come apart. Then those that agreed are told the
/// old count again. The answers to events that come meanwhile are 503, since catalog and Linkers disagree.
///
/// Each await may be repeated: a revision may be left unused, and Linkers ignore older ones.
pub(super) async fn reserve_shards(bindings: &Bindings, key: &Key, old: u32, new: u32) -> Result<(), Fault> {
    let db = &bindings.catalog;
    next_revision(db, key)?.run().await.map_err(Fault::catalog)?;
    let mut settings = current(db, key).await?;
    settings.shards = new;
    let refusal = push_settings(&bindings.linkers, key, old.max(new), &settings).await;
    let Err(refusal) = refusal else { return Ok(()) };
    next_revision(db, key)?.run().await.map_err(Fault::catalog)?;
    let settings = current(db, key).await?;
    let undone = push_settings(&bindings.linkers, key, old.max(new), &settings).await;
    match (refusal, undone) {
        (LinkerFault::Fault(fault), _) | (_, Err(LinkerFault::Fault(fault))) => Err(fault),
        (LinkerFault::Shards(conflict), _) => Err(fixed(conflict.shards, new)),
    }
}

fn fixed(shards: u32, asked: u32) -> Fault {
    let detail = format!("events have arrived under {shards} shards, the count cannot become {asked}");
    Fault::refused(409, "shards_fixed", detail)
}
