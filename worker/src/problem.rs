//! The one place that turns errors into HTTP: `application/problem+json` with a stable code (RFC 9457).

use adtally_core::access::Denied;
use adtally_core::intake::BodyError;
use adtally_core::screen::ListError;
use adtally_sql::SqlError;
use adtally_wire::api::Problem;
use adtally_wire::catalog::CatalogError;
use adtally_wire::link::LinkError;
use thiserror::Error;
use worker::{Response, ResponseBuilder};

use crate::troubles::trouble;

/// How long a sender should wait before it tries again, in seconds, where the object that refused did not say.
pub(crate) const RETRY_AFTER_S: u32 = 1;

/// Why a request is not answered as asked.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    /// The caller's fault.
    #[error("{0}")]
    Refused(Refusal),
    /// A store or an object does not answer; nothing was acknowledged, the request may be sent again.
    #[error("{detail}")]
    Unavailable {
        /// For the log.
        detail: String,
        /// Seconds to wait.
        retry_after_s: u32,
    },
    /// An object asks for patience.
    #[error("busy")]
    Busy {
        /// Seconds to wait.
        retry_after_s: u32,
    },
    /// A binding or secret of this name is missing.
    #[error("the deployment lacks {0}")]
    Misconfigured(&'static str),
    /// Our own.
    #[error("{0}")]
    Internal(String),
}

/// An answer to a request that cannot be granted.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{code}: {detail}")]
pub(crate) struct Refusal {
    /// HTTP status.
    pub(crate) status: u16,
    /// Stable, for programs.
    pub(crate) code: &'static str,
    /// For people, with the value.
    pub(crate) detail: String,
    /// A header that the status calls for.
    pub(crate) header: Option<(&'static str, String)>,
}

impl Fault {
    /// A refusal without a special header.
    pub(crate) fn refused(status: u16, code: &'static str, detail: impl Into<String>) -> Fault {
        Fault::Refused(Refusal { status, code, detail: detail.into(), header: None })
    }

    /// No token, or one that is not known; the two are not told apart.
    pub(crate) fn unauthorized() -> Fault {
        Fault::Refused(Refusal {
            status: 401,
            code: "unauthorized",
            detail: "a valid token is required".to_owned(),
            header: Some(("WWW-Authenticate", r#"Bearer realm="adtally""#.to_owned())),
        })
    }

    /// The path exists, the method does not.
    pub(crate) fn method_not_allowed(method: &str, allow: String) -> Fault {
        Fault::Refused(Refusal {
            status: 405,
            code: "method_not_allowed",
            detail: format!("{method} is not allowed here, {allow} is"),
            header: Some(("Allow", allow)),
        })
    }

    /// More than one key or address may ask.
    pub(crate) fn limited(retry_after_s: u32) -> Fault {
        let detail = format!("too many requests, come again in {retry_after_s} s");
        let header = Some(("Retry-After", retry_after_s.to_string()));
        Fault::Refused(Refusal { status: 429, code: "rate_limited", detail, header })
    }

    /// A store or an object does not answer, and nobody knows for how long.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Fault {
        Fault::Unavailable { detail: detail.into(), retry_after_s: RETRY_AFTER_S }
    }

    /// A catalog statement failed.
    pub(crate) fn catalog(error: worker::Error) -> Fault {
        Fault::unavailable(format!("catalog: {error}"))
    }

    /// The answer; what the caller must not know goes to the log under the request's id.
    pub(crate) fn into_response(self, request_id: &str) -> worker::Result<Response> {
        self.into_refusal(request_id).into_response()
    }

    /// What the caller is told.
    pub(crate) fn into_refusal(self, request_id: &str) -> Refusal {
        let ours = format!("an error of ours, please report request {request_id}");
        match self {
            Fault::Refused(refusal) => refusal,
            Fault::Unavailable { detail, retry_after_s } => {
                trouble!(of request_id, "unavailable: {detail}");
                let again = "nothing was acknowledged, please send it again";
                retry(503, "storage_unavailable", again, retry_after_s)
            }
            Fault::Busy { retry_after_s } => retry(429, "busy", "too much at once", retry_after_s),
            Fault::Misconfigured(name) => {
                trouble!(of request_id, "misconfigured: {name} is missing");
                let detail = format!("the deployment lacks {name}");
                Refusal { status: 500, code: "misconfigured", detail, header: None }
            }
            Fault::Internal(detail) => {
                trouble!(of request_id, "internal: {detail}");
                Refusal { status: 500, code: "internal", detail: ours, header: None }
            }
        }
    }
}

fn retry(status: u16, code: &'static str, detail: &str, after_s: u32) -> Refusal {
    let header = Some(("Retry-After", after_s.to_string()));
    Refusal { status, code, detail: detail.to_owned(), header }
}

impl Refusal {
    fn into_response(self) -> worker::Result<Response> {
        let problem = Problem {
            kind: format!("about:blank#{}", self.code),
            title: title(self.status).to_owned(),
            status: self.status,
            detail: self.detail,
            code: self.code.to_owned(),
        };
        let mut builder = ResponseBuilder::new()
            .with_status(self.status)
            .with_header("Content-Type", "application/problem+json")?;
        if let Some((name, value)) = &self.header {
            builder = builder.with_header(name, value)?;
        }
        Ok(builder.fixed(serde_json::to_vec(&problem)?))
    }
}

/// The reason phrases of RFC 9110 for the statuses in use.
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

impl From<worker::Error> for Fault {
    fn from(error: worker::Error) -> Self {
        Fault::Internal(error.to_string())
    }
}

impl From<Denied> for Fault {
    fn from(denied: Denied) -> Self {
        let code = match denied {
            Denied::Role => "role_forbidden",
            Denied::Scope => "foreign_scope",
        };
        Fault::refused(403, code, denied.to_string())
    }
}

impl From<SqlError> for Fault {
    fn from(error: SqlError) -> Self {
        Fault::refused(422, error.code.name(), error.to_string())
    }
}

impl From<LinkError> for Fault {
    fn from(error: LinkError) -> Self {
        Fault::refused(400, error.code(), error.to_string())
    }
}

impl From<ListError> for Fault {
    fn from(error: ListError) -> Self {
        Fault::refused(422, "invalid_list", error.to_string())
    }
}

impl From<CatalogError> for Fault {
    fn from(error: CatalogError) -> Self {
        let status = match error {
            CatalogError::Json(_) => 400,
            _ => 422,
        };
        Fault::refused(status, error.code(), error.to_string())
    }
}

impl From<BodyError> for Fault {
    fn from(error: BodyError) -> Self {
        let status = match error {
            BodyError::Empty | BodyError::BadJson(_) => 400,
            BodyError::TooManyEvents(_) | BodyError::TooLarge => 413,
        };
        Fault::refused(status, error.code(), error.to_string())
    }
}
