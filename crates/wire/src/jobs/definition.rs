//! What a job consists of, and how the tasks of a run are made of it.

use std::collections::{BTreeMap, BTreeSet};

use adtally_core::jobs::{Policy, Schedule, Spec, is_job_name, is_task_id};
use adtally_core::time::{Day, HOUR_MS, SECOND_MS};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// The most tasks that a job may be made of by hand.
const MAX_DEFINED_TASKS: usize = 500;
/// How often a task may be tried.
const MAX_ATTEMPTS: u32 = 100;
/// How long an attempt may take: a consumer of a queue is ended after a quarter of an hour.
const MAX_TIMEOUT_S: i64 = 15 * 60;
/// How many runs of a job may be under way at once.
const MAX_RUNS: u32 = 16;

/// A body of `PUT /v1/jobs/definitions/{name}`: an absent field keeps its value, `null` clears a schedule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobChange {
    /// What it does.
    #[serde(default)]
    pub tasks: Option<Vec<TaskDefinition>>,
    /// When it runs by itself.
    #[serde(default, deserialize_with = "nullable", skip_serializing_if = "Option::is_none")]
    pub schedule: Option<Option<String>>,
    /// Whether nothing of it begins.
    #[serde(default)]
    pub paused: Option<bool>,
    /// How many runs may be under way at once.
    #[serde(default)]
    pub max_runs: Option<u32>,
}

/// A task of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskDefinition {
    /// Unique in the job.
    pub id: String,
    /// What sort of task it is.
    pub kind: String,
    /// What it is told; texts in it may have placeholders such as `{{day}}`.
    #[serde(default)]
    pub params: Value,
    /// What has to succeed first.
    #[serde(default)]
    pub needs: Vec<String>,
    /// How often it is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u32>,
    /// How long an attempt may take, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<i64>,
}

/// What a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// The day.
    pub day: Day,
    /// The run's name.
    pub run: String,
    /// Its number.
    pub number: u64,
    /// What else placeholders stand for.
    pub params: BTreeMap<String, String>,
}

fn nullable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl JobChange {
    /// Why a job cannot be so; `kinds` are those that it may be made of.
    pub fn check(&self, name: &str, kinds: &[&str]) -> Result<(), String> {
        if !is_job_name(name) {
            return Err(format!("{name:?} is not 1 to 64 of a-z, 0-9, _ and -"));
        }
        if let Some(Some(schedule)) = &self.schedule {
            Schedule::parse(schedule).map_err(|error| error.to_string())?;
        }
        if let Some(runs) = self.max_runs.filter(|runs| !(1..=MAX_RUNS).contains(runs)) {
            return Err(format!("max_runs {runs} is not between 1 and {MAX_RUNS}"));
        }
        self.tasks.as_deref().map_or(Ok(()), |tasks| check_tasks(tasks, kinds))
    }
}

fn check_tasks(tasks: &[TaskDefinition], kinds: &[&str]) -> Result<(), String> {
    if !(1..=MAX_DEFINED_TASKS).contains(&tasks.len()) {
        return Err(format!("{} tasks, a job has 1 to {MAX_DEFINED_TASKS}", tasks.len()));
    }
    let mut ids = BTreeSet::new();
    for task in tasks {
        let wrong = |what: String| Err(format!("task {:?}: {what}", task.id));
        if !is_task_id(&task.id) || !ids.insert(task.id.as_str()) {
            return wrong("the id is empty, too long, or there twice".to_owned());
        }
        if !kinds.contains(&task.kind.as_str()) {
            return wrong(format!("there is no kind {:?}, only {}", task.kind, kinds.join(", ")));
        }
        if task.attempts.is_some_and(|attempts| !(1..=MAX_ATTEMPTS).contains(&attempts)) {
            return wrong(format!("attempts is not between 1 and {MAX_ATTEMPTS}"));
        }
        if task.timeout_s.is_some_and(|seconds| !(1..=MAX_TIMEOUT_S).contains(&seconds)) {
            return wrong(format!("timeout_s is not between 1 and {MAX_TIMEOUT_S}"));
        }
    }
    check_order(tasks)
}

/// No task may need itself, in any number of steps.
fn check_order(tasks: &[TaskDefinition]) -> Result<(), String> {
    let mut left: Vec<&TaskDefinition> = tasks.iter().collect();
    let ids: BTreeSet<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for task in tasks {
        if let Some(need) = task.needs.iter().find(|need| !ids.contains(need.as_str())) {
            return Err(format!("task {:?} needs {need:?}, which is not there", task.id));
        }
    }
    while !left.is_empty() {
        let before = left.len();
        let is_ready = |task: &&TaskDefinition| task.needs.iter().all(|need| done.contains(need.as_str()));
        let (ready, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(is_ready);
        done.extend(ready.iter().map(|task| task.id.as_str()));
        left = rest;
        if left.len() == before {
            return Err(format!("task {:?} needs itself", left[0].id));
        }
    }
    Ok(())
}

impl TaskDefinition {
    /// The task of a run, and what it is told.
    pub fn bind(&self, occasion: &Occasion) -> Result<(Spec, Value), String> {
        let mut params = self.params.clone();
        fill(&mut params, occasion).map_err(|error| format!("task {:?}: {error}", self.id))?;
        let mut policy = Policy::default();
        policy.attempts = self.attempts.unwrap_or(policy.attempts);
        policy.timeout_ms = self.timeout_s.map_or(policy.timeout_ms, |seconds| seconds * SECOND_MS);
        let spec = Spec { id: self.id.clone(), kind: self.kind.clone(), needs: self.needs.clone(), policy };
        Ok((spec, params))
    }
}

/// Puts values in the place of placeholders, wherever there is text.
fn fill(value: &mut Value, occasion: &Occasion) -> Result<(), String> {
    match value {
        Value::String(text) => *text = filled(text, occasion)?,
        Value::Array(items) => items.iter_mut().try_for_each(|item| fill(item, occasion))?,
        Value::Object(fields) => fields.values_mut().try_for_each(|field| fill(field, occasion))?,
        _ => {}
    }
    Ok(())
}

fn filled(text: &str, occasion: &Occasion) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else {
            return Err(format!("{text:?} has a placeholder without an end"));
        };
        out.push_str(before);
        out.push_str(&occasion.value(name.trim())?);
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

impl Occasion {
    fn value(&self, name: &str) -> Result<String, String> {
        let other = |days: i32| Day(self.day.0.saturating_add(days)).to_string();
        Ok(match name {
            "day" => self.day.to_string(),
            "next_day" => other(1),
            "week_before" => other(-7),
            "run" => self.run.clone(),
            "number" => self.number.to_string(),
            name => self.params.get(name).cloned().ok_or_else(|| {
                format!("there is no value for {{{{{name}}}}}: day, next_day, week_before, run, number, or params of the run")
            })?,
        })
    }
}

/// The day that a run is about where nobody says: the one before, which is over.
pub fn day_before(now_ms: i64) -> Day {
    Day::holding(now_ms - 24 * HOUR_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn task(value: Value) -> TaskDefinition {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn jobs_that_cannot_be() {
        fn check_one(body: Value, says: &str) {
            let change: JobChange = serde_json::from_value(body).unwrap();
            let error = change.check("nightly", &["echo", "webhook"]).err().unwrap_or_default();
            assert!(error.contains(says) && says.is_empty() == error.is_empty(), "{error:?} {says:?}");
        }
        let echo = |id: &str, needs: &[&str]| json!({"id": id, "kind": "echo", "needs": needs});
        check_one(json!({"tasks": [echo("a", &["b"]), echo("b", &[])], "schedule": "daily 03:00"}), "");
        check_one(json!({"schedule": null, "paused": true, "max_runs": 16}), "");
        check_one(json!({"schedule": "0 25 * * *"}), "25");
        check_one(json!({"max_runs": 0}), "max_runs 0");
        check_one(json!({"tasks": []}), "0 tasks");
        check_one(json!({"tasks": [echo("a", &[]), echo("a", &[])]}), "twice");
        check_one(json!({"tasks": [echo("a", &["x"])]}), "\"x\"");
        check_one(json!({"tasks": [echo("a", &["b"]), echo("b", &["a"])]}), "needs itself");
        check_one(json!({"tasks": [{"id": "a", "kind": "plan"}]}), "only echo, webhook");
        check_one(json!({"tasks": [{"id": "a", "kind": "echo", "attempts": 0}]}), "attempts");
        check_one(json!({"tasks": [{"id": "a", "kind": "echo", "timeout_s": 1000}]}), "timeout_s");
        let change = JobChange::default();
        assert!(change.check("Nightly", &[]).is_err() && change.check("a b", &[]).is_err());
    }

    #[test]
    fn placeholders() {
        let params = BTreeMap::from([("who".to_owned(), "acme".to_owned())]);
        let day = Day::parse("2026-02-28").unwrap();
        let occasion = Occasion { day, run: "n-7".to_owned(), number: 7, params };
        let bind = |params: Value| task(json!({"id": "a", "kind": "echo", "params": params})).bind(&occasion);
        let (_, bound) =
            bind(json!({"a": ["{{day}}/{{ next_day }}", 5], "b": "{{who}} {{number}} {{run}} {}"})).unwrap();
        assert_eq!(bound, json!({"a": ["2026-02-28/2026-03-01", 5], "b": "acme 7 n-7 {}"}));
        assert!(bind(json!("{{other}}")).unwrap_err().contains("{{other}}"));
        assert!(bind(json!("{{day")).unwrap_err().contains("without an end"));
    }
}
