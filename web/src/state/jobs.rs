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
    /// The run whose graph is open.
    pub run: Option<String>,
    /// The task whose log is open; it may be of another run.
    pub task: Option<TaskRef>,
}

impl JobsState {
    /// Reads what of a query is the page's own.
    pub fn read(query: &str) -> JobsState {
        let params = Params::parse(query);
        let text = |name| params.get(name).filter(|text| !text.is_empty());
        let task = text("task").and_then(|text| text.split_once('/'));
        let task = task.filter(|(run, task)| !run.is_empty() && !task.is_empty());
        JobsState {
            run: text("run").map(str::to_string),
            task: task.map(|(run, task)| TaskRef { run: run.to_string(), task: task.to_string() }),
        }
    }

    /// The inverse of [`JobsState::read`].
    pub fn write(&self) -> String {
        let mut params = Params::default();
        if let Some(run) = &self.run {
            params.push("run", run);
        }
        if let Some(TaskRef { run, task }) = &self.task {
            params.push("task", format!("{run}/{task}"));
        }
        params.to_string()
    }

    /// The page with the graph of a run open.
    pub fn of_run(run: &str) -> JobsState {
        JobsState { run: Some(run.to_string()), task: None }
    }

    /// With the graph of `run` open, or closed where it was open.
    #[must_use]
    pub fn toggled(self, run: &str) -> JobsState {
        let next = Some(run.to_string()).filter(|_| self.run.as_deref() != Some(run));
        JobsState { run: next, ..self }
    }
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
        let queries =
            ["", "run=batch-3", "task=batch-2/link/acme:2026-03-07", "run=batch-3&task=batch-2/plan"];
        for query in queries {
            assert_eq!(JobsState::read(query).write(), query);
        }
        for unread in ["run=", "task=", "task=batch-2", "task=/plan", "task=batch-2/", "other=1"] {
            assert_eq!(JobsState::read(unread), JobsState::default(), "{unread}");
        }
        let strange = JobsState {
            run: Some("a&task=b c".to_string()),
            task: Some(TaskRef { run: "한".to_string(), task: "x/y#?=%2F".to_string() }),
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
        assert_eq!(task_address(&at), "/v1/jobs/batch-1/tasks/link%2Facme%201");
    }
}
