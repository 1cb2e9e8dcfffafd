//! The bytes of a file into entries, or only into what decides about links.

mod strip;
mod entry;

use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};

use adtally_core::batch::{Entry, Hashes, Look, Standing, StoredRow};
use adtally_core::event::Kind;
use adtally_core::time::ServerTime;
use adtally_wire::batch::ArchiveFile;
use bytes::Bytes;
use parquet::basic::Type as Physical;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::file::statistics::Statistics;
use sha2::{Digest, Sha256};

pub(crate) use self::entry::{BATCH, Strips};
use self::strip::Strip;
use crate::column::{Column, Content, REPEAT};
use crate::{ArchiveError, Meta};

/// What decides with which others an entry is linked, from columns that are read alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// The row of the file.
    pub index: usize,
    /// The row of the log.
    pub row: i64,
    /// When it arrived.
    pub received: ServerTime,
    /// Its hashes.
    pub hashes: Hashes,
}

/// By which of its names a row is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// Its own.
    Own,
    /// That of the parent that it names.
    Parent,
}

/// A file that is read.
pub struct Reader {
    file: SerializedFileReader<Bytes>,
    meta: Meta,
    /// The first row of each row group, and the number of rows.
    starts: Vec<usize>,
}

impl Reader {
    /// Opens what should be a file of the archive.
    pub fn open(bytes: impl Into<Bytes>) -> Result<Self, ArchiveError> {
        let bytes = bytes.into();
        guarded(move || {
            let file = SerializedFileReader::new(bytes)?;
            let meta = Meta::of(file.metadata().file_metadata().key_value_metadata())?;
            check_columns(&file)?;
            let mut starts = vec![0];
            for group in file.metadata().row_groups() {
                let start = starts.last().copied().unwrap_or(0);
                let rows = usize::try_from(group.num_rows()).ok();
                let end = rows.and_then(|rows| rows.checked_add(start));
                starts.push(end.ok_or_else(|| foreign("it has an impossible number of rows"))?);
            }
            Ok(Self { file, meta, starts })
        })
    }

    /// Opens the file that the manifest names; other bytes are an error.
    pub fn verified(bytes: impl Into<Bytes>, expected: &ArchiveFile) -> Result<Self, ArchiveError> {
        let bytes = bytes.into();
        let sha256: [u8; 32] = Sha256::digest(&bytes).into();
        if sha256 != expected.sha256 {
            return Err(ArchiveError::Checksum(expected.key.clone()));
        }
        let reader = Self::open(bytes)?;
        match reader.len() as u64 == expected.entries {
            true => Ok(reader),
            false => Err(foreign("it has not as many rows as the manifest says")),
        }
    }

    /// What it says about itself.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The number of its rows.
    pub fn len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What decides about the links of its rows, in their order; row groups without any group of `groups` are skipped.
    pub fn glances(&self, groups: RangeInclusive<u64>) -> Result<Vec<Glance>, ArchiveError> {
        guarded(|| {
            let mut glances = Vec::new();
            for (index, group) in self.file.metadata().row_groups().iter().enumerate() {
                if is_within(group, &groups) {
                    self.glance_at(index, &mut glances)?;
                }
            }
            glances.retain(|glance| groups.contains(&glance.hashes.group));
            Ok(glances)
        })
    }

    /// The same of what has to be looked at: rows of its groups, and where names are looked for, those of which `by` says
    /// one that is sought. Of row groups without any such group that one column is read alone, and the others only where
    /// something is found.
    pub fn glances_of(
        &self,
        look: Look,
        by: Named,
        seeks: impl Fn(u64) -> bool,
    ) -> Result<Vec<Glance>, ArchiveError> {
        let Look { groups, names } = look;
        let is_sought = |glance: &Glance| {
            let name = match by {
                Named::Own => Some(glance.hashes.name),
                Named::Parent => glance.hashes.parent,
            };
            names && name.is_some_and(&seeks)
        };
        guarded(|| {
            let mut glances = Vec::new();
            for (index, group) in self.file.metadata().row_groups().iter().enumerate() {
                let is_open = groups.is_some_and(|(first, last)| is_within(group, &(first..=last)));
                if is_open || (names && self.has_any(index, by, &seeks)?) {
                    self.glance_at(index, &mut glances)?;
                }
            }
            glances.retain(|glance| look.holds(glance.hashes.group) || is_sought(glance));
            Ok(glances)
        })
    }

    /// Whether a row group says any name that is sought.
    fn has_any(&self, group: usize, by: Named, seeks: impl Fn(u64) -> bool) -> Result<bool, ArchiveError> {
        let column = match by {
            Named::Own => Column::Name,
            Named::Parent => Column::Parent,
        };
        let rows = self.starts[group + 1] - self.starts[group];
        let mut strip =
            Strip::new(column, self.file.get_row_group(group)?.get_column_reader(column as usize)?)?;
        strip.read(rows)?;
        Ok((0..rows).any(|at| strip.number(at).is_some_and(|name| seeks(name as u64))))
    }

    fn glance_at(&self, group: usize, glances: &mut Vec<Glance>) -> Result<(), ArchiveError> {
        let (first, rows) = (self.starts[group], self.starts[group + 1] - self.starts[group]);
        let reader = self.file.get_row_group(group)?;
        let strip = |column: Column| -> Result<Strip, ArchiveError> {
            let mut strip = Strip::new(column, reader.get_column_reader(column as usize)?)?;
            strip.read(rows)?;
            Ok(strip)
        };
        let (kinds, outcomes) = (strip(Column::Kind)?, strip(Column::Outcome)?);
        let (received, log_rows) = (strip(Column::Received)?, strip(Column::Row)?);
        let (users, group_hashes) = (strip(Column::User)?, strip(Column::Group)?);
        let (names, parents) = (strip(Column::Name)?, strip(Column::Parent)?);
        for at in 0..rows {
            let index = first + at;
            let invalid = |column: Column| ArchiveError::Value { row: index, column: column.name() };
            let kind = kinds.text(at).and_then(Kind::parse).ok_or_else(|| invalid(Column::Kind))?;
            let number = |strip: &Strip| strip.number(at).ok_or_else(|| invalid(strip.column));
            glances.push(Glance {
                index,
                row: number(&log_rows)?,
                received: ServerTime(number(&received)?),
                hashes: Hashes {
                    standing: match (outcomes.text(at), users.number(at)) {
                        (Some(REPEAT), _) => Standing::Repeat,
                        (_, Some(_)) => Standing::OfUser,
                        (_, None) => Standing::OfNobody,
                    },
                    kind,
                    group: number(&group_hashes)? as u64,
                    name: number(&names)? as u64,
                    parent: parents.number(at).map(|parent| parent as u64),
                },
            });
        }
        Ok(())
    }

    /// The entries of these rows of the file, which have to ascend; the others are not decoded.
    pub fn entries(&self, rows: &[usize]) -> Result<Vec<Entry>, ArchiveError> {
        let mut entries = Vec::with_capacity(rows.len());
        self.each(rows, |_, entry| entries.push(entry))?;
        Ok(entries)
    }

    /// All of its entries.
    pub fn all(&self) -> Result<Vec<Entry>, ArchiveError> {
        let rows: Vec<usize> = (0..self.len()).collect();
        self.entries(&rows)
    }

    /// Hands over the entries of these rows of the file, which have to ascend, with where they are, a few at a time.
    pub fn each(&self, rows: &[usize], mut take: impl FnMut(usize, Entry)) -> Result<(), ArchiveError> {
        self.each_line(
            rows,
            |_| true,
            |strips, at, row| {
                take(row, strips.entry(at, row, &self.meta.advertiser)?);
                Ok(())
            },
        )
    }

    /// The same of what decides about links and cells, where it stands: nothing is copied, and texts are those of the
    /// file, whatever they are.
    pub fn each_stored(
        &self,
        rows: &[usize],
        mut take: impl FnMut(usize, StoredRow<'_>),
    ) -> Result<(), ArchiveError> {
        self.each_line(rows, Column::is_linked_by, |strips, at, row| {
            take(row, strips.stored(at, row, &self.meta.advertiser)?);
            Ok(())
        })
    }

    /// Reads some columns of these rows, a batch at a time, and hands over each with its place in the batch.
    fn each_line(
        &self,
        rows: &[usize],
        is_read: impl Fn(Column) -> bool,
        mut take: impl FnMut(&Strips, usize, usize) -> Result<(), ArchiveError>,
    ) -> Result<(), ArchiveError> {
        let mut before = None;
        for &row in rows {
            if row >= self.len() || before.is_some_and(|before| before >= row) {
                return Err(ArchiveError::NoRow { row, rows: self.len() });
            }
            before = Some(row);
        }
        guarded(|| {
            let mut rest = rows;
            for (group, bounds) in self.starts.windows(2).enumerate() {
                let here = rest.partition_point(|row| *row < bounds[1]);
                let (now, later) = rest.split_at(here);
                rest = later;
                if now.is_empty() {
                    continue;
                }
                let mut strips = self.strips(group, &is_read)?;
                for batch in now.chunks(BATCH) {
                    strips.read(batch)?;
                    batch.iter().enumerate().try_for_each(|(at, row)| take(&strips, at, *row))?;
                }
            }
            Ok(())
        })
    }

    pub(crate) fn strips(
        &self,
        group: usize,
        is_read: impl Fn(Column) -> bool,
    ) -> Result<Strips, ArchiveError> {
        let reader = self.file.get_row_group(group)?;
        let strip = |column: Column| match is_read(column) {
            true => Strip::new(column, reader.get_column_reader(column as usize)?).map(Some),
            false => Ok(None),
        };
        Ok(Strips::new(self.starts[group], Column::all().map(strip).collect::<Result<_, _>>()?))
    }

    /// The rows of each row group.
    pub(crate) fn spans(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.starts.windows(2).map(|bounds| bounds[0]..bounds[1])
    }
}

/// The library promises errors, but damaged bytes make it panic here and there; that must not be the caller's end.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T, ArchiveError>) -> Result<T, ArchiveError> {
    let panicked = || ArchiveError::Parquet("the bytes make no sense".to_owned());
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(panicked()))
}

fn foreign(what: &str) -> ArchiveError {
    ArchiveError::Foreign(what.to_owned())
}

fn check_columns(file: &SerializedFileReader<Bytes>) -> Result<(), ArchiveError> {
    let found = file.metadata().file_metadata().schema_descr().columns();
    if found.len() != Column::COUNT {
        return Err(foreign("it has other columns"));
    }
    for (column, found) in Column::all().zip(found) {
        let physical = if column.content() == Content::Text { Physical::BYTE_ARRAY } else { Physical::INT64 };
        let depth = i16::from(!column.is_required());
        let is_own = found.name() == column.name()
            && found.physical_type() == physical
            && (found.max_def_level(), found.max_rep_level()) == (depth, 0);
        if !is_own {
            return Err(foreign(&format!(
                "its column {:?} is not the known {}",
                found.name(),
                column.name()
            )));
        }
    }
    Ok(())
}

/// Whether a row group can have any of these groups.
fn is_within(group: &RowGroupMetaData, groups: &RangeInclusive<u64>) -> bool {
    match group.column(Column::Group as usize).statistics() {
        Some(Statistics::Int64(known)) => {
            let least = known.min_opt().is_none_or(|least| *least as u64 <= *groups.end());
            least && known.max_opt().is_none_or(|greatest| *greatest as u64 >= *groups.start())
        }
        _ => true,
    }
}
