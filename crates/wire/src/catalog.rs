//! Bodies of catalog `PUT`s: what may stand in them, and what they make of the entry that is there.
//!
//! A `PUT` names the fields that it wants changed: an absent field keeps its value or default, `null` clears what
//! may be absent.

pub mod advertiser;
pub mod campaign;
pub mod entry;
pub mod export;
pub mod token;
pub mod view;

use adtally_core::key::Key;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

/// The longest name of a catalog entry or token, in characters: a line on a page.
pub const MAX_NAME_CHARS: usize = 200;
/// The largest amount in micros: the catalog's database passes numbers as 64-bit floats.
pub const MAX_AMOUNT_MICROS: i64 = (1 << 53) - 1;

/// Why a catalog body is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CatalogError {
    /// Not JSON at all.
    #[error("the body is not JSON: {0}")]
    Json(String),
    /// JSON, but not of this shape: a wrong type or an unknown field.
    #[error("the body does not fit: {0}")]
    Shape(String),
    /// A value that is not allowed.
    #[error("{field}: {message}")]
    Value {
        /// The field's name.
        field: &'static str,
        /// What is wrong, with the value.
        message: String,
    },
    /// The body's `key` is not that of the path.
    #[error("key: {body:?} is not the key of the path, {path:?}")]
    KeyMismatch {
        /// In the body.
        body: String,
        /// In the path.
        path: String,
    },
    /// A field without which the entry means nothing.
    #[error("{0} is missing")]
    Missing(&'static str),
}

impl CatalogError {
    /// Stable, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            CatalogError::Json(_) => "bad_json",
            CatalogError::Shape(_) => "invalid_body",
            CatalogError::Value { .. } => "invalid_field",
            CatalogError::KeyMismatch { .. } => "key_mismatch",
            CatalogError::Missing(_) => "missing_field",
        }
    }
}

/// Reads a body, telling text that is not JSON from JSON that does not fit.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, CatalogError> {
    serde_json::from_slice(body).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => CatalogError::Shape(error.to_string()),
        _ => CatalogError::Json(error.to_string()),
    })
}

/// A key that names something: not empty.
pub fn key(field: &'static str, text: &str) -> Result<Key, CatalogError> {
    match Key::parse(text) {
        Ok(key) if key.is_empty() => Err(wrong(field, "is empty")),
        Ok(key) => Ok(key),
        Err(error) => Err(wrong(field, error)),
    }
}

/// The body may repeat the key of the path, nothing else.
fn same_key(body: Option<String>, path: &Key) -> Result<(), CatalogError> {
    match body {
        Some(body) if body != path.as_str() && !body.is_empty() => {
            Err(CatalogError::KeyMismatch { body, path: path.to_string() })
        }
        _ => Ok(()),
    }
}

fn name(text: String) -> Result<String, CatalogError> {
    let chars = text.chars().count();
    if chars > MAX_NAME_CHARS {
        return Err(wrong("name", format!("has {chars} characters, at most {MAX_NAME_CHARS} are allowed")));
    }
    if text.chars().any(char::is_control) {
        return Err(wrong("name", "contains a control character"));
    }
    Ok(text)
}

fn amount(field: &'static str, micros: i64) -> Result<i64, CatalogError> {
    if (0..=MAX_AMOUNT_MICROS).contains(&micros) {
        Ok(micros)
    } else {
        Err(wrong(field, format!("{micros} is not between 0 and {MAX_AMOUNT_MICROS}")))
    }
}

fn wrong(field: &'static str, message: impl ToString) -> CatalogError {
    CatalogError::Value { field, message: message.to_string() }
}

/// For fields where absent keeps and `null` clears: absent is `None`, `null` is `Some(None)`.
fn nullable<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
