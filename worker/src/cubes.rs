//! Asking Report objects about cubes.

use adtally_core::cell::Scope;
use adtally_wire::cube::{CUBES, CubeAnswer, CubeCall, CubeTold};
use worker::{Method, ObjectNamespace};

use crate::linkers::request;
use crate::problem::Fault;

/// The job that builds cubes by request; the batch does it by itself.
pub(crate) const CUBES_JOB: &str = "cubes";
/// The job that exports them.
pub(crate) const EXPORTS_JOB: &str = "cube_exports";

/// Asks the Report object of a scope.
pub(crate) async fn ask(
    namespace: &ObjectNamespace,
    scope: &Scope,
    call: &CubeCall,
) -> Result<CubeTold, Fault> {
    let unavailable = |error: worker::Error| Fault::unavailable(format!("report {scope}: {error}"));
    let body = serde_json::to_vec(call).map_err(worker::Error::from)?;
    let stub = namespace.get_by_name(&scope.to_string())?;
    let answer = stub.fetch_with_request(request(Method::Post, CUBES, &body)?).await;
    let mut answer = answer.map_err(unavailable)?;
    if answer.status_code() != 200 {
        return Err(Fault::unavailable(format!("report {scope} answered {}", answer.status_code())));
    }
    let bytes = answer.bytes().await.map_err(unavailable)?;
    let answer: CubeAnswer = serde_json::from_slice(&bytes).map_err(worker::Error::from)?;
    answer.map_err(|refusal| Fault::refused(refusal.status(), refusal.code(), refusal.to_string()))
}
