//! Groups.

use std::cmp::Ordering;
use std::rc::Rc;

use adtally_core::sketch::Sketch;
use rustc_hash::FxHashSet;

use super::{Grouped, Run, Sink};
use crate::error::Result;
use crate::eval::arithmetic;
use crate::expr::{Arithmetic, Expr};
use crate::limits::copying;
use crate::plan::{Aggregate, AggregateCall, AggregateKind};
use crate::value::Value;

/// A group: its key and what its aggregates have come to.
#[derive(Default)]
struct Group {
    key: Vec<Value>,
    states: Vec<State>,
}

/// What an aggregate has come to.
pub(super) struct State {
    kind: AggregateKind,
    seen: Option<FxHashSet<Vec<Value>>>,
    count: i64,
    /// The sum, the least or the greatest.
    value: Value,
    users: Sketch,
}

impl State {
    pub(super) fn new(kind: AggregateKind, distinct: bool) -> Self {
        let seen = distinct.then(FxHashSet::default);
        Self { kind, seen, count: 0, value: Value::Null, users: Sketch::default() }
    }

    /// Takes in the arguments of a row; null counts nowhere.
    pub(super) fn add(&mut self, arguments: &[Value], run: &Run<'_>) -> Result<()> {
        if arguments.iter().any(Value::is_null) {
            return Ok(());
        }
        if let Some(seen) = &mut self.seen {
            if seen.contains(arguments) {
                return Ok(());
            }
            run.keep(arguments)?;
            seen.insert(arguments.to_vec());
        }
        self.count += 1;
        let Some(argument) = arguments.first() else { return Ok(()) };
        match self.kind {
            AggregateKind::Count => {}
            AggregateKind::Sum | AggregateKind::Avg => {
                self.value = match (&self.value, argument) {
                    (Value::Null, first) => first.clone(),
                    (sum, more) => arithmetic(Arithmetic::Add, sum, more)?,
                };
            }
            AggregateKind::Min => {
                if self.value.is_null() || argument.compare(&self.value) == Some(Ordering::Less) {
                    self.take(argument, run)?;
                }
            }
            AggregateKind::Max => {
                if self.value.is_null() || argument.compare(&self.value) == Some(Ordering::Greater) {
                    self.take(argument, run)?;
                }
            }
            AggregateKind::Users => {
                if let Value::Users(users) = argument {
                    self.users.merge(users);
                }
            }
        }
        Ok(())
    }

    /// Keeps a value in place of the one before.
    fn take(&mut self, value: &Value, run: &Run<'_>) -> Result<()> {
        run.meter().release(self.value.text_bytes());
        run.meter().keep(value.text_bytes())?;
        self.value = value.clone();
        Ok(())
    }

    pub(super) fn result(&self) -> Value {
        match self.kind {
            AggregateKind::Count => Value::Integer(self.count),
            AggregateKind::Users => Value::Integer(i64::try_from(self.users.estimate()).unwrap_or(i64::MAX)),
            AggregateKind::Avg => match self.value.number() {
                Some(sum) => Value::Double(sum / self.count as f64),
                None => Value::Null,
            },
            _ => self.value.clone(),
        }
    }
}

impl Run<'_> {
    pub(super) fn aggregate(&self, aggregate: &Aggregate, take: &mut Sink<'_>) -> Result<bool> {
        let Aggregate { input, keys, sets, calls } = aggregate;
        let arguments = calls.iter().flat_map(|call| &call.arguments);
        // A group is looked for in each set, and each of its aggregates takes the row in.
        let each = 2 + copying(keys.len()) + calls.len() as u64;
        let size = keys.iter().chain(arguments).map(Expr::size).sum::<u64>() + sets.len() as u64 * each;
        let mut groups: Vec<Grouped<Group>> = sets.iter().map(|_| Grouped::new()).collect();
        self.rows(input, &mut |row| {
            self.meter().work(size)?;
            let (key, _held) = self.eval_all(keys, row)?;
            let values = calls.iter().map(|call| self.eval_all(&call.arguments, row));
            let values = values.collect::<Result<Vec<_>>>()?;
            for (set, groups) in sets.iter().zip(&mut groups) {
                let masked = key.iter().zip(set).map(|(value, is_in)| match is_in {
                    true => value.clone(),
                    false => Value::Null,
                });
                let group = groups.of(masked.collect(), |key| self.group(key, calls))?;
                for ((state, call), (values, _held)) in group.states.iter_mut().zip(calls).zip(&values) {
                    state.add(values, self).map_err(|error| error.at(call.place))?;
                }
            }
            Ok(true)
        })?;
        for (number, (set, mut groups)) in (0..).zip(sets.iter().zip(groups)) {
            // Without keys there is one group even of no rows.
            if groups.items.is_empty() && !set.contains(&true) {
                groups.items.push(self.group(&vec![Value::Null; keys.len()], calls)?);
            }
            for group in groups.items {
                let results = group.states.iter().map(State::result);
                let row: Vec<Value> =
                    group.key.into_iter().chain(results).chain([Value::Integer(number)]).collect();
                if !take(&row)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn group(&self, key: &[Value], calls: &[AggregateCall]) -> Result<Group> {
        self.keep(key)?;
        self.meter().keep(calls.len() * size_of::<State>() + 64)?;
        let states = calls.iter().map(|call| State::new(call.kind, call.distinct)).collect();
        Ok(Group { key: key.to_vec(), states })
    }
}

/// So that a set of users can stand in a row.
impl From<Sketch> for Value {
    fn from(sketch: Sketch) -> Self {
        Value::Users(Rc::new(sketch))
    }
}
