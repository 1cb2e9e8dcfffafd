//! Documents name only what exists, and the architecture promises only what is tested.

use super::{Finding, SourceFile};

/// Endings by which a word in backticks is recognised as a file.
const FILE_ENDINGS: [&str; 11] =
    [".rs", ".toml", ".md", ".json", ".mjs", ".js", ".ts", ".html", ".css", ".sql", ".sh"];

/// Made by a build or a run, so not among the files.
const GENERATED: [&str; 6] = ["target", "node_modules", "worker/build", "web/dist", ".wrangler", ".dev.vars"];

/// Words of the same shape as an invariant's id.
const STANDARDS: [&str; 8] = ["UTF", "SHA", "ISO", "RFC", "AES", "MIT", "GB", "CC"];

/// Files and folders that documents mention.
pub(super) fn names(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for document in files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, name) in in_backticks(&document.text) {
            if looks_like_a_path(&name, files) && !exists(&name, files) {
                findings.push(document.finding(line, format!("`{name}` does not exist")));
            }
        }
    }
    findings
}

/// Everything between single backticks outside of code blocks, with its line.
fn in_backticks(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut in_block = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if !in_block {
            found.extend(line.split('`').skip(1).step_by(2).map(|name| (index + 1, name.to_owned())));
        }
    }
    found
}

fn looks_like_a_path(name: &str, files: &[SourceFile]) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if !name.chars().all(plain) || name.starts_with('/') {
        return false;
    }
    let first = name.split('/').next().unwrap_or_default();
    let in_a_folder_of_ours =
        name.contains('/') && files.iter().any(|file| file.path.split('/').next() == Some(first));
    in_a_folder_of_ours
        || FILE_ENDINGS.iter().any(|ending| name.len() > ending.len() && name.ends_with(ending))
}

/// A path from the root, or the end of one (`link/window.rs`), of a file or a folder.
fn exists(name: &str, files: &[SourceFile]) -> bool {
    let name = name.trim_end_matches('/');
    let generated = GENERATED.iter().any(|dir| name == *dir || name.starts_with(&format!("{dir}/")));
    let (folder, tail) = (format!("{name}/"), format!("/{name}"));
    generated
        || files.iter().any(|file| {
            let path = &file.path;
            path == name || path.starts_with(&folder) || path.ends_with(&tail)
        })
}

/// An invariant that the architecture names by its id is named by a test, too.
pub(super) fn invariants(files: &[SourceFile]) -> Vec<Finding> {
    let tests: Vec<&SourceFile> = files.iter().filter(|file| is_test(file)).collect();
    let mut findings = Vec::new();
    let mut seen = Vec::new();
    for document in files.iter().filter(|file| file.path == "ARCHITECTURE.md") {
        for (index, line) in document.text.lines().enumerate() {
            for id in ids(line) {
                let tested = tests.iter().any(|test| ids(&test.text).contains(&id));
                if !tested && !seen.contains(&id) {
                    findings.push(document.finding(index + 1, format!("no test mentions {id}")));
                    seen.push(id);
                }
            }
        }
    }
    findings
}

fn is_test(file: &SourceFile) -> bool {
    let has_tests = ["#[test]", "#[wasm_bindgen_test", "proptest!"].iter().any(|t| file.text.contains(t));
    (file.is_rust() && (has_tests || file.path.contains("/tests"))) || file.path.starts_with("tests/")
}

/// Words like LINK-1: capitals, a dash, a number.
fn ids(text: &str) -> Vec<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
        .filter(|word| {
            let Some((name, number)) = word.split_once('-') else { return false };
            name.len() >= 3
                && name.chars().all(|c| c.is_ascii_uppercase())
                && !number.is_empty()
                && number.chars().all(|c| c.is_ascii_digit())
                && !STANDARDS.contains(&name)
        })
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn names_in_documents_must_exist() {
        let check = |text: &str, expected: &[&str]| {
            let tree = [
                file("crates/core/src/link/window.rs", ""),
                file("wrangler.toml", ""),
                file("README.md", text),
            ];
            let found: Vec<String> = names(&tree).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("`crates/core`, `crates/core/`, `window.rs`, `link/window.rs`, `wrangler.toml`", &[]);
        check("`web/dist/index.html`, `GET /v1/x`, `cargo xtask dev`, `a/b`, `/v1/events`, `1.0`", &[]);
        check("```\n`crates/none`\n```", &[]);
        check(
            "a\n`crates/none.rs` `gone.rs`",
            &["README.md:2: `crates/none.rs` does not exist", "README.md:2: `gone.rs` does not exist"],
        );
    }

    #[test]
    fn invariants_need_a_test_that_names_them() {
        let check = |text: &str, expected: &[&str]| {
            let tree = [
                file("ARCHITECTURE.md", text),
                file("crates/core/src/link.rs", "// LINK-1 CODE-1"),
                file("crates/core/tests/order.rs", "//! LINK-1\n#[test]"),
                file("tests/merge.test.mjs", "test('MERGE-12')"),
            ];
            let found: Vec<String> = invariants(&tree).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{text}");
        };
        check("**LINK-1**: always. MERGE-12. UTF-8, SHA-256, X-1, `v1-2`", &[]);
        check(
            "CODE-1 and MERGE-1\nMERGE-1",
            &["ARCHITECTURE.md:1: no test mentions CODE-1", "ARCHITECTURE.md:1: no test mentions MERGE-1"],
        );
    }
}
