//! What the object says of its data to those who have kept some: when they ask, and while they ask also unasked.
//!
//! Whoever asked lately goes by what it was told for a while. So while somebody may, each change is noted in the cache
//! of the object's own data centre; those in others find out when they ask again.

use std::cell::RefCell;

use adtally_core::cell::Scope;
use adtally_core::freshness::{self, Changes};
use adtally_core::segment::Segment;
use adtally_core::time::ServerTime;
use adtally_wire::freshness::ScopeNews;
use worker::Result;

use super::{Report, head};
use crate::clock;
use crate::shelf::{self, Witness};
use crate::storage::report::ReportStore;
use crate::usage;

/// Who goes by what the object said, and what changed since it started.
pub(super) struct Audience {
    /// Whether anybody goes by what was said.
    who: freshness::Audience,
    /// The version, and at which version which day last changed; `None` before anybody asked.
    known: Option<(u64, Changes)>,
    /// News is being noted.
    is_announcing: bool,
    /// There is later news than what is being noted.
    is_behind: bool,
}

impl Audience {
    /// Of an object that just started.
    pub(super) fn new(now: ServerTime) -> Self {
        Self { who: freshness::Audience::starting(now), known: None, is_announcing: false, is_behind: false }
    }

    /// A source told something: its number went from `before` to `seq`.
    pub(super) fn told(&mut self, before: Option<u64>, seq: u64, cells: &Segment) {
        if let Some((version, changes)) = &mut self.known {
            *version += seq - before.unwrap_or(0).min(seq);
            changes.note(*version, cells.hours_with_cells());
        }
    }
}

impl Report {
    /// What the object says to whoever asks.
    pub(super) fn asked(&self, store: &ReportStore) -> Result<ScopeNews> {
        usage::asked();
        self.audience.borrow_mut().who.ask(clock::now());
        news(store, &self.audience)
    }

    /// Notes what changed where others find it, without making anybody wait.
    pub(super) fn announce_soon(&self) {
        if let Some(announcement) = self.announcement() {
            self.state.wait_until(announcement);
        }
    }

    /// Notes what changed where others find it.
    pub(super) async fn announce(&self) {
        if let Some(announcement) = self.announcement() {
            announcement.await;
        }
    }

    /// One note at a time, so that the last one says the latest.
    fn announcement(&self) -> Option<impl Future<Output = ()> + 'static> {
        if !self.audience.borrow().who.listens(clock::now()) {
            return None;
        }
        let (store, scope) = (self.store().ok()?, self.scope().ok()?);
        let audience = self.audience.clone();
        Some(async move {
            if std::mem::replace(&mut audience.borrow_mut().is_announcing, true) {
                audience.borrow_mut().is_behind = true;
                return;
            }
            loop {
                audience.borrow_mut().is_behind = false;
                note(&store, &scope, &audience).await;
                if !audience.borrow().is_behind {
                    break;
                }
            }
            audience.borrow_mut().is_announcing = false;
        })
    }
}

async fn note(store: &ReportStore, scope: &Scope, audience: &RefCell<Audience>) {
    // What cannot be said now is asked for soon.
    if let Ok(news) = news(store, audience) {
        shelf::note(scope, &news, Witness::Object).await;
    }
}

fn news(store: &ReportStore, audience: &RefCell<Audience>) -> Result<ScopeNews> {
    let head = head(store)?;
    let through_ms = store.last_generation()?.through_ms;
    let mut audience = audience.borrow_mut();
    let heard_ms = audience.who.heard_at().0;
    let (version, changes) =
        audience.known.get_or_insert_with(|| (head.version, Changes::after(head.version)));
    if *version != head.version {
        // Somebody changed what is stored past this.
        (*version, *changes) = (head.version, Changes::after(head.version));
    }
    Ok(ScopeNews::new(head, through_ms, changes, heard_ms))
}
