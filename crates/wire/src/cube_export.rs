//! Exports of cubes: where their files are, and the manifest that says which of them are an export.
//!
//! The name of a file says which content it has, so an export never changes the files of the one before. The manifest
//! is written last, and files that it does not name are removed after that: whoever reads what it names reads one
//! export as a whole.

use adtally_core::cell::Scope;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::cube::{CubeInfo, PartInfo, cube_folder};

/// The version of [`Manifest`].
pub const FORMAT: u32 = 1;

/// What is in an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this document.
    pub format: u32,
    /// Whose cube it is.
    pub scope: String,
    /// Its name.
    pub cube: String,
    /// Of its definition.
    pub revision: i64,
    /// `hour`, `day` or `month`: what `unit_start` is the start of.
    pub grain: String,
    /// The zone of days and months.
    pub tz: String,
    /// The last generation of any file.
    pub generation: u64,
    /// Rows of all files.
    pub rows: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Sets of files with the same columns; each adds up to all of the cube's figures.
    pub cuboids: Vec<ExportedCuboid>,
}

/// The files of a cuboid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedCuboid {
    /// What is told apart.
    pub dimensions: Vec<String>,
    /// The columns of each file, in order.
    pub columns: Vec<ExportedColumn>,
    /// A day each.
    pub files: Vec<ExportedFile>,
}

/// A column of Parquet files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedColumn {
    /// Its name.
    pub name: String,
    /// `timestamp_ms`, `text` or `int64`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportedFile {
    /// Where it is in the bucket.
    pub key: String,
    /// The day (UTC) that it has.
    pub day: String,
    /// The generation whose cells it has.
    pub generation: u64,
    /// How many.
    pub rows: u64,
    /// How large it is.
    pub bytes: u64,
    /// Of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// Where everything of a cube's exports lies.
pub fn export_folder(scope: &Scope, cube: &str) -> String {
    format!("exports/{}", cube_folder(scope, cube))
}

/// Where the manifest of a cube's export is.
pub fn manifest_key(scope: &Scope, cube: &str) -> String {
    format!("{}manifest.json", export_folder(scope, cube))
}

/// Where a part is exported to: another definition or generation is another file.
pub fn file_key(scope: &Scope, info: &CubeInfo, part: &PartInfo) -> String {
    let cuboid = if part.cuboid.is_empty() { "total".to_owned() } else { part.cuboid.join(",") };
    let folder = export_folder(scope, &info.name);
    format!("{folder}cuboid={cuboid}/from={}/r{}-g{}.parquet", part.from, info.revision, part.generation)
}

impl Manifest {
    /// Of a cube of which nothing is exported yet.
    pub fn new(scope: &Scope, info: &CubeInfo) -> Self {
        Self {
            format: FORMAT,
            scope: scope.to_string(),
            cube: info.name.clone(),
            revision: info.revision,
            grain: info.grain.clone(),
            tz: info.tz.clone(),
            generation: 0,
            rows: 0,
            bytes: 0,
            cuboids: Vec::new(),
        }
    }

    /// Adds the file of a part.
    pub fn add(&mut self, part: &PartInfo, columns: &[(&str, &str)], key: String, rows: u64, bytes: &[u8]) {
        let file = ExportedFile {
            key,
            day: part.from.clone(),
            generation: part.generation,
            rows,
            bytes: bytes.len() as u64,
            sha256: Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        };
        self.generation = self.generation.max(part.generation);
        self.rows += rows;
        self.bytes += file.bytes;
        match self.cuboids.iter_mut().find(|cuboid| cuboid.dimensions == part.cuboid) {
            Some(cuboid) => cuboid.files.push(file),
            None => {
                let column = |(name, kind): &(&str, &str)| ExportedColumn {
                    name: (*name).to_owned(),
                    kind: (*kind).to_owned(),
                };
                self.cuboids.push(ExportedCuboid {
                    dimensions: part.cuboid.clone(),
                    columns: columns.iter().map(column).collect(),
                    files: vec![file],
                });
            }
        }
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.cuboids.iter().map(|cuboid| cuboid.files.len()).sum()
    }

    /// Those of some objects that are no part of this export.
    pub fn strangers<'k>(&self, keys: impl IntoIterator<Item = &'k str>, own: &str) -> Vec<String> {
        let is_named = |key: &str| {
            key == own || self.cuboids.iter().any(|cuboid| cuboid.files.iter().any(|file| file.key == key))
        };
        keys.into_iter().filter(|key| !is_named(key)).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_names_what_it_is_made_of() {
        let scope = Scope::parse("advertiser:a/b").unwrap();
        let info =
            CubeInfo { name: "daily".to_owned(), revision: 9, grain: "day".to_owned(), ..Default::default() };
        let part = |cuboid: &[&str], from: &str, generation| PartInfo {
            cuboid: cuboid.iter().map(|name| (*name).to_owned()).collect(),
            from: from.to_owned(),
            generation,
            ..PartInfo::default()
        };
        let mut manifest = Manifest::new(&scope, &info);
        let (first, second) =
            (part(&["ad", "country"], "2026-03-01", 4), part(&["ad", "country"], "2026-03-02", 3));
        let total = part(&[], "2026-03-01", 4);
        for (part, rows) in [(&first, 5), (&second, 6), (&total, 1)] {
            let key = file_key(&scope, &info, part);
            manifest.add(part, &[("unit_start", "timestamp_ms")], key, rows, b"abc");
        }
        let folder = "exports/cubes/scope=advertiser%3Aa%2Fb/cube=daily/";
        assert_eq!(
            manifest.cuboids[0].files[0].key,
            format!("{folder}cuboid=ad,country/from=2026-03-01/r9-g4.parquet")
        );
        assert_eq!(
            manifest.cuboids[1].files[0].key,
            format!("{folder}cuboid=total/from=2026-03-01/r9-g4.parquet")
        );
        assert_eq!((manifest.files(), manifest.rows, manifest.bytes, manifest.generation), (3, 12, 9, 4));
        assert!(manifest.cuboids[0].files[1].sha256.starts_with("ba7816bf"), "{manifest:?}");

        let (own, old) =
            (manifest_key(&scope, "daily"), format!("{folder}cuboid=total/from=2026-03-01/r8-g4.parquet"));
        let keys = [own.as_str(), old.as_str(), manifest.cuboids[0].files[0].key.as_str()];
        assert_eq!(manifest.strangers(keys, &own), std::slice::from_ref(&old));
        let text = serde_json::to_string(&manifest).unwrap();
        assert_eq!(serde_json::from_str::<Manifest>(&text).unwrap(), manifest);
    }
}
