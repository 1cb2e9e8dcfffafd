//! The worker's bindings and wrangler.toml say the same.
//!
//! worker/src/bindings.rs declares each name once, as `pub const NAME: &str = "NAME";`.

use std::collections::BTreeSet;

use super::{Finding, SourceFile};

const CODE: &str = "worker/src/bindings.rs";
const CONFIGURATION: &str = "wrangler.toml";

/// Secrets are set from outside, so wrangler.toml cannot list them: this does.
const SECRETS: [&str; 7] =
    ["ADMIN_TOKEN", "WRITE_KEY", "ID_SALT", "LINK_KEYS", "SENTRY_DSN", "KAFKA_USERNAME", "KAFKA_PASSWORD"];

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let find = |path: &str| files.iter().find(|file| file.path == path);
    // Without a worker there is nothing to compare.
    let (Some(code), Some(configuration)) = (find(CODE), find(CONFIGURATION)) else { return Vec::new() };
    let table = match configuration.text.parse::<toml::Table>() {
        Ok(table) => table,
        Err(error) => return vec![configuration.finding(0, error.to_string())],
    };
    let declared: BTreeSet<String> = declarations(&code.text).into_iter().collect();
    let mut configured = BTreeSet::new();
    collect(&toml::Value::Table(table), &mut configured);
    let secrets = SECRETS.map(str::to_owned);

    let only_in_code = declared.iter().filter(|name| !configured.contains(*name) && !secrets.contains(name));
    let only_configured = configured.difference(&declared);
    let undeclared_secrets = secrets.iter().filter(|name| !declared.contains(*name));
    only_in_code
        .map(|name| code.finding(0, format!("binding {name} is not in {CONFIGURATION}")))
        .chain(
            only_configured.map(|name| configuration.finding(0, format!("binding {name} is not in {CODE}"))),
        )
        .chain(undeclared_secrets.map(|name| code.finding(0, format!("secret {name} is not declared"))))
        .collect()
}

/// The values of all string constants.
fn declarations(code: &str) -> Vec<String> {
    let mut values = Vec::new();
    for line in code.lines() {
        let line = line.trim();
        let constant = line.starts_with("pub const ") || line.starts_with("pub(crate) const ");
        let Some((declaration, value)) = line.split_once('=').filter(|_| constant) else { continue };
        if declaration.contains("str") {
            let value = value.trim().trim_end_matches(';');
            values.push(value.trim_matches('"').to_owned());
        }
    }
    values
}

/// All names that wrangler.toml gives to things: `binding = "…"`, the objects' `name = "…"`, and variables.
fn collect(value: &toml::Value, names: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, inner) in table {
                match (key.as_str(), inner) {
                    ("binding", toml::Value::String(name)) => _ = names.insert(name.clone()),
                    ("vars", toml::Value::Table(vars)) => names.extend(vars.keys().cloned()),
                    ("durable_objects", inner) => collect_objects(inner, names),
                    (_, inner) => collect(inner, names),
                }
            }
        }
        toml::Value::Array(items) => items.iter().for_each(|item| collect(item, names)),
        _ => {}
    }
}

fn collect_objects(objects: &toml::Value, names: &mut BTreeSet<String>) {
    let bindings = objects.get("bindings").and_then(toml::Value::as_array);
    for binding in bindings.into_iter().flatten() {
        names.extend(binding.get("name").and_then(toml::Value::as_str).map(str::to_owned));
    }
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    const WRANGLER: &str = r#"
        name = "adtally"
        [assets]
        binding = "ASSETS"
        [[durable_objects.bindings]]
        name = "LINKER"
        class_name = "Linker"
        [[d1_databases]]
        binding = "CATALOG"
        [vars]
        STAGE = "test"
    "#;

    fn check_one(names: &[&str], expected: &[&str]) {
        let constants: String =
            names.iter().map(|n| format!("pub(crate) const {n}: &str = \"{n}\";\n")).collect();
        let found = check(&[file(CODE, &constants), file(CONFIGURATION, WRANGLER)]);
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn both_sides_must_agree() {
        let all = [&["ASSETS", "LINKER", "CATALOG", "STAGE"][..], &SECRETS].concat();
        check_one(&all, &[]);
        check_one(&all[1..], &["wrangler.toml: binding ASSETS is not in worker/src/bindings.rs"]);
        check_one(&all[..10], &["worker/src/bindings.rs: secret KAFKA_PASSWORD is not declared"]);
        check_one(
            &[&all[..], &["QUEUE"]].concat(),
            &["worker/src/bindings.rs: binding QUEUE is not in wrangler.toml"],
        );
    }
}
