//! Which cells of a large table are in sight: the others are room that nothing is written into.

use std::ops::Range;

/// The width of the names of rows, in pixels.
pub const NAME_PX: f64 = 240.0;
/// The width of a figure.
pub const FIGURE_PX: f64 = 104.0;
/// The height of a line of a table that is not written whole.
pub const LINE_PX: f64 = 34.0;
/// The height of a line whose figures have those of another period below them.
pub const TALL_LINE_PX: f64 = 50.0;
/// Cells up to which all are written: fewer are quick enough.
const MANY_CELLS: usize = 400;
/// Columns beside those in sight, so that a short way needs nothing new.
const BESIDE: usize = 1;
/// Windows begin and end at multiples of this many columns, so that not each pixel is another window.
const STEP: usize = 2;
/// Lines above and below those in sight.
const LINES_BESIDE: usize = 3;
/// Windows begin and end at multiples of this many lines.
const LINE_STEP: usize = 4;

/// What is written of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// All of it.
    All,
    /// These lines of these columns.
    Part {
        /// Lines.
        lines: Range<usize>,
        /// Columns.
        columns: Range<usize>,
    },
}

/// How large a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Lines.
    pub lines: usize,
    /// Columns, each with all its figures.
    pub columns: usize,
    /// Figures of a column.
    pub figures: usize,
    /// Whether figures have those of another period below them.
    pub is_tall: bool,
}

/// What a scroller shows of what is in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Port {
    /// How far it is scrolled to the right.
    pub left_px: f64,
    /// And down.
    pub top_px: f64,
    /// Its inner width.
    pub width_px: f64,
    /// Its inner height.
    pub height_px: f64,
    /// How much of that the heads cover.
    pub heads_px: f64,
}

impl Extent {
    /// The width of a column.
    pub fn column_px(self) -> f64 {
        self.figures as f64 * FIGURE_PX
    }

    /// The height of a line.
    pub fn line_px(self) -> f64 {
        if self.is_tall { TALL_LINE_PX } else { LINE_PX }
    }

    /// The width of all.
    pub fn width_px(self) -> f64 {
        NAME_PX + self.columns as f64 * self.column_px()
    }

    /// Figures of a line.
    pub fn places(self) -> usize {
        self.columns * self.figures
    }

    /// What is in sight.
    pub fn window(self, port: Port) -> Window {
        if self.lines * self.places() <= MANY_CELLS {
            return Window::All;
        }
        // The names cover the first column of what is there, and the heads the first lines.
        let columns = range(port.left_px, port.width_px, self.column_px(), self.columns, (BESIDE, STEP));
        let lines = range(port.top_px, port.height_px, self.line_px(), self.lines, (LINES_BESIDE, LINE_STEP));
        Window::Part { lines, columns }
    }

    /// How far a scroller has to be, to the right and down, for a cell to be in sight; `None` where it is.
    pub fn scroll_to(self, line: usize, column: usize, port: Port) -> Option<(f64, f64)> {
        let wide = (port.width_px - NAME_PX).max(self.column_px());
        let high = (port.height_px - port.heads_px).max(self.line_px());
        let left = reach(column as f64 * self.column_px(), self.column_px(), port.left_px, wide);
        let top = reach(line as f64 * self.line_px(), self.line_px(), port.top_px, high);
        (left.is_some() || top.is_some()).then(|| (left.unwrap_or(port.left_px), top.unwrap_or(port.top_px)))
    }

    /// Where a key leads from a cell, `(line, place)`; `page` lines are in sight.
    pub fn step(
        self,
        key: &str,
        far: bool,
        (line, place): (usize, usize),
        page: usize,
    ) -> Option<(usize, usize)> {
        let (last_line, last_place) = (self.lines.checked_sub(1)?, self.places().checked_sub(1)?);
        let to = match key {
            "ArrowUp" => (line.checked_sub(1)?, place),
            "ArrowDown" => (line + 1, place),
            "ArrowLeft" => (line, place.checked_sub(1)?),
            "ArrowRight" => (line, place + 1),
            "PageUp" => (line.saturating_sub(page), place),
            "PageDown" => ((line + page).min(last_line), place),
            "Home" => (if far { 0 } else { line }, 0),
            "End" => (if far { last_line } else { line }, last_place),
            _ => return None,
        };
        (to.0 <= last_line && to.1 <= last_place && to != (line, place)).then_some(to)
    }
}

/// Which of `count` things of `each_px` are in sight, with some `beside` them, in whole steps.
fn range(
    scrolled_px: f64,
    port_px: f64,
    each_px: f64,
    count: usize,
    (beside, step): (usize, usize),
) -> Range<usize> {
    let at = |px: f64| (px.max(0.0) / each_px).floor() as usize;
    let last = (at(scrolled_px + port_px) + 1 + beside).div_ceil(step) * step;
    let last = last.min(count);
    // A table that has become smaller is scrolled back only when it is laid out.
    let longest = at(port_px) + 1 + beside;
    let first = at(scrolled_px).min(last.saturating_sub(longest)).saturating_sub(beside) / step * step;
    first..last
}

/// How far a scroller that shows `room_px` has to be for what begins at `begin_px`; `None` where it is in sight.
fn reach(begin_px: f64, each_px: f64, scrolled_px: f64, room_px: f64) -> Option<f64> {
    let end_px = begin_px + each_px;
    if begin_px < scrolled_px {
        Some(begin_px)
    } else if end_px > scrolled_px + room_px {
        Some(end_px - room_px)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    const WIDE: Extent = Extent { lines: 152, columns: 63, figures: 3, is_tall: false };
    const PORT: Port = Port { left_px: 0.0, top_px: 0.0, width_px: 864.0, height_px: 700.0, heads_px: 70.0 };

    #[wasm_bindgen_test(unsupported = test)]
    fn few_cells_are_all_written() {
        let small = Extent { lines: 20, columns: 6, ..WIDE };
        assert_eq!(small.window(PORT), Window::All);
        assert_eq!(Extent { figures: 0, ..WIDE }.window(PORT), Window::All);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn every_cell_in_sight_is_written() {
        let last = |px: f64, each: f64, count: usize| ((px / each).floor() as usize).min(count - 1);
        for is_tall in [false, true] {
            let extent = Extent { is_tall, ..WIDE };
            let high = extent.lines as f64 * extent.line_px() + PORT.heads_px;
            for step in 0..500 {
                let left_px = (f64::from(step) * 37.0).min(extent.width_px() - PORT.width_px);
                let top_px = (f64::from(step) * 11.0).min(high - PORT.height_px);
                let Window::Part { lines, columns } = extent.window(Port { left_px, top_px, ..PORT }) else {
                    panic!("all of it")
                };
                // Columns begin behind the names, lines below the heads.
                let first = (left_px / extent.column_px()).floor() as usize;
                let to = last(left_px + PORT.width_px - NAME_PX, extent.column_px(), extent.columns);
                assert!(columns.contains(&first) && columns.contains(&to), "{left_px}: {columns:?}");
                let first = (top_px / extent.line_px()).floor() as usize;
                let to = last(top_px + PORT.height_px - PORT.heads_px, extent.line_px(), extent.lines);
                assert!(lines.contains(&first) && lines.contains(&to), "{top_px}: {lines:?}");
                assert!(columns.len() * lines.len() <= 10 * 40, "{columns:?} {lines:?}");
            }
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_table_that_has_become_smaller_is_not_empty() {
        let far = Port { top_px: 90_000.0, left_px: 90_000.0, ..PORT };
        let Window::Part { lines, columns } = WIDE.window(far) else { panic!("all of it") };
        assert!(lines.len() >= 20 && lines.end == 152, "{lines:?}");
        assert!(columns.len() >= 2 && columns.end == 63, "{columns:?}");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_way_to_a_cell() {
        fn check(line: usize, column: usize, (left_px, top_px): (f64, f64), expected: Option<(f64, f64)>) {
            let port = Port { left_px, top_px, ..PORT };
            assert_eq!(WIDE.scroll_to(line, column, port), expected, "{line} {column} {left_px} {top_px}");
        }
        // 624 pixels beside the names, two columns of 312; 630 below the heads, 18 lines of 34.
        check(0, 0, (0.0, 0.0), None);
        check(17, 1, (0.0, 0.0), None);
        check(0, 2, (0.0, 0.0), Some((312.0, 0.0)));
        check(0, 62, (0.0, 0.0), Some((61.0 * 312.0, 0.0)));
        check(0, 3, (2_000.0, 0.0), Some((936.0, 0.0)));
        check(18, 0, (0.0, 0.0), Some((0.0, 16.0)));
        check(5, 0, (0.0, 500.0), Some((0.0, 170.0)));
        check(151, 62, (0.0, 0.0), Some((61.0 * 312.0, 152.0 * 34.0 - 630.0)));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn where_keys_lead() {
        fn check(key: &str, far: bool, from: (usize, usize), expected: Option<(usize, usize)>) {
            assert_eq!(WIDE.step(key, far, from, 18), expected, "{key} {far} {from:?}");
        }
        check("ArrowUp", false, (0, 4), None);
        check("ArrowDown", false, (0, 4), Some((1, 4)));
        check("ArrowDown", false, (151, 4), None);
        check("ArrowLeft", false, (1, 0), None);
        check("ArrowRight", false, (1, 188), None);
        check("PageDown", false, (140, 7), Some((151, 7)));
        check("PageUp", false, (20, 7), Some((2, 7)));
        check("Home", false, (20, 7), Some((20, 0)));
        check("End", false, (20, 7), Some((20, 188)));
        check("Home", true, (20, 7), Some((0, 0)));
        check("End", true, (20, 7), Some((151, 188)));
        check("Tab", false, (20, 7), None);
    }
}
