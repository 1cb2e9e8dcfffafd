//! The timeline: every event of the demo in the order in which it reaches the server.

use std::collections::BTreeMap;

use adtally_core::time::{EventTime, MINUTE_MS};

use super::dice::Dice;
use super::platform::ADVERTISERS;
use super::rhythm::liveliness;
use super::visit::{Arrival, LONGEST_VISIT_MS, Manner, VisitName, arrivals};
use crate::outgoing::OutgoingEvent;

/// Events that a visit brings, on average, with this program's shares; a test keeps it true.
pub(crate) const EVENTS_PER_VISIT: f64 = 1.70;

/// How dense the traffic is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Density {
    pub(crate) seed: u64,
    /// Average events per minute before `live_from`: the past is only sketched.
    pub(crate) past_per_minute: f64,
    /// Average events per minute from then on.
    pub(crate) live_per_minute: f64,
    /// In minutes since 1970.
    pub(crate) live_from: i64,
}

impl Density {
    /// All arrivals of the visits of a minute.
    ///
    /// The visits of a higher density are those of a lower one and some more: whatever the server already has of
    /// a minute keeps its ids.
    pub(crate) fn minute(&self, minute: i64) -> Vec<Arrival> {
        let per_minute = if minute < self.live_from { self.past_per_minute } else { self.live_per_minute };
        let total: u32 = ADVERTISERS.iter().map(|advertiser| advertiser.weight).sum();
        let mut all = Vec::new();
        for (index, advertiser) in ADVERTISERS.iter().enumerate() {
            let share = f64::from(advertiser.weight) / f64::from(total);
            let visits = per_minute / EVENTS_PER_VISIT * share * liveliness(minute, advertiser.zone);
            let seed = u64::try_from(minute).unwrap_or_default();
            let fraction = Dice::of(&[self.seed, seed, index as u64]).fraction();
            // Rounding by chance keeps the average where there is less than one visit a minute.
            let visits = (visits + fraction) as u32;
            let visits = if index == MARKER_ADVERTISER { visits.max(1) } else { visits };
            for number in 0..visits {
                let name = VisitName { seed: self.seed, minute, advertiser: index, number };
                let punctual = index == MARKER_ADVERTISER && number == 0;
                all.extend(arrivals(name, if punctual { Manner::Punctual } else { Manner::Usual }));
            }
        }
        all
    }
}

/// The advertiser that has a visit in every minute.
const MARKER_ADVERTISER: usize = 0;

/// The impression that is there once a minute's traffic has been sent, by advertiser and id.
pub(crate) fn marker(minute: i64) -> (&'static str, String) {
    let name = VisitName { seed: 0, minute, advertiser: MARKER_ADVERTISER, number: 0 };
    (ADVERTISERS[MARKER_ADVERTISER].key, format!("i{}", name.id()))
}

/// Hands out events as time goes on.
#[derive(Debug)]
pub(crate) struct Timeline {
    density: Density,
    /// Nothing that arrives before is handed out.
    from: EventTime,
    next_minute: i64,
    /// What is made and not yet due, by time and order of making.
    waiting: BTreeMap<(EventTime, u64), OutgoingEvent>,
    made: u64,
}

impl Timeline {
    /// Begins with what arrives in `minute`, also of visits that began before it.
    pub(crate) fn starting(minute: i64, density: Density) -> Self {
        Self {
            density,
            from: EventTime(minute * MINUTE_MS),
            next_minute: minute - LONGEST_VISIT_MS / MINUTE_MS,
            waiting: BTreeMap::new(),
            made: 0,
        }
    }

    /// Everything that has arrived by `now` and was not handed out before, in order of arrival.
    pub(crate) fn until(&mut self, now: EventTime) -> Vec<OutgoingEvent> {
        while self.next_minute * MINUTE_MS <= now.0 {
            for arrival in self.density.minute(self.next_minute) {
                if arrival.at >= self.from {
                    self.waiting.insert((arrival.at, self.made), arrival.event);
                    self.made += 1;
                }
            }
            self.next_minute += 1;
        }
        let later = self.waiting.split_off(&(EventTime(now.0 + 1), 0));
        std::mem::replace(&mut self.waiting, later).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    const NOON: i64 = 1_795_003_200_000 / MINUTE_MS; // 2026-11-18T12:00:00Z
    const DENSITY: Density =
        Density { seed: 7, past_per_minute: 4.375, live_per_minute: 180.0, live_from: NOON };

    fn ids(events: &[OutgoingEvent]) -> BTreeSet<(String, String)> {
        events.iter().map(|event| (event.kind.clone(), event.id.clone())).collect()
    }

    #[test]
    fn three_days_have_about_twenty_thousand_events_of_every_sort() {
        let events = Timeline::starting(NOON - 3 * 1_440, DENSITY).until(EventTime(NOON * MINUTE_MS - 1));
        assert!((19_000..21_000).contains(&events.len()), "{}", events.len());
        let count = |test: &dyn Fn(&OutgoingEvent) -> bool| events.iter().filter(|event| test(event)).count();
        let mut kinds = BTreeMap::<_, usize>::new();
        events.iter().for_each(|event| *kinds.entry(event.kind.as_str()).or_default() += 1);
        assert_eq!(kinds.len(), 4, "{kinds:?}");
        assert!(kinds["conversion"] > 60, "{kinds:?}");
        assert!(count(&|event| !event.user_agent.is_empty()) > 200);
        assert!(events.len() - ids(&events).len() > 100, "duplicates");
        let different = |value: &dyn Fn(&OutgoingEvent) -> String| {
            events.iter().map(value).filter(|value| !value.is_empty()).collect::<BTreeSet<_>>().len()
        };
        assert_eq!(different(&|event| event.advertiser.clone()), 4);
        assert_eq!(different(&|event| event.campaign.clone()), 12);
        assert_eq!(different(&|event| event.service.clone()), 3);
        let visits = count(&|event| event.kind == "impression" || event.id.starts_with("kw"));
        let average = events.len() as f64 / visits as f64;
        assert!((average - EVENTS_PER_VISIT).abs() < 0.08, "{average}");
    }

    #[test]
    fn it_does_not_matter_how_often_one_asks() {
        let end = EventTime((NOON + 5) * MINUTE_MS);
        let at_once = Timeline::starting(NOON - 60, DENSITY).until(end);
        let mut timeline = Timeline::starting(NOON - 60, DENSITY);
        let bit_by_bit: Vec<_> = ((NOON - 60) * MINUTE_MS..=end.0)
            .step_by(999)
            .chain([end.0])
            .flat_map(|now| timeline.until(EventTime(now)))
            .collect();
        assert_eq!(at_once, bit_by_bit);
    }

    #[test]
    fn a_restart_makes_nothing_that_the_live_traffic_did_not_have() {
        let restarted = Density { live_from: NOON + 60, ..DENSITY };
        for minute in NOON..NOON + 60 {
            let live: Vec<_> = DENSITY.minute(minute).into_iter().map(|arrival| arrival.event).collect();
            let past: Vec<_> = restarted.minute(minute).into_iter().map(|arrival| arrival.event).collect();
            assert!(past.len() < live.len());
            assert!(past.iter().all(|event| live.contains(event)), "minute {minute}");
        }
    }

    #[test]
    fn every_minute_has_its_marker_in_time() {
        let mut timeline = Timeline::starting(NOON - 1_440, DENSITY);
        for minute in NOON - 1_440..NOON {
            let sent = ids(&timeline.until(EventTime((minute + 1) * MINUTE_MS - 1)));
            let (_, id) = marker(minute);
            assert!(sent.contains(&("impression".to_owned(), id)), "minute {minute}");
        }
    }

    #[test]
    fn nothing_arrives_after_the_longest_visit_or_before_it_happened() {
        for minute in NOON - 600..NOON {
            for arrival in DENSITY.minute(minute) {
                let event_at = arrival.event.at.unwrap();
                assert!(arrival.at >= event_at);
                assert!(arrival.at.0 - minute * MINUTE_MS <= LONGEST_VISIT_MS);
            }
        }
    }

    #[test]
    fn every_event_is_accepted() {
        use adtally_core::intake::{Context, Media, read_body};
        use adtally_core::key::UserSalt;
        use adtally_core::screen::Lists;
        use adtally_core::time::ServerTime;

        let mut body = Vec::new();
        let events = Timeline::starting(NOON - 1_440, DENSITY).until(EventTime(NOON * MINUTE_MS));
        events.iter().for_each(|event| event.write_line(&mut body));
        let salt = UserSalt::new(b"salt");
        let context = Context {
            now: ServerTime(NOON * MINUTE_MS),
            nonce: 0,
            salt: &salt,
            lists: Lists::built_in(),
            visitor: None,
        };
        let intake = read_body(&body, Media::Ndjson, &context).unwrap();
        assert_eq!(intake.rejected, []);
        assert_eq!(intake.events.len(), events.len());
    }
}
