//! The worker in the real edge runtime.

use anyhow::Result;

use super::Bench;

/// Measures all that is wanted of it.
pub(super) fn measure(bench: &mut Bench<'_>) -> Result<()> {
    if bench.wants("worker/") {
        bench.figures.skip("worker", "not measured yet");
    }
    Ok(())
}
