//! An event among those that it is linked to, in the order of their times.

use adtally_wire::api::{EventStory, LinkedEvent};

/// An event on a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// When it happened, RFC 3339.
    pub at: String,
    /// What it is.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Whether it is the one whose story is told.
    pub is_this: bool,
}

/// Parents, the event itself and its children.
pub fn timeline(story: &EventStory) -> Vec<Moment> {
    let linked = story.parents.iter().chain(&story.children);
    let other = |event: &LinkedEvent| Moment {
        at: event.at.clone(),
        kind: event.kind.clone(),
        id: event.id.clone(),
        is_this: false,
    };
    let event = &story.event;
    let this = Moment { at: event.at.clone(), kind: event.kind.clone(), id: event.id.clone(), is_this: true };
    let mut moments: Vec<Moment> = linked.map(other).chain([this]).collect();
    // RFC 3339 in UTC sorts by time but for the fraction, which is absent at whole seconds.
    moments.sort_by_key(|moment| moment.at.trim_end_matches('Z').to_string());
    moments
}
