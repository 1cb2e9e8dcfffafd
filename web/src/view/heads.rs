//! The heads of tables.

use leptos::prelude::*;

use crate::browser::t;
use crate::phrase::Phrase;

/// The head of each column of a table, with its class: that of numbers stands where they end.
pub fn heads<const N: usize>(heads: [(Phrase, &'static str); N]) -> impl IntoView {
    heads.map(|(phrase, class)| {
        view! { <th scope="col" class=class><span class="head-text">{t(phrase)}</span></th> }
    })
}
