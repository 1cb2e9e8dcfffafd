//! Lists that go from the newest to the oldest, some at a time.

use leptos::prelude::*;

use super::show::Show;
use crate::browser::t;
use crate::phrase::Phrase;
use crate::state::params::encode;

/// How far into a list a page is.
#[derive(Clone, Copy)]
pub struct Older {
    /// Where the newest are.
    list: Memo<Option<String>>,
    /// The list that was gone into, and the `next` of the answer before.
    gone: RwSignal<Option<(String, String)>>,
    /// Of the list that is shown now.
    cursor: Memo<Option<String>>,
}

impl Older {
    /// The newest of what is at `list`, an address with a query; where that changes, it begins again.
    pub fn new(list: impl Fn() -> Option<String> + Send + Sync + 'static) -> Older {
        let list = Memo::new(move |_| list());
        let gone = RwSignal::new(None::<(String, String)>);
        let cursor = Memo::new(move |_| {
            let (of, cursor) = gone.get()?;
            (list.read().as_ref() == Some(&of)).then_some(cursor)
        });
        Older { list, gone, cursor }
    }

    /// Where those are that are shown; `parameter` is what the API calls the place to go on from.
    pub fn address(self, parameter: &str) -> Option<String> {
        let list = self.list.get()?;
        Some(match self.cursor.get() {
            Some(cursor) => format!("{list}&{parameter}={}", encode(&cursor)),
            None => list,
        })
    }

    /// Whether those are shown that are followed while more come.
    pub fn is_newest(self) -> bool {
        self.cursor.read().is_none()
    }

    fn go(self, cursor: Option<String>) {
        self.gone.set(self.list.get_untracked().zip(cursor));
    }
}

/// The ways to older ones and back to the newest, where there are any.
#[component]
pub fn OlderButtons(
    /// How far in the page is.
    older: Older,
    /// The `next` of the answer that is shown; `None` while it is on its way.
    next: Memo<Option<Option<String>>>,
) -> impl IntoView {
    // The focus stays while an answer is on its way: both buttons do, and none is `disabled`, which would lose it.
    let button = move |phrase: Phrase, test_id: &'static str, can: Memo<bool>, go: Callback<()>| {
        let click = move |_| {
            if can.get_untracked() {
                go.run(());
            }
        };
        view! {
            <button
                type="button"
                class="button"
                data-testid=test_id
                aria-disabled=move || if can.get() { "false" } else { "true" }
                on:click=click
            >
                {t(phrase)}
            </button>
        }
    };
    let (can_newer, can_older) =
        (Memo::new(move |_| !older.is_newest()), Memo::new(move |_| next.get().flatten().is_some()));
    let newest = Callback::new(move |()| older.go(None));
    let further = Callback::new(move |()| older.go(next.get_untracked().flatten()));
    let has_more = Memo::new(move |held: Option<&bool>| match next.get() {
        None => older.list.read().is_some() && held == Some(&true),
        Some(next) => next.is_some() || can_newer.get(),
    });
    view! {
        <Show when=move || has_more.get()>
            <div class="card-head">
                <div class="card-actions">
                    {button(Phrase::NewestEvents, "newest", can_newer, newest)}
                    {button(Phrase::OlderEvents, "older", can_older, further)}
                </div>
            </div>
        </Show>
    }
}
