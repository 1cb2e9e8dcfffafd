//! Dedupe and link, exactly: typed events to signed facts, batch by batch as they arrive.

use std::sync::Arc;

use adtally_core::key::UserSalt;
use adtally_core::link::{Applied, Arrival, Linker};
use adtally_core::settings::Settings;

use super::linked::Linked;
use super::{Answer, Job};
use crate::body::{Body, settings};
use crate::record::Names;

pub(super) struct Link {
    names: Names,
    salt: UserSalt,
    settings: Arc<Settings>,
    body: Body,
    linker: Linker,
    arrivals: Vec<Arrival>,
    applied: Applied,
    linked: Linked,
}

impl Link {
    pub(super) fn new(names: Names) -> Self {
        Self {
            names,
            salt: UserSalt::new(b"salt"),
            settings: settings(),
            body: Body::default(),
            linker: Linker::new(),
            arrivals: Vec::new(),
            applied: Applied::default(),
            linked: Linked::default(),
        }
    }

    fn look(&mut self) {
        let applied = std::mem::take(&mut self.applied);
        self.linked.admitted(&applied.admissions);
        self.linked.count(&applied.facts);
    }
}

impl Job for Link {
    fn prepare(&mut self, chunk: &[u8]) {
        self.look();
        self.linked.expect(chunk);
        self.body.fill(chunk, &self.names);
        self.arrivals = self.body.arrivals(self.body.read(&self.salt), &self.settings);
    }

    fn step(&mut self) {
        self.applied = self.linker.apply(std::mem::take(&mut self.arrivals));
    }

    fn answer(&mut self) -> Answer {
        self.look();
        self.linked.answer()
    }
}
