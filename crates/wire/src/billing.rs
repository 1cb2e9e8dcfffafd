//! Billing between objects, in the queue and in the API.
//!
//! A message is JSON text, so that anybody can read it: queues turn maps into nothing, and bytes into riddles.

pub mod api;
pub mod message;
pub mod object;
pub mod story;
pub mod sums;

pub use message::{Envelope, Message, MessageError};
