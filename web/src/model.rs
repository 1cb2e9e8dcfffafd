//! From answers of the API to what a page shows: pure, so that it is tested without a page.

pub mod figure;
pub mod series;
pub mod kpi;
pub mod ranking;
pub mod catalog;
pub mod money;
pub mod setting;
pub mod pivot;
pub mod sheet;
pub mod sheet_csv;
pub mod behind;
pub mod dag;
pub mod timeline;
pub mod edits;
pub mod saved;
pub mod held;
pub mod tags;
pub mod load;
pub mod closed;
pub mod picture;
pub mod window;
pub mod entries;
