//! Facts: signed rows that say what an event counts as, and the cells that they sum to.

use std::sync::Arc;

use super::LATE_AFTER_MS;
use super::pool::{Money, Pool, Record, Slot};
use super::settle::{SlotLink, State};
use crate::aggregate::Aggregator;
use crate::cell::{CellKey, Cells, Dimension, Scope};
use crate::event::{EventRef, InvalidReason, Kind};
use crate::key::{EventId, Key, UserKey};
use crate::measure::{self, Measure, Measures};
use crate::settings::PriceModel;
use crate::time::{EventTime, Hour};

/// What an event counts as, signed: +1 adds it, -1 takes an earlier one back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fact {
    /// +1 or -1.
    pub sign: i8,
    /// The event.
    pub event: EventRef,
    /// When it happened.
    pub at: EventTime,
    /// What it counts as.
    pub body: FactBody,
}

/// What an event counts as.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactBody {
    /// Counted or invalid.
    pub outcome: Outcome,
    /// Its parents.
    pub link: Link,
    /// Where it counts.
    pub cell: FactCell,
    /// What it counts.
    pub measures: FactMeasures,
    /// What its cost comes from.
    pub basis: Basis,
    /// What its amounts are in, by the settings in force at its arrival.
    pub currency: Key,
    /// The user to add to the cell's reach: that of a valid impression.
    pub reached: Option<UserKey>,
}

/// The cell of a fact; facts of one combination of dimensions share it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactCell {
    /// The hour of the event.
    pub hour: Hour,
    /// One value per [`Dimension`], in its order.
    pub dims: Arc<[Key; Dimension::COUNT]>,
}

impl FactCell {
    /// The value of one dimension.
    pub fn dim(&self, dimension: Dimension) -> &Key {
        &self.dims[dimension as usize]
    }

    /// The cell's key.
    pub fn key(&self) -> CellKey {
        CellKey { hour: self.hour, dims: (*self.dims).clone() }
    }
}

impl From<CellKey> for FactCell {
    fn from(CellKey { hour, dims }: CellKey) -> Self {
        Self { hour, dims: Arc::new(dims) }
    }
}

/// The measures of one event: it counts once for some of them, and has three amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct FactMeasures {
    /// A bit per measure that it counts for, in the order of [`Measure`].
    counted: u32,
    cost_micros: i64,
    value_micros: i64,
    duplicates: i64,
}

const _: () = assert!(Measure::ALL.len() <= 32, "a bit per measure");

impl FactMeasures {
    /// Counts for a measure, once, or sets an amount.
    pub fn set(&mut self, measure: Measure, amount: i64) {
        match measure {
            Measure::CostMicros => self.cost_micros = amount,
            Measure::ValueMicros => self.value_micros = amount,
            Measure::Duplicates => self.duplicates = amount,
            _ if amount == 0 => self.counted &= !(1 << measure as u32),
            _ => self.counted |= 1 << measure as u32,
        }
    }

    /// The figure of one measure.
    pub fn get(&self, measure: Measure) -> i64 {
        match measure {
            Measure::CostMicros => self.cost_micros,
            Measure::ValueMicros => self.value_micros,
            Measure::Duplicates => self.duplicates,
            _ => i64::from(self.counted >> measure as u32 & 1),
        }
    }

    /// The figures that are not zero.
    pub fn iter(&self) -> impl Iterator<Item = (Measure, i64)> {
        let counted = self.counted;
        let bits = std::iter::successors(Some(counted), |bits| Some(bits & bits.wrapping_sub(1)));
        let bits = bits.take_while(|bits| *bits != 0).map(|bits| bits.trailing_zeros() as usize);
        let ones = bits.filter_map(|bit| Measure::ALL.get(bit).map(|measure| (*measure, 1)));
        let amounts = [
            (Measure::CostMicros, self.cost_micros),
            (Measure::ValueMicros, self.value_micros),
            (Measure::Duplicates, self.duplicates),
        ];
        ones.chain(amounts.into_iter().filter(|(_, amount)| *amount != 0))
    }

    /// A bit per measure that it counts for, and the amounts: cost, value, duplicates.
    #[inline]
    pub(crate) fn parts(&self) -> (u32, [i64; 3]) {
        (self.counted, [self.cost_micros, self.value_micros, self.duplicates])
    }

    /// All figures.
    pub fn measures(&self) -> Measures {
        let mut measures = Measures::ZERO;
        self.iter().for_each(|(measure, figure)| measures.add(measure, figure));
        measures
    }
}

/// What the cost of an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// It costs nothing.
    Free,
    /// The event says its own cost.
    Own,
    /// The campaign pays for impressions, a price per thousand.
    Cpm,
    /// The campaign pays for linked clicks.
    Cpc,
    /// The campaign pays for attributed conversions.
    Cpa,
}

impl Basis {
    /// The name in API answers.
    pub fn name(self) -> &'static str {
        match self {
            Basis::Free => "free",
            Basis::Own => "own",
            Basis::Cpm => "cpm",
            Basis::Cpc => "cpc",
            Basis::Cpa => "cpa",
        }
    }
}

/// Whether an event counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Valid.
    Counted,
    /// Invalid traffic: counted apart, never a parent, never billed.
    Invalid(InvalidReason),
}

/// The parents of an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// An impression, or an invalid event.
    Root,
    /// A valid event without a parent, and why.
    Unlinked(Unlinked),
    /// A view or click of this impression.
    Impression(EventId),
    /// A conversion.
    Attributed {
        /// Click-through or view-through.
        through: Through,
        /// The click, for click-through.
        click: Option<EventId>,
        /// The impression; absent when the click has none.
        impression: Option<EventId>,
    },
}

/// What a conversion is attributed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Through {
    /// A click.
    Click,
    /// An impression without a click.
    View,
}

/// Why a valid event has no parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unlinked {
    /// The named parent has not arrived.
    ParentMissing,
    /// The named parent is invalid traffic.
    ParentInvalid,
    /// The named parent lies too far away.
    OutsideWindow,
    /// No parent named, and the user has no touch that fits.
    NoTouch,
    /// No parent named and no user.
    NoKey,
}

impl Outcome {
    /// The name in API answers.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Counted => "counted",
            Outcome::Invalid(_) => "invalid",
        }
    }
}

impl Unlinked {
    /// All of them.
    pub const ALL: [Unlinked; 5] = [
        Unlinked::ParentMissing,
        Unlinked::ParentInvalid,
        Unlinked::OutsideWindow,
        Unlinked::NoTouch,
        Unlinked::NoKey,
    ];

    /// The name in API answers.
    pub fn name(self) -> &'static str {
        match self {
            Unlinked::ParentMissing => "parent_missing",
            Unlinked::ParentInvalid => "parent_invalid",
            Unlinked::OutsideWindow => "outside_window",
            Unlinked::NoTouch => "no_touch",
            Unlinked::NoKey => "no_key",
        }
    }
}

impl Through {
    /// The name in API answers.
    pub fn name(self) -> &'static str {
        match self {
            Through::Click => "click",
            Through::View => "view",
        }
    }
}

impl FactBody {
    /// Why it is invalid, or why it has no parent.
    pub fn reason(&self) -> Option<&'static str> {
        match (self.outcome, &self.link) {
            (Outcome::Invalid(reason), _) => Some(reason.name()),
            (Outcome::Counted, Link::Unlinked(reason)) => Some(reason.name()),
            _ => None,
        }
    }

    /// The impression at the root of its chain.
    pub fn impression(&self) -> Option<&EventId> {
        match &self.link {
            Link::Impression(id) => Some(id),
            Link::Attributed { impression, .. } => impression.as_ref(),
            Link::Root | Link::Unlinked(_) => None,
        }
    }

    /// The click that a conversion is attributed to.
    pub fn click(&self) -> Option<&EventId> {
        match &self.link {
            Link::Attributed { click, .. } => click.as_ref(),
            _ => None,
        }
    }

    /// What a conversion is attributed through.
    pub fn through(&self) -> Option<Through> {
        match self.link {
            Link::Attributed { through, .. } => Some(through),
            _ => None,
        }
    }
}

/// Sums facts to the cells of one scope; facts that lie outside of the scope are left out.
pub fn cells_of<'a>(facts: impl IntoIterator<Item = &'a Fact>, scope: &Scope) -> Cells {
    let mut cells = Cells::new();
    let within = |fact: &&Fact| match scope {
        Scope::Platform => true,
        Scope::Advertiser(key) => fact.body.cell.dim(Dimension::Advertiser) == key,
        Scope::Service(key) => fact.body.cell.dim(Dimension::Service) == key,
    };
    for fact in facts.into_iter().filter(within) {
        let tally = cells.entry(scope.project(&fact.body.cell.key())).or_default();
        let measures = fact.body.measures.measures();
        let measures = if fact.sign < 0 { measures.negate() } else { measures };
        for measure in Measure::ALL.into_iter().filter(|measure| scope.sees(*measure)) {
            tally.measures.add(measure, measures.get(measure));
        }
        if let (1, Some(user)) = (fact.sign, fact.body.reached) {
            tally.users.insert(user);
        }
    }
    cells
}

impl Pool {
    /// What the event in `slot` counts as in this state, delivered again so often.
    pub(super) fn fact(&self, slot: Slot, state: &State, duplicates: u32) -> FactBody {
        let record = Record { duplicates, ..*self.get(slot) };
        let link = self.link_by_id(record.kind, state.link);
        self.body(&record, self.money(slot), state, link)
    }

    /// What an event counts as in this state, which may be in no slot.
    pub(super) fn body(&self, record: &Record, money: Money, state: &State, link: Link) -> FactBody {
        let outcome = state.invalid.map_or(Outcome::Counted, Outcome::Invalid);
        let dims = self.words.dims(state.tuple).clone();
        let cell = FactCell { hour: EventTime(record.at).hour(), dims };
        let (measures, basis) = self.count(record, money, state);
        let currency = self.settings_numbered(record.settings).currency.clone();
        FactBody { outcome, link, cell, measures, basis, currency, reached: reached(record, state) }
    }

    /// What the event counts, and what its cost comes from.
    fn count(&self, record: &Record, money: Money, state: &State) -> (FactMeasures, Basis) {
        let (basis, cost_micros) = match state.invalid {
            None => self.cost(record, money, state),
            Some(_) => (Basis::Free, 0),
        };
        let mut measures = measures(record, money, state);
        measures.set(Measure::CostMicros, cost_micros);
        measures.set(Measure::Duplicates, i64::from(record.duplicates));
        (measures, basis)
    }

    /// Adds what an event counts to its cell, without the words of a fact.
    pub(super) fn tally(&self, record: &Record, money: Money, state: &State, aggregator: &mut Aggregator) {
        let (measures, _) = self.count(record, money, state);
        let (hour, dims) = (EventTime(record.at).hour(), self.words.dims(state.tuple));
        aggregator.add_counted(hour, dims, &measures, reached(record, state));
    }

    /// Adds how often an event was delivered again to the cell that it says itself.
    pub(super) fn tally_duplicates(&self, record: &Record, aggregator: &mut Aggregator) {
        let mut measures = FactMeasures::default();
        measures.set(Measure::Duplicates, i64::from(record.duplicates));
        let (hour, dims) = (EventTime(record.at).hour(), self.words.dims(record.tuple));
        aggregator.add_counted(hour, dims, &measures, None);
    }

    /// A fact of the event in `slot`.
    pub(super) fn signed(&self, sign: i8, slot: Slot, body: FactBody) -> Fact {
        Fact { sign, event: self.event_ref(slot), at: EventTime(self.get(slot).at), body }
    }

    fn link_by_id(&self, kind: Kind, link: SlotLink) -> Link {
        let id = |slot: Slot| self.event_id(slot);
        match link {
            SlotLink::Root => Link::Root,
            SlotLink::Unlinked(reason) => Link::Unlinked(reason),
            SlotLink::Impression(parent) if kind == Kind::Conversion => {
                Link::Attributed { through: Through::View, click: None, impression: Some(id(parent)) }
            }
            SlotLink::Impression(parent) => Link::Impression(id(parent)),
            SlotLink::Click { click, impression } => Link::Attributed {
                through: Through::Click,
                click: Some(id(click)),
                impression: impression.map(id),
            },
        }
    }

    /// An event's own cost, else what the campaign pays for it; a thousandth of a cpm price is rounded down.
    fn cost(&self, record: &Record, money: Money, state: &State) -> (Basis, i64) {
        if let Some(own) = money.cost_micros {
            return (Basis::Own, own);
        }
        let prices = &self.settings_numbered(record.settings).prices;
        if prices.is_empty() {
            return (Basis::Free, 0);
        }
        let linked = state.link.parent().is_some();
        let price = prices.get(self.words.key_of(state.tuple, Dimension::Campaign).as_str());
        match price.map(|price| (price.model, record.kind, price.micros)) {
            Some((PriceModel::Cpm, Kind::Impression, micros)) => (Basis::Cpm, micros / 1_000),
            Some((PriceModel::Cpc, Kind::Click, micros)) if linked => (Basis::Cpc, micros),
            Some((PriceModel::Cpa, Kind::Conversion, micros)) if linked => (Basis::Cpa, micros),
            _ => (Basis::Free, 0),
        }
    }
}

/// The user whom an event reaches.
fn reached(record: &Record, state: &State) -> Option<UserKey> {
    let is_reached = record.has_user && record.kind == Kind::Impression && state.invalid.is_none();
    is_reached.then_some(UserKey(record.group))
}

/// What an event counts, but for its cost and its deliveries.
fn measures(record: &Record, money: Money, state: &State) -> FactMeasures {
    let kind = record.kind;
    let mut measures = FactMeasures::default();
    let mut count = |measure, holds: bool| measures.set(measure, i64::from(holds));
    let State { invalid, link, .. } = *state;
    let (valid, linked) = (invalid.is_none(), link.parent().is_some());
    let through_view = kind == Kind::Conversion && matches!(link, SlotLink::Impression(_));
    count(measure::valid(kind), valid);
    count(Measure::LinkedClicks, valid && kind == Kind::Click && linked);
    count(Measure::ViewThrough, through_view);
    count(Measure::Unattributed, valid && kind == Kind::Conversion && !linked);
    if let Some(reason) = invalid {
        count(measure::invalid(kind), true);
        count(measure::invalid_for(reason, kind), true);
    }
    count(Measure::Late, record.received.saturating_sub(record.at) > LATE_AFTER_MS);
    count(Measure::Waiting, link == SlotLink::Unlinked(Unlinked::ParentMissing));
    if valid {
        measures.set(Measure::ValueMicros, money.value_micros);
    }
    measures
}
