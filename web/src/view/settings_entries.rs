//! Ads, services and placements: what they are called.

use adtally_wire::api::CatalogEntry;
use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Deserialize;

use super::settings::{Field, Listed, Outcome, Said, saved};
use crate::api::fetch::Fetch;
use crate::api::session::Session;
use crate::browser::t;
use crate::model::entries::{Entries, address, entry, list_address};
use crate::phrase::Phrase;

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct List {
    #[serde(alias = "ads", alias = "services", alias = "placements")]
    entries: Vec<CatalogEntry>,
}

fn phrases(kind: &Entries) -> (Phrase, Phrase) {
    match kind {
        Entries::Ads(_) => (Phrase::Ads, Phrase::Ad),
        Entries::Services => (Phrase::Services, Phrase::Service),
        Entries::Placements(_) => (Phrase::Placements, Phrase::Placement),
    }
}

/// A list of entries, and a form that makes or renames one.
#[component]
pub fn EntriesCard(
    /// Which, and whose.
    kind: Entries,
    /// Whether the reader is an admin.
    may_change: Memo<bool>,
) -> impl IntoView {
    let (heading, name_of) = phrases(&kind);
    let listed = list_address(&kind);
    let list = Fetch::<List>::new(move || Some(listed.clone()), || {});
    let form = Form {
        key: RwSignal::new(String::new()),
        name: RwSignal::new(String::new()),
        outcome: RwSignal::new(Outcome::Open),
    };
    let Form { key, name, outcome } = form;
    let session = Session::expect();
    let has_below = kind == Entries::Services;
    let test_id = kind.plural();
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let before = list.shown.get_untracked().map(|list| list.entries).unwrap_or_default();
        let before = before.into_iter().find(|entry| entry.key == *key.read_untracked());
        let body = entry(&kind, &key.read_untracked(), &name.read_untracked(), before);
        let address = address(&kind, &body.key);
        spawn_local(async move {
            let result = session.client.send::<CatalogEntry>(Method::PUT, &address, &body).await;
            outcome.set(saved(result));
            list.retry();
        });
    };
    view! {
        <section class="card" data-testid=test_id>
            <div class="card-head"><h2>{t(heading)}</h2></div>
            <Table list form heading name_of has_below/>
            <form class="card-body" on:submit=submit>
                <div class="form">
                    <Field phrase=Phrase::Key test_id="entry-key" value=key/>
                    <Field phrase=Phrase::Name test_id="entry-name" value=name/>
                    <button type="submit" class="button primary" data-testid="save-entry" disabled=move || !may_change.get()>{t(Phrase::Save)}</button>
                </div>
                <Said outcome/>
            </form>
        </section>
    }
}

/// What the form says.
#[derive(Clone, Copy)]
struct Form {
    key: RwSignal<String>,
    name: RwSignal<String>,
    outcome: RwSignal<Outcome>,
}

#[component]
fn Table(list: Fetch<List>, form: Form, heading: Phrase, name_of: Phrase, has_below: bool) -> impl IntoView {
    let row = move |entry: CatalogEntry| {
        let below = has_below.then(|| {
            let mut params = crate::state::params::Params::default();
            params.push("scope", format!("service:{}", entry.key));
            view! { <td><a class="link" href=params.after("/settings")>{t(Phrase::Placements)}</a></td> }
        });
        let (shown, test_key, called) = (entry.key.clone(), entry.key.clone(), entry.name.clone());
        let edit = move |_| {
            form.key.set(entry.key.clone());
            form.name.set(entry.name.clone());
            form.outcome.set(Outcome::Open);
        };
        view! {
            <tr data-testid="entry" data-key=test_key>
                <td><button type="button" class="value link" on:click=edit>{shown}</button></td>
                <td>{called}</td>
                {below}
            </tr>
        }
    };
    let rows = move || list.shown.get().map(|list| list.entries.into_iter().map(row).collect_view());
    view! {
        <Listed list on_retry=Callback::new(move |()| list.retry()) is_empty=|list: &List| list.entries.is_empty()>
            <div class="table-scroll" tabindex="0" role="region" aria-label=t(heading)>
                <table class="report-table">
                    <thead><tr>
                        <th scope="col"><span class="head-text">{t(name_of)}</span></th>
                        <th scope="col"><span class="head-text">{t(Phrase::Name)}</span></th>
                        {has_below.then(|| view! { <th scope="col"><span class="visually-hidden">{t(Phrase::Actions)}</span></th> })}
                    </tr></thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </Listed>
    }
}
