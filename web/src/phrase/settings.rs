//! The texts of the settings.

use super::{Phrase, phrases};

phrases! {}
