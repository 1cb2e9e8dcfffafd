//! Backups, between tasks, requests, objects and the bucket.

use std::collections::{BTreeMap, BTreeSet};

use adtally_core::backup::{PartKind, missing};
use adtally_wire::backup::object::Refused;
use adtally_wire::backup::{
    BEGUN, Begun, Damage, MANIFESTS, Manifest, Part, begun_key, folders, id_of_key, manifest_key,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{Env, Method, Response};

use crate::bindings::{DEAD_LETTERS, JOBS, LEDGER, LINKER, QUARANTINE, REPORT, STORE};
use crate::linkers::request;
use crate::problem::Fault;
use crate::store::Store;
use crate::usage;

/// Where the bucket has what backups rely on and have not got.
const RELIED_ON: [&str; 2] = ["raw/", "residue/"];

/// The binding of the objects of a kind; none where it is no object.
fn binding(kind: PartKind) -> Option<&'static str> {
    match kind {
        PartKind::DeadLetters => Some(DEAD_LETTERS),
        PartKind::Quarantine => Some(QUARANTINE),
        PartKind::Report => Some(REPORT),
        PartKind::Ledger => Some(LEDGER),
        PartKind::Linker => Some(LINKER),
        PartKind::Jobs => Some(JOBS),
        PartKind::Progress | PartKind::Catalog => None,
    }
}

/// What an object answered: 200, or a code and why not.
pub(crate) enum Said {
    /// It did so.
    Yes(Vec<u8>),
    /// It is to be told again.
    Again,
    /// It did not, and would not the next time.
    No(Refused),
}

/// Tells an object something about backups.
pub(crate) async fn tell(
    env: &Env,
    kind: PartKind,
    name: &str,
    path: &str,
    body: &[u8],
) -> Result<Said, Fault> {
    let binding = binding(kind).ok_or_else(|| Fault::Internal(format!("{} is no object", kind.name())))?;
    let namespace = env.durable_object(binding).map_err(|_| Fault::Misconfigured(binding))?;
    let lost = |error: worker::Error| Fault::unavailable(format!("{} {name}: {path}: {error}", kind.name()));
    let stub = namespace.get_by_name(name)?;
    let mut answer: Response =
        stub.fetch_with_request(request(Method::Post, path, body)?).await.map_err(lost)?;
    let bytes = answer.bytes().await.map_err(lost)?;
    match answer.status_code() {
        200 => Ok(Said::Yes(bytes)),
        202 | 503 => Ok(Said::Again),
        409 => {
            let mut refused: Refused = serde_json::from_slice(&bytes).map_err(worker::Error::from)?;
            refused.detail = format!("{} {name}: {}", kind.name(), refused.detail);
            Ok(Said::No(refused))
        }
        status => Err(Fault::unavailable(format!("{} {name} answered {status} to {path}", kind.name()))),
    }
}

/// Asks an object that has to answer.
pub(crate) async fn ask(
    env: &Env,
    (kind, name): (PartKind, &str),
    path: &str,
    body: &impl Serialize,
) -> Result<Vec<u8>, Fault> {
    let body = serde_json::to_vec(body).map_err(worker::Error::from)?;
    match tell(env, kind, name, path, &body).await? {
        Said::Yes(bytes) => Ok(bytes),
        Said::Again => Err(Fault::unavailable(format!("{} {name} is being restored", kind.name()))),
        Said::No(refused) => Err(Fault::unavailable(format!("{}: {}", refused.code, refused.detail))),
    }
}

/// What backups there are in the bucket.
pub(crate) struct Backups<'a>(pub(crate) &'a Store);

impl Backups<'_> {
    /// Names and whether each is complete, the oldest first.
    pub(crate) async fn list(&self) -> Result<Vec<(String, bool)>, Fault> {
        let mut found: BTreeMap<String, bool> = BTreeMap::new();
        for (folder, is_complete) in [(BEGUN, false), (MANIFESTS, true)] {
            for (key, _) in self.0.keys(folder).await? {
                if let Some(id) = id_of_key(&key) {
                    *found.entry(id.to_owned()).or_default() |= is_complete;
                }
            }
        }
        Ok(found.into_iter().collect())
    }

    /// A manifest; `None` where there is none.
    pub(crate) async fn manifest(&self, id: &str) -> Result<Option<Result<Manifest, Damage>>, Fault> {
        let bytes = self.0.get(&manifest_key(id)).await?;
        Ok(bytes.map(|bytes| Manifest::from_bytes(&bytes)))
    }

    /// The note that one was begun.
    pub(crate) async fn begun(&self, id: &str) -> Result<Option<Begun>, Fault> {
        read(self.0, &begun_key(id)).await
    }

    /// Those of some files on which any complete backup relies; of manifests, which may be long, one is in memory at a
    /// time. One that is damaged relies on nothing.
    pub(crate) async fn needed(&self, among: &BTreeSet<String>) -> Result<BTreeSet<String>, Fault> {
        let mut needed = BTreeSet::new();
        if among.is_empty() {
            return Ok(needed);
        }
        for (id, is_complete) in self.list().await? {
            if is_complete && let Some(Ok(manifest)) = self.manifest(&id).await? {
                let named = manifest.files().map(|file| &file.key);
                needed.extend(named.filter(|key| among.contains(*key)).cloned());
            }
        }
        Ok(needed)
    }

    /// Files that a manifest relies on and that are not where they were, or have another size.
    pub(crate) async fn lacking(&self, manifest: &Manifest) -> Result<Vec<String>, Fault> {
        let mut stored = BTreeMap::new();
        for prefix in RELIED_ON {
            stored.extend(self.0.sizes(prefix).await?);
        }
        let wanted = manifest.files().map(|file| {
            // Of some only the name is known.
            let bytes = file.bytes.or_else(|| stored.get(&file.key).copied());
            (file.key.as_str(), bytes.unwrap_or_default())
        });
        Ok(missing(wanted, &stored).into_iter().map(str::to_owned).collect())
    }

    /// Removes one. May be repeated: the manifest goes first, and the note that it was begun last.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), Fault> {
        self.0.remove(&[manifest_key(id)]).await?;
        for folder in folders(id) {
            self.0.remove_all(&folder).await?;
        }
        self.0.remove(&[begun_key(id)]).await?;
        Ok(())
    }
}

/// A JSON document of the bucket.
pub(crate) async fn read<T: DeserializeOwned>(store: &Store, key: &str) -> Result<Option<T>, Fault> {
    let bytes = store.get(key).await?;
    let read = |bytes: Vec<u8>| serde_json::from_slice(&bytes);
    Ok(bytes.map(read).transpose().map_err(worker::Error::from)?)
}

/// Puts a JSON document.
pub(crate) async fn write(env: &Env, key: &str, value: &impl Serialize) -> Result<(), Fault> {
    put(env, key, serde_json::to_vec(value).map_err(worker::Error::from)?).await
}

/// Puts bytes.
pub(crate) async fn put(env: &Env, key: &str, bytes: Vec<u8>) -> Result<(), Fault> {
    usage::put();
    env.bucket(STORE)?.put(key, bytes).execute().await?;
    Ok(())
}

/// The kind of a part.
pub(crate) fn kind_of(part: &Part) -> Result<PartKind, Fault> {
    let unknown = || Fault::refused(409, "backup_version", format!("no part is of kind {:?}", part.kind));
    PartKind::parse(&part.kind).ok_or_else(unknown)
}
