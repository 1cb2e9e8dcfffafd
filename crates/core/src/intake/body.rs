//! Splits a body into the bytes of its events.

use serde_json::value::RawValue;

use super::{BodyError, MAX_BODY_EVENTS, Media};

/// The bytes of each event, in the order of the body.
///
/// An array must be whole JSON; lines are split without being parsed, so that one bad line stays alone.
pub(super) fn split(bytes: &[u8], media: Media) -> Result<Vec<&[u8]>, BodyError> {
    let body = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii();
    let items = match (body.first(), media) {
        (None, _) => return Err(BodyError::Empty),
        (Some(b'['), Media::Json) => array(body)?,
        (Some(b'{'), Media::Json) if is_one_value(body) => vec![body],
        (Some(b'{'), Media::Json) if !body.contains(&b'\n') => return Err(fault(body)),
        (Some(b'{'), Media::Json) | (Some(_), Media::Ndjson) => lines(body),
        (Some(_), Media::Json) => match serde_json::from_slice::<&RawValue>(body) {
            Ok(_) => vec![body],
            Err(_) => return Err(fault(body)),
        },
    };
    if items.len() > MAX_BODY_EVENTS {
        return Err(BodyError::TooManyEvents(items.len()));
    }
    Ok(items)
}

fn array(body: &[u8]) -> Result<Vec<&[u8]>, BodyError> {
    let items: Vec<&RawValue> =
        serde_json::from_slice(body).map_err(|e| BodyError::BadJson(e.to_string()))?;
    Ok(items.into_iter().map(|item| item.get().as_bytes()).collect())
}

fn lines(body: &[u8]) -> Vec<&[u8]> {
    body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty()).collect()
}

fn is_one_value(body: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(body).is_ok()
}

fn fault(body: &[u8]) -> BodyError {
    match serde_json::from_slice::<&RawValue>(body) {
        Ok(_) => BodyError::BadJson("not an object or an array".to_owned()),
        Err(error) => BodyError::BadJson(error.to_string()),
    }
}
