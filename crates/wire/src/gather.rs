//! Putting together what the shards of an advertiser answer.

use std::cmp::Reverse;

use adtally_core::event::Kind;

use crate::api::{EventList, EventStory};

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

/// The newest `limit` events of several lists: those that arrived last, in the order in which a shard stored them.
pub fn newest(lists: Vec<EventList>, limit: usize) -> EventList {
    let complete = lists.iter().all(|list| list.complete);
    let mut events: Vec<EventStory> = lists.into_iter().flat_map(|list| list.events).collect();
    // RFC 3339 in UTC sorts by time but for the fraction, which is absent at whole seconds: "Z" sorts after ".".
    let received = |story: &EventStory| story.event.received.trim_end_matches('Z').to_owned();
    events.sort_by_cached_key(|story| (received(story), Reverse(story.event.shard), story.event.position));
    events.reverse();
    events.truncate(limit);
    EventList { events, complete }
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

    #[test]
    fn the_newest_come_first() {
        let list = |shard: u32, arrivals: &[(&str, &str)]| EventList {
            complete: true,
            events: arrivals
                .iter()
                .zip((0..arrivals.len() as u64).rev())
                .map(|((id, received), position)| {
                    let mut story = told("click", id, received, &[]);
                    (story.event.shard, story.event.position) = (shard, position);
                    story
                })
                .collect(),
        };
        let lists = vec![
            list(
                0,
                &[
                    ("a", "2026-01-02T00:00:00Z"),
                    ("b", "2026-01-02T00:00:00Z"),
                    ("c", "2026-01-01T00:00:00Z"),
                ],
            ),
            list(1, &[("d", "2026-01-02T00:00:00.500Z"), ("e", "2026-01-02T00:00:00Z")]),
        ];
        let ids = |limit| -> Vec<String> {
            newest(lists.clone(), limit).events.into_iter().map(|story| story.event.id).collect()
        };
        assert_eq!(ids(9), ["d", "a", "b", "e", "c"]);
        assert_eq!(ids(2), ["d", "a"]);
    }
}
