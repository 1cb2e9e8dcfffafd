//! One column of integers: plainly or as runs, whichever is shorter.
//!
//! Sorted keys repeat in their leading columns, and most measures are zero in most cells: runs suit both.

use crate::varint::{self, Reader};

const PLAIN: u8 = 0;
const RUNS: u8 = 1;

/// Appends the form, then every value, or every value with the number of its repetitions.
pub(super) fn write(out: &mut Vec<u8>, values: &[u64]) {
    let runs = || values.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u64 - 1));
    let plain_len: usize = values.iter().map(|value| varint::len(*value)).sum();
    let runs_len: usize = runs().map(|(value, repeats)| varint::len(value) + varint::len(repeats)).sum();
    if runs_len < plain_len {
        out.push(RUNS);
        for (value, repeats) in runs() {
            varint::write(out, value);
            varint::write(out, repeats);
        }
    } else {
        out.push(PLAIN);
        for value in values {
            varint::write(out, *value);
        }
    }
}

/// Reads a column of `rows` values and hands each to `take`, which may refuse it.
///
/// None where the bytes end too early, have another form, or `take` refuses.
pub(super) fn read(
    reader: &mut Reader<'_>,
    rows: usize,
    mut take: impl FnMut(usize, u64) -> Option<()>,
) -> Option<()> {
    match reader.byte()? {
        PLAIN => {
            for row in 0..rows {
                take(row, reader.varint()?)?;
            }
        }
        RUNS => {
            let mut row = 0;
            while row < rows {
                let value = reader.varint()?;
                let end = row + 1 + reader.count(rows - row - 1)?;
                for row in row..end {
                    take(row, value)?;
                }
                row = end;
            }
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shorter_form_is_taken() {
        fn check(values: &[u64], expected: &[u8]) {
            let mut bytes = Vec::new();
            write(&mut bytes, values);
            assert_eq!(bytes, expected);
            let mut read_back = Vec::new();
            let mut reader = Reader::new(&bytes);
            let keep = |row, value| {
                assert_eq!(row, read_back.len());
                read_back.push(value);
                Some(())
            };
            assert_eq!(read(&mut reader, values.len(), keep), Some(()));
            assert_eq!(read_back, values);
            assert!(reader.is_empty());
        }
        check(&[], &[PLAIN]);
        check(&[3], &[PLAIN, 3]);
        check(&[1, 2, 3], &[PLAIN, 1, 2, 3]);
        check(&[7, 7, 7, 0, 0, 0], &[RUNS, 7, 2, 0, 2]);
        check(&[300, 300], &[RUNS, 0xac, 0x02, 1]);
    }

    #[test]
    fn bad_columns_are_refused() {
        fn check(bytes: &[u8], rows: usize) {
            assert_eq!(read(&mut Reader::new(bytes), rows, |_, _| Some(())), None, "{bytes:?}");
        }
        check(&[], 0);
        check(&[2], 0);
        check(&[PLAIN, 1], 2);
        check(&[RUNS, 1, 0], 2);
        check(&[RUNS, 1, 2], 2);
        check(&[RUNS, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 2);
    }
}
