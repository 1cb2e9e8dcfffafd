//! When cells that were gathered before may be used again.
//!
//! Cells are kept under a [`key`]: whose they are, and all of the query that they depend on. They carry the [`Mark`] of
//! the data that they were made of, and are what the object would say while its [`News`] tell of no change in their
//! hours since then.
//!
//! ```text
//! key -> kept cells, their marks -+
//!                                 +-> is the news trusted, has it changed? -> use, ask whether, or gather
//! scope -> news, and how old ----+
//! ```

use std::collections::BTreeMap;
use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::cell::Scope;
use crate::report::{Query, Source, plain};
use crate::time::{Day, Hour, ServerTime};

/// Days whose last change is remembered one by one: more than late events touch, and a kilobyte or two to tell.
const MAX_DAYS: usize = 100;

/// Which data of a scope something was made of; both grow, the version also within a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Mark {
    /// The last generation of the batch.
    pub generation: u64,
    /// What real time had told.
    pub version: u64,
}

/// At which version real time last changed which days.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changes {
    /// Days that are not named did not change after this version.
    since: u64,
    days: BTreeMap<Day, u64>,
}

impl Changes {
    /// Nothing is known of what was before `version`.
    pub fn after(version: u64) -> Changes {
        Changes { since: version, days: BTreeMap::new() }
    }

    /// What [`Changes::since`] and [`Changes::days`] told.
    pub fn told(since: u64, days: impl IntoIterator<Item = (Day, u64)>) -> Changes {
        Changes { since, days: days.into_iter().collect() }
    }

    /// Cells of these hours changed, which made the version this one.
    pub fn note(&mut self, version: u64, hours: impl IntoIterator<Item = Hour>) {
        self.days.extend(hours.into_iter().map(|hour| (Day::of(hour), version)));
        while self.days.len() > MAX_DAYS {
            let Some((day, oldest)) = self.days.iter().min_by_key(|(_, version)| **version) else { return };
            let (day, oldest) = (*day, *oldest);
            self.days.remove(&day);
            self.since = self.since.max(oldest);
        }
    }

    /// Days that are not named did not change after this version.
    pub fn since(&self) -> u64 {
        self.since
    }

    /// The days that changed after that, and at which version they last did.
    pub fn days(&self) -> impl Iterator<Item = (Day, u64)> {
        self.days.iter().map(|(day, version)| (*day, *version))
    }

    /// No cell of these hours changed after this version.
    fn last(&self, hours: &Range<Hour>) -> u64 {
        if hours.is_empty() {
            return 0;
        }
        let days = Day::of(hours.start)..=Day::of(Hour(hours.end.0 - 1));
        self.days.range(days).map(|(_, version)| *version).max().unwrap_or_default().max(self.since)
    }
}

/// What a scope says of its data without telling them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct News {
    /// Which data it has.
    pub mark: Mark,
    /// The batch has everything that was acknowledged up to this server time; `None`: there is none yet.
    pub batch_through_ms: Option<i64>,
    /// What changed within the generation.
    pub changes: Changes,
}

impl News {
    /// Whether cells of these hours that were made of the data of `kept` may not be what they would be now.
    ///
    /// A new generation may change anything, real time only the days of what it tells.
    pub fn has_changed(&self, kept: Mark, source: Source, hours: &Range<Hour>) -> bool {
        self.mark.generation != kept.generation
            || (source != Source::Batch && self.changes.last(hours) > kept.version)
    }
}

/// How often cells of some hours change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RangeKind {
    /// Real time adds to them.
    Open,
    /// The batch has all of them but what comes late, or they are the batch's alone.
    Closed,
}

impl RangeKind {
    /// Both kinds.
    pub const ALL: [RangeKind; 2] = [RangeKind::Open, RangeKind::Closed];

    /// The name in figures about it.
    pub fn name(self) -> &'static str {
        match self {
            RangeKind::Open => "open",
            RangeKind::Closed => "closed",
        }
    }

    /// The kind of some hours where the batch has what was acknowledged up to a time.
    pub fn of(source: Source, hours: &Range<Hour>, batch_through_ms: Option<i64>) -> RangeKind {
        let is_covered = batch_through_ms.is_some_and(|through_ms| hours.end.start_ms() <= through_ms);
        if source == Source::Batch || is_covered { RangeKind::Closed } else { RangeKind::Open }
    }

    /// For how long news is trusted where newer one cannot be heard of.
    ///
    /// Reports are to be fresh within two seconds, of which a Linker takes one to tell.
    pub fn trust_ms(self) -> i64 {
        match self {
            RangeKind::Open => 500,
            RangeKind::Closed => 5_000,
        }
    }

    /// For how long cells are worth their place.
    pub fn keep_s(self) -> u32 {
        match self {
            RangeKind::Open => 300,
            RangeKind::Closed => 86_400,
        }
    }

    /// Whether news of this age is trusted; clocks of two machines may differ, so it may be from the near future.
    pub fn trusts(self, age_ms: i64) -> bool {
        age_ms.saturating_abs() <= self.trust_ms()
    }
}

/// For how long anybody trusts news.
pub const MAX_TRUST_MS: i64 = 5_000;

/// Whether anybody goes by what an object said, as the object knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Audience {
    /// When somebody asked last.
    asked: ServerTime,
}

impl Audience {
    /// Of an object that just started: somebody may have asked whoever was this object before.
    pub fn starting(now: ServerTime) -> Audience {
        Audience { asked: now }
    }

    /// Somebody asks.
    pub fn ask(&mut self, now: ServerTime) {
        self.asked = self.asked.max(now);
    }

    /// Whether somebody may go by what was said: then changes are announced.
    pub fn listens(self, now: ServerTime) -> bool {
        now.0 - self.asked.0 <= MAX_TRUST_MS
    }

    /// The time from which on an announcement is trusted: that of the last question. If it were that of the announcement,
    /// it would be trusted for longer than the object goes on announcing.
    pub fn heard_at(self) -> ServerTime {
        self.asked
    }
}

/// Where things of a scope are kept: no other scope's place is the same, or begins with it and a slash.
pub fn place(scope: &Scope) -> String {
    match scope {
        Scope::Platform => "platform".to_owned(),
        Scope::Advertiser(key) => format!("advertiser/{}", plain(key.as_str())),
        Scope::Service(key) => format!("service/{}", plain(key.as_str())),
    }
}

/// Where the cells of a query are kept: the same for every way to ask for the same cells of a scope.
pub fn key(scope: &Scope, query: &Query) -> String {
    let digest: String =
        Sha256::digest(query.cells().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}/{digest}", place(scope))
}

#[cfg(test)]
mod tests;
