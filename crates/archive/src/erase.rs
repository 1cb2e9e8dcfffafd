//! A file without the entries of some users.

use adtally_core::batch::Gone;

use crate::{ArchiveError, Reader, Writer, Written};

/// What becomes of a file when entries go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rewritten {
    /// It has none of them.
    Same,
    /// It has nothing else.
    Empty,
    /// This takes its place.
    File(Box<Written>),
}

/// Writes a file again without the entries that go; all of it is in memory meanwhile.
pub fn erase(reader: &Reader, gone: &Gone) -> Result<Rewritten, ArchiveError> {
    let glances = reader.glances(0..=u64::MAX)?;
    let left = glances.iter().filter(|glance| !gone.holds(glance.hashes.group, glance.row));
    let left: Vec<usize> = left.map(|glance| glance.index).collect();
    if left.len() == glances.len() {
        return Ok(Rewritten::Same);
    }
    if left.is_empty() {
        return Ok(Rewritten::Empty);
    }
    let mut writer = Writer::rewriting(reader.meta().clone())?;
    let mut failed = None;
    reader.each(&left, |_, entry| {
        if failed.is_none() {
            failed = writer.push(entry).err();
        }
    })?;
    failed.map_or(Ok(()), Err)?;
    Ok(Rewritten::File(Box::new(writer.finish()?)))
}
