//! The mechanical rules of this repository, each a pure function from files to findings.

mod code;
mod files;
mod lengths;
mod layers;
mod bindings;
mod documents;
mod codes;
mod words;

use std::fmt;
use std::process::ExitCode;

use anyhow::{Context as _, Result};

use crate::process;
use crate::project::Project;

/// A file of the repository: tracked, or new and not ignored.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    /// Relative to the root, with `/`.
    path: String,
    /// Empty for what is not text.
    text: String,
}

/// A broken rule.
#[derive(Debug, PartialEq)]
pub(crate) struct Finding {
    path: String,
    /// From 1; 0 when it is about the whole file.
    line: usize,
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.path, self.message),
            line => write!(f, "{}:{line}: {}", self.path, self.message),
        }
    }
}

type Rule = fn(&[SourceFile]) -> Vec<Finding>;

/// What is checked, by the words in which a report is read.
const RULES: [(&str, Rule); 9] = [
    ("file sizes and names", files::check),
    ("function lengths", lengths::check),
    ("dependencies run one way", layers::check),
    ("bindings are those of wrangler.toml", bindings::check),
    ("documents name what exists", documents::names),
    ("invariants have tests", documents::invariants),
    ("codes of errors are in the description of the API", codes::check),
    ("forbidden words", words::check),
    ("lock file without addresses", words::lock_file),
];

/// What `tidy` found.
pub(crate) struct Report {
    pub(crate) rules: usize,
    pub(crate) broken: usize,
}

pub(crate) fn run(project: &Project) -> Result<ExitCode> {
    let report = check(project)?;
    Ok(if report.broken == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Checks everything and prints the findings.
pub(crate) fn check(project: &Project) -> Result<Report> {
    let files = read_all(project)?;
    let mut broken = 0;
    for (name, rule) in RULES {
        let findings = rule(&files);
        broken += usize::from(!findings.is_empty());
        for finding in findings {
            println!("{finding} [{name}]");
        }
    }
    println!("tidy: {} files, {} rules, {broken} broken", files.len(), RULES.len());
    Ok(Report { rules: RULES.len(), broken })
}

fn read_all(project: &Project) -> Result<Vec<SourceFile>> {
    let mut git = project.command("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let list = process::query(&mut git).context("tidy needs git to know which files count")?;
    let mut paths: Vec<&str> = list.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    let mut files = Vec::new();
    for path in paths {
        let full = project.path(path);
        // Deleted but not yet committed, or a link to a folder.
        if full.is_file() {
            let bytes = std::fs::read(&full).with_context(|| format!("cannot read {path}"))?;
            files.push(SourceFile {
                path: path.to_owned(),
                text: String::from_utf8(bytes).unwrap_or_default(),
            });
        }
    }
    Ok(files)
}

impl SourceFile {
    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    fn finding(&self, line: usize, message: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, message: message.into() }
    }
}

#[cfg(test)]
fn file(path: &str, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), text: text.to_owned() }
}
