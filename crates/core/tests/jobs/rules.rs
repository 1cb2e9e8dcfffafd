//! What must hold at any time, said as naively as possible.

use adtally_core::jobs::{MAX_RUN_IN_FLIGHT, Run, TaskState};

use crate::plan::Plan;
use crate::world::World;

/// Checks what is stored.
pub(crate) fn check(world: &World) -> Result<(), String> {
    let run = world.stored();
    let in_flight = run.tasks().iter().filter(|task| task.state.is_in_flight()).count();
    if in_flight > MAX_RUN_IN_FLIGHT {
        return Err(format!("{in_flight} tasks are under way"));
    }
    for task in run.tasks() {
        let at = Plan::at(&task.spec.id);
        let has_begun = task.state.is_in_flight() || task.state == TaskState::Succeeded;
        if has_begun && !needs_are_met(world.plan, &run, at) {
            return Err(format!("{} is {} and needs something", task.spec.id, task.state.name()));
        }
        let is_broken = |need: &usize| tree(world.plan, *need).iter().any(|at| has_broken(&run, *at));
        if task.state == TaskState::UpstreamFailed && !world.plan.tasks[at].needs.iter().any(is_broken) {
            return Err(format!("{} is given up, and nothing that it needs has failed", task.spec.id));
        }
        if task.failures > task.spec.policy.attempts {
            return Err(format!("{} failed {} times", task.spec.id, task.failures));
        }
    }
    if run.state.has_ended() != run.tasks().iter().all(|task| task.state.has_ended()) {
        return Err(format!("the run is {}", run.state.name()));
    }
    Ok(())
}

/// Whether all that a task needs has succeeded, with all that it spawned.
pub(crate) fn needs_are_met(plan: &Plan, run: &Run, at: usize) -> bool {
    plan.tasks[at].needs.iter().chain(&plan.tasks[at].parent).all(|need| {
        if plan.is_above(*need, at) {
            return has_succeeded(run, *need);
        }
        tree(plan, *need).iter().all(|part| has_succeeded(run, *part))
    })
}

/// A task and all that it spawns.
fn tree(plan: &Plan, root: usize) -> Vec<usize> {
    (0..plan.tasks.len()).filter(|at| *at == root || plan.is_above(root, *at)).collect()
}

fn has_succeeded(run: &Run, at: usize) -> bool {
    run.task(&Plan::id(at)).is_some_and(|task| task.state == TaskState::Succeeded)
}

fn has_broken(run: &Run, at: usize) -> bool {
    let state = run.task(&Plan::id(at)).map(|task| task.state);
    matches!(state, Some(TaskState::Failed | TaskState::UpstreamFailed | TaskState::Skipped))
}
