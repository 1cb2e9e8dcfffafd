//! What a Report object decides: which deltas it counts, and which of the batch's generations it reads and keeps.
//!
//! **MERGE-1.** A generation covers exactly the rows of a source's log up to its cut, and a cut closes an epoch: so cells
//! of epochs up to the cut are the batch's, cells of later ones real time's, and no clock has a say in it.
//!
//! ```text
//! delta:       hear  -> (store cells and number, or the number alone)
//! publication: judge -> (stage days under the new generation) -> (flip, drop what is covered: as one)
//! ```

use thiserror::Error;

/// For how many generations superseded days are kept: what `as_of` can read.
pub const GENERATIONS: u64 = 30;

/// How far a source was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heard {
    /// The last sequence number; `None` before the first.
    pub seq: Option<u64>,
    /// The last epoch that the batch covers; `None` before the first cut.
    pub covered: Option<u64>,
}

/// What to do with a delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// Store its cells together with its number, both or neither.
    Take,
    /// The batch has its cells: remember its number, and nothing else of it.
    Covered,
    /// It was heard before: change nothing, and say that it is heard.
    Known,
}

impl Heard {
    /// Judges a delta by its number and its epoch.
    ///
    /// Sources send in order and wait for each answer, so a number that is not above the last was heard. Gaps are
    /// parcels that did not concern the scope.
    pub fn hear(self, seq: u64, epoch: u64) -> Hearing {
        match self {
            Heard { seq: Some(last), .. } if last >= seq => Hearing::Known,
            _ if self.covers(epoch) => Hearing::Covered,
            _ => Hearing::Take,
        }
    }

    /// Whether the batch has the cells of an epoch, so that real time must not.
    pub fn covers(self, epoch: u64) -> bool {
        self.covered.is_some_and(|covered| epoch <= covered)
    }

    /// The same after a publication whose cut closed an epoch; cuts only move forward.
    #[must_use]
    pub fn cut(self, epoch: u64) -> Heard {
        Heard { covered: self.covered.max(Some(epoch)), ..self }
    }
}

/// What to do with a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// Stage it from the beginning, whatever an earlier attempt left behind.
    Publish,
    /// This generation or a later one is published: change nothing, and say that it is done.
    Known,
}

/// Judges a publication by its generation; `published` is the last one of the scope, 0 where there is none.
pub fn judge(published: u64, generation: u64) -> Judgement {
    if generation > published { Judgement::Publish } else { Judgement::Known }
}

/// The first generation that `as_of` can read where `published` is the last one: of what later ones superseded up to
/// there nothing is kept.
pub fn oldest_kept(published: u64) -> u64 {
    published.saturating_sub(GENERATIONS - 1).max(1)
}

/// Why a past generation cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum AsOfError {
    /// It is not published.
    #[error("generation g{asked} is not published, the last one is g{last}")]
    Unknown {
        /// What was asked for.
        asked: u64,
        /// The last one; 0: none.
        last: u64,
    },
    /// What it consisted of is not kept any more.
    #[error("generation g{asked} is not kept any more, the first one that is kept is g{oldest}")]
    Expired {
        /// What was asked for.
        asked: u64,
        /// The first one that can be read.
        oldest: u64,
    },
}

impl AsOfError {
    /// Stable, for programs.
    pub fn code(self) -> &'static str {
        match self {
            AsOfError::Unknown { .. } => "unknown_generation",
            AsOfError::Expired { .. } => "generation_expired",
        }
    }
}

/// Whether a past generation can be read where the scope's last one is `published`.
///
/// A scope keeps its generation where a batch changed nothing of it, so `last`, the last generation of all scopes, may
/// be later than its own: what is asked of it between the two is its own last one.
pub fn check_as_of(asked: u64, published: u64, last: u64) -> Result<(), AsOfError> {
    let (last, oldest) = (last.max(published), oldest_kept(published));
    match asked {
        0 => Err(AsOfError::Unknown { asked, last }),
        _ if asked > last => Err(AsOfError::Unknown { asked, last }),
        _ if asked < oldest => Err(AsOfError::Expired { asked, oldest }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_once_and_nothing_that_the_batch_has() {
        fn check(seq: Option<u64>, covered: Option<u64>, delta: (u64, u64), expected: Hearing) {
            assert_eq!(
                Heard { seq, covered }.hear(delta.0, delta.1),
                expected,
                "{seq:?} {covered:?} {delta:?}"
            );
        }
        check(None, None, (1, 1), Hearing::Take);
        check(Some(1), None, (1, 1), Hearing::Known);
        check(Some(3), None, (2, 1), Hearing::Known);
        check(Some(3), None, (7, 1), Hearing::Take);
        check(Some(3), Some(1), (4, 1), Hearing::Covered);
        check(Some(3), Some(1), (4, 2), Hearing::Take);
        check(Some(3), Some(1), (3, 2), Hearing::Known);
        check(None, Some(2), (1, 2), Hearing::Covered);
    }

    #[test]
    fn cuts_only_move_forward() {
        let heard = Heard::default().cut(3).cut(2);
        assert!(heard.covers(3) && !heard.covers(4));
        assert!(!Heard::default().covers(0));
    }

    #[test]
    fn each_generation_once() {
        assert_eq!(judge(0, 1), Judgement::Publish);
        assert_eq!(judge(3, 3), Judgement::Known);
        assert_eq!(judge(3, 2), Judgement::Known);
        assert_eq!(judge(3, 9), Judgement::Publish);
    }

    #[test]
    fn what_can_be_read() {
        fn check(asked: u64, published: u64, last: u64, expected: Result<(), AsOfError>) {
            assert_eq!(check_as_of(asked, published, last), expected, "g{asked} of g{published}, g{last}");
        }
        check(1, 1, 1, Ok(()));
        check(1, 30, 30, Ok(()));
        check(1, 31, 31, Err(AsOfError::Expired { asked: 1, oldest: 2 }));
        check(2, 31, 31, Ok(()));
        check(3, 2, 4, Ok(()));
        check(5, 2, 4, Err(AsOfError::Unknown { asked: 5, last: 4 }));
        check(1, 0, 4, Ok(()));
        check(0, 2, 2, Err(AsOfError::Unknown { asked: 0, last: 2 }));
        check(3, 2, 0, Err(AsOfError::Unknown { asked: 3, last: 2 }));
    }
}
