//! Answers of what was gathered before, where that is what would be gathered now.
//!
//! 1. Cells that are kept, and news of their scope that is trusted: no object is asked.
//! 2. Cells, but no such news: the object is asked whether they changed, and tells them if they did.
//! 3. No cells: they are gathered.
//!
//! Cells of several scopes are used if none of them changed; who has news of each need not ask any.

use adtally_core::cell::Scope;
use adtally_core::freshness::{Mark, RangeKind, key};
use adtally_core::report::Source;
use adtally_core::segment::Segment;
use adtally_wire::freshness::{Kept, KeptAbout, ScopeNews};
use adtally_wire::object::ReduceHead;
use futures_util::future::join;
use futures_util::{StreamExt, stream};

use super::{Data, Question, joint};
use crate::call::Call;
use crate::linkers::MAX_PARALLEL;
use crate::problem::Fault;
use crate::reporters;
use crate::shelf::{self, Found, Witness};

/// The most scopes that kept cells may be of: news of each are looked up before they are used.
const MAX_SCOPES: usize = 33;

/// Whether news is good enough that the caller has not seen with its own eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// It is.
    News,
    /// It is not: the caller asked for what is true now.
    Nobody,
}

/// What is known of a scope, and how.
struct Heard {
    news: ScopeNews,
    was_asked: bool,
}

/// The cells of a question, and where they came from.
pub(crate) async fn gather(call: &Call, question: &Question) -> Result<(Data, Found), Fault> {
    let key = key(&question.scope, &question.query);
    let (kept, news) = join(shelf::kept(&key), shelf::news(&question.scope)).await;
    let trust = trust(call);
    let answer = match kept {
        Some(kept) if kept.about.marks.len() == 1 => of_one(call, question, kept, news, trust).await?,
        Some(kept) => of_many(call, question, kept, news, trust).await?,
        None => (question.gather(&call.bindings.cells()).await?, Found::Miss),
    };
    let (data, found) = answer;
    let kind = kind(question, data.news.first().map(|(_, news)| news));
    let found = if found == Found::Miss && data.news.len() > MAX_SCOPES { Found::Bypass } else { found };
    shelf::count(kind, found);
    remember(call, question, key, kind, &data, found);
    Ok((data, found))
}

/// What the cells of the scope itself are, kept ones if they are still those.
async fn of_one(
    call: &Call,
    question: &Question,
    kept: Kept,
    news: Option<ScopeNews>,
    trust: Trust,
) -> Result<(Data, Found), Fault> {
    let reports = &call.bindings.cells();
    let mark = kept.about.marks.first().map(|(_, generation, version)| mark(*generation, *version));
    // Cells may be newer than what is noted of their scope: then that is no news.
    let is_news = |news: &ScopeNews| mark.is_none_or(|mark| news.mark() >= mark);
    match news.filter(|news| is_news(news) && is_trusted(call, question, news, trust)) {
        Some(news) if mark.is_some_and(|mark| !has_changed(question, &news, mark)) => {
            let heads = vec![(question.scope.clone(), news)];
            let data = used(question, kept, heads)?;
            Ok((data, Found::Hit))
        }
        Some(_) => Ok((question.gather(reports).await?, Found::Miss)),
        None => match question.gather_unless(reports, mark).await? {
            (Some(data), _) => Ok((data, Found::Miss)),
            (None, mut news) => {
                news.at_ms = call.now.0;
                Ok((used(question, kept, vec![(question.scope.clone(), news)])?, Found::Revalidated))
            }
        },
    }
}

/// What the cells of several scopes are, kept ones if none of them changed.
async fn of_many(
    call: &Call,
    question: &Question,
    kept: Kept,
    first: Option<ScopeNews>,
    trust: Trust,
) -> Result<(Data, Found), Fault> {
    let reports = &call.bindings.cells();
    let marks: Option<Vec<(Scope, Mark)>> = kept
        .about
        .marks
        .iter()
        .map(|(scope, generation, version)| Some((Scope::parse(scope)?, mark(*generation, *version))))
        .collect();
    let marks = marks.unwrap_or_default();
    let mut first = first;
    let asked = marks.iter().map(|(scope, mark)| {
        let known = first.take();
        hear(call, question, (scope, *mark), known, trust)
    });
    let heard: Vec<Result<Heard, Fault>> =
        stream::iter(asked).buffered(MAX_PARALLEL).collect::<Vec<_>>().await;
    let heard: Vec<Heard> = heard.into_iter().collect::<Result<_, _>>()?;
    let is_same = !marks.is_empty()
        && heard.iter().zip(&marks).all(|(heard, (_, mark))| !has_changed(question, &heard.news, *mark));
    if !is_same {
        return Ok((question.gather(reports).await?, Found::Miss));
    }
    let found = if heard.iter().any(|heard| heard.was_asked) { Found::Revalidated } else { Found::Hit };
    let news = marks.into_iter().zip(heard).map(|((scope, _), heard)| (scope, heard.news)).collect();
    Ok((used(question, kept, news)?, found))
}

/// News of a scope that is trusted: what is known, else what its object says.
async fn hear(
    call: &Call,
    question: &Question,
    (scope, mark): (&Scope, Mark),
    known: Option<ScopeNews>,
    trust: Trust,
) -> Result<Heard, Fault> {
    let known = match known {
        None => shelf::news(scope).await,
        known => known,
    };
    if let Some(news) = known.filter(|news| news.mark() >= mark && is_trusted(call, question, news, trust)) {
        return Ok(Heard { news, was_asked: false });
    }
    let mut news = reporters::news(&call.bindings.reports, scope).await?;
    news.at_ms = call.now.0;
    Ok(Heard { news, was_asked: true })
}

/// Kept cells, with what is now said of their scopes.
fn used(question: &Question, kept: Kept, news: Vec<(Scope, ScopeNews)>) -> Result<Data, Fault> {
    let segment = Segment::decode(&kept.segment).map_err(|error| Fault::Internal(error.to_string()))?;
    let KeptAbout { head, version, .. } = kept.about;
    let parts = || -> Vec<(Scope, ReduceHead)> {
        news.iter().skip(1).map(|(scope, news)| (scope.clone(), news.head.clone())).collect()
    };
    let (head, version) = match (question.query.source(), news.first()) {
        // Of the batch nothing changed, what is said about it neither.
        (Source::Batch, _) | (_, None) => (head, version),
        (_, Some((_, own))) if news.len() == 1 => (own.head.clone(), own.head.data_version(&question.scope)),
        (_, Some((_, own))) => joint(&question.scope, &own.head, &parts()),
    };
    Ok(Data { segment, head, version, news, routes: Vec::new() })
}

/// Keeps what was gathered and notes what was said, without making anybody wait.
fn remember(call: &Call, question: &Question, key: String, kind: RangeKind, data: &Data, found: Found) {
    if matches!(found, Found::Hit | Found::Bypass) {
        return;
    }
    let mut news = data.news.clone();
    if found == Found::Miss {
        // From when they were asked on, what they said may have changed.
        news.iter_mut().for_each(|(_, news)| news.at_ms = call.now.0);
    }
    let kept = (found == Found::Miss).then(|| {
        let marks = data.news.iter().map(|(scope, news)| {
            let mark = news.mark();
            (scope.to_string(), mark.generation, mark.version)
        });
        let about =
            KeptAbout { marks: marks.collect(), head: data.head.clone(), version: data.version.clone() };
        Kept { about, segment: data.segment.encode() }
    });
    let is_past = question.query.as_of().is_some_and(|asked| asked > data.head.published);
    call.context.wait_until(async move {
        for (scope, news) in &news {
            shelf::note(scope, news, Witness::Reader).await;
        }
        // A generation that the scope has not published yet may still become its own.
        if let (Some(kept), false) = (kept, is_past) {
            shelf::keep(&key, &kept, kind).await;
        }
    });
}

fn has_changed(question: &Question, news: &ScopeNews, mark: Mark) -> bool {
    news.news().has_changed(mark, question.query.source(), &question.query.hours())
}

fn is_trusted(call: &Call, question: &Question, news: &ScopeNews, trust: Trust) -> bool {
    trust == Trust::News && kind(question, Some(news)).trusts(call.now.0.saturating_sub(news.at_ms))
}

fn kind(question: &Question, news: Option<&ScopeNews>) -> RangeKind {
    let through_ms = news.and_then(|news| news.batch_through_ms);
    RangeKind::of(question.query.source(), &question.query.hours(), through_ms)
}

/// `Cache-Control: no-cache` or `max-age=0` of a request (RFC 9111, section 5.2.1).
fn trust(call: &Call) -> Trust {
    let header = call.header("Cache-Control").unwrap_or_default().to_ascii_lowercase();
    let asks = |directive: &str| matches!(directive.trim(), "no-cache" | "no-store" | "max-age=0");
    if header.split(',').any(asks) { Trust::Nobody } else { Trust::News }
}

fn mark(generation: u64, version: u64) -> Mark {
    Mark { generation, version }
}
