//! The texts of events and their stories.

use super::{Phrase, phrases};

phrases! {}
