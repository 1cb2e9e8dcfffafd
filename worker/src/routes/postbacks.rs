//! `/v1/postbacks`: how far partners are with what they are told of conversions, and what they refused.

use adtally_core::access::Owner;
use adtally_wire::catalog::read;
use adtally_wire::jobs::api::{
    JobInfo, NewRun, PostbackInfo, PostbackProgress, PostbackReplay, PostbackReplaying, StartedRuns,
};
use adtally_wire::jobs::definition::TaskDefinition;
use adtally_wire::jobs::object::{DEFINITIONS, START, Start};
use worker::Response;

use super::jobs::may_look;
use crate::auth::authenticate;
use crate::call::{Call, MAX_JSON_BYTES, json};
use crate::problem::Fault;
use crate::store::Store;
use crate::tasks::TaskError;
use crate::tasks::postback::{KIND, order_replay, progress};

/// `GET /v1/postbacks/{name}`: how far a partner is, and what it refused for good.
pub(super) async fn show(call: &Call, name: &str) -> Result<Response, Fault> {
    may_look(call).await?;
    json(200, &PostbackInfo::of(&known(call, name).await?))
}

/// `POST .../replay`: sends again what was refused, all of it or what is named, with a run of the job that does so. What is
/// refused again stays in the list, with the reason of this time.
///
/// Why each await may be repeated:
/// 1. noting what is to be sent: a run that begins before the next step sends it, and the run of that finds nothing to do;
/// 2. starting a run: it finds nothing where the first has done it. The job's runs do not overlap unless it says so.
pub(super) async fn replay(call: &mut Call, name: &str) -> Result<Response, Fault> {
    authenticate(call).await?.changes_of(&Owner::Platform)?;
    call.known_only(&[])?;
    let body = call.body(MAX_JSON_BYTES).await?;
    let wanted: PostbackReplay = if body.is_empty() { PostbackReplay::default() } else { read(&body)? };
    let progress = known(call, name).await?;
    let is_refused = |id: &String| progress.rejected.iter().any(|refused| refused.id == *id);
    if let Some(unknown) = wanted.ids.iter().find(|id| !is_refused(id)) {
        return Err(Fault::refused(
            422,
            "postback_not_refused",
            format!("{unknown:?} is not among the refused"),
        ));
    }
    let refused = progress.rejected.iter().filter(|refused| wanted.names(&refused.id)).count() as u64;
    let jobs = call.bindings.jobs.ask::<Vec<JobInfo>>(DEFINITIONS, &()).await?;
    let tells = |task: &TaskDefinition| task.kind == KIND && task.params["name"] == name;
    let Some(job) = jobs.into_iter().find(|job| job.tasks.iter().any(tells)) else {
        let detail = format!("no job has a task {KIND} of the name {name:?}: define it, then replay");
        return Err(Fault::refused(409, "postback_without_job", detail));
    };
    order_replay(&Store::of(call.bindings.store()?), name, wanted).await.map_err(fault)?;
    let new = NewRun { job: job.job, ..NewRun::default() };
    let started = call.bindings.jobs.ask::<StartedRuns>(START, &Start { new }).await?;
    json(202, &PostbackReplaying { run: started.run, refused })
}

async fn known(call: &Call, name: &str) -> Result<PostbackProgress, Fault> {
    match progress(&Store::of(call.bindings.store()?), name).await {
        Ok(Some(progress)) => Ok(progress),
        Err(error @ TaskError::Retry(_)) => Err(fault(error)),
        // A name that cannot be was never sent anything either.
        Ok(None) | Err(TaskError::Permanent(_)) => {
            let detail = format!("nobody was sent anything as {name:?}");
            Err(Fault::refused(404, "postback_not_found", detail))
        }
    }
}

fn fault(error: TaskError) -> Fault {
    Fault::unavailable(error.to_string())
}
