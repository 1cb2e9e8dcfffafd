//! Parts of cubes: read from the bucket once, and kept in the isolate's memory while there is room.
//!
//! A name has one content, so nothing that is kept can be out of date.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use adtally_core::segment::Segment;
use futures_util::{StreamExt, TryStreamExt, stream};
use worker::{Bucket, Error, Result};

use crate::linkers::MAX_PARALLEL;

/// Encoded bytes of what is kept: in memory it is about three times as much, of the 128 MB that an isolate has.
const MAX_KEPT_BYTES: usize = 6 << 20;

#[derive(Default)]
struct Kept {
    /// The one that was used last is at the end.
    parts: VecDeque<(String, Rc<Segment>, usize)>,
    bytes: usize,
}

thread_local! {
    static KEPT: RefCell<Kept> = RefCell::default();
}

impl Kept {
    fn find(&mut self, key: &str) -> Option<Rc<Segment>> {
        let place = self.parts.iter().position(|(known, ..)| known == key)?;
        let part = self.parts.remove(place)?;
        let found = part.1.clone();
        self.parts.push_back(part);
        Some(found)
    }

    fn keep(&mut self, key: &str, segment: &Rc<Segment>, bytes: usize) {
        if bytes > MAX_KEPT_BYTES / 4 || self.parts.iter().any(|(known, ..)| known == key) {
            return;
        }
        self.bytes += bytes;
        self.parts.push_back((key.to_owned(), segment.clone(), bytes));
        while self.bytes > MAX_KEPT_BYTES {
            let Some((_, _, bytes)) = self.parts.pop_front() else { break };
            self.bytes -= bytes;
        }
    }
}

/// The cells of parts, in the order of their names.
pub(crate) async fn read(bucket: &Bucket, keys: &[String]) -> Result<Vec<Rc<Segment>>> {
    stream::iter(keys.iter().map(|key| part(bucket, key))).buffered(MAX_PARALLEL).try_collect().await
}

async fn part(bucket: &Bucket, key: &str) -> Result<Rc<Segment>> {
    if let Some(found) = KEPT.with_borrow_mut(|kept| kept.find(key)) {
        return Ok(found);
    }
    let object = bucket.get(key).execute().await?;
    let body = object.as_ref().and_then(|object| object.body());
    let bytes = body.ok_or_else(|| Error::RustError(format!("{key} is missing")))?.bytes().await?;
    let segment = Segment::decode(&bytes).map_err(|error| Error::RustError(format!("{key}: {error}")))?;
    let segment = Rc::new(segment);
    KEPT.with_borrow_mut(|kept| kept.keep(key, &segment, bytes.len()));
    Ok(segment)
}
