//! Window functions: rows are kept, put in order within their partitions, and numbered or added up.

use rustc_hash::FxHashMap;

use super::aggregate::State;
use super::sort::order;
use super::{Run, Sink};
use crate::error::Result;
use crate::expr::Expr;
use crate::limits::copying;
use crate::plan::{Node, WindowCall, WindowFunction};
use crate::value::Value;

impl Run<'_> {
    pub(super) fn window(&self, input: &Node, calls: &[WindowCall], take: &mut Sink<'_>) -> Result<bool> {
        let mut rows: Vec<Vec<Value>> = Vec::new();
        self.rows(input, &mut |row| {
            self.meter().work(copying(row.len()))?;
            self.keep(row)?;
            rows.push(row.to_vec());
            Ok(true)
        })?;
        let results = calls.iter().map(|call| self.results(call, &rows)).collect::<Result<Vec<_>>>()?;
        for (number, mut row) in rows.into_iter().enumerate() {
            row.extend(results.iter().map(|results| results[number].clone()));
            if !take(&row)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// One value per row.
    fn results(&self, call: &WindowCall, rows: &[Vec<Value>]) -> Result<Vec<Value>> {
        let mut partitions: FxHashMap<Vec<Value>, Vec<usize>> = FxHashMap::default();
        let mut sort_keys = Vec::with_capacity(rows.len());
        let order_exprs: Vec<_> = call.order.iter().map(|key| key.expr.clone()).collect();
        let exprs = call.partition.iter().chain(&order_exprs).chain(&call.arguments);
        let size = 6 + exprs.map(Expr::size).sum::<u64>();
        for (number, row) in rows.iter().enumerate() {
            self.meter().work(size)?;
            let (key, _held) = self.eval_all(&call.partition, row)?;
            self.keep(&key)?;
            partitions.entry(key).or_default().push(number);
            let (sort_key, _held) = self.eval_all(&order_exprs, row)?;
            self.keep(&sort_key)?;
            sort_keys.push(sort_key);
        }
        let mut results = vec![Value::Null; rows.len()];
        for (_, mut partition) in partitions {
            partition.sort_by(|a, b| order(&call.order, &sort_keys[*a], &sort_keys[*b]));
            self.partition(call, rows, &partition, &sort_keys, &mut results)?;
        }
        Ok(results)
    }

    fn partition(
        &self,
        call: &WindowCall,
        rows: &[Vec<Value>],
        partition: &[usize],
        sort_keys: &[Vec<Value>],
        results: &mut [Value],
    ) -> Result<()> {
        let same = |a: usize, b: usize| {
            !call.by_row && order(&call.order, &sort_keys[partition[a]], &sort_keys[partition[b]]).is_eq()
        };
        let mut state = match call.function {
            WindowFunction::Aggregate(kind) => Some(State::new(kind, false)),
            _ => None,
        };
        let (mut start, mut dense) = (0, 0);
        while start < partition.len() {
            // Rows that are equal in order have the same frame.
            let mut end = start + 1;
            while end < partition.len() && same(start, end) {
                end += 1;
            }
            dense += 1;
            if let Some(state) = &mut state {
                for row in &partition[start..end] {
                    let (arguments, _held) = self.eval_all(&call.arguments, &rows[*row])?;
                    state.add(&arguments, self).map_err(|error| error.at(call.place))?;
                }
            }
            for (place, row) in (start..).zip(&partition[start..end]) {
                let integer = |number: usize| Value::Integer(number as i64);
                results[*row] = match call.function {
                    WindowFunction::RowNumber => integer(place + 1),
                    WindowFunction::Rank => integer(start + 1),
                    WindowFunction::DenseRank => integer(dense),
                    WindowFunction::Aggregate(_) => state.as_ref().map_or(Value::Null, State::result),
                    WindowFunction::FirstValue => {
                        call.arguments[0].eval(&rows[partition[0]], &self.answers)?
                    }
                    WindowFunction::Lag | WindowFunction::Lead => {
                        self.neighbour(call, rows, partition, place)?
                    }
                };
                self.meter().keep(results[*row].bytes())?;
            }
            start = end;
        }
        Ok(())
    }

    /// The value of a row before or behind, or what stands for one that is not there.
    fn neighbour(
        &self,
        call: &WindowCall,
        rows: &[Vec<Value>],
        partition: &[usize],
        place: usize,
    ) -> Result<Value> {
        let row = &rows[partition[place]];
        let argument =
            |number: usize| call.arguments.get(number).map(|expr| expr.eval(row, &self.answers)).transpose();
        let by = match argument(1)? {
            None => 1,
            Some(Value::Integer(by)) => by,
            Some(_) => return Ok(Value::Null),
        };
        let by = if call.function == WindowFunction::Lag { by.saturating_neg() } else { by };
        let other = i64::try_from(place).ok().and_then(|place| place.checked_add(by));
        match other.and_then(|other| partition.get(usize::try_from(other).ok()?)) {
            Some(other) => call.arguments[0].eval(&rows[*other], &self.answers),
            None => Ok(argument(2)?.unwrap_or(Value::Null)),
        }
    }
}
