//! Charts: plain geometry first, components last.

pub mod scale;
pub mod path;
pub mod time_axis;
pub mod plot;
pub mod width;
pub mod line_chart;
pub mod sparkline;
