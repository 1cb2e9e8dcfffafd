//! Billing between objects, in the queue and in the API.
//!
//! A message is JSON text, so that anybody can read it: queues turn maps into nothing, and bytes into riddles.
//! One that is long travels packed, inside such a text.

pub mod api;
pub mod message;
pub mod packed;
pub mod object;
pub mod kafka;
pub mod story;
pub mod sums;

pub use message::{Envelope, Message, MessageError};
