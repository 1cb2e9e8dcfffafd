//! What is on the screen: one component per file, parts before pages.

pub mod icon;
pub mod popover;
pub mod notice;
pub mod place;
pub mod sign_in;
pub mod shell;
pub mod sidebar;
pub mod scope_picker;
pub mod range_picker;
pub mod freshness;
pub mod overview;
pub mod kpi_tiles;
pub mod trend;
pub mod top_list;
pub mod report;
pub mod builder;
pub mod filter_editor;
pub mod report_table;
pub mod pager;
