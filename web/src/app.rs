//! The root: contexts, and whether somebody is signed in.

use leptos::prelude::*;

use crate::api::session::{Session, SignedOut, Who};
use crate::browser::{self, Preferences, t};
use crate::phrase::Phrase;
use crate::view::icon::Mark;
use crate::view::shell::Shell;
use crate::view::show::Show;
use crate::view::sign_in::{SignIn, Unknown};

/// The dashboard.
///
/// Whoever is not signed in gets the form in place of any page: the address stays, and with it what was asked for.
#[component]
pub fn App() -> impl IntoView {
    provide_context(Preferences::new());
    let session = Session::new();
    provide_context(session);
    session.check();
    // What a page of the other module is told, it tells here.
    browser::hear(browser::SESSION_ENDED, move || session.leave(SignedOut::Ended));
    browser::hear(browser::CATALOG_CHANGED, move || session.load_catalog());
    let somebody = Memo::new(move |_| matches!(session.who.get(), Who::Somebody(..)));
    view! {
        <Show when=move || somebody.get() fallback=move || outside(session)>
            <Shell/>
        </Show>
    }
}

fn outside(session: Session) -> impl IntoView {
    move || match session.who.get() {
        Who::Nobody(why) => view! { <SignIn why/> }.into_any(),
        Who::Unknown(failure) => view! { <Unknown failure/> }.into_any(),
        Who::Checking | Who::Somebody(..) => view! {
            <main class="splash" aria-busy="true">
                <Mark/>
                <p class="visually-hidden" role="status">{t(Phrase::CheckingSession)}</p>
            </main>
        }
        .into_any(),
    }
}
