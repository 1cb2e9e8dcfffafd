//! A part of a day, linked.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::{Accepted, Entry, Gone, Part, Repeat, Ruling};
use crate::aggregate::Aggregator;
use crate::cell::Scope;
use crate::link::{Bulk, Fact, Retention, SettingsNumber, Use};
use crate::segment::Segment;
use crate::settings::Settings;

/// Why a part cannot be linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RelinkError {
    /// An entry refers to settings that are not there.
    #[error("the archive refers to settings {0}, which are missing")]
    MissingSettings(u64),
}

/// The entries of a part of a day, and those that they depend on.
#[derive(Debug)]
pub struct Relink {
    part: Part,
    bulk: Bulk,
    revisions: BTreeMap<u64, SettingsNumber>,
    gone: Gone,
}

impl Relink {
    /// No entries yet.
    pub fn new(
        part: Part,
        retention: Retention,
        settings: impl IntoIterator<Item = (u64, Arc<Settings>)>,
        rulings: impl IntoIterator<Item = Ruling>,
    ) -> Self {
        let mut bulk = Bulk::new(retention, rulings);
        let settings = settings.into_iter();
        let revisions =
            settings.map(|(revision, settings)| (revision, bulk.know_settings(revision, settings))).collect();
        Self { part, bulk, revisions, gone: Gone::default() }
    }

    /// The same as if these entries had never been there.
    pub fn without(self, gone: Gone) -> Self {
        Self { gone, ..self }
    }

    /// Adds an entry that was wanted; the order does not matter, but none may come twice.
    pub fn add(&mut self, entry: &Entry) -> Result<(), RelinkError> {
        let group = entry.group();
        if self.gone.holds(group, entry.row()) {
            return Ok(());
        }
        let is_own = self.part.holds(entry.day(), group);
        match entry {
            Entry::Accepted(accepted) => {
                let Accepted { row, received, revision, event } = accepted.as_ref();
                let settings = self.revisions.get(revision).ok_or(RelinkError::MissingSettings(*revision))?;
                let its_use = if is_own { Use::Told } else { Use::Context };
                self.bulk.add(event, *received, *row, *settings, its_use);
            }
            Entry::Repeat(Repeat { row, event, .. }) if is_own => self.bulk.repeat(event.clone(), *row),
            Entry::Repeat(_) => {}
        }
        Ok(())
    }

    /// How many events it holds.
    pub fn len(&self) -> usize {
        self.bulk.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.bulk.is_empty()
    }

    /// The facts of the part's own events.
    pub fn facts(self, mut tell: impl FnMut(Fact)) {
        self.bulk.settle(|told| tell(told.fact()));
    }

    /// The cells of the part's own events, by scope.
    pub fn finish(self) -> Vec<(Scope, Segment)> {
        let mut aggregator = Aggregator::default();
        self.bulk.settle(|told| told.add_to(&mut aggregator));
        aggregator.segments()
    }
}
