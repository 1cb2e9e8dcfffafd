//! `/v1/live`: a WebSocket that tells of new data as it comes.

use worker::Response;

use super::reports;
use crate::auth::authenticate;
use crate::call::Call;
use crate::problem::{Fault, Refusal};
use crate::reporters;

/// Opens the feed of a scope; the Report object keeps it, this worker is out of it once it is open.
pub(super) async fn open(call: &Call) -> Result<Response, Fault> {
    let grant = authenticate(call).await?;
    let scope = reports::scope(call, &grant)?;
    let upgrade = call.header("Upgrade").unwrap_or_default();
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return Err(Fault::Refused(Refusal {
            status: 426,
            code: "upgrade_required",
            detail: "this is a WebSocket: open it with Upgrade: websocket".to_owned(),
            header: Some(("Upgrade", "websocket".to_owned())),
        }));
    }
    reporters::live(&call.bindings.reports, &scope).await
}
