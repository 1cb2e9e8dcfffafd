//! Dedupe and link, exactly: typed events to links, all of them as one set.

use std::sync::Arc;

use adtally_core::key::UserSalt;
use adtally_core::link::{Arrival, Bulk, Fact, Retention, SettingsNumber};
use adtally_core::settings::Settings;

use super::linked::Linked;
use super::{Answer, Job};
use crate::body::{Body, REVISION, settings};
use crate::record::Names;

pub(super) struct Bulked {
    names: Names,
    salt: UserSalt,
    settings: Arc<Settings>,
    number: SettingsNumber,
    body: Body,
    bulk: Bulk,
    arrivals: Vec<Arrival>,
    accepted: u64,
    /// Of what has a parent.
    facts: Vec<Fact>,
    linked: Linked,
}

impl Bulked {
    pub(super) fn new(names: Names) -> Self {
        let (mut bulk, settings) = (Bulk::new(Retention::default(), []), settings());
        let number = bulk.know_settings(REVISION, settings.clone());
        Self {
            names,
            salt: UserSalt::new(b"salt"),
            settings,
            number,
            body: Body::default(),
            bulk,
            arrivals: Vec::new(),
            accepted: 0,
            facts: Vec::new(),
            linked: Linked::default(),
        }
    }
}

impl Job for Bulked {
    fn prepare(&mut self, chunk: &[u8]) {
        self.linked.expect(chunk);
        self.body.fill(chunk, &self.names);
        self.arrivals = self.body.arrivals(self.body.read(&self.salt), &self.settings);
    }

    /// Only takes the events in.
    fn step(&mut self) {
        for Arrival { event, received, .. } in &self.arrivals {
            self.bulk.deliver(event, *received, self.number);
        }
    }

    /// Dedupes and links.
    fn finish(&mut self) {
        let (bulk, facts) = (std::mem::take(&mut self.bulk), &mut self.facts);
        bulk.settle(|told| {
            self.accepted += 1;
            if told.is_linked() {
                facts.push(told.fact());
            }
        });
    }

    fn answer(&mut self) -> Answer {
        self.linked.accepted(self.accepted);
        self.linked.count(&self.facts);
        self.linked.answer()
    }
}
