//! The chart of the overview.

use std::sync::Arc;

use adtally_core::report::Metric;
use leptos::prelude::*;

use super::place::CurrentPlace;
use crate::calendar::{Offsets as _, Span, next_day};
use crate::chart::line_chart::LineChart;
use crate::intl::Zone;
use crate::model::series::Series;
use crate::state::frame::Frame;
use crate::state::range::Range;

/// The chosen figure over time; opening a bucket shows its days.
#[component]
pub fn Trend(
    /// Figures over time.
    series: Memo<Option<Arc<Series>>>,
    /// Which of them.
    metric: Memo<Metric>,
    /// Of money.
    #[prop(into)]
    currency: Signal<Option<String>>,
) -> impl IntoView {
    let place = CurrentPlace::expect();
    let on_open = Callback::new(move |index: usize| {
        let span = series.with_untracked(|series| days_of(series.as_deref()?, index));
        if let Some(span) = span {
            place.change_frame(|frame| Frame { range: Range::Days(span), ..frame });
        }
    });
    let ready = Memo::new(move |_| series.read().is_some());
    let drawn = Signal::derive(move || series.get().unwrap_or_else(|| Arc::new(Series::empty())));
    view! {
        <Show
            when=move || ready.get()
            fallback=|| view! { <div class="chart-skeleton" data-testid="state-loading"></div> }
        >
            <LineChart series=drawn metric currency on_open/>
        </Show>
    }
}

/// The days of a bucket: of an hour, its day.
fn days_of(series: &Series, index: usize) -> Option<Span> {
    let from = Zone::or_utc(&series.tz)?.local(*series.starts.get(index)?).date();
    Some(Span { from, to: next_day(series.unit, from)? })
}
