//! All of it, of a set that is there before it is asked for: NDJSON, dedupe, link, report rows.

use adtally_core::aggregate::Aggregator;
use adtally_core::cell::Scope;
use adtally_core::key::{Key, UserSalt};
use adtally_core::link::{Bulk, Retention, SettingsNumber};
use adtally_core::segment::Segment;

use super::aggregate::totals;
use super::{Answer, Job};
use crate::body::{ADVERTISER, Body, REVISION, settings};
use crate::record::Names;

pub(super) struct WholeSet {
    names: Names,
    salt: UserSalt,
    number: SettingsNumber,
    scope: Scope,
    body: Body,
    bulk: Bulk,
    told: i64,
    segment: Segment,
}

impl WholeSet {
    pub(super) fn new(names: Names) -> Self {
        let mut bulk = Bulk::new(Retention::default(), []);
        let number = bulk.know_settings(REVISION, settings());
        Self {
            names,
            salt: UserSalt::new(b"salt"),
            number,
            scope: Scope::Advertiser(Key::parse(ADVERTISER).unwrap_or_default()),
            body: Body::default(),
            bulk,
            told: 0,
            segment: Segment::default(),
        }
    }
}

impl Job for WholeSet {
    fn prepare(&mut self, chunk: &[u8]) {
        self.body.fill(chunk, &self.names);
    }

    fn step(&mut self) {
        for (index, event) in &self.body.read(&self.salt).events {
            self.bulk.deliver(event, self.body.received[*index], self.number);
        }
    }

    fn finish(&mut self) {
        let mut aggregator = Aggregator::default();
        std::mem::take(&mut self.bulk).settle(|told| {
            self.told += 1;
            told.add_to(&mut aggregator);
        });
        self.segment = aggregator.segment(&self.scope);
    }

    fn answer(&mut self) -> Answer {
        totals(self.told, &self.segment)
    }
}
