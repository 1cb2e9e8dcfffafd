//! What publications changed of what was published before, a page at a time.

use adtally_core::cell::Scope;
use adtally_core::restate::{Change, Cursor, Selection};
use adtally_core::time::{Day, Hour, ServerTime, rfc3339};
use adtally_wire::api::{Restated, RestatementList};
use adtally_wire::object::ReduceQuery;
use worker::{Response, Result};

use super::super::refuse;
use super::Report;

impl Report {
    /// The changes that a selection takes, from its cursor on.
    pub(super) fn restatements(&self, wanted: &ReduceQuery) -> Result<Response> {
        let now = ServerTime(wanted.now_ms);
        let selection = match Selection::parse(&wanted.parameters, &wanted.default_tz, now) {
            Ok(selection) => selection,
            Err(error) => return refuse(422, None, &error.to_string()),
        };
        let (store, scope) = (self.store()?, self.scope()?);
        let hours = selection.query.hours();
        let days = Day::of(hours.start)..=Day::of(Hour(hours.end.0.saturating_sub(1)));
        let mut list =
            RestatementList { generation: store.last_generation()?.generation, ..RestatementList::default() };
        let mut from = selection.cursor.map_or((u64::MAX, 0), |cursor| (cursor.generation, cursor.part));
        loop {
            let rows = store.restatements(&days, selection.generation, from)?;
            let Some(last) = rows.last() else { return Response::from_json(&list) };
            from = (last.generation, last.part + 1);
            for row in rows {
                for (index, change) in row.restatement.changes().enumerate() {
                    let cursor = Cursor { generation: row.generation, part: row.part, index };
                    if is_before(cursor, selection.cursor) || !selection.takes(&change, &scope) {
                        continue;
                    }
                    if list.restatements.len() == selection.limit {
                        list.next = Some(cursor.to_string());
                        return Response::from_json(&list);
                    }
                    list.restatements.push(restated(change, &scope, row.generation, row.made_ms));
                }
            }
        }
    }
}

/// Whether a change was on the page before.
fn is_before(place: Cursor, cursor: Option<Cursor>) -> bool {
    let same_row = |cursor: &Cursor| (place.generation, place.part) == (cursor.generation, cursor.part);
    cursor.filter(same_row).is_some_and(|cursor| place.index < cursor.index)
}

fn restated(change: Change, scope: &Scope, generation: u64, made_ms: i64) -> Restated {
    let value = |one: &adtally_core::cell::Dimension| change.cell.dim(*one).to_string();
    Restated {
        hour: rfc3339(change.cell.hour.start_ms()),
        cell: scope.dimensions().iter().map(|one| (one.name().to_owned(), value(one))).collect(),
        measure: change.measure.name().to_owned(),
        from: change.from,
        to: change.to,
        generation,
        published: rfc3339(made_ms),
        cause: change.cause.name().to_owned(),
    }
}
