//! Which columns of a wide table are in sight: the others are room that nothing is written into.

use std::ops::Range;

/// The width of the names of rows, in pixels.
pub const NAME_PX: f64 = 240.0;
/// The width of a figure.
pub const FIGURE_PX: f64 = 104.0;
/// Cells up to which all are written: fewer are quick enough.
const MANY_CELLS: usize = 1_200;
/// Columns beside those in sight, so that a short way needs nothing new.
const BESIDE: usize = 2;
/// Windows begin and end at multiples of this, so that not each pixel is another window.
const STEP: usize = 4;

/// What is written of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Window {
    /// All of it.
    All,
    /// These columns.
    Columns(Range<usize>),
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
}

impl Extent {
    /// The width of a column.
    pub fn column_px(self) -> f64 {
        self.figures as f64 * FIGURE_PX
    }

    /// The width of all.
    pub fn width_px(self) -> f64 {
        NAME_PX + self.columns as f64 * self.column_px()
    }

    /// What is in sight of the part of a scroller.
    pub fn window(self, scrolled_px: f64, width_px: f64) -> Window {
        if self.lines * self.columns * self.figures <= MANY_CELLS || self.figures == 0 {
            return Window::All;
        }
        let column = |px: f64| (px.max(0.0) / self.column_px()).floor() as usize;
        let first = column(scrolled_px).saturating_sub(BESIDE) / STEP * STEP;
        // The names cover the first of what is there.
        let last = (column(scrolled_px + width_px) + 1 + BESIDE).div_ceil(STEP) * STEP;
        let last = last.min(self.columns);
        Window::Columns(first.min(last)..last)
    }

    /// How far a scroller has to be for a column to be in sight; `None` where it is.
    pub fn scroll_to(self, column: usize, scrolled_px: f64, width_px: f64) -> Option<f64> {
        let left = column as f64 * self.column_px();
        let right = left + self.column_px();
        let room = (width_px - NAME_PX).max(self.column_px());
        if left < scrolled_px {
            Some(left)
        } else if right > scrolled_px + room {
            Some(right - room)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    const WIDE: Extent = Extent { lines: 52, columns: 63, figures: 3 };

    #[wasm_bindgen_test(unsupported = test)]
    fn few_cells_are_all_written() {
        let small = Extent { lines: 20, columns: 12, figures: 3 };
        assert_eq!(small.window(0.0, 800.0), Window::All);
        assert_eq!(Extent { figures: 0, ..WIDE }.window(0.0, 800.0), Window::All);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn every_column_in_sight_is_written() {
        let (px, width) = (WIDE.column_px(), 1_180.0);
        let mut scrolled = 0.0;
        while scrolled <= WIDE.width_px() - width {
            let Window::Columns(range) = WIDE.window(scrolled, width) else { panic!("all of it") };
            // Columns begin behind the names.
            let first = (scrolled / px).floor() as usize;
            let last = (((scrolled + width - NAME_PX) / px).floor() as usize).min(WIDE.columns - 1);
            assert!(range.contains(&first) && range.contains(&last), "{scrolled}: {range:?}");
            assert!(range.len() <= 4 + 2 * (BESIDE + STEP), "{range:?}");
            scrolled += 37.0;
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_way_to_a_column() {
        fn check(column: usize, scrolled: f64, expected: Option<f64>) {
            assert_eq!(WIDE.scroll_to(column, scrolled, 864.0), expected, "{column} {scrolled}");
        }
        // 624 pixels beside the names: two columns of 312.
        check(0, 0.0, None);
        check(1, 0.0, None);
        check(2, 0.0, Some(312.0));
        check(62, 0.0, Some(61.0 * 312.0));
        check(3, 2_000.0, Some(936.0));
    }
}
