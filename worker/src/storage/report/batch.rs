//! The batch's part of a Report object's store: generations, their days, and what they restated.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};

use adtally_core::ledger::oldest_kept;
use adtally_core::publish::{BySource, Staged};
use adtally_core::restate::{Cause, Restatement};
use adtally_core::route::parse_linker_name;
use adtally_core::segment::{Merger, Segment};
use adtally_core::time::{Day, Hour};
use adtally_wire::batch::{Publication, SourceCut};
use adtally_wire::story;
use worker::{Error, Result};

use super::super::sql::{Row, integer};
use super::{MAX_ROW_BYTES, ReportStore, Totals, decode};

/// A published generation.
#[derive(Default)]
pub(crate) struct Generation {
    /// Its number; 0: none.
    pub(crate) generation: u64,
    /// Everything acknowledged up to this server time is in it.
    pub(crate) through_ms: Option<i64>,
    /// The latest server time that any of its sources was cut at.
    pub(crate) updated_ms: Option<i64>,
    /// The all-time totals of the batch.
    pub(crate) totals: Totals,
}

/// A stored row of restatements.
pub(crate) struct RestatementRow {
    /// The generation that made it.
    pub(crate) generation: u64,
    /// Its place in the generation.
    pub(crate) part: i64,
    /// When the generation was published.
    pub(crate) made_ms: i64,
    /// What changed.
    pub(crate) restatement: Restatement,
}

impl ReportStore {
    /// The next rows of restatements of these days from a place on, the newest generations first.
    pub(crate) fn restatements(
        &self,
        days: &RangeInclusive<Day>,
        generation: Option<u64>,
        from: (u64, i64),
    ) -> Result<Vec<RestatementRow>> {
        let query = "SELECT generation, part, made_ms, cause, before, after
            FROM restatements JOIN generations USING (generation)
            WHERE day >= ? AND day <= ? AND (? OR generation = ?)
            AND (generation < ? OR generation = ? AND part >= ?)
            ORDER BY generation DESC, part LIMIT ?";
        let any = integer(i64::from(generation.is_none()))?;
        let (at, part) = (integer(from.0.min(MAX_GENERATION as u64))?, integer(from.1)?);
        let (first, last) = (integer(days.start().0)?, integer(days.end().0)?);
        let only = integer(generation.unwrap_or(0).min(MAX_GENERATION as u64))?;
        let bindings = vec![first, last, any, only, at.clone(), at, part, integer(PAGE_ROWS)?];
        self.database.rows(query, bindings)?.into_iter().map(restatement).collect()
    }

    /// The last generation that is published, up to one.
    pub(crate) fn generation_upto(&self, most: u64) -> Result<Generation> {
        let query = "SELECT generation, through_ms, updated_ms, totals FROM generations
            WHERE generation <= ? ORDER BY generation DESC LIMIT 1";
        let most = i64::try_from(most).unwrap_or(i64::MAX).min(MAX_GENERATION);
        let row = self.database.rows(query, vec![integer(most)?])?.into_iter().next();
        row.map(generation).transpose().map(Option::unwrap_or_default)
    }

    /// The last generation that is published.
    pub(crate) fn last_generation(&self) -> Result<Generation> {
        self.generation_upto(u64::MAX)
    }

    /// Hands over every segment that a generation has of these hours' days, but for some; tells how many days that were.
    pub(crate) fn days_of(
        &self,
        hours: &Range<Hour>,
        generation: u64,
        except: &BTreeSet<Day>,
        mut take: impl FnMut(Segment),
    ) -> Result<u64> {
        let last = Hour(hours.end.0.saturating_sub(1));
        let range = vec![integer(Day::of(hours.start).0)?, integer(Day::of(last).0)?];
        let days = "SELECT DISTINCT day FROM days WHERE day >= ? AND day <= ?";
        let mut read = 0;
        // A day at a time: what is read is in memory at once.
        for mut day in self.database.rows(days, range)? {
            let day = day.integer()?;
            if i32::try_from(day).is_ok_and(|day| except.contains(&Day(day))) {
                continue;
            }
            let day = integer(day)?;
            read += 1;
            let query = "SELECT body FROM days AS this WHERE day = ? AND generation = (
                SELECT max(generation) FROM days WHERE day = this.day AND source = this.source AND generation <= ?)";
            for mut row in self.database.rows(query, vec![day, integer(generation)?])? {
                take(decode(&row.blob()?)?);
            }
        }
        Ok(read)
    }

    /// What is published of a day of an advertiser, by source.
    pub(crate) fn day_of(&self, day: Day, advertiser: &str, generation: u64) -> Result<BySource> {
        let query = "SELECT source, body FROM days AS this WHERE day = ? AND source >= ? AND source < ?
            AND generation = (SELECT max(generation) FROM days
                WHERE day = this.day AND source = this.source AND generation <= ?)";
        // Linkers are named `<advertiser>/<shard>`, and '0' follows '/'.
        let (from, to) = (format!("{advertiser}/"), format!("{advertiser}0"));
        let bindings = vec![integer(day.0)?, from.as_str().into(), to.as_str().into(), integer(generation)?];
        let mut sources: BTreeMap<String, Merger> = BTreeMap::new();
        for mut row in self.database.rows(query, bindings)? {
            let (source, segment) = (row.text()?, decode(&row.blob()?)?);
            // Keys may have slashes: `a/b/0` is not of `a`.
            if parse_linker_name(&source).is_some_and(|(owner, _)| owner.as_str() == advertiser) {
                sources.entry(source).or_default().add(segment);
            }
        }
        Ok(sources.into_iter().map(|(source, segment)| (source, segment.finish())).collect())
    }

    /// Whether anything of a day is published.
    pub(crate) fn is_published(&self, day: Day, generation: u64) -> Result<bool> {
        let query = "SELECT 1 FROM days WHERE day = ? AND generation <= ? LIMIT 1";
        Ok(!self.database.rows(query, vec![integer(day.0)?, integer(generation)?])?.is_empty())
    }

    /// Whether the batch has everything up to these cuts already.
    pub(crate) fn covers(&self, cuts: &[SourceCut]) -> Result<bool> {
        for cut in cuts {
            if self.source(&cut.source)?.heard.covered < Some(cut.epoch) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Forgets what was staged after the last generation that is published.
    pub(crate) fn forget_staged(&self, published: u64) -> Result<()> {
        self.database.atomically(|| {
            self.database.run("DELETE FROM days WHERE generation > ?", vec![integer(published)?])?;
            let restatements = "DELETE FROM restatements WHERE generation > ?";
            self.database.run(restatements, vec![integer(published)?]).map(drop)
        })
    }

    /// Stores what a publication changes of a day, for nobody to read yet; `part` counts the rows of restatements.
    pub(crate) fn stage(&self, generation: u64, day: Day, staged: &Staged, part: &mut i64) -> Result<()> {
        let mut next = *part;
        next = self.database.atomically(|| {
            let mut next = next;
            for (source, segment) in &staged.segments {
                let insert = "INSERT INTO days (day, source, generation, part, body) VALUES (?, ?, ?, ?, ?)";
                for (place, body) in segment.encode_within(MAX_ROW_BYTES).into_iter().enumerate() {
                    let (day, generation) = (integer(day.0)?, integer(generation)?);
                    let bindings =
                        vec![day, source.as_str().into(), generation, integer(place)?, body.into()];
                    self.database.run(insert, bindings)?;
                }
            }
            for restatement in &staged.restatements {
                // Both segments are in one row.
                for row in restatement.clone().within(MAX_ROW_BYTES / 2) {
                    let insert = "INSERT INTO restatements (generation, part, day, cause, before, after)
                        VALUES (?, ?, ?, ?, ?, ?)";
                    let (before, after) = (row.before.encode().into(), row.after.encode().into());
                    let cause = row.cause.name().into();
                    let bindings =
                        vec![integer(generation)?, integer(next)?, integer(day.0)?, cause, before, after];
                    self.database.run(insert, bindings)?;
                    next += 1;
                }
            }
            Ok(next)
        })?;
        *part = next;
        Ok(())
    }

    /// Publishes what is staged: from here on it is read, and real time goes on after the cuts. All of it or nothing.
    pub(crate) fn flip(&self, publication: &Publication, totals: &Totals) -> Result<()> {
        let totals = serde_json::to_string(totals)?;
        self.database.atomically(|| {
            self.fold_earlier()?;
            for cut in &publication.cuts {
                self.cut(cut)?;
            }
            let through = "SELECT min(covered_through_ms), max(covered_through_ms) FROM sources WHERE covered IS NOT NULL";
            let (mut through_ms, mut updated_ms) = (None, None);
            if let Some(row) = self.database.rows(through, vec![])?.first_mut() {
                (through_ms, updated_ms) = (row.integer_or_null()?, row.integer_or_null()?);
            }
            let insert = "INSERT INTO generations (generation, made_ms, through_ms, updated_ms, totals)
                VALUES (?, ?, ?, ?, ?)";
            let (generation, made_ms) = (integer(publication.generation)?, integer(publication.made_ms)?);
            let through_ms = through_ms.map(integer).transpose()?.into();
            let updated_ms = updated_ms.map(integer).transpose()?.into();
            let bindings = vec![generation, made_ms, through_ms, updated_ms, totals.as_str().into()];
            self.database.run(insert, bindings)?;
            let superseded = "DELETE FROM days WHERE EXISTS (SELECT 1 FROM days AS later
                WHERE later.day = days.day AND later.source = days.source
                AND later.generation > days.generation AND later.generation <= ?)";
            let oldest = integer(oldest_kept(publication.generation))?;
            self.database.run(superseded, vec![oldest]).map(drop)
        })
    }

    /// Drops what a cut covers of a source's real time.
    fn cut(&self, cut: &SourceCut) -> Result<()> {
        let heard = self.source(&cut.source)?.heard.cut(cut.epoch);
        let covered = integer(heard.covered.unwrap_or(cut.epoch))?;
        let source = || cut.source.as_str().into();
        let delete = "DELETE FROM hours WHERE source = ? AND epoch <= ?";
        self.database.run(delete, vec![source(), covered.clone()])?;
        let tail = "UPDATE sources SET tail = NULL, deltas = 0 WHERE source = ? AND epoch <= ?";
        self.database.run(tail, vec![source(), covered.clone()])?;
        let mut left = Totals::new();
        let cells = "SELECT body FROM hours WHERE source = ?
            UNION ALL SELECT tail FROM sources WHERE source = ? AND tail IS NOT NULL";
        for mut row in self.database.rows(cells, vec![source(), source()])? {
            for (measure, figure) in story::measures(&decode(&row.blob()?)?.sums()) {
                *left.entry(measure).or_default() += figure;
            }
        }
        let upsert = "INSERT INTO sources (source, epoch, seq, totals, covered, covered_through_ms)
            VALUES (?, ?, 0, ?, ?, ?)
            ON CONFLICT (source) DO UPDATE SET totals = excluded.totals, covered = excluded.covered,
            covered_through_ms = max(coalesce(covered_through_ms, excluded.covered_through_ms),
                excluded.covered_through_ms)";
        let totals = serde_json::to_string(&left)?;
        let through = integer(cut.through_ms)?;
        let bindings = vec![source(), covered.clone(), totals.as_str().into(), covered.clone(), through];
        self.database.run(upsert, bindings).map(drop)
    }
}

/// What a query binds for "any": numbers travel as doubles.
const MAX_GENERATION: i64 = 1 << 52;

/// Rows of restatements that are read at once, up to a megabyte each.
const PAGE_ROWS: i64 = 8;

fn restatement(mut row: Row) -> Result<RestatementRow> {
    let generation = u64::try_from(row.integer()?).unwrap_or(0);
    let (part, made_ms, cause) = (row.integer()?, row.integer()?, row.text()?);
    let cause = Cause::parse(&cause).ok_or_else(|| Error::RustError(format!("stored cause {cause:?}")))?;
    let restatement = Restatement { cause, before: decode(&row.blob()?)?, after: decode(&row.blob()?)? };
    Ok(RestatementRow { generation, part, made_ms, restatement })
}

fn generation(mut row: Row) -> Result<Generation> {
    let generation = u64::try_from(row.integer()?).unwrap_or(0);
    let (through_ms, updated_ms) = (row.integer_or_null()?, row.integer_or_null()?);
    Ok(Generation { generation, through_ms, updated_ms, totals: serde_json::from_str(&row.text()?)? })
}
