//! Event files as the server reads them: NDJSON, valid events by advertiser.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use adtally_core::event::Event;
use adtally_core::intake::{BodyError, Context, MAX_BODY_BYTES, MAX_EVENT_BYTES, Media, read_body};
use adtally_core::key::{Key, UserSalt};
use adtally_core::screen::Lists;
use adtally_core::time::ServerTime;

use crate::source::{self, BytesRead};

/// Events are read in bodies of this many, far below what a body may hold.
const BODY_EVENTS: usize = 500;

/// A body of longest events is still a valid one.
const _: () = assert!(BODY_EVENTS * (MAX_EVENT_BYTES + 1) <= MAX_BODY_BYTES);

/// The events of the files.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// In the order of the files; repeated ones are still there.
    pub(crate) events: BTreeMap<Key, Vec<Event>>,
    /// By code: what the server refuses too.
    pub(crate) rejected: BTreeMap<&'static str, u64>,
}

/// How events are read.
pub(crate) struct Reading<'a> {
    pub(crate) now: ServerTime,
    pub(crate) salt: &'a UserSalt,
}

impl Loaded {
    /// Adds the events of a file, plain or gzipped.
    pub(crate) fn add_file(&mut self, path: &Path, reading: &Reading<'_>) -> io::Result<()> {
        let (source, _) = source::open(path, BytesRead::default())?;
        let mut reader = BufReader::new(source);
        let mut body = Vec::new();
        let mut lines = 0;
        loop {
            let start = body.len();
            let more = reader.read_until(b'\n', &mut body)? > 0;
            let line = &body[start..];
            if line.len() > MAX_EVENT_BYTES + 1 {
                // Too long for a body of such events to stay valid, and rejected for its length anyway.
                *self.rejected.entry("event_too_large").or_default() += 1;
                body.truncate(start);
                continue;
            }
            lines += usize::from(!line.trim_ascii().is_empty());
            if lines == BODY_EVENTS || !more {
                self.add_body(&body, reading);
                body.clear();
                lines = 0;
            }
            if !more {
                return Ok(());
            }
        }
    }

    fn add_body(&mut self, body: &[u8], reading: &Reading<'_>) {
        let context = Context {
            now: reading.now,
            nonce: 0,
            salt: reading.salt,
            lists: Lists::built_in(),
            visitor: None,
        };
        match read_body(body, Media::Ndjson, &context) {
            Ok(intake) => {
                for (_, event) in intake.events {
                    self.events.entry(event.advertiser.clone()).or_default().push(event);
                }
                for rejection in intake.rejected {
                    *self.rejected.entry(rejection.code.name()).or_default() += 1;
                }
            }
            Err(BodyError::Empty) => {}
            // Only a body without one readable line comes here: the others are below every limit.
            Err(error) => {
                let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
                *self.rejected.entry(error.code()).or_default() += lines.count() as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_everything_in_it() {
        let folder = std::env::temp_dir().join(format!("adtally-load-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("a.ndjson");
        let event = |id: usize, advertiser: &str| {
            format!(
                r#"{{"kind":"click","id":"c{id}","at":1790000000000,"advertiser":"{advertiser}","ad":"a"}}"#
            )
        };
        let mut lines: Vec<String> =
            (0..1_200).map(|id| event(id, if id % 3 == 0 { "acme" } else { "globex" })).collect();
        lines.insert(700, String::new());
        lines.insert(701, format!(r#"{{"kind":"click","page":"{}"}}"#, "x".repeat(9_000)));
        lines.insert(702, r#"{"kind":"wink"}"#.to_owned());
        lines.push("{".to_owned());
        std::fs::write(&path, lines.join("\n")).unwrap();
        let mut loaded = Loaded::default();
        let reading = Reading { now: ServerTime(1_790_000_000_000), salt: &UserSalt::new(b"") };
        loaded.add_file(&path, &reading).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();

        let counts: Vec<_> = loaded.events.iter().map(|(key, events)| (key.as_str(), events.len())).collect();
        assert_eq!(counts, [("acme", 400), ("globex", 800)]);
        let expected = [("bad_json", 1), ("event_too_large", 1), ("unknown_kind", 1)];
        assert_eq!(loaded.rejected.into_iter().collect::<Vec<_>>(), expected);
    }
}
