//! Any answer of the API that a page keeps up to date.

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::de::DeserializeOwned;

use super::failure::Failure;
use super::session::Session;

/// What is at an address.
pub struct Fetch<T: Send + Sync + 'static> {
    /// The last answer.
    pub shown: RwSignal<Option<T>>,
    /// Why the last question has no answer, or only an old one.
    pub failure: RwSignal<Option<Failure>>,
    /// Whether an answer to a new question is on its way.
    pub busy: RwSignal<bool>,
    again: RwSignal<u32>,
}

impl<T: Send + Sync + 'static> Clone for Fetch<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Send + Sync + 'static> Copy for Fetch<T> {}

impl<T: DeserializeOwned + Send + Sync + PartialEq + 'static> Fetch<T> {
    /// Follows an address, and asks again at each `tick`; `None` shows nothing.
    pub fn new(
        address: impl Fn() -> Option<String> + Send + Sync + 'static,
        tick: impl Fn() + Send + Sync + 'static,
    ) -> Fetch<T> {
        let fetch = Fetch {
            shown: RwSignal::new(None),
            failure: RwSignal::new(None),
            busy: RwSignal::new(false),
            again: RwSignal::new(0),
        };
        let session = Session::expect();
        let address = Memo::new(move |_| address());
        let number = StoredValue::new(0_u64);
        Effect::new(move |before: Option<Option<String>>| {
            fetch.again.track();
            tick();
            let address = address.get();
            let current = number.try_update_value(|number| {
                *number += 1;
                *number
            });
            if before.as_ref() != Some(&address) {
                fetch.shown.set(None);
                fetch.failure.set(None);
                fetch.busy.set(address.is_some());
            }
            if let Some(address) = address.clone() {
                spawn_local(async move {
                    let result = session.client.get::<T>(&address).await;
                    // `None`: the page is gone. Another number: something else was asked since.
                    if current.is_some() && number.try_get_value() == current {
                        fetch.arrived(session, result);
                    }
                });
            }
            address
        });
        fetch
    }

    /// Asks again.
    pub fn retry(&self) {
        self.again.update(|count| *count = count.wrapping_add(1));
    }

    fn arrived(self, session: Session, result: Result<T, Failure>) {
        self.busy.set(false);
        match result {
            Ok(answer) => {
                self.failure.set(None);
                if self.shown.with_untracked(|old| old.as_ref() != Some(&answer)) {
                    self.shown.set(Some(answer));
                }
            }
            Err(failure) => {
                session.notice(&failure);
                self.failure.set(Some(failure));
            }
        }
    }
}
