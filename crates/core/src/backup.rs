//! Backups: of what they consist, in which order it is taken, which of them are kept, and what an object does that is
//! restored.
//!
//! **BACKUP-1.** What a backup holds is a state in which the system could have been: only messages are late in it. So
//! all that holds of late messages holds of a restored system.
//!
//! ```text
//! Linkers keep what they told -> receivers are copied -> Linkers are copied -> the catalog, and the jobs last
//! ```
//!
//! A message that a receiver took before its copy is in it; one that it took later is still in the copy of its sender,
//! which has kept it, and will be sent again. No batch runs meanwhile ([`crate::jobs::Lane`]).

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

/// How many complete backups are kept, where they are made every night: a week.
pub const KEPT_BACKUPS: usize = 7;
/// How far a restored Linker's numbers are ahead of those of its backup: of more tellings than a Linker makes in ten
/// years, so that no number means two things to whoever heard of it before the restore.
pub const LEAP: u64 = 1 << 28;

/// A kind of parts of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartKind {
    /// How far others were told, as tasks note it in object storage.
    Progress,
    /// The DeadLetters object: before ledgers, so that a letter that is replayed meanwhile is in one of them.
    DeadLetters,
    /// A Quarantine object: before Linkers, for the same reason.
    Quarantine,
    /// A Report object.
    Report,
    /// A Ledger object.
    Ledger,
    /// A Linker object: after all that it tells.
    Linker,
    /// The catalog and the tokens: after Linkers, so that no Linker has settings of a later revision.
    Catalog,
    /// The Jobs object.
    Jobs,
}

impl PartKind {
    /// Every kind, in the order in which they are taken and restored.
    pub const ALL: [PartKind; 8] = [
        PartKind::Progress,
        PartKind::DeadLetters,
        PartKind::Quarantine,
        PartKind::Report,
        PartKind::Ledger,
        PartKind::Linker,
        PartKind::Catalog,
        PartKind::Jobs,
    ];

    /// The name in manifests.
    pub fn name(self) -> &'static str {
        match self {
            PartKind::Progress => "progress",
            PartKind::DeadLetters => "dead_letters",
            PartKind::Quarantine => "quarantine",
            PartKind::Report => "report",
            PartKind::Ledger => "ledger",
            PartKind::Linker => "linker",
            PartKind::Catalog => "catalog",
            PartKind::Jobs => "jobs",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<PartKind> {
        PartKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Tables in which a row says that there is something to lose. What is in others an object makes by itself.
    pub fn evidence(self) -> &'static [&'static str] {
        match self {
            PartKind::Progress => &[],
            PartKind::DeadLetters => &["letters"],
            PartKind::Quarantine => &["parcels"],
            PartKind::Report => &["sources", "generations", "cubes"],
            PartKind::Ledger => &["batches"],
            PartKind::Linker => &["log", "outbox"],
            PartKind::Catalog => &["advertisers", "campaigns", "ads", "services", "placements", "tokens"],
            PartKind::Jobs => &["runs"],
        }
    }
}

/// How far an object is that is restored, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoring {
    /// From which backup.
    pub backup: String,
    /// How far.
    pub phase: Phase,
}

/// How far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It serves nobody any more; what it has in memory goes, and then what it has stored.
    Closing,
    /// It has the pages before this one.
    Loading(u32),
    /// It serves as ever.
    Done,
}

impl Phase {
    /// Whether the object serves nobody.
    pub fn is_closed(self) -> bool {
        self != Phase::Done
    }
}

/// What an object is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Throw away what there is.
    Begin {
        /// There is nothing to lose.
        is_empty: bool,
        /// It may be lost.
        overwrite: bool,
    },
    /// Take a page.
    Load(u32),
    /// That was all: so many pages.
    End(u32),
}

/// What it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Serve nobody any more, and forget what is in memory.
    Close,
    /// Drop what is stored, and begin with the first page.
    Wipe,
    /// Store the page.
    Take,
    /// Check that all is there, and serve.
    Finish,
    /// Nothing: it is done already.
    Known,
}

/// Why it does nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It has something of its own.
    #[error("it is not empty")]
    NotEmpty,
    /// Nobody has begun.
    #[error("it is not being restored from this backup")]
    NotRestoring,
    /// A page is missing before this one.
    #[error("page {0} comes first")]
    OutOfTurn(u32),
    /// The end came too early.
    #[error("it has {loaded} of {pages} pages")]
    Incomplete {
        /// So many are there.
        loaded: u32,
        /// So many there should be.
        pages: u32,
    },
}

impl Refusal {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::NotEmpty => "not_empty",
            Refusal::NotRestoring => "not_restoring",
            Refusal::OutOfTurn(_) => "page_out_of_turn",
            Refusal::Incomplete { .. } => "pages_missing",
        }
    }
}

/// Decides what an object does with a step of a restore. Every step may be repeated, and a restore begun again.
pub fn judge(known: Option<&Restoring>, backup: &str, step: Step) -> Result<Verdict, Refusal> {
    let own = known.filter(|known| known.backup == backup).map(|known| known.phase);
    match (step, known.map(|known| known.phase), own) {
        (Step::Begin { .. }, Some(Phase::Closing | Phase::Loading(_)), _) => Ok(Verdict::Wipe),
        (Step::Begin { overwrite: true, .. }, ..) => Ok(Verdict::Close),
        (Step::Begin { .. }, _, Some(Phase::Done)) => Ok(Verdict::Known),
        (Step::Begin { is_empty: true, .. }, ..) => Ok(Verdict::Close),
        (Step::Begin { is_empty: false, .. }, ..) => Err(Refusal::NotEmpty),
        (Step::Load(_) | Step::End(_), _, Some(Phase::Done)) => Ok(Verdict::Known),
        (Step::Load(index), _, Some(Phase::Loading(next))) => match index.cmp(&next) {
            std::cmp::Ordering::Less => Ok(Verdict::Known),
            std::cmp::Ordering::Equal => Ok(Verdict::Take),
            std::cmp::Ordering::Greater => Err(Refusal::OutOfTurn(next)),
        },
        (Step::End(pages), _, Some(Phase::Loading(loaded))) if loaded == pages => Ok(Verdict::Finish),
        (Step::End(pages), _, Some(Phase::Loading(loaded))) => Err(Refusal::Incomplete { loaded, pages }),
        (Step::Load(_) | Step::End(_), _, _) => Err(Refusal::NotRestoring),
    }
}

/// Which backups go, of these with whether each is complete, oldest first: the complete ones beyond the number that is
/// kept, and those that were given up, which something complete has come after.
pub fn superseded(backups: &[(String, bool)], kept: usize) -> Vec<String> {
    let complete: Vec<usize> = (0..backups.len()).filter(|place| backups[*place].1).collect();
    let first_kept = complete.len().checked_sub(kept).and_then(|place| complete.get(place)).copied();
    let last = complete.last().copied().unwrap_or(0);
    let goes = |place: usize| match backups[place].1 {
        true => first_kept.is_some_and(|first| place < first),
        false => place < last,
    };
    let names = backups.iter().enumerate().filter(|(place, _)| goes(*place));
    names.map(|(_, (name, _))| name.clone()).collect()
}

/// What a backup relies on and is not there, or not as long as it was: names.
pub fn missing<'a>(
    wanted: impl IntoIterator<Item = (&'a str, u64)>,
    stored: &BTreeMap<String, u64>,
) -> BTreeSet<&'a str> {
    let is_missing = |(key, bytes): &(&str, u64)| stored.get(*key) != Some(bytes);
    wanted.into_iter().filter(is_missing).map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_names_and_linkers_come_after_what_they_tell() {
        for kind in PartKind::ALL {
            assert_eq!(PartKind::parse(kind.name()), Some(kind));
        }
        assert_eq!(PartKind::parse("telemetry"), None);
        // BACKUP-1 rests on this order.
        let place = |kind| PartKind::ALL.iter().position(|one| *one == kind);
        for told in [PartKind::Progress, PartKind::Quarantine, PartKind::Report, PartKind::Ledger] {
            assert!(place(told) < place(PartKind::Linker), "{told:?}");
        }
        assert!(place(PartKind::DeadLetters) < place(PartKind::Ledger));
        assert!(place(PartKind::Progress) < place(PartKind::Ledger));
        assert!(place(PartKind::Linker) < place(PartKind::Catalog));
        assert_eq!(PartKind::ALL.last(), Some(&PartKind::Jobs));
    }

    #[test]
    fn steps_of_a_restore() {
        fn check(known: Option<(&str, Phase)>, step: Step, expected: Result<Verdict, Refusal>) {
            let known = known.map(|(backup, phase)| Restoring { backup: backup.to_owned(), phase });
            assert_eq!(judge(known.as_ref(), "b", step), expected, "{known:?} {step:?}");
        }
        let begin = |is_empty, overwrite| Step::Begin { is_empty, overwrite };
        check(None, begin(true, false), Ok(Verdict::Close));
        check(None, begin(false, false), Err(Refusal::NotEmpty));
        check(None, begin(false, true), Ok(Verdict::Close));
        // Begun again, by the same or by another one.
        for backup in ["a", "b"] {
            check(Some((backup, Phase::Closing)), begin(false, false), Ok(Verdict::Wipe));
            check(Some((backup, Phase::Loading(3))), begin(false, false), Ok(Verdict::Wipe));
        }
        // What is restored may have gone on since.
        check(Some(("b", Phase::Done)), begin(false, false), Ok(Verdict::Known));
        check(Some(("b", Phase::Done)), begin(false, true), Ok(Verdict::Close));
        check(Some(("a", Phase::Done)), begin(false, false), Err(Refusal::NotEmpty));
        check(Some(("a", Phase::Done)), begin(true, false), Ok(Verdict::Close));

        check(None, Step::Load(0), Err(Refusal::NotRestoring));
        check(Some(("b", Phase::Closing)), Step::Load(0), Err(Refusal::NotRestoring));
        check(Some(("a", Phase::Loading(0))), Step::Load(0), Err(Refusal::NotRestoring));
        check(Some(("b", Phase::Loading(2))), Step::Load(1), Ok(Verdict::Known));
        check(Some(("b", Phase::Loading(2))), Step::Load(2), Ok(Verdict::Take));
        check(Some(("b", Phase::Loading(2))), Step::Load(3), Err(Refusal::OutOfTurn(2)));
        check(Some(("b", Phase::Done)), Step::Load(3), Ok(Verdict::Known));

        check(Some(("b", Phase::Loading(2))), Step::End(2), Ok(Verdict::Finish));
        check(Some(("b", Phase::Loading(1))), Step::End(2), Err(Refusal::Incomplete { loaded: 1, pages: 2 }));
        check(Some(("b", Phase::Done)), Step::End(2), Ok(Verdict::Known));
        check(None, Step::End(0), Err(Refusal::NotRestoring));
        assert!(Phase::Loading(0).is_closed() && Phase::Closing.is_closed() && !Phase::Done.is_closed());
    }

    #[test]
    fn what_is_kept() {
        fn check(backups: &[(&str, bool)], kept: usize, expected: &[&str]) {
            let backups: Vec<(String, bool)> =
                backups.iter().map(|(name, complete)| ((*name).to_owned(), *complete)).collect();
            assert_eq!(superseded(&backups, kept), expected, "{backups:?}");
        }
        check(&[], 2, &[]);
        check(&[("a", true)], 2, &[]);
        check(&[("a", true), ("b", true), ("c", true)], 2, &["a"]);
        // One that is not complete may still be under way; one that was given up is not.
        check(&[("a", true), ("b", false)], 2, &[]);
        check(&[("a", false), ("b", true), ("c", false)], 2, &["a"]);
        check(&[("a", true), ("b", false), ("c", true), ("d", true)], 2, &["a", "b"]);
        check(&[("a", false)], 1, &[]);
    }

    #[test]
    fn what_is_missing() {
        let stored = BTreeMap::from([("x".to_owned(), 3), ("y".to_owned(), 4)]);
        assert!(missing([("x", 3), ("y", 4)], &stored).is_empty());
        assert_eq!(missing([("x", 3), ("y", 5), ("z", 0)], &stored), BTreeSet::from(["y", "z"]));
    }
}
