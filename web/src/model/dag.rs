//! Tasks that wait for each other, laid out from left to right.

use std::collections::BTreeMap;

/// A task as the layout knows it.
#[derive(Debug, Clone, Copy)]
pub struct Task<'a> {
    /// Its name.
    pub id: &'a str,
    /// What has to succeed first, with all that it spawned.
    pub needs: &'a [String],
    /// The task that spawned it.
    pub spawned_by: Option<&'a str>,
}

/// A task in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its place among the tasks.
    pub task: usize,
    /// How many tasks have to come one after the other before it.
    pub column: usize,
    /// Its place among those of its column, from above.
    pub row: usize,
}

/// Tasks in their places, and what leads from one to another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dag {
    /// One per task, in their order.
    pub nodes: Vec<Node>,
    /// From a task to one that needs it; both by their place among the tasks.
    pub edges: Vec<(usize, usize)>,
    /// From a task to one that it spawned.
    pub spawns: Vec<(usize, usize)>,
    /// How many columns there are.
    pub columns: usize,
    /// The most tasks of a column.
    pub rows: usize,
}

impl Dag {
    /// Puts every task behind all that it waits for, and as near to the height of these as there is room.
    ///
    /// It waits for what it needs, for all that was spawned by that, and for the task that spawned it; names that nobody
    /// has are passed over.
    pub fn of(tasks: &[Task<'_>]) -> Dag {
        let places: BTreeMap<&str, usize> = tasks.iter().map(|task| task.id).zip(0..).collect();
        let place = |id: &str| places.get(id).copied();
        let needs: Vec<Vec<usize>> =
            tasks.iter().map(|task| task.needs.iter().filter_map(|need| place(need)).collect()).collect();
        let spawner: Vec<Option<usize>> = tasks.iter().map(|task| task.spawned_by.and_then(place)).collect();
        let columns = columns(&needs, &spawner);
        let count = columns.iter().max().map_or(0, |last| last + 1);
        let mut rows = vec![0; tasks.len()];
        let mut highest = 0;
        for column in 0..count {
            let mut here: Vec<usize> = (0..tasks.len()).filter(|task| columns[*task] == column).collect();
            // The mean height of what it needs, in halves of a row so that it stays a whole number.
            here.sort_by_key(|task| {
                let above: Vec<usize> =
                    needs[*task].iter().chain(&spawner[*task]).map(|before| rows[*before]).collect();
                (2 * above.iter().sum::<usize>() / above.len().max(1), *task)
            });
            here.iter().zip(0..).for_each(|(task, row)| rows[*task] = row);
            highest = highest.max(here.len());
        }
        let nodes = (0..tasks.len()).map(|task| Node { task, column: columns[task], row: rows[task] });
        let edges =
            needs.iter().zip(0..).flat_map(|(needs, task)| needs.iter().map(move |need| (*need, task)));
        let spawns = spawner.iter().zip(0..).filter_map(|(by, task)| Some(((*by)?, task)));
        // Who needs its spawner is told by one line.
        let spawns = spawns.filter(|(by, task)| !needs[*task].contains(by)).collect();
        Dag { nodes: nodes.collect(), edges: edges.collect(), spawns, columns: count, rows: highest }
    }
}

/// For each task the longest way to it. Tasks that wait for each other, which no run has, end after as many rounds as
/// there are tasks.
fn columns(needs: &[Vec<usize>], spawner: &[Option<usize>]) -> Vec<usize> {
    let mut columns = vec![0; needs.len()];
    // The last column of a task and of all that it spawned.
    let mut ends = vec![0; needs.len()];
    for _ in 0..needs.len() {
        let mut changed = false;
        for (task, needs) in needs.iter().enumerate() {
            let behind_needs = needs.iter().map(|need| ends[*need] + 1);
            let behind_spawner = spawner[task].map(|by| columns[by] + 1);
            let column = behind_needs.chain(behind_spawner).max().unwrap_or(0);
            if column > columns[task] && column <= columns.len() {
                columns[task] = column;
                changed = true;
            }
            ends[task] = ends[task].max(columns[task]);
            if let Some(by) = spawner[task].filter(|by| ends[*by] < ends[task]) {
                ends[by] = ends[task];
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn dag(tasks: &[(&str, &str)]) -> Dag {
        let needs: Vec<Vec<String>> =
            tasks.iter().map(|(_, needs)| needs.split_whitespace().map(str::to_string).collect()).collect();
        let both = tasks.iter().zip(&needs);
        let tasks: Vec<Task<'_>> =
            both.map(|((id, _), needs)| Task { id, needs, spawned_by: None }).collect();
        Dag::of(&tasks)
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn who_needs_a_task_stands_behind_what_that_spawned() {
        let plan = ["plan".to_string()];
        let archive = ["archive".to_string()];
        let task = |id, needs, spawned_by| Task { id, needs, spawned_by };
        let dag = Dag::of(&[
            task("plan", &[], None),
            task("archive", &[], Some("plan")),
            task("cut", &[], Some("archive")),
            task("link", &[], Some("cut")),
            task("scopes", &archive, Some("plan")),
            task("after all", &plan, None),
        ]);
        let columns: Vec<usize> = dag.nodes.iter().map(|node| node.column).collect();
        assert_eq!(columns, [0, 1, 2, 3, 4, 5]);
        assert_eq!(dag.edges, [(1, 4), (0, 5)]);
        assert_eq!(dag.spawns, [(0, 1), (1, 2), (2, 3), (0, 4)]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn tasks_stand_behind_what_they_need() {
        let dag = dag(&[("publish", "link/a link/b"), ("link/a", "cut"), ("link/b", "cut"), ("cut", "")]);
        let places: Vec<_> = dag.nodes.iter().map(|node| (node.column, node.row)).collect();
        assert_eq!(places, [(2, 0), (1, 0), (1, 1), (0, 0)]);
        assert_eq!(dag.edges, [(1, 0), (2, 0), (3, 1), (3, 2)]);
        assert_eq!((dag.columns, dag.rows), (3, 2));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn lines_do_not_cross_where_they_need_not() {
        let dag = dag(&[("a", ""), ("b", ""), ("after b", "b"), ("after a", "a")]);
        let places: Vec<_> = dag.nodes.iter().map(|node| (node.column, node.row)).collect();
        assert_eq!(places, [(0, 0), (0, 1), (1, 1), (1, 0)]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn nothing_and_what_cannot_be() {
        assert_eq!(dag(&[]), Dag::default());
        assert_eq!(dag(&[("a", "nobody")]).nodes, [Node { task: 0, column: 0, row: 0 }]);
        assert_eq!(dag(&[("a", "b"), ("b", "a")]).nodes.len(), 2);
    }
}
