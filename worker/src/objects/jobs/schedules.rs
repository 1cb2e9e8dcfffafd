//! What runs by itself: when its time has come, or when the platform's cron trigger says so.

use std::rc::Rc;

use adtally_core::jobs::Schedule;
use adtally_core::time::ServerTime;
use adtally_wire::jobs::api::NewRun;
use adtally_wire::jobs::object::{Answer, Tick};
use worker::Result;

use super::Node;
use super::definitions::orders;
use super::desk::Desk;
use crate::storage::jobs::Extras;
use crate::tasks::BATCH_SCHEDULE;
use crate::troubles::trouble;

impl Node {
    /// Starts each job whose time has come; of several missed times only the latest counts.
    pub(super) fn start_due(&self, desk: &mut Desk, extras: &mut Extras, now: ServerTime) -> Result<()> {
        let is_due = |next: Option<i64>| next.is_some_and(|next| next <= now.0);
        let due = desk.jobs.iter().filter(|(_, job)| !job.paused && is_due(job.next_ms));
        let due: Vec<(String, i64)> =
            due.map(|(name, job)| (name.clone(), job.next_ms.unwrap_or(now.0))).collect();
        for (name, due_ms) in due {
            self.start_scheduled(desk, extras, &name, due_ms, now)?;
        }
        Ok(())
    }

    /// Starts the jobs whose schedule is that of the platform's trigger, and what else is due.
    ///
    /// May be repeated: a job has one run of a time.
    pub(super) fn tick(self: &Rc<Self>, tick: &Tick) -> Result<Answer<Vec<String>>> {
        let node = self.clone();
        self.change(|desk, extras, now| {
            let mut started = Vec::new();
            let has = |desk: &Desk, cron: &str| {
                let schedules = desk.jobs.values().filter_map(|job| job.schedule.as_deref());
                schedules.into_iter().any(|schedule| schedule == cron)
            };
            // There is one trigger; whoever pulls it by hand need not know its expression.
            let cron = if has(desk, &tick.cron) { tick.cron.as_str() } else { BATCH_SCHEDULE };
            let meant =
                desk.jobs.iter().filter(|(_, job)| !job.paused && job.schedule.as_deref() == Some(cron));
            let meant: Vec<String> = meant.map(|(name, _)| name.clone()).collect();
            for name in meant {
                if !node.store()?.has_run_at(&name, tick.at_ms)? {
                    started.extend(node.start_scheduled(desk, extras, &name, tick.at_ms, now)?);
                }
            }
            node.start_due(desk, extras, now)?;
            Ok(Ok(started))
        })
    }

    fn start_scheduled(
        &self,
        desk: &mut Desk,
        extras: &mut Extras,
        name: &str,
        due_ms: i64,
        now: ServerTime,
    ) -> Result<Option<String>> {
        if let Some(mut job) = desk.jobs.get(name).cloned() {
            let schedule = job.schedule.as_deref().and_then(|text| Schedule::parse(text).ok());
            let after = ServerTime(due_ms.max(now.0));
            job.next_ms = schedule.and_then(|schedule| schedule.after(after)).map(|at| at.0);
            desk.put_job(name, job, extras);
        }
        // A job that falls behind does not pile up.
        if desk.waiting(name) > 1 {
            trouble!("job {name} is due, and an earlier run of it still waits");
            return Ok(None);
        }
        let new = NewRun { job: name.to_owned(), ..NewRun::default() };
        match orders(desk, &new, ServerTime(due_ms)) {
            Ok(orders) => {
                let mut run = None;
                for mut order in orders {
                    order.due_ms = Some(due_ms);
                    run = Some(desk.start(order, extras, now)?.to_string());
                }
                Ok(run)
            }
            Err(refusal) => {
                trouble!("job {name} is due, and cannot be started: {refusal}");
                Ok(None)
            }
        }
    }
}
