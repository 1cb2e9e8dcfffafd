//! Which rows of the archive have to be read to link a part of a day again.

use super::wants::{Days, Reach, Wants};
use super::{Hashes, Part, Span, Standing};
use crate::event::Kind;
use crate::link::Retention;
use crate::settings::Settings;
use crate::time::ServerTime;

/// Picks the rows of a part of a day, and then, round by round, those of what they depend on.
///
/// An event depends on the parent that it names, wherever that is; on its user's touches before it, where it names no
/// parent; and on those of which it may be a repeat. So do its parents, but nothing depends on its children.
/// In each round every file is offered ([`Selection::opens`]) and every row of those to be opened
/// ([`Selection::wants`]); no row is wanted twice.
#[derive(Debug)]
pub struct Selection {
    part: Part,
    reach: Reach,
    retention: Retention,
    round: Round,
    /// When the part's own entries arrived.
    received: (i64, i64),
    /// What was looked for in earlier rounds.
    before: Wants,
    /// What is looked for in this round, and on which days its groups are.
    now: Wants,
    days: Days,
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
            round: Round::Own,
            received: (i64::MAX, i64::MIN),
            before: Wants::default(),
            now: Wants::default(),
            days: Days::NONE,
            next: Wants::default(),
        }
    }

    /// Whether rows of this file may be wanted in this round.
    pub fn opens(&mut self, file: &Span) -> bool {
        match self.round {
            Round::Own => {
                let (from, to) = self.part.groups;
                let is_own = file.day == self.part.day && file.groups.0 <= to && from <= file.groups.1;
                if is_own {
                    let (first, last) = self.received;
                    self.received = (first.min(file.received.0.0), last.max(file.received.1.0));
                }
                is_own
            }
            Round::Context => {
                self.is_near(file.received) && (self.now.has_names() || self.days.holds(file.day))
            }
        }
    }

    /// Whether the entry of a row is wanted: to be called once in a round for each row of each file to be opened.
    pub fn wants(&mut self, file: &Span, row: &Hashes) -> bool {
        let is_own = self.part.holds(file.day, row.group);
        if self.round == Round::Own {
            if is_own {
                self.ask(file, row, true);
            }
            return is_own;
        }
        if is_own || row.standing == Standing::Repeat || !is_among(&self.now, file, row) {
            return false;
        }
        let is_new = !is_among(&self.before, file, row);
        if is_new {
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
        !self.now.is_empty()
    }

    /// Whether what arrived then can have to do with the part's own entries.
    fn is_near(&self, received: (ServerTime, ServerTime)) -> bool {
        let (before_ms, after_ms) = self.retention.context_ms();
        let from = self.received.0.saturating_sub(before_ms);
        let to = self.received.1.saturating_add(after_ms);
        received.1.0 >= from && received.0.0 <= to
    }

    /// Notes what an entry depends on; of a parent only what it hands down matters.
    fn ask(&mut self, file: &Span, row: &Hashes, is_own: bool) {
        let kind = row.kind;
        let is_linked = is_own || kind == Kind::Click;
        if row.standing == Standing::Repeat || (!is_linked && kind != Kind::Impression) {
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
