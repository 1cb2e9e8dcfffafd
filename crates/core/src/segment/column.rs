//! One column of integers: plainly or as runs, whichever is shorter.
//!
//! Sorted keys repeat in their leading columns, and most measures are zero in most cells: runs suit both.

use crate::varint::{self, Reader};

const PLAIN: u8 = 0;
const RUNS: u8 = 1;

/// Appends the form, then every value, or every value with the number of its repetitions.
pub(super) fn write(out: &mut Vec<u8>, values: impl Iterator<Item = u64> + Clone) {
    let (mut plain_len, mut runs_len) = (0, 0);
    for_each_run(values.clone(), |value, repeats| {
        let len = varint::len(value);
        plain_len += len * (1 + repeats as usize);
        runs_len += len + varint::len(repeats);
    });
    if runs_len < plain_len {
        out.push(RUNS);
        for_each_run(values, |value, repeats| {
            varint::write(out, value);
            varint::write(out, repeats);
        });
    } else {
        out.push(PLAIN);
        values.for_each(|value| varint::write(out, value));
    }
}

/// Hands over each value and how often it is repeated.
fn for_each_run(values: impl Iterator<Item = u64>, mut take: impl FnMut(u64, u64)) {
    let mut run = None;
    for value in values {
        run = match run {
            Some((same, repeats)) if same == value => Some((same, repeats + 1)),
            other => {
                if let Some((value, repeats)) = other {
                    take(value, repeats);
                }
                Some((value, 0))
            }
        };
    }
    if let Some((value, repeats)) = run {
        take(value, repeats);
    }
}

/// Reads a column of `rows` values and appends each, made by `make`, which may refuse it.
///
/// None where the bytes end too early, have another form, or `make` refuses.
/// A plain column costs at least a byte per value, and runs are bounded by the caller's `rows`.
pub(super) fn read<T: Copy>(
    reader: &mut Reader<'_>,
    rows: usize,
    out: &mut Vec<T>,
    make: impl Fn(u64) -> Option<T>,
) -> Option<()> {
    match reader.byte()? {
        PLAIN => {
            for _ in 0..rows {
                out.push(make(reader.varint()?)?);
            }
        }
        RUNS => {
            let mut row = 0;
            while row < rows {
                let value = make(reader.varint()?)?;
                let end = row + 1 + reader.count(rows - row - 1)?;
                out.resize(out.len() + end - row, value);
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
            write(&mut bytes, values.iter().copied());
            assert_eq!(bytes, expected);
            let mut read_back = Vec::new();
            let mut reader = Reader::new(&bytes);
            assert_eq!(read(&mut reader, values.len(), &mut read_back, Some), Some(()));
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
            assert_eq!(read(&mut Reader::new(bytes), rows, &mut Vec::new(), Some), None, "{bytes:?}");
        }
        check(&[], 0);
        check(&[2], 0);
        check(&[PLAIN, 1], 2);
        check(&[RUNS, 1, 0], 2);
        check(&[RUNS, 1, 2], 2);
        check(&[RUNS, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], 2);
    }
}
