//! Where everything in a chart of values over time stands.

use super::path::Point;
use super::scale::{Scale, Step, ticks};

/// The room of a chart in pixels, axes included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Room {
    /// From left to right.
    pub width: f64,
    /// From top to bottom.
    pub height: f64,
}

/// Room at the left for the names of values.
const LEFT: f64 = 52.0;
/// Room at the right, so that the last point and the last name are whole.
const RIGHT: f64 = 16.0;
/// Room above the highest mark for half of its name.
const TOP: f64 = 12.0;
/// Room below for the names of times.
const BOTTOM: f64 = 28.0;
/// The least distance between two marks of values.
const VALUE_GAP: f64 = 48.0;
/// The least distance between two marks of times.
const TIME_GAP: f64 = 72.0;

/// The geometry of one line over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Plot {
    /// One per value.
    pub points: Vec<Option<Point>>,
    /// Values to mark, with their pixel from the top.
    pub marks: Vec<(f64, f64)>,
    /// The left edge of the plotted area.
    pub left: f64,
    /// The right edge.
    pub right: f64,
    /// The top edge.
    pub top: f64,
    /// The bottom edge: zero.
    pub floor: f64,
}

impl Plot {
    /// Places `values` at equal distances.
    pub fn new(values: &[Option<f64>], room: Room, step: Step) -> Plot {
        Plot::up_to(values, 0.0, room, step)
    }

    /// The same with room for `highest`, so that several can be compared.
    pub fn up_to(values: &[Option<f64>], highest: f64, room: Room, step: Step) -> Plot {
        let (left, right) = (LEFT, (room.width - RIGHT).max(LEFT + 1.0));
        let (top, floor) = (TOP, (room.height - BOTTOM).max(TOP + 1.0));
        let highest = values.iter().flatten().copied().fold(highest.max(0.0), f64::max);
        let wanted = ((floor - top) / VALUE_GAP).floor().max(1.0) as usize;
        let marks = ticks(highest, wanted, step);
        let y = Scale::new((0.0, marks.last().copied().unwrap_or(1.0)), (floor, top));
        let x = Scale::new((0.0, values.len().saturating_sub(1) as f64), (left, right));
        let points = values.iter().enumerate().map(|(index, value)| {
            // A correction can make a figure negative for a while; it is drawn on the floor and read in full.
            value.map(|value| (x.pixel(index as f64), y.pixel(value.max(0.0))))
        });
        Plot {
            points: points.collect(),
            marks: marks.iter().map(|value| (*value, y.pixel(*value))).collect(),
            left,
            right,
            top,
            floor,
        }
    }

    /// Where other values over the same time stand, on the same scale.
    pub fn place(&self, values: &[Option<f64>]) -> Vec<Option<Point>> {
        let highest = self.marks.last().map_or(1.0, |(value, _)| *value);
        let y = Scale::new((0.0, highest), (self.floor, self.top));
        let point = |(index, value): (usize, &Option<f64>)| {
            value.map(|value| (self.x(index), y.pixel(value.max(0.0))))
        };
        values.iter().enumerate().map(point).collect()
    }

    /// The pixel from the left of the value at `index`, whether there is one or not.
    pub fn x(&self, index: usize) -> f64 {
        let last = self.points.len().saturating_sub(1) as f64;
        Scale::new((0.0, last), (self.left, self.right)).pixel(index as f64)
    }

    /// The value that is nearest to a pixel from the left.
    pub fn nearest(&self, x: f64) -> Option<usize> {
        let last = self.points.len().checked_sub(1)?;
        let share = ((x - self.left) / (self.right - self.left)).clamp(0.0, 1.0);
        Some((share * last as f64).round() as usize)
    }

    /// How many names of times fit below.
    pub fn time_room(&self) -> usize {
        ((self.right - self.left) / TIME_GAP).floor().max(1.0) as usize
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    const ROOM: Room = Room { width: 268.0, height: 140.0 };

    fn plot(values: &[Option<f64>]) -> Plot {
        Plot::new(values, ROOM, Step::Whole)
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn values_stand_between_the_edges() {
        let plot = plot(&[Some(0.0), None, Some(10.0)]);
        assert_eq!((plot.left, plot.right, plot.top, plot.floor), (52.0, 252.0, 12.0, 112.0));
        assert_eq!(plot.points, [Some((52.0, 112.0)), None, Some((252.0, 12.0))]);
        assert_eq!(plot.marks, [(0.0, 112.0), (5.0, 62.0), (10.0, 12.0)]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn pointers_find_the_nearest_value() {
        let plot = plot(&[Some(1.0), Some(2.0), None]);
        fn check(plot: &Plot, x: f64, expected: Option<usize>) {
            assert_eq!(plot.nearest(x), expected, "{x}");
        }
        check(&plot, -5.0, Some(0));
        check(&plot, 101.0, Some(0));
        check(&plot, 103.0, Some(1));
        check(&plot, 500.0, Some(2));
        check(&self::plot(&[]), 100.0, None);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn odd_input_stays_inside() {
        assert_eq!(plot(&[Some(5.0)]).points, [Some((152.0, 12.0))]);
        assert_eq!(plot(&[Some(-3.0), Some(1.0)]).points[0], Some((52.0, 112.0)));
        assert!(plot(&[]).points.is_empty());
        let beside = Plot::up_to(&[Some(1.0)], 4.0, ROOM, Step::Whole);
        assert_eq!(beside.marks.last().map(|(value, _)| *value), Some(4.0));
        let tiny = Plot::new(&[Some(1.0)], Room { width: 0.0, height: 0.0 }, Step::Any);
        assert!(tiny.right > tiny.left && tiny.floor > tiny.top && tiny.time_room() == 1);
    }
}
