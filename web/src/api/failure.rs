//! Why a request has no answer.

use adtally_wire::api::Problem;

/// Why a request has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The server said no, and why.
    #[error("{}", .0.detail)]
    Refused(Problem),
    /// The server said no, without the reason: something between it and the browser answered.
    #[error("status {0} without a problem")]
    Status(u16),
    /// There was no answer.
    #[error("no answer: {0}")]
    Unreachable(String),
    /// The answer is not what the API promises.
    #[error("unreadable answer: {0}")]
    Unreadable(String),
}

impl Failure {
    /// Stable, for programs and for asking people for help.
    pub fn code(&self) -> String {
        match self {
            Failure::Refused(problem) => problem.code.clone(),
            Failure::Status(status) => format!("http_{status}"),
            Failure::Unreachable(_) => "unreachable".to_string(),
            Failure::Unreadable(_) => "unreadable_answer".to_string(),
        }
    }

    /// The HTTP status, where there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Failure::Refused(problem) => Some(problem.status),
            Failure::Status(status) => Some(*status),
            Failure::Unreachable(_) | Failure::Unreadable(_) => None,
        }
    }

    /// Whether nobody is signed in any more.
    pub fn is_signed_out(&self) -> bool {
        self.status() == Some(401)
    }

    /// Whether there is no such thing, or not any more.
    pub fn is_missing(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether it is outside of what this person may see.
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(403)
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn codes() {
        fn check(failure: Failure, code: &str, signed_out: bool, forbidden: bool) {
            assert_eq!(failure.code(), code);
            assert_eq!((failure.is_signed_out(), failure.is_forbidden()), (signed_out, forbidden), "{code}");
        }
        let problem = Problem {
            kind: "about:blank#foreign_scope".to_string(),
            title: "Forbidden".to_string(),
            status: 403,
            detail: "this token does not cover service:news".to_string(),
            code: "foreign_scope".to_string(),
        };
        check(Failure::Refused(problem), "foreign_scope", false, true);
        check(Failure::Status(401), "http_401", true, false);
        check(Failure::Unreachable("reset".to_string()), "unreachable", false, false);
        check(Failure::Unreadable("null".to_string()), "unreadable_answer", false, false);
    }
}
