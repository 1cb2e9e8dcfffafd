//! What the Jobs object stores: jobs, their runs, the tasks of these, and what tasks said.

use std::collections::BTreeMap;

use adtally_core::jobs::{Board, Changes, JobRules, Lane, Run, RunId, Task};
use adtally_core::time::rfc3339;
use adtally_wire::jobs::api::LogLine;
use adtally_wire::jobs::definition::TaskDefinition;
use adtally_wire::jobs::object::{ListRuns, Papers};
use adtally_wire::jobs::stored::{StoredRun, StoredSpec, StoredTask};
use serde::{Deserialize, Serialize};
use worker::{Error, Result};

use super::schema::{Migrations, migrate};
use super::sql::{Database, Row, integer};

/// The version of the tables.
pub(crate) const VERSION: usize = MIGRATIONS.len();

const MIGRATIONS: Migrations = &[&[
    // What never changes of a run, its state once more, to find it by, and what changes.
    "CREATE TABLE runs (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, job TEXT NOT NULL, state TEXT NOT NULL,
        due_ms INTEGER, params TEXT NOT NULL, body TEXT NOT NULL
    )",
    // In the order in which they came. What is big and never changes is apart from what changes.
    "CREATE TABLE tasks (
        position INTEGER PRIMARY KEY, run TEXT NOT NULL, id TEXT NOT NULL, spec TEXT NOT NULL, body TEXT NOT NULL,
        params TEXT NOT NULL, result TEXT
    )",
    "CREATE UNIQUE INDEX tasks_by_id ON tasks (run, id)",
    // Some lines each, as JSON.
    "CREATE TABLE logs (id INTEGER PRIMARY KEY, run TEXT NOT NULL, task TEXT NOT NULL, lines TEXT NOT NULL)",
    "CREATE INDEX logs_by_task ON logs (run, task)",
    "CREATE TABLE jobs (name TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
]];

/// Runs that are kept after they have ended.
const KEPT_RUNS: i64 = 500;
/// Tasks that are kept, of all runs: a hundred runs of two thousand.
const KEPT_TASKS: i64 = 200_000;
/// Rows of lines that are kept of a task: each is what it said in some seconds.
const KEPT_LOG_ROWS: i64 = 200;

/// The store of the Jobs object.
#[derive(Clone)]
pub(crate) struct JobStore {
    database: Database,
}

/// A job, as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredJob {
    /// The number of its latest run.
    pub(crate) runs: u64,
    /// When it runs by itself.
    pub(crate) schedule: Option<String>,
    /// When it does the next time.
    pub(crate) next_ms: Option<i64>,
    /// Nothing of it begins.
    pub(crate) paused: bool,
    /// How many runs may be under way at once.
    pub(crate) max_runs: u32,
    /// What it does; none: it is part of the program.
    pub(crate) tasks: Option<Vec<TaskDefinition>>,
}

impl StoredJob {
    /// What its runs have to keep to.
    pub(crate) fn rules(&self) -> JobRules {
        // What is part of the program is about the state of many objects.
        let lane = if self.tasks.is_none() { Lane::Alone } else { Lane::Free };
        JobRules { max_runs: self.max_runs as usize, is_paused: self.paused, lane }
    }
}

/// What a task of a run said: ms since 1970, and a line.
pub(crate) type Said = (RunId, String, Vec<(i64, String)>);

/// What has to be stored besides the changes of a board.
#[derive(Debug, Default)]
pub(crate) struct Extras {
    /// New runs: what they were started with, as JSON, and the time of the schedule.
    pub(crate) runs: BTreeMap<RunId, (String, Option<i64>)>,
    /// What new tasks are told.
    pub(crate) params: BTreeMap<(RunId, String), String>,
    /// What a task left.
    pub(crate) result: Option<(RunId, String, String)>,
    /// Lines that tasks said.
    pub(crate) logs: Vec<Said>,
    /// Jobs that are new or changed, or are gone.
    pub(crate) jobs: BTreeMap<String, Option<StoredJob>>,
}

impl JobStore {
    /// Opens the store, and makes or migrates its tables.
    pub(crate) fn open(database: Database) -> Result<Self> {
        migrate(&database, MIGRATIONS)?;
        Ok(Self { database })
    }

    /// Every job.
    pub(crate) fn jobs(&self) -> Result<BTreeMap<String, StoredJob>> {
        let rows = self.database.rows("SELECT name, body FROM jobs", vec![])?;
        rows.into_iter().map(|mut row| Ok((row.text()?, json(&mut row)?))).collect()
    }

    /// The number of the latest run of a job that is kept.
    pub(crate) fn latest_number(&self, job: &str) -> Result<u64> {
        let select = "SELECT name FROM runs WHERE job = ? ORDER BY id DESC LIMIT 1";
        let row = self.database.rows(select, vec![job.into()])?.into_iter().next();
        let name = row.map(|mut row| row.text()).transpose()?;
        Ok(name.and_then(|name| RunId::parse(&name)).map_or(0, |id| id.number))
    }

    /// Runs that have not ended.
    pub(crate) fn active(&self) -> Result<Vec<Run>> {
        let select = "SELECT name, body FROM runs WHERE state IN ('queued', 'running')";
        self.database.rows(select, vec![])?.into_iter().map(|row| self.restore(row)).collect()
    }

    /// A run.
    pub(crate) fn run(&self, id: &RunId) -> Result<Option<Run>> {
        let select = "SELECT name, body FROM runs WHERE name = ?";
        let row = self.database.rows(select, vec![id.to_string().as_str().into()])?.into_iter().next();
        row.map(|row| self.restore(row)).transpose()
    }

    fn restore(&self, mut row: Row) -> Result<Run> {
        let name = row.text()?;
        let stored: StoredRun = json(&mut row)?;
        let id = RunId::parse(&name).ok_or_else(|| Error::RustError(format!("{name:?} is no run")))?;
        let select = "SELECT id, spec, body FROM tasks WHERE run = ? ORDER BY position";
        let tasks = self.database.rows(select, vec![name.as_str().into()])?.into_iter().map(|mut row| {
            let (id, spec): (String, StoredSpec) = (row.text()?, json(&mut row)?);
            Ok(json::<StoredTask>(&mut row)?.restore(id, spec))
        });
        Ok(stored.restore(id, tasks.collect::<Result<Vec<Task>>>()?))
    }

    /// What a run was started with.
    pub(crate) fn run_params(&self, id: &RunId) -> Result<String> {
        let select = "SELECT params FROM runs WHERE name = ?";
        let row = self.database.rows(select, vec![id.to_string().as_str().into()])?.into_iter().next();
        row.map_or(Ok("null".to_owned()), |mut row| row.text())
    }

    /// Names of runs, the latest first.
    pub(crate) fn list(&self, query: &ListRuns) -> Result<Vec<RunId>> {
        let select = "SELECT name FROM runs WHERE (?1 = '' OR job = ?1) AND (?2 = '' OR state = ?2)
            AND (?3 = '' OR json_extract(params, '$.scope') = ?3)
            AND (?4 = '' OR json_extract(params, '$.cube') = ?4) ORDER BY id DESC LIMIT ?5";
        let text = |wanted: &Option<String>| wanted.as_deref().unwrap_or_default().into();
        let wanted = [&query.job, &query.state, &query.scope, &query.cube];
        let bindings = wanted.into_iter().map(text).chain([integer(query.limit)?]).collect();
        let names = self.database.rows(select, bindings)?.into_iter().map(|mut row| row.text());
        Ok(names.collect::<Result<Vec<_>>>()?.iter().filter_map(|name| RunId::parse(name)).collect())
    }

    /// Whether a job has a run of this time of its schedule, or of the minute of it.
    pub(crate) fn has_run_at(&self, job: &str, due_ms: i64) -> Result<bool> {
        let minute = due_ms - due_ms.rem_euclid(60_000);
        let select = "SELECT 1 FROM runs WHERE job = ? AND due_ms IN (?, ?) LIMIT 1";
        let bindings = vec![job.into(), integer(due_ms)?, integer(minute)?];
        Ok(!self.database.rows(select, bindings)?.is_empty())
    }

    /// What a task is told.
    pub(crate) fn params(&self, run: &RunId, task: &str) -> Result<Option<String>> {
        let select = "SELECT params FROM tasks WHERE run = ? AND id = ?";
        let row = self.database.rows(select, of_task(run, task))?.into_iter().next();
        row.map(|mut row| row.text()).transpose()
    }

    /// Everything about a task that is not in its run.
    pub(crate) fn papers(&self, run: &RunId, task: &str) -> Result<Papers> {
        let select = "SELECT params, coalesce(result, 'null') FROM tasks WHERE run = ? AND id = ?";
        let Some(mut row) = self.database.rows(select, of_task(run, task))?.into_iter().next() else {
            return Ok(Papers::default());
        };
        let (params, result) = (row.text()?, Some(row.text()?));
        let select = "SELECT lines FROM logs WHERE run = ? AND task = ? ORDER BY id";
        let mut log = Vec::new();
        for mut row in self.database.rows(select, of_task(run, task))? {
            let lines: Vec<(i64, String)> = json(&mut row)?;
            log.extend(lines.into_iter().map(|(at_ms, text)| LogLine { at: rfc3339(at_ms), text }));
        }
        Ok(Papers { params, result, log })
    }

    /// Results of tasks whose ids begin so.
    pub(crate) fn results(&self, run: &str, prefix: &str) -> Result<Vec<(String, String)>> {
        let select = "SELECT id, result FROM tasks
            WHERE run = ?1 AND substr(id, 1, length(?2)) = ?2 AND result IS NOT NULL ORDER BY id";
        let rows = self.database.rows(select, vec![run.into(), prefix.into()])?;
        rows.into_iter().map(|mut row| Ok((row.text()?, row.text()?))).collect()
    }

    /// Stores what changed, all in one transaction; the board has the runs as they are now.
    pub(crate) fn save(
        &self,
        changes: &[Changes],
        board: &Board,
        extras: &Extras,
        now_ms: i64,
    ) -> Result<()> {
        self.database.atomically(|| {
            for change in changes {
                if let Some(run) = board.run(&change.run) {
                    self.save_run(run, change, extras, now_ms)?;
                }
            }
            if let Some((run, task, result)) = &extras.result {
                let update = "UPDATE tasks SET result = ?3 WHERE run = ?1 AND id = ?2";
                let mut bindings = of_task(run, task);
                bindings.push(result.as_str().into());
                self.database.run(update, bindings)?;
            }
            for (run, task, lines) in &extras.logs {
                self.say(run, task, lines)?;
            }
            for (name, job) in &extras.jobs {
                match job {
                    Some(job) => {
                        let body = serde_json::to_string(job)?;
                        let upsert = "INSERT OR REPLACE INTO jobs (name, body) VALUES (?, ?)";
                        self.database.run(upsert, vec![name.as_str().into(), body.as_str().into()])?;
                    }
                    None => {
                        _ = self
                            .database
                            .run("DELETE FROM jobs WHERE name = ?", vec![name.as_str().into()])?
                    }
                }
            }
            Ok(())
        })
    }

    fn save_run(&self, run: &Run, change: &Changes, extras: &Extras, now_ms: i64) -> Result<()> {
        let name = run.id.to_string();
        let body = serde_json::to_string(&StoredRun::of(run))?;
        let (params, due_ms) =
            extras.runs.get(&run.id).map_or(("null", None), |(params, due)| (params, *due));
        let upsert = "INSERT INTO runs (name, job, state, due_ms, params, body)
            VALUES (?1, ?2, ?3, iif(?4 < 0, NULL, ?4), ?5, ?6)
            ON CONFLICT (name) DO UPDATE SET state = ?3, body = ?6";
        let bindings = vec![
            name.as_str().into(),
            run.id.job.as_str().into(),
            run.state.name().into(),
            integer(due_ms.unwrap_or(-1))?,
            params.into(),
            body.as_str().into(),
        ];
        self.database.run(upsert, bindings)?;
        for task in &change.removed {
            self.database.run("DELETE FROM tasks WHERE run = ? AND id = ?", of_task(&run.id, task))?;
        }
        for id in &change.changed {
            let Some(task) = run.task(id) else { continue };
            self.save_task(run, task, extras.params.get(&(run.id.clone(), id.clone())))?;
        }
        for (task, text) in &change.notes {
            self.say(&run.id, task, &[(now_ms, text.clone())])?;
        }
        Ok(())
    }

    /// A task that is there keeps what it is told; one that runs again loses its result.
    fn save_task(&self, run: &Run, task: &Task, params: Option<&String>) -> Result<()> {
        let body = serde_json::to_string(&StoredTask::of(task))?;
        let mut bindings = of_task(&run.id, &task.spec.id);
        bindings.push(body.as_str().into());
        let Some(params) = params else {
            let update = "UPDATE tasks SET body = ?3, result = NULL WHERE run = ?1 AND id = ?2";
            return self.database.run(update, bindings).map(drop);
        };
        let spec = serde_json::to_string(&StoredSpec::of(task))?;
        bindings.extend([spec.as_str().into(), params.as_str().into()]);
        let insert = "INSERT INTO tasks (run, id, body, spec, params) VALUES (?, ?, ?, ?, ?)";
        self.database.run(insert, bindings).map(drop)
    }

    fn say(&self, run: &RunId, task: &str, lines: &[(i64, String)]) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let mut bindings = of_task(run, task);
        bindings.push(serde_json::to_string(lines)?.as_str().into());
        self.database.run("INSERT INTO logs (run, task, lines) VALUES (?, ?, ?)", bindings)?;
        let delete = "DELETE FROM logs WHERE id IN
            (SELECT id FROM logs WHERE run = ?1 AND task = ?2 ORDER BY id DESC LIMIT -1 OFFSET ?3)";
        let mut bindings = of_task(run, task);
        bindings.push(integer(KEPT_LOG_ROWS)?);
        self.database.run(delete, bindings).map(drop)
    }

    /// Forgets the oldest runs that have ended, where there are too many.
    pub(crate) fn expire(&self) -> Result<()> {
        let ended = "state IN ('succeeded', 'failed')";
        let select = format!("SELECT name FROM runs WHERE {ended} ORDER BY id DESC LIMIT -1 OFFSET ?");
        let mut rows = self.database.rows(&select, vec![integer(KEPT_RUNS)?])?;
        let count = self.database.rows("SELECT count(*) FROM tasks", vec![])?.into_iter().next();
        if count.map_or(Ok(0), |mut row| row.integer())? > KEPT_TASKS {
            let select = format!("SELECT name FROM runs WHERE {ended} ORDER BY id LIMIT 1");
            rows.extend(self.database.rows(&select, vec![])?);
        }
        for mut row in rows {
            let name = row.text()?;
            self.database.atomically(|| {
                for table in ["logs WHERE run", "tasks WHERE run", "runs WHERE name"] {
                    self.database.run(&format!("DELETE FROM {table} = ?"), vec![name.as_str().into()])?;
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

fn of_task(run: &RunId, task: &str) -> Vec<worker::SqlStorageValue> {
    vec![run.to_string().as_str().into(), task.into()]
}

fn json<T: serde::de::DeserializeOwned>(row: &mut Row) -> Result<T> {
    Ok(serde_json::from_str(&row.text()?)?)
}
