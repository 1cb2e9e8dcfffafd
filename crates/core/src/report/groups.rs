//! Adding up the rows of a segment by group: the work of a query.
//!
//! It works on columns of codes and figures, a block of rows at a time: filters are tested once per value of a
//! dictionary, groups are numbered by the codes of what tells them apart, and each measure is one pass over its
//! column.

mod numbering;
mod selection;
mod sums;

use std::collections::BTreeMap;
use std::ops::Range;

use numbering::Numbering;
use selection::Selection;
use sums::Sums;

use super::Plan;
use crate::cell::{Dimension, Tally};
use crate::measure::Measure;
use crate::segment::Segment;
use crate::segment::draft::{Draft, DraftColumn, Source};
use crate::segment::narrow::Figures;
use crate::sketch::Sketch;
use crate::time::Hour;

/// Rows that are looked at together: their numbers stay in the nearest memory.
const BLOCK: usize = 1_024;

/// The rows of a segment that a plan asks for, added up.
pub(super) struct Groups {
    /// The different hours that stand for the hours of groups, ascending.
    pub(super) hours: Vec<Hour>,
    /// Per group, the place of its hour.
    pub(super) hour_of: Vec<u32>,
    /// What tells groups apart besides the hour: the dimension, its values ascending, and per group a place among them.
    pub(super) dims: Vec<(Dimension, DraftColumn)>,
    /// Per measure that was asked for and is not zero everywhere, the sum of each group.
    pub(super) sums: Vec<(Measure, Vec<i64>)>,
    /// Per group where users are kept, else none.
    pub(super) users: Vec<Sketch>,
}

/// Rows of a segment that lie in one hour.
struct Span {
    rows: Range<usize>,
    /// The place of the hour that stands for it.
    hour: u32,
}

impl Groups {
    /// Adds up `segment`, leaving out groups in which every measure is zero and that have no users.
    ///
    /// Where `shown` is given, only its measures are added up; others are looked at to see which groups exist.
    pub(super) fn of(plan: &Plan, segment: &Segment, shown: Option<&[Measure]>) -> Groups {
        let (spans, hours) = spans(plan, segment);
        let is_shown = |measure: &Measure| shown.is_none_or(|shown| shown.contains(measure));
        let (asked, hidden): (Vec<_>, Vec<_>) =
            segment.measures().iter().partition(|(measure, _)| is_shown(measure));
        let mut pass = Pass::new(plan, segment, spans, hours.len());
        let mut groups = Groups {
            sums: pass.add_up(&asked, plan.keep_users),
            hours,
            hour_of: Vec::new(),
            dims: Vec::new(),
            users: std::mem::take(&mut pass.users),
        };
        let mut exists = vec![false; pass.numbering.len()];
        mark(&mut exists, &groups.sums);
        exists.iter_mut().zip(&groups.users).for_each(|(exists, users)| *exists |= !users.is_empty());
        if exists.contains(&false) && !hidden.is_empty() {
            mark(&mut exists, &pass.add_up(&hidden, false));
        }
        groups.keep(&exists, &pass, plan, segment);
        groups
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.hour_of.len()
    }

    /// The sum of a measure by group; none where it is zero everywhere or was not asked for.
    pub(super) fn sum_of(&self, measure: Measure) -> Option<&[i64]> {
        self.sums.iter().find(|(one, _)| *one == measure).map(|(_, sums)| &sums[..])
    }

    /// What one group holds.
    pub(super) fn tally(&self, group: usize) -> Tally {
        let mut tally = Tally::default();
        self.sums.iter().for_each(|(measure, sums)| tally.measures.add(*measure, sums[group]));
        tally.users = self.users.get(group).cloned().unwrap_or_default();
        tally
    }

    /// What all groups hold.
    pub(super) fn total(&self) -> Tally {
        let mut total = Tally::default();
        for (measure, sums) in &self.sums {
            total.measures.add(*measure, sums.iter().fold(0, |sum, one| sum.wrapping_add(*one)));
        }
        self.users.iter().for_each(|users| total.users.merge(users));
        total
    }

    /// Leaves those that exist, and says what they are.
    fn keep(&mut self, exists: &[bool], pass: &Pass<'_>, plan: &Plan, segment: &Segment) {
        if exists.contains(&false) {
            let keep = |sums: &mut Vec<i64>| {
                let mut exists = exists.iter();
                sums.retain(|_| exists.next().is_some_and(|exists| *exists));
            };
            self.sums.iter_mut().for_each(|(_, sums)| keep(sums));
            let mut exists = exists.iter();
            self.users.retain(|_| exists.next().is_some_and(|exists| *exists));
        }
        let numbers: Vec<u32> =
            (0..).zip(exists).filter(|(_, exists)| **exists).map(|(number, _)| number).collect();
        let (hour_of, codes) = pass.numbering.names(&numbers);
        self.hour_of = hour_of;
        let column = |(dimension, codes): (&Dimension, Vec<u32>)| {
            (*dimension, DraftColumn { values: segment.column(*dimension).values.clone(), codes })
        };
        self.dims = plan.keep.iter().zip(codes).map(column).collect();
    }

    /// As a segment, in which `rest` stands for what is not told apart.
    pub(super) fn into_segment(self, plan: &Plan) -> Segment {
        let mut draft = Draft {
            hours: self.hour_of.iter().map(|place| self.hours[*place as usize]).collect(),
            dims: plan.rest.dims.clone().map(DraftColumn::constant),
            ..Draft::default()
        };
        for (dimension, column) in self.dims {
            draft.dims[dimension as usize] = column;
        }
        draft.measures =
            self.sums.into_iter().map(|(measure, sums)| (measure, Source::Whole(sums))).collect();
        let users = (0..).zip(&self.users).filter(|(_, users)| !users.is_empty());
        draft.users = users.map(|(row, users)| (row, users.view())).collect();
        draft.finish()
    }
}

fn mark(exists: &mut [bool], sums: &[(Measure, Vec<i64>)]) {
    for (_, sums) in sums {
        exists.iter_mut().zip(sums).for_each(|(exists, sum)| *exists |= *sum != 0);
    }
}

/// The rows in the hours of the plan, and the hours that stand for them.
fn spans(plan: &Plan, segment: &Segment) -> (Vec<Span>, Vec<Hour>) {
    let within = segment.hour_rows().filter(|(hour, _)| plan.hours.contains(hour));
    let standing: Vec<(Hour, Range<usize>)> =
        within.map(|(hour, rows)| (plan.representative_hour(hour), rows)).collect();
    let mut places: BTreeMap<Hour, u32> = standing.iter().map(|(hour, _)| (*hour, 0)).collect();
    (0..).zip(places.values_mut()).for_each(|(place, of_hour)| *of_hour = place);
    let spans = standing.into_iter().map(|(hour, rows)| Span { rows, hour: places[&hour] });
    (spans.collect(), places.into_keys().collect())
}

/// What passes over the columns of a segment have in common.
struct Pass<'s> {
    segment: &'s Segment,
    spans: Vec<Span>,
    selection: Selection<'s>,
    numbering: Numbering<'s>,
    users: Vec<Sketch>,
}

impl<'s> Pass<'s> {
    fn new(plan: &Plan, segment: &'s Segment, spans: Vec<Span>, hours: usize) -> Self {
        let mut selection = Selection::new(plan, segment);
        let spans = selection.narrow(spans, segment);
        let numbering = Numbering::new(plan, segment, hours);
        Self { segment, spans, selection, numbering, users: Vec::new() }
    }

    /// The sums of these measures by number of the group, and the users if asked for.
    fn add_up(&mut self, measures: &[&(Measure, Figures)], with_users: bool) -> Vec<(Measure, Vec<i64>)> {
        let figures: Vec<&Figures> = measures.iter().map(|(_, figures)| figures).collect();
        let mut sums = Sums::new(&figures);
        let mut users = self.segment.users().peekable();
        let (mut numbers, mut picked) = (Vec::with_capacity(BLOCK), Vec::with_capacity(BLOCK));
        for span in &self.spans {
            for start in span.rows.clone().step_by(BLOCK) {
                let rows = start..span.rows.end.min(start + BLOCK);
                let picked = self.selection.pick(rows.clone(), &mut picked).then_some(&picked[..]);
                self.numbering.number(span.hour, rows.clone(), picked, &mut numbers);
                sums.add(self.numbering.len(), &numbers, &rows, picked);
                if !with_users {
                    continue;
                }
                self.users.resize_with(self.numbering.len(), Sketch::default);
                while users.next_if(|(row, _)| (*row as usize) < rows.start).is_some() {}
                while let Some((row, sketch)) = users.next_if(|(row, _)| (*row as usize) < rows.end) {
                    let row = row - rows.start as u32;
                    let place = picked.map_or(Ok(row as usize), |picked| picked.binary_search(&row));
                    if let Ok(place) = place {
                        self.users[numbers[place] as usize].absorb(sketch);
                    }
                }
            }
        }
        let sums = sums.finish(self.numbering.len());
        measures.iter().zip(sums).map(|((measure, _), sums)| (*measure, sums)).collect()
    }
}
