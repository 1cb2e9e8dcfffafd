//! What a client of Trino carries from one statement to the next, in headers: the server keeps nothing.
//!
//! Prepared statements and the zone of `SET TIME ZONE` come with every request; what a statement changes of them is
//! told in the headers of its answer (Trino, client REST API, "Client request headers" and "Client response headers").

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::catalog::{CATALOG, INFORMATION, SCHEMA};
use crate::error::{Code, Result, SqlError};

/// The most bytes of a prepared statement as it stands in a header: platforms limit headers, and clients send all of
/// theirs with every request.
pub const MAX_PREPARED_BYTES: usize = 32_000;

/// The most prepared statements that a request may bring.
const MAX_PREPARED: usize = 100;

/// What needs no escape in a header of pairs.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*');

/// The one property of a session that there is.
const ZONE: &str = "time_zone_id";

/// Headers of a request of which a session is read.
pub const PREPARED: &str = "X-Trino-Prepared-Statement";
/// The header of a session's properties.
pub const PROPERTIES: &str = "X-Trino-Session";

/// What came with a statement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Session {
    prepared: BTreeMap<String, String>,
    /// The zone that `SET TIME ZONE` has asked for.
    pub zone: Option<String>,
}

/// What a statement changes of its session, or asks of a transaction; no data is touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The name of the statement, as clients know it.
    pub update: &'static str,
    /// Headers of the answer.
    pub headers: Vec<(&'static str, String)>,
}

impl Change {
    fn new(update: &'static str) -> Self {
        Self { update, headers: Vec::new() }
    }

    fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }
}

impl Session {
    /// Reads the headers, each pairs of `name=value` with commas between, both form encoded.
    pub fn read(prepared: Option<&str>, properties: Option<&str>) -> Result<Self> {
        let prepared = pairs(prepared.unwrap_or_default())?;
        if prepared.len() > MAX_PREPARED {
            let text = format!("{} prepared statements, at most {MAX_PREPARED}", prepared.len());
            return Err(SqlError::new(Code::TooComplex, text));
        }
        // Properties of other servers that a client was set up with change nothing here.
        let zone = pairs(properties.unwrap_or_default())?.remove(ZONE);
        zone.as_deref().map(crate::zone).transpose()?;
        Ok(Self { prepared, zone })
    }

    /// The statement of a name.
    pub(super) fn prepared(&self, name: &str) -> Result<&str> {
        let missing = || SqlError::new(Code::UnknownPrepared, format!("no prepared statement {name:?}"));
        self.prepared.get(name).map(String::as_str).ok_or_else(missing)
    }

    /// `PREPARE`: the client keeps the statement.
    pub(super) fn prepare(name: &str, statement: &str) -> Result<Change> {
        let encoded = encode(statement);
        if encoded.len() > MAX_PREPARED_BYTES {
            let text = format!(
                "a prepared statement travels in a header, encoded {} bytes, at most {MAX_PREPARED_BYTES}: use EXECUTE IMMEDIATE",
                encoded.len()
            );
            return Err(SqlError::new(Code::TooComplex, text));
        }
        Ok(Change::new("PREPARE").with("X-Trino-Added-Prepare", format!("{}={encoded}", encode(name))))
    }

    /// `DEALLOCATE PREPARE`: the client forgets it.
    pub(super) fn deallocate(&self, name: &str) -> Result<Change> {
        self.prepared(name)?;
        Ok(Change::new("DEALLOCATE").with("X-Trino-Deallocated-Prepare", encode(name)))
    }
}

/// `SET SESSION`.
pub(super) fn set(property: &str, value: &str) -> Result<Change> {
    known(property)?;
    set_zone(Some(value)).map(|change| Change { update: "SET SESSION", ..change })
}

/// `RESET SESSION`.
pub(super) fn reset(property: &str) -> Result<Change> {
    known(property)?;
    Ok(Change::new("RESET SESSION").with("X-Trino-Clear-Session", ZONE))
}

fn known(property: &str) -> Result<()> {
    if property == ZONE {
        return Ok(());
    }
    let text = format!("no session property {property:?}; there is {ZONE}");
    Err(SqlError::new(Code::UnknownProperty, text))
}

/// `SET TIME ZONE`; none is the one of the scope again.
pub(super) fn set_zone(zone: Option<&str>) -> Result<Change> {
    let change = Change::new("SET TIME ZONE");
    match zone {
        None => Ok(change.with("X-Trino-Clear-Session", ZONE)),
        Some(zone) => {
            crate::zone(zone)?;
            Ok(change.with("X-Trino-Set-Session", format!("{ZONE}={}", encode(zone))))
        }
    }
}

/// `USE`: there is one catalog with two schemas.
pub(super) fn use_schema(names: &[String]) -> Result<Change> {
    let (catalog, schema) = match names {
        [schema] => (CATALOG, schema.as_str()),
        [catalog, schema] => (catalog.as_str(), schema.as_str()),
        _ => return Err(SqlError::new(Code::Syntax, "USE is followed by a schema")),
    };
    if catalog != CATALOG || ![SCHEMA, INFORMATION].contains(&schema) {
        return Err(SqlError::new(Code::UnknownTable, format!("no schema {catalog}.{schema}")));
    }
    Ok(Change::new("USE").with("X-Trino-Set-Catalog", catalog).with("X-Trino-Set-Schema", schema))
}

/// `START TRANSACTION`: nothing is written, so there is nothing to hold together.
pub(super) fn start_transaction(id: &str) -> Change {
    Change::new("START TRANSACTION").with("X-Trino-Started-Transaction-Id", id)
}

/// `COMMIT` and `ROLLBACK`.
pub(super) fn end_transaction(update: &'static str) -> Change {
    Change::new(update).with("X-Trino-Clear-Transaction-Id", "true")
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

fn pairs(header: &str) -> Result<BTreeMap<String, String>> {
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8().map(|text| text.into_owned());
        decoded.map_err(|_| SqlError::new(Code::BadValue, "a header of the session is not UTF-8"))
    };
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').ok_or_else(|| {
            SqlError::new(Code::BadValue, "a header of the session is name=value with commas between")
        })?;
        Ok((decode(name)?, decode(value)?))
    };
    header.split(',').map(str::trim).filter(|text| !text.is_empty()).map(pair).collect()
}
