//! Tasks that wait for each other, laid out from left to right.

use std::collections::BTreeMap;

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
    /// How many columns there are.
    pub columns: usize,
    /// The most tasks of a column.
    pub rows: usize,
}

impl Dag {
    /// Puts every task behind all that it needs, and as near to the height of these as there is room.
    ///
    /// A task is its name and the names of what it needs; names that nobody has are passed over.
    pub fn of(tasks: &[(&str, &[String])]) -> Dag {
        let places: BTreeMap<&str, usize> = tasks.iter().map(|(id, _)| *id).zip(0..).collect();
        let needs: Vec<Vec<usize>> = tasks
            .iter()
            .map(|(_, needs)| needs.iter().filter_map(|need| places.get(need.as_str()).copied()).collect())
            .collect();
        let columns = columns(&needs);
        let count = columns.iter().max().map_or(0, |last| last + 1);
        let mut rows = vec![0; tasks.len()];
        let mut highest = 0;
        for column in 0..count {
            let mut here: Vec<usize> = (0..tasks.len()).filter(|task| columns[*task] == column).collect();
            // The mean height of what it needs, in halves of a row so that it stays a whole number.
            here.sort_by_key(|task| {
                let above: Vec<usize> = needs[*task].iter().map(|need| rows[*need]).collect();
                (2 * above.iter().sum::<usize>() / above.len().max(1), *task)
            });
            here.iter().zip(0..).for_each(|(task, row)| rows[*task] = row);
            highest = highest.max(here.len());
        }
        let nodes = (0..tasks.len()).map(|task| Node { task, column: columns[task], row: rows[task] });
        let edges =
            needs.iter().zip(0..).flat_map(|(needs, task)| needs.iter().map(move |need| (*need, task)));
        Dag { nodes: nodes.collect(), edges: edges.collect(), columns: count, rows: highest }
    }
}

/// For each task the longest way to it. Tasks that wait for each other, which no run has, end after as many rounds as
/// there are tasks.
fn columns(needs: &[Vec<usize>]) -> Vec<usize> {
    let mut columns = vec![0; needs.len()];
    for _ in 0..needs.len() {
        let mut changed = false;
        for (task, needs) in needs.iter().enumerate() {
            let column = needs.iter().map(|need| columns[*need] + 1).max().unwrap_or(0);
            if column > columns[task] && column <= columns.len() {
                columns[task] = column;
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
        let tasks: Vec<(&str, &[String])> =
            tasks.iter().zip(&needs).map(|((id, _), needs)| (*id, needs.as_slice())).collect();
        Dag::of(&tasks)
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
