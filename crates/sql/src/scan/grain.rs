//! Which grain each scan needs.

use std::collections::BTreeSet;

use adtally_core::cell::Dimension;
use adtally_core::report::{Filter, Test};

use super::linear::{Role, is_fixed, is_linear};
use super::time::{Exactness, hours};
use crate::catalog::FactColumn;
use crate::error::Result;
use crate::expr::{Comparison, Expr};
use crate::function::Function;
use crate::plan::{Aggregate, AggregateKind, Node, Plan};
use crate::value::time::Unit;
use crate::value::{Type, Value};

/// Stands for columns of other tables.
const FOREIGN: usize = 1 << 28;

/// What the steps above a step need of its rows, over its columns.
#[derive(Debug, Clone, Default)]
struct Needs {
    /// None where each row counts.
    sums: Option<Sums>,
    /// Rows that fail one of these are not needed.
    conditions: Vec<Expr>,
    /// Why each row counts.
    why: &'static str,
}

#[derive(Debug, Clone, Default)]
struct Sums {
    /// What is looked at.
    looked_at: Vec<Expr>,
    /// What is only added up.
    added: Vec<Expr>,
}

impl Needs {
    fn rows(why: &'static str) -> Self {
        Self { sums: None, conditions: Vec::new(), why }
    }

    /// The same over the columns of the step below.
    fn replaced(&self, by: &impl Fn(usize) -> Expr) -> Self {
        let all = |exprs: &[Expr]| exprs.iter().map(|expr| expr.replace_columns(by)).collect();
        let sums = self.sums.as_ref();
        Self {
            sums: sums.map(|sums| Sums { looked_at: all(&sums.looked_at), added: all(&sums.added) }),
            conditions: all(&self.conditions),
            why: self.why,
        }
    }
}

/// Decides for each scan of a plan which cells it needs.
pub(crate) fn choose_grains(plan: &mut Plan) -> Result<()> {
    let mut scans = std::mem::take(&mut plan.scans);
    let roots = plan.queries.iter().map(|(node, _)| node).chain([&plan.root]);
    for root in roots {
        visit(root, Needs::rows("rows are shown as they are"), &mut |number, needs| {
            scans[number] = decide(plan, &needs);
        });
    }
    plan.scans = scans;
    Ok(())
}

fn visit(node: &Node, needs: Needs, found: &mut impl FnMut(usize, Needs)) {
    match node {
        Node::Values(_) | Node::Table(_) => {}
        Node::Facts(number) => found(*number, needs),
        Node::Filter(input, condition) => {
            let mut needs = needs;
            needs.conditions.extend(condition.clone().conjuncts());
            visit(input, needs, found);
        }
        Node::Project(input, exprs) => {
            let below = |place: usize| exprs.get(place).cloned().unwrap_or(Expr::Column(place));
            visit(input, needs.replaced(&below), found);
        }
        Node::Join(join) => {
            let width = join.left_width;
            let condition = join.condition.iter();
            let of_left = |place: usize| Expr::Column(if place < width { place } else { FOREIGN });
            let of_right = |place: usize| Expr::Column(if place < width { FOREIGN } else { place - width });
            let (mut left, mut right) = (needs.replaced(&of_left), needs.replaced(&of_right));
            if join.outer {
                // A row of the right that fails a condition still is a partner.
                let conditions = std::mem::take(&mut right.conditions);
                right.sums.iter_mut().for_each(|sums| sums.looked_at.extend(conditions.clone()));
            }
            for (sums, keys, of) in [
                (&mut left.sums, join.keys.iter().map(|(left, _)| left).collect::<Vec<_>>(), true),
                (&mut right.sums, join.keys.iter().map(|(_, right)| right).collect(), false),
            ] {
                let Some(sums) = sums else { continue };
                sums.looked_at.extend(keys.into_iter().cloned());
                let more = condition.clone().map(|condition| match of {
                    true => condition.replace_columns(&of_left),
                    false => condition.replace_columns(&of_right),
                });
                sums.looked_at.extend(more);
            }
            visit(&join.left, left, found);
            visit(&join.right, right, found);
        }
        Node::Aggregate(aggregate) => visit(&aggregate.input, aggregated(aggregate, &needs), found),
        Node::Distinct(input) => {
            // The width is that of what is below; every column is looked at.
            let mut below = Needs { conditions: needs.conditions.clone(), ..Needs::default() };
            let columns = width(input);
            below.sums = columns
                .map(|width| Sums { looked_at: (0..width).map(Expr::Column).collect(), added: Vec::new() });
            below.why = "different rows are shown as they are";
            visit(input, below, found);
        }
        Node::Sort(input, _) => visit(input, Needs { sums: None, ..needs }, found),
        Node::Window(input, _) | Node::Limit(input, ..) => {
            visit(input, Needs::rows("rows are numbered or counted"), found);
        }
        Node::Union(inputs) => {
            for input in inputs {
                visit(input, Needs { sums: None, ..needs.clone() }, found);
            }
        }
    }
}

/// How many columns the rows of a projection have.
fn width(node: &Node) -> Option<usize> {
    match node {
        Node::Project(_, exprs) => Some(exprs.len()),
        Node::Distinct(input) | Node::Filter(input, _) | Node::Limit(input, ..) | Node::Sort(input, _) => {
            width(input)
        }
        _ => None,
    }
}

fn aggregated(aggregate: &Aggregate, needs: &Needs) -> Needs {
    let keys = aggregate.keys.len();
    // A condition on what is grouped by may as well be looked at before.
    let mut conditions = Vec::new();
    if let [_] = aggregate.sets.as_slice() {
        for condition in &needs.conditions {
            let mut of_keys = true;
            condition.walk(&mut |one| {
                of_keys &= !matches!(one, Expr::Column(place) if *place >= keys);
                of_keys
            });
            if of_keys && keys > 0 {
                conditions.push(condition.replace_columns(&|place| aggregate.keys[place].clone()));
            }
        }
    }
    let mut sums = Sums { looked_at: aggregate.keys.clone(), added: Vec::new() };
    for call in &aggregate.calls {
        match call.kind {
            AggregateKind::Sum if !call.distinct => sums.added.extend(call.arguments.iter().cloned()),
            AggregateKind::Min | AggregateKind::Max | AggregateKind::Users => {
                sums.looked_at.extend(call.arguments.iter().cloned());
            }
            _ if call.distinct => sums.looked_at.extend(call.arguments.iter().cloned()),
            AggregateKind::Avg => return Needs { conditions, ..Needs::rows("AVG counts cells") },
            _ => return Needs { conditions, ..Needs::rows("COUNT counts cells") },
        }
    }
    Needs { sums: Some(sums), conditions, why: "" }
}

/// The scan for what is needed of it.
fn decide(plan: &Plan, needs: &Needs) -> super::FactScan {
    let facts = &plan.facts;
    let role = |place: usize| match facts.get(place) {
        Some(FactColumn::Measure(_)) => Role::Measure,
        Some(FactColumn::Users) => Role::Users,
        _ => Role::Fixed,
    };
    let mut scan = super::FactScan { zone: plan.catalog.zone.name(), ..super::FactScan::default() };
    let (mut times, mut others) = (Vec::new(), Vec::new());
    for condition in needs.conditions.iter().cloned().flat_map(Expr::conjuncts) {
        match kind(&condition, facts) {
            Kind::Time => times.push(condition),
            Kind::Test(filter) => scan.filters.push(filter),
            Kind::Other => others.push(condition),
        }
    }
    if !times.is_empty() {
        let (range, exactness) = hours(&times, facts, &plan.catalog);
        scan.hours = range;
        if exactness == Exactness::Look {
            others.append(&mut times);
        }
    }
    let sums = needs.sums.as_ref().ok_or(needs.why).and_then(|sums| {
        let looked_at = || sums.looked_at.iter().chain(&others);
        let is_users = |expr: &Expr| matches!(expr, Expr::Column(place) if role(*place) == Role::Users);
        if !looked_at().all(|expr| is_fixed(expr, &role) || is_users_only(expr, &is_users, &role)) {
            return Err("measures are looked at, not only added up");
        }
        match sums.added.iter().all(|expr| is_linear(expr, &role)) {
            true => Ok(looked_at().chain(&sums.added)),
            false => Err("sums are of more than measures"),
        }
    });
    match sums {
        Ok(exprs) => {
            let mut read = BTreeSet::new();
            for expr in needs.conditions.iter().chain(exprs.clone()) {
                expr.walk(&mut |one| {
                    if let Expr::Column(place) = one {
                        read.insert(*place);
                    }
                    true
                });
            }
            scan.columns = Some(read);
            exprs.for_each(|expr| look(expr, facts, &mut scan));
        }
        Err(why) => {
            scan.whole = Some(why);
            scan.units.insert(Unit::Hour);
            scan.keep = facts
                .iter()
                .filter_map(|column| match column {
                    FactColumn::Dimension(dimension) => Some(*dimension),
                    _ => None,
                })
                .collect::<BTreeSet<Dimension>>();
            let mut all = needs.sums.iter().flat_map(|sums| sums.looked_at.iter().chain(&sums.added));
            // Where each row counts it is not known what is looked at.
            scan.users =
                needs.sums.is_none() && plan.counts_users() || all.any(|expr| has_users(expr, &role));
        }
    }
    scan.units = finest(&scan.units);
    scan
}

fn has_users(expr: &Expr, role: &impl Fn(usize) -> Role) -> bool {
    let mut found = false;
    expr.walk(&mut |one| {
        found |= matches!(one, Expr::Column(place) if role(*place) == Role::Users);
        true
    });
    found
}

/// Users that are counted as they are, or only under a condition.
fn is_users_only(expr: &Expr, is_users: &impl Fn(&Expr) -> bool, role: &impl Fn(usize) -> Role) -> bool {
    match expr {
        Expr::Case(whens, otherwise) => {
            let fits = |one: &Expr| is_users(one) || matches!(one, Expr::Literal(Value::Null));
            fits(otherwise) && whens.iter().all(|(when, then)| is_fixed(when, role) && fits(then))
        }
        one => is_users(one),
    }
}

/// Units within others say all.
fn finest(units: &BTreeSet<Unit>) -> BTreeSet<Unit> {
    let has = |unit| units.contains(&unit);
    match (has(Unit::Hour), has(Unit::Day)) {
        (true, _) => [Unit::Hour].into(),
        (false, true) => [Unit::Day].into(),
        _ => units.clone(),
    }
}

/// Keeps apart what an expression looks at.
fn look(expr: &Expr, facts: &[FactColumn], scan: &mut super::FactScan) {
    expr.walk(&mut |one| {
        if let Some(unit) = coarse(one, facts) {
            scan.units.insert(unit);
            return false;
        }
        if let Expr::Column(place) = one {
            match facts.get(*place) {
                Some(FactColumn::Time(unit)) => drop(scan.units.insert(*unit)),
                Some(FactColumn::Dimension(dimension)) => drop(scan.keep.insert(*dimension)),
                Some(FactColumn::Users) => scan.users = true,
                Some(FactColumn::Measure(_)) | None => {}
            }
        }
        true
    });
}

/// The unit that is all that an expression knows of its time, if it is coarser than an hour.
fn coarse(expr: &Expr, facts: &[FactColumn]) -> Option<Unit> {
    let (unit, inner) = match expr {
        Expr::Call(Function::Trunc(unit), arguments, _) => (*unit, arguments.first()?),
        Expr::Call(Function::Extract(unit), arguments, _) => (*unit, arguments.first()?),
        Expr::Cast(inner, Type::Date, ..) => (Unit::Day, &**inner),
        _ => return None,
    };
    let unit = match unit {
        Unit::Month if matches!(expr, Expr::Call(Function::Trunc(_), ..)) => Unit::Month,
        Unit::Quarter | Unit::Year if matches!(expr, Expr::Call(Function::Trunc(_), ..)) => Unit::Month,
        Unit::Week if matches!(expr, Expr::Call(Function::Trunc(_), ..)) => Unit::Week,
        Unit::Month | Unit::Quarter | Unit::Year => Unit::Month,
        Unit::Day | Unit::Week | Unit::DayOfWeek | Unit::IsoDayOfWeek | Unit::DayOfYear => Unit::Day,
        _ => return None,
    };
    let mut inner = inner;
    loop {
        match inner {
            Expr::Cast(one, Type::Timestamp, ..) => inner = one,
            Expr::Column(place) => {
                return match facts.get(*place) {
                    // A column of a coarser unit is looked at as it is.
                    Some(FactColumn::Time(Unit::Hour | Unit::Day)) => Some(unit),
                    _ => None,
                };
            }
            _ => return None,
        }
    }
}

/// What a condition is about.
enum Kind {
    /// Only time.
    Time,
    /// One dimension, in a way that the core can test.
    Test(Filter),
    Other,
}

fn kind(condition: &Expr, facts: &[FactColumn]) -> Kind {
    let (mut only_time, mut any) = (true, false);
    condition.walk(&mut |one| {
        match one {
            Expr::Column(place) => {
                any = true;
                only_time &= matches!(facts.get(*place), Some(FactColumn::Time(_)));
            }
            Expr::InQuery(..) | Expr::QueryValue(_) | Expr::QueryExists(_) => only_time = false,
            _ => {}
        }
        true
    });
    if any && only_time {
        return Kind::Time;
    }
    test(condition, facts).map_or(Kind::Other, Kind::Test)
}

fn test(condition: &Expr, facts: &[FactColumn]) -> Option<Filter> {
    let dimension = |expr: &Expr| match expr {
        Expr::Column(place) => match facts.get(*place) {
            Some(FactColumn::Dimension(dimension)) => Some(*dimension),
            _ => None,
        },
        _ => None,
    };
    let text = |expr: &Expr| match expr {
        Expr::Literal(Value::Text(text)) => Some(text.to_string()),
        _ => None,
    };
    match condition {
        Expr::Compare(op, one, other) => {
            let (dimension, text) = match (dimension(one), dimension(other)) {
                (Some(dimension), None) => (dimension, text(other)?),
                (None, Some(dimension)) => (dimension, text(one)?),
                _ => return None,
            };
            match op {
                Comparison::Equal => Some(Filter { dimension, test: Test::Equal(text) }),
                Comparison::NotEqual => Some(Filter { dimension, test: Test::NotEqual(text) }),
                _ => None,
            }
        }
        Expr::InSet(one, set) => {
            let dimension = dimension(one)?;
            let mut values = Vec::with_capacity(set.values.len());
            for value in &set.values {
                // A list of values is written with commas.
                match value {
                    Value::Text(text) if !text.contains(',') => values.push(text.to_string()),
                    _ => return None,
                }
            }
            values.sort();
            (!values.is_empty()).then_some(Filter { dimension, test: Test::In(values) })
        }
        _ => None,
    }
}
