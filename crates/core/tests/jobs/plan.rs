//! Random plans: which tasks there are in the end, who spawns them, and what they need.

use adtally_core::jobs::{Policy, Spec};
use proptest::prelude::*;

/// Tasks by number; parents and needs have smaller ones.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) tasks: Vec<Planned>,
}

#[derive(Debug, Clone)]
pub(crate) struct Planned {
    /// Who spawns it.
    pub(crate) parent: Option<usize>,
    /// What it needs.
    pub(crate) needs: Vec<usize>,
}

pub(crate) fn plans() -> impl Strategy<Value = Plan> {
    let task = (prop::option::weighted(0.6, 0_usize..64), prop::collection::vec(0_usize..64, 0..4));
    prop::collection::vec(task, 1..14).prop_map(|drawn| {
        let mut plan = Plan { tasks: Vec::new() };
        for (parent, needs) in drawn {
            let at = plan.tasks.len();
            let parent = parent.filter(|_| at > 0).map(|parent| parent % at);
            plan.tasks.push(Planned { parent, needs: Vec::new() });
            let needs = needs.into_iter().filter(|_| at > 0).map(|need| need % at);
            plan.tasks[at].needs = needs.filter(|need| plan.may_need(at, *need)).collect();
            plan.tasks[at].needs.sort_unstable();
            plan.tasks[at].needs.dedup();
        }
        plan
    })
}

impl Plan {
    /// It has to be there when it is spawned, and must not wait for it in turn.
    fn may_need(&self, at: usize, need: usize) -> bool {
        let is_first = |at: usize| self.tasks[at].parent.is_none();
        let root = self.line(at).last().unwrap_or(at);
        let is_sibling = self.tasks[need].parent == self.tasks[at].parent;
        is_sibling || self.is_above(need, at) || (is_first(need) && need < root)
    }

    /// Those that spawned it, the nearest first.
    fn line(&self, at: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.tasks[at].parent, |at| self.tasks[*at].parent)
    }

    pub(crate) fn is_above(&self, above: usize, at: usize) -> bool {
        self.line(at).any(|ancestor| ancestor == above)
    }

    pub(crate) fn id(at: usize) -> String {
        format!("t{at}")
    }

    pub(crate) fn at(id: &str) -> usize {
        id[1..].parse().unwrap()
    }

    /// What a task spawns, or what is there from the beginning.
    pub(crate) fn spawn(&self, parent: Option<usize>) -> Vec<Spec> {
        let of_parent = (0..self.tasks.len()).filter(|at| self.tasks[*at].parent == parent);
        let spec = |at: usize| Spec {
            id: Plan::id(at),
            kind: "k".to_owned(),
            needs: self.tasks[at].needs.iter().map(|need| Plan::id(*need)).collect(),
            policy: Policy { attempts: 3, timeout_ms: 60_000, ..Policy::default() },
        };
        of_parent.map(spec).collect()
    }
}
