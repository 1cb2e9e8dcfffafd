//! Where a statement is written: coloured, completed, with the place of an error marked.
//!
//! The text is that of a plain field, which the keyboard, screen readers and phones know; the same text in colours lies
//! below it.

use leptos::ev::KeyboardEvent;
use leptos::html::Textarea;
use leptos::prelude::*;

use super::notebook::Book;
use crate::browser::t;
use crate::model::completion::{
    MIN_LETTERS, Suggestion, byte_of, completed, line_and_letter, suggestions, units_of, word_before,
};
use crate::model::statement::{Spot, marked, marked_pieces};
use crate::phrase::Phrase;

/// What is offered, and which of it is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Offer {
    list: Vec<Suggestion>,
    chosen: usize,
    line: usize,
    letter: usize,
}

/// The field of a statement.
#[component]
pub fn SqlEditor(
    /// Of its cell.
    number: u32,
    /// What is in it.
    text: Signal<String>,
    /// Where something is wrong.
    spot: Signal<Option<Spot>>,
    /// What it is, and its keys.
    label: Signal<String>,
    /// Something else is in it now.
    change: Callback<String>,
    /// Runs it, or explains it.
    run: Callback<bool>,
) -> impl IntoView {
    let book = Book::expect();
    let field = NodeRef::<Textarea>::new();
    let offer = RwSignal::new(Offer::default());
    let editing = Editing { book, field, offer, change, run };
    let list_id = format!("offers-{number}");
    let under = move || {
        let text = text.get();
        let mark = spot.get().map(|spot| marked(&text, spot));
        let piece = |(tint, piece, is_marked): (crate::model::statement::Tint, &str, bool)| match is_marked {
            true => view! { <mark class=tint.class() data-testid="sql-mark">{piece.to_string()}</mark> }
                .into_any(),
            false => view! { <span class=tint.class()>{piece.to_string()}</span> }.into_any(),
        };
        marked_pieces(&text, mark).into_iter().map(piece).collect_view()
    };
    let active = {
        let list_id = list_id.clone();
        move || {
            let offer = offer.read();
            (!offer.list.is_empty()).then(|| format!("{list_id}-{}", offer.chosen))
        }
    };
    view! {
        <div class="sql-editor grown">
            <pre class="grown-mirror" aria-hidden="true">{under}"\n"</pre>
            <textarea
                node_ref=field
                data-testid="sql-text"
                aria-label=label
                aria-autocomplete="list"
                aria-controls=list_id.clone()
                aria-activedescendant=active
                aria-invalid=move || if spot.read().is_some() { "true" } else { "false" }
                spellcheck="false"
                autocapitalize="off"
                autocomplete="off"
                prop:value=text
                on:input=move |event| {
                    change.run(event_target_value(&event));
                    editing.look(false);
                }
                on:keydown=move |event| editing.on_key(&event)
                on:focus=move |_| book.focused.set(Some(number))
                on:click=move |_| offer.set(Offer::default())
                on:blur=move |_| offer.set(Offer::default())
            ></textarea>
            <Offers offer list_id accept=Callback::new(move |place| editing.accept(place))/>
        </div>
    }
}

/// The field while somebody writes.
#[derive(Clone, Copy)]
struct Editing {
    book: Book,
    field: NodeRef<Textarea>,
    offer: RwSignal<Offer>,
    change: Callback<String>,
    run: Callback<bool>,
}

impl Editing {
    /// Takes up what is offered.
    fn accept(self, place: usize) {
        let Some(element) = self.field.get_untracked() else { return };
        let word = self.offer.with_untracked(|offer| offer.list.get(place).map(|one| one.text.clone()));
        let Some(word) = word else { return };
        let now = element.value();
        let (after, caret) = completed(&now, caret_of(&element, &now), &word);
        element.set_value(&after);
        set_caret(&element, units_of(&after, caret));
        self.offer.set(Offer::default());
        self.change.run(after);
    }

    /// Offers what may follow.
    fn look(self, asked: bool) {
        if let Some(element) = self.field.get_untracked() {
            self.offer.set(offered(self.book, &element, asked));
        }
    }

    fn on_key(self, event: &KeyboardEvent) {
        let control = event.ctrl_key() || event.meta_key();
        let (length, chosen) = self.offer.with_untracked(|offer| (offer.list.len(), offer.chosen));
        let choose = |chosen: usize| self.offer.update(|offer| offer.chosen = chosen % length);
        match (event.key().as_str(), control, length) {
            ("Enter", true, _) => self.run.run(event.shift_key()),
            (" ", true, _) => self.look(true),
            ("ArrowDown", _, 1..) => choose(chosen + 1),
            ("ArrowUp", _, 1..) => choose(chosen + length - 1),
            ("Enter" | "Tab", false, 1..) => self.accept(chosen),
            ("Escape", _, 1..) => self.offer.set(Offer::default()),
            _ => return,
        }
        event.prevent_default();
    }
}

/// What may follow.
#[component]
fn Offers(offer: RwSignal<Offer>, list_id: String, accept: Callback<usize>) -> impl IntoView {
    let left = move || format!("calc(var(--s4) + {}ch)", offer.read().letter);
    let top = move || format!("calc(var(--s3) + {} * var(--code-line))", offer.read().line + 1);
    let ids = list_id.clone();
    let lines = move || {
        let Offer { list, chosen, .. } = offer.get();
        let line = |(place, one): (usize, Suggestion)| {
            let selected = if place == chosen { "true" } else { "false" };
            view! {
                <li
                    id=format!("{ids}-{place}")
                    role="option"
                    aria-selected=selected
                    data-testid="offer"
                    // The field keeps the keyboard.
                    on:mousedown=move |event| {
                        event.prevent_default();
                        accept.run(place);
                    }
                >
                    <span>{one.text}</span>
                    <span class="quiet">{one.note}</span>
                </li>
            }
        };
        list.into_iter().enumerate().map(line).collect_view()
    };
    view! {
        <ul
            class="offers"
            id=list_id
            role="listbox"
            aria-label=t(Phrase::Completions)
            hidden=move || offer.read().list.is_empty()
            style:left=left
            style:top=top
        >
            {lines}
        </ul>
    }
}

fn offered(book: Book, element: &web_sys::HtmlTextAreaElement, asked: bool) -> Offer {
    let text = element.value();
    let at = caret_of(element, &text);
    let word = word_before(&text, at);
    if !asked && word.chars().count() < MIN_LETTERS {
        return Offer::default();
    }
    let (line, letter) = line_and_letter(&text, at - word.len());
    Offer { list: suggestions(&text, at, &book.schema.read_untracked()), chosen: 0, line, letter }
}

fn caret_of(element: &web_sys::HtmlTextAreaElement, text: &str) -> usize {
    let units = element.selection_end().ok().flatten().unwrap_or_default();
    byte_of(text, units as usize)
}

fn set_caret(element: &web_sys::HtmlTextAreaElement, units: usize) {
    let units = u32::try_from(units).unwrap_or_default();
    // A field of text has a caret.
    let _ = element.set_selection_range(units, units);
}

/// Puts a name where the keyboard is, or at the end of the last statement.
pub fn insert(book: Book, name: &str) {
    let last = book.draft.read_untracked().cells.iter().rev().map(|(number, _)| *number).next();
    let Some(number) = book.focused.get_untracked().or(last) else { return };
    let selector = format!("textarea[aria-controls=\"offers-{number}\"]");
    use wasm_bindgen::JsCast as _;
    let found = document().query_selector(&selector).ok().flatten();
    let Some(element) = found.and_then(|found| found.dyn_into::<web_sys::HtmlTextAreaElement>().ok()) else {
        return;
    };
    let text = element.value();
    let at = caret_of(&element, &text);
    let after = format!("{}{name}{}", &text[..at], &text[at..]);
    element.set_value(&after);
    set_caret(&element, units_of(&after, at + name.len()));
    // Focus can only fail on an element that is not in the page.
    let _ = element.focus();
    book.change(|draft| draft.change(number, |cell| cell.text = after));
}
