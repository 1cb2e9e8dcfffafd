//! Which paths there are, and what may be done with them.

mod doors;

use adtally_core::screen::ListName;
use adtally_wire::catalog::entry::EntryKind;
use percent_encoding::percent_decode_str;
use worker::Method;

pub(crate) use self::doors::{DoorRoute, ElasticRoute};

/// A path that means something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/healthz`
    Health,
    /// `/metrics`
    Metrics,
    /// `/v1/health`
    Figures,
    /// `/openapi.json`
    OpenApi,
    /// `/v1/session`
    Session,
    /// `/v1/tokens`
    Tokens,
    /// `/v1/tokens/{id}`
    Token(String),
    /// `/v1/views`
    Views,
    /// `/v1/views/{name}`
    View(String),
    /// `/v1/views/{name}/export`
    ViewExport(String),
    /// `/v1/views/{name}/export/file`
    ViewExportFile(String),
    /// `/v1/erasures`
    Erasures,
    /// `/v1/erasures/{id}`
    Erasure(String),
    /// `/v1/advertisers`
    Advertisers,
    /// `/v1/advertisers/{key}`
    Advertiser(String),
    /// `/v1/campaigns`
    Campaigns,
    /// `/v1/campaigns/{key}`
    Campaign(String),
    /// `/v1/ads`, `/v1/services`, `/v1/placements`
    Entries(EntryKind),
    /// `/v1/ads/{key}`, `/v1/services/{key}`, `/v1/placements/{key}`
    Entry(EntryKind, String),
    /// `/v1/lists/bots`, `/v1/lists/datacenters`
    List(ListName),
    /// `/v1/events`
    Events,
    /// `/v1/events/{id}`
    Event(String),
    /// A door other than `/v1/events`.
    Door(DoorRoute),
    /// `/v1/rejected`
    Rejected,
    /// `/v1/rejected/replay`
    RejectedReplay,
    /// `/v1/reports`
    Reports,
    /// `/v1/restatements`
    Restatements,
    /// `/v1/segments`
    Segments,
    /// `/v1/sql`
    Sql,
    /// `/v1/statement`
    Statement,
    /// `/v1/statement/{id}`
    EndedStatement,
    /// `/kylin/api/...`: what follows.
    Kylin(Vec<String>),
    /// `/v1/notebooks`
    Notebooks,
    /// `/v1/notebooks/{id}`
    Notebook(String),
    /// `/v1/cubes` and what is below it.
    Cubes(CubeRoute),
    /// `/v1/live`
    Live,
    /// `/v1/billing`
    Billing,
    /// `/v1/billing/entries`
    BillingEntries,
    /// `/v1/billing/outbox`
    BillingOutbox,
    /// `/v1/billing/dead`
    BillingDead,
    /// `/v1/billing/dead/replay`
    BillingReplay,
    /// `/v1/billing/kafka`
    BillingKafka,
    /// `/v1/billing/kafka/resume`
    BillingResume,
    /// `/v1/archive`
    Archive,
    /// `/v1/archive/{key}`, where the key contains slashes.
    ArchiveFile(String),
    /// `/v1/jobs`
    Jobs,
    /// `/v1/jobs/{run}`
    Run(String),
    /// `/v1/jobs/{run}/retry`
    RunRetry(String),
    /// `/v1/jobs/{run}/cancel`
    RunCancel(String),
    /// `/v1/jobs/{run}/tasks/{id}`, where the id may contain slashes.
    RunTask(String, String),
    /// `/v1/jobs/webhook_key`
    WebhookKey,
    /// `/v1/jobs/definitions`
    JobDefinitions,
    /// `/v1/jobs/definitions/{name}`
    JobDefinition(String),
    /// `/v1/backups` and what is below it.
    Backups(BackupRoute),
    /// `/v1/postbacks/{name}`
    Postback(String),
    /// `/v1/postbacks/{name}/replay`
    PostbackReplay(String),
    /// Everything of the dashboard.
    Page,
    /// A path of the API that means nothing.
    Unknown,
}

/// In front of a write key in the path: `/k/{key}/i`.
pub(crate) const KEY_IN_PATH: &str = "k";

/// A path below `/v1/backups`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BackupRoute {
    /// `/v1/backups`
    All,
    /// `/v1/backups/{id}`
    One(String),
    /// `/v1/backups/{id}/restore`
    Restore(String),
}

/// A path below `/v1/cubes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CubeRoute {
    /// `/v1/cubes`
    All,
    /// `/v1/cubes/estimate`
    Estimate,
    /// `/v1/cubes/recommendations`
    Recommendations,
    /// `/v1/cubes/{name}`
    One(String),
    /// `/v1/cubes/{name}/build`, `/export`, `/enable`, `/disable`
    Act(String, CubeAction),
}

/// What is done with a cube.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CubeAction {
    /// Builds what is missing.
    Build,
    /// Writes it as Parquet.
    Export,
    /// Uses it again.
    Enable,
    /// Neither uses nor builds it.
    Disable,
}

/// Paths outside of `/v1` that the API keeps for itself; `wrangler.toml` sends them here before the assets.
const RESERVED: [&str; 3] = ["v1", "metrics", "kylin"];

impl Route {
    /// The route of a request path, which is still percent-encoded.
    pub(crate) fn of(path: &str) -> Route {
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8().map(|text| text.into_owned());
        let Ok(segments) = path.trim_start_matches('/').split('/').map(decode).collect::<Result<Vec<_>, _>>()
        else {
            return Route::Unknown;
        };
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        // A key in the path, for trackers that are told an address and nothing else.
        let segments = match segments.as_slice() {
            [KEY_IN_PATH, _, rest @ ..] => rest.to_vec(),
            _ => segments,
        };
        if let Some(door) = DoorRoute::of(&segments) {
            return Route::Door(door);
        }
        match segments.as_slice() {
            ["healthz"] => Route::Health,
            ["metrics"] => Route::Metrics,
            ["openapi.json"] => Route::OpenApi,
            ["v1", "archive", rest @ ..] if rest.iter().any(|part| !part.is_empty()) => {
                Route::ArchiveFile(rest.join("/"))
            }
            ["v1", "jobs", rest @ ..] => Route::jobs(rest),
            ["v1", collection] if !["billing", "cubes"].contains(collection) => Route::collection(collection),
            ["v1", "billing", rest @ ..] => Route::billing(rest),
            ["v1", "cubes", rest @ ..] => Route::cubes(rest),
            ["v1", "backups", id, "restore"] if !id.is_empty() => {
                Route::Backups(BackupRoute::Restore((*id).to_owned()))
            }
            ["v1", "views", name, rest @ ..] if !name.is_empty() && !rest.is_empty() => match rest {
                ["export"] => Route::ViewExport((*name).to_owned()),
                ["export", "file"] => Route::ViewExportFile((*name).to_owned()),
                _ => Route::Unknown,
            },
            ["v1", "postbacks", name, "replay"] if !name.is_empty() => {
                Route::PostbackReplay((*name).to_owned())
            }
            ["kylin", "api", rest @ ..] => Route::Kylin(rest.iter().map(|part| (*part).to_owned()).collect()),
            ["v1", collection, member] if !member.is_empty() => {
                Route::member(collection, (*member).to_owned())
            }
            [first, ..] if RESERVED.contains(first) => Route::Unknown,
            _ => Route::Page,
        }
    }

    fn collection(name: &str) -> Route {
        match name {
            "session" => Route::Session,
            "tokens" => Route::Tokens,
            "views" => Route::Views,
            "health" => Route::Figures,
            "erasures" => Route::Erasures,
            "backups" => Route::Backups(BackupRoute::All),
            "advertisers" => Route::Advertisers,
            "campaigns" => Route::Campaigns,
            "ads" => Route::Entries(EntryKind::Ad),
            "services" => Route::Entries(EntryKind::Service),
            "placements" => Route::Entries(EntryKind::Placement),
            "events" => Route::Events,
            "archive" => Route::Archive,
            "rejected" => Route::Rejected,
            "reports" => Route::Reports,
            "restatements" => Route::Restatements,
            "segments" => Route::Segments,
            "sql" => Route::Sql,
            "notebooks" => Route::Notebooks,
            "statement" => Route::Statement,
            "live" => Route::Live,
            _ => Route::Unknown,
        }
    }

    fn cubes(rest: &[&str]) -> Route {
        match rest {
            [] => Route::Cubes(CubeRoute::All),
            ["estimate"] => Route::Cubes(CubeRoute::Estimate),
            ["recommendations"] => Route::Cubes(CubeRoute::Recommendations),
            [""] | ["", ..] => Route::Unknown,
            [name] => Route::Cubes(CubeRoute::One((*name).to_owned())),
            [name, action] => {
                let action = match *action {
                    "build" => CubeAction::Build,
                    "export" => CubeAction::Export,
                    "enable" => CubeAction::Enable,
                    "disable" => CubeAction::Disable,
                    _ => return Route::Unknown,
                };
                Route::Cubes(CubeRoute::Act((*name).to_owned(), action))
            }
            _ => Route::Unknown,
        }
    }

    fn billing(rest: &[&str]) -> Route {
        match rest {
            [] => Route::Billing,
            ["entries"] => Route::BillingEntries,
            ["outbox"] => Route::BillingOutbox,
            ["dead"] => Route::BillingDead,
            ["dead", "replay"] => Route::BillingReplay,
            ["kafka"] => Route::BillingKafka,
            ["kafka", "resume"] => Route::BillingResume,
            _ => Route::Unknown,
        }
    }

    fn jobs(rest: &[&str]) -> Route {
        match rest {
            [] => Route::Jobs,
            ["webhook_key"] => Route::WebhookKey,
            ["definitions"] => Route::JobDefinitions,
            ["definitions", name] if !name.is_empty() => Route::JobDefinition((*name).to_owned()),
            ["definitions", ..] | [""] => Route::Unknown,
            [run] => Route::Run((*run).to_owned()),
            [run, "retry"] => Route::RunRetry((*run).to_owned()),
            [run, "cancel"] => Route::RunCancel((*run).to_owned()),
            [run, "tasks", id @ ..] if id.iter().any(|part| !part.is_empty()) => {
                Route::RunTask((*run).to_owned(), id.join("/"))
            }
            _ => Route::Unknown,
        }
    }

    fn member(collection: &str, key: String) -> Route {
        match collection {
            "tokens" => Route::Token(key),
            "views" => Route::View(key),
            "erasures" => Route::Erasure(key),
            "backups" => Route::Backups(BackupRoute::One(key)),
            "postbacks" => Route::Postback(key),
            "notebooks" => Route::Notebook(key),
            "advertisers" => Route::Advertiser(key),
            "campaigns" => Route::Campaign(key),
            "ads" => Route::Entry(EntryKind::Ad, key),
            "services" => Route::Entry(EntryKind::Service, key),
            "placements" => Route::Entry(EntryKind::Placement, key),
            "events" => Route::Event(key),
            "statement" => Route::EndedStatement,
            "rejected" if key == "replay" => Route::RejectedReplay,
            "lists" => ListName::parse(&key).map_or(Route::Unknown, Route::List),
            _ => Route::Unknown,
        }
    }

    /// What may be done; `HEAD` goes wherever `GET` does.
    pub(crate) fn methods(&self) -> &'static [Method] {
        match self {
            Route::Session => &[Method::Get, Method::Head, Method::Post, Method::Delete],
            Route::Tokens | Route::Erasures | Route::Notebooks | Route::Backups(BackupRoute::All) => {
                &[Method::Get, Method::Head, Method::Post]
            }
            Route::Token(_) => &[Method::Delete],
            Route::Advertiser(_) | Route::Campaign(_) | Route::Entry(..) => {
                &[Method::Get, Method::Head, Method::Put]
            }
            Route::Sql
            | Route::Statement
            | Route::Cubes(CubeRoute::Estimate | CubeRoute::Act(..))
            | Route::BillingReplay
            | Route::BillingResume
            | Route::RejectedReplay
            | Route::Backups(BackupRoute::Restore(_))
            | Route::PostbackReplay(_)
            | Route::RunRetry(_)
            | Route::RunCancel(_) => &[Method::Post],
            Route::EndedStatement => &[Method::Get, Method::Head, Method::Delete],
            Route::Kylin(_) => &[Method::Get, Method::Head, Method::Post, Method::Put],
            Route::Jobs => &[Method::Get, Method::Head, Method::Post],
            Route::ViewExport(_) => &[Method::Get, Method::Head, Method::Put, Method::Post, Method::Delete],
            Route::View(_) => &[Method::Put, Method::Delete],
            Route::JobDefinition(_) | Route::Cubes(CubeRoute::One(_)) => {
                &[Method::Get, Method::Head, Method::Put, Method::Delete]
            }
            Route::List(_) | Route::Notebook(_) => &[Method::Get, Method::Head, Method::Put, Method::Delete],
            Route::Events => &[Method::Get, Method::Head, Method::Post, Method::Options],
            Route::Door(door) => door.methods(),
            _ => &[Method::Get, Method::Head],
        }
    }

    /// The `Allow` header of this route.
    pub(crate) fn allow(&self) -> String {
        self.methods().iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ")
    }
}

#[cfg(test)]
mod tests;
