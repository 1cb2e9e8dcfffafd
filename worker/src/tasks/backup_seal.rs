//! `backup_seal`: the manifest makes a backup of what is there; backups that are too old go.

use std::collections::BTreeSet;

use adtally_core::backup::{KEPT_BACKUPS, superseded};
use adtally_wire::backup::{KEPT, LAYOUT, Manifest, fingerprint, manifest_key, part_key};
use serde_json::json;

use super::backup::Params;
use super::{Context, Done, TaskError};
use crate::backup::{Backups, put, read};
use crate::bindings::ID_SALT;
use crate::clock;
use crate::store::Store;

/// May be repeated: a manifest that is there stays.
///
/// 1. The manifest is written when everything that it names is there, parts and files of the archive.
/// 2. Removing may be repeated.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let Params { backup, through_ms, end, .. } = serde_json::from_str(params)?;
    let store = Store::open(&context.env)?;
    let backups = Backups(&store);
    let mut parts = Vec::with_capacity(end);
    for place in 0..end {
        let key = part_key(&backup, place);
        let missing = || TaskError::permanent(format!("{key} is missing"));
        parts.push(read(&store, &key).await?.ok_or_else(missing)?);
    }
    let salt = fingerprint(&context.env.secret(ID_SALT)?.to_string());
    let (layout, run, made_ms) = (LAYOUT, context.run.clone(), clock::now().0);
    let manifest = Manifest { layout, id: backup.clone(), run, through_ms, made_ms, salt, parts };
    if backups.manifest(&backup).await?.is_none() {
        // Until there is a manifest nothing is kept for it: where a batch came between an attempt and the next, what its
        // merges have replaced is gone.
        let lacking = backups.lacking(&manifest).await?;
        if let Some(key) = lacking.first() {
            let count = lacking.len();
            let why = format!("{count} files were replaced before the backup was complete, {key} among them");
            return Err(TaskError::permanent(why));
        }
        let bytes = manifest.to_bytes().map_err(TaskError::permanent)?;
        put(&context.env, &manifest_key(&backup), bytes).await?;
    }
    let (parts, bytes, files) = (manifest.parts.len(), manifest.bytes(), manifest.files().count());
    context.log(format!("{backup} is complete: {parts} parts, {bytes} bytes, relies on {files} files"));
    let old = superseded(&backups.list().await?, KEPT_BACKUPS);
    for id in &old {
        backups.remove(id).await?;
    }
    let released = release(&store).await?;
    context.log(format!("{} old backups removed, {released} files that they needed", old.len()));
    let result = json!({ "backup": backup, "parts": parts, "bytes": bytes, "files": files });
    Ok(Done { result: result.to_string(), spawn: Vec::new() })
}

/// Removes files of the archive that were kept for backups which are gone.
async fn release(store: &Store) -> Result<usize, TaskError> {
    let kept = store.keys(KEPT).await?.into_iter();
    let kept: BTreeSet<String> =
        kept.filter_map(|(key, _)| key.strip_prefix(KEPT).map(str::to_owned)).collect();
    let needed = Backups(store).needed(&kept).await?;
    let spare: Vec<String> = kept.difference(&needed).map(|key| format!("{KEPT}{key}")).collect();
    store.remove(&spare).await?;
    Ok(spare.len())
}
