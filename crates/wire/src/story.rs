//! The story of an event: what the linker knows of it, as the API tells it.

use std::collections::BTreeMap;

use adtally_core::billing::Entry;
use adtally_core::cell::Dimension;
use adtally_core::event::{Event, Kind, Screening};
use adtally_core::link::{Considered, Fact, FactBody, FactCell, Related, Story, Through};
use adtally_core::measure::{Measure, Measures};
use adtally_core::time::rfc3339;
use serde_json::Value;

use crate::api::{ConsideredEvent, EventStory, LinkedEvent, SignedFact, StoredEvent};
use crate::billing;

/// The whole story of an event, of whose billing entries `pending` are not confirmed, with the names of other kinds that
/// have an event of its id.
pub fn tell(told: &Story, shard: u32, pending: &[Entry], also: Vec<String>) -> EventStory {
    let mut story = summary(&told.event, shard);
    story.parents = told.parents.iter().map(linked).collect();
    story.children = told.children.iter().map(linked).collect();
    story.rule = told.rule.name().to_owned();
    story.considered = told.considered.iter().map(considered).collect();
    story.facts_complete = told.history.is_some();
    let facts = told.history.clone().unwrap_or_else(|| {
        let Related { event: Event { event, at, .. }, position, fact, .. } = &told.event;
        vec![(*position, Fact { sign: 1, event: event.clone(), at: *at, body: fact.clone() })]
    });
    story.facts = facts.iter().map(|(position, fact)| signed(fact.sign, *position, &fact.body)).collect();
    story.billing = Some(billing::story::tell(&facts, pending));
    story.also = also;
    story
}

/// The story without its history and its relatives, for lists.
pub fn summary(related: &Related, shard: u32) -> EventStory {
    let fact = &related.fact;
    EventStory {
        event: stored(related, shard),
        outcome: fact.outcome.name().to_owned(),
        reason: fact.reason().map(str::to_owned),
        impression: fact.impression().map(ToString::to_string),
        click: fact.click().map(ToString::to_string),
        through: fact.through().map(Through::name).map(str::to_owned),
        parents: Vec::new(),
        children: Vec::new(),
        rule: String::new(),
        considered: Vec::new(),
        facts: Vec::new(),
        facts_complete: false,
        cell: cell(&fact.cell),
        billing: None,
        also: Vec::new(),
    }
}

fn considered(other: &Considered) -> ConsideredEvent {
    ConsideredEvent {
        id: other.event.id.to_string(),
        kind: other.event.kind.name().to_owned(),
        at: rfc3339(other.at.0),
        outcome: other.candidacy.name().to_owned(),
    }
}

fn stored(related: &Related, shard: u32) -> StoredEvent {
    let event = &related.event;
    let mut fields = BTreeMap::new();
    let mut put = |name: &str, text: &str| {
        if !text.is_empty() {
            fields.insert(name.to_owned(), Value::from(text));
        }
    };
    put("advertiser", event.advertiser.as_str());
    put("campaign", event.dims.campaign.as_str());
    put("ad", event.dims.ad.as_str());
    put("service", event.dims.service.as_str());
    put("placement", event.dims.placement.as_str());
    put("country", event.dims.country.as_str());
    put("device", event.dims.device.as_str());
    put("label", event.label.as_str());
    put("impression", event.impression.as_ref().map_or("", |id| id.as_str()));
    put("click", event.click.as_ref().map_or("", |id| id.as_str()));
    let extras = event.extras.as_deref().cloned().unwrap_or_default();
    put("os", extras.os.as_str());
    put("browser", extras.browser.as_str());
    put("page", &extras.page);
    match event.screening {
        Screening::Clean => {}
        Screening::Bot => put("screening", "bot"),
        Screening::Datacenter => put("screening", "datacenter"),
    }
    if let Some(cost) = event.cost_micros {
        fields.insert("cost_micros".to_owned(), cost.into());
    }
    if event.kind() == Kind::Conversion || event.value_micros != 0 {
        fields.insert("value_micros".to_owned(), event.value_micros.into());
    }
    if !extras.props.is_empty() {
        let props = extras.props.into_iter().map(|(name, value)| (name, Value::from(value)));
        fields.insert("props".to_owned(), Value::Object(props.collect()));
    }
    StoredEvent {
        id: event.id().to_string(),
        kind: event.kind().name().to_owned(),
        at: rfc3339(event.at.0),
        received: rfc3339(related.received.0),
        shard,
        position: related.position,
        duplicates: related.duplicates,
        user: event.user.map(|user| user.to_string()),
        fields,
    }
}

fn linked(related: &Related) -> LinkedEvent {
    let event = &related.event;
    LinkedEvent { id: event.id().to_string(), kind: event.kind().name().to_owned(), at: rfc3339(event.at.0) }
}

fn signed(sign: i8, position: u64, body: &FactBody) -> SignedFact {
    SignedFact {
        sign,
        position,
        outcome: body.outcome.name().to_owned(),
        reason: body.reason().map(str::to_owned),
        impression: body.impression().map(ToString::to_string),
        click: body.click().map(ToString::to_string),
        cell: cell(&body.cell),
        measures: measures(&body.measures.measures()),
    }
}

fn cell(key: &FactCell) -> BTreeMap<String, String> {
    let dims = Dimension::ALL.into_iter().map(|d| (d.name().to_owned(), key.dim(d).to_string()));
    dims.chain([("hour".to_owned(), rfc3339(key.hour.start_ms()))]).collect()
}

/// The measures that are not zero, by name.
pub fn measures(measures: &Measures) -> BTreeMap<String, i64> {
    let figures = Measure::ALL.into_iter().map(|m| (m.name().to_owned(), measures.get(m)));
    figures.filter(|(_, figure)| *figure != 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use adtally_core::event::EventRef;
    use adtally_core::intake::{Context, Media, read_body};
    use adtally_core::key::{EventId, UserSalt};
    use adtally_core::link::{Arrival, Linker, NoShelf};
    use adtally_core::screen::Lists;
    use adtally_core::time::ServerTime;

    #[test]
    fn a_click_that_came_before_its_impression() {
        let salt = UserSalt::new(b"s");
        let context = Context {
            now: ServerTime(1_532_271_600_000),
            nonce: 0,
            salt: &salt,
            lists: Lists::built_in(),
            visitor: None,
        };
        let body = r#"{"id":"x1","kind":"click","advertiser":"acme","impression":"x1","at":1532271500000}
            {"id":"x1","kind":"impression","advertiser":"acme","ad":"a1","country":"KR","at":1532271499000}"#;
        let intake = read_body(body.as_bytes(), Media::Ndjson, &context).unwrap();
        let mut linker = Linker::new();
        for (_, event) in intake.events {
            linker.apply([Arrival { event, received: context.now, settings: Default::default() }]);
        }
        let click = EventRef { kind: Kind::Click, id: EventId::parse("x1").unwrap() };
        let told = linker.story(&click, &NoShelf).unwrap().unwrap();
        let story = tell(&told, 3, &[], vec!["impression".to_owned()]);
        assert_eq!(story.rule, "named_impression");
        let considered = story.considered.iter().map(|other| (other.id.as_str(), other.outcome.as_str()));
        assert_eq!(considered.collect::<Vec<_>>(), [("x1", "chosen")]);
        assert_eq!((story.outcome.as_str(), story.reason), ("counted", None));
        assert_eq!(story.parents.len(), 1);
        assert_eq!(story.also, ["impression"]);
        let facts: Vec<_> = story.facts.iter().map(|f| (f.sign, f.position, f.reason.as_deref())).collect();
        assert_eq!(facts, [(1, 0, Some("parent_missing")), (-1, 1, Some("parent_missing")), (1, 1, None)]);
        assert_eq!(
            (story.cell["country"].as_str(), story.cell["hour"].as_str()),
            ("KR", "2018-07-22T14:00:00Z")
        );
        let impression = EventRef { kind: Kind::Impression, ..click };
        let told = linker.story(&impression, &NoShelf).unwrap().unwrap();
        assert_eq!(tell(&told, 3, &[], vec![]).children[0].kind, "click");
    }
}
