//! Counts links by the rule that made them, as other engines can be asked for them.

use std::collections::HashSet;

use adtally_core::event::Kind;
use adtally_core::key::EventId;
use adtally_core::link::{Admission, Fact, Link, Through};

use super::Answer;
use crate::record::EventRecord;

/// Sums of parents are told modulo this prime.
const PRIME: u64 = 1_000_003;

/// The rules, as other engines number them from 1.
const RULES: [&str; 5] =
    ["click_named", "click_by_user", "conversion_named", "conversion_by_click", "conversion_by_view"];
const SUMS: [&str; 5] = [
    "click_named_parents",
    "click_by_user_parents",
    "conversion_named_parents",
    "conversion_by_click_parents",
    "conversion_by_view_parents",
];

/// What the facts so far amount to.
#[derive(Default)]
pub(super) struct Linked {
    unique: i64,
    /// Events that name a parent.
    named: HashSet<u64>,
    counts: [i64; 5],
    parents: [i64; 5],
}

impl Linked {
    /// Notes which events name a parent.
    pub(super) fn expect(&mut self, chunk: &[u8]) {
        let naming = EventRecord::all(chunk).filter(|record| record.impression != 0 || record.click != 0);
        self.named.extend(naming.map(|record| record.id));
    }

    /// Counts what was admitted.
    pub(super) fn admitted(&mut self, admissions: &[Admission]) {
        let new = admissions.iter().filter(|admission| matches!(admission, Admission::Accepted(_)));
        self.accepted(new.count() as u64);
    }

    /// Counts so many events that were accepted.
    pub(super) fn accepted(&mut self, events: u64) {
        self.unique += events.cast_signed();
    }

    /// Counts facts, those that are taken back too.
    pub(super) fn count(&mut self, facts: &[Fact]) {
        for fact in facts {
            let Some((by_view, parent)) = parent(&fact.body.link) else { continue };
            let is_named = self.named.contains(&number(&fact.event.id));
            let rule = match (fact.event.kind, is_named, by_view) {
                (Kind::Conversion, true, _) => 2,
                (Kind::Conversion, false, false) => 3,
                (Kind::Conversion, false, true) => 4,
                (_, true, _) => 0,
                (_, false, _) => 1,
            };
            let sign = i64::from(fact.sign);
            self.counts[rule] += sign;
            self.parents[rule] += sign * (number(parent) % PRIME).cast_signed();
        }
    }

    pub(super) fn answer(&self) -> Answer {
        let modulo = |sum: &i64| sum.rem_euclid(PRIME.cast_signed());
        let counts = RULES.into_iter().zip(self.counts);
        let sums = SUMS.into_iter().zip(self.parents.iter().map(modulo));
        [("unique", self.unique)].into_iter().chain(counts).chain(sums).collect()
    }
}

/// The parent that a link leads to, and whether it is an impression that a conversion has for want of a click.
fn parent(link: &Link) -> Option<(bool, &EventId)> {
    match link {
        Link::Root | Link::Unlinked(_) => None,
        Link::Impression(impression) => Some((false, impression)),
        Link::Attributed { through: Through::View, impression, .. } => Some((true, impression.as_ref()?)),
        Link::Attributed { through: Through::Click, click, .. } => Some((false, click.as_ref()?)),
    }
}

/// The number of an id that `Body` wrote.
fn number(id: &EventId) -> u64 {
    u64::from_str_radix(id.as_str(), 16).unwrap_or(0)
}
