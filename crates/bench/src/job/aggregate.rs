//! Facts to hourly cells by all dimensions, with or without distinct users.

use std::sync::Arc;

use adtally_core::aggregate::Aggregator;
use adtally_core::cell::{Dimension, Scope};
use adtally_core::key::{Key, UserKey, UserSalt};
use adtally_core::link::{Fact, FactMeasures, Linker};
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

/// Facts in columns, their dimensions as numbers: all are in memory before the clock starts, as for other engines.
#[derive(Default)]
struct Rows {
    hours: Vec<Hour>,
    codes: Vec<[u32; Dimension::COUNT]>,
    signs: Vec<i8>,
    measures: Vec<FactMeasures>,
    /// None where users are not counted.
    reached: Vec<Option<UserKey>>,
}

pub(super) struct Aggregate {
    names: Names,
    salt: UserSalt,
    settings: Arc<Settings>,
    users: Users,
    scope: Scope,
    body: Body,
    linker: Linker,
    rows: Rows,
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
            rows: Rows::default(),
            aggregator: Aggregator::default(),
            segment: Segment::default(),
        }
    }

    fn keep(&mut self, fact: &Fact) {
        let Fact { sign, body, .. } = fact;
        let codes = Dimension::ALL.map(|dimension| self.aggregator.code(dimension, body.cell.dim(dimension)));
        self.rows.hours.push(body.cell.hour);
        self.rows.codes.push(codes);
        self.rows.signs.push(*sign);
        self.rows.measures.push(body.measures);
        if self.users == Users::Counted {
            self.rows.reached.push(body.reached);
        }
    }
}

impl Job for Aggregate {
    fn prepare(&mut self, chunk: &[u8]) {
        self.body.fill(chunk, &self.names);
        let arrivals = self.body.arrivals(self.body.read(&self.salt), &self.settings);
        let facts = self.linker.apply(arrivals).facts;
        facts.iter().for_each(|fact| self.keep(fact));
    }

    fn step(&mut self) {}

    fn finish(&mut self) {
        let Rows { hours, codes, signs, measures, reached } = &self.rows;
        let reached = reached.iter().copied().chain(std::iter::repeat(None));
        let rows = hours.iter().zip(codes).zip(signs.iter().zip(measures)).zip(reached);
        for (((hour, codes), (sign, measures)), reached) in rows {
            let tuple = self.aggregator.tuple_of(codes);
            self.aggregator.count(*hour, tuple, *sign, measures, reached);
        }
        self.segment = self.aggregator.segment(&self.scope);
    }

    fn answer(&mut self) -> Answer {
        totals(self.rows.hours.len() as i64, &self.segment)
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
