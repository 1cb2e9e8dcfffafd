//! What was counted in the last minutes, and how busy each object was.

use std::collections::BTreeMap;

use super::Counts;
use crate::time::MINUTE_MS;

/// Minutes that are remembered beside the present one.
const MINUTES: i64 = 10;
/// Objects that are told apart in a minute; what others did is added up under [`OTHERS`].
const MAX_OBJECTS: usize = 2_000;
/// The objects that are not told apart.
const OTHERS: &str = "(others)";

/// What an object did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// Requests to it.
    pub calls: u64,
    /// Events that it stored.
    pub events: u64,
}

impl Load {
    /// This and another.
    pub fn add(&mut self, other: Load) {
        self.calls += other.calls;
        self.events += other.events;
    }
}

/// The last minutes.
#[derive(Debug, Clone, Default)]
pub struct Window {
    minutes: BTreeMap<i64, Minute>,
    began_ms: Option<i64>,
}

#[derive(Debug, Clone, Default)]
struct Minute {
    counted: Counts,
    loads: BTreeMap<String, Load>,
}

/// What a window has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recent {
    /// Of how many milliseconds it is the sum.
    pub over_ms: i64,
    /// What was counted.
    pub counted: Counts,
    /// What objects did, the busiest first.
    pub loads: Vec<(String, Load)>,
}

impl Window {
    /// Adds what was counted since it was told before.
    pub fn add(&mut self, now_ms: i64, counted: &Counts, loads: impl IntoIterator<Item = (String, Load)>) {
        let now = now_ms.div_euclid(MINUTE_MS);
        self.began_ms.get_or_insert(now_ms);
        self.forget(now);
        let minute = self.minutes.entry(now).or_default();
        minute.counted.merge(counted);
        for (object, load) in loads {
            let is_known = minute.loads.contains_key(&object);
            let name = if is_known || minute.loads.len() < MAX_OBJECTS { object } else { OTHERS.to_owned() };
            minute.loads.entry(name).or_default().add(load);
        }
    }

    /// What it has, with the `most` busiest objects.
    pub fn recent(&mut self, now_ms: i64, most: usize) -> Recent {
        let now = now_ms.div_euclid(MINUTE_MS);
        self.forget(now);
        let began = self.began_ms.map_or(now_ms, |began| began.max((now - MINUTES) * MINUTE_MS));
        let mut recent = Recent { over_ms: (now_ms - began).max(0), ..Recent::default() };
        let mut loads: BTreeMap<&String, Load> = BTreeMap::new();
        for minute in self.minutes.values() {
            recent.counted.merge(&minute.counted);
            minute.loads.iter().for_each(|(object, load)| loads.entry(object).or_default().add(*load));
        }
        let mut loads: Vec<(String, Load)> =
            loads.into_iter().map(|(object, load)| (object.clone(), load)).collect();
        loads.sort_by(|a, b| (b.1.calls, b.1.events, &a.0).cmp(&(a.1.calls, a.1.events, &b.0)));
        loads.truncate(most);
        Recent { loads, ..recent }
    }

    fn forget(&mut self, now: i64) {
        self.minutes.retain(|minute, _| now - *minute <= MINUTES && *minute <= now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::Figure;

    fn counted(events: u64) -> Counts {
        let mut counts = Counts::default();
        counts.add(Figure::Accepted, "events", events);
        counts
    }

    fn load(object: &str, calls: u64) -> (String, Load) {
        (object.to_owned(), Load { calls, events: 2 * calls })
    }

    #[test]
    fn the_last_minutes_are_added_up() {
        fn check(at_minutes: i64, events: i64, minutes: i64, busiest: &str) {
            let mut window = Window::default();
            window.add(0, &counted(1), [load("a", 5)]);
            window.add(30_000, &counted(2), [load("b", 3)]);
            window.add(5 * MINUTE_MS, &counted(4), [load("b", 4)]);
            let recent = window.recent(at_minutes * MINUTE_MS, 1);
            assert_eq!(recent.counted.get(Figure::Accepted, "events"), events, "{at_minutes}");
            assert_eq!(recent.over_ms, minutes * MINUTE_MS, "{at_minutes}");
            let names: Vec<&str> = recent.loads.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names.join(" "), busiest, "{at_minutes}");
        }
        check(5, 7, 5, "b");
        check(10, 7, 10, "b");
        check(11, 4, 10, "b");
        check(15, 4, 10, "b");
        check(16, 0, 10, "");
        // A clock that went back: what lies ahead is not believed.
        check(1, 3, 1, "a");
    }

    #[test]
    fn nothing_is_known_of_before() {
        assert_eq!(Window::default().recent(7 * MINUTE_MS, 9), Recent::default());
    }

    #[test]
    fn too_many_objects_are_one() {
        let mut window = Window::default();
        window.add(0, &Counts::default(), (0..MAX_OBJECTS + 10).map(|n| load(&format!("o{n:05}"), 1)));
        let recent = window.recent(0, MAX_OBJECTS * 2);
        assert_eq!(recent.loads.len(), MAX_OBJECTS + 1);
        assert_eq!(recent.loads[0], load(OTHERS, 10));
    }
}
