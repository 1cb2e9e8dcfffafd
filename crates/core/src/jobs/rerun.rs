//! Running tasks again, with all that depends on them.

use std::collections::BTreeSet;

use thiserror::Error;

use super::run::{Run, RunState};
use super::task::TaskState;
use super::tree::is_ancestor;

/// Why nothing is run again.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RerunError {
    /// There is no such task.
    #[error("the run has no task {0:?}")]
    Unknown(String),
    /// It is still to be done.
    #[error("task {0:?} has not ended yet")]
    NotEnded(String),
    /// Nothing ended without success.
    #[error("no task of the run has failed")]
    NothingFailed,
}

impl Run {
    /// Runs a task again, or all that ended without success, and all that depends on it; what it spawned is forgotten.
    ///
    /// What was under way of all that is not heard any more.
    pub(super) fn rerun(&mut self, task: Option<&str>) -> Result<(), RerunError> {
        let mut again: BTreeSet<usize> = match task {
            Some(id) => [self.ended_task(id)?].into(),
            None => self.places(|state| state.has_ended() && state != TaskState::Succeeded).collect(),
        };
        if again.is_empty() {
            return Err(RerunError::NothingFailed);
        }
        let gone = self.spread(&mut again);
        for at in &again {
            self.tasks[*at].reset();
            self.changed.insert(self.tasks[*at].spec.id.clone());
        }
        for at in &gone {
            let id = self.tasks[*at].spec.id.clone();
            self.changed.remove(&id);
            self.removed.push(id);
        }
        let mut place = 0;
        self.tasks.retain(|_| (!gone.contains(&place), place += 1).0);
        self.arrange();
        if self.state.has_ended() {
            (self.state, self.ended) = (RunState::Queued, None);
        }
        self.is_cancelled = false;
        Ok(())
    }

    fn ended_task(&self, id: &str) -> Result<usize, RerunError> {
        let at = *self.index.get(id).ok_or_else(|| RerunError::Unknown(id.to_owned()))?;
        let has_ended = self.tasks[at].state.has_ended();
        if has_ended { Ok(at) } else { Err(RerunError::NotEnded(id.to_owned())) }
    }

    fn places(&self, wanted: impl Fn(TaskState) -> bool) -> impl Iterator<Item = usize> {
        (0..self.tasks.len()).filter(move |at| wanted(self.tasks[*at].state))
    }

    /// Adds what depends on what is run again; answers what is forgotten, since its maker is run again.
    fn spread(&self, again: &mut BTreeSet<usize>) -> BTreeSet<usize> {
        let mut gone = BTreeSet::new();
        loop {
            let before = (again.len(), gone.len());
            // Makers come before what they made, so one pass finds whole trees.
            for at in 0..self.tasks.len() {
                if self.parents[at].is_some_and(|parent| again.contains(&parent) || gone.contains(&parent)) {
                    gone.insert(at);
                }
            }
            again.retain(|at| !gone.contains(at));
            let above: BTreeSet<usize> = again.iter().flat_map(|at| self.ancestors(*at)).collect();
            for at in 0..self.tasks.len() {
                let is_touched = |need: &String| {
                    self.index.get(need).is_none_or(|needed| {
                        let is_part = again.contains(needed) || gone.contains(needed);
                        is_part || (above.contains(needed) && !is_ancestor(&self.parents, *needed, at))
                    })
                };
                if !gone.contains(&at) && self.tasks[at].spec.needs.iter().any(is_touched) {
                    again.insert(at);
                }
            }
            if before == (again.len(), gone.len()) {
                return gone;
            }
        }
    }

    fn ancestors(&self, at: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.parents[at], |at| self.parents[*at])
    }
}
