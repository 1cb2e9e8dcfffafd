//! Rulings: what the batch finds out about a day, told to those who link.

use adtally_core::batch::Ruling;
use adtally_wire::batch::{Bytes, Rulings};
use adtally_wire::log::encode_row;
use worker::{Response, Result};

use super::Node;
use super::memory::Memory;
use crate::clock;
use crate::objects::refuse;

/// The most rulings of a log row: some hundred kilobytes.
const MAX_ROW_RULINGS: usize = 10_000;

impl Node {
    /// Goes by rulings from now on; answers when they are durable. May be repeated: those in force change nothing.
    ///
    /// 1. Setting the alarm may be repeated: it only moves.
    /// 2. Storing does not wait.
    pub(super) async fn rule(self: &std::rc::Rc<Self>, bytes: &[u8]) -> Result<Response> {
        let rulings = Rulings::from_bytes(bytes).map(|rulings| rulings.rulings.into_iter());
        let rulings = rulings.and_then(|rulings| rulings.map(Ruling::try_from).collect());
        let rulings: Vec<Ruling> = match rulings {
            Ok(rulings) => rulings,
            Err(error) => return refuse(400, None, &error.to_string()),
        };
        self.ensure_alarm().await;
        self.change_memory(|memory| memory.store_rulings(&rulings))?;
        self.flush_soon();
        Response::empty()
    }
}

impl Memory {
    fn store_rulings(&mut self, rulings: &[Ruling]) -> Result<()> {
        for rulings in rulings.chunks(MAX_ROW_RULINGS) {
            let Some(row) = self.shard.rule(rulings.iter().copied(), clock::now()) else { continue };
            let id = self.store.append_rulings(encode_row(&row), &row.rulings)?;
            self.link(id, row)?;
        }
        Ok(())
    }
}
