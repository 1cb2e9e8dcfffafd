//! The rows of a ledger that hold an hour's sums.

use adtally_core::billing::{Account, Sums};
use adtally_core::key::Key;
use serde::{Deserialize, Serialize};

use super::message::basis;
use crate::versioned::{VersionedError, decode, encode};

#[derive(Serialize, Deserialize)]
struct RowV1 {
    campaign: String,
    currency: String,
    basis: String,
    charges: u64,
    credits: u64,
    charged_micros: i64,
    credited_micros: i64,
}

/// The bytes of a row.
pub fn encode_sums<'a>(sums: impl IntoIterator<Item = (&'a Account, &'a Sums)>) -> Vec<u8> {
    let row = |(account, sums): (&Account, &Sums)| RowV1 {
        campaign: account.campaign.to_string(),
        currency: account.currency.to_string(),
        basis: account.basis.name().to_owned(),
        charges: sums.charges,
        credits: sums.credits,
        charged_micros: sums.charged_micros,
        credited_micros: sums.credited_micros,
    };
    encode(&sums.into_iter().map(row).collect::<Vec<_>>())
}

/// Reads what [`encode_sums`] wrote.
pub fn decode_sums(bytes: &[u8]) -> Result<Vec<(Account, Sums)>, VersionedError> {
    let key = |text: &str| Key::parse(text).map_err(|_| VersionedError::Invalid("key"));
    let rows: Vec<RowV1> = decode(bytes)?;
    let row = |row: RowV1| {
        let basis = basis(&row.basis).map_err(|_| VersionedError::Invalid("basis"))?;
        let account = Account { campaign: key(&row.campaign)?, currency: key(&row.currency)?, basis };
        let sums = Sums {
            charges: row.charges,
            credits: row.credits,
            charged_micros: row.charged_micros,
            credited_micros: row.credited_micros,
        };
        Ok((account, sums))
    };
    rows.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use adtally_core::link::Basis;

    use super::*;

    #[test]
    fn both_ways() {
        let key = |text: &str| Key::parse(text).unwrap();
        let account = Account { campaign: key("여름"), currency: key("USD"), basis: Basis::Cpm };
        let sums = Sums { charges: 3, credits: 1, charged_micros: i64::MAX, credited_micros: 7 };
        let bytes = encode_sums([(&account, &sums)]);
        assert_eq!(decode_sums(&bytes), Ok(vec![(account, sums)]));
        assert!(decode_sums(&bytes[..bytes.len() - 1]).is_err());
    }
}
