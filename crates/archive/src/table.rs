//! The answer to a report query as a Parquet file, with a type per column.

use std::sync::Arc;

use adtally_core::report::{Column, ColumnKind, Metric, Table, Value};
use adtally_core::time::parse_rfc3339;
use bytes::Bytes;
use parquet::basic::{Compression, ConvertedType, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};

use crate::ArchiveError;

/// Rows of a row group; a report has 100,000 rows at the most.
const ROW_GROUP: usize = 32_768;

/// What is in a column of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// The first instant of a unit of local time: milliseconds since 1970, UTC.
    Time,
    /// A name; none where it is unknown.
    Text,
    /// A count or an amount in micros: 64 bits, signed.
    Number,
    /// A quotient: none over zero.
    Quotient,
}

impl Content {
    fn of(column: &Column) -> Content {
        match (column.kind, Metric::parse(column.name)) {
            (ColumnKind::Time, _) => Content::Time,
            (ColumnKind::Dimension, _) => Content::Text,
            (_, Some(Metric::Ratio(_))) => Content::Quotient,
            _ => Content::Number,
        }
    }

    fn of_schema(self, name: &str) -> Result<TypePtr, ArchiveError> {
        let (physical, logical, converted) = match self {
            Content::Time => {
                let logical = LogicalType::timestamp(true, TimeUnit::MILLIS);
                (Physical::INT64, Some(logical), ConvertedType::TIMESTAMP_MILLIS)
            }
            Content::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String), ConvertedType::UTF8),
            Content::Number => (Physical::INT64, None, ConvertedType::NONE),
            Content::Quotient => (Physical::DOUBLE, None, ConvertedType::NONE),
        };
        let column = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical)
            .with_converted_type(converted);
        Ok(Arc::new(column.build()?))
    }
}

/// The file of a table; equal tables make equal bytes.
pub fn table_file(table: &Table) -> Result<Vec<u8>, ArchiveError> {
    let columns = table.columns.iter().map(|column| Content::of(column).of_schema(column.name));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    let schema = Arc::new(Type::group_type_builder("report").with_fields(columns).build()?);
    let properties = WriterProperties::builder()
        .set_created_by("adtally".to_owned())
        .set_compression(Compression::SNAPPY)
        .set_offset_index_disabled(true)
        .build();
    let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    for rows in table.rows.chunks(ROW_GROUP) {
        let mut group = file.next_row_group()?;
        for (place, column) in table.columns.iter().enumerate() {
            let missing = || ArchiveError::Parquet("a column is missing".to_owned());
            let mut writer = group.next_column()?.ok_or_else(missing)?;
            write(&mut writer, Content::of(column), column.name, rows, place)?;
            writer.close()?;
        }
        group.close()?;
    }
    Ok(file.into_inner()?)
}

fn write(
    writer: &mut SerializedColumnWriter<'_>,
    content: Content,
    name: &'static str,
    rows: &[Vec<Value>],
    place: usize,
) -> Result<(), ArchiveError> {
    let values = rows.iter().map(|row| row.get(place).unwrap_or(&Value::Nothing)).enumerate();
    let wrong = |row| ArchiveError::Value { row, column: name };
    let mut levels = Vec::with_capacity(rows.len());
    let (mut numbers, mut quotients, mut texts) = (Vec::new(), Vec::new(), Vec::new());
    for (row, value) in values {
        levels.push(1);
        match (content, value) {
            (_, Value::Nothing) => levels[row] = 0,
            (Content::Text, Value::Text(text)) if text.is_empty() => levels[row] = 0,
            (Content::Text, Value::Text(text)) => {
                texts.push(ByteArray::from(Bytes::copy_from_slice(text.as_bytes())))
            }
            (Content::Time, Value::Text(text)) => {
                numbers.push(parse_rfc3339(text).ok_or_else(|| wrong(row))?)
            }
            (Content::Number, Value::Count(count)) => numbers.push(*count),
            (Content::Quotient, Value::Ratio(ratio)) => quotients.push(*ratio),
            // A quotient that is a whole number.
            (Content::Quotient, Value::Count(count)) => quotients.push(*count as f64),
            _ => return Err(wrong(row)),
        }
    }
    match content {
        Content::Text => writer.typed::<ByteArrayType>().write_batch(&texts, Some(&levels), None)?,
        Content::Quotient => writer.typed::<DoubleType>().write_batch(&quotients, Some(&levels), None)?,
        Content::Time | Content::Number => {
            writer.typed::<Int64Type>().write_batch(&numbers, Some(&levels), None)?
        }
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    use super::*;

    fn column(name: &'static str, kind: ColumnKind) -> Column {
        Column { name, kind }
    }

    fn read(bytes: Vec<u8>) -> Vec<Vec<(String, Field)>> {
        let reader = SerializedFileReader::new(Bytes::from(bytes)).unwrap();
        let rows = reader.get_row_iter(None).unwrap();
        rows.map(|row| row.unwrap().into_columns()).collect()
    }

    #[test]
    fn each_column_has_its_type() {
        let columns = vec![
            column("day", ColumnKind::Time),
            column("campaign", ColumnKind::Dimension),
            column("clicks", ColumnKind::Count),
            column("cost_micros", ColumnKind::Money),
            column("cpc", ColumnKind::Money),
            column("ctr", ColumnKind::Ratio),
        ];
        let text = |text: &str| Value::Text(text.to_owned());
        let rows = vec![
            vec![
                text("2018-07-22T15:00:00Z"),
                text("여름"),
                Value::Count(-3),
                Value::Count(i64::MAX),
                Value::Ratio(1.5),
                Value::Ratio(0.25),
            ],
            vec![
                text("1969-12-31T23:00:00Z"),
                text(""),
                Value::Count(0),
                Value::Count(0),
                Value::Nothing,
                Value::Nothing,
            ],
        ];
        let table = Table::plain(columns, rows);
        let bytes = table_file(&table).unwrap();
        assert_eq!(table_file(&table).unwrap(), bytes);
        let expected = [
            [
                Field::TimestampMillis(1_532_271_600_000),
                Field::Str("여름".to_owned()),
                Field::Long(-3),
                Field::Long(i64::MAX),
                Field::Double(1.5),
                Field::Double(0.25),
            ],
            [
                Field::TimestampMillis(-3_600_000),
                Field::Null,
                Field::Long(0),
                Field::Long(0),
                Field::Null,
                Field::Null,
            ],
        ];
        let found = read(bytes);
        for (found, expected) in found.iter().zip(&expected) {
            let fields: Vec<&Field> = found.iter().map(|(_, field)| field).collect();
            assert_eq!(fields, expected.iter().collect::<Vec<_>>());
        }
        let names: Vec<&str> = found[0].iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["day", "campaign", "clicks", "cost_micros", "cpc", "ctr"]);
    }

    #[test]
    fn no_rows_and_many_rows() {
        for count in [0, 1, ROW_GROUP, ROW_GROUP + 1] {
            let rows = (0..count).map(|row| vec![Value::Count(row as i64)]).collect();
            let table = Table::plain(vec![column("clicks", ColumnKind::Count)], rows);
            let found = read(table_file(&table).unwrap());
            let expected = (0..count).map(|row| vec![("clicks".to_owned(), Field::Long(row as i64))]);
            assert_eq!(found, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_does_not_fit_its_column_is_an_error() {
        fn check(name: &'static str, kind: ColumnKind, value: Value) {
            let table = Table::plain(vec![column(name, kind)], vec![vec![value]]);
            assert_eq!(table_file(&table), Err(ArchiveError::Value { row: 0, column: name }));
        }
        check("day", ColumnKind::Time, Value::Text("yesterday".to_owned()));
        check("day", ColumnKind::Time, Value::Count(1));
        check("ad", ColumnKind::Dimension, Value::Count(1));
        check("clicks", ColumnKind::Count, Value::Ratio(1.0));
    }
}
