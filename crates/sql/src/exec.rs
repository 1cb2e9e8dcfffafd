//! From a plan and its data to an answer: rows are handed up step by step, and kept only where they must be.

mod aggregate;
mod join;
mod sort;
mod window;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use adtally_core::segment::Segment;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::catalog::Table;
use crate::error::{Code, Result, SqlError};
use crate::eval::{Answer, Answers};
use crate::expr::{Expr, ValueSet};
use crate::limits::{Held, MAX_ANSWER_BYTES, MAX_ROWS, Meter, copying};
use crate::plan::{Node, Plan, QueryKind};
use crate::scan::Facts;
use crate::value::Value;

/// What a plan asked for.
#[derive(Debug, Default)]
pub struct Data {
    /// One per scan, in their order.
    pub cells: Vec<Segment>,
    /// The rows of tables, with their columns in order.
    pub tables: BTreeMap<Table, Vec<Vec<Value>>>,
    /// For `EXPLAIN`: where the cells of each scan come from, in words.
    pub routes: Vec<Vec<String>>,
}

/// The rows of an answer.
#[derive(Debug, Default)]
pub struct Rows {
    /// One value per column of the plan.
    pub rows: Vec<Vec<Value>>,
    /// How much work it was, in parts of expressions.
    pub work: u64,
}

/// Takes rows; answers whether it wants more.
type Sink<'s> = dyn FnMut(&[Value]) -> Result<bool> + 's;

/// Answers a plan.
pub fn execute(plan: &Plan, data: &Data) -> Result<Rows> {
    if plan.explain {
        let rows = crate::explain::lines(plan, &data.routes).into_iter().map(|line| vec![Value::text(&line)]);
        return Ok(Rows { rows: rows.collect(), work: 0 });
    }
    let mut run = Run { plan, data, answers: Answers::default(), nothing: Segment::default() };
    for (node, kind) in &plan.queries {
        let answer = run.query(node, *kind)?;
        run.answers.queries.push(answer);
    }
    let (mut rows, mut bytes) = (Vec::new(), 0);
    run.rows(&plan.root, &mut |row| {
        if rows.len() >= MAX_ROWS {
            let text = format!("the answer has more than {MAX_ROWS} rows: use LIMIT");
            return Err(SqlError::new(Code::TooManyRows, text));
        }
        bytes += row.iter().map(Value::text_bytes).sum::<usize>() as u64;
        if bytes > MAX_ANSWER_BYTES {
            let text = format!("the texts of the answer have more than {MAX_ANSWER_BYTES} bytes: use LIMIT");
            return Err(SqlError::new(Code::TooManyRows, text));
        }
        run.keep(row)?;
        rows.push(row.to_vec());
        Ok(true)
    })?;
    Ok(Rows { rows, work: run.meter().done() })
}

struct Run<'a> {
    plan: &'a Plan,
    data: &'a Data,
    answers: Answers,
    nothing: Segment,
}

impl Run<'_> {
    fn meter(&self) -> &Meter {
        &self.answers.meter
    }

    fn query(&self, node: &Node, kind: QueryKind) -> Result<Answer> {
        match kind {
            QueryKind::Set => {
                let mut set = ValueSet::default();
                self.rows(node, &mut |row| {
                    self.keep(row)?;
                    set.add(row[0].clone());
                    Ok(true)
                })?;
                Ok(Answer::Set(set))
            }
            QueryKind::Value => {
                let mut value = None;
                self.rows(node, &mut |row| {
                    if value.replace(row[0].clone()).is_some() {
                        let text = "a sub-query that stands for a value has several rows";
                        return Err(SqlError::new(Code::BadValue, text));
                    }
                    Ok(true)
                })?;
                Ok(Answer::Value(value.unwrap_or(Value::Null)))
            }
            QueryKind::Exists => {
                let mut exists = false;
                self.rows(node, &mut |_| {
                    exists = true;
                    Ok(false)
                })?;
                Ok(Answer::Exists(exists))
            }
        }
    }

    /// Hands the rows of a step to `take`, until it wants no more.
    fn rows(&self, node: &Node, take: &mut Sink<'_>) -> Result<bool> {
        match node {
            Node::Values(rows) => {
                for row in rows {
                    self.meter().work(row.iter().map(Expr::size).sum())?;
                    let (row, _held) = self.eval_all(row, &[])?;
                    if !take(&row)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Node::Facts(number) => {
                let segment = self.data.cells.get(*number).unwrap_or(&self.nothing);
                let scan = &self.plan.scans[*number];
                let read = scan.columns.as_ref().map_or(self.plan.facts.len(), BTreeSet::len);
                let size = 1 + copying(read);
                let facts = Facts::new(segment, scan, &self.plan.facts, &self.plan.catalog);
                facts.each(&mut |row| {
                    self.meter().work(size)?;
                    take(row)
                })
            }
            Node::Table(table) => self.table(*table, take),
            Node::Filter(input, condition) => {
                let size = condition.size();
                self.rows(input, &mut |row| {
                    self.meter().work(size)?;
                    if condition.holds(row, &self.answers)? { take(row) } else { Ok(true) }
                })
            }
            Node::Project(input, exprs) => {
                let size: u64 = exprs.iter().map(Expr::size).sum();
                let mut shown = Vec::with_capacity(exprs.len());
                self.rows(input, &mut |row| {
                    self.meter().work(size)?;
                    shown.clear();
                    let _held = self.eval_into(exprs, row, &mut shown)?;
                    take(&shown)
                })
            }
            Node::Join(join) => self.join(join, take),
            Node::Aggregate(aggregate) => self.aggregate(aggregate, take),
            Node::Window(input, calls) => self.window(input, calls, take),
            Node::Sort(input, keys) => self.sort(input, keys, None, take),
            Node::Limit(input, offset, limit) => self.limit(input, *offset, *limit, take),
            Node::Distinct(input) => {
                let mut seen: FxHashSet<Vec<Value>> = FxHashSet::default();
                self.rows(input, &mut |row| {
                    self.meter().work(copying(row.len()))?;
                    self.meter().look(row.iter().map(Value::text_bytes).sum())?;
                    if seen.contains(row) {
                        return Ok(true);
                    }
                    self.keep(row)?;
                    seen.insert(row.to_vec());
                    take(row)
                })
            }
            Node::Union(inputs) => {
                for input in inputs {
                    if !self.rows(input, take)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
        }
    }

    fn table(&self, table: Table, take: &mut Sink<'_>) -> Result<bool> {
        let made = self.plan.catalog.information(table);
        let rows = self.data.tables.get(&table).unwrap_or(&made);
        for row in rows {
            self.meter().work(1)?;
            if !take(row)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn limit(&self, input: &Node, offset: u64, limit: Option<u64>, take: &mut Sink<'_>) -> Result<bool> {
        let mut number = 0u64;
        let end = limit.map_or(u64::MAX, |limit| offset.saturating_add(limit));
        if end == offset {
            return Ok(true);
        }
        let mut wanted = true;
        let mut page = |row: &[Value]| {
            number += 1;
            if number <= offset {
                return Ok(true);
            }
            wanted = take(row)?;
            Ok(wanted && number < end)
        };
        match input {
            // Only the first need be in order.
            Node::Sort(below, keys) => self.sort(below, keys, usize::try_from(end).ok(), &mut page)?,
            other => self.rows(other, &mut page)?,
        };
        Ok(wanted)
    }

    /// Appends the values of expressions, whose texts are held as long as what is answered.
    fn eval_into(&self, exprs: &[Expr], row: &[Value], values: &mut Vec<Value>) -> Result<Held<'_>> {
        let mut held = self.meter().holding();
        for expr in exprs {
            let value = expr.eval(row, &self.answers)?;
            held.add(&value)?;
            values.push(value);
        }
        Ok(held)
    }

    fn eval_all(&self, exprs: &[Expr], row: &[Value]) -> Result<(Vec<Value>, Held<'_>)> {
        let mut values = Vec::with_capacity(exprs.len());
        let held = self.eval_into(exprs, row, &mut values)?;
        Ok((values, held))
    }

    /// Counts a row that is kept.
    fn keep(&self, row: &[Value]) -> Result<()> {
        self.meter().keep(bytes(row))
    }
}

/// About how many bytes a row takes.
fn bytes(row: &[Value]) -> usize {
    size_of::<Vec<Value>>() + row.iter().map(Value::bytes).sum::<usize>()
}

/// Rows by key, in the order in which keys came.
struct Grouped<T> {
    numbers: FxHashMap<Vec<Value>, usize>,
    items: Vec<T>,
}

impl<T: Default> Grouped<T> {
    fn new() -> Self {
        Self { numbers: FxHashMap::default(), items: Vec::new() }
    }

    /// What is kept of a key; `fresh` is called for a new one.
    fn of(&mut self, key: Vec<Value>, fresh: impl FnOnce(&[Value]) -> Result<T>) -> Result<&mut T> {
        let number = match self.numbers.entry(key) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(vacant) => {
                self.items.push(fresh(vacant.key())?);
                *vacant.insert(self.items.len() - 1)
            }
        };
        Ok(&mut self.items[number])
    }
}
