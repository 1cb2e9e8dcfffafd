//! A report that a page keeps up to date.

use std::sync::Arc;

use adtally_wire::api::ReportAnswer;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::failure::Failure;
use super::live::Live;
use super::request::ReportRequest;
use super::session::Session;

/// A report and what it answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The question.
    pub request: ReportRequest,
    /// The answer.
    pub answer: Arc<ReportAnswer>,
}

/// When to ask again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    /// Whenever the data behind the report changes.
    Live,
    /// When the question changes, or somebody asks.
    Question,
}

/// A report that a page keeps up to date.
///
/// While a new answer is on its way the old one stays, marked as busy when it answers another question, so that
/// nothing jumps. An answer that comes too late, to a question that is not asked any more, is dropped.
#[derive(Clone, Copy)]
pub struct Feed {
    /// The last answer.
    pub shown: RwSignal<Option<Shown>>,
    /// Why the last question has no answer, or only an old one.
    pub failure: RwSignal<Option<Failure>>,
    /// Whether what is shown answers another question than the one that is asked.
    pub busy: RwSignal<bool>,
    again: RwSignal<u32>,
    flight: StoredValue<Flight>,
    session: Session,
}

/// The request that is on its way.
#[derive(Default)]
struct Flight {
    number: u64,
    request: Option<ReportRequest>,
    /// The data changed since it left.
    stale: bool,
}

impl Feed {
    /// Follows `request`; `None` waits.
    pub fn new(request: impl Fn() -> Option<ReportRequest> + Send + Sync + 'static, follow: Follow) -> Feed {
        let feed = Feed {
            shown: RwSignal::new(None),
            failure: RwSignal::new(None),
            busy: RwSignal::new(false),
            again: RwSignal::new(0),
            flight: StoredValue::new(Flight::default()),
            session: Session::expect(),
        };
        let live: Live = expect_context();
        let request = Memo::new(move |_| request());
        Effect::new(move |_| {
            feed.again.track();
            if follow == Follow::Live {
                live.tick.track();
            }
            if let Some(request) = request.get() {
                feed.ask(request);
            }
        });
        feed
    }

    /// Asks again.
    pub fn retry(&self) {
        self.again.update(|count| *count = count.wrapping_add(1));
    }

    fn ask(self, request: ReportRequest) {
        let waiting = self.flight.try_update_value(|flight| {
            let same = flight.request.as_ref() == Some(&request);
            flight.stale |= same;
            same
        });
        if waiting == Some(false) {
            let shown = self
                .shown
                .with_untracked(|shown| shown.as_ref().is_some_and(|shown| shown.request == request));
            self.busy.set(!shown);
            self.send(request);
        }
    }

    fn send(self, request: ReportRequest) {
        let number = self.flight.try_update_value(|flight| {
            *flight = Flight { number: flight.number + 1, request: Some(request.clone()), stale: false };
            flight.number
        });
        spawn_local(async move {
            let result = self.session.client.report(&request.json()).await;
            // `None`: the page is gone. Another number: another question was asked since.
            if self.flight.try_with_value(|flight| flight.number) == number && number.is_some() {
                self.arrived(request, result);
            }
        });
    }

    fn arrived(self, request: ReportRequest, result: Result<Arc<ReportAnswer>, Failure>) {
        let stale = self.flight.try_update_value(|flight| {
            flight.request = None;
            flight.stale
        });
        self.busy.set(false);
        match result {
            Ok(answer) => {
                let shown = Some(Shown { request: request.clone(), answer });
                // Equal answers must not redraw the page.
                if self.shown.with_untracked(|old| *old != shown) {
                    self.shown.set(shown);
                }
                if self.failure.with_untracked(Option::is_some) {
                    self.failure.set(None);
                }
                if stale == Some(true) {
                    self.send(request);
                }
            }
            Err(failure) => {
                self.session.notice(&failure);
                let other =
                    |shown: &Option<Shown>| shown.as_ref().is_some_and(|shown| shown.request != request);
                if self.shown.with_untracked(other) {
                    self.shown.set(None);
                }
                self.failure.set(Some(failure));
            }
        }
    }
}
