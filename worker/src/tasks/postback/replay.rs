//! What a partner refused, sent again when an operator has said so.

use adtally_core::event::Kind;
use adtally_core::link::Through;
use adtally_wire::api::EventStory;
use adtally_wire::gather;
use adtally_wire::jobs::api::{PostbackProgress, PostbackReplay};
use adtally_wire::object::{STORY, StoryQuery};

use super::{FOLDER, Log, PAGE, Partner, fits, place, tell, write};
use crate::bindings::STORE;
use crate::clock;
use crate::linkers::ask_all;
use crate::store::Store;
use crate::tasks::{Context, TaskError};

/// Notes what the next run is to send again, beside what it may have been told already.
///
/// May be repeated: two that are noted at once may lose one of them, and who lost it sees what is still refused.
pub(crate) async fn order(store: &Store, name: &str, replay: PostbackReplay) -> Result<(), TaskError> {
    let key = ordered_at(&place(name)?);
    let replay = match ordered(store, &key).await? {
        Some(before) => replay.and(before),
        None => replay,
    };
    Ok(store.put(&key, &serde_json::to_string(&replay)?).await?)
}

/// Sends again what was refused, if that was asked for: the conversion as it is now, by the template of now.
///
/// 1. Asking the Linkers: read only.
/// 2. Sending: the partner knows the conversion by its id.
/// 3. How far it is, is written after every page; what was asked for is forgotten last.
pub(super) async fn again(
    context: &Context,
    partner: &Partner,
    log: &Log,
    at: &str,
    progress: &mut PostbackProgress,
) -> Result<(), TaskError> {
    let store = Store::open(&context.env)?;
    let key = ordered_at(at);
    let Some(wanted) = ordered(&store, &key).await? else { return Ok(()) };
    let (mut next, mut tried) = (0, 0);
    while let Some(refused) = progress.rejected.get(next).cloned() {
        if !wanted.names(&refused.id) {
            next += 1;
            continue;
        }
        let refusal = match conversion(log, &refused.id).await? {
            Some(story) if is_of_click(&story) && fits(partner, &story) => {
                tell(context, partner, &story).await?
            }
            known => {
                let reason = match known {
                    Some(_) => "it is not attributed to a click of this partner any more",
                    None => "the conversion is not known any more",
                };
                Some(super::RejectedPostback {
                    reason: format!("not sent again: {reason}; before: {}", first_said(&refused.reason)),
                    at_ms: clock::now().0,
                    ..refused
                })
            }
        };
        match refusal {
            None => {
                progress.rejected.remove(next);
                progress.sent += 1;
            }
            Some(refusal) => {
                progress.rejected[next] = refusal;
                next += 1;
            }
        }
        tried += 1;
        if tried % PAGE == 0 {
            write(context, at, progress).await?;
        }
    }
    write(context, at, progress).await?;
    // What was asked for meanwhile is for the next run.
    if ordered(&store, &key).await?.as_ref() == Some(&wanted) {
        context.env.bucket(STORE)?.delete(&key).await?;
    }
    context.log(format!("{tried} were sent again"));
    Ok(())
}

/// The conversion of an id with its advertiser before it, if it is still known.
async fn conversion(log: &Log, id: &str) -> Result<Option<EventStory>, TaskError> {
    let Some((_, id)) = id.split_once('/') else { return Ok(None) };
    let query = StoryQuery { id: id.to_owned(), kind: Some(Kind::Conversion.name().to_owned()) };
    Ok(gather::story(ask_all(&log.linkers, &log.advertiser, log.shards, STORY, &query).await?))
}

fn is_of_click(story: &EventStory) -> bool {
    story.through.as_deref() == Some(Through::Click.name())
}

/// The first of the reasons that follow one another.
fn first_said(reason: &str) -> &str {
    reason.split_once("; before: ").map_or(reason, |(_, first)| first)
}

async fn ordered(store: &Store, key: &str) -> Result<Option<PostbackReplay>, TaskError> {
    let Some(bytes) = store.get(key).await? else { return Ok(None) };
    Ok(Some(serde_json::from_slice(&bytes)?))
}

/// Where lies what is to be sent again; names have no dots.
fn ordered_at(place: &str) -> String {
    let name = place.trim_start_matches(FOLDER).trim_end_matches(".json");
    format!("{FOLDER}{name}.replay")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        assert_eq!(ordered_at("postbacks/news-1.json"), "postbacks/news-1.replay");
    }

    #[test]
    fn what_is_asked_for_twice() {
        let of = |ids: &[&str]| PostbackReplay { ids: ids.iter().map(|id| (*id).to_owned()).collect() };
        assert_eq!(of(&["b", "a"]).and(of(&["a"])), of(&["a", "b"]));
        assert_eq!(of(&["a"]).and(of(&[])), of(&[]));
        assert!(of(&[]).names("x") && of(&["x"]).names("x") && !of(&["y"]).names("x"));
        assert_eq!(first_said("not sent again: gone; before: it answered 410"), "it answered 410");
    }
}
