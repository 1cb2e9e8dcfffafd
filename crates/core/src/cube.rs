//! Cubes: cells of the batch that were added up beforehand, and which of them answer a question.
//!
//! A **cube** is a set of dimensions of a scope and a unit of local time; a **cuboid** is what is left when only some of
//! the dimensions are told apart.
//! Each is kept as **parts**: the cells of one day (UTC) or one month of the batch, as of a generation.
//! A part is good for as long as nothing of its days was published after it: [`choose`] looks at that for each question,
//! so a cube that lags behind is slow, never wrong.
//! Real time is in no cube: it is added when a question is answered.
//!
//! A cube keeps every sum of its scope: an answer has a row for whatever has any figure, also where the figure that is
//! asked for is zero.

mod definition;
mod cover;
mod choose;
mod advise;

pub use advise::{Advice, Shape, advise};
pub use choose::{Choice, Cuboid, Part, choose, months_due, named};
pub use cover::{Gap, covers};
pub use definition::{Cube, CubeError, MAX_CUBOIDS, is_cube_name};

#[cfg(test)]
mod tests;
