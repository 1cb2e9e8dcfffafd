//! What a Report object decides: whether a delta is news.

/// What to do with a delta.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// Store its cells together with its number, both or neither.
    Take,
    /// It was heard before: change nothing, and say that it is heard.
    Known,
}

/// Judges a delta by its number and the last number heard of its source.
///
/// Sources send in order and wait for each answer, so a number that is not above the last was heard. Gaps are parcels
/// that did not concern the scope.
pub fn hear(last_heard: Option<u64>, seq: u64) -> Hearing {
    match last_heard {
        Some(last) if last >= seq => Hearing::Known,
        _ => Hearing::Take,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_number_once() {
        assert_eq!(hear(None, 1), Hearing::Take);
        assert_eq!(hear(Some(1), 1), Hearing::Known);
        assert_eq!(hear(Some(3), 2), Hearing::Known);
        assert_eq!(hear(Some(3), 7), Hearing::Take);
    }
}
