//! How far a ledger is delivered to each topic.

use adtally_kafka::{Delivery, Place};
use worker::{Error, Result};

use super::LedgerStore;
use crate::storage::sql::integer;

/// What is not delivered yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Behind {
    /// Batches that are not begun.
    pub(crate) batches: i64,
    /// When the first of them was taken, in ms since 1970.
    pub(crate) oldest_ms: Option<i64>,
}

impl LedgerStore {
    /// How far it is delivered to a topic; nothing yet, if nobody said so.
    pub(crate) fn delivery(&self, topic: &str) -> Result<Delivery> {
        let query = "SELECT state FROM deliveries WHERE topic = ?";
        match self.database.rows(query, vec![topic.into()])?.first_mut() {
            Some(row) => Delivery::parse(&row.text()?)
                .map_err(|error| Error::RustError(format!("stored delivery: {error}"))),
            None => Ok(Delivery::default()),
        }
    }

    /// Stores it.
    pub(crate) fn put_delivery(&self, topic: &str, delivery: &Delivery) -> Result<()> {
        let upsert = "INSERT OR REPLACE INTO deliveries (topic, state) VALUES (?, ?)";
        self.database.run(upsert, vec![topic.into(), delivery.to_text().into()]).map(drop)
    }

    /// Has every delivery go on as a new producer: after a restore the brokers know more of the old one than this does,
    /// and would take other records for repeated ones.
    pub(crate) fn forget_producers(&self) -> Result<()> {
        let rows = self.database.rows("SELECT topic FROM deliveries", vec![])?;
        let topics = rows.into_iter().map(|mut row| row.text()).collect::<Result<Vec<_>>>()?;
        for topic in topics {
            let mut delivery = self.delivery(&topic)?;
            delivery.begin_anew();
            self.put_delivery(&topic, &delivery)?;
        }
        Ok(())
    }

    /// What lies behind a place.
    pub(crate) fn behind(&self, place: Place) -> Result<Behind> {
        let query = "SELECT count(*), min(taken_ms) FROM batches WHERE id > ?";
        let Some(mut row) = self.database.rows(query, vec![integer(place.batch)?])?.into_iter().next() else {
            return Ok(Behind { batches: 0, oldest_ms: None });
        };
        Ok(Behind { batches: row.integer()?, oldest_ms: row.integer_or_null()? })
    }
}
