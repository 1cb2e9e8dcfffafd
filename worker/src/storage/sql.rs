//! SQL without its traps: rows are read whole, errors stop the reading, several statements are one.

use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use worker::{Error, Result, SqlStorage, SqlStorageValue, State};

use crate::usage;

#[wasm_bindgen]
extern "C" {
    /// The part of an object's storage that the bindings lack.
    type SyncStorage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    fn transaction_sync(
        this: &SyncStorage,
        run: &mut dyn FnMut() -> std::result::Result<JsValue, JsValue>,
    ) -> std::result::Result<JsValue, JsValue>;
}

/// An object's database.
#[derive(Clone)]
pub(crate) struct Database {
    state: Rc<State>,
}

/// A row, read from the left.
pub(crate) struct Row {
    values: std::vec::IntoIter<SqlStorageValue>,
}

impl Database {
    /// The database of the object whose state this is.
    pub(crate) fn new(state: Rc<State>) -> Self {
        Self { state }
    }

    /// Runs a statement and tells how many rows it wrote, index entries included.
    pub(crate) fn run(&self, statement: &str, bindings: Vec<SqlStorageValue>) -> Result<usize> {
        let rows = self.sql().exec(statement, bindings)?.rows_written();
        usage::wrote(rows);
        Ok(rows)
    }

    /// Runs a query and reads all rows; the first error ends the reading.
    pub(crate) fn rows(&self, query: &str, bindings: Vec<SqlStorageValue>) -> Result<Vec<Row>> {
        let row = |values: Result<Vec<SqlStorageValue>>| Ok(Row { values: values?.into_iter() });
        self.sql().exec(query, bindings)?.raw().map(row).collect()
    }

    /// Runs `statements` as one: all of them are stored, or none is.
    pub(crate) fn atomically<T>(&self, mut statements: impl FnMut() -> Result<T>) -> Result<T> {
        let storage = self.state.storage();
        let mut done = None;
        let mut failed = None;
        let outcome = {
            // A panic inside passes through and takes all of this with it.
            let mut parts = AssertUnwindSafe((&mut statements, &mut done, &mut failed));
            let mut run = move || {
                let parts = &mut parts;
                let (statements, done, failed) = &mut **parts;
                match statements() {
                    Ok(value) => {
                        **done = Some(value);
                        Ok(JsValue::UNDEFINED)
                    }
                    Err(error) => {
                        let thrown = JsValue::from_str(&error.to_string());
                        **failed = Some(error);
                        Err(thrown)
                    }
                }
            };
            let raw: &JsValue = storage.as_raw().as_ref();
            raw.unchecked_ref::<SyncStorage>().transaction_sync(&mut run)
        };
        match (outcome, done, failed) {
            (Ok(_), Some(value), _) => Ok(value),
            (_, _, Some(error)) => Err(error),
            (Err(thrown), ..) => Err(thrown.into()),
            (Ok(_), None, None) => Err(Error::RustError("the transaction did not run".to_owned())),
        }
    }

    fn sql(&self) -> SqlStorage {
        self.state.storage().sql()
    }
}

impl Row {
    /// The next column, an integer.
    pub(crate) fn integer(&mut self) -> Result<i64> {
        match self.values.next() {
            Some(SqlStorageValue::Integer(value)) => Ok(value),
            other => Err(unexpected("an integer", other.as_ref())),
        }
    }

    /// The next column, an integer or nothing.
    pub(crate) fn integer_or_null(&mut self) -> Result<Option<i64>> {
        match self.values.next() {
            Some(SqlStorageValue::Integer(value)) => Ok(Some(value)),
            Some(SqlStorageValue::Null) => Ok(None),
            other => Err(unexpected("an integer or null", other.as_ref())),
        }
    }

    /// The next column, a text.
    pub(crate) fn text(&mut self) -> Result<String> {
        match self.values.next() {
            Some(SqlStorageValue::String(value)) => Ok(value),
            other => Err(unexpected("a text", other.as_ref())),
        }
    }

    /// The next column, whatever it is.
    pub(crate) fn any(&mut self) -> Result<SqlStorageValue> {
        self.values.next().ok_or_else(|| unexpected("a value", None))
    }

    /// The next column, bytes.
    pub(crate) fn blob(&mut self) -> Result<Vec<u8>> {
        match self.values.next() {
            Some(SqlStorageValue::Blob(value)) => Ok(value),
            other => Err(unexpected("a blob", other.as_ref())),
        }
    }
}

/// An integer to bind; positions, sequences and times are far below 2^53, where JavaScript's numbers end.
pub(crate) fn integer(value: impl TryInto<i64>) -> Result<SqlStorageValue> {
    let value = value.try_into().map_err(|_| Error::RustError("the integer exceeds 64 bits".to_owned()))?;
    SqlStorageValue::try_from_i64(value)
}

fn unexpected(expected: &str, found: Option<&SqlStorageValue>) -> Error {
    Error::RustError(format!("expected {expected} in a row, found {found:?}"))
}

/// The name of a table or a column as it stands in a statement.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
