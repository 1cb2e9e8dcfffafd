//! How many different users: a HyperLogLog++ sketch.
//!
//! The layout follows Heule, Nunkesser and Hall, "HyperLogLog in Practice" (2013): a sorted list of 25-bit indexes
//! for few users, 4,096 registers for many.
//! The estimate of many follows Ertl, "New cardinality estimation algorithms for HyperLogLog sketches" (2017),
//! which needs no table of empirical corrections.
//!
//! Merging is commutative, associative and idempotent, and one set of users has one form and one encoding, in
//! whichever order and through whichever merges they came.

mod codec;
mod estimate;

use crate::key::UserKey;

pub use codec::SketchError;

/// Index bits when dense: a standard error of 1.04 / sqrt(4,096) = 1.6 %.
const P: u32 = 12;
/// Registers when dense.
const REGISTERS: usize = 1 << P;
/// The hash bits that a dense register counts leading zeros in.
const Q: u32 = 64 - P;
/// Index bits when sparse.
const SPARSE_P: u32 = 25;
/// The hash bits that a sparse entry counts leading zeros in.
const SPARSE_Q: u32 = 64 - SPARSE_P;
/// Bits of a register and of the rank in a sparse entry: ranks go up to 53.
const RANK_BITS: u32 = 6;
/// From one more entry on the dense form is smaller: 4 bytes per entry against 6 bits per register.
///
/// It is a number of entries, not of bytes, because that grows with the set alone: which form a set takes must not
/// depend on the order of arrival.
pub(crate) const SPARSE_MAX: usize = REGISTERS * RANK_BITS as usize / 8 / 4;

/// The greatest rank seen per index.
pub(crate) type Registers = [u8; REGISTERS];

/// A sketch that lies somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SketchView<'a> {
    /// Entries as in [`Form::Sparse`].
    Sparse(&'a [u32]),
    /// Registers as in [`Form::Dense`].
    Dense(&'a Registers),
}

/// A sketch of a set of users.
///
/// Up to 768 users are counted as good as exactly, beyond that with a standard error of 1.6 %.
///
/// ```
/// use adtally_core::{key::UserSalt, sketch::Sketch};
/// let salt = UserSalt::new(b"secret");
/// let mut sketch = Sketch::default();
/// for user in ["u1", "u2", "u1"] {
///     sketch.insert(salt.pseudonym(user));
/// }
/// assert_eq!(sketch.estimate(), 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sketch(Form);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// Entries in ascending order, one per index, at most `SPARSE_MAX`.
    Sparse(Vec<u32>),
    /// The greatest rank seen per index.
    Dense(Box<Registers>),
}

impl Default for Form {
    fn default() -> Self {
        Form::Sparse(Vec::new())
    }
}

impl Sketch {
    /// Adds a user; the key already is a hash of 64 even bits.
    pub fn insert(&mut self, user: UserKey) {
        match &mut self.0 {
            Form::Sparse(entries) => {
                insert_entry(entries, entry(user));
                self.densify_if_full();
            }
            Form::Dense(registers) => raise(registers, entry(user)),
        }
    }

    /// The sketch of entries that ascend and may repeat.
    pub(crate) fn of_ascending(ascending: &[u32]) -> Sketch {
        let mut entries = ascending.to_vec();
        let different = leave_greatest(&mut entries);
        entries.truncate(different);
        let mut sketch = Sketch(Form::Sparse(entries));
        sketch.densify_if_full();
        sketch
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Sketch) {
        self.absorb(other.view());
    }

    /// Adds all of a sketch that lies somewhere.
    pub(crate) fn absorb(&mut self, other: SketchView<'_>) {
        match (&mut self.0, other) {
            (Form::Sparse(mine), SketchView::Sparse(theirs)) => {
                merge_entries(mine, theirs);
                self.densify_if_full();
            }
            (Form::Dense(mine), SketchView::Sparse(theirs)) => {
                for entry in theirs {
                    raise(mine, *entry);
                }
            }
            (Form::Sparse(mine), SketchView::Dense(theirs)) => {
                let mut merged = Box::new(*theirs);
                for entry in mine.iter() {
                    raise(&mut merged, *entry);
                }
                self.0 = Form::Dense(merged);
            }
            (Form::Dense(mine), SketchView::Dense(theirs)) => {
                for (mine, theirs) in mine.iter_mut().zip(theirs.iter()) {
                    *mine = (*mine).max(*theirs);
                }
            }
        }
    }

    /// About how many different users were added.
    pub fn estimate(&self) -> u64 {
        match &self.0 {
            // Linear counting over 2^25 indexes gives m ln(m / (m - n)) = n + n^2 / 2m + ..., which for n <= 768
            // is less than n + 0.01.
            Form::Sparse(entries) => entries.len() as u64,
            Form::Dense(registers) => estimate::dense(registers),
        }
    }

    /// The sketch where it lies.
    pub(crate) fn view(&self) -> SketchView<'_> {
        match &self.0 {
            Form::Sparse(entries) => SketchView::Sparse(entries),
            Form::Dense(registers) => SketchView::Dense(registers),
        }
    }

    /// Whether nobody was added.
    pub fn is_empty(&self) -> bool {
        matches!(&self.0, Form::Sparse(entries) if entries.is_empty())
    }

    fn densify_if_full(&mut self) {
        if let Form::Sparse(entries) = &self.0
            && entries.len() > SPARSE_MAX
        {
            let mut registers = Box::new([0; REGISTERS]);
            for entry in entries {
                raise(&mut registers, *entry);
            }
            self.0 = Form::Dense(registers);
        }
    }
}

/// One more than the number of leading zeros in the lowest `width` bits of `bits`.
fn rank(bits: u64, width: u32) -> u32 {
    (bits << (64 - width)).leading_zeros().min(width) + 1
}

/// The sparse entry of a user, whose key is a hash: its first 25 bits, then the rank of the other 39.
pub(crate) fn entry(UserKey(hash): UserKey) -> u32 {
    ((hash >> SPARSE_Q) as u32) << RANK_BITS | rank(hash, SPARSE_Q)
}

/// The index of a sparse entry.
fn index(entry: u32) -> u32 {
    entry >> RANK_BITS
}

/// Takes a sparse entry into the dense registers.
///
/// The 13 index bits that dense does without are the first of those that it counts zeros in, so the result is that
/// of the hash itself.
fn raise(registers: &mut [u8; REGISTERS], entry: u32) {
    const SPARE: u32 = SPARSE_P - P;
    let spare = index(entry) & ((1 << SPARE) - 1);
    let rank = match spare {
        0 => SPARE + (entry & ((1 << RANK_BITS) - 1)),
        _ => rank(u64::from(spare), SPARE),
    };
    let register = &mut registers[(index(entry) >> SPARE) as usize];
    *register = (*register).max(rank as u8);
}

/// Brings the entries that a sketch keeps to the front, of some that ascend and may repeat; answers how many they are.
pub(crate) fn leave_greatest(ascending: &mut [u32]) -> usize {
    let Some(mut kept) = ascending.first().map(|_| 0) else { return 0 };
    for place in 1..ascending.len() {
        let entry = ascending[place];
        // Of one index the greater rank comes last and is kept.
        kept += usize::from(index(ascending[kept]) != index(entry));
        ascending[kept] = entry;
    }
    kept + 1
}

fn insert_entry(entries: &mut Vec<u32>, entry: u32) {
    let at = entries.partition_point(|other| index(*other) < index(entry));
    match entries.get_mut(at) {
        Some(same) if index(*same) == index(entry) => *same = (*same).max(entry),
        _ => entries.insert(at, entry),
    }
}

fn merge_entries(mine: &mut Vec<u32>, theirs: &[u32]) {
    if let [entry] = theirs {
        return insert_entry(mine, *entry);
    }
    if mine.is_empty() || theirs.is_empty() {
        return mine.extend_from_slice(theirs);
    }
    // Two ascending runs: the standard sort merges them in one pass.
    mine.extend_from_slice(theirs);
    mine.sort();
    // Of one index the greater rank stands last and is kept.
    mine.dedup_by(|later, earlier| {
        let same = index(*later) == index(*earlier);
        if same {
            *earlier = *later;
        }
        same
    });
}

#[cfg(test)]
mod tests;
