//! The texts of jobs, restatements and health.

use super::{Phrase, phrases};

phrases! {}
