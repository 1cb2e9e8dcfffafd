//! Questions to Report objects: the cells of a scope, of whichever objects have them.

pub(crate) mod kept;

use adtally_core::cell::{Dimension, Scope};
use adtally_core::freshness::Mark;
use adtally_core::ledger::{self, AsOfError};
use adtally_core::report::{Query, QueryError, Source};
use adtally_core::segment::{Merger, Segment};
use adtally_core::time::ServerTime;
use adtally_wire::etag;
use adtally_wire::freshness::ScopeNews;
use adtally_wire::object::{ReduceHead, ReduceQuery, Routed};
use worker::D1Database;

use crate::directory;
use crate::problem::Fault;
use crate::reporters::{Reduced, Reports, last_generation, reduce, reduce_all};

/// The most advertisers that one platform-wide question is handed on to: each is a request to an object.
const MAX_FAN_OUT: usize = 500;

/// A question that its scope may ask.
pub(crate) struct Question {
    /// Whose cells are asked for.
    pub(crate) scope: Scope,
    /// What is asked.
    pub(crate) query: Query,
    /// How objects are asked it.
    pub(crate) asked: ReduceQuery,
}

/// The cells of a question, and which data they are.
pub(crate) struct Data {
    /// The cells.
    pub(crate) segment: Segment,
    /// What is known about them.
    pub(crate) head: ReduceHead,
    /// The version of the data.
    pub(crate) version: String,
    /// What those who were asked say of all their data, the scope that was asked for first.
    pub(crate) news: Vec<(Scope, ScopeNews)>,
    /// Where they come from, by scope that was asked; nowhere if they were kept.
    pub(crate) routes: Vec<(String, Routed)>,
}

impl Question {
    /// The question of these parameters, which `scope` may ask.
    pub(crate) async fn new(
        catalog: &D1Database,
        scope: Scope,
        parameters: Vec<(String, String)>,
        now: ServerTime,
    ) -> Result<Self, Fault> {
        let default_tz = default_tz(catalog, &scope, now).await?;
        let asked = ReduceQuery { parameters, now_ms: now.0, default_tz, known: None, use_cubes: true };
        let query = Query::parse(&asked.parameters, &asked.default_tz, now).map_err(refused)?;
        query.check_scope(&scope).map_err(refused)?;
        Ok(Self { scope, query, asked })
    }

    /// Whether the scope's own cells tell apart what is asked for; else those of advertisers do.
    pub(crate) fn is_kept_by_scope(&self) -> bool {
        let needed = self.query.plan().dimensions_needed();
        needed.iter().all(|dimension| self.scope.dimensions().contains(dimension))
    }

    /// Gathers the cells; `None` if the scope's own are still those of the data that are `known`.
    pub(crate) async fn gather_unless(
        &self,
        reports: &Reports<'_>,
        known: Option<Mark>,
    ) -> Result<(Option<Data>, ScopeNews), Fault> {
        if !self.is_kept_by_scope() {
            let data = self.gather_widely(reports).await?;
            let news = data.news.first().map(|(_, news)| news.clone()).unwrap_or_default();
            return Ok((Some(data), news));
        }
        let known = known.map(|mark| (mark.generation, mark.version));
        let asked = ReduceQuery { known, ..self.asked.clone() };
        let Reduced { head, news, segment, routed } = reduce(reports, &self.scope, &asked).await?;
        let Some(segment) = segment else { return Ok((None, news)) };
        self.check_as_of(reports, &head).await?;
        let version = head.data_version(&self.scope);
        let data = Data {
            segment,
            head,
            version,
            news: vec![(self.scope.clone(), news.clone())],
            routes: vec![(self.scope.to_string(), routed)],
        };
        Ok((Some(data), news))
    }

    /// Gathers the cells.
    pub(crate) async fn gather(&self, reports: &Reports<'_>) -> Result<Data, Fault> {
        let (data, _) = self.gather_unless(reports, None).await?;
        data.ok_or_else(|| Fault::Internal("cells that nobody knows were not told".to_owned()))
    }

    /// Only the platform gets here: its own cells are too coarse, so it asks those advertisers that have any.
    async fn gather_widely(&self, reports: &Reports<'_>) -> Result<Data, Fault> {
        let platform = reduce(reports, &self.scope, &self.asked.which_advertisers()).await?;
        self.check_as_of(reports, &platform.head).await?;
        let mut advertisers: Vec<Scope> = platform
            .segment
            .iter()
            .flat_map(Segment::iter)
            .map(|(key, _)| Scope::Advertiser(key.dim(Dimension::Advertiser).clone()))
            .collect();
        advertisers.dedup();
        if advertisers.len() > MAX_FAN_OUT {
            let detail = format!(
                "{} advertisers have such events, at most {MAX_FAN_OUT} can be asked at once: filter by advertiser",
                advertisers.len()
            );
            return Err(Fault::refused(422, "too_many_advertisers", detail));
        }
        // Advertisers may publish a moment before the platform or after it: of the batch alone, all are asked for the
        // same.
        let pinned = match (self.query.source(), self.query.as_of(), platform.head.generation) {
            (Source::Batch, None, generation @ 1..) => Some(generation),
            _ => self.query.as_of(),
        };
        let pinned_query = pinned.map(|generation| self.asked.as_of(generation));
        let parts = reduce_all(reports, &advertisers, pinned_query.as_ref().unwrap_or(&self.asked)).await?;
        for part in &parts {
            readable(pinned, part.head.published, platform.head.published)?;
        }
        Ok(self.merge(platform, advertisers, parts))
    }

    fn merge(&self, platform: Reduced, advertisers: Vec<Scope>, parts: Vec<Reduced>) -> Data {
        let mut heads = Vec::with_capacity(parts.len());
        let mut news = vec![(self.scope.clone(), platform.news)];
        let mut segment = Merger::default();
        let mut routes = Vec::with_capacity(parts.len());
        for (advertiser, part) in advertisers.into_iter().zip(parts) {
            part.segment.into_iter().for_each(|cells| segment.add(cells));
            routes.push((advertiser.to_string(), part.routed));
            heads.push((advertiser.clone(), part.head));
            news.push((advertiser, part.news));
        }
        let (head, version) = joint(&self.scope, &platform.head, &heads);
        Data { segment: segment.finish(), head, version, news, routes }
    }

    /// Refuses a past generation that cannot be read; a scope keeps its own where a batch changed nothing of it, so the
    /// last one is known to the platform.
    async fn check_as_of(&self, reports: &Reports<'_>, head: &ReduceHead) -> Result<(), Fault> {
        let as_of = self.query.as_of();
        let last = match as_of {
            Some(asked) if asked > head.published && self.scope != Scope::Platform => {
                last_generation(reports.namespace, &Scope::Platform).await?
            }
            _ => head.published,
        };
        readable(as_of, head.published, last)
    }
}

/// What one answer of many says: as old as its oldest part, and of a version that changes with any of them.
pub(crate) fn joint(scope: &Scope, own: &ReduceHead, parts: &[(Scope, ReduceHead)]) -> (ReduceHead, String) {
    let mut head = own.clone();
    let mut versions = Vec::with_capacity(parts.len());
    for (part, of_part) in parts {
        versions.push(of_part.data_version(part));
        head.generation = head.generation.min(of_part.generation);
        head.complete_through_ms = head.complete_through_ms.min(of_part.complete_through_ms);
        head.updated_ms = head.updated_ms.max(of_part.updated_ms);
    }
    let versions: Vec<&str> = versions.iter().map(String::as_str).collect();
    let version = format!("{}.{}", own.data_version(scope), etag::fold(&versions));
    (head, version)
}

/// The zone of a scope's reports where nothing else is asked for.
pub(crate) async fn default_tz(
    catalog: &D1Database,
    scope: &Scope,
    now: ServerTime,
) -> Result<String, Fault> {
    match scope {
        Scope::Advertiser(key) => Ok(directory::place(catalog, key, now).await?.timezone),
        Scope::Platform | Scope::Service(_) => Ok("UTC".to_owned()),
    }
}

fn readable(as_of: Option<u64>, published: u64, last: u64) -> Result<(), Fault> {
    let refused = |error: AsOfError| Fault::refused(422, error.code(), error.to_string());
    as_of.map_or(Ok(()), |asked| ledger::check_as_of(asked, published, last).map_err(refused))
}

fn refused(error: QueryError) -> Fault {
    Fault::refused(422, error.code(), error.to_string())
}
