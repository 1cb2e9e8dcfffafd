//! A figure over time, with axes, a readout for pointer and keyboard, and a description for screen readers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use adtally_core::report::Metric;
use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::html::Div;
use leptos::prelude::*;

use super::path;
use super::plot::{Plot, Room};
use super::scale::Step;
use super::time_axis::{TimeTick, time_ticks};
use super::width::follow_width;
use crate::browser;
use crate::calendar::Offsets as _;
use crate::format::{self, Moment, Width};
use crate::intl::Zone;
use crate::lang::Lang;
use crate::metric::{self, Unit};
use crate::model::series::Series;
use crate::phrase::Phrase;
use crate::state::overview::bucket_phrase;

/// Counts the charts of a page, for the ids of their elements.
static NEXT: AtomicU32 = AtomicU32::new(0);

const HEIGHT: f64 = 280.0;
const NARROW_HEIGHT: f64 = 220.0;
/// Below this width the page is a phone.
const NARROW: f64 = 560.0;

/// What is drawn, as the parts of the chart share it.
#[derive(Clone, Copy)]
struct Drawn {
    /// What is drawn of several that are alike; empty where it is the only one.
    which: StoredValue<String>,
    /// Tells its elements from those of other charts.
    id: StoredValue<String>,
    series: Signal<Arc<Series>>,
    metric: Signal<Metric>,
    currency: Signal<Option<String>>,
    plot: Memo<Plot>,
    at: RwSignal<Option<usize>>,
    /// The last touch was a finger's: it reads the point out, and must not open it at once.
    finger: StoredValue<bool>,
}

impl Drawn {
    fn new(
        (series, metric, currency): (Signal<Arc<Series>>, Signal<Metric>, Signal<Option<String>>),
        (which, highest): (String, Signal<f64>),
        room: impl Fn() -> Room + Send + Sync + 'static,
    ) -> Drawn {
        let plot = Memo::new(move |_| {
            let step = if metric::unit(metric.get()) == Unit::Count { Step::Whole } else { Step::Any };
            // Money is in micros: whole micros are fine steps.
            Plot::up_to(series.read().values(metric.get()), highest.get(), room(), step)
        });
        let id = StoredValue::new(format!("chart-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        let (which, at, finger) = (StoredValue::new(which), RwSignal::new(None), StoredValue::new(false));
        Drawn { which, id, series, metric, currency, plot, at, finger }
    }

    fn figure(&self, lang: Lang, index: usize, width: Width) -> String {
        let series = self.series.read();
        let value = series.values(self.metric.get()).get(index).copied().flatten();
        format::figure(lang, self.metric.get(), value, self.currency.read().as_deref(), width)
    }

    fn time(&self, lang: Lang, index: usize) -> String {
        let series = self.series.read();
        let start = series.starts.get(index).copied().unwrap_or_default();
        format::moment(lang, Moment::Bucket(series.unit), start, &series.tz)
    }

    /// The point under the pointer or the keyboard, in words.
    fn readout(&self, lang: Lang) -> Option<String> {
        let index = self.at.get().filter(|index| *index < self.series.read().begun)?;
        let open = index >= self.series.read().open_from;
        let note = if open { format!(" ({})", Phrase::InProgress.text(lang)) } else { String::new() };
        Some(format!("{}: {}{note}", self.time(lang, index), self.figure(lang, index, Width::Full)))
    }

    /// What is drawn.
    fn name(&self, lang: Lang) -> String {
        let by = bucket_phrase(self.series.read().unit).text(lang);
        let name = Phrase::ChartOf.with(lang, &[metric::phrase(self.metric.get()).text(lang), by]);
        let which = self.which.get_value();
        if which.is_empty() { name } else { format!("{name} · {which}") }
    }

    /// The whole chart, in words.
    fn summary(&self, lang: Lang) -> String {
        let name = metric::phrase(self.metric.get()).text(lang);
        let Some((high, low)) = self.series.read().extremes(self.metric.get()) else {
            return Phrase::ChartNoValues.with(lang, &[name]);
        };
        let last = self.series.read().begun.saturating_sub(1);
        let figure = |index| self.figure(lang, index, Width::Full);
        let time = |index| self.time(lang, index);
        Phrase::ChartSummary
            .with(lang, &[name, &time(0), &time(last), &figure(high), &time(high), &figure(low), &time(low)])
    }
}

/// A line chart of `metric` over the buckets of `series`; opening a bucket calls `on_open` with its index.
#[component]
pub fn LineChart(
    /// Figures over time.
    #[prop(into)]
    series: Signal<Arc<Series>>,
    /// Which of them.
    #[prop(into)]
    metric: Signal<Metric>,
    /// Of money.
    #[prop(into)]
    currency: Signal<Option<String>>,
    /// A bucket was clicked, or entered with the keyboard.
    on_open: Callback<usize>,
    /// What it draws of several that are alike.
    #[prop(optional)]
    which: String,
    /// The highest figure of those that are alike, so that they have one scale.
    #[prop(optional, into)]
    highest: Signal<f64>,
) -> impl IntoView {
    let container = NodeRef::<Div>::new();
    let width = follow_width(container);
    let room = move || {
        let width = width.get();
        Room { width, height: if width < NARROW { NARROW_HEIGHT } else { HEIGHT } }
    };
    let drawn = Drawn::new((series, metric, currency), (which, highest), room);
    let part = move |name: &str| format!("{}-{name}", drawn.id.get_value());
    let lang = expect_context::<browser::Preferences>().lang;
    view! {
        <div
            class="chart"
            node_ref=container
            data-testid="chart"
            role="group"
            tabindex="0"
            aria-label=move || format!("{}. {}", drawn.name(lang.get()), Phrase::ChartKeys.text(lang.get()))
            on:keydown=move |event| on_key(&event, drawn, on_open)
            on:pointermove=move |event| drawn.at.set(pointed(&event, drawn, container))
            on:pointerdown=move |event| {
                drawn.finger.set_value(event.pointer_type() == "touch");
                drawn.at.set(pointed(&event, drawn, container));
            }
            on:pointerleave=move |_| drawn.at.set(None)
            on:blur=move |_| drawn.at.set(None)
            on:click=move |_| {
                if !drawn.finger.get_value() {
                    open(drawn, on_open);
                }
            }
        >
            <svg
                role="img"
                aria-labelledby=format!("{} {}", part("title"), part("desc"))
                width=move || room().width
                height=move || room().height
            >
                <title id=part("title")>{move || drawn.name(lang.get())}</title>
                <desc id=part("desc")>{move || drawn.summary(lang.get())}</desc>
                <Axes drawn/>
                <Lines drawn/>
                <Cursor drawn/>
            </svg>
            <Tip drawn/>
            <p class="visually-hidden" role="status" data-testid="chart-readout">
                {move || drawn.readout(lang.get())}
            </p>
        </div>
    }
}

/// Marks of values and of times.
#[component]
fn Axes(drawn: Drawn) -> impl IntoView {
    let values = move || {
        let (plot, lang, metric) = (drawn.plot.read(), browser::lang(), drawn.metric.get());
        let currency = drawn.currency.get();
        let mark = |(value, y): &(f64, f64)| {
            let label = format::figure(lang, metric, Some(*value), currency.as_deref(), Width::Compact);
            view! {
                <line class="grid" x1=plot.left x2=plot.right y1=*y y2=*y/>
                <text class="axis" x=plot.left - 10.0 y=*y dy="0.32em" text-anchor="end">{label}</text>
            }
        };
        plot.marks.iter().map(mark).collect_view()
    };
    let times = move || {
        let (plot, series, lang) = (drawn.plot.read(), drawn.series.read(), browser::lang());
        let mark = |tick: TimeTick| {
            let x = plot.x(tick.index);
            let label = format::moment(lang, Moment::Tick(tick.named), series.starts[tick.index], &series.tz);
            let anchor = match tick.index {
                index if index + 1 == series.starts.len() => "end",
                _ => "middle",
            };
            view! {
                <line class="tick" x1=x x2=x y1=plot.floor y2=plot.floor + 4.0/>
                <text class="axis" x=x y=plot.floor + 20.0 text-anchor=anchor>{label}</text>
            }
        };
        ticks(&series, plot.time_room()).into_iter().map(mark).collect_view()
    };
    view! { <g aria-hidden="true">{values}{times}</g> }
}

fn ticks(series: &Series, room: usize) -> Vec<TimeTick> {
    let Some(zone) = Zone::or_utc(&series.tz) else { return Vec::new() };
    let starts: Vec<_> = series.starts.iter().map(|start| zone.local(*start)).collect();
    time_ticks(&starts, series.unit, room)
}

/// The line, solid where buckets have ended and dashed where they still grow.
#[component]
fn Lines(drawn: Drawn) -> impl IntoView {
    let part = move |open: bool| {
        let (plot, from) = (drawn.plot.read(), drawn.series.read().open_from);
        // The dashed part begins at the last point of the solid one.
        let shown = |index: usize| if open { index + 1 >= from } else { index < from };
        let points = plot.points.iter().enumerate();
        points.map(|(index, point)| point.filter(|_| shown(index))).collect::<Vec<_>>()
    };
    let dots = move || {
        let lone = path::lone(&drawn.plot.read().points);
        lone.into_iter().map(|(x, y)| view! { <circle class="dot" cx=x cy=y r="3"/> }).collect_view()
    };
    let area = move |points: &[Option<path::Point>]| path::area(points, drawn.plot.read().floor);
    let published = move || {
        let published = drawn.series.read().published(drawn.metric.get());
        let plot = drawn.plot.read();
        area(&published.map_or_else(|| plot.points.clone(), |values| plot.place(&values)))
    };
    let pending = move || area(&drawn.plot.read().place(&drawn.series.read().pending(drawn.metric.get())));
    view! {
        <g aria-hidden="true">
            <defs>
                <pattern id="pending" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
                    <rect class="pending-stripe" width="2" height="6"/>
                </pattern>
            </defs>
            <path class="area-pending" data-testid="chart-pending" d=pending/>
            <path class="area-ground" d=published/>
            <path class="area" data-testid="chart-published" d=published/>
            <path class="line" data-testid="chart-line" d=move || path::line(&part(false))/>
            <path class="line open" d=move || path::line(&part(true))/>
            {dots}
        </g>
    }
}

/// Marks the point that is read out.
#[component]
fn Cursor(drawn: Drawn) -> impl IntoView {
    move || {
        let plot = drawn.plot.read();
        let index = drawn.at.get().filter(|index| *index < drawn.series.read().begun)?;
        let x = plot.x(index);
        let dot = plot.points[index].map(|(x, y)| view! { <circle class="cursor-dot" cx=x cy=y r="4.5"/> });
        Some(view! {
            <g aria-hidden="true">
                <line class="cursor" x1=x x2=x y1=plot.top y2=plot.floor/>
                {dot}
            </g>
        })
    }
}

/// The readout beside the point.
#[component]
fn Tip(drawn: Drawn) -> impl IntoView {
    move || {
        let lang = browser::lang();
        let plot = drawn.plot.read();
        let index = drawn.at.get().filter(|index| *index < drawn.series.read().begun)?;
        let x = plot.x(index);
        let after = x > (plot.left + plot.right) / 2.0;
        let y = plot.points[index].map_or(plot.top, |(_, y)| y);
        let open = index >= drawn.series.read().open_from;
        let note = open.then(|| view! { <span class="tip-note">{Phrase::InProgress.text(lang)}</span> });
        Some(view! {
            <div
                class="tip"
                class:before=after
                aria-hidden="true"
                style:left=format!("{x:.0}px")
                style:top=format!("{y:.0}px")
            >
                <span class="tip-time">{drawn.time(lang, index)}</span>
                <span class="tip-value">{drawn.figure(lang, index, Width::Full)}</span>
                {note}
            </div>
        })
    }
}

fn on_key(event: &KeyboardEvent, drawn: Drawn, on_open: Callback<usize>) {
    let Some(last) = drawn.series.read_untracked().begun.checked_sub(1) else { return };
    let at = drawn.at.get_untracked();
    let next = match event.key().as_str() {
        "ArrowRight" => at.map_or(0, |index| (index + 1).min(last)),
        "ArrowLeft" => at.map_or(last, |index| index.saturating_sub(1)),
        "Home" => 0,
        "End" => last,
        "Escape" => return drawn.at.set(None),
        "Enter" => return open(drawn, on_open),
        _ => return,
    };
    event.prevent_default();
    drawn.at.set(Some(next));
}

fn open(drawn: Drawn, on_open: Callback<usize>) {
    if let Some(index) = drawn.at.get_untracked() {
        on_open.run(index);
    }
}

fn pointed(event: &PointerEvent, drawn: Drawn, container: NodeRef<Div>) -> Option<usize> {
    let left = container.get_untracked()?.get_bounding_client_rect().left();
    let last = drawn.series.read_untracked().begun.checked_sub(1)?;
    drawn.plot.read_untracked().nearest(f64::from(event.client_x()) - left).map(|index| index.min(last))
}

#[cfg(test)]
mod tests {
    use adtally_core::report::TimeUnit;
    use adtally_core::time::{HOUR_MS, parse_rfc3339, rfc3339};
    use adtally_wire::api::ReportValue;
    use gloo::timers::future::TimeoutFuture;
    use wasm_bindgen::JsCast;
    use wasm_bindgen_test::wasm_bindgen_test;
    use web_sys::{HtmlElement, KeyboardEventInit};

    use super::*;
    use crate::browser::Preferences;
    use crate::metric::CLICKS;
    use crate::model::figure::tests::answer;

    /// Three hours of 2026-11-22, of which the last has just begun.
    fn series() -> Series {
        let start = parse_rfc3339("2026-11-22T00:00:00Z").unwrap();
        let starts = [start, start + HOUR_MS, start + 2 * HOUR_MS];
        let row = |(start, clicks): (&i64, i64)| {
            vec![ReportValue::Text(rfc3339(*start)), ReportValue::Count(clicks)]
        };
        let rows = starts.iter().zip([1_200, 40, 7]).map(row).collect();
        Series::new(
            &answer(&[("hour", "time"), ("clicks", "count")], rows),
            TimeUnit::Hour,
            &starts,
            starts[2] + 1,
        )
    }

    fn find(root: &HtmlElement, test_id: &str) -> HtmlElement {
        root.query_selector(&format!("[data-testid={test_id}]")).unwrap().unwrap().unchecked_into()
    }

    async fn press(root: &HtmlElement, key: &str) -> String {
        let init = KeyboardEventInit::new();
        init.set_key(key);
        init.set_bubbles(true);
        let event = KeyboardEvent::new_with_keyboard_event_init_dict("keydown", &init).unwrap();
        find(root, "chart").dispatch_event(&event).unwrap();
        TimeoutFuture::new(20).await;
        find(root, "chart-readout").text_content().unwrap()
    }

    #[wasm_bindgen_test]
    async fn the_keyboard_reads_points_out_and_opens_them() {
        let root: HtmlElement = document().create_element("div").unwrap().unchecked_into();
        document().body().unwrap().append_child(&root).unwrap();
        let opened = StoredValue::new(None);
        let handle = leptos::mount::mount_to(root.clone(), move || {
            let preferences = Preferences::new();
            preferences.lang.set(Lang::En);
            provide_context(preferences);
            let on_open = Callback::new(move |index| opened.set_value(Some(index)));
            let currency = Signal::stored(None::<String>);
            view! { <LineChart series=Signal::stored(Arc::new(series())) metric=Signal::stored(CLICKS) currency on_open/> }
        });
        TimeoutFuture::new(20).await;
        assert_eq!(
            root.query_selector("desc").unwrap().unwrap().text_content().unwrap(),
            "Clicks from Sun, Nov 22, 2026, 00:00 to Sun, Nov 22, 2026, 02:00. Highest 1,200 at Sun, Nov 22, 2026, 00:00, lowest 40 at Sun, Nov 22, 2026, 01:00."
        );
        assert_eq!(press(&root, "ArrowRight").await, "Sun, Nov 22, 2026, 00:00: 1,200");
        assert_eq!(press(&root, "ArrowLeft").await, "Sun, Nov 22, 2026, 00:00: 1,200");
        assert_eq!(press(&root, "ArrowRight").await, "Sun, Nov 22, 2026, 01:00: 40");
        assert_eq!(press(&root, "End").await, "Sun, Nov 22, 2026, 02:00: 7 (still counting)");
        press(&root, "Home").await;
        press(&root, "Enter").await;
        assert_eq!(opened.get_value(), Some(0));
        assert_eq!(press(&root, "Escape").await, "");
        drop(handle);
        root.remove();
    }
}
