//! Which days have to be linked again because of what is new.

use std::collections::BTreeSet;

use super::wants::{Days, Reach, Wants};
use super::{Gone, Hashes, Look, Ruling, Span, Standing};
use crate::event::Kind;
use crate::link::Retention;
use crate::settings::Settings;
use crate::time::Day;

/// The most new entries to follow at once: some tens of megabytes. More are followed a range of groups at a time
/// ([`super::ranges`]), and all days that any of them names are affected.
pub const MAX_NEWS: u64 = 500_000;

/// Follows new entries and rulings to the days whose facts may depend on them, days with new entries included; facts of
/// all other days are as they were.
///
/// The other way round than [`Selection`](super::Selection): from a touch to the children that name it, to those of its
/// user after it that name nothing, and to what it makes a repeat; and so on from those.
/// In each round every file is offered ([`Affected::opens`]), and of those to be opened every row that has to be looked at
/// ([`Affected::see`]): for its group, or because the parent that it names is followed ([`Affected::seeks`]). Where new entries are followed a range of groups at a time, every range has to be.
#[derive(Debug)]
pub struct Affected {
    news: News,
    rulings: BTreeSet<Ruling>,
    ruled_days: BTreeSet<Day>,
    reach: Reach,
    retention: Retention,
    round: Round,
    /// The first arrival of what is followed.
    since: i64,
    days: BTreeSet<Day>,
    before: Effects,
    /// What is followed in this round, on which days, and of which groups.
    now: Effects,
    looked_at: Days,
    groups: (u64, u64),
    next: Effects,
    is_too_much: bool,
}

/// What makes a difference.
#[derive(Debug)]
enum News {
    /// Rows after this one came, of these groups.
    Came { known_row: i64, groups: (u64, u64), names: (u64, u64) },
    /// These entries go.
    Goes(Gone),
}

/// All groups, or all hashes of names.
const ALL: (u64, u64) = (0, u64::MAX);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    News,
    Effects,
}

/// Whose facts may change.
#[derive(Debug, Default)]
struct Effects {
    /// Children that name one of these, and those of these groups, kinds and days that name nothing.
    children: Wants,
    /// Events of these groups, kinds and days.
    neighbours: Wants,
}

impl Affected {
    /// What depends on rows after `known_row` of these groups, and on these rulings.
    pub fn new<'a>(
        known_row: i64,
        groups: (u64, u64),
        rulings: impl IntoIterator<Item = Ruling>,
        retention: Retention,
        settings: impl IntoIterator<Item = &'a Settings>,
    ) -> Self {
        let names = ALL;
        Self::of(News::Came { known_row, groups, names }, rulings.into_iter().collect(), retention, settings)
    }

    /// The same, of new touches whose names have hashes within these bounds: where there are more of them than can be
    /// followed at once ([`Affected::is_too_much`]), every range of names has to be followed.
    pub fn with_names(mut self, bounds: (u64, u64)) -> Self {
        if let News::Came { names, .. } = &mut self.news {
            *names = bounds;
        }
        self
    }

    /// Whether there were more new touches than can be followed at once. Not all of them were.
    pub fn is_too_much(&self) -> bool {
        self.is_too_much
    }

    /// What depends on entries that go.
    pub fn of_gone<'a>(
        gone: Gone,
        retention: Retention,
        settings: impl IntoIterator<Item = &'a Settings>,
    ) -> Self {
        Self::of(News::Goes(gone), BTreeSet::new(), retention, settings)
    }

    fn of<'a>(
        news: News,
        rulings: BTreeSet<Ruling>,
        retention: Retention,
        settings: impl IntoIterator<Item = &'a Settings>,
    ) -> Self {
        Self {
            news,
            ruled_days: rulings.iter().map(|ruling| ruling.day).collect(),
            rulings,
            reach: Reach::of(settings),
            retention,
            round: Round::News,
            since: i64::MAX,
            days: BTreeSet::new(),
            before: Effects::default(),
            now: Effects::default(),
            looked_at: Days::NONE,
            groups: Wants::NO_GROUPS,
            next: Effects::default(),
            is_too_much: false,
        }
    }

    /// What of this file, with rows from one to another, has to be looked at in this round; `None`: nothing.
    pub fn opens(&self, file: &Span, rows: (i64, i64)) -> Option<Look> {
        match (self.round, &self.news) {
            (Round::News, News::Came { known_row, groups, .. }) => {
                let is_looked_at = rows.1 > *known_row || self.ruled_days.contains(&file.day);
                (is_looked_at && file.meets(*groups)).then_some(Look::at(*groups))
            }
            (Round::News, News::Goes(gone)) => gone.may_be_among(file.groups).then_some(Look::at(ALL)),
            // All of it is new, so it is followed as that, in this range of groups or another.
            (Round::Effects, News::Came { known_row, .. }) if rows.0 > *known_row => None,
            (Round::Effects, _) if !self.is_late_enough(file) => None,
            (Round::Effects, _) => {
                let is_open = self.looked_at.holds(file.day) && file.meets(self.groups);
                let names = self.now.children.has_names();
                Look { groups: is_open.then_some(self.groups), names }.some()
            }
        }
    }

    /// The parents whose children are looked for in this round, in ascending order.
    pub fn sought(&self) -> Vec<u64> {
        self.now.children.sorted_names()
    }

    /// Whether children are looked for that name this one as their parent.
    pub fn seeks(&self, parent: u64) -> bool {
        self.now.children.has_name(parent)
    }

    /// Whether a file has what arrived late enough to be affected.
    fn is_late_enough(&self, file: &Span) -> bool {
        let (_, after_ms) = self.retention.context_ms();
        file.received.1.0 >= self.since.saturating_sub(after_ms)
    }

    /// Looks at an entry in row `row` of the log: to be called once in a round for each that has to be looked at.
    pub fn see(&mut self, file: &Span, row: i64, entry: &Hashes) {
        match self.round {
            Round::News => self.see_news(file, row, entry),
            Round::Effects if self.is_affected(file, entry) => {
                self.days.insert(file.day);
                self.follow(file, entry);
            }
            Round::Effects => {}
        }
    }

    /// Whether there is another round.
    pub fn next_round(&mut self) -> bool {
        self.round = Round::Effects;
        let Effects { children, neighbours } = std::mem::take(&mut self.now);
        self.before.children.take(children);
        self.before.neighbours.take(neighbours);
        self.now = std::mem::take(&mut self.next);
        self.now.children.widen(&self.before.children);
        self.now.neighbours.widen(&self.before.neighbours);
        self.looked_at = self.now.children.days().hull(self.now.neighbours.days());
        let (children, neighbours) = (self.now.children.groups(), self.now.neighbours.groups());
        self.groups = (children.0.min(neighbours.0), children.1.max(neighbours.1));
        !self.now.children.is_empty() || !self.now.neighbours.is_empty()
    }

    /// The days whose facts may have changed.
    pub fn days(self) -> BTreeSet<Day> {
        self.days
    }

    fn see_news(&mut self, file: &Span, row: i64, entry: &Hashes) {
        let Hashes { kind, group, standing, .. } = *entry;
        let is_new = match &self.news {
            News::Came { groups, .. } if group < groups.0 || groups.1 < group => return,
            News::Came { known_row, .. } => row > *known_row,
            News::Goes(gone) => gone.holds(group, row),
        };
        let is_ruled =
            standing == Standing::OfUser && self.rulings.contains(&Ruling { group, kind, day: file.day });
        if !is_new && !is_ruled {
            return;
        }
        self.days.insert(file.day);
        self.since = self.since.min(file.received.0.0);
        if let News::Came { names, .. } = &self.news {
            self.is_too_much |= self.next.children.len() > 2 * MAX_NEWS as usize;
            if self.is_too_much || entry.name < names.0 || names.1 < entry.name {
                return;
            }
        }
        self.follow(file, entry);
        let repeats_ms = self.reach.repeats_ms(kind).filter(|_| is_new && standing == Standing::OfUser);
        if let Some(window_ms) = repeats_ms {
            self.next.neighbours.add_group(group, kind, Days::after(file.day, window_ms));
        }
    }

    fn is_affected(&self, file: &Span, entry: &Hashes) -> bool {
        let Hashes { kind, group, parent, standing, .. } = *entry;
        let is_child = || match parent {
            Some(name) => self.now.children.has_name(name),
            None => standing == Standing::OfUser && self.now.children.has_group(group, kind, file.day),
        };
        let is_neighbour =
            || standing == Standing::OfUser && self.now.neighbours.has_group(group, kind, file.day);
        standing != Standing::Repeat && (is_child() || is_neighbour())
    }

    /// Notes whose facts depend on what this entry is.
    fn follow(&mut self, file: &Span, entry: &Hashes) {
        let Hashes { kind, group, name, standing, .. } = *entry;
        if standing == Standing::Repeat || !matches!(kind, Kind::Impression | Kind::Click) {
            return;
        }
        if !self.before.children.has_name(name) && !self.now.children.has_name(name) {
            self.next.children.add_name(name);
        }
        if standing != Standing::OfUser {
            return;
        }
        for child in [Kind::View, Kind::Click, Kind::Conversion] {
            let Some(window_ms) = self.reach.touches_ms(child, kind) else { continue };
            let days = Days::after(file.day, window_ms);
            let is_known = |effects: &Effects| effects.children.has_days(group, child, days);
            if !is_known(&self.before) && !is_known(&self.now) {
                self.next.children.add_group(group, child, days);
            }
        }
    }
}
