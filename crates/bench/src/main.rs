//! Runs the jobs on this machine; `cargo xtask bench` calls it, one process a measurement.
//!
//! It prints one JSON object: times of every run in seconds, what came out, memory.

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(not(target_arch = "wasm32"))]
mod relink;

#[cfg(not(target_arch = "wasm32"))]
fn main() -> anyhow::Result<()> {
    native::main()
}

#[cfg(target_arch = "wasm32")]
fn main() {}
