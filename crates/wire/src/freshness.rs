//! What is kept at the edge: gathered cells, and what scopes said of their data.

use adtally_core::freshness::{Changes, Mark, News};
use adtally_core::time::Day;
use serde::{Deserialize, Serialize};

use crate::object::{AnswerError, ReduceHead, encode};

/// Grows with every change of what is kept, so that what an earlier version kept is not read.
pub const LAYOUT: u32 = 1;

/// What a scope says of its data without telling them: [`News`], and what answers say beside figures.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ScopeNews {
    /// Of all that the scope has, real time included.
    pub head: ReduceHead,
    /// The batch has everything that was acknowledged up to this server time.
    pub batch_through_ms: Option<i64>,
    /// Days that are not named did not change after this version.
    pub since: u64,
    /// Days, counted from 1970, and at which version they last changed.
    pub days: Vec<(i32, u64)>,
    /// From when on it is trusted, by the server's clock.
    pub at_ms: i64,
}

impl ScopeNews {
    /// What an object says, and from when on it is trusted.
    pub fn new(head: ReduceHead, batch_through_ms: Option<i64>, changes: &Changes, at_ms: i64) -> Self {
        let days = changes.days().map(|(day, version)| (day.0, version)).collect();
        Self { head, batch_through_ms, since: changes.since(), days, at_ms }
    }

    /// For [`adtally_core::freshness`] to judge by.
    pub fn news(&self) -> News {
        let days = self.days.iter().map(|(day, version)| (Day(*day), *version));
        News {
            mark: self.mark(),
            batch_through_ms: self.batch_through_ms,
            changes: Changes::told(self.since, days),
        }
    }

    /// Which data the scope has.
    pub fn mark(&self) -> Mark {
        Mark { generation: self.head.published, version: self.head.version }
    }

    /// The later one of two.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        let place = |one: &Self| (one.mark(), one.at_ms);
        if place(&other) > place(&self) { other } else { self }
    }
}

/// Cells as they were gathered, of one scope or of several.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// What was known about them.
    pub about: KeptAbout,
    /// The cells in the encoding of [`adtally_core::segment`].
    pub segment: Vec<u8>,
}

/// The part of [`Kept`] that is not cells.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct KeptAbout {
    /// Whose data they are made of, the scope that was asked for first, each with generation and version.
    pub marks: Vec<(String, u64, u64)>,
    /// What answers say beside figures.
    pub head: ReduceHead,
    /// The version of the data.
    pub version: String,
}

impl Kept {
    /// The bytes to keep: what is about the cells, then the cells up to the end.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = encode(&self.about);
        bytes.extend(&self.segment);
        bytes
    }

    /// Reads what [`Kept::encode`] wrote; the segment has its own checksum and is not looked at.
    pub fn decode(bytes: &[u8]) -> Result<Self, AnswerError> {
        let (about, segment) = postcard::take_from_bytes(bytes).map_err(|error| AnswerError::of(&error))?;
        Ok(Self { about, segment: segment.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use adtally_core::report::Source;
    use adtally_core::time::Hour;

    use super::*;

    fn news(generation: u64, version: u64, at_ms: i64) -> ScopeNews {
        let head = ReduceHead { published: generation, generation, version, ..ReduceHead::default() };
        ScopeNews::new(head, Some(7), &Changes::after(version), at_ms)
    }

    #[test]
    fn kept_cells_both_ways() {
        let about = KeptAbout {
            marks: vec![("platform".to_owned(), 2, 300), ("advertiser:acme".to_owned(), 1, 7)],
            head: ReduceHead { version: 300, complete_through_ms: Some(-1), ..ReduceHead::default() },
            version: "platform@g2.300.0f".to_owned(),
        };
        let kept = Kept { about, segment: vec![1, 2, 3] };
        assert_eq!(Kept::decode(&kept.encode()), Ok(kept));
        assert!(Kept::decode(&[]).is_err());
    }

    #[test]
    fn news_both_ways() {
        let mut changes = Changes::after(3);
        changes.note(9, [Hour(24), Hour(-1)]);
        let told = ScopeNews::new(
            ReduceHead { version: 9, published: 2, ..ReduceHead::default() },
            None,
            &changes,
            5,
        );
        let read: ScopeNews = serde_json::from_str(&serde_json::to_string(&told).unwrap()).unwrap();
        assert_eq!(read, told);
        assert_eq!(
            read.news(),
            News { mark: Mark { generation: 2, version: 9 }, batch_through_ms: None, changes }
        );
        assert!(read.news().has_changed(
            Mark { generation: 2, version: 8 },
            Source::Merged,
            &(Hour(24)..Hour(25))
        ));
    }

    #[test]
    fn the_later_news_counts() {
        fn check(one: (u64, u64, i64), other: (u64, u64, i64), expected: (u64, u64, i64)) {
            let [one, other, expected] = [one, other, expected].map(|(g, v, at)| news(g, v, at));
            assert_eq!(one.clone().later(other.clone()), expected);
            assert_eq!(other.later(one), expected);
        }
        check((1, 5, 100), (1, 6, 90), (1, 6, 90));
        check((2, 5, 100), (1, 6, 200), (2, 5, 100));
        check((1, 5, 100), (1, 5, 200), (1, 5, 200));
    }
}
