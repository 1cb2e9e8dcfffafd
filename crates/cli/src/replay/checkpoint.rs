//! Checkpoints: up to which row a file's events are acknowledged, kept on the disk.
//!
//! A checkpoint never runs ahead of the server: after a crash at any instant some rows are sent again and
//! counted as duplicates, and none is left out.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::map::row::FileName;

/// So much of a file's beginning tells whether it is still the same file; a file that grew at its end is.
const FINGERPRINT_BYTES: u64 = 4_096;

/// What one replay is, for telling whether another one continues it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    file: String,
    /// Hash of the map's text: another map makes other events of the same rows.
    map: String,
    url: String,
    /// Hash of the file's beginning.
    beginning: String,
}

/// The progress of one job.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    path: PathBuf,
    job: Job,
    progress: Progress,
}

/// How far a job has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Progress {
    /// Every row up to this one is acknowledged.
    Through(u64),
    /// Every row of the file is; others of the same command may not be.
    Finished,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    #[serde(flatten)]
    job: Job,
    progress: Progress,
}

impl Job {
    /// The replay of `file` with the map of text `map` to `url`.
    pub(crate) fn new(file: &Path, map: &str, url: &str) -> io::Result<Self> {
        let mut beginning = Vec::new();
        File::open(file)?.take(FINGERPRINT_BYTES).read_to_end(&mut beginning)?;
        Ok(Self {
            file: fs::canonicalize(file)?.to_string_lossy().into_owned(),
            map: fingerprint(map.as_bytes()),
            url: url.trim_end_matches('/').to_owned(),
            beginning: fingerprint(&beginning),
        })
    }
}

impl Checkpoint {
    /// The checkpoint of `job` in `folder`; at its beginning where none is kept, or only one of a changed file.
    pub(crate) fn open(folder: &Path, job: Job) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let name = fingerprint(format!("{}\n{}\n{}", job.file, job.map, job.url).as_bytes());
        let stem = FileName::of(Path::new(&job.file));
        let path = folder.join(format!("{}-{name}.json", stem.stem()));
        let saved = match fs::read(&path) {
            // One that cannot be read is as good as none: sending again does no harm.
            Ok(bytes) => serde_json::from_slice::<Saved>(&bytes).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let progress =
            saved.filter(|saved| saved.job == job).map_or(Progress::Through(0), |saved| saved.progress);
        Ok(Self { path, job, progress })
    }

    /// How far the job has come.
    pub(crate) fn progress(&self) -> Progress {
        self.progress
    }

    /// Records progress: written beside and renamed, so that a crash leaves the old or the new one.
    pub(crate) fn save(&mut self, progress: Progress) -> io::Result<()> {
        self.progress = progress;
        let text = serde_json::to_vec(&Saved { job: self.job.clone(), progress })?;
        let beside = self.path.with_extension("new");
        fs::write(&beside, text)?;
        fs::rename(&beside, &self.path)
    }

    /// Forgets the job, so that its next replay starts at the beginning.
    pub(crate) fn remove(&mut self) -> io::Result<()> {
        self.progress = Progress::Through(0);
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn fingerprint(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Where checkpoints are kept unless told: `$XDG_STATE_HOME/adtally/replay`, by default under `~/.local/state`.
pub(crate) fn default_folder() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| Some(set("HOME")?.join(".local/state")))?;
    Some(state.join("adtally/replay"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_belongs_to_its_file_map_and_address() {
        let folder = std::env::temp_dir().join(format!("adtally-checkpoint-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("a.csv");
        fs::write(&file, "x".repeat(5_000)).unwrap();
        let open = |map, url| Checkpoint::open(&folder, Job::new(&file, map, url).unwrap()).unwrap();
        open("map", "http://a").save(Progress::Through(42)).unwrap();

        assert_eq!(open("map", "http://a/").progress(), Progress::Through(42));
        assert_eq!(open("other", "http://a").progress(), Progress::Through(0));
        assert_eq!(open("map", "http://b").progress(), Progress::Through(0));

        fs::write(&file, "x".repeat(6_000)).unwrap();
        assert_eq!(open("map", "http://a").progress(), Progress::Through(42), "rows were added");
        fs::write(&file, "y".repeat(6_000)).unwrap();
        assert_eq!(open("map", "http://a").progress(), Progress::Through(0), "another file of that name");

        let mut checkpoint = open("map", "http://a");
        checkpoint.save(Progress::Finished).unwrap();
        assert_eq!(open("map", "http://a").progress(), Progress::Finished);
        checkpoint.remove().unwrap();
        checkpoint.remove().unwrap();
        assert_eq!(open("map", "http://a").progress(), Progress::Through(0));

        open("map", "http://a").save(Progress::Through(1)).unwrap();
        fs::write(&checkpoint.path, "{").unwrap();
        assert_eq!(open("map", "http://a").progress(), Progress::Through(0), "a broken checkpoint");
        fs::remove_dir_all(&folder).unwrap();
    }
}
