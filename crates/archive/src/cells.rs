//! Cells as a Parquet file, for engines that read what was added up.

use std::sync::Arc;

use adtally_core::cell::{CellKey, Dimension, Tally};
use adtally_core::measure::Measure;
use adtally_core::segment::Segment;
use bytes::Bytes;
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{PrimitiveTypeBuilder, Type, TypePtr};

use crate::ArchiveError;

/// Cells of a row group.
const ROW_GROUP: usize = 65_536;

/// The columns of such a file, each with what it is: `timestamp_ms`, `text` or `int64`.
pub fn cells_columns(dimensions: &[Dimension], with_users: bool) -> Vec<(&'static str, &'static str)> {
    let texts = dimensions.iter().map(|dimension| (dimension.name(), "text"));
    let figures = Measure::ALL.iter().map(|measure| measure.name()).chain(with_users.then_some("reach"));
    [("unit_start", "timestamp_ms")]
        .into_iter()
        .chain(texts)
        .chain(figures.map(|name| (name, "int64")))
        .collect()
}

/// The cells of a segment: the time at which the unit of each began, the dimensions that it tells apart, every measure,
/// and how many users there were if they are known. An unknown value is null.
pub fn cells_file(
    segment: &Segment,
    dimensions: &[Dimension],
    with_users: bool,
) -> Result<Vec<u8>, ArchiveError> {
    let properties = WriterProperties::builder()
        .set_created_by("adtally".to_owned())
        .set_compression(Compression::SNAPPY)
        .build();
    let schema = schema(dimensions, with_users)?;
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let mut cells = segment.iter().peekable();
    while cells.peek().is_some() {
        let rows: Vec<(CellKey, Tally)> = cells.by_ref().take(ROW_GROUP).collect();
        let mut group = file.next_row_group()?;
        let times: Vec<i64> = rows.iter().map(|(key, _)| key.hour.start_ms()).collect();
        numbers(&mut group, &times)?;
        for dimension in dimensions {
            texts(&mut group, rows.iter().map(|(key, _)| key.dim(*dimension).as_str()))?;
        }
        for measure in Measure::ALL {
            let figures: Vec<i64> = rows.iter().map(|(_, tally)| tally.measures.get(measure)).collect();
            numbers(&mut group, &figures)?;
        }
        if with_users {
            let users: Vec<i64> = rows
                .iter()
                .map(|(_, tally)| i64::try_from(tally.users.estimate()).unwrap_or(i64::MAX))
                .collect();
            numbers(&mut group, &users)?;
        }
        group.close()?;
    }
    Ok(file.into_inner()?)
}

fn schema(dimensions: &[Dimension], with_users: bool) -> Result<TypePtr, ArchiveError> {
    let mut columns = Vec::new();
    for (name, kind) in cells_columns(dimensions, with_users) {
        let column = match kind {
            "timestamp_ms" => number(name)
                .with_logical_type(Some(LogicalType::timestamp(true, TimeUnit::MILLIS)))
                .with_converted_type(ConvertedType::TIMESTAMP_MILLIS),
            "text" => Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
                .with_repetition(Repetition::OPTIONAL)
                .with_logical_type(Some(LogicalType::String))
                .with_converted_type(ConvertedType::UTF8),
            _ => number(name),
        };
        columns.push(Arc::new(column.build()?));
    }
    Ok(Arc::new(Type::group_type_builder("cells").with_fields(columns).build()?))
}

fn number(name: &str) -> PrimitiveTypeBuilder<'_> {
    Type::primitive_type_builder(name, Physical::INT64).with_repetition(Repetition::REQUIRED)
}

fn numbers(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, values: &[i64]) -> Result<(), ArchiveError> {
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<Int64Type>().write_batch(values, None, None)?;
    column.close()?;
    Ok(())
}

fn texts<'a>(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    values: impl Iterator<Item = &'a str>,
) -> Result<(), ArchiveError> {
    let (mut texts, mut levels) = (Vec::new(), Vec::new());
    for value in values {
        levels.push(i16::from(!value.is_empty()));
        if !value.is_empty() {
            texts.push(ByteArray::from(Bytes::copy_from_slice(value.as_bytes())));
        }
    }
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None)?;
    column.close()?;
    Ok(())
}

fn missing() -> ArchiveError {
    ArchiveError::Parquet("a column is missing".to_owned())
}

#[cfg(test)]
mod tests {
    use adtally_core::cell::Cells;
    use adtally_core::key::{Key, UserKey};
    use adtally_core::time::Hour;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut cells = Cells::new();
        for (country, clicks) in [("KR", 3), ("", 4)] {
            let mut key = CellKey::at(Hour(24));
            key.set(Dimension::Country, Key::parse(country).unwrap());
            let tally = cells.entry(key).or_default();
            tally.measures.add(Measure::Clicks, clicks);
            tally.users.insert(UserKey(7));
        }
        let file = cells_file(&Segment::from_cells(cells), &[Dimension::Country], true).unwrap();
        let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
        let rows: Vec<(Option<String>, i64, i64)> = reader
            .get_row_iter(None)
            .unwrap()
            .map(|row| row.unwrap())
            .map(|row| {
                let names: Vec<String> = row.get_column_iter().map(|(name, _)| name.clone()).collect();
                let place = |name: &str| names.iter().position(|known| known == name).unwrap();
                assert_eq!(row.get_timestamp_millis(place("unit_start")).unwrap(), 24 * 3_600_000);
                let country = row.get_string(place("country")).ok().cloned();
                (country, row.get_long(place("clicks")).unwrap(), row.get_long(place("reach")).unwrap())
            })
            .collect();
        assert_eq!(rows, [(None, 4, 1), (Some("KR".to_owned()), 3, 1)]);
    }
}
