//! How large a file is, as the network and the platform's limits see it.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

/// `index_bg.wasm 812.4 kB, gzipped 283.0 kB`.
pub(super) fn describe(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    Ok(format!("{name} {}, gzipped {}", kilobytes(bytes.len()), kilobytes(gzipped(&bytes)?)))
}

/// How many bytes these are, packed.
pub(crate) fn gzipped(bytes: &[u8]) -> Result<usize> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?.len())
}

fn kilobytes(bytes: usize) -> String {
    format!("{}.{} kB", bytes / 1000, bytes % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_decimal_kilobytes() {
        assert_eq!(kilobytes(0), "0.0 kB");
        assert_eq!(kilobytes(62_950), "62.9 kB");
        assert_eq!(kilobytes(1_234_567), "1234.5 kB");
    }

    #[test]
    fn repetition_compresses() {
        assert!(gzipped(&[7; 100_000]).unwrap() < 200);
    }
}
