//! The pure heart of Adtally: events become linked facts, facts become cells, cells become reports.
//!
//! It knows no clock, no randomness, no I/O, no async and no logging: the worker, the dashboard and the command
//! line call it and execute what it decides.

pub mod key;
pub mod time;
pub mod event;
pub mod intake;
pub mod settings;
pub mod measure;
pub mod sketch;
pub mod cell;
pub mod access;
pub mod segment;
pub mod report;

mod varint;
