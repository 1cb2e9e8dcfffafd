//! Questions about single events.

use adtally_archive::{ArchiveError, Glance};
use adtally_core::batch::{Entry, Hashes};
use adtally_core::event::{Event, EventRef, Kind};
use adtally_core::key::{EventId, UserKey};
use adtally_core::link::{Filter, Related, Story, Through};
use adtally_core::report::Filter as CellFilter;
use adtally_core::time::{EventTime, ServerTime};
use adtally_wire::api::EventStory;
use adtally_wire::object::{
    Conversions, ConversionsQuery, EventsPage, EventsQuery, LogPlace, MAX_LOG_ROW, StoryQuery,
};
use adtally_wire::story;
use worker::{Response, Result};

use super::memory::Memory;
use super::{Node, fault};
use crate::objects::refuse;
use crate::store::Store;
use crate::troubles::trouble;

/// The most events that a list looks at: about a second, in which the shard does nothing else.
const MAX_LOOKED_AT: usize = 200_000;
/// The most rows before the one it is said to be in that an event is looked for in: a large commit is several rows.
const MAX_ROWS_OF_COMMIT: i64 = 64;

/// What is known of an event.
struct Told {
    story: Story,
    /// Whether the event is as it was accepted; else it lacks what the linker does not keep.
    is_whole: bool,
    /// Entries of billing that are not confirmed.
    pending: Vec<adtally_core::billing::Entry>,
    /// Other kinds that have an event of this id.
    also: Vec<String>,
}

impl Node {
    /// Tells the story of an event.
    ///
    /// 1. Reading the archive may be repeated.
    pub(super) async fn story(&self, query: &StoryQuery) -> Result<Response> {
        let Ok(id) = EventId::parse(&query.id) else { return refuse(404, None, "no such event") };
        let kind = query.kind.as_deref().map(Kind::parse);
        let (_, shard) = self.name()?;
        let Some(mut told) = self.change_memory(|memory| memory.story(&id, kind))? else {
            return refuse(404, None, "no such event");
        };
        if !told.is_whole {
            match self.archived_event(&told.story.event).await {
                Ok(Some(event)) => told.story.event.event = event,
                Ok(None) => {}
                Err(error) => trouble!("the story of {id} lacks its archive: {error}"),
            }
        }
        Response::from_json(&story::tell(&told.story, shard, &told.pending, told.also))
    }

    /// The event as it is in the archive, with what the linker does not keep.
    async fn archived_event(&self, related: &Related) -> Result<Option<Event>> {
        let hashes = Hashes::of(&related.event);
        let mut files = self.change_memory(|memory| memory.store.archive().files())?;
        files.retain(|file| {
            let rows = file.from_row <= related.row && file.to_row > related.row - MAX_ROWS_OF_COMMIT;
            let groups = file.groups.0 <= hashes.group && hashes.group <= file.groups.1;
            rows && groups && file.day == related.event.at.day().0
        });
        for file in files {
            let reader = Store::open(&self.env)?.archived(&file).await?;
            let unread = |error: ArchiveError| fault(format!("{}: {error}", file.key));
            let glances = reader.glances(hashes.group..=hashes.group).map_err(unread)?;
            let is_it = |glance: &&Glance| glance.hashes == hashes && glance.received == related.received;
            let Some(found) = glances.iter().find(is_it) else { continue };
            let entries = reader.entries(&[found.index]).map_err(unread)?;
            if let Some(Entry::Accepted(accepted)) = entries.into_iter().next() {
                return Ok(Some(accepted.event));
            }
        }
        Ok(None)
    }

    /// Lists events, the latest arrival first.
    pub(super) fn events(&self, query: &EventsQuery) -> Result<Response> {
        let filter = Filter {
            kind: query.kind.as_deref().and_then(Kind::parse),
            user: query.user.map(UserKey),
            outcome: query.outcome.clone(),
            from: query.from_ms.map(EventTime),
            to: query.to_ms.map(EventTime),
        };
        let cells: Vec<CellFilter> =
            query.filters.iter().filter_map(|text| CellFilter::parse(text)).collect();
        let (_, shard) = self.name()?;
        let before = query.before.as_ref().and_then(|cursor| cursor.0.get(shard as usize).copied());
        let (before, limit) = (before.unwrap_or((MAX_LOG_ROW, 0)), query.limit as usize);
        Response::from_json(
            &self.change_memory(|memory| memory.list((&filter, &cells), before, limit, shard))?,
        )
    }
}

impl Node {
    /// Lists conversions that are attributed to a click, the earliest arrival first.
    pub(super) fn conversions(&self, query: &ConversionsQuery) -> Result<Response> {
        let (_, shard) = self.name()?;
        Response::from_json(&self.change_memory(|memory| memory.conversions(query, shard))?)
    }
}

impl Memory {
    fn conversions(&mut self, query: &ConversionsQuery, shard: u32) -> Result<Conversions> {
        let filter = Filter { kind: Some(Kind::Conversion), ..Filter::default() };
        let mut answer = Conversions { conversions: Vec::new(), next: query.after, more: true };
        let mut looked_at = 0;
        loop {
            let begin = answer.next;
            for (id, row) in self.store.rows_after(begin.0 - 1, i64::MAX >> 11)? {
                if row.received.0 > query.upto_ms {
                    return Ok(Conversions { more: false, ..answer });
                }
                let done = if id == answer.next.0 { answer.next.1 } else { 0 };
                answer.next = (id, done);
                for event in row.accepted.into_iter().skip(done as usize) {
                    if answer.conversions.len() >= query.limit as usize || looked_at >= MAX_LOOKED_AT {
                        return Ok(answer);
                    }
                    looked_at += 1;
                    answer.next.1 += 1;
                    if row.received.0 < query.since_ms || !filter.fits(&event) {
                        continue;
                    }
                    let listed = self.listed(event, row.received, &filter, shard)?;
                    let story =
                        listed.filter(|story| story.through.as_deref() == Some(Through::Click.name()));
                    answer.conversions.extend(story.map(|story| (answer.next, story)));
                }
            }
            if answer.next == begin {
                return Ok(Conversions { more: false, ..answer });
            }
        }
    }

    /// The story of the event of this id and kind; without a kind that of the first kind that there is.
    fn story(&mut self, id: &EventId, kind: Option<Option<Kind>>) -> Result<Option<Told>> {
        let unread = |error: adtally_core::link::ShelfError| fault(error.to_string());
        let linker = self.shard.linker();
        let kinds = linker.kinds_of(id, &self.runs).map_err(unread)?;
        let wanted = match kind {
            Some(kind) => kind.filter(|kind| kinds.contains(kind)),
            None => kinds.first().copied(),
        };
        let Some(kind) = wanted else { return Ok(None) };
        let event = EventRef { kind, id: id.clone() };
        let Some(mut story) = linker.story(&event, &self.runs).map_err(unread)? else { return Ok(None) };
        let whole = self.whole(&story.event)?;
        let is_whole = whole.is_some();
        if let Some(whole) = whole {
            story.event.event = whole;
        }
        let also = kinds.into_iter().filter(|other| *other != kind).map(|kind| kind.name().to_owned());
        Ok(Some(Told { story, is_whole, pending: self.pending(&event)?, also: also.collect() }))
    }

    /// The event as it is in the log, with what the linker does not keep.
    fn whole(&self, related: &Related) -> Result<Option<Event>> {
        let mut before = related.row + 1;
        while before > (related.row - MAX_ROWS_OF_COMMIT).max(1) {
            let rows = self.store.rows_before(before)?;
            let Some((first, _)) = rows.last() else { return Ok(None) };
            before = *first;
            let mut events = rows.into_iter().flat_map(|(_, row)| row.accepted);
            if let Some(event) = events.find(|event| event.event == related.event.event) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// Events before a place of the log.
    fn list(
        &mut self,
        (filter, cells): (&Filter, &[CellFilter]),
        before: LogPlace,
        limit: usize,
        shard: u32,
    ) -> Result<EventsPage> {
        let mut page = EventsPage { complete: true, ..EventsPage::default() };
        // Of the row in which the place is, events may be left.
        let mut end = before.0 + i64::from(before.1 > 0);
        let mut looked_at = 0;
        loop {
            let rows = self.store.rows_before(end)?;
            let Some((first, _)) = rows.last() else { break };
            if page.events.len() >= limit || looked_at >= MAX_LOOKED_AT {
                page.complete = page.events.len() >= limit;
                page.rest = Some((end, 0));
                return Ok(page);
            }
            end = *first;
            for (id, row) in rows {
                looked_at += row.accepted.len();
                let here = if id == before.0 { before.1 as usize } else { row.accepted.len() };
                let events = (1..).zip(row.accepted).take(here).collect::<Vec<(u32, Event)>>();
                for (behind, event) in events.into_iter().rev().filter(|(_, event)| filter.fits(event)) {
                    if page.events.len() >= limit {
                        page.rest = Some((id, behind));
                        return Ok(page);
                    }
                    let listed = self.listed(event, row.received, filter, shard)?;
                    let listed = listed.filter(|story| lies_in(story, cells));
                    page.events.extend(listed.map(|story| ((id, behind), story)));
                }
            }
        }
        // What is gone from the log is not looked at.
        page.complete = page.events.len() >= limit || self.store.archive().archiving()?.trimmed == 0;
        Ok(page)
    }

    /// What became of an event of the log, where it fits; nothing where it is forgotten.
    fn listed(
        &mut self,
        event: Event,
        received: ServerTime,
        filter: &Filter,
        shard: u32,
    ) -> Result<Option<EventStory>> {
        let related = self.shard.linker().get(&event.event, Some(received), &self.runs);
        let related = related.map_err(|error| fault(error.to_string()))?;
        let fits = related.filter(|related| filter.fits_outcome(&related.fact));
        Ok(fits.map(|related| story::summary(&Related { event, ..related }, shard)))
    }
}

/// Whether the cell that an event counts in passes all filters.
fn lies_in(story: &EventStory, filters: &[CellFilter]) -> bool {
    let value = |filter: &CellFilter| story.cell.get(filter.dimension.name()).map_or("", String::as_str);
    filters.iter().all(|filter| filter.test.passes(value(filter)))
}
