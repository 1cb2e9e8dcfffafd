//! `cargo xtask test`: every check and every test, and at the end one line that sums them up.

mod counts;
mod steps;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::args::TestOptions;
use crate::clock::{Stopwatch, human};
use crate::project::Project;
use crate::setup;
use counts::Counts;
use steps::{STEPS, Step};

/// What a step did.
pub(super) struct Outcome {
    counts: Counts,
    /// Why the step failed, when that is more than a failed test.
    failure: Option<String>,
    /// What it could not find out.
    unknown: Vec<String>,
}

pub(crate) fn run(project: &Project, options: TestOptions) -> Result<ExitCode> {
    let chosen = choose(&options.only)?;
    let watch = Stopwatch::start();
    setup::for_build(project)?;
    if chosen.iter().any(|step| step.needs_browser) {
        setup::for_browser(project)?;
    }
    let mut rows = vec![Row { name: "setup", took: human(watch.elapsed()), result: "done".to_owned() }];
    let mut total = Counts::default();
    let mut remarks = Vec::new();
    for step in chosen {
        println!("\n=== {}: {}", step.name, step.purpose);
        let watch = Stopwatch::start();
        let outcome = judge(step, (step.run)(project));
        total = total + outcome.counts;
        rows.push(Row { name: step.name, took: human(watch.elapsed()), result: outcome.describe() });
        remarks.extend(outcome.unknown.iter().map(|unknown| format!("{}: {unknown}", step.name)));
        remarks.extend(outcome.failure.map(|failure| format!("{} failed: {failure}", step.name)));
        if options.fail_fast && outcome.counts.failed > 0 {
            break;
        }
    }
    println!("\n{}", table(&rows));
    remarks.iter().for_each(|remark| println!("{remark}"));
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn choose(only: &[String]) -> Result<Vec<&'static Step>> {
    if let Some(unknown) = only.iter().find(|name| STEPS.iter().all(|step| step.name != name.as_str())) {
        let names: Vec<&str> = STEPS.iter().map(|step| step.name).collect();
        bail!("there is no step `{unknown}`: {}", names.join(", "));
    }
    let wanted = |step: &&Step| only.is_empty() || only.iter().any(|name| name == step.name);
    Ok(STEPS.iter().filter(wanted).collect())
}

/// A step that ran no test, or that failed without a failed test, counts as one failure.
fn judge(step: &Step, result: Result<Outcome>) -> Outcome {
    let mut outcome =
        result.unwrap_or_else(|error| Outcome { failure: Some(format!("{error:#}")), ..Outcome::done() });
    if outcome.failure.is_none() && step.counts_tests && outcome.counts.passed + outcome.counts.failed == 0 {
        outcome.failure = Some("no test ran".to_owned());
    }
    if outcome.failure.is_some() && outcome.counts.failed == 0 {
        outcome.counts.failed = 1;
    }
    outcome
}

impl Outcome {
    /// A step without tests of its own that succeeded.
    fn done() -> Self {
        Self { counts: Counts::default(), failure: None, unknown: Vec::new() }
    }

    fn describe(&self) -> String {
        match (&self.failure, self.counts) {
            (None, Counts { passed: 0, failed: 0 }) if self.unknown.is_empty() => "ok".to_owned(),
            (None, Counts { passed: 0, failed: 0 }) => "ok, as far as known".to_owned(),
            (None, Counts { passed, failed: 0 }) => format!("ok, {passed} passed"),
            (_, Counts { passed, failed }) => format!("FAILED, {passed} passed, {failed} failed"),
        }
    }
}

struct Row {
    name: &'static str,
    took: String,
    result: String,
}

fn table(rows: &[Row]) -> String {
    let mut text = format!("{:<10}  {:>12}  result\n", "step", "time");
    for row in rows {
        text.push_str(&format!("{:<10}  {:>12}  {}\n", row.name, row.took, row.result));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_chosen_by_name_in_their_own_order() {
        let names = |only: &[&str]| {
            let only: Vec<String> = only.iter().map(ToString::to_string).collect();
            choose(&only).map(|steps| steps.iter().map(|step| step.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["e2e", "fmt"]).unwrap(), ["fmt", "e2e"]);
        assert_eq!(names(&[]).unwrap().len(), STEPS.len());
        assert!(names(&["fly"]).unwrap_err().to_string().starts_with("there is no step `fly`: fmt, "));
    }

    #[test]
    fn nothing_passes_for_free() {
        let step = |counts_tests| Step { counts_tests, ..STEPS[0] };
        let outcome = |passed, failed, failure: Option<&str>| {
            let failure = failure.map(str::to_owned);
            Ok(Outcome { counts: Counts { passed, failed }, failure, ..Outcome::done() })
        };
        let check = |tests, result, expected: &str| {
            assert_eq!(judge(&step(tests), result).describe(), expected);
        };
        check(false, outcome(0, 0, None), "ok");
        let unknown = vec!["nobody answers".to_owned()];
        check(false, Ok(Outcome { unknown, ..Outcome::done() }), "ok, as far as known");
        check(true, outcome(0, 0, None), "FAILED, 0 passed, 1 failed");
        check(true, outcome(3, 0, None), "ok, 3 passed");
        check(true, outcome(3, 2, Some("exit status 1")), "FAILED, 3 passed, 2 failed");
        check(true, outcome(3, 0, Some("crashed")), "FAILED, 3 passed, 1 failed");
        check(false, Err(anyhow::anyhow!("cannot start")), "FAILED, 0 passed, 1 failed");
    }
}
