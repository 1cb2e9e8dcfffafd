//! Signing in.

use leptos::ev::SubmitEvent;
use leptos::html::Input;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::icon::{Glyph, Icon, Mark};
use super::notice::FailureNotice;
use super::sidebar::Choices;
use crate::api::failure::Failure;
use crate::api::session::{Session, SignedOut};
use crate::browser::{self, t};
use crate::phrase::Phrase;

/// What is wrong with a try.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    Empty,
    Failed(Failure),
}

/// The form that exchanges a token for a session.
///
/// The token lives in the field only, which browsers are told not to remember, and is cleared when it has been sent.
#[component]
pub fn SignIn(
    /// Why nobody is signed in.
    why: SignedOut,
) -> impl IntoView {
    let session = Session::expect();
    let field = NodeRef::<Input>::new();
    let busy = RwSignal::new(false);
    let trouble = RwSignal::new(None::<Trouble>);
    let focus = move || {
        if let Some(field) = field.get_untracked() {
            // Focus can only fail on an element that is not in the page.
            let _ = field.focus();
        }
    };
    Effect::new(move |_| {
        if field.get().is_some() {
            focus();
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(input) = field.get_untracked() else { return };
        let token = input.value().trim().to_string();
        if token.is_empty() {
            trouble.set(Some(Trouble::Empty));
            return focus();
        }
        busy.set(true);
        spawn_local(async move {
            let result = session.sign_in(token).await;
            // After success the form is gone, and its signals with it.
            if let Err(failure) = result {
                busy.set(false);
                trouble.set(Some(Trouble::Failed(failure)));
                input.set_value("");
                focus();
            }
        });
    };
    view! {
        <main class="sign-in">
            <form class="sign-in-card" data-testid="sign-in" novalidate on:submit=submit>
                <div class="brand"><Mark/><span>{t(Phrase::AppName)}</span></div>
                <p class="tagline">{t(Phrase::Tagline)}</p>
                {(why == SignedOut::Ended).then(|| view! {
                    <p class="strip" role="status">{t(Phrase::SessionEnded)}</p>
                })}
                <label for="token">{t(Phrase::AccessToken)}</label>
                <TokenField field trouble/>
                <p class="hint" id="token-hint">{t(Phrase::AccessTokenHint)}</p>
                <TroubleText trouble/>
                <button type="submit" class="button primary" data-testid="sign-in-submit" disabled=busy>
                    {move || if busy.get() { Phrase::SigningIn } else { Phrase::SignIn }.text(browser::lang())}
                </button>
            </form>
            <Choices/>
        </main>
    }
}

/// Where the token is typed or pasted; it is hidden unless somebody asks to see it.
#[component]
fn TokenField(field: NodeRef<Input>, trouble: RwSignal<Option<Trouble>>) -> impl IntoView {
    let shown = RwSignal::new(false);
    let reveal = move || if shown.get() { Phrase::HideToken } else { Phrase::ShowToken };
    view! {
        <div class="field">
            <input
                id="token"
                data-testid="token"
                node_ref=field
                type=move || if shown.get() { "text" } else { "password" }
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                aria-describedby="token-hint token-error"
                aria-invalid=move || if trouble.read().is_some() { "true" } else { "false" }
            />
            <button
                type="button"
                class="link"
                aria-pressed=move || if shown.get() { "true" } else { "false" }
                on:click=move |_| shown.update(|shown| *shown = !*shown)
            >
                {move || reveal().text(browser::lang())}
            </button>
        </div>
    }
}

#[component]
fn TroubleText(trouble: RwSignal<Option<Trouble>>) -> impl IntoView {
    let text = move |trouble: &Trouble| {
        let lang = browser::lang();
        match trouble {
            Trouble::Empty => Phrase::AccessTokenMissing.text(lang).to_string(),
            Trouble::Failed(failure) if failure.is_signed_out() => {
                Phrase::AccessTokenWrong.text(lang).to_string()
            }
            Trouble::Failed(failure) => super::notice::failure_text(failure, lang),
        }
    };
    let code = |trouble: &Trouble| match trouble {
        Trouble::Empty => "empty".to_string(),
        Trouble::Failed(failure) => failure.code(),
    };
    view! {
        <div id="token-error" aria-live="assertive">
            {move || trouble.read().as_ref().map(|trouble| view! {
                <p class="field-error" role="alert" data-testid="sign-in-error" data-code=code(trouble)>
                    <Glyph icon=Icon::Alert/>
                    {text(trouble)}
                </p>
            })}
        </div>
    }
}

/// It could not be found out who is signed in.
#[component]
pub fn Unknown(
    /// Why not.
    failure: Failure,
) -> impl IntoView {
    let session = Session::expect();
    view! {
        <main class="sign-in">
            <FailureNotice failure on_retry=Callback::new(move |()| session.check())/>
            <Choices/>
        </main>
    }
}

#[cfg(test)]
mod tests {
    use gloo::timers::future::TimeoutFuture;
    use wasm_bindgen::JsCast;
    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::HtmlElement;

    use super::*;
    use crate::browser::Preferences;
    use crate::lang::Lang;

    fn find(root: &HtmlElement, test_id: &str) -> Option<HtmlElement> {
        root.query_selector(&format!("[data-testid={test_id}]")).unwrap().map(JsCast::unchecked_into)
    }

    #[wasm_bindgen_test]
    async fn an_empty_token_is_refused_in_the_readers_language() {
        let root: HtmlElement = document().create_element("div").unwrap().unchecked_into();
        document().body().unwrap().append_child(&root).unwrap();
        let preferences = StoredValue::new(None::<Preferences>);
        let handle = leptos::mount::mount_to(root.clone(), move || {
            let made = Preferences::new();
            preferences.set_value(Some(made));
            provide_context(made);
            provide_context(Session::new());
            view! { <SignIn why=SignedOut::Ended/> }
        });
        let preferences = preferences.get_value().unwrap();
        preferences.lang.set(Lang::En);
        assert!(find(&root, "sign-in-error").is_none());
        find(&root, "sign-in-submit").unwrap().click();
        TimeoutFuture::new(20).await;
        let error = find(&root, "sign-in-error").unwrap();
        assert_eq!(error.get_attribute("data-code").as_deref(), Some("empty"));
        assert_eq!(error.text_content().as_deref(), Some(Phrase::AccessTokenMissing.text(Lang::En)));
        preferences.lang.set(Lang::Ko);
        TimeoutFuture::new(20).await;
        let error = find(&root, "sign-in-error").unwrap();
        assert_eq!(error.text_content().as_deref(), Some(Phrase::AccessTokenMissing.text(Lang::Ko)));
        drop(handle);
        root.remove();
    }
}
