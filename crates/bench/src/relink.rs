//! A day of the archive linked again, part by part as the nightly batch does it: files of the archive to cells.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use adtally_archive::{Meta, Named, Reader, Writer, Written};
use adtally_bench::body::{ADVERTISER, Body, REVISION, settings};
use adtally_bench::record::{EventRecord, Names};
use adtally_core::batch::{Accepted, Entry, Part, Relink, Selection, Span};
use adtally_core::key::{Key, UserSalt};
use adtally_core::link::Retention;
use adtally_core::measure::Measure;
use adtally_core::settings::Settings;
use adtally_core::time::{Day, ServerTime};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::native::{Meter, Records, peak_bytes};

/// Entries of a file as compaction leaves it.
const FILE_ENTRIES: usize = 500_000;

/// What is measured apart.
#[derive(Default)]
struct Meters {
    /// Checking the bytes of files and reading what they say about themselves.
    open: Meter,
    /// Finding out which rows are wanted.
    look: Meter,
    /// Reading them, and taking them in.
    read: Meter,
    /// Linking, and adding up.
    link: Meter,
}

/// Days of events in files of the archive.
struct Archive {
    files: Vec<Written>,
    entries: BTreeMap<Day, Vec<Entry>>,
    of_day: BTreeMap<Day, u64>,
}

pub(crate) fn run(file: &PathBuf, events: u64, runs: usize) -> Result<Value> {
    let archive = Archive::of(Records::open(file, events, EventRecord::BYTES)?)?;
    let before = peak_bytes()?;
    let mut rows: Vec<(Meters, f64)> = Vec::new();
    let mut answer = BTreeMap::new();
    for _ in 0..runs {
        let mut meters = Meters::default();
        answer = archive.link(&mut meters)?;
        let Meters { open, look, read, link } = &meters;
        let all = [open, look, read, link].map(|meter| meter.cpu.as_secs_f64()).iter().sum();
        rows.push((meters, all));
    }
    let seconds = |of: &dyn Fn(&Meters) -> &Meter| -> Vec<f64> {
        rows.iter().map(|(meters, _)| of(meters).cpu.as_secs_f64()).collect()
    };
    Ok(json!({
        "job": "relink", "events": archive.of_day.values().sum::<u64>(),
        "cpu_s": rows.iter().map(|(_, all)| all).collect::<Vec<_>>(),
        "open_cpu_s": seconds(&|meters| &meters.open), "look_cpu_s": seconds(&|meters| &meters.look),
        "read_cpu_s": seconds(&|meters| &meters.read), "link_cpu_s": seconds(&|meters| &meters.link),
        "answer": answer, "archive_bytes": archive.files.iter().map(|file| file.bytes.len()).sum::<usize>(),
        "grown": peak_bytes()? - before,
    }))
}

impl Archive {
    fn of(mut records: Records) -> Result<Self> {
        let mut archive = Self { files: Vec::new(), entries: BTreeMap::new(), of_day: BTreeMap::new() };
        let (salt, names) = (UserSalt::new(b"salt"), records.names.clone());
        let (mut seen, mut chunk, mut row) = (BTreeSet::new(), Vec::new(), 0);
        while records.next(&mut chunk)? {
            row += 1;
            archive.take(&chunk, row, &salt, &names, &mut seen)?;
        }
        for day in archive.entries.keys().copied().collect::<Vec<_>>() {
            archive.write(day)?;
        }
        Ok(archive)
    }

    fn take(
        &mut self,
        chunk: &[u8],
        row: i64,
        salt: &UserSalt,
        names: &Names,
        seen: &mut BTreeSet<u64>,
    ) -> Result<()> {
        let mut body = Body::default();
        body.fill(chunk, names);
        let arrivals = body.arrivals(body.read(salt), &settings());
        for (record, arrival) in EventRecord::all(chunk).zip(arrivals) {
            let (day, received, event) = (arrival.event.at.day(), arrival.received, arrival.event);
            if !seen.insert(record.id) {
                continue;
            }
            let accepted = Accepted { row, received, revision: REVISION, event };
            let entries = self.entries.entry(day).or_default();
            entries.push(Entry::Accepted(Box::new(accepted)));
            *self.of_day.entry(day).or_default() += 1;
            if entries.len() == FILE_ENTRIES {
                self.write(day)?;
            }
        }
        Ok(())
    }

    fn write(&mut self, day: Day) -> Result<()> {
        let entries = std::mem::take(self.entries.entry(day).or_default());
        if !entries.is_empty() {
            let settings: Settings = (*settings()).clone();
            let meta = Meta {
                advertiser: Key::parse(ADVERTISER)?,
                shard: 0,
                day,
                rows: (0, i64::MAX),
                settings: [(REVISION, settings)].into(),
            };
            self.files.push(Writer::write(meta, entries)?);
        }
        Ok(())
    }

    /// Links every part of every day; the sums of all cells.
    fn link(&self, meters: &mut Meters) -> Result<BTreeMap<&'static str, i64>> {
        let mut sums = BTreeMap::new();
        for part in self.of_day.iter().flat_map(|(day, entries)| Part::divide(*day, *entries)) {
            let relink = self.select(part, meters)?;
            *sums.entry("held").or_default() += relink.len() as i64;
            let segments = meters.link.measure(|| relink.finish())?;
            let (_, cells) = segments.first().context("a part without cells")?;
            let sum = cells.sums();
            *sums.entry("parts").or_default() += 1;
            let told =
                [Measure::Impressions, Measure::LinkedClicks, Measure::Conversions, Measure::CostMicros];
            for measure in told {
                *sums.entry(measure.name()).or_default() += sum.get(measure);
            }
        }
        Ok(sums)
    }

    fn select(&self, part: Part, meters: &mut Meters) -> Result<Relink> {
        let settings: BTreeMap<u64, Arc<Settings>> = [(REVISION, settings())].into();
        let mut selection = Selection::new(part, Retention::default(), settings.values().map(Arc::as_ref));
        let mut relink = Relink::new(part, Retention::default(), settings.clone(), []);
        loop {
            for Written { file, bytes, .. } in &self.files {
                let (first, last) = file.received_ms;
                let received = (ServerTime(first), ServerTime(last));
                let span = Span { day: Day(file.day), groups: file.groups, received };
                let Some(look) = selection.opens(&span) else { continue };
                let bytes = bytes.clone();
                let reader = meters.open.measure(|| Reader::verified(bytes, file))??;
                let wanted = meters.look.measure(|| {
                    let glances = reader.glances_of(look, Named::Own, |name| selection.seeks(name))?;
                    let wanted = glances.iter().filter(|glance| selection.wants(&span, &glance.hashes));
                    Ok::<_, anyhow::Error>(wanted.map(|glance| glance.index).collect::<Vec<usize>>())
                })??;
                let mut added = Ok(());
                meters.read.measure(|| {
                    reader.each_stored(&wanted, |_, row| {
                        if added.is_ok() {
                            added = relink.add_stored(&row);
                        }
                    })
                })??;
                added?;
            }
            if !selection.next_round() {
                return Ok(relink);
            }
        }
    }
}
