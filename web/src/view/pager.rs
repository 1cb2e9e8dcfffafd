//! Which of the rows are shown.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use super::show::Show;
use crate::api::feed::Feed;
use crate::browser::{self, t};
use crate::format;
use crate::phrase::Phrase;
use crate::state::report::{PAGE_SIZES, ReportState};

/// How many rows there are, and the way to the others.
#[component]
pub fn Pager(
    /// Whose rows.
    feed: Feed,
    /// What is asked.
    state: Memo<ReportState>,
    /// Asks something else.
    change: Callback<ReportState>,
) -> impl IntoView {
    let shown = move || {
        feed.shown.with(|shown| {
            let shown = shown.as_ref()?;
            Some((u64::from(shown.request.offset), shown.answer.rows.len() as u64, shown.answer.row_count))
        })
    };
    let count = move || shown().map(|(.., count)| count);
    let text = move || {
        let lang = browser::lang();
        let number = |number: u64| format::count(lang, i64::try_from(number).unwrap_or(i64::MAX));
        match shown() {
            None => String::new(),
            Some((_, _, 1)) => Phrase::OneRow.text(lang).to_string(),
            Some((_, 0, count)) => Phrase::RowsOf.with(lang, &["0", "0", &number(count)]),
            Some((offset, rows, count)) => {
                Phrase::RowsOf.with(lang, &[&number(offset + 1), &number(offset + rows), &number(count)])
            }
        }
    };
    let is_first = move || state.read().offset == 0;
    let is_last = move || shown().is_none_or(|(offset, rows, count)| offset + rows >= count);
    view! {
        <div class="pager">
            <span class="pager-text" role="status" data-testid="row-count" data-value=count>{text}</span>
            <Show when=move || !(is_first() && is_last())>
                <button
                    type="button"
                    class="icon-button"
                    data-testid="page-prev"
                    aria-label=t(Phrase::PreviousPage)
                    disabled=is_first
                    on:click=move |_| change.run(state.get_untracked().previous_page())
                >
                    <Glyph icon=Icon::Left/>
                </button>
                <button
                    type="button"
                    class="icon-button"
                    data-testid="page-next"
                    aria-label=t(Phrase::NextPage)
                    disabled=is_last
                    on:click=move |_| change.run(state.get_untracked().next_page())
                >
                    <Glyph icon=Icon::Right/>
                </button>
            </Show>
            <PageSize state change/>
        </div>
    }
}

#[component]
fn PageSize(state: Memo<ReportState>, change: Callback<ReportState>) -> impl IntoView {
    let mut sizes = PAGE_SIZES;
    sizes.sort_unstable();
    let size = move |size: u32| {
        view! { <option value=size.to_string() selected=move || state.read().limit == size>{size}</option> }
    };
    view! {
        <select
            class="select quiet"
            data-testid="page-size"
            aria-label=t(Phrase::RowsPerPage)
            title=t(Phrase::RowsPerPage)
            on:change=move |event| {
                if let Ok(limit) = event_target_value(&event).parse() {
                    change.run(state.get_untracked().with_limit(limit));
                }
            }
        >
            {sizes.map(size)}
        </select>
    }
}
