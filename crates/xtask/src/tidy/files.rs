//! Sizes and names of Rust files, and what may not stand in them.

use super::{Finding, SourceFile, code};

/// A reader can hold a file of this size in mind; most are far smaller.
const MAX_LINES: usize = 500;

/// Names that say nothing about what is inside, so that anything gets in.
const BANNED_NAMES: [&str; 9] =
    ["utils", "util", "common", "helpers", "helper", "types", "functions", "misc", "mod"];

/// What must not be committed: a switched-off test, and code that is not there yet.
const UNFINISHED: [&str; 4] = ["#[ignore", "todo!", "unimplemented!", "dbg!"];

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().count();
        if lines > MAX_LINES {
            findings.push(file.finding(0, format!("{lines} lines, at most {MAX_LINES}")));
        }
        for name in file.path.trim_end_matches(".rs").split('/') {
            if BANNED_NAMES.contains(&name) {
                findings.push(file.finding(0, format!("a module may not be called `{name}`")));
            }
        }
        for (index, line) in code::only(&file.text).lines().enumerate() {
            for word in UNFINISHED.iter().filter(|word| line.contains(**word)) {
                findings.push(file.finding(index + 1, format!("`{word}` may not be committed")));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn check_one(path: &str, text: &str, expected: &[(usize, &str)]) {
        let found = check(&[file(path, text)]);
        let found: Vec<(usize, &str)> = found.iter().map(|f| (f.line, f.message.as_str())).collect();
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn sizes() {
        check_one("a.rs", &"x\n".repeat(MAX_LINES), &[]);
        check_one("a.rs", &"x\n".repeat(MAX_LINES + 1), &[(0, "501 lines, at most 500")]);
        check_one("a.md", &"x\n".repeat(MAX_LINES + 1), &[]);
    }

    #[test]
    fn names() {
        check_one("core/src/link.rs", "", &[]);
        check_one("core/src/mod.rs", "", &[(0, "a module may not be called `mod`")]);
        check_one("core/src/utils/time.rs", "", &[(0, "a module may not be called `utils`")]);
    }

    #[test]
    fn unfinished_code() {
        check_one("a.rs", "// todo!() in a comment\nlet a = \"dbg!\";", &[]);
        check_one("a.rs", "fn a() {\n    todo!()\n}", &[(2, "`todo!` may not be committed")]);
        check_one("a.rs", "#[ignore = \"slow\"]", &[(1, "`#[ignore` may not be committed")]);
    }
}
