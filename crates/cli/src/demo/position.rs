//! How far the server's data go: the demo keeps no state of its own, it looks for each minute's marker.

use serde_json::Value;

use super::timeline::marker;
use crate::client::{Client, ClientError};

/// The first minute in `earliest..=now` that the server does not have whole, by bisection.
///
/// Traffic is sent in order, so the minutes that are there come before those that are not.
/// The last one that is there may have been cut off half way: it is sent again.
pub(crate) fn first_missing<E>(
    earliest: i64,
    now: i64,
    mut has: impl FnMut(i64) -> Result<bool, E>,
) -> Result<i64, E> {
    let (mut low, mut high) = (earliest, now);
    while low < high {
        let middle = low + (high - low) / 2;
        if has(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(if low > earliest { low - 1 } else { low })
}

/// Whether the server has the marker of a minute.
pub(crate) fn has_minute(client: &Client, minute: i64) -> Result<bool, ClientError> {
    let (advertiser, id) = marker(minute);
    let query = [("advertiser", advertiser), ("kind", "impression")];
    match client.get::<Value>(&format!("/v1/events/{id}"), &query) {
        Ok(_) => Ok(true),
        Err(error) if error.status() == Some(404) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bisection() {
        #[track_caller]
        fn check(last_sent: i64, expected: i64) {
            let found = first_missing(100, 4_420, |minute| Ok::<_, ()>(minute <= last_sent));
            assert_eq!(found, Ok(expected));
        }
        check(0, 100);
        check(100, 100);
        check(101, 101);
        check(2_222, 2_222);
        check(4_419, 4_419);
        check(4_420, 4_419);
    }
}
