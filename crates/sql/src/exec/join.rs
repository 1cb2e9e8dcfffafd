//! Joins: the right side is kept, by key where there is one.

use rustc_hash::FxHashMap;

use super::{Run, Sink};
use crate::error::Result;
use crate::expr::Expr;
use crate::limits::copying;
use crate::plan::Join;
use crate::value::Value;

impl Run<'_> {
    pub(super) fn join(&self, join: &Join, take: &mut Sink<'_>) -> Result<bool> {
        let (left_keys, right_keys): (Vec<Expr>, Vec<Expr>) = join.keys.iter().cloned().unzip();
        let size_of_all = |exprs: &[Expr]| exprs.iter().map(Expr::size).sum::<u64>();
        let (left_size, right_size) = (size_of_all(&left_keys), size_of_all(&right_keys));
        let mut kept: Vec<Vec<Value>> = Vec::new();
        let mut by_key: FxHashMap<Vec<Value>, Vec<u32>> = FxHashMap::default();
        self.rows(&join.right, &mut |row| {
            self.meter().work(1 + right_size + copying(row.len()))?;
            let (key, _held) = self.eval_all(&right_keys, row)?;
            if key.iter().any(Value::is_null) {
                return Ok(true);
            }
            self.keep(row)?;
            self.keep(&key)?;
            by_key.entry(key).or_default().push(kept.len() as u32);
            kept.push(row.to_vec());
            Ok(true)
        })?;
        let size = 1 + copying(join.right_width) + join.condition.as_ref().map_or(0, Expr::size);
        let mut both: Vec<Value> = Vec::with_capacity(join.left_width + join.right_width);
        self.rows(&join.left, &mut |row| {
            self.meter().work(1 + left_size + copying(row.len()))?;
            let (key, _held) = self.eval_all(&left_keys, row)?;
            let partners = by_key.get(&key).filter(|_| !key.iter().any(Value::is_null));
            let mut has_partner = false;
            both.clear();
            both.extend_from_slice(row);
            for partner in partners.into_iter().flatten() {
                self.meter().work(size)?;
                both.truncate(row.len());
                both.extend_from_slice(&kept[*partner as usize]);
                if let Some(condition) = &join.condition
                    && !condition.holds(&both, &self.answers)?
                {
                    continue;
                }
                has_partner = true;
                if !take(&both)? {
                    return Ok(false);
                }
            }
            if !has_partner && join.outer {
                both.truncate(row.len());
                both.resize(join.left_width + join.right_width, Value::Null);
                return take(&both);
            }
            Ok(true)
        })
    }
}
