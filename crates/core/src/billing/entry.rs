//! Charges and credits.

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

use crate::cell::Dimension;
use crate::event::EventRef;
use crate::key::{EventId, Key};
use crate::link::{Basis, Fact, FactBody, Through};
use crate::measure::Measure;
use crate::time::EventTime;

/// What an event costs, and everything that a bill says about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Charge {
    /// The event.
    pub event: EventRef,
    /// When it happened.
    pub at: EventTime,
    /// Who pays.
    pub advertiser: Key,
    /// More than 0, in millionths of the currency.
    pub amount_micros: i64,
    /// ISO 4217; empty where the catalog did not know the advertiser when the event arrived.
    pub currency: Key,
    /// What the amount comes from.
    pub basis: Basis,
    /// The campaign, its own or inherited.
    pub campaign: Key,
    /// What was shown.
    pub ad: Key,
    /// The publisher service that showed it.
    pub service: Key,
    /// The place in the service.
    pub placement: Key,
    /// The impression at the root of its chain.
    pub impression: Option<EventId>,
    /// The click that a conversion is attributed to.
    pub click: Option<EventId>,
    /// What a conversion is attributed through.
    pub through: Option<Through>,
}

/// The identity of a charge: the first 128 bits of SHA-256 over all of its fields.
///
/// A credit carries that of the charge that it takes back, so entries of one identity sum to its amount or to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChargeId(pub [u8; 16]);

/// Whether an entry adds or takes back; the order is that in which the entries of one event are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryKind {
    /// Takes an earlier charge back.
    Credit,
    /// The event costs this.
    Charge,
}

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Charge or credit.
    pub kind: EntryKind,
    /// What is charged or taken back.
    pub charge: Charge,
}

impl EntryKind {
    /// The name in messages and API answers.
    pub fn name(self) -> &'static str {
        match self {
            EntryKind::Credit => "credit",
            EntryKind::Charge => "charge",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<EntryKind> {
        [EntryKind::Credit, EntryKind::Charge].into_iter().find(|kind| kind.name() == name)
    }
}

impl Charge {
    /// What a fact costs; `None` where it costs nothing.
    pub fn of(event: &EventRef, at: EventTime, body: &FactBody) -> Option<Charge> {
        let amount_micros = body.measures.get(Measure::CostMicros);
        if amount_micros == 0 {
            return None;
        }
        let dim = |dimension| body.cell.dim(dimension).clone();
        Some(Charge {
            event: event.clone(),
            at,
            advertiser: dim(Dimension::Advertiser),
            amount_micros,
            currency: body.currency.clone(),
            basis: body.basis,
            campaign: dim(Dimension::Campaign),
            ad: dim(Dimension::Ad),
            service: dim(Dimension::Service),
            placement: dim(Dimension::Placement),
            impression: body.impression().cloned(),
            click: body.click().cloned(),
            through: body.through(),
        })
    }

    /// Its identity.
    pub fn identity(&self) -> ChargeId {
        let mut hash = Sha256::new();
        hash.update(b"adtally charge 1");
        let mut text = |text: &str| {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        };
        text(self.event.kind.name());
        text(self.event.id.as_str());
        text(self.basis.name());
        text(self.through.map_or("", Through::name));
        // No id is empty, so the absent one is not another's.
        text(self.impression.as_ref().map_or("", EventId::as_str));
        text(self.click.as_ref().map_or("", EventId::as_str));
        let keys =
            [&self.advertiser, &self.currency, &self.campaign, &self.ad, &self.service, &self.placement];
        keys.into_iter().for_each(|key| text(key.as_str()));
        hash.update(self.at.0.to_be_bytes());
        hash.update(self.amount_micros.to_be_bytes());
        let digest = hash.finalize();
        let mut first = [0; 16];
        first.copy_from_slice(&digest[..16]);
        ChargeId(first)
    }
}

impl Entry {
    /// What it adds to a sum.
    pub fn signed_micros(&self) -> i64 {
        match self.kind {
            EntryKind::Charge => self.charge.amount_micros,
            EntryKind::Credit => -self.charge.amount_micros,
        }
    }
}

impl fmt::Display for ChargeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The entries that signed facts amount to, netted, by event; credits of an event come before its charges.
pub fn entries(facts: &[Fact]) -> Vec<Entry> {
    let mut net: BTreeMap<Charge, i64> = BTreeMap::new();
    for fact in facts {
        if let Some(charge) = Charge::of(&fact.event, fact.at, &fact.body) {
            *net.entry(charge).or_default() += i64::from(fact.sign);
        }
    }
    let mut entries = Vec::new();
    for (charge, count) in net {
        let kind = if count < 0 { EntryKind::Credit } else { EntryKind::Charge };
        for _ in 0..count.unsigned_abs() {
            entries.push(Entry { kind, charge: charge.clone() });
        }
    }
    // Charges sort by event first: the sort only moves credits before charges.
    entries.sort_by(|a, b| (&a.charge.event, a.kind).cmp(&(&b.charge.event, b.kind)));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cell::CellKey;
    use crate::event::Kind;
    use crate::link::FactMeasures;
    use crate::link::{Link, Outcome};

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    fn id(text: &str) -> EventId {
        EventId::parse(text).unwrap()
    }

    /// A click of `impression` that costs so much.
    fn click(sign: i8, event: &str, impression: &str, cost: i64) -> Fact {
        let at = EventTime(1_532_271_600_123);
        let mut cell = CellKey::at(at.hour());
        cell.set(Dimension::Advertiser, key("acme"));
        cell.set(Dimension::Campaign, key("summer"));
        let mut measures = FactMeasures::default();
        measures.set(Measure::CostMicros, cost);
        let body = FactBody {
            outcome: Outcome::Counted,
            link: Link::Impression(id(impression)),
            cell: cell.into(),
            measures,
            basis: Basis::Cpc,
            currency: key("EUR"),
            reached: None,
        };
        Fact { sign, event: EventRef { kind: Kind::Click, id: id(event) }, at, body }
    }

    fn check(facts: &[Fact], expected: &[(&str, &str, i64)]) {
        let entries = entries(facts);
        let found: Vec<_> = entries
            .iter()
            .map(|entry| {
                let impression = entry.charge.impression.as_ref().unwrap();
                (entry.charge.event.id.as_str(), impression.as_str(), entry.signed_micros())
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn what_changes_back_makes_no_entries() {
        check(&[], &[]);
        check(&[click(1, "c", "i", 0)], &[]);
        check(&[click(1, "c", "i", 5), click(1, "b", "i", 7)], &[("b", "i", 7), ("c", "i", 5)]);
        check(&[click(1, "c", "i", 5), click(-1, "c", "i", 5)], &[]);
        check(
            &[click(-1, "c", "i", 5), click(1, "c", "i", 0), click(-1, "c", "i", 0), click(1, "c", "i", 5)],
            &[],
        );
        check(&[click(1, "c", "i", 5), click(-1, "c", "i", 5), click(1, "c", "i", 9)], &[("c", "i", 9)]);
        check(&[click(-1, "c", "i", 5), click(1, "c", "i", 0)], &[("c", "i", -5)]);
    }

    #[test]
    fn another_parent_is_another_charge() {
        let facts = [click(-1, "c", "i", 5), click(1, "c", "a", 5)];
        check(&facts, &[("c", "i", -5), ("c", "a", 5)]);
        let [credit, charge] = &entries(&facts)[..] else { panic!("two entries") };
        assert_ne!(credit.charge.identity(), charge.charge.identity());
    }

    #[test]
    fn what_no_bill_names_makes_no_entries() {
        let before = click(-1, "c", "i", 5);
        let mut after = click(1, "c", "i", 5);
        after.body.measures.set(Measure::Duplicates, 1);
        let mut cell = after.body.cell.key();
        cell.set(Dimension::Country, key("KR"));
        after.body.cell = cell.into();
        check(&[before, after], &[]);
    }

    /// Ledgers have stored it: it must never change.
    #[test]
    fn the_identity_of_a_charge_is_fixed() {
        let fact = click(1, "c", "i", 5);
        let charge = Charge::of(&fact.event, fact.at, &fact.body).unwrap();
        assert_eq!(charge.identity().to_string(), "ed96f41f0e3f51ef1210cf9a24619e72");
    }
}
