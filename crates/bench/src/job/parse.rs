//! NDJSON to typed events: what a request costs before anything is stored.

use adtally_core::key::UserSalt;

use super::{Answer, Job};
use crate::body::Body;
use crate::record::Names;

pub(super) struct Parse {
    names: Names,
    salt: UserSalt,
    body: Body,
    bytes: i64,
    events: i64,
    cost_micros: i64,
    at: i64,
}

impl Parse {
    pub(super) fn new(names: Names) -> Self {
        let salt = UserSalt::new(b"salt");
        Self { names, salt, body: Body::default(), bytes: 0, events: 0, cost_micros: 0, at: 0 }
    }
}

impl Job for Parse {
    fn prepare(&mut self, chunk: &[u8]) {
        self.body.fill(chunk, &self.names);
        self.bytes += self.body.text.len() as i64;
    }

    fn step(&mut self) {
        // Looking at every event is part of the work: nobody can leave it out.
        for (_, event) in &self.body.read(&self.salt).events {
            self.events += 1;
            self.cost_micros += event.cost_micros.unwrap_or(0);
            self.at = self.at.wrapping_add(event.at.0);
        }
    }

    fn answer(&mut self) -> Answer {
        let Self { bytes, events, cost_micros, at, .. } = *self;
        Answer::from([("bytes", bytes), ("events", events), ("cost_micros", cost_micros), ("at", at)])
    }
}
