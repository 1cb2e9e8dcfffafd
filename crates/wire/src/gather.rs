//! Putting together what the shards of an advertiser answer.

use std::cmp::Reverse;
use std::collections::VecDeque;

use adtally_core::event::Kind;

use crate::api::{EventList, EventStory};
use crate::object::{EventsCursor, EventsPage};

/// The story to tell where shards know events of one id in several kinds: that of the first kind; the others are
/// named in `also`.
pub fn story(stories: Vec<EventStory>) -> Option<EventStory> {
    let place = |kind: &str| Kind::ALL.into_iter().position(|known| known.name() == kind);
    let known = stories.iter().flat_map(|story| story.also.iter().chain([&story.event.kind]));
    let mut kinds: Vec<String> = known.cloned().collect();
    let mut first = stories.into_iter().min_by_key(|story| place(&story.event.kind))?;
    kinds.retain(|kind| *kind != first.event.kind);
    kinds.sort_by_key(|kind| place(kind));
    kinds.dedup();
    first.also = kinds;
    Some(first)
}

/// The newest `limit` events of the pages of all shards: those that arrived last, of each shard in the order of its log.
pub fn newest(pages: Vec<EventsPage>, limit: usize) -> EventList {
    let complete = pages.iter().all(|page| page.complete);
    let mut heads: Vec<_> = pages.into_iter().map(|page| (VecDeque::from(page.events), page.rest)).collect();
    let mut events = Vec::new();
    while events.len() < limit {
        // RFC 3339 in UTC sorts by time but for the fraction, which is absent at whole seconds: "Z" sorts after ".".
        let received = |story: &EventStory| story.event.received.trim_end_matches('Z').to_owned();
        let newest = heads.iter_mut().enumerate().max_by_key(|(shard, (events, _))| {
            (events.front().map(|(_, story)| received(story)), Reverse(*shard))
        });
        let Some((_, story)) = newest.and_then(|(_, (events, _))| events.pop_front()) else { break };
        events.push(story);
    }
    let more = heads.iter().any(|(events, rest)| !events.is_empty() || rest.is_some());
    let places = heads.into_iter().map(|(events, rest)| {
        let shown_to = events.front().map(|(place, _)| *place);
        shown_to.or(rest).unwrap_or_default()
    });
    let next = more.then(|| EventsCursor(places.collect()).to_string());
    EventList { events, complete, next }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::api::StoredEvent;

    fn told(kind: &str, id: &str, at: &str, also: &[&str]) -> EventStory {
        EventStory {
            event: StoredEvent {
                id: id.to_owned(),
                kind: kind.to_owned(),
                at: at.to_owned(),
                received: at.to_owned(),
                shard: 0,
                position: 0,
                duplicates: 0,
                user: None,
                fields: BTreeMap::new(),
            },
            outcome: "counted".to_owned(),
            reason: None,
            impression: None,
            click: None,
            through: None,
            parents: Vec::new(),
            children: Vec::new(),
            rule: String::new(),
            considered: Vec::new(),
            facts: Vec::new(),
            facts_complete: false,
            cell: BTreeMap::new(),
            billing: None,
            also: also.iter().map(|kind| (*kind).to_owned()).collect(),
        }
    }

    #[test]
    fn the_first_kind_is_told_and_the_others_are_named() {
        fn check(stories: &[(&str, &[&str])], expected: Option<(&str, &[&str])>) {
            let stories = stories.iter().map(|(kind, also)| told(kind, "x", "2026-01-01T00:00:00Z", also));
            let found = story(stories.collect());
            let found = found.map(|story| (story.event.kind, story.also));
            let expected = expected
                .map(|(kind, also)| (kind.to_owned(), also.iter().map(|k| (*k).to_owned()).collect()));
            assert_eq!(found, expected);
        }
        check(&[], None);
        check(&[("click", &[])], Some(("click", &[])));
        check(
            &[("click", &["conversion"]), ("impression", &[])],
            Some(("impression", &["click", "conversion"])),
        );
        check(&[("view", &["click"]), ("click", &[])], Some(("view", &["click"])));
    }

    /// A page of a shard with one row per event, the latest of which is row `top`.
    fn page(shard: u32, top: i64, arrivals: &[(&str, &str)], rest: Option<i64>) -> EventsPage {
        let events = arrivals.iter().zip((0..=top).rev()).map(|((id, received), row)| {
            let mut story = told("click", id, received, &[]);
            story.event.shard = shard;
            ((row, 1), story)
        });
        EventsPage { events: events.collect(), rest: rest.map(|row| (row, 0)), complete: rest.is_none() }
    }

    #[test]
    fn the_newest_come_first() {
        let at = |s: &str| format!("2026-01-0{s}Z");
        let (one, two, half) = (at("1T00:00:00"), at("2T00:00:00"), at("2T00:00:00.500"));
        let first = [("a", two.as_str()), ("b", &two), ("c", &one)];
        let second = [("d", half.as_str()), ("e", &two)];
        let check = |limit, rest: Option<i64>, ids: &[&str], next: Option<&str>| {
            let found = newest(vec![page(0, 7, &first, None), page(1, 9, &second, rest)], limit);
            let shown: Vec<&str> = found.events.iter().map(|story| story.event.id.as_str()).collect();
            assert_eq!((shown.as_slice(), found.next.as_deref()), (ids, next), "{limit} {rest:?}");
            assert_eq!(found.complete, rest.is_none());
        };
        check(9, None, &["d", "a", "b", "e", "c"], None);
        check(5, None, &["d", "a", "b", "e", "c"], None);
        check(4, None, &["d", "a", "b", "e"], Some("5.1,0.0"));
        check(2, None, &["d", "a"], Some("6.1,8.1"));
        check(9, Some(3), &["d", "a", "b", "e", "c"], Some("0.0,3.0"));
        assert_eq!(newest(Vec::new(), 3), EventList { events: Vec::new(), complete: true, next: None });
    }

    #[test]
    fn pages_one_after_the_other_are_one_list() {
        // Clocks go back now and then; a shard's own order holds all the same.
        let logs: [&[u64]; 3] = [&[1, 4, 3, 9], &[2, 2, 2], &[]];
        let story = |shard: usize, row: usize| {
            let received = format!("2026-01-01T00:00:0{}Z", logs[shard][row]);
            told("click", &format!("{shard}.{row}"), &received, &[])
        };
        for limit in 1..8 {
            let (mut seen, mut cursor) = (Vec::new(), None::<EventsCursor>);
            loop {
                let pages = logs.iter().enumerate().map(|(shard, log)| {
                    let (row, events) =
                        cursor.as_ref().map_or((log.len() as i64, 0), |cursor| cursor.0[shard]);
                    let end = row as usize + events as usize;
                    let start = end.saturating_sub(limit);
                    let events = (start..end).rev().map(|row| ((row as i64, 1), story(shard, row)));
                    let rest = (start > 0).then_some((start as i64, 0));
                    EventsPage { events: events.collect(), rest, complete: true }
                });
                let list = newest(pages.collect(), limit);
                seen.extend(list.events.into_iter().map(|story| story.event.id));
                match list.next {
                    Some(next) => {
                        cursor = Some(EventsCursor::parse(&next).expect("what was written is read"))
                    }
                    None => break,
                }
            }
            seen.sort();
            assert_eq!(seen, ["0.0", "0.1", "0.2", "0.3", "1.0", "1.1", "1.2"], "{limit} a page");
        }
    }

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        for text in ["0.0", "7.3,0.0,12.1"] {
            assert_eq!(EventsCursor::parse(text).map(|cursor| cursor.to_string()).as_deref(), Some(text));
        }
        for text in ["", "7", "7.", "7.3,", "-1.0", "7.-1", "9007199254740992.0", "x.1"] {
            assert_eq!(EventsCursor::parse(text), None, "{text}");
        }
    }
}
