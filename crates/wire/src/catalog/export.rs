//! `/v1/views/{name}/export`: a saved report as a file, every day.
//!
//! Who schedules one names a time, a form and what a report asks; the job, its scope and the place of its file are
//! made here, so that none of them can be another tenant's.

use std::collections::BTreeMap;

use adtally_core::jobs::Schedule;
use adtally_core::time::Day;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{CatalogError, wrong};
use crate::jobs::api::{JobInfo, RunInfo, TaskDetail};
use crate::jobs::definition::{JobChange, TaskDefinition};

/// The most exports of a scope: each is a report of every row once a day.
pub const MAX_EXPORTS: usize = 20;
/// The task of such a job.
pub const EXPORT_TASK: &str = "file";
/// The page whose states can be exported.
pub const EXPORTED_KIND: &str = "report";
/// What the names of such jobs begin with.
const PREFIX: &str = "view-export";
/// Bytes of the hash in a job's name: nobody finds another view of the same.
const HASH_BYTES: usize = 16;
/// What a report may be asked; whose it is and of which days is not for the asking.
const ASKED: [&str; 5] = ["by", "metrics", "filter", "sort", "tz"];
/// What files can be.
const FORMATS: [&str; 2] = ["csv", "parquet"];

/// A body of `PUT /v1/views/{name}/export`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportPut {
    /// When, in UTC: `06:00`.
    pub time: String,
    /// `csv` or `parquet`.
    pub format: String,
    /// What a report asks: `by`, `metrics`, `filter`, `sort` and `tz`.
    pub query: BTreeMap<String, Asked>,
}

/// One text or several: a parameter that may be repeated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Asked {
    /// Once.
    One(String),
    /// Several times.
    Many(Vec<String>),
}

/// Answer of `GET /v1/views/{name}/export`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportInfo {
    /// When, in UTC.
    pub time: String,
    /// `csv` or `parquet`.
    pub format: String,
    /// When it runs the next time.
    pub next: Option<String>,
    /// The last time that it ran.
    pub last: Option<ExportRun>,
}

/// A run of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportRun {
    /// `queued`, `running`, `succeeded` or `failed`.
    pub state: String,
    /// When it ended, or began if it is still going on.
    pub at: Option<String>,
    /// How many rows its file has; only of one that succeeded.
    pub rows: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
}

/// The view that is exported, and what makes its job another than all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exported<'a> {
    /// Whose figures.
    pub scope: &'a str,
    /// The view's name.
    pub view: &'a str,
}

impl Asked {
    fn texts(&self) -> &[String] {
        match self {
            Asked::One(text) => std::slice::from_ref(text),
            Asked::Many(texts) => texts,
        }
    }
}

impl ExportPut {
    /// Why an export cannot be so.
    pub fn check(&self) -> Result<(), CatalogError> {
        if !FORMATS.contains(&self.format.as_str()) {
            return Err(wrong("format", format!("{:?} is not one of {}", self.format, FORMATS.join(", "))));
        }
        Schedule::parse(&self.schedule())
            .map_err(|_| wrong("time", format!("{:?} is no time such as 06:00", self.time)))?;
        for (name, asked) in &self.query {
            if !ASKED.contains(&name.as_str()) {
                return Err(wrong("query", format!("{name:?} is not one of {}", ASKED.join(", "))));
            }
            // What stands in braces is filled in when the job runs.
            if asked.texts().iter().any(|text| text.contains("{{")) {
                return Err(wrong("query", format!("{name} has braces")));
            }
        }
        Ok(())
    }

    fn schedule(&self) -> String {
        format!("daily {}", self.time)
    }

    /// What a report is asked about one day, to see whether it can be.
    pub fn sample(&self, day: Day) -> Vec<(String, String)> {
        let asked =
            self.query.iter().flat_map(|(name, asked)| asked.texts().iter().map(move |text| (name, text)));
        let mut pairs: Vec<(String, String)> =
            asked.map(|(name, text)| (name.clone(), text.clone())).collect();
        pairs.push(("from".to_owned(), day.to_string()));
        pairs.push(("to".to_owned(), Day(day.0.saturating_add(1)).to_string()));
        pairs.push(("source".to_owned(), "merged".to_owned()));
        pairs
    }
}

impl Exported<'_> {
    /// The name of the job: the same for the same view, and no other's.
    pub fn job(self) -> String {
        let hash = Sha256::digest(format!("{}\n{}", self.scope, self.view));
        let hash: String = hash.iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect();
        format!("{PREFIX}-{hash}")
    }

    /// The job that writes the table of the day before as a file.
    pub fn change(self, put: &ExportPut) -> JobChange {
        let mut query: BTreeMap<&str, Value> =
            put.query.iter().map(|(name, asked)| (name.as_str(), json!(asked))).collect();
        query.extend([
            ("from", json!("{{day}}")),
            ("to", json!("{{next_day}}")),
            ("source", json!("merged")),
        ]);
        let name = format!("views/{}/{{{{day}}}}.{}", self.job(), put.format);
        let task = TaskDefinition {
            id: EXPORT_TASK.to_owned(),
            kind: "export".to_owned(),
            params: json!({ "scope": self.scope, "name": name, "query": query }),
            needs: Vec::new(),
            attempts: None,
            timeout_s: None,
        };
        JobChange {
            tasks: Some(vec![task]),
            schedule: Some(Some(put.schedule())),
            paused: Some(false),
            max_runs: Some(1),
        }
    }

    /// How many exports its scope has beside it.
    pub fn others(self, jobs: &[JobInfo]) -> usize {
        let own = self.job();
        jobs.iter().filter(|job| job.job != own && scope_of(job) == Some(self.scope)).count()
    }
}

/// Whether a job of this name exports a view.
pub fn is_export(job: &str) -> bool {
    job.strip_prefix(PREFIX).is_some_and(|hash| hash.len() == 2 * HASH_BYTES + 1 && hash.starts_with('-'))
}

/// Whose view a job exports; `None` for any other job.
fn scope_of(job: &JobInfo) -> Option<&str> {
    let task = job.tasks.first().filter(|_| job.job.starts_with(PREFIX))?;
    task.params.get("scope")?.as_str()
}

impl ExportInfo {
    /// Of a job and its last run.
    pub fn of(job: &JobInfo, last: Option<(&RunInfo, Option<&TaskDetail>)>) -> ExportInfo {
        let schedule = job.schedule.as_deref().unwrap_or_default();
        let name = job.tasks.first().and_then(|task| task.params.get("name")?.as_str()).unwrap_or_default();
        ExportInfo {
            time: schedule.strip_prefix("daily ").unwrap_or(schedule).to_owned(),
            format: name.rsplit('.').next().unwrap_or_default().to_owned(),
            next: job.next.clone(),
            last: last.map(|(run, task)| ExportRun {
                state: run.state.clone(),
                at: run.ended.clone().or_else(|| run.started.clone()),
                rows: task.and_then(|task| file_of(task)).map(|(_, rows)| rows),
                error: task.and_then(|task| task.task.error.clone()),
            }),
        }
    }
}

/// The key of the file that a task has left, and how many rows it has.
pub fn file_of(task: &TaskDetail) -> Option<(&str, i64)> {
    Some((task.result.get("key")?.as_str()?, task.result.get("rows")?.as_i64()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(time: &str, format: &str, query: Value) -> ExportPut {
        serde_json::from_value(json!({ "time": time, "format": format, "query": query })).unwrap()
    }

    fn job(of: Exported<'_>) -> JobInfo {
        let change = of.change(&put("06:00", "csv", json!({"by": "ad"})));
        JobInfo {
            job: of.job(),
            built_in: false,
            schedule: change.schedule.flatten(),
            next: None,
            paused: false,
            max_runs: 1,
            runs: 0,
            tasks: change.tasks.unwrap(),
        }
    }

    #[test]
    fn which_jobs_are_exports() {
        assert!(is_export(&Exported { scope: "advertiser:acme", view: "v" }.job()));
        for name in ["nightly", "view-export", "view-export-1", "export-0123456789abcdef0123456789abcdef"] {
            assert!(!is_export(name), "{name}");
        }
    }

    #[test]
    fn what_can_be_asked() {
        fn check(time: &str, format: &str, query: Value, says: &str) {
            let error =
                put(time, format, query).check().err().map(|error| error.to_string()).unwrap_or_default();
            assert!(error.contains(says) && says.is_empty() == error.is_empty(), "{error:?} {says:?}");
        }
        check("06:00", "csv", json!({"by": "campaign", "filter": ["ad:eq:a", "ad:ne:b"]}), "");
        check("23:59", "parquet", json!({}), "");
        check("24:00", "csv", json!({}), "24:00");
        check("* * * *", "csv", json!({}), "time");
        check("06:00", "xlsx", json!({}), "xlsx");
        for name in ["scope", "from", "to", "source", "limit", "format"] {
            check("06:00", "csv", json!({ name: "x" }), name);
        }
        check("06:00", "csv", json!({"by": "{{run}}"}), "braces");
    }

    #[test]
    fn jobs_are_one_view_s_and_no_other_s() {
        let scopes = ["platform", "advertiser:acme", "advertiser:acme\na", "service:acme"];
        let all: Vec<String> = scopes
            .iter()
            .flat_map(|scope| ["a", "b", "a\nb", "여름"].map(|view| Exported { scope, view }.job()))
            .collect();
        // One line ends a scope, and no scope has one; the two that would be equal are not both possible.
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!((different.len(), all.len()), (15, 16));
        assert!(all.iter().all(|job| adtally_core::jobs::is_job_name(job)), "{all:?}");
    }

    #[test]
    fn the_scope_is_the_one_that_was_checked() {
        let of = Exported { scope: "advertiser:acme", view: "Morning" };
        let change = of.change(&put("06:30", "csv", json!({"by": "campaign", "filter": ["country:eq:KR"]})));
        assert_eq!(change.check(&of.job(), &["export"]), Ok(()));
        let task = &change.tasks.as_ref().unwrap()[0];
        assert_eq!(
            task.params,
            json!({
                "scope": "advertiser:acme",
                "name": format!("views/{}/{{{{day}}}}.csv", of.job()),
                "query": {"by": "campaign", "filter": ["country:eq:KR"], "from": "{{day}}", "to": "{{next_day}}", "source": "merged"},
            })
        );
        assert_eq!((change.schedule, change.max_runs), (Some(Some("daily 06:30".to_owned())), Some(1)));
    }

    #[test]
    fn exports_are_counted_by_scope() {
        let of = |scope, view| Exported { scope, view };
        let mut jobs =
            vec![job(of("advertiser:a", "x")), job(of("advertiser:a", "y")), job(of("advertiser:b", "x"))];
        jobs.push(JobInfo { job: "nightly".to_owned(), ..jobs[0].clone() });
        assert_eq!(of("advertiser:a", "z").others(&jobs), 2);
        assert_eq!(of("advertiser:a", "x").others(&jobs), 1);
        assert_eq!(of("service:a", "x").others(&jobs), 0);
        let info = ExportInfo::of(&jobs[0], None);
        assert_eq!((info.time.as_str(), info.format.as_str(), info.last), ("06:00", "csv", None));
    }
}
