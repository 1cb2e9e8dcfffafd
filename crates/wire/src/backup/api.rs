//! Backups over HTTP.

use adtally_core::time::rfc3339;
use serde::{Deserialize, Serialize};

use super::Manifest;

/// `GET /v1/backups`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backups {
    /// The newest first.
    pub backups: Vec<BackupInfo>,
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupInfo {
    /// Its name.
    pub id: String,
    /// The run of the job that makes or made it.
    pub run: String,
    /// When it was begun; all that was acknowledged before is in it.
    pub at: String,
    /// When it was complete; absent: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<String>,
    /// Whether it can be restored.
    pub complete: bool,
    /// Parts: objects, and what else is copied as a whole.
    pub parts: u64,
    /// Bytes of all pages.
    pub bytes: u64,
    /// Files of the bucket that it relies on and has not got.
    pub files: u64,
}

impl BackupInfo {
    /// Of a complete one.
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            id: manifest.id.clone(),
            run: manifest.run.clone(),
            at: rfc3339(manifest.through_ms),
            made: Some(rfc3339(manifest.made_ms)),
            complete: true,
            parts: manifest.parts.len() as u64,
            bytes: manifest.bytes(),
            files: manifest.files().count() as u64,
        }
    }

    /// Of one that was begun.
    pub fn begun(id: &str, run: &str, at_ms: i64) -> Self {
        Self {
            id: id.to_owned(),
            run: run.to_owned(),
            at: rfc3339(at_ms),
            made: None,
            complete: false,
            parts: 0,
            bytes: 0,
            files: 0,
        }
    }
}

/// `GET /v1/backups/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupDetail {
    /// The backup.
    #[serde(flatten)]
    pub backup: BackupInfo,
    /// Its parts, in the order in which they are to be restored.
    pub contents: Vec<PartInfo>,
}

/// A part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartInfo {
    /// What it is.
    pub kind: String,
    /// The object's name.
    pub name: String,
    /// Its pages.
    pub pages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows in them.
    pub rows: u64,
}

impl BackupDetail {
    /// Of a complete one.
    pub fn of(manifest: &Manifest) -> Self {
        let part = |part: &super::Part| PartInfo {
            kind: part.kind.clone(),
            name: part.name.clone(),
            pages: part.pages.len() as u64,
            bytes: part.pages.iter().map(|page| page.bytes).sum(),
            rows: part.pages.iter().map(|page| page.rows).sum(),
        };
        Self { backup: BackupInfo::of(manifest), contents: manifest.parts.iter().map(part).collect() }
    }
}

/// A step of a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoreStep {
    /// Is all there that the backup relies on? Files that were merged since are brought back.
    Check,
    /// A part serves nobody any more, and is emptied; files of the archive that are later than the backup are put aside
    /// with the shard that they are of.
    Begin,
    /// Pages of a part.
    Load,
    /// A part is complete, and serves.
    End,
    /// What is left to do when every part is: Linkers are told the settings of the catalog, and the run that was making the
    /// backup is cancelled.
    Finish,
}

/// `POST /v1/backups/{id}/restore`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// What to do.
    pub step: RestoreStep,
    /// With which part.
    #[serde(default)]
    pub part: usize,
    /// From which page on.
    #[serde(default)]
    pub page: usize,
    /// What a part has may go.
    #[serde(default)]
    pub overwrite: bool,
}

/// What it answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Restored {
    /// Whether the step is done; `false`: it is to be asked again, `load` from `next`.
    pub done: bool,
    /// The next page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<usize>,
    /// Parts, pages or files that it was about.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_in_json() {
        let read = |text: &str| serde_json::from_str::<Restore>(text);
        let load = Restore { step: RestoreStep::Load, part: 3, page: 64, overwrite: false };
        assert_eq!(read(r#"{"step":"load","part":3,"page":64}"#).unwrap(), load);
        assert!(read(r#"{"step":"burn"}"#).is_err());
        assert!(read(r#"{"step":"end","force":true}"#).is_err());
    }
}
