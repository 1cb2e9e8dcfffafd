//! Why a figure changed, as far as the figures themselves tell.

use std::collections::BTreeMap;

use crate::cell::{CellKey, Dimension};
use crate::event::Kind;
use crate::key::Key;
use crate::measure::{Measure, Measures, invalid, valid};
use crate::time::Hour;

/// Why a figure changed.
///
/// An event never changes its hour, its advertiser or its kind.
/// So where an hour of an advertiser has more events of a kind than before, new ones arrived; where it has as many, what
/// one cell gained another lost. Within that, per cell and kind, the first that fits:
///
/// | what changed | cause |
/// |---|---|
/// | valid events became invalid, or the reverse, and for `flood` in any case | `invalid_traffic` |
/// | more events, and the hour has more | `late` |
/// | more events, and the hour has not more | `relink` |
/// | fewer events, and the hour has fewer | `correction` |
/// | fewer events, and the hour has not fewer | `relink` |
/// | as many events, with other links | `relink` |
/// | as many events, with another value | `correction` |
///
/// Repeated deliveries and `late` itself follow arrivals: `late` where they grew, else `relink`.
/// Cost follows the kinds of its cell: `late` before `invalid_traffic` before `relink`; where none of them changed it is a
/// `correction`.
/// A conversion that moves into the scope of a service was not in it before, so there it counts as `late`, and one that
/// leaves as `correction`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Events arrived after the cut of the generation before.
    Late,
    /// Events were linked otherwise than before.
    Relink,
    /// Events were found invalid, or valid after all.
    InvalidTraffic,
    /// Anything else: events that were deleted, amounts that were corrected.
    Correction,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Cause; 4] = [Cause::Late, Cause::Relink, Cause::InvalidTraffic, Cause::Correction];

    /// The name in API queries and answers.
    pub fn name(self) -> &'static str {
        match self {
            Cause::Late => "late",
            Cause::Relink => "relink",
            Cause::InvalidTraffic => "invalid_traffic",
            Cause::Correction => "correction",
        }
    }

    /// The cause of that name.
    pub fn parse(name: &str) -> Option<Cause> {
        Cause::ALL.into_iter().find(|cause| cause.name() == name)
    }
}

/// By hour and advertiser, how many events of each kind there are more than before.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    gained: BTreeMap<(Hour, Key), [i64; Kind::ALL.len()]>,
}

impl Arrivals {
    /// Counts what a cell gained.
    pub(super) fn count(&mut self, key: &CellKey, difference: &Measures) {
        let gained = self.gained.entry(place(key)).or_default();
        for (sum, kind) in gained.iter_mut().zip(Kind::ALL) {
            *sum = sum.wrapping_add(gross(difference, kind));
        }
    }

    /// The measures of a cell that changed, each with its cause.
    pub(super) fn causes(&self, key: &CellKey, difference: &Measures) -> Vec<(Measure, Cause)> {
        let gained = self.gained.get(&place(key)).copied().unwrap_or_default();
        let kinds = Kind::ALL.into_iter().zip(gained);
        let by_kind: Vec<(Kind, Cause)> =
            kinds.filter_map(|(kind, gained)| Some((kind, cause_of(kind, difference, gained)?))).collect();
        let first_of =
            |causes: &[Cause]| causes.iter().copied().find(|one| by_kind.iter().any(|(_, is)| is == one));
        let overall = first_of(&[Cause::Late, Cause::InvalidTraffic, Cause::Relink]);
        let changed = Measure::ALL.into_iter().filter(|measure| difference.get(*measure) != 0);
        let cause = |measure: Measure| match kind_of(measure) {
            Some(kind) => by_kind.iter().find(|(one, _)| *one == kind).map(|(_, cause)| *cause),
            None => match measure {
                Measure::Duplicates | Measure::Late if difference.get(measure) > 0 => Some(Cause::Late),
                Measure::Duplicates | Measure::Late | Measure::Waiting => overall.or(Some(Cause::Relink)),
                _ => overall,
            },
        };
        changed.map(|measure| (measure, cause(measure).unwrap_or(Cause::Correction))).collect()
    }
}

fn place(key: &CellKey) -> (Hour, Key) {
    (key.hour, key.dim(Dimension::Advertiser).clone())
}

/// How many events of a kind there are, valid or not.
fn gross(figures: &Measures, kind: Kind) -> i64 {
    figures.get(valid(kind)).wrapping_add(figures.get(invalid(kind)))
}

/// Why the figures of a kind changed in a cell; `None` where they did not.
fn cause_of(kind: Kind, difference: &Measures, hour_gained: i64) -> Option<Cause> {
    let changed = Measure::ALL.into_iter().filter(|measure| difference.get(*measure) != 0);
    let changed: Vec<Measure> = changed.filter(|measure| kind_of(*measure) == Some(kind)).collect();
    if changed.is_empty() {
        return None;
    }
    let is_verdict = difference.get(valid(kind)).signum() * difference.get(invalid(kind)).signum() < 0;
    Some(match gross(difference, kind) {
        _ if is_verdict || changed.iter().any(|measure| is_flood(*measure)) => Cause::InvalidTraffic,
        1.. if hour_gained > 0 => Cause::Late,
        ..0 if hour_gained < 0 => Cause::Correction,
        1.. | ..0 => Cause::Relink,
        // Another reason for as many invalid events.
        0 if changed.iter().any(|measure| is_reason(*measure)) => Cause::InvalidTraffic,
        0 if changed == [Measure::ValueMicros] => Cause::Correction,
        0 => Cause::Relink,
    })
}

/// Whether the measure counts events that the batch found to be too many in a day.
fn is_flood(measure: Measure) -> bool {
    use Measure::{FloodClicks, FloodConversions, FloodImpressions, FloodViews};
    matches!(measure, FloodImpressions | FloodViews | FloodClicks | FloodConversions)
}

/// Whether the measure counts invalid events of one reason.
fn is_reason(measure: Measure) -> bool {
    kind_of(measure).is_some() && measure >= Measure::BotImpressions
}

/// The kind of the events that a measure counts; `None` where events of all kinds add to it.
fn kind_of(measure: Measure) -> Option<Kind> {
    use Measure as M;
    match measure {
        M::Impressions
        | M::InvalidImpressions
        | M::BotImpressions
        | M::DatacenterImpressions
        | M::RepeatImpressions
        | M::FloodImpressions => Some(Kind::Impression),
        M::Views | M::InvalidViews | M::BotViews | M::DatacenterViews | M::RepeatViews | M::FloodViews => {
            Some(Kind::View)
        }
        M::Clicks
        | M::LinkedClicks
        | M::InvalidClicks
        | M::BotClicks
        | M::DatacenterClicks
        | M::RepeatClicks
        | M::FloodClicks => Some(Kind::Click),
        M::Conversions
        | M::ViewThrough
        | M::Unattributed
        | M::ValueMicros
        | M::InvalidConversions
        | M::BotConversions
        | M::DatacenterConversions
        | M::RepeatConversions
        | M::FloodConversions => Some(Kind::Conversion),
        M::CostMicros | M::Duplicates | M::Late | M::Waiting => None,
    }
}
