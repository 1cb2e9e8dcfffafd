//! What tables have in common: their heads, and what is there before their rows.

use leptos::prelude::*;

use crate::browser::t;
use crate::phrase::Phrase;

/// The head of each column of a table, with its class: that of numbers stands where they end.
pub fn heads<const N: usize>(heads: [(Phrase, &'static str); N]) -> impl IntoView {
    heads.map(|(phrase, class)| {
        view! { <th scope="col" class=class><span class="head-text">{t(phrase)}</span></th> }
    })
}

/// Rows that are on their way.
pub fn waiting(rows: usize, columns: usize) -> AnyView {
    let row = |_| {
        let cells = (0..columns).map(|_| view! { <td><span class="skeleton"></span></td> }).collect_view();
        view! { <tr class="skeleton-row" data-testid="state-loading">{cells}</tr> }
    };
    (0..rows).map(row).collect_view().into_any()
}
