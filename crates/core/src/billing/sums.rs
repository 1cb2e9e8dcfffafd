//! What a ledger keeps of entries: sums by hour and account.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{Entry, EntryKind};
use crate::key::Key;
use crate::link::Basis;
use crate::time::Hour;

/// What sums are told apart by, besides the hour of the event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Account {
    /// The campaign; empty where the event has none.
    pub campaign: Key,
    /// ISO 4217; amounts of two currencies are never added.
    pub currency: Key,
    /// What the amounts come from.
    pub basis: Basis,
}

/// Sums of charges and credits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    /// How many charges.
    pub charges: u64,
    /// How many credits.
    pub credits: u64,
    /// Sum of the charges.
    pub charged_micros: i64,
    /// Sum of the credits, not negative.
    pub credited_micros: i64,
}

/// A sum does not fit 64 bits: whoever is billed that much has a mistake in its amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a sum of amounts exceeds 64 bits")]
pub struct Overflow;

impl Sums {
    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Sums) -> Result<(), Overflow> {
        let add = |a: i64, b: i64| a.checked_add(b).ok_or(Overflow);
        *self = Sums {
            charges: self.charges + other.charges,
            credits: self.credits + other.credits,
            charged_micros: add(self.charged_micros, other.charged_micros)?,
            credited_micros: add(self.credited_micros, other.credited_micros)?,
        };
        Ok(())
    }

    /// What is left to pay.
    pub fn net_micros(&self) -> i64 {
        self.charged_micros - self.credited_micros
    }
}

impl From<&Entry> for Sums {
    fn from(entry: &Entry) -> Self {
        let amount = entry.charge.amount_micros;
        match entry.kind {
            EntryKind::Charge => Sums { charges: 1, charged_micros: amount, ..Sums::default() },
            EntryKind::Credit => Sums { credits: 1, credited_micros: amount, ..Sums::default() },
        }
    }
}

/// Sums entries by the hour of their event and their account.
pub fn add_up<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
) -> Result<BTreeMap<Hour, BTreeMap<Account, Sums>>, Overflow> {
    let mut hours: BTreeMap<Hour, BTreeMap<Account, Sums>> = BTreeMap::new();
    for entry in entries {
        let charge = &entry.charge;
        let (campaign, currency) = (charge.campaign.clone(), charge.currency.clone());
        let account = Account { campaign, currency, basis: charge.basis };
        hours.entry(charge.at.hour()).or_default().entry(account).or_default().merge(&Sums::from(entry))?;
    }
    Ok(hours)
}
