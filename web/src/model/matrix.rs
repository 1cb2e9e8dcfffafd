//! The last runs of a job as a grid: a row for each task, or for all tasks of one sort that others spawned.

use std::collections::BTreeMap;

use adtally_wire::jobs::api::{RunInfo, TaskInfo};

use super::dag::{Dag, Task};

/// The states of tasks; what somebody has to look at comes first.
pub const STATES: [&str; 6] = ["failed", "upstream_failed", "running", "queued", "succeeded", "skipped"];

/// The tasks of one row in one run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// How many there are of each state, by its place in [`STATES`].
    pub counts: BTreeMap<usize, usize>,
    /// The id where it is one task by itself, not one of a group.
    pub task: Option<String>,
}

impl Cell {
    /// The state to look at first, and how many tasks are in it.
    pub fn worst(&self) -> (&'static str, usize) {
        let first = self.counts.first_key_value();
        first.map_or(("queued", 0), |(state, count)| (STATES[*state], *count))
    }

    /// How many tasks it stands for.
    pub fn len(&self) -> usize {
        self.counts.values().sum()
    }

    /// Whether it stands for none.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

/// The grid.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matrix {
    /// The names of the rows, what comes first in a run above.
    pub rows: Vec<String>,
    cells: BTreeMap<(String, String), Cell>,
}

impl Matrix {
    /// Of runs with their tasks, the latest first.
    pub fn of(runs: &[RunInfo]) -> Matrix {
        let mut places = BTreeMap::<&str, (usize, usize)>::new();
        let mut cells = BTreeMap::<(String, String), Cell>::new();
        for run in runs {
            let tasks: Vec<Task<'_>> = run.tasks.iter().map(known).collect();
            let mut here = BTreeMap::<&str, usize>::new();
            for (node, task) in Dag::of(&tasks).nodes.iter().zip(&run.tasks) {
                let column = here.entry(row_of(task)).or_insert(node.column);
                *column = (*column).min(node.column);
                let cell = cells.entry((row_of(task).to_string(), run.run.clone())).or_default();
                *cell.counts.entry(place_of(&task.state)).or_default() += 1;
                cell.task = (row_of(task) == task.id).then(|| task.id.clone());
            }
            for task in &run.tasks {
                let (row, next) = (row_of(task), places.len());
                let column = here.get(row).copied().unwrap_or_default();
                places.entry(row).or_insert((column, next));
            }
        }
        let mut rows: Vec<&str> = places.keys().copied().collect();
        rows.sort_by_key(|row| places.get(row));
        // A task that others of its row stand beside is one of a group.
        cells.values_mut().filter(|cell| cell.len() > 1).for_each(|cell| cell.task = None);
        Matrix { rows: rows.into_iter().map(str::to_string).collect(), cells }
    }

    /// The tasks of a row in a run.
    pub fn cell(&self, row: &str, run: &str) -> Option<&Cell> {
        self.cells.get(&(row.to_string(), run.to_string()))
    }
}

/// The row of a task: its own, or that of all that were spawned with the same beginning, such as `link` of `link:acme/3`.
pub fn row_of(task: &TaskInfo) -> &str {
    let end = task.id.find([':', '/']).filter(|end| task.spawned_by.is_some() && *end > 0);
    end.map_or(task.id.as_str(), |end| &task.id[..end])
}

/// The tasks of a row, those to look at first above.
pub fn tasks_of<'a>(run: &'a RunInfo, row: &str) -> Vec<&'a TaskInfo> {
    let mut tasks: Vec<&TaskInfo> = run.tasks.iter().filter(|task| row_of(task) == row).collect();
    tasks.sort_by_key(|task| place_of(&task.state));
    tasks
}

fn place_of(state: &str) -> usize {
    STATES.iter().position(|known| *known == state).unwrap_or_default()
}

/// A task as the layout of graphs knows it.
pub fn known(task: &TaskInfo) -> Task<'_> {
    Task { id: &task.id, needs: &task.needs, spawned_by: task.spawned_by.as_deref() }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    /// Tasks as `id state needs`, those with a colon spawned by `plan`.
    fn run(name: &str, tasks: &[(&str, &str, &str)]) -> RunInfo {
        let task = |(id, state, needs): &(&str, &str, &str)| TaskInfo {
            id: (*id).to_string(),
            kind: "echo".to_string(),
            needs: needs.split_whitespace().map(str::to_string).collect(),
            spawned_by: id.contains(':').then(|| "plan".to_string()),
            state: (*state).to_string(),
            attempts: 1,
            started: None,
            ended: None,
            duration_ms: None,
            error: None,
        };
        RunInfo {
            run: name.to_string(),
            job: "batch".to_string(),
            number: 1,
            state: "running".to_string(),
            cancelled: false,
            params: serde_json::Value::Null,
            created: String::new(),
            started: None,
            ended: None,
            duration_ms: None,
            counts: BTreeMap::new(),
            tasks: tasks.iter().map(task).collect(),
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn tasks_of_a_sort_are_a_row() {
        let late = [
            ("finish", "queued", "plan"),
            ("plan", "succeeded", ""),
            ("link:acme/1", "succeeded", ""),
            ("link:acme/2", "failed", ""),
            ("link:b/1", "succeeded", ""),
            ("judge:x", "running", ""),
        ];
        let early = [("plan", "failed", ""), ("old", "upstream_failed", "plan")];
        let (late, early) = (run("batch-2", &late), run("batch-1", &early));
        let matrix = Matrix::of(&[late.clone(), early]);
        assert_eq!(matrix.rows, ["plan", "link", "judge", "old", "finish"]);
        let cell = |row: &str, run: &str| {
            let cell = matrix.cell(row, run)?;
            Some((cell.worst().0, cell.worst().1, cell.len(), cell.task.as_deref()))
        };
        assert_eq!(cell("plan", "batch-2"), Some(("succeeded", 1, 1, Some("plan"))));
        assert_eq!(cell("link", "batch-2"), Some(("failed", 1, 3, None)));
        assert_eq!(cell("judge", "batch-2"), Some(("running", 1, 1, None)));
        assert_eq!(cell("plan", "batch-1"), Some(("failed", 1, 1, Some("plan"))));
        assert_eq!(cell("old", "batch-1"), Some(("upstream_failed", 1, 1, Some("old"))));
        assert_eq!((cell("link", "batch-1"), cell("old", "batch-2")), (None, None));
        let ids: Vec<&str> = tasks_of(&late, "link").iter().map(|task| task.id.as_str()).collect();
        assert_eq!(ids, ["link:acme/2", "link:acme/1", "link:b/1"]);
        assert_eq!(Matrix::of(&[]), Matrix::default());
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_somebody_has_to_look_at_comes_first() {
        fn check(states: &[&str], expected: (&str, usize)) {
            let mut cell = Cell::default();
            for state in states {
                *cell.counts.entry(place_of(state)).or_default() += 1;
            }
            assert_eq!(cell.worst(), expected, "{states:?}");
        }
        check(&[], ("queued", 0));
        check(&["succeeded", "skipped", "succeeded"], ("succeeded", 2));
        check(&["succeeded", "running", "queued"], ("running", 1));
        check(&["running", "failed", "failed", "upstream_failed"], ("failed", 2));
        check(&["a new state", "succeeded"], ("failed", 1));
    }
}
