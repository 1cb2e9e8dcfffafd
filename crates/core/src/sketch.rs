//! HyperLogLog sketch of users (to be filled in).

/// A sketch of a set of users.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sketch {}

impl Sketch {
    /// Adds all of `other`.
    pub fn merge(&mut self, _other: &Sketch) {}
}
