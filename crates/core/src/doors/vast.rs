//! VAST's tracking addresses: `/v1/vast/{event}?…`, where players fill in the macros that they know.

use super::query;
use crate::event::Kind;
use crate::intake::{Draft, RejectCode};

/// The event of that name: `impression`, `viewable` (`ViewableImpression`), `click` (`ClickTracking`); a player's
/// progress (`start`, `complete`, ...) is none of ours.
pub fn event_of(name: &str, pairs: &[(String, String)]) -> Draft {
    let kind = match name.to_ascii_lowercase().as_str() {
        "impression" => Kind::Impression,
        "viewable" | "view" => Kind::View,
        "click" | "clicktracking" => Kind::Click,
        _ => {
            let draft = query::event_of(None, pairs);
            let name: String = name.chars().take(40).collect();
            return Draft::rejected(
                draft.fields,
                RejectCode::NotAnAdEvent,
                format!("the video event {name:?}"),
            );
        }
    };
    query::event_of(Some(kind), pairs)
}
