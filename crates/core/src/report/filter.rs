//! Filters of the report API: `dimension:op:value[,value]`.

use crate::cell::{CellKey, Dimension};
use crate::key::Key;

/// A condition on one dimension.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Filter {
    /// What is tested.
    pub dimension: Dimension,
    /// How.
    pub test: Test,
}

/// What a dimension's value has to be; the empty text is the unknown value.
///
/// Values are texts rather than keys: one that can be no key matches nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Test {
    /// `eq`: this value.
    Equal(String),
    /// `ne`: any other value.
    NotEqual(String),
    /// `in`: one of these values, ascending.
    In(Vec<String>),
    /// `prefix`: begins with this.
    Prefix(String),
}

impl Test {
    /// The names of the tests in API queries.
    pub const OPS: [&str; 4] = ["eq", "ne", "in", "prefix"];

    fn parse(op: &str, value: &str) -> Option<Test> {
        match op {
            "eq" => Some(Test::Equal(value.to_owned())),
            "ne" => Some(Test::NotEqual(value.to_owned())),
            "prefix" => Some(Test::Prefix(value.to_owned())),
            "in" => {
                let mut values: Vec<String> = value.split(',').map(str::to_owned).collect();
                values.sort();
                values.dedup();
                Some(Test::In(values))
            }
            _ => None,
        }
    }

    /// The name in API queries.
    pub fn op(&self) -> &'static str {
        match self {
            Test::Equal(_) => "eq",
            Test::NotEqual(_) => "ne",
            Test::In(_) => "in",
            Test::Prefix(_) => "prefix",
        }
    }

    /// The values that it tests for.
    pub fn values(&self) -> &[String] {
        match self {
            Test::Equal(value) | Test::NotEqual(value) | Test::Prefix(value) => std::slice::from_ref(value),
            Test::In(values) => values,
        }
    }

    /// Whether `value` is as it has to be.
    pub fn passes(&self, value: &str) -> bool {
        match self {
            Test::Equal(wanted) => value == wanted,
            Test::NotEqual(unwanted) => value != unwanted,
            Test::In(wanted) => wanted.binary_search_by(|one| one.as_str().cmp(value)).is_ok(),
            Test::Prefix(prefix) => value.starts_with(prefix.as_str()),
        }
    }
}

impl Filter {
    /// Reads `dimension:op:value`; all but `in` take everything after the second colon as one value.
    pub fn parse(text: &str) -> Option<Filter> {
        let (dimension, rest) = text.split_once(':')?;
        let (op, value) = rest.split_once(':')?;
        let dimension = Dimension::ALL.into_iter().find(|known| known.name() == dimension)?;
        Some(Filter { dimension, test: Test::parse(op, value)? })
    }

    /// Whether a cell is as it has to be.
    pub fn passes(&self, key: &CellKey) -> bool {
        self.test.passes(key.dim(self.dimension).as_str())
    }
}

/// The inverse of [`Filter::parse`].
impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.dimension.name(), self.test.op(), self.test.values().join(","))
    }
}

/// A value of `dimension` that passes all `filters`, the same one wherever it is asked for; the unknown value where
/// nothing can pass.
///
/// It stands for all values that pass once they need not be told apart any more, so that the filters still let the
/// sum through when they are applied again.
pub(super) fn representative(dimension: Dimension, filters: &[Filter]) -> Key {
    let tests: Vec<&Test> =
        filters.iter().filter(|filter| filter.dimension == dimension).map(|filter| &filter.test).collect();
    let passing = |text: &str| {
        let key = Key::parse(text).ok()?;
        tests.iter().all(|test| test.passes(text)).then_some(key)
    };
    let listed = tests.iter().find_map(|test| match test {
        Test::Equal(_) | Test::In(_) => Some(test.values()),
        Test::NotEqual(_) | Test::Prefix(_) => None,
    });
    if let Some(values) = listed {
        return values.iter().find_map(|value| passing(value)).unwrap_or_default();
    }
    let prefixes = tests.iter().filter_map(|test| match test {
        Test::Prefix(prefix) => Some(prefix.as_str()),
        _ => None,
    });
    let prefix = prefixes.max_by_key(|prefix| prefix.len()).unwrap_or_default();
    // Each test refuses at most one of these; the control characters among them (33) are no keys.
    let candidates = ('0'..).take(tests.len() + 34).map(|last| format!("{prefix}{last}"));
    passing(prefix).or_else(|| candidates.into_iter().find_map(|text| passing(&text))).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for text in ["campaign:eq:", "ad:eq:a:b,c", "ad:in:,a,b", "country:ne:KR", "ad:prefix:x"] {
            assert_eq!(Filter::parse(text).map(|filter| filter.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn filters_by_text() {
        fn check(text: &str, passes: &[&str], fails: &[&str]) {
            let filter = Filter::parse(text).unwrap();
            for (value, expected) in passes.iter().map(|v| (v, true)).chain(fails.iter().map(|v| (v, false)))
            {
                let mut key = CellKey::at(crate::time::Hour(0));
                key.set(filter.dimension, Key::parse(value).unwrap());
                assert_eq!(filter.passes(&key), expected, "{text} on {value:?}");
            }
        }
        check("country:eq:KR", &["KR"], &["", "K", "KRX", "kr"]);
        check("country:ne:KR", &["", "US"], &["KR"]);
        check("country:in:US,KR,US", &["KR", "US"], &["", "US,KR", "K"]);
        check("country:in:US,", &["US", ""], &["KR"]);
        check("campaign:prefix:여", &["여름", "여"], &["", "겨울"]);
        check("campaign:prefix:", &["", "x"], &[]);
        check("campaign:eq:", &[""], &["x"]);
        // Only `in` splits, and colons after the second belong to the value.
        check("campaign:eq:a,b:c", &["a,b:c"], &["a"]);
        for text in [
            "",
            "country",
            "country:eq",
            "nation:eq:KR",
            "country:like:KR",
            "country::KR",
            ":eq:KR",
            "hour:eq:1",
        ] {
            assert_eq!(Filter::parse(text), None, "{text}");
        }
    }

    #[test]
    fn one_value_stands_for_all_that_pass() {
        fn check(filters: &[&str], expected: &str) {
            let filters: Vec<Filter> = filters.iter().map(|text| Filter::parse(text).unwrap()).collect();
            assert_eq!(representative(Dimension::Ad, &filters).as_str(), expected, "{filters:?}");
        }
        check(&[], "");
        check(&["country:eq:KR"], "");
        check(&["ad:eq:x"], "x");
        check(&["ad:in:b,a,c", "ad:ne:a"], "b");
        check(&["ad:ne:x"], "");
        check(&["ad:ne:"], "0");
        check(&["ad:ne:", "ad:ne:0", "ad:ne:1"], "2");
        check(&["ad:prefix:p"], "p");
        check(&["ad:prefix:pq", "ad:prefix:p", "ad:ne:pq"], "pq0");
        // Nothing can pass.
        check(&["ad:eq:x", "ad:eq:y"], "");
        check(&["ad:prefix:p", "ad:prefix:q"], "");
        check(&["ad:eq:\n"], "");
        let crowd: Vec<String> = ('\0'..).take(100).map(|c| format!("ad:ne:p{c}")).collect();
        let crowd: Vec<&str> = crowd.iter().map(String::as_str).chain(["ad:prefix:p", "ad:ne:p"]).collect();
        check(&crowd, "pd");
    }
}
