//! Order.

use std::cmp::Ordering;

use super::{Run, Sink, bytes};
use crate::error::Result;
use crate::expr::Expr;
use crate::limits::copying;
use crate::plan::{Node, SortKey};
use crate::value::Value;

/// The order of two keys of rows.
pub(super) fn order(keys: &[SortKey], one: &[Value], other: &[Value]) -> Ordering {
    let by_key = keys.iter().zip(one.iter().zip(other)).map(|(key, (one, other))| {
        match (one.is_null(), other.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) if key.nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if key.nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) if key.descending => other.order(one),
            (false, false) => one.order(other),
        }
    });
    by_key.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

impl Run<'_> {
    /// Rows in order, equal ones as they came; of which maybe only the first are wanted.
    pub(super) fn sort(
        &self,
        input: &Node,
        keys: &[SortKey],
        first: Option<usize>,
        take: &mut Sink<'_>,
    ) -> Result<bool> {
        let exprs: Vec<_> = keys.iter().map(|key| key.expr.clone()).collect();
        let size = 2 + exprs.iter().map(Expr::size).sum::<u64>();
        // Where few are wanted, the others are let go from time to time.
        let room = first.and_then(|first| first.checked_mul(2)).map(|room| room.max(1_024));
        let mut rows: Vec<(Vec<Value>, u64, Vec<Value>)> = Vec::new();
        let in_order = |a: &(Vec<Value>, u64, Vec<Value>), b: &(Vec<Value>, u64, Vec<Value>)| {
            order(keys, &a.0, &b.0).then(a.1.cmp(&b.1))
        };
        let mut number = 0;
        self.rows(input, &mut |row| {
            self.meter().work(size + copying(row.len()))?;
            let (key, _held) = self.eval_all(&exprs, row)?;
            self.keep(row)?;
            self.keep(&key)?;
            rows.push((key, number, row.to_vec()));
            number += 1;
            if let (Some(room), Some(first)) = (room, first)
                && rows.len() > room
            {
                rows.select_nth_unstable_by(first.min(room), in_order);
                let gone = rows.drain(first..).map(|(key, _, row)| bytes(&key) + bytes(&row));
                self.meter().release(gone.sum());
            }
            Ok(true)
        })?;
        rows.sort_unstable_by(in_order);
        for (_, _, row) in rows.into_iter().take(first.unwrap_or(usize::MAX)) {
            if !take(&row)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
