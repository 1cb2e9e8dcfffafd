//! Which rows of the archive have to be read to link a part of a day again.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::wants::{Days, Reach, Wants};
use super::{Hashes, Look, MAX_PART_ENTRIES, Part, Ruling, Span, Standing};
use crate::event::Kind;
use crate::link::Retention;
use crate::settings::Settings;
use crate::time::ServerTime;

/// Picks the rows of a part of a day, and then, round by round, those of what they depend on.
///
/// An event depends on the parent that it names, wherever that is; on its user's touches before it, where it names no
/// parent; and on those of which it may be a repeat. So do its parents, but nothing depends on its children.
/// In each round every file is offered ([`Selection::opens`]), and of those to be opened every row that has to be looked at
/// ([`Selection::wants`]): for its group, or because its name is looked for ([`Selection::seeks`]). No row is wanted twice.
///
/// What is not asked for cannot be wanted. A name is one event's within the horizon of duplicates, so where that is found
/// nobody looks for its name in files that arrived around then: where children name parents of their own user and day,
/// no other row is looked at.
#[derive(Debug)]
pub struct Selection {
    part: Part,
    reach: Reach,
    retention: Retention,
    rulings: BTreeSet<Ruling>,
    round: Round,
    /// When the part's own entries arrived.
    received: (i64, i64),
    /// The touches that were taken: between which times those of a name arrived.
    found: FxHashMap<u64, (i64, i64)>,
    /// What was looked for in earlier rounds.
    before: Wants,
    /// What is looked for in this round, on which days its groups are, and from which to which they go.
    now: Wants,
    days: Days,
    groups: (u64, u64),
    names: Names,
    /// What was found to be needed in this round.
    next: Wants,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    /// The part itself.
    Own,
    /// What it depends on.
    Context,
}

/// Where the names of a round are looked for.
#[derive(Debug)]
struct Names {
    /// All of them, in ascending order: in files with arrivals up to the first of these times, or from the second on.
    all: Vec<u64>,
    outside: (i64, i64),
    /// Of these those that are found nowhere: in the files between, too.
    missing: Vec<u64>,
}

/// The most names that are remembered as found: some megabytes. Others are looked for in every file.
const MAX_FOUND: usize = 2 * MAX_PART_ENTRIES as usize;

impl Selection {
    /// The selection of a part; the settings are all those that an entry may have arrived under.
    pub fn new<'a>(
        part: Part,
        retention: Retention,
        settings: impl IntoIterator<Item = &'a Settings>,
    ) -> Self {
        Self {
            part,
            reach: Reach::of(settings),
            retention,
            rulings: BTreeSet::new(),
            round: Round::Own,
            received: (i64::MAX, i64::MIN),
            found: FxHashMap::default(),
            before: Wants::default(),
            now: Wants::default(),
            days: Days::NONE,
            groups: Wants::NO_GROUPS,
            names: Names { all: Vec::new(), outside: (i64::MIN, i64::MAX), missing: Vec::new() },
            next: Wants::default(),
        }
    }

    /// Events under these rulings are invalid whatever else there is, so they look for no parent.
    pub fn with_rulings(self, rulings: impl IntoIterator<Item = Ruling>) -> Self {
        Self { rulings: rulings.into_iter().collect(), ..self }
    }

    /// What of this file has to be looked at in this round; `None`: nothing.
    pub fn opens(&mut self, file: &Span) -> Option<Look> {
        if self.round == Round::Own {
            if file.day != self.part.day || !file.meets(self.part.groups) {
                return None;
            }
            let (first, last) = self.received;
            self.received = (first.min(file.received.0.0), last.max(file.received.1.0));
            return Some(Look::at(self.part.groups));
        }
        if !self.is_near(file.received) {
            return None;
        }
        // All rows of the part's own groups on its day were taken in the first round.
        let (first, last) = self.groups;
        let is_taken = file.day == self.part.day && self.part.groups.0 <= first && last <= self.part.groups.1;
        let is_open = self.days.holds(file.day) && !is_taken && file.meets(self.groups);
        let names = !self.sought(file).is_empty();
        Look { groups: is_open.then_some(self.groups), names }.some()
    }

    /// The names that are looked for in this file, in ascending order.
    pub fn sought(&self, file: &Span) -> &[u64] {
        let (upto, from) = self.names.outside;
        match file.received.0.0 <= upto || file.received.1.0 >= from {
            true => &self.names.all,
            false => &self.names.missing,
        }
    }

    /// Whether a name is looked for.
    pub fn seeks(&self, name: u64) -> bool {
        self.now.has_name(name)
    }

    /// Whether the entry of a row is wanted: to be called once in a round for each row that has to be looked at.
    pub fn wants(&mut self, file: &Span, row: &Hashes) -> bool {
        let is_own = self.part.holds(file.day, row.group);
        if self.round == Round::Own {
            if is_own {
                self.find(file, row);
                self.ask(file, row, true);
            }
            return is_own;
        }
        if is_own || row.standing == Standing::Repeat || !is_among(&self.now, file, row) {
            return false;
        }
        let is_new = !is_among(&self.before, file, row);
        if is_new {
            self.find(file, row);
            self.ask(file, row, false);
        }
        is_new
    }

    /// Whether there is another round.
    pub fn next_round(&mut self) -> bool {
        self.round = Round::Context;
        let now = std::mem::take(&mut self.now);
        self.before.take(now);
        self.now = std::mem::take(&mut self.next);
        // Days have no gaps, so those between two ranges are looked at as well, and count as looked at only then.
        self.now.widen(&self.before);
        self.days = self.now.days();
        self.groups = self.now.groups();
        self.names = self.where_names_are();
        !self.now.is_empty()
    }

    /// Whether what arrived then can have to do with the part's own entries.
    fn is_near(&self, received: (ServerTime, ServerTime)) -> bool {
        let (before_ms, after_ms) = self.retention.context_ms();
        let from = self.received.0.saturating_sub(before_ms);
        let to = self.received.1.saturating_add(after_ms);
        received.1.0 >= from && received.0.0 <= to
    }

    /// A delivery that arrives within the horizon of an accepted event of its name is a repeat of that, so other events of
    /// a name that is found arrived before or after that.
    fn where_names_are(&self) -> Names {
        let horizon_ms = self.retention.dedupe_ms;
        let (all, mut missing) = (self.now.sorted_names(), Vec::new());
        let (mut upto, mut from) = (i64::MIN, i64::MAX);
        for name in &all {
            match self.found.get(name) {
                None => missing.push(*name),
                Some((first, last)) => {
                    upto = upto.max(last.saturating_sub(horizon_ms));
                    from = from.min(first.saturating_add(horizon_ms));
                }
            }
        }
        Names { all, outside: (upto, from), missing }
    }

    /// Notes that an event of a name is found.
    fn find(&mut self, file: &Span, row: &Hashes) {
        let is_touch = row.standing != Standing::Repeat && matches!(row.kind, Kind::Impression | Kind::Click);
        if is_touch && self.found.len() < MAX_FOUND {
            let (first, last) = (file.received.0.0, file.received.1.0);
            let known = self.found.entry(row.name).or_insert((first, last));
            *known = (known.0.min(first), known.1.max(last));
        }
    }

    /// Notes what an entry depends on; of a parent only what it hands down matters.
    fn ask(&mut self, file: &Span, row: &Hashes, is_own: bool) {
        let kind = row.kind;
        let is_ruled = self.is_ruled(file, row);
        if is_ruled && !is_own {
            return;
        }
        let is_linked = (is_own || kind == Kind::Click) && !is_ruled;
        if row.standing == Standing::Repeat || (!is_linked && !is_ruled && kind != Kind::Impression) {
            return;
        }
        let parent = row.parent.filter(|_| is_linked && kind != Kind::Impression);
        if let Some(parent) = parent.filter(|name| !self.before.has_name(*name) && !self.now.has_name(*name))
        {
            self.next.add_name(parent);
        }
        if row.standing != Standing::OfUser {
            return;
        }
        if let Some(window_ms) = self.reach.repeats_ms(kind) {
            self.ask_group(file, row.group, kind, window_ms);
        }
        for touch in [Kind::Impression, Kind::Click] {
            let window_ms = self.reach.touches_ms(kind, touch).filter(|_| is_linked && row.parent.is_none());
            if let Some(window_ms) = window_ms {
                self.ask_group(file, row.group, touch, window_ms);
            }
        }
    }

    fn is_ruled(&self, file: &Span, row: &Hashes) -> bool {
        let ruling = Ruling { group: row.group, kind: row.kind, day: file.day };
        !self.rulings.is_empty() && row.standing == Standing::OfUser && self.rulings.contains(&ruling)
    }

    fn ask_group(&mut self, file: &Span, group: u64, kind: Kind, window_ms: i64) {
        let days = Days::before(file.day, window_ms);
        if !self.before.has_days(group, kind, days) && !self.now.has_days(group, kind, days) {
            self.next.add_group(group, kind, days);
        }
    }
}

fn is_among(wants: &Wants, file: &Span, row: &Hashes) -> bool {
    wants.has_name(row.name) || wants.has_group(row.group, row.kind, file.day)
}
