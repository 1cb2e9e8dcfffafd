//! What a notebook is called, where it is kept, and where its statements run.

use adtally_wire::notebook::{Notebook, Notebooks};
use gloo_net::http::Method;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::bench_page::Desk;
use super::confirm::Confirmed;
use super::icon::{Glyph, Icon};
use super::notebook::Book;
use super::notice::failure_text;
use super::popover::Popover;
use crate::api::failure::Failure;
use crate::api::fetch::Fetch;
use crate::api::session::Session;
use crate::browser::{self, t};
use crate::model::cubes::bytes_text;
use crate::model::draft::Draft;
use crate::phrase::Phrase;
use crate::state::notebook::{MAX_ADDRESS, NotebookState};

/// The code of a change that somebody else was faster with.
const CHANGED: &str = "notebook_changed";

/// The bar above the cells.
#[component]
pub fn NotebookBar() -> impl IntoView {
    let book = Book::expect();
    let refused = RwSignal::new(None::<Failure>);
    let said = RwSignal::new(None::<Phrase>);
    let name = move || book.draft.read().name.clone();
    let kept = move || {
        let phrase = match (book.draft.read().kept.is_some(), book.is_changed.get()) {
            (true, false) => Phrase::SavedForAll,
            _ => Phrase::Unsaved,
        };
        phrase.text(browser::lang())
    };
    view! {
        <section class="card notebook-bar">
            <div class="card-head">
                <input
                    class="input notebook-name"
                    data-testid="notebook-name"
                    aria-label=t(Phrase::NotebookName)
                    placeholder=t(Phrase::Untitled)
                    maxlength="200"
                    prop:value=name
                    on:input=move |event| book.change(|draft| draft.name = event_target_value(&event))
                />
                <span class="quiet" role="status" data-testid="kept">{kept}</span>
                <div class="card-actions"><Keeping refused said/></div>
            </div>
            <div class="card-head">
                <WhereToRun/>
                <button type="button" class="button primary" data-testid="run-all" on:click=move |_| book.run_all()>
                    <Glyph icon=Icon::Play/>
                    {t(Phrase::RunAll)}
                </button>
            </div>
            {move || refused.get().map(|failure| {
                let lang = browser::lang();
                let text = match failure.code() == CHANGED {
                    true => Phrase::ChangedMeanwhile.text(lang).to_string(),
                    false => failure_text(&failure, lang),
                };
                view! { <p class="card-body field-error" role="alert" data-testid="refused">{text}</p> }
            })}
            {move || said.get().map(|phrase| view! { <p class="card-body" role="status" data-testid="said">{t(phrase)}</p> })}
        </section>
    }
}

/// Save, share, open another one.
#[component]
fn Keeping(refused: RwSignal<Option<Failure>>, said: RwSignal<Option<Phrase>>) -> impl IntoView {
    let (session, desk, book) = (Session::expect(), Desk::expect(), Book::expect());
    let go = move |id: Option<String>| {
        let state = NotebookState { id, is_here: book.is_here.get_untracked(), cells: Vec::new() };
        desk.go(&state.write());
    };
    let save = move |_| {
        said.set(None);
        let body = book.draft.read_untracked().body(Phrase::Untitled.text(browser::lang()));
        let (method, address) = match &book.draft.read_untracked().kept {
            Some(kept) => (Method::PUT, format!("/v1/notebooks/{}", kept.id)),
            None => (Method::POST, format!("/v1/notebooks?{}", desk.scope())),
        };
        spawn_local(async move {
            match session.client.send::<Notebook>(method, &address, &body).await {
                Ok(notebook) => {
                    let id = notebook.info.id.clone();
                    book.draft.update(|draft| {
                        draft.name = notebook.info.name.clone();
                        draft.kept = Some(notebook.info);
                    });
                    book.is_changed.set(false);
                    refused.set(None);
                    go(Some(id));
                }
                Err(failure) => {
                    session.notice(&failure);
                    refused.set(Some(failure));
                }
            }
        });
    };
    let share = move |_| {
        let is_kept = book.draft.read_untracked().kept.is_some() && !book.is_changed.get_untracked();
        let cells = if is_kept { Vec::new() } else { book.draft.read_untracked().plain() };
        let id = book.draft.read_untracked().kept.as_ref().filter(|_| is_kept).map(|kept| kept.id.clone());
        let own = NotebookState { id, cells, is_here: book.is_here.get_untracked() }.write();
        let href = desk.told.read_untracked().href("/sql", &own);
        let address = window().location().origin().unwrap_or_default() + &href;
        spawn_local(async move {
            let phrase = match address.len() > MAX_ADDRESS {
                true => Some(Phrase::CopyLinkTooLong),
                false => browser::copy(&address).await.then_some(Phrase::Copied),
            };
            said.try_set(phrase);
        });
    };
    let fresh = move |_| {
        book.turn_to(Draft::fresh());
        go(None);
    };
    view! {
        <button type="button" class="button" data-testid="save" on:click=save>{t(Phrase::SaveForAll)}</button>
        <button type="button" class="button" data-testid="share" on:click=share>{t(Phrase::CopyLink)}</button>
        <Others refused go=Callback::new(go)/>
        <button type="button" class="button" data-testid="new-notebook" on:click=fresh>{t(Phrase::NewNotebook)}</button>
    }
}

/// The notebooks of the scope.
#[component]
fn Others(refused: RwSignal<Option<Failure>>, go: Callback<Option<String>>) -> impl IntoView {
    let (session, desk, book) = (Session::expect(), Desk::expect(), Book::expect());
    let open = RwSignal::new(false);
    let list =
        Fetch::<Notebooks>::new(move || open.get().then(|| format!("/v1/notebooks?{}", desk.scope())), || {});
    let text = Signal::derive(move || t(Phrase::Notebooks)().to_string());
    let line = move |id: String, name: String| {
        let href = desk
            .told
            .read()
            .href("/sql", &NotebookState { id: Some(id), ..NotebookState::default() }.write());
        view! {
            <a class="option" data-testid="notebook" href=href on:click=move |_| open.set(false)>{name}</a>
        }
    };
    let lines = move || {
        let shown = list.shown.get()?;
        Some(match shown.notebooks.is_empty() {
            true => view! { <p class="panel-empty">{t(Phrase::NoNotebooks)}</p> }.into_any(),
            false => shown.notebooks.into_iter().map(|one| line(one.id, one.name)).collect_view().into_any(),
        })
    };
    let is_kept = Memo::new(move |_| book.draft.read().kept.is_some());
    let delete = Callback::new(move |()| {
        let Some(kept) = book.draft.read_untracked().kept.clone() else { return };
        spawn_local(async move {
            match session.client.delete(&format!("/v1/notebooks/{}", kept.id)).await {
                Ok(()) => {
                    open.set(false);
                    book.turn_to(Draft::fresh());
                    go.run(None);
                }
                Err(failure) => refused.set(Some(failure)),
            }
        });
    });
    view! {
        <Popover open icon=Icon::List test_id="notebooks" label=text text class="button">
            <div class="panel-scroll options">
                {lines}
                <Show when=move || is_kept.get()>
                    <Confirmed
                        phrase=Phrase::DeleteNotebook
                        label=Phrase::DeleteNotebook.text(browser::lang()).to_string()
                        sure=Phrase::DeleteSure
                        test_id="delete-notebook"
                        class="option field-error"
                        deed=delete
                    />
                </Show>
            </div>
        </Popover>
    }
}

/// On the server or here, and how much of the data is here.
#[component]
fn WhereToRun() -> impl IntoView {
    let (desk, book) = (Desk::expect(), Book::expect());
    let choose = move |is_here: bool| {
        let now = NotebookState::read(&desk.told.read_untracked().query);
        desk.go(&NotebookState { is_here, ..now }.write());
    };
    let choice = move |is_here: bool, phrase: Phrase, test_id: &'static str| {
        let pressed = move || if book.is_here.get() == is_here { "true" } else { "false" };
        view! {
            <button type="button" data-testid=test_id aria-pressed=pressed on:click=move |_| choose(is_here)>{t(phrase)}</button>
        }
    };
    let held = move || {
        let (lang, held) = (browser::lang(), book.here.held.get());
        match held.cells {
            0 => Phrase::HeldNothing.text(lang).to_string(),
            cells => {
                Phrase::HeldHere.with(lang, &[&super::cubes::whole(lang, cells), &bytes_text(held.bytes)])
            }
        }
    };
    view! {
        <div class="card-actions">
            <div class="segments" role="group" aria-label=t(Phrase::WhereToRun)>
                {choice(false, Phrase::RunOnServer, "run-on-server")}
                {choice(true, Phrase::RunHere, "run-here")}
            </div>
            <Show when=move || book.is_here.get()>
                <span class="quiet" data-testid="held" data-cells=move || book.here.held.get().cells.to_string()>{held}</span>
                <button type="button" class="button quiet" data-testid="forget" on:click=move |_| book.here.forget()>{t(Phrase::DownloadAgain)}</button>
            </Show>
        </div>
    }
}
