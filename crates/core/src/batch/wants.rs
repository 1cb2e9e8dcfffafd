//! What is looked for: groups, by kind on some days, and names on any day.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::event::Kind;
use crate::settings::{Settings, Windows};
use crate::time::{DAY_MS, Day};

/// Days from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) first: i32,
    pub(super) last: i32,
}

impl Days {
    pub(super) const NONE: Days = Days { first: i32::MAX, last: i32::MIN };

    /// From the first day that is less than `window_ms` before some time of `day`, up to that day.
    pub(super) fn before(day: Day, window_ms: i64) -> Self {
        Self { first: day.0.saturating_sub(reach(window_ms)), last: day.0 }
    }

    /// From a day to the last one that begins less than `window_ms` after some time of it.
    pub(super) fn after(day: Day, window_ms: i64) -> Self {
        Self { first: day.0, last: day.0.saturating_add(reach(window_ms)) }
    }

    pub(super) fn holds(self, day: Day) -> bool {
        self.first <= day.0 && day.0 <= self.last
    }

    fn holds_all(self, other: Days) -> bool {
        other == Days::NONE || (self.first <= other.first && other.last <= self.last)
    }

    pub(super) fn hull(self, other: Days) -> Days {
        Days { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// How many days further on something less than `window_ms` away may lie.
fn reach(window_ms: i64) -> i32 {
    let days = window_ms.max(0).saturating_add(DAY_MS - 1) / DAY_MS;
    i32::try_from(days).unwrap_or(i32::MAX)
}

/// By kind, on which days.
type Kinds = [Days; Kind::ALL.len()];

/// Groups, and names.
#[derive(Debug, Default)]
pub(super) struct Wants {
    groups: FxHashMap<u64, Kinds>,
    names: FxHashSet<u64>,
}

impl Wants {
    /// From the first to the last group where there is none.
    pub(super) const NO_GROUPS: (u64, u64) = (u64::MAX, 0);

    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.names.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.names.len() + self.groups.len()
    }

    pub(super) fn has_names(&self) -> bool {
        !self.names.is_empty()
    }

    pub(super) fn has_name(&self, name: u64) -> bool {
        self.names.contains(&name)
    }

    pub(super) fn has_group(&self, group: u64, kind: Kind, day: Day) -> bool {
        self.days_of(group, kind).holds(day)
    }

    /// Whether all of this is among what is wanted.
    pub(super) fn has_days(&self, group: u64, kind: Kind, days: Days) -> bool {
        self.days_of(group, kind).holds_all(days)
    }

    fn days_of(&self, group: u64, kind: Kind) -> Days {
        self.groups.get(&group).map_or(Days::NONE, |kinds| kinds[kind as usize])
    }

    pub(super) fn add_name(&mut self, name: u64) {
        self.names.insert(name);
    }

    pub(super) fn add_group(&mut self, group: u64, kind: Kind, days: Days) {
        let known = &mut self.groups.entry(group).or_insert([Days::NONE; Kind::ALL.len()])[kind as usize];
        *known = known.hull(days);
    }

    /// For each of its groups, adds the days that another wants of it and those between.
    pub(super) fn widen(&mut self, other: &Wants) {
        for (group, kinds) in &mut self.groups {
            if let Some(more) = other.groups.get(group) {
                kinds.iter_mut().zip(more).for_each(|(days, more)| *days = days.hull(*more));
            }
        }
    }

    /// Adds all of another, which was widened by this one.
    pub(super) fn take(&mut self, wider: Wants) {
        if self.is_empty() {
            *self = wider;
            return;
        }
        self.names.extend(wider.names);
        self.groups.extend(wider.groups);
    }

    /// The names in ascending order.
    pub(super) fn sorted_names(&self) -> Vec<u64> {
        let mut names: Vec<u64> = self.names.iter().copied().collect();
        names.sort_unstable();
        names
    }

    /// The least and the greatest group.
    pub(super) fn groups(&self) -> (u64, u64) {
        let hull = |(first, last): (u64, u64), group: &u64| (first.min(*group), last.max(*group));
        self.groups.keys().fold(Self::NO_GROUPS, hull)
    }

    /// The days of all groups together.
    pub(super) fn days(&self) -> Days {
        let all = self.groups.values().flatten();
        all.fold(Days::NONE, |hull, days| hull.hull(*days))
    }
}

/// The longest windows of some settings: how far events that have to do with each other can lie apart.
#[derive(Debug, Clone)]
pub(super) struct Reach(Windows);

impl Reach {
    pub(super) fn of<'a>(settings: impl IntoIterator<Item = &'a Settings>) -> Self {
        let none = Windows {
            click_window_ms: 0,
            conversion_click_window_ms: 0,
            conversion_view_window_ms: 0,
            repeat_click_ms: 0,
            repeat_conversion_ms: 0,
            repeat_impression_ms: 0,
            skew_ms: 0,
        };
        let longest = |a: Windows, b: &Windows| Windows {
            click_window_ms: a.click_window_ms.max(b.click_window_ms),
            conversion_click_window_ms: a.conversion_click_window_ms.max(b.conversion_click_window_ms),
            conversion_view_window_ms: a.conversion_view_window_ms.max(b.conversion_view_window_ms),
            repeat_click_ms: a.repeat_click_ms.max(b.repeat_click_ms),
            repeat_conversion_ms: a.repeat_conversion_ms.max(b.repeat_conversion_ms),
            repeat_impression_ms: a.repeat_impression_ms.max(b.repeat_impression_ms),
            skew_ms: a.skew_ms.max(b.skew_ms),
        };
        Self(settings.into_iter().fold(none, |windows, settings| longest(windows, &settings.windows)))
    }

    /// How far before a child without a named parent the touches of this kind lie that it may be linked to.
    pub(super) fn touches_ms(&self, child: Kind, touch: Kind) -> Option<i64> {
        match (child, touch) {
            (Kind::View | Kind::Click, Kind::Impression) => Some(self.0.click_window_ms),
            (Kind::Conversion, Kind::Impression) => Some(self.0.conversion_view_window_ms),
            (Kind::Conversion, Kind::Click) => Some(self.0.conversion_click_window_ms),
            _ => None,
        }
    }

    /// How far before an event lie those of its kind of which it may be a repeat.
    pub(super) fn repeats_ms(&self, kind: Kind) -> Option<i64> {
        let window_ms = match kind {
            Kind::Impression => self.0.repeat_impression_ms,
            Kind::View => 0,
            Kind::Click => self.0.repeat_click_ms,
            Kind::Conversion => self.0.repeat_conversion_ms,
        };
        (window_ms > 0).then_some(window_ms)
    }
}
