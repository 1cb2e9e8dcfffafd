//! What a product was made from, as one short text.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::process;
use crate::project::Project;

/// Equal when names and contents of all inputs, the compiler and the variant are equal.
///
/// The hash is the standard library's, whose algorithm may change with the compiler: that only costs a build.
#[derive(Debug, PartialEq)]
pub(super) struct Fingerprint(String);

impl Fingerprint {
    pub(super) fn take(project: &Project, inputs: &[&str], variant: &str) -> Result<Self> {
        let compiler = process::query(project.command("rustc").arg("--version"))?;
        Self::of_files(project.root(), inputs, &[&compiler, variant])
    }

    fn of_files(root: &Path, inputs: &[&str], other: &[&str]) -> Result<Self> {
        let mut files = Vec::new();
        for input in inputs {
            collect(&root.join(input), &mut files)?;
        }
        files.sort();
        let mut hasher = DefaultHasher::new();
        other.hash(&mut hasher);
        for file in &files {
            file.strip_prefix(root).unwrap_or(file).hash(&mut hasher);
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?.hash(&mut hasher);
        }
        Ok(Self(format!("{:016x} {} files\n", hasher.finish(), files.len())))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// All files at or below `path`; none when there is nothing.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
    } else if path.is_dir() {
        let entries = path.read_dir().with_context(|| format!("cannot list {}", path.display()))?;
        for entry in entries {
            collect(&entry?.path(), files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_of_an_input_is_seen_and_nothing_else() {
        let root = std::env::temp_dir().join(format!("adtally-fingerprint-{}", std::process::id()));
        let write = |name: &str, text: &str| {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let take = |other| Fingerprint::of_files(&root, &["src", "Cargo.toml", "absent"], &[other]).unwrap();
        write("src/a.rs", "a");
        write("src/deep/b.rs", "b");
        write("Cargo.toml", "[package]");
        let first = take("abort");

        write("notes.md", "not an input");
        assert_eq!(take("abort"), first);
        assert_ne!(take("unwind"), first);

        let check_changed = |change: &dyn Fn(), back: &dyn Fn()| {
            change();
            assert_ne!(take("abort"), first);
            back();
            assert_eq!(take("abort"), first);
        };
        check_changed(&|| write("src/deep/b.rs", "B"), &|| write("src/deep/b.rs", "b"));
        check_changed(&|| write("src/c.rs", ""), &|| std::fs::remove_file(root.join("src/c.rs")).unwrap());
        check_changed(&|| std::fs::rename(root.join("src/a.rs"), root.join("src/z.rs")).unwrap(), &|| {
            std::fs::rename(root.join("src/z.rs"), root.join("src/a.rs")).unwrap()
        });
        std::fs::remove_dir_all(root).unwrap();
    }
}
