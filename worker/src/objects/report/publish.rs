//! Publishing a generation: staged day by day where nobody reads it, then flipped to in one transaction.

use std::collections::BTreeMap;

use adtally_core::cell::Scope;
use adtally_core::ledger::{Judgement, judge};
use adtally_core::publish::{Before, BySource, stage};
use adtally_core::route::parse_linker_name;
use adtally_core::segment::{Merger, Segment};
use adtally_core::time::Day;
use adtally_wire::batch::{Bytes, DayPart, HAS_CUBES, Publication, PublishedDay};
use adtally_wire::story;
use worker::{Bucket, Response, Result};

use super::super::linker::Held;
use super::super::refuse;
use super::{Report, add_up};
use crate::bindings::STORE;
use crate::troubles::trouble;
use crate::usage;

/// Why a publication cannot be made.
enum Obstacle {
    /// A part is not what it must be; another attempt fails alike until it is repaired.
    Damaged(String),
    /// The platform failed.
    Platform(worker::Error),
}

impl From<worker::Error> for Obstacle {
    fn from(error: worker::Error) -> Self {
        Obstacle::Platform(error)
    }
}

impl Report {
    /// Publishes a generation, once.
    ///
    /// 1. Reading a part may be repeated: nobody changes it.
    /// 2. Staging may be repeated, also after a crash in the middle: it begins by forgetting what is staged. Only one
    ///    publication is under way at a time, so nobody else's is forgotten.
    /// 3. Deltas that arrive meanwhile are real time; the flip drops those that the cut covers.
    /// 4. The flip is one transaction, and a generation that is published changes nothing.
    pub(super) async fn publish(&self, bytes: &[u8]) -> Result<Response> {
        let publication = match Publication::from_bytes(bytes) {
            Ok(publication) => publication,
            Err(error) => return refuse(400, None, &error.to_string()),
        };
        let Some(_publishing) = Held::raise(&self.is_publishing) else {
            return refuse(503, Some(1), "a publication of this scope is under way");
        };
        match self.stage_and_flip(&publication).await {
            // Whoever has it published builds what there is to build.
            Ok(()) if self.has_cubes()? => Response::ok(HAS_CUBES),
            Ok(()) => Response::empty(),
            Err(Obstacle::Platform(error)) => Err(error),
            Err(Obstacle::Damaged(what)) => {
                let text = format!("generation {} is not published: {what}", publication.generation);
                trouble!("{text}");
                refuse(422, None, &text)
            }
        }
    }

    async fn stage_and_flip(&self, publication: &Publication) -> std::result::Result<(), Obstacle> {
        let store = self.store()?;
        let last = store.last_generation()?;
        if judge(last.generation, publication.generation) == Judgement::Known {
            // It may be that nobody heard of it before this object died.
            self.announce().await;
            return Ok(());
        }
        store.forget_staged(last.generation)?;
        let (bucket, scope) = (self.env.bucket(STORE)?, self.scope()?);
        let mut totals = last.totals;
        let mut part = 0;
        let mut is_news = !store.covers(&publication.cuts)?;
        for ((day, advertiser), sources) in by_advertiser(&publication.days)? {
            let before = store.is_published(day, last.generation)?;
            let before = if before { Before::Published } else { Before::New };
            let mut linked = BySource::new();
            for PublishedDay { source, parts, .. } in sources {
                linked.insert(source.clone(), cells(&bucket, &scope, day, parts).await?);
            }
            let published = store.day_of(day, &advertiser, last.generation)?;
            let staged = stage(&published, linked, before);
            is_news |= !staged.segments.is_empty();
            add_up(&mut totals, story::measures(&staged.gained));
            store.stage(publication.generation, day, &staged, &mut part)?;
        }
        if !is_news {
            // All of it is published: whoever has an answer may keep it.
            return Ok(());
        }
        totals.retain(|_, figure| *figure != 0);
        store.flip(publication, &totals)?;
        self.forget_cubes();
        self.announce().await;
        self.tell_watchers(&store)?;
        Ok(())
    }
}

type ByAdvertiser<'a> = BTreeMap<(Day, String), Vec<&'a PublishedDay>>;

fn by_advertiser(days: &[PublishedDay]) -> std::result::Result<ByAdvertiser<'_>, Obstacle> {
    let mut by_advertiser = ByAdvertiser::new();
    for day in days {
        let (advertiser, _) = parse_linker_name(&day.source)
            .ok_or_else(|| Obstacle::Damaged(format!("{:?} is no shard", day.source)))?;
        by_advertiser.entry((Day(day.day), advertiser.to_string())).or_default().push(day);
    }
    Ok(by_advertiser)
}

/// The cells that a scope has in the parts of a day.
async fn cells(
    bucket: &Bucket,
    scope: &Scope,
    day: Day,
    parts: &[String],
) -> std::result::Result<Segment, Obstacle> {
    let mut cells = Merger::default();
    for key in parts {
        let damaged = |what: String| Obstacle::Damaged(format!("{key} {what}"));
        usage::got();
        let object = bucket.get(key).execute().await?.ok_or_else(|| damaged("is missing".to_owned()))?;
        let body = object.body().ok_or_else(|| damaged("has no body".to_owned()))?;
        let part = DayPart::from_bytes(&body.bytes().await?);
        let part = part.map_err(|error| damaged(format!("is damaged: {error}")))?;
        let name = scope.to_string();
        for (_, bytes) in part.segments.iter().filter(|(of, _)| *of == name) {
            let segment = Segment::decode(bytes).map_err(|error| damaged(format!("is damaged: {error}")))?;
            if segment
                .hours()
                .is_some_and(|hours| [hours.start(), hours.end()].map(|hour| Day::of(*hour)) != [day; 2])
            {
                return Err(damaged(format!("has cells of other days than {day}")));
            }
            cells.add(segment);
        }
    }
    Ok(cells.finish())
}
