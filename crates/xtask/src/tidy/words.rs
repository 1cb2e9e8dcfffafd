//! What must not stand in any file: addresses of one machine or one network.

use super::{Finding, SourceFile};

/// Split, so that this file does not contain them.
const FORBIDDEN: [(&str, &str); 2] =
    [(concat!("/ho", "me/"), "a path of one machine"), (concat!("/Us", "ers/"), "a path of one machine")];

pub(super) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for (index, line) in file.text.lines().enumerate() {
            for (word, reason) in FORBIDDEN.iter().filter(|(word, _)| line.contains(word)) {
                findings.push(file.finding(index + 1, format!("`{word}` is {reason}")));
            }
        }
    }
    findings
}

/// A lock file that names hosts makes every installation go there.
pub(super) fn lock_file(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with("package-lock.json")) {
        for (index, line) in file.text.lines().enumerate() {
            if line.trim_start().starts_with("\"resolved\"") && line.contains("://") {
                let message =
                    "a lock file without addresses works everywhere: install with the project's .npmrc";
                findings.push(file.finding(index + 1, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn words() {
        let check_one = |text: &str, expected: usize| {
            assert_eq!(check(&[file("a.md", text)]).len(), expected, "{text}");
        };
        check_one("the home/ folder", 0);
        check_one(concat!("see /ho", "me/someone"), 1);
    }

    #[test]
    fn addresses_in_a_lock_file() {
        let check_one = |line: &str, expected: usize| {
            assert_eq!(lock_file(&[file("package-lock.json", line)]).len(), expected, "{line}");
        };
        check_one("  \"integrity\": \"sha512-x\"", 0);
        check_one("  \"resolved\": \"web/local\"", 0);
        check_one("  \"resolved\": \"https://example.org/x.tgz\"", 1);
    }
}
