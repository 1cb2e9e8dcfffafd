//! Programs that measure the core: each takes records, makes of them what it measures, and answers with figures that
//! other engines can be asked for too.
//!
//! ```text
//! file of records -> Job::prepare (not measured) -> Job::step, Job::finish (measured) -> Job::answer
//! ```
//!
//! They call what production calls, public functions of `adtally-core`, in bodies as large as production takes them.
//! There is no clock here: who runs a job measures it, natively `src/main.rs`, as WebAssembly `measure.mjs`.

pub mod record;
pub mod body;
pub mod generate;
pub mod job;
pub mod cube;

#[cfg(target_arch = "wasm32")]
pub mod wasm;
