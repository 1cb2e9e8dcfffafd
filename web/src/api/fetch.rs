//! Any answer of the API that a page keeps up to date.

use std::sync::Arc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;

use super::client::read;
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

/// Where the answer is.
type Address = Box<dyn Fn() -> Option<String> + Send + Sync>;
/// What follows it.
type Tick = Box<dyn Fn() + Send + Sync>;
/// Takes an answer, or that there is none any more.
type Take = Arc<dyn Fn(Option<JsValue>) -> Result<(), Failure> + Send + Sync>;

impl<T: DeserializeOwned + Send + Sync + PartialEq + 'static> Fetch<T> {
    /// Follows an address, and asks again at each `tick`; `None` shows nothing.
    pub fn new(
        address: impl Fn() -> Option<String> + Send + Sync + 'static,
        tick: impl Fn() + Send + Sync + 'static,
    ) -> Fetch<T> {
        let asked = Asked {
            failure: RwSignal::new(None),
            busy: RwSignal::new(false),
            again: RwSignal::new(0),
            session: Session::expect(),
        };
        let shown = RwSignal::new(None::<T>);
        let take = move |answer: Option<JsValue>| {
            let answer = answer.map(read::<T>).transpose()?;
            if shown.with_untracked(|old| *old != answer) {
                shown.set(answer);
            }
            Ok(())
        };
        asked.follow(Box::new(address), Box::new(tick), Arc::new(take));
        Fetch { shown, failure: asked.failure, busy: asked.busy, again: asked.again }
    }

    /// Whether there is an answer, or a reason why there is none.
    pub fn is_known(&self) -> bool {
        self.shown.read().is_some() || self.failure.read().is_some()
    }

    /// Asks again.
    pub fn retry(&self) {
        self.again.update(|count| *count = count.wrapping_add(1));
    }
}

/// All of it that does not depend on what is asked for: a page has many questions, and the first visit downloads this once.
#[derive(Clone, Copy)]
struct Asked {
    failure: RwSignal<Option<Failure>>,
    busy: RwSignal<bool>,
    again: RwSignal<u32>,
    session: Session,
}

/// Which answers are taken: those of the address that is asked now, unless a later one was there before. An answer that
/// takes longer than what follows it is one all the same.
#[derive(Debug, Clone, Copy, Default)]
struct Turns {
    /// The last question.
    asked: u64,
    /// The first question to its address.
    first: u64,
    /// The last one whose answer was taken.
    taken: u64,
}

impl Turns {
    /// The number of another question.
    fn ask(&mut self, is_another_address: bool) -> u64 {
        self.asked += 1;
        if is_another_address {
            self.first = self.asked;
        }
        self.asked
    }

    /// Whether the answer to a question is news.
    fn take(&mut self, number: u64) -> bool {
        let is_news = number >= self.first && number > self.taken;
        if is_news {
            self.taken = number;
        }
        is_news
    }
}

impl Asked {
    fn follow(self, address: Address, tick: Tick, take: Take) {
        let address = Memo::new(move |_| address());
        let turns = StoredValue::new(Turns::default());
        Effect::new(move |before: Option<Option<String>>| {
            self.again.track();
            tick();
            let address = address.get();
            let is_another = before.as_ref() != Some(&address);
            let number = turns.try_update_value(|turns| turns.ask(is_another));
            if is_another {
                // That there is nothing can always be taken.
                let _ = take(None);
                self.failure.set(None);
                self.busy.set(address.is_some());
            }
            if let Some(address) = address.clone() {
                let take = take.clone();
                spawn_local(async move {
                    let result = self.session.client.value(&address).await;
                    // `None`: the page is gone.
                    let is_news =
                        number.and_then(|number| turns.try_update_value(|turns| turns.take(number)));
                    if is_news == Some(true) {
                        self.arrived(result.and_then(|value| take(Some(value))));
                    }
                });
            }
            address
        });
    }

    fn arrived(self, result: Result<(), Failure>) {
        self.busy.set(false);
        match result {
            Ok(()) => self.failure.set(None),
            Err(failure) => {
                self.session.notice(&failure);
                self.failure.set(Some(failure));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn answers_in_their_turns() {
        let mut turns = Turns::default();
        let (slow, next) = (turns.ask(true), turns.ask(false));
        assert!(turns.take(slow), "it is the first, though something was asked since");
        assert!(turns.take(next));
        let (older, newer) = (turns.ask(false), turns.ask(false));
        assert!(turns.take(newer));
        assert!(!turns.take(older), "a later one was there before");
        let of_another_place = turns.ask(false);
        let here = turns.ask(true);
        assert!(!turns.take(of_another_place));
        assert!(turns.take(here));
        assert!(!turns.take(here));
    }
}
