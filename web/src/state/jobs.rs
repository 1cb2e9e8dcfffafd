//! The state of the jobs page: the run whose graph is open, and the task whose log is.

use super::params::{Params, encode};

/// A task of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRef {
    /// The name of the run, which has no slash.
    pub run: String,
    /// The id of the task, which may have some.
    pub task: String,
}

/// What the jobs page shows beside the list of runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JobsState {
    /// The job whose runs are in the grid.
    pub job: Option<String>,
    /// The run whose graph is open.
    pub run: Option<String>,
    /// What is open in the panel; it may be of another run.
    pub open: Option<Opened>,
}

/// What the panel tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// A task.
    Task(TaskRef),
    /// All tasks of a run that are one row of the grid; the id is the row's name.
    Group(TaskRef),
}

impl Opened {
    /// The task or group, and its run.
    pub fn at(&self) -> &TaskRef {
        match self {
            Opened::Task(at) | Opened::Group(at) => at,
        }
    }
}

impl TaskRef {
    /// The inverse of how it is written: `batch-2/link/acme`.
    fn parse(text: &str) -> Option<TaskRef> {
        let (run, task) = text.split_once('/')?;
        let is_whole = !run.is_empty() && !task.is_empty();
        is_whole.then(|| TaskRef { run: run.to_string(), task: task.to_string() })
    }
}

impl JobsState {
    /// Reads what of a query is the page's own.
    pub fn read(query: &str) -> JobsState {
        let params = Params::parse(query);
        let text = |name| params.get(name).filter(|text| !text.is_empty());
        let at = |name| text(name).and_then(TaskRef::parse);
        let open = at("task").map(Opened::Task).or_else(|| at("group").map(Opened::Group));
        JobsState { job: text("job").map(str::to_string), run: text("run").map(str::to_string), open }
    }

    /// The inverse of [`JobsState::read`].
    pub fn write(&self) -> String {
        let mut params = Params::default();
        if let Some(job) = &self.job {
            params.push("job", job);
        }
        if let Some(run) = &self.run {
            params.push("run", run);
        }
        if let Some(open) = &self.open {
            let name = if matches!(open, Opened::Task(_)) { "task" } else { "group" };
            let TaskRef { run, task } = open.at();
            params.push(name, format!("{run}/{task}"));
        }
        params.to_string()
    }

    /// The page with the graph of a run open.
    pub fn of_run(run: &str) -> JobsState {
        JobsState { run: Some(run.to_string()), ..JobsState::default() }
    }

    /// With the graph of `run` open, or closed where it was open.
    #[must_use]
    pub fn toggled(self, run: &str) -> JobsState {
        let next = Some(run.to_string()).filter(|_| self.run.as_deref() != Some(run));
        JobsState { run: next, ..self }
    }
}

/// The API's address of the last runs of a job.
pub fn runs_address(job: &str, limit: usize) -> String {
    let mut params = Params::default();
    params.push("job", job);
    params.push("limit", limit.to_string());
    params.after("/v1/jobs")
}

/// The API's address of a job.
pub fn job_address(job: &str) -> String {
    format!("/v1/jobs/definitions/{}", part(job))
}

/// The job that a run is of: what its name says before its number.
pub fn job_of(run: &str) -> Option<&str> {
    run.rsplit_once('-').map(|(job, _)| job)
}

/// The API's address of a run.
pub fn run_address(run: &str) -> String {
    format!("/v1/jobs/{}", part(run))
}

/// The API's address of a task.
pub fn task_address(at: &TaskRef) -> String {
    format!("{}/tasks/{}", run_address(&at.run), part(&at.task))
}

/// A slash in a name is not one of the path.
fn part(name: &str) -> String {
    encode(name).replace('/', "%2F")
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn jobs_round_trip() {
        let queries = [
            "",
            "run=batch-3",
            "job=nightly",
            "task=batch-2/link/acme:2026-03-07",
            "run=batch-3&task=batch-2/plan",
            "job=batch&run=batch-3&group=batch-2/link",
        ];
        for query in queries {
            assert_eq!(JobsState::read(query).write(), query);
        }
        for unread in
            ["run=", "job=", "task=", "task=batch-2", "task=/plan", "task=batch-2/", "group=a", "other=1"]
        {
            assert_eq!(JobsState::read(unread), JobsState::default(), "{unread}");
        }
        let strange = JobsState {
            run: Some("a&task=b c".to_string()),
            open: Some(Opened::Task(TaskRef { run: "한".to_string(), task: "x/y#?=%2F".to_string() })),
            ..JobsState::default()
        };
        assert_eq!(JobsState::read(&strange.write()), strange);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_graph_is_opened_and_closed_and_the_task_stays() {
        fn check(before: &str, run: &str, after: &str) {
            assert_eq!(JobsState::read(before).toggled(run).write(), after, "{before} {run}");
        }
        check("", "batch-1", "run=batch-1");
        check("run=batch-1", "batch-1", "");
        check("run=batch-1", "batch-2", "run=batch-2");
        check("run=batch-1&task=batch-1/plan", "batch-1", "task=batch-1/plan");
        assert_eq!(JobsState::of_run("batch-1").write(), "run=batch-1");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn addresses() {
        let at = TaskRef { run: "batch-1".to_string(), task: "link/acme 1".to_string() };
        assert_eq!(run_address("batch-1"), "/v1/jobs/batch-1");
        assert_eq!(run_address("../tokens"), "/v1/jobs/..%2Ftokens");
        assert_eq!(runs_address("a&b", 14), "/v1/jobs?job=a%26b&limit=14");
        assert_eq!(job_address("a/b"), "/v1/jobs/definitions/a%2Fb");
        assert_eq!([job_of("week-end-12"), job_of("x")], [Some("week-end"), None]);
        assert_eq!(task_address(&at), "/v1/jobs/batch-1/tasks/link%2Facme%201");
    }
}
