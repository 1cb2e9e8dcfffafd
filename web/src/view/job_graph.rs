//! A run as a graph: which tasks wait for which, and how far they are.

use adtally_wire::jobs::api::{RunInfo, TaskInfo};
use leptos::prelude::*;

use super::job_mark::{Shape, state_phrase};
use super::jobs::Opening;
use crate::browser;
use crate::model::dag::{Dag, Node, Task};
use crate::model::matrix::known;
use crate::phrase::Phrase;
use crate::state::jobs::{Opened, TaskRef};

/// The width of a task in pixels.
const WIDTH: usize = 212;
/// From the left of a task to the left of one behind it.
const ACROSS: usize = 264;
/// The height of a task.
const HEIGHT: usize = 42;
/// From the top of a task to that of the one below.
const DOWN: usize = 52;
/// Room around all of it.
const ROOM: usize = 12;
/// Letters of a name that fit into two lines.
const LETTERS: usize = 54;

fn left(node: &Node) -> usize {
    ROOM + node.column * ACROSS
}

fn top(node: &Node) -> usize {
    ROOM + node.row * DOWN
}

/// The tasks of a run; one that is opened tells its log.
#[component]
pub fn JobGraph(
    /// The run, with its tasks.
    run: RunInfo,
    /// What is open, and opens a task.
    opening: Opening,
) -> impl IntoView {
    let tasks: Vec<Task<'_>> = run.tasks.iter().map(known).collect();
    let dag = Dag::of(&tasks);
    let width = 2 * ROOM + dag.columns.saturating_sub(1) * ACROSS + WIDTH;
    let height = 2 * ROOM + dag.rows.saturating_sub(1) * DOWN + HEIGHT;
    let needs = dag.edges.iter().map(|edge| (edge, "graph-line"));
    let spawns = dag.spawns.iter().map(|edge| (edge, "graph-line spawned"));
    let lines = needs.chain(spawns).map(|((from, to), class)| {
        let (from, to) = (&dag.nodes[*from], &dag.nodes[*to]);
        let (x1, y1) = (left(from) + WIDTH, top(from) + HEIGHT / 2);
        let (x2, y2) = (left(to), top(to) + HEIGHT / 2);
        let middle = usize::midpoint(x1, x2);
        view! { <path class=class d=format!("M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}")/> }
    });
    let lines = lines.collect_view();
    let nodes = dag.nodes.iter().map(|node| task_button(&run.run, &run.tasks[node.task], node, opening));
    let nodes = nodes.collect_view();
    let label = Phrase::GraphOf.with(browser::lang(), &[&run.run]);
    view! {
        <div class="graph-scroll" tabindex="0" role="region" aria-label=label data-testid="graph">
            <div class="graph" style:width=format!("{width}px") style:height=format!("{height}px")>
                <svg width=width height=height aria-hidden="true">{lines}</svg>
                {nodes}
            </div>
        </div>
    }
}

fn task_button(run: &str, task: &TaskInfo, node: &Node, opening: Opening) -> impl IntoView + use<> {
    let state = state_phrase(&task.state).text(browser::lang());
    let name = format!("{}: {state}", task.id);
    let named = TaskRef { run: run.to_string(), task: task.id.clone() };
    let shown = match task.id.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}…", &task.id[..end]),
        None => task.id.clone(),
    };
    view! {
        <button
            type="button"
            class="graph-task"
            data-testid="graph-task"
            data-state=task.state.clone()
            data-id=task.id.clone()
            style:left=format!("{}px", left(node))
            style:top=format!("{}px", top(node))
            title=name.clone()
            aria-label=name
            on:click=move |_| opening.open(Opened::Task(named.clone()))
        >
            <Shape state=task.state.clone()/>
            <span>{shown}</span>
        </button>
    }
}
