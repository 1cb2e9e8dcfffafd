//! Facts to hourly cells by all dimensions, with or without distinct users.

use std::sync::Arc;

use adtally_core::cell::{Cells, Scope};
use adtally_core::key::{Key, UserSalt};
use adtally_core::link::{Fact, Linker, cells_of};
use adtally_core::measure::{Measure, Measures};
use adtally_core::settings::Settings;

use super::{Answer, Job};
use crate::body::{ADVERTISER, Body, settings};
use crate::record::Names;

/// Whether distinct users are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Users {
    Counted,
    Left,
}

pub(super) struct Aggregate {
    names: Names,
    salt: UserSalt,
    settings: Arc<Settings>,
    users: Users,
    scope: Scope,
    body: Body,
    linker: Linker,
    facts: Vec<Fact>,
    told: i64,
    cells: Cells,
}

impl Aggregate {
    pub(super) fn new(names: Names, users: Users) -> Self {
        Self {
            names,
            salt: UserSalt::new(b"salt"),
            settings: settings(),
            users,
            scope: Scope::Advertiser(Key::parse(ADVERTISER).unwrap_or_default()),
            body: Body::default(),
            linker: Linker::new(),
            facts: Vec::new(),
            told: 0,
            cells: Cells::new(),
        }
    }
}

impl Job for Aggregate {
    fn prepare(&mut self, chunk: &[u8]) {
        self.body.fill(chunk, &self.names);
        let arrivals = self.body.arrivals(self.body.read(&self.salt), &self.settings);
        self.facts = self.linker.apply(arrivals).facts;
        if self.users == Users::Left {
            self.facts.iter_mut().for_each(|fact| fact.body.reached = None);
        }
        self.told += self.facts.len() as i64;
    }

    fn step(&mut self) {
        for (key, tally) in cells_of(&self.facts, &self.scope) {
            self.cells.entry(key).or_default().merge(&tally);
        }
    }

    fn answer(&mut self) -> Answer {
        totals(self.told, &self.cells)
    }
}

/// The sums of cells.
pub(super) fn totals(facts: i64, cells: &Cells) -> Answer {
    let mut sum = Measures::ZERO;
    cells.values().for_each(|tally| sum.merge(&tally.measures));
    let told = [
        Measure::Impressions,
        Measure::Clicks,
        Measure::Conversions,
        Measure::ViewThrough,
        Measure::CostMicros,
        Measure::ValueMicros,
    ];
    let sums = told.into_iter().map(|measure| (measure.name(), sum.get(measure)));
    sums.chain([("facts", facts), ("cells", cells.len() as i64)]).collect()
}
