//! `SELECT`: what is shown, grouped, and left out.

use sqlparser::ast::{
    Distinct, Expr as Ast, GroupByExpr, GroupByWithModifier, OrderBy, Select, SelectItem,
    SelectItemQualifiedWildcardKind, Spanned, WildcardAdditionalOptions,
};
use sqlparser::tokenizer::Span;

use super::from::{all_of, split_keys};
use super::{Binder, Bound, CALLS, Env, GROUPINGS, HIDDEN, Named, Typed, WINDOWS};
use crate::error::{Code, Result, SqlError, not_supported};
use crate::expr::{Comparison, Expr};
use crate::limits::MAX_SETS;
use crate::plan::{Aggregate, Node};
use crate::value::{Type, Value};

/// What is grouped by.
#[derive(Default)]
struct Grouping {
    keys: Vec<Typed>,
    /// Per set the places of its keys.
    sets: Vec<Vec<usize>>,
}

/// A shown expression and its name.
pub(super) struct Shown {
    pub(super) typed: Typed,
    pub(super) name: String,
    pub(super) place: Span,
}

impl Binder<'_> {
    /// A `SELECT`, with the `ORDER BY` behind it, which may use what is not shown.
    pub(super) fn select(&mut self, select: &Select, order: Option<&OrderBy>) -> Result<Bound> {
        refuse_others(select)?;
        let mut bound = self.from(&select.from)?;
        if let Some(condition) = &select.selection {
            let condition = self.condition(condition, &mut Env::rows(&bound.columns))?;
            bound.node = filter(bound.node, condition);
        }
        let mut env = Env::full(&bound.columns);
        let mut shown = self.shown(&select.projection, &mut env)?;
        let grouping = self.grouping(&select.group_by, &shown, &bound.columns)?;
        let mut having = match &select.having {
            Some(condition) => Some((self.condition(condition, &mut env)?, condition.span())),
            None => None,
        };
        let mut qualify = match &select.qualify {
            Some(condition) => Some((self.condition(condition, &mut env)?, condition.span())),
            None => None,
        };
        let mut sort = self.sort_keys(order, &shown, &mut env)?;
        let Env { calls, windows, groupings, .. } = env;
        let (calls, mut windows) = (calls.unwrap_or_default(), windows.unwrap_or_default());
        let mut width = bound.columns.len();
        let mut node = bound.node;
        if grouping.is_some() || !calls.is_empty() || having.is_some() {
            let grouping = grouping.unwrap_or_else(|| Grouping { keys: Vec::new(), sets: vec![Vec::new()] });
            let after = AfterGrouping::new(&grouping, calls.len(), &groupings);
            for one in &mut shown {
                one.typed.expr = after.rewrite(&one.typed.expr).map_err(|error| error.at(one.place))?;
            }
            for (condition, place) in having.iter_mut().chain(&mut qualify) {
                *condition = after.rewrite(condition).map_err(|error| error.at(*place))?;
            }
            for (key, place) in &mut sort {
                key.expr = after.rewrite(&key.expr).map_err(|error| error.at(*place))?;
            }
            for expr in windows.iter_mut().flat_map(super::window::expressions) {
                *expr = after.rewrite(expr)?;
            }
            let keys: Vec<Expr> = grouping.keys.into_iter().map(|key| key.expr).collect();
            let in_set = |set: &Vec<usize>| (0..keys.len()).map(|key| set.contains(&key)).collect();
            let sets = grouping.sets.iter().map(in_set).collect();
            width = keys.len() + calls.len() + 1;
            node = Node::Aggregate(Box::new(Aggregate { input: node, keys, sets, calls }));
        }
        if let Some((condition, _)) = having {
            node = Node::Filter(Box::new(node), condition);
        }
        if !windows.is_empty() {
            let found = |place: usize| match place.checked_sub(WINDOWS) {
                Some(window) if place < GROUPINGS => Expr::Column(width + window),
                _ => Expr::Column(place),
            };
            shown.iter_mut().for_each(|one| one.typed.expr = one.typed.expr.replace_columns(&found));
            sort.iter_mut().for_each(|(key, _)| key.expr = key.expr.replace_columns(&found));
            node = Node::Window(Box::new(node), windows);
            if let Some((condition, _)) = qualify {
                node = Node::Filter(Box::new(node), condition.replace_columns(&found));
            }
        }
        let is_distinct = matches!(select.distinct, Some(Distinct::Distinct));
        let sort = sort.into_iter().map(|(key, _)| key).collect();
        Self::output(node, shown, sort, is_distinct)
    }

    fn shown(&mut self, items: &[SelectItem], env: &mut Env<'_>) -> Result<Vec<Shown>> {
        let mut shown = Vec::new();
        for item in items {
            let place = item.span();
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let typed = self.expr(expr, env)?;
                    shown.push(Shown { typed, name: name_of(expr), place });
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let typed = self.expr(expr, env)?;
                    shown.push(Shown { typed, name: alias.value.clone(), place });
                }
                SelectItem::Wildcard(options) => {
                    plain(options)?;
                    shown.extend(all_columns(env.columns, None, place));
                }
                SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                    plain(options)?;
                    let table =
                        name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.as_str());
                    let before = shown.len();
                    shown.extend(all_columns(env.columns, table, place));
                    if shown.len() == before {
                        let text = format!("there is no table {:?} here", table.unwrap_or_default());
                        return Err(SqlError::new(Code::UnknownTable, text).at(place));
                    }
                }
                _ => return Err(not_supported("this in a SELECT list").at(place)),
            }
        }
        self.check_width(shown.len())?;
        Ok(shown)
    }

    fn grouping(&mut self, by: &GroupByExpr, shown: &[Shown], columns: &[Named]) -> Result<Option<Grouping>> {
        let GroupByExpr::Expressions(items, modifiers) = by else {
            return Err(not_supported("GROUP BY ALL"));
        };
        if items.is_empty() && modifiers.is_empty() {
            return Ok(None);
        }
        let mut grouping = Grouping { keys: Vec::new(), sets: vec![Vec::new()] };
        for item in items {
            let alternatives: Vec<Vec<Vec<&Ast>>> = match item {
                Ast::GroupingSets(sets) => vec![sets.iter().map(|set| set.iter().collect()).collect()],
                Ast::Rollup(parts) => vec![rollup(parts)],
                Ast::Cube(parts) => vec![cube(parts)?],
                Ast::Tuple(parts) => vec![vec![parts.iter().collect()]],
                one => vec![vec![vec![one]]],
            };
            for sets in alternatives {
                self.multiply(&mut grouping, sets, shown, columns)?;
            }
        }
        for modifier in modifiers {
            let whole: Vec<Vec<Ast>> = items.iter().map(|item| vec![item.clone()]).collect();
            let sets = match modifier {
                GroupByWithModifier::Rollup => rollup(&whole),
                GroupByWithModifier::Cube => cube(&whole)?,
                _ => return Err(not_supported("this modifier of GROUP BY")),
            };
            grouping.sets = vec![Vec::new()];
            self.multiply(&mut grouping, sets, shown, columns)?;
        }
        Ok(Some(grouping))
    }

    /// Every set so far with every one of these.
    fn multiply(
        &mut self,
        grouping: &mut Grouping,
        sets: Vec<Vec<&Ast>>,
        shown: &[Shown],
        columns: &[Named],
    ) -> Result<()> {
        if grouping.sets.len() * sets.len() > MAX_SETS {
            let text = format!("more than {MAX_SETS} grouping sets");
            return Err(SqlError::new(Code::TooComplex, text));
        }
        let mut numbered = Vec::with_capacity(sets.len());
        for set in sets {
            let mut keys = Vec::new();
            for expr in set {
                let key = self.group_key(expr, shown, columns)?;
                let known = grouping.keys.iter().position(|known| *known == key);
                keys.push(known.unwrap_or_else(|| {
                    grouping.keys.push(key);
                    grouping.keys.len() - 1
                }));
            }
            numbered.push(keys);
        }
        let product = grouping.sets.iter().flat_map(|before| {
            numbered.iter().map(move |set| before.iter().chain(set).copied().collect::<Vec<usize>>())
        });
        grouping.sets = product.collect();
        Ok(())
    }

    /// An expression of rows, the name of something shown, or its number.
    fn group_key(&mut self, expr: &Ast, shown: &[Shown], columns: &[Named]) -> Result<Typed> {
        let key = match expr {
            Ast::Nested(inner) => return self.group_key(inner, shown, columns),
            Ast::Value(value) => super::order::ordinal(&value.value, shown.len())
                .transpose()
                .map_err(|error| error.at(value.span))?
                .map(|place| shown[place].typed.clone()),
            Ast::Identifier(name) => {
                // A column of the tables comes before a name of what is shown.
                let is_column = columns.iter().any(|column| column.name.eq_ignore_ascii_case(&name.value));
                let named = shown.iter().find(|one| one.name.eq_ignore_ascii_case(&name.value));
                named.filter(|_| !is_column).map(|one| one.typed.clone())
            }
            _ => None,
        };
        let key = match key {
            Some(key) => key,
            None => self.expr(expr, &mut Env::rows(columns))?,
        };
        let mut is_of_rows = true;
        key.expr.walk(&mut |one| {
            is_of_rows &= !matches!(one, Expr::Column(place) if *place >= CALLS);
            is_of_rows
        });
        if !is_of_rows || key.ty == Type::Users {
            return Err(SqlError::new(Code::Grouping, "this cannot be grouped by").at(expr.span()));
        }
        Ok(key)
    }
}

/// How expressions of rows become expressions of groups.
struct AfterGrouping<'g> {
    grouping: &'g Grouping,
    calls: usize,
    groupings: &'g [Vec<Expr>],
}

impl<'g> AfterGrouping<'g> {
    fn new(grouping: &'g Grouping, calls: usize, groupings: &'g [Vec<Expr>]) -> Self {
        Self { grouping, calls, groupings }
    }

    fn rewrite(&self, expr: &Expr) -> Result<Expr> {
        let keys = &self.grouping.keys;
        if let Some(place) = keys.iter().position(|key| key.expr == *expr) {
            return Ok(Expr::Column(place));
        }
        match expr {
            Expr::Column(place) if *place >= GROUPINGS => {
                self.grouping_call(&self.groupings[place - GROUPINGS])
            }
            Expr::Column(place) if *place >= WINDOWS => Ok(expr.clone()),
            Expr::Column(place) if *place >= CALLS => Ok(Expr::Column(keys.len() + place - CALLS)),
            Expr::Column(_) => {
                let text = "a column stands here that is neither grouped by nor aggregated";
                Err(SqlError::new(Code::Grouping, text))
            }
            other => other.try_map_children(&|child| self.rewrite(child)),
        }
    }

    /// By the number of the set, a bit per argument: whether it is not grouped by.
    fn grouping_call(&self, arguments: &[Expr]) -> Result<Expr> {
        let place = |argument: &Expr| {
            let found = self.grouping.keys.iter().position(|key| key.expr == *argument);
            found.ok_or_else(|| SqlError::new(Code::Grouping, "GROUPING of what is not grouped by"))
        };
        let places = arguments.iter().map(place).collect::<Result<Vec<usize>>>()?;
        let number = Expr::Column(self.grouping.keys.len() + self.calls);
        let bits = |set: &Vec<usize>| {
            places.iter().fold(0i64, |bits, place| bits << 1 | i64::from(!set.contains(place)))
        };
        let whens = (0..).zip(&self.grouping.sets).map(|(set, keys)| {
            let is = Expr::Literal(Value::Integer(set)).boxed();
            let when = Expr::Compare(Comparison::Equal, number.clone().boxed(), is);
            (when, Expr::Literal(Value::Integer(bits(keys))))
        });
        Ok(Expr::Case(whens.collect(), Expr::Literal(Value::Null).boxed()))
    }
}

/// `(a, b, c)`, `(a, b)`, `(a)`, `()`.
fn rollup(parts: &[Vec<Ast>]) -> Vec<Vec<&Ast>> {
    (0..=parts.len()).rev().map(|length| parts[..length].iter().flatten().collect()).collect()
}

/// Every selection of the parts.
fn cube(parts: &[Vec<Ast>]) -> Result<Vec<Vec<&Ast>>> {
    if parts.len() >= 8 {
        return Err(SqlError::new(Code::TooComplex, format!("more than {MAX_SETS} grouping sets")));
    }
    let selection = |bits: u32| {
        let chosen = (0..).zip(parts).filter(move |(place, _)| bits >> place & 1 == 1);
        chosen.flat_map(|(_, part)| part).collect()
    };
    Ok((0..1u32 << parts.len()).rev().map(selection).collect())
}

/// Conditions on two tables that are joined without one are their keys.
fn filter(node: Node, condition: Expr) -> Node {
    let Node::Join(mut join) = node else { return Node::Filter(Box::new(node), condition) };
    if join.outer {
        return Node::Filter(Box::new(Node::Join(join)), condition);
    }
    let (keys, rest) = split_keys(condition.conjuncts(), join.left_width);
    join.keys.extend(keys);
    match all_of(rest) {
        Some(rest) => Node::Filter(Box::new(Node::Join(join)), rest),
        None => Node::Join(join),
    }
}

fn all_columns(columns: &[Named], table: Option<&str>, place: Span) -> Vec<Shown> {
    let wanted = columns.iter().enumerate().filter(|(_, column)| {
        // Users can only be counted, and the second column of a USING is that of the first.
        let hidden = column.ty == Type::Users || column.name.starts_with(HIDDEN);
        !hidden && table.is_none_or(|table| column.table.eq_ignore_ascii_case(table))
    });
    let shown = wanted.map(|(number, column)| Shown {
        typed: Typed::new(Expr::Column(number), column.ty),
        name: column.name.clone(),
        place,
    });
    shown.collect()
}

/// What a shown expression is called that has no name.
fn name_of(expr: &Ast) -> String {
    match expr {
        Ast::Identifier(name) => name.value.clone(),
        Ast::CompoundIdentifier(names) => names.last().map(|name| name.value.clone()).unwrap_or_default(),
        Ast::Nested(inner) => name_of(inner),
        _ => String::new(),
    }
}

fn plain(options: &WildcardAdditionalOptions) -> Result<()> {
    let WildcardAdditionalOptions { opt_ilike, opt_exclude, opt_except, opt_replace, opt_rename, .. } =
        options;
    let has_more = opt_ilike.is_some() || opt_exclude.is_some() || opt_except.is_some();
    match has_more || opt_replace.is_some() || opt_rename.is_some() {
        true => Err(not_supported("this behind *")),
        false => Ok(()),
    }
}

fn refuse_others(select: &Select) -> Result<()> {
    let others = [
        (select.top.is_some(), "TOP"),
        (select.into.is_some(), "SELECT INTO"),
        (select.prewhere.is_some(), "PREWHERE"),
        (select.exclude.is_some(), "EXCLUDE"),
        (!select.lateral_views.is_empty(), "LATERAL VIEW"),
        (!select.connect_by.is_empty(), "CONNECT BY"),
        (!select.cluster_by.is_empty() || !select.distribute_by.is_empty(), "CLUSTER BY"),
        (!select.sort_by.is_empty(), "SORT BY"),
        (!select.named_window.is_empty(), "WINDOW"),
        (select.value_table_mode.is_some(), "SELECT AS"),
        (matches!(select.distinct, Some(Distinct::On(_))), "DISTINCT ON"),
    ];
    match others.into_iter().find(|(found, _)| *found) {
        Some((_, name)) => Err(not_supported(name).at(select.select_token.0.span)),
        None => Ok(()),
    }
}
