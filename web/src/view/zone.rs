//! Times in the zone of the page, and which zone that is.

use adtally_core::time::parse_rfc3339;
use leptos::prelude::*;

use super::place::CurrentPlace;
use crate::browser;
use crate::format::{self, Moment};
use crate::phrase::Phrase;

/// The zone of the times on a page.
pub fn zone() -> String {
    CurrentPlace::expect().setting.get().map(|setting| setting.tz).unwrap_or_else(|| "UTC".to_string())
}

/// A time that the API told, in the zone of the page.
pub fn at(text: &str) -> String {
    let at = parse_rfc3339(text).map(|at| format::moment(browser::lang(), Moment::Exact, at, &zone()));
    at.unwrap_or_else(|| text.to_string())
}

/// Says in which zone the times are.
#[component]
pub fn ZoneNote() -> impl IntoView {
    let text = move || Phrase::TimesIn.with(browser::lang(), &[&zone()]);
    view! { <span class="quiet zone-note" data-testid="zone-note">{text}</span> }
}
