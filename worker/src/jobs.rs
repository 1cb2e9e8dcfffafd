//! Talking to the Jobs object.

use adtally_wire::jobs::object::{
    Answer, BEAT, Beat, CLAIM, ClaimAnswer, End, FINISH, Finish, GoOn, JOBS_NAME, JobsRefusal, RESULTS,
    Results, ResultsOf, TICK, Tick, Ticket,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{Env, Method, ObjectNamespace, ScheduledEvent};

use crate::bindings::JOBS;
use crate::linkers::request;
use crate::problem::Fault;
use crate::troubles::trouble;

/// The Jobs object.
pub(crate) struct Jobs {
    namespace: ObjectNamespace,
}

impl Jobs {
    /// Reads the binding; one that is missing is a fault of the deployment.
    pub(crate) fn read(env: &Env) -> Result<Self, Fault> {
        Ok(Self { namespace: env.durable_object(JOBS).map_err(|_| Fault::Misconfigured(JOBS))? })
    }

    /// Asks it something.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        question: &impl Serialize,
    ) -> Result<T, Fault> {
        let unavailable = |error: worker::Error| Fault::unavailable(format!("jobs {path}: {error}"));
        let body = serde_json::to_vec(question).map_err(worker::Error::from)?;
        let stub = self.namespace.get_by_name(JOBS_NAME)?;
        let answer = stub.fetch_with_request(request(Method::Post, path, &body)?).await;
        let mut answer = answer.map_err(unavailable)?;
        if answer.status_code() != 200 {
            return Err(Fault::unavailable(format!("jobs {path} answered {}", answer.status_code())));
        }
        let bytes = answer.bytes().await.map_err(unavailable)?;
        let answer: Answer<T> = serde_json::from_slice(&bytes).map_err(worker::Error::from)?;
        Ok(answer?)
    }

    /// Claims a task; answers what it is told, if it is granted.
    pub(crate) async fn claim(&self, ticket: &Ticket) -> Result<Option<String>, Fault> {
        Ok(self.ask::<ClaimAnswer>(CLAIM, ticket).await?.params)
    }

    /// Gives a sign of life; `false`: nobody needs the task any more.
    pub(crate) async fn beat(&self, ticket: &Ticket, log: Vec<(i64, String)>) -> Result<bool, Fault> {
        Ok(self.ask::<GoOn>(BEAT, &Beat { ticket: ticket.clone(), log }).await?.go_on)
    }

    /// Says what became of a task.
    pub(crate) async fn finish(
        &self,
        ticket: &Ticket,
        log: &[(i64, String)],
        end: &End,
    ) -> Result<(), Fault> {
        let finish = Finish { ticket: ticket.clone(), log: log.to_vec(), end: end.clone() };
        self.ask::<GoOn>(FINISH, &finish).await.map(drop)
    }

    /// What tasks of a run left whose ids begin so.
    pub(crate) async fn results(&self, run: &str, prefix: &str) -> Result<Vec<(String, String)>, Fault> {
        let of = ResultsOf { run: run.to_owned(), prefix: prefix.to_owned() };
        Ok(self.ask::<Results>(RESULTS, &of).await?.results)
    }
}

impl From<JobsRefusal> for Fault {
    fn from(refusal: JobsRefusal) -> Self {
        Fault::refused(refusal.status(), refusal.code(), refusal.to_string())
    }
}

/// Tells the Jobs object that the platform's cron trigger came. May be repeated: a job has one run of a time.
pub(crate) async fn tick(event: &ScheduledEvent, env: &Env) {
    let tick = Tick { cron: event.cron(), at_ms: event.schedule() as i64 };
    let started = async { Jobs::read(env)?.ask::<Vec<String>>(TICK, &tick).await };
    match started.await {
        Ok(runs) => worker::console_log!("cron {:?} started {}", tick.cron, runs.join(", ")),
        Err(fault) => trouble!("cron {:?} was not heard: {fault}", tick.cron),
    }
}
