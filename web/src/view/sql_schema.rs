//! What can be asked: tables and their columns.

use leptos::prelude::*;

use super::notebook::Book;
use super::sql_editor::insert;
use crate::browser::{self, t};
use crate::phrase::Phrase;

/// The tables, each with its columns; a click puts a name into the statement.
#[component]
pub fn SchemaBrowser() -> impl IntoView {
    let book = Book::expect();
    let name = move |text: String, class: &'static str| {
        let label = Phrase::InsertName.with(browser::lang(), &[&text]);
        let inserted = text.clone();
        view! {
            <button type="button" class=class data-testid="schema-name" aria-label=label on:click=move |_| insert(book, &inserted)>
                {text}
            </button>
        }
    };
    let tables = move || {
        let schema = book.schema.get();
        if schema.tables.is_empty() {
            return view! { <p class="card-body"><span class="skeleton wide"></span></p> }.into_any();
        }
        let table = |(table, columns): (String, Vec<(String, String)>)| {
            let is_facts = table == "ad_stats";
            let column = |(column, kind): (String, String)| {
                view! { <li>{name(column, "value")}<span class="quiet">{kind}</span></li> }
            };
            let columns = columns.into_iter().map(column).collect_view();
            view! {
                <details open=is_facts data-testid="schema-table" data-name=table.clone()>
                    <summary>{table.clone()}</summary>
                    <ul>{columns}</ul>
                </details>
            }
        };
        schema.tables.into_iter().map(table).collect_view().into_any()
    };
    view! {
        <aside class="card schema" data-testid="schema" aria-label=t(Phrase::Schema)>
            <div class="card-head"><h2>{t(Phrase::Schema)}</h2></div>
            <div class="schema-scroll" tabindex="0" role="region" aria-label=t(Phrase::Schema)>{tables}</div>
        </aside>
    }
}
