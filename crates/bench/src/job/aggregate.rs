//! Facts to hourly cells by all dimensions, with or without distinct users.

use std::sync::Arc;

use adtally_core::aggregate::Aggregator;
use adtally_core::cell::{Dimension, Scope};
use adtally_core::key::{Key, UserKey, UserSalt};
use adtally_core::link::{Fact, Linker};
use adtally_core::measure::Measure;
use adtally_core::segment::Segment;
use adtally_core::settings::Settings;
use adtally_core::time::Hour;

use super::{Answer, Job};
use crate::body::{ADVERTISER, Body, settings};
use crate::record::Names;

/// Whether distinct users are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Users {
    Counted,
    Left,
}

/// A fact as a linker has it at hand: its dimensions are numbers, and of its figures those that are not zero.
struct Row {
    hour: Hour,
    codes: [u32; Dimension::COUNT],
    /// Where its figures end; they begin where those of the row before end.
    end: u32,
    reached: Option<UserKey>,
}

pub(super) struct Aggregate {
    names: Names,
    salt: UserSalt,
    settings: Arc<Settings>,
    users: Users,
    scope: Scope,
    body: Body,
    linker: Linker,
    rows: Vec<Row>,
    figures: Vec<(Measure, i64)>,
    told: i64,
    aggregator: Aggregator,
    segment: Segment,
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
            rows: Vec::new(),
            figures: Vec::new(),
            told: 0,
            aggregator: Aggregator::default(),
            segment: Segment::default(),
        }
    }

    fn row(&mut self, fact: &Fact) -> Row {
        let sign = i64::from(fact.sign);
        self.figures.extend(fact.body.measures.iter().map(|(measure, figure)| (measure, sign * figure)));
        let cell = &fact.body.cell;
        Row {
            hour: cell.hour,
            codes: Dimension::ALL.map(|dimension| self.aggregator.code(dimension, cell.dim(dimension))),
            end: self.figures.len() as u32,
            reached: fact.body.reached.filter(|_| self.users == Users::Counted && fact.sign > 0),
        }
    }
}

impl Job for Aggregate {
    fn prepare(&mut self, chunk: &[u8]) {
        self.body.fill(chunk, &self.names);
        let arrivals = self.body.arrivals(self.body.read(&self.salt), &self.settings);
        let facts = self.linker.apply(arrivals).facts;
        self.told += facts.len() as i64;
        self.figures.clear();
        self.rows = facts.iter().map(|fact| self.row(fact)).collect();
    }

    fn step(&mut self) {
        let mut start = 0;
        for Row { hour, codes, end, reached } in &self.rows {
            let tuple = self.aggregator.tuple_of(*codes);
            self.aggregator.add(*hour, tuple, &self.figures[start as usize..*end as usize], *reached);
            start = *end;
        }
    }

    fn finish(&mut self) {
        self.segment = self.aggregator.segment(&self.scope);
    }

    fn answer(&mut self) -> Answer {
        totals(self.told, &self.segment)
    }
}

/// The sums of cells.
pub(super) fn totals(facts: i64, segment: &Segment) -> Answer {
    let sum = segment.sums();
    let told = [
        Measure::Impressions,
        Measure::Clicks,
        Measure::Conversions,
        Measure::ViewThrough,
        Measure::CostMicros,
        Measure::ValueMicros,
    ];
    let sums = told.into_iter().map(|measure| (measure.name(), sum.get(measure)));
    sums.chain([("facts", facts), ("cells", segment.len() as i64)]).collect()
}
