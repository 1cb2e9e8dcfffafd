//! The shape of a figure over time, without axes.

use leptos::prelude::*;

use super::path;
use super::scale::Scale;

const WIDTH: f64 = 100.0;
const HEIGHT: f64 = 28.0;
/// Half of the line's width, so that it is not cut off at the edges.
const INSET: f64 = 2.0;

/// A line through `values`; it says nothing that the figure beside it does not, so it is hidden from screen readers.
#[component]
pub fn Sparkline(
    /// One per bucket of time.
    #[prop(into)]
    values: Signal<Vec<Option<f64>>>,
) -> impl IntoView {
    let data = move || drawn(&points(&values.read()));
    view! {
        <svg class="spark" viewBox=format!("0 0 {WIDTH} {HEIGHT}") preserveAspectRatio="none" aria-hidden="true">
            <path d=data vector-effect="non-scaling-stroke"/>
        </svg>
    }
}

/// A line, and a dot for each value without a neighbour.
fn drawn(points: &[Option<path::Point>]) -> String {
    // A round end makes a dot of a line without a length.
    let dots = path::lone(points).into_iter().map(|(x, y)| format!("M{x:.1} {y:.1}h0.01"));
    path::line(points) + &dots.collect::<String>()
}

fn points(values: &[Option<f64>]) -> Vec<Option<path::Point>> {
    let highest = values.iter().flatten().copied().fold(0.0, f64::max);
    let x = Scale::new((0.0, values.len().saturating_sub(1) as f64), (INSET, WIDTH - INSET));
    let y = Scale::new((0.0, if highest > 0.0 { highest } else { 1.0 }), (HEIGHT - INSET, INSET));
    let place = |(index, value): (usize, &Option<f64>)| {
        value.map(|value| (x.pixel(index as f64), y.pixel(value.max(0.0))))
    };
    values.iter().enumerate().map(place).collect()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn it_fills_its_box_from_zero() {
        assert_eq!(points(&[Some(0.0), None, Some(8.0)]), [Some((2.0, 26.0)), None, Some((98.0, 2.0))]);
        assert_eq!(points(&[Some(0.0), Some(0.0)]), [Some((2.0, 26.0)), Some((98.0, 26.0))]);
        assert!(points(&[]).is_empty());
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_lone_value_is_a_dot() {
        assert_eq!(drawn(&points(&[Some(8.0)])), "M50.0 2.0M50.0 2.0h0.01");
        assert_eq!(drawn(&points(&[Some(0.0), Some(8.0)])), "M2.0 26.0L98.0 2.0");
    }
}
