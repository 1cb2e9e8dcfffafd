//! `/v1/backups`: everything there is, copied and restored. The business of the platform's admins alone.

mod restore;

use adtally_core::access::Owner;
use adtally_wire::backup::api::{BackupDetail, BackupInfo, Backups, Restore};
use adtally_wire::backup::{Manifest, is_backup_id};
use adtally_wire::catalog::read;
use adtally_wire::jobs::api::{NewRun, StartedRuns};
use adtally_wire::jobs::object::{START, Start};
use worker::{Method, Response};

use crate::auth::authenticate;
use crate::backup;
use crate::call::{Call, MAX_JSON_BYTES, json};
use crate::problem::Fault;
use crate::route::BackupRoute;
use crate::store::Store;
use crate::tasks::BACKUP;

/// Answers a path below `/v1/backups`.
pub(super) async fn answer(call: &mut Call, route: BackupRoute) -> Result<Response, Fault> {
    authenticate(call).await?.changes_of(&Owner::Platform)?;
    match (route, call.method()) {
        (BackupRoute::All, Method::Post) => start(call).await,
        (BackupRoute::All, _) => list(call).await,
        (BackupRoute::One(id), _) => json(200, &BackupDetail::of(&found(call, &id).await?)),
        (BackupRoute::Restore(id), _) => restore(call, &id).await,
    }
}

/// `POST`: begins a backup, as soon as no batch is under way.
///
/// Repeating it makes another one.
async fn start(call: &Call) -> Result<Response, Fault> {
    let new = NewRun { job: BACKUP.to_owned(), ..NewRun::default() };
    json(202, &call.bindings.jobs.ask::<StartedRuns>(START, &Start { new }).await?)
}

/// `GET`: every backup, the newest first.
async fn list(call: &Call) -> Result<Response, Fault> {
    let store = Store::of(call.bindings.store()?);
    let stored = backup::Backups(&store);
    let mut backups = Vec::new();
    for (id, is_complete) in stored.list().await?.into_iter().rev() {
        let manifest = if is_complete { stored.manifest(&id).await? } else { None };
        if let Some(Ok(manifest)) = manifest {
            backups.push(BackupInfo::of(&manifest));
        } else if let Some(begun) = stored.begun(&id).await? {
            backups.push(BackupInfo::begun(&id, &begun.run, begun.at_ms));
        }
    }
    json(200, &Backups { backups })
}

/// `POST /v1/backups/{id}/restore`: a step of a restore.
///
/// Every step may be repeated.
async fn restore(call: &mut Call, id: &str) -> Result<Response, Fault> {
    let body = call.body(MAX_JSON_BYTES).await?;
    let manifest = found(call, id).await?;
    let wanted: Restore = read(&body)?;
    json(200, &restore::step(call, &manifest, wanted).await?)
}

/// The manifest of a backup that can be restored.
async fn found(call: &Call, id: &str) -> Result<Manifest, Fault> {
    let missing = || Fault::refused(404, "backup_not_found", format!("there is no backup {id:?}"));
    if !is_backup_id(id) {
        return Err(missing());
    }
    let store = Store::of(call.bindings.store()?);
    let stored = backup::Backups(&store);
    match stored.manifest(id).await? {
        Some(Ok(manifest)) => Ok(manifest),
        Some(Err(damage)) => {
            Err(Fault::refused(409, damage.code(), format!("the manifest of {id}: {damage}")))
        }
        None if stored.begun(id).await?.is_some() => {
            Err(Fault::refused(409, "backup_incomplete", format!("the backup {id} is not complete")))
        }
        None => Err(missing()),
    }
}
