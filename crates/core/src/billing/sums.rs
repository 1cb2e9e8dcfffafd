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

/// Sums by hour of the event and account.
pub type HourlySums = BTreeMap<Hour, BTreeMap<Account, Sums>>;

/// Sums entries.
pub fn add_up<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<HourlySums, Overflow> {
    let mut hours = HourlySums::new();
    for entry in entries {
        let charge = &entry.charge;
        let (campaign, currency) = (charge.campaign.clone(), charge.currency.clone());
        let account = Account { campaign, currency, basis: charge.basis };
        hours.entry(charge.at.hour()).or_default().entry(account).or_default().merge(&Sums::from(entry))?;
    }
    Ok(hours)
}

/// Adds all of `more` to `book`, or nothing of it.
pub fn book(book: &mut HourlySums, more: HourlySums) -> Result<(), Overflow> {
    for (hour, accounts) in &more {
        let before = book.get(hour);
        for (account, sums) in accounts {
            let mut after = before.and_then(|known| known.get(account)).copied().unwrap_or_default();
            after.merge(sums)?;
        }
    }
    for (hour, accounts) in more {
        for (account, sums) in accounts {
            book.entry(hour).or_default().entry(account).or_default().merge(&sums)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_or_nothing() {
        let key = |text: &str| Key::parse(text).unwrap();
        let account =
            |campaign: &str| Account { campaign: key(campaign), currency: key("USD"), basis: Basis::Own };
        let charged = |micros| Sums { charges: 1, charged_micros: micros, ..Sums::default() };
        let one =
            |campaign, micros| HourlySums::from([(Hour(1), [(account(campaign), charged(micros))].into())]);
        let mut sums = one("a", i64::MAX);
        book(&mut sums, one("b", 5)).unwrap();
        let before = sums.clone();
        let mut too_much = one("a", 1);
        too_much.entry(Hour(0)).or_default().insert(account("c"), charged(7));
        assert_eq!(book(&mut sums, too_much), Err(Overflow));
        assert_eq!(sums, before);
        book(&mut sums, one("b", 6)).unwrap();
        assert_eq!(sums[&Hour(1)][&account("b")], Sums { charges: 2, charged_micros: 11, ..Sums::default() });
    }
}
