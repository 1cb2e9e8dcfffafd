//! What needs no server: `--dry-run` and `--out`, with the verdicts that the server would give.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use adtally_core::intake::{Context, Media, read_body};
use adtally_core::key::UserSalt;
use adtally_core::screen::Lists;

use super::batch::{Batch, Batches};
use super::delivery::End;
use super::map::Map;
use super::summary::{Rejection, Summary};
use super::{ReplayArgs, ReplayError, open};
use crate::clock;
use crate::source::BytesRead;

/// `--dry-run` shows the first events only.
const SHOWN_EVENTS: usize = 5;

/// Writes all events; the file appears under its name once it is whole.
pub(super) fn write_out(
    args: &ReplayArgs,
    out: &Path,
    map: &Map,
    summary: &mut Summary,
) -> Result<End, ReplayError> {
    let failed = |source| ReplayError::Out { path: out.display().to_string(), source };
    let mut beside = out.as_os_str().to_owned();
    beside.push(".new");
    let mut file = BufWriter::new(File::create(&beside).map_err(failed)?);
    map_all(args, map, summary, |body| file.write_all(body).map_err(failed))?;
    file.flush().and_then(|()| fs::rename(&beside, out)).map_err(failed)?;
    Ok(End::Complete)
}

/// Shows the first events.
pub(super) fn dry_run(args: &ReplayArgs, map: &Map, summary: &mut Summary) -> Result<End, ReplayError> {
    let mut to_show = SHOWN_EVENTS;
    map_all(args, map, summary, |body| {
        for line in body.split_inclusive(|byte| *byte == b'\n').take(to_show) {
            to_show -= 1;
            if !args.json {
                print!("{}", String::from_utf8_lossy(line));
            }
        }
        Ok(())
    })
}

fn map_all(
    args: &ReplayArgs,
    map: &Map,
    summary: &mut Summary,
    mut write: impl FnMut(&[u8]) -> Result<(), ReplayError>,
) -> Result<End, ReplayError> {
    for path in &args.files {
        let shown = path.display().to_string();
        let mut batches =
            Batches::new(open(path, map, BytesRead::default())?, map, &shown, args.batch as usize);
        let failed = |source| ReplayError::Input { path: shown.clone(), source };
        while let Some(batch) = batches.next().map_err(failed)? {
            write(&batch.body)?;
            judge(&batch, &shown, summary);
            summary.events += batch.event_rows.len() as u64;
            summary.merge(batch.unmapped);
        }
    }
    Ok(End::Complete)
}

/// Counts what the server would reject, by its own code.
fn judge(batch: &Batch, file: &str, summary: &mut Summary) {
    // No verdict depends on the salt.
    let context = Context {
        now: clock::now(),
        nonce: 0,
        salt: &UserSalt::new(b""),
        lists: Lists::built_in(),
        visitor: None,
    };
    // A body as a whole is fine: a batch is within its limits, or empty.
    let Ok(intake) = read_body(&batch.body, Media::Ndjson, &context) else { return };
    for refused in intake.rejected {
        let row = batch.event_rows.get(refused.index).copied().unwrap_or(batch.last_row);
        let rejection = Rejection { file: file.to_owned(), row, message: refused.message };
        summary.reject(refused.code.name(), rejection);
    }
}
