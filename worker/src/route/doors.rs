//! The paths of the doors other than `/v1/events`.

use adtally_core::event::Kind;
use worker::Method;

/// A way in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum DoorRoute {
    /// `/v1/i.gif`, `/v1/v.gif`
    Pixel(Kind),
    /// `/v1/c`
    Redirect,
    /// `/v1/links`
    Links,
    /// `/v1/postback`
    Postback,
    /// `/v1/vast/{event}`
    Vast(String),
    /// `/v1/prebid`
    Prebid,
    /// `/v1/cloudevents`
    CloudEvents,
    /// `/v1/logs`
    Otlp,
    /// `/com.snowplowanalytics.snowplow/tp2`
    Snowplow,
    /// `/i`
    SnowplowPixel,
    /// `/_bulk` and what belongs to it, also under `/elastic`.
    Elastic(ElasticRoute),
}

/// What Elasticsearch's clients ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ElasticRoute {
    /// `/_bulk`, `/{index}/_bulk`
    Bulk(Option<String>),
    /// `/elastic`
    Info,
    /// `/_license`
    License,
    /// `/_cluster/health`
    Health,
    /// `/_cat/health`
    CatHealth,
    /// Whatever they set up.
    NoOp,
}

impl ElasticRoute {
    /// What is asked for at these segments, under `/elastic` or without.
    fn of(segments: &[&str]) -> Option<ElasticRoute> {
        const SETUP: [&str; 10] = [
            "_template",
            "_index_template",
            "_component_template",
            "_ilm",
            "_ingest",
            "_data_stream",
            "_alias",
            "_xpack",
            "_nodes",
            "_security",
        ];
        let (is_ours, rest) = match segments {
            ["elastic", rest @ ..] => (true, rest),
            rest => (false, rest),
        };
        Some(match rest {
            ["_bulk"] => ElasticRoute::Bulk(None),
            [index, "_bulk"] if !index.is_empty() => ElasticRoute::Bulk(Some((*index).to_owned())),
            ["_license"] => ElasticRoute::License,
            ["_cluster", "health", ..] => ElasticRoute::Health,
            ["_cat", "health"] => ElasticRoute::CatHealth,
            [first, ..] if SETUP.contains(first) => ElasticRoute::NoOp,
            [] | [""] if is_ours => ElasticRoute::Info,
            _ if is_ours => ElasticRoute::NoOp,
            _ => return None,
        })
    }
}

impl DoorRoute {
    /// The door at these segments of a path.
    pub(crate) fn of(segments: &[&str]) -> Option<DoorRoute> {
        Some(match segments {
            ["v1", "i.gif"] => DoorRoute::Pixel(Kind::Impression),
            ["v1", "v.gif"] => DoorRoute::Pixel(Kind::View),
            ["v1", "c"] => DoorRoute::Redirect,
            ["v1", "links"] => DoorRoute::Links,
            ["v1", "postback"] => DoorRoute::Postback,
            ["v1", "vast", event] if !event.is_empty() => DoorRoute::Vast((*event).to_owned()),
            ["v1", "prebid"] => DoorRoute::Prebid,
            ["v1", "cloudevents"] => DoorRoute::CloudEvents,
            ["v1", "logs"] => DoorRoute::Otlp,
            ["com.snowplowanalytics.snowplow", "tp2"] => DoorRoute::Snowplow,
            ["i"] => DoorRoute::SnowplowPixel,
            ["v1", ..] => return None,
            other => DoorRoute::Elastic(ElasticRoute::of(other)?),
        })
    }

    /// What may be done there.
    pub(crate) fn methods(&self) -> &'static [Method] {
        match self {
            DoorRoute::Links => &[Method::Post],
            DoorRoute::Pixel(_) | DoorRoute::Redirect | DoorRoute::Vast(_) | DoorRoute::SnowplowPixel => {
                &[Method::Get, Method::Head, Method::Options]
            }
            DoorRoute::CloudEvents | DoorRoute::Otlp | DoorRoute::Snowplow => {
                &[Method::Post, Method::Options]
            }
            DoorRoute::Elastic(ElasticRoute::Bulk(_)) => &[Method::Put, Method::Post],
            DoorRoute::Elastic(ElasticRoute::NoOp) => {
                &[Method::Get, Method::Head, Method::Put, Method::Post, Method::Delete]
            }
            DoorRoute::Elastic(_) => &[Method::Get, Method::Head],
            DoorRoute::Postback | DoorRoute::Prebid => {
                &[Method::Get, Method::Head, Method::Post, Method::Options]
            }
        }
    }

    /// Whether other sites' pages may send here.
    pub(crate) fn is_for_browsers(&self) -> bool {
        !matches!(self, DoorRoute::Links | DoorRoute::Elastic(_))
    }

    /// Whether whoever asks wants a picture, whatever happens.
    pub(crate) fn is_picture(&self) -> bool {
        matches!(self, DoorRoute::Pixel(_) | DoorRoute::Vast(_) | DoorRoute::SnowplowPixel)
    }

    /// Whether a browser sends its cookies along, and insists that this be allowed; none of them means anything here.
    pub(crate) fn takes_credentials(&self) -> bool {
        matches!(self, DoorRoute::Snowplow)
    }

    /// Whether Elasticsearch's clients ask.
    pub(crate) fn is_elastic(&self) -> bool {
        matches!(self, DoorRoute::Elastic(_))
    }
}
