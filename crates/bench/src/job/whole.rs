//! All of it: NDJSON, dedupe, link, report rows.

use std::sync::Arc;

use adtally_core::aggregate::Aggregator;
use adtally_core::cell::Scope;
use adtally_core::key::{Key, UserSalt};
use adtally_core::link::Linker;
use adtally_core::segment::Segment;
use adtally_core::settings::Settings;

use super::aggregate::totals;
use super::{Answer, Job};
use crate::body::{ADVERTISER, Body, settings};
use crate::record::Names;

pub(super) struct Whole {
    names: Names,
    salt: UserSalt,
    settings: Arc<Settings>,
    scope: Scope,
    body: Body,
    linker: Linker,
    aggregator: Aggregator,
    told: i64,
    segment: Segment,
}

impl Whole {
    pub(super) fn new(names: Names) -> Self {
        Self {
            names,
            salt: UserSalt::new(b"salt"),
            settings: settings(),
            scope: Scope::Advertiser(Key::parse(ADVERTISER).unwrap_or_default()),
            body: Body::default(),
            linker: Linker::new(),
            aggregator: Aggregator::default(),
            told: 0,
            segment: Segment::default(),
        }
    }
}

impl Job for Whole {
    fn prepare(&mut self, chunk: &[u8]) {
        self.body.fill(chunk, &self.names);
    }

    fn step(&mut self) {
        let arrivals = self.body.arrivals(self.body.read(&self.salt), &self.settings);
        let facts = self.linker.apply(arrivals).facts;
        self.told += facts.len() as i64;
        facts.iter().for_each(|fact| self.aggregator.add_fact(fact));
    }

    fn finish(&mut self) {
        self.segment = self.aggregator.segment(&self.scope);
    }

    fn answer(&mut self) -> Answer {
        totals(self.told, &self.segment)
    }
}
