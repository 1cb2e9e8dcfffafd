//! Batches: rows become request bodies that know which row each event came from.

use super::input::{BadRow, Input, InputError};
use super::map::Map;
use super::summary::{Rejection, Summary};

/// A body stays under this: the server takes 5,000,000 bytes, and the last row may still add some.
const MAX_BODY_BYTES: usize = 4_000_000;

/// A batch ends after so many rows even if they give no events, so that progress is still recorded.
const MAX_ROWS: u64 = 100_000;

/// Rows that are acknowledged together; the events of a row are never parted.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// The first of the file is 0.
    pub(crate) sequence: u64,
    /// The last row that it covers.
    pub(crate) last_row: u64,
    /// For each event its row.
    pub(crate) event_rows: Vec<u64>,
    /// The events in NDJSON.
    pub(crate) body: Vec<u8>,
    /// What the map could not make into events.
    pub(crate) unmapped: Summary,
}

/// Cuts a file into batches.
pub(crate) struct Batches<'a> {
    input: Input,
    map: &'a Map,
    file: &'a str,
    max_events: usize,
    sequence: u64,
}

impl<'a> Batches<'a> {
    /// Batches of at most `max_events` events, save that a row's events stay together.
    pub(crate) fn new(input: Input, map: &'a Map, file: &'a str, max_events: usize) -> Self {
        Self { input, map, file, max_events, sequence: 0 }
    }

    /// The name of the file.
    pub(crate) fn file(&self) -> &str {
        self.file
    }

    /// The next batch; `None` at the end of the file.
    pub(crate) fn next(&mut self) -> Result<Option<Batch>, InputError> {
        let mut batch = Batch { sequence: self.sequence, ..Batch::default() };
        while batch.has_room(self.max_events) {
            let outcome = match self.input.next()? {
                None => break,
                Some(Ok(row)) => self.map.apply(&row).map_err(|error| ("unmapped", error.to_string())),
                Some(Err(BadRow(reason))) => Err(("bad_row", reason)),
            };
            let row = self.input.row_number();
            batch.unmapped.rows += 1;
            batch.last_row = row;
            match outcome {
                Ok(events) => {
                    for event in events {
                        event.write_line(&mut batch.body);
                        batch.event_rows.push(row);
                    }
                }
                Err((code, message)) => {
                    batch.unmapped.reject(code, Rejection { file: self.file.to_owned(), row, message });
                }
            }
        }
        self.sequence += 1;
        Ok((batch.unmapped.rows > 0).then_some(batch))
    }
}

impl Batch {
    fn has_room(&self, max_events: usize) -> bool {
        self.event_rows.len() < max_events
            && self.body.len() < MAX_BODY_BYTES
            && self.unmapped.rows < MAX_ROWS
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::source::BytesRead;

    const MAP: &str = "
        [every]
        id = '{id}'
        advertiser = 'a'
        [[event]]
        kind = 'impression'
        at = { from = '{t}', format = 'epoch_s' }
        [[event]]
        kind = 'click'
        when = 'click = 1'
    ";

    fn write(name: &str, content: &[u8]) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("adtally-batch-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// Reads all batches as (last row, rows of the events, codes).
    fn cut(name: &str, content: &[u8], skip: u64, max_events: usize) -> Vec<(u64, Vec<u64>, Vec<String>)> {
        let map = Map::parse(MAP).unwrap();
        let mut input = Input::open(&write(name, content), &map, BytesRead::default()).unwrap();
        input.skip(skip).unwrap();
        let mut batches = Batches::new(input, &map, name, max_events);
        let mut found = Vec::new();
        while let Some(batch) = batches.next().unwrap() {
            assert_eq!(batch.sequence, found.len() as u64);
            assert_eq!(batch.body.iter().filter(|byte| **byte == b'\n').count(), batch.event_rows.len());
            found.push((batch.last_row, batch.event_rows, batch.unmapped.reasons.into_keys().collect()));
        }
        found
    }

    const CSV: &str = "\u{feff}id,t,click\na,1,0\nb,2,1\nc,x,0\nd,4\ne,5,1\n";

    #[test]
    fn rows_stay_together_and_bad_ones_are_named() {
        let codes = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
        let expected = vec![(2, vec![1, 2, 2], codes(&[])), (5, vec![5, 5], codes(&["bad_row", "unmapped"]))];
        assert_eq!(cut("a.csv", CSV.as_bytes(), 0, 2), expected);
        assert_eq!(cut("a.csv", CSV.as_bytes(), 2, 2), [(5, vec![5, 5], codes(&["bad_row", "unmapped"]))]);
        assert_eq!(cut("a.csv", CSV.as_bytes(), 5, 2), []);
    }

    #[test]
    fn gzipped_ndjson() {
        use std::io::Write;
        let ndjson = "{\"id\":\"a\",\"t\":1}\n\n[1]\n{\"id\":\n{\"id\":\"b\",\"t\":2.5,\"click\":1}";
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(ndjson.as_bytes()).unwrap();
        let found = cut("a.ndjson.gz", &gz.finish().unwrap(), 0, 100);
        assert_eq!(found, [(4, vec![1, 4, 4], vec!["bad_row".to_owned()])]);
    }

    #[test]
    fn a_missing_column_is_an_error_before_anything_is_sent() {
        let map = Map::parse(MAP).unwrap();
        let path = write("missing.csv", b"id,click\na,1\n");
        let error = Input::open(&path, &map, BytesRead::default()).err().unwrap();
        assert_eq!(error.to_string(), "the map reads `t`, the file has id, click");
    }
}
