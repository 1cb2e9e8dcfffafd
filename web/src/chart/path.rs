//! SVG path data.

use std::fmt::Write;

/// A point in pixels.
pub type Point = (f64, f64);

/// Straight lines through the points; where there is none the line is broken.
///
/// Straight, because a smoothed line shows values that were never there.
pub fn line(points: &[Option<Point>]) -> String {
    let mut path = String::new();
    let mut pen_down = false;
    for point in points {
        match point {
            Some((x, y)) => {
                let command = if pen_down { 'L' } else { 'M' };
                // Writing to a string cannot fail.
                let _ = write!(path, "{command}{x:.1} {y:.1}");
                pen_down = true;
            }
            None => pen_down = false,
        }
    }
    path
}

/// The areas between the points and `floor`.
pub fn area(points: &[Option<Point>], floor: f64) -> String {
    let mut path = String::new();
    for run in points.split(|point| point.is_none()) {
        let run: Vec<_> = run.iter().flatten().copied().collect();
        if let ([first, ..], [.., last]) = (run.as_slice(), run.as_slice()) {
            let around = [(first.0, floor)].into_iter().chain(run.iter().copied()).chain([(last.0, floor)]);
            path += &line(&around.map(Some).collect::<Vec<_>>());
            path.push('Z');
        }
    }
    path
}

/// The points that have no neighbour: a line would not show them.
pub fn lone(points: &[Option<Point>]) -> Vec<Point> {
    let at = |index: Option<usize>| index.and_then(|index| points.get(index)).copied().flatten();
    (0..points.len())
        .filter(|index| at(index.checked_sub(1)).is_none() && at(Some(index + 1)).is_none())
        .filter_map(|index| points[index])
        .collect()
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    const BROKEN: [Option<Point>; 5] = [Some((0.0, 10.0)), Some((10.0, 5.04)), None, Some((30.0, 0.0)), None];

    #[wasm_bindgen_test(unsupported = test)]
    fn lines_break_where_there_is_nothing() {
        assert_eq!(line(&BROKEN), "M0.0 10.0L10.0 5.0M30.0 0.0");
        assert_eq!(line(&[]), "");
        assert_eq!(line(&[None, None]), "");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn areas_stand_on_the_floor() {
        assert_eq!(
            area(&BROKEN, 20.0),
            "M0.0 20.0L0.0 10.0L10.0 5.0L10.0 20.0ZM30.0 20.0L30.0 0.0L30.0 20.0Z"
        );
        assert_eq!(area(&[None], 20.0), "");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn lone_points_get_a_dot() {
        assert_eq!(lone(&BROKEN), [(30.0, 0.0)]);
        assert_eq!(lone(&[Some((1.0, 2.0))]), [(1.0, 2.0)]);
        assert!(lone(&[]).is_empty());
    }
}
