//! A part of a page that is there or not: all of them share their code, which the first visit downloads.

use std::sync::Arc;

use leptos::prelude::*;

/// Shows its children while `when` holds, else the fallback; what does not change is not made anew.
#[component(transparent)]
pub fn Show<W>(
    /// The content.
    children: ChildrenFn,
    /// Whether it is shown.
    when: W,
    /// What is there instead.
    #[prop(optional, into)]
    fallback: ViewFn,
) -> impl IntoView
where
    W: Fn() -> bool + Send + Sync + 'static,
{
    show(Arc::new(when), children, fallback)
}

/// Holds from the first time on that `is` does: what is there is not taken away while something else is asked for.
pub fn once(is: impl Fn() -> bool + Send + Sync + 'static) -> Memo<bool> {
    Memo::new(move |held: Option<&bool>| held == Some(&true) || is())
}

fn show(when: Arc<dyn Fn() -> bool + Send + Sync>, children: ChildrenFn, fallback: ViewFn) -> AnyView {
    let holds = Memo::new(move |_| when());
    let content = move || if holds.get() { children() } else { fallback.run() };
    content.into_any()
}
