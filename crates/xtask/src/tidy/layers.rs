//! Dependencies between our crates run one way: core <- wire <- everything else.

use super::{Finding, SourceFile};

/// Which of our crates a manifest may name.
const ALLOWED: [(&str, &[&str]); 15] = [
    ("crates/core/Cargo.toml", &[]),
    ("crates/wire/Cargo.toml", &["adtally-core"]),
    ("crates/archive/Cargo.toml", &["adtally-core", "adtally-wire"]),
    ("crates/sql/Cargo.toml", &["adtally-core"]),
    ("crates/kafka/Cargo.toml", &[]),
    ("crates/cli/Cargo.toml", &["adtally-archive", "adtally-core", "adtally-wire"]),
    ("crates/bench/Cargo.toml", &["adtally-archive", "adtally-core"]),
    ("crates/fuzz/Cargo.toml", &["adtally-core", "adtally-kafka", "adtally-sql", "adtally-wire"]),
    ("crates/xtask/Cargo.toml", &[]),
    ("crates/verify/Cargo.toml", &["adtally-archive", "adtally-core", "adtally-wire"]),
    (
        "worker/Cargo.toml",
        &["adtally-archive", "adtally-core", "adtally-kafka", "adtally-sql", "adtally-wire"],
    ),
    ("crates/engine/Cargo.toml", &["adtally-core", "adtally-sql"]),
    ("web/Cargo.toml", &["adtally-core", "adtally-wire"]),
    ("web/app/Cargo.toml", &["adtally-web"]),
    ("web/workbench/Cargo.toml", &["adtally-web"]),
];

/// What the core must not know: it takes facts and returns effects.
const IMPURE: [&str; 9] =
    ["tokio", "futures", "rand", "getrandom", "log", "tracing", "worker", "web-sys", "js-sys"];

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with("Cargo.toml") && file.path.contains('/')) {
        let Some((_, allowed)) = ALLOWED.iter().find(|(path, _)| *path == file.path) else {
            findings.push(file.finding(0, "this crate has no place among the layers yet"));
            continue;
        };
        let manifest = match file.text.parse::<toml::Table>() {
            Ok(manifest) => manifest,
            Err(error) => {
                findings.push(file.finding(0, error.to_string()));
                continue;
            }
        };
        for name in dependencies(&manifest) {
            if name.starts_with("adtally-") && !allowed.contains(&name) {
                findings.push(file.finding(0, format!("may not depend on {name}")));
            }
            if file.path == "crates/core/Cargo.toml" && IMPURE.contains(&name) {
                findings.push(file.finding(0, format!("the core is pure and may not depend on {name}")));
            }
        }
    }
    findings
}

/// Of the crate itself, on any target; its tests may use more.
fn dependencies(manifest: &toml::Table) -> Vec<&str> {
    let of_targets = manifest
        .get("target")
        .and_then(toml::Value::as_table)
        .into_iter()
        .flat_map(|targets| targets.values().filter_map(|target| target.as_table()));
    std::iter::once(manifest)
        .chain(of_targets)
        .filter_map(|table| table.get("dependencies")?.as_table())
        .flat_map(|table| table.keys().map(String::as_str))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn dependencies_against_the_stream_are_found() {
        let check_one = |path: &str, text: &str, expected: &[&str]| {
            let found = check(&[file(path, text)]);
            let found: Vec<&str> = found.iter().map(|f| f.message.as_str()).collect();
            assert_eq!(found, expected, "{path}: {text}");
        };
        check_one("Cargo.toml", "[workspace.dependencies]\nadtally-core = { path = 'x' }", &[]);
        check_one("worker/Cargo.toml", "[dependencies]\nadtally-core.workspace = true", &[]);
        check_one("crates/core/Cargo.toml", "[dev-dependencies]\nrand = '1'", &[]);
        check_one(
            "crates/core/Cargo.toml",
            "[target.'cfg(unix)'.dependencies]\nadtally-wire.workspace = true\nrand = '1'",
            &["may not depend on adtally-wire", "the core is pure and may not depend on rand"],
        );
        check_one("crates/new/Cargo.toml", "", &["this crate has no place among the layers yet"]);
    }
}
