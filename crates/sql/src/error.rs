//! What can be wrong with a statement: a stable code, a text, and where it stands.

use std::fmt;

use sqlparser::tokenizer::{Location, Span};
use thiserror::Error;

/// A place in a statement, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The character in the line.
    pub column: u64,
}

/// Where an expression stands, if that is known; expressions are the same wherever they stand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place(Option<Position>);

impl Place {
    pub(crate) fn is_known(self) -> bool {
        self.0.is_some()
    }
}

impl PartialEq for Place {
    fn eq(&self, _: &Place) -> bool {
        true
    }
}

impl From<Span> for Place {
    fn from(span: Span) -> Self {
        let Location { line, column } = span.start;
        Place((line > 0).then_some(Position { line, column }))
    }
}

/// What kind of mistake it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// It is not SQL.
    Syntax,
    /// It is SQL, but not of the part that is understood here.
    NotSupported,
    /// It would change something.
    ReadOnly,
    /// No table of this name, or none that the caller may see.
    UnknownTable,
    /// No column of this name, or none that the caller may see.
    UnknownColumn,
    /// A name that several tables have.
    AmbiguousColumn,
    /// No function of this name.
    UnknownFunction,
    /// Values of types that do not go together.
    TypeMismatch,
    /// A column that is neither grouped by nor aggregated, or an aggregate where none can be.
    Grouping,
    /// No prepared statement of this name came with the request.
    UnknownPrepared,
    /// No property of a session of this name.
    UnknownProperty,
    /// Parameters that are missing or of the wrong sort.
    Parameters,
    /// A value that cannot be what it should be.
    BadValue,
    /// No time zone of this name: a bad value to programs, but Trino's drivers tell it apart.
    UnknownZone,
    /// A number beyond what its type holds.
    Overflow,
    /// The statement is too long, too deep or has too many parts.
    TooComplex,
    /// It takes more work than a statement may take.
    TooMuchWork,
    /// It holds or answers more than a statement may.
    TooManyRows,
}

impl Code {
    /// The name in API answers.
    pub fn name(self) -> &'static str {
        match self {
            Code::Syntax => "sql_syntax",
            Code::NotSupported => "sql_not_supported",
            Code::ReadOnly => "sql_read_only",
            Code::UnknownTable => "sql_unknown_table",
            Code::UnknownColumn => "sql_unknown_column",
            Code::AmbiguousColumn => "sql_ambiguous_column",
            Code::UnknownFunction => "sql_unknown_function",
            Code::TypeMismatch => "sql_type_mismatch",
            Code::Grouping => "sql_grouping",
            Code::UnknownPrepared => "sql_unknown_prepared",
            Code::UnknownProperty => "sql_unknown_property",
            Code::Parameters => "sql_parameters",
            Code::BadValue | Code::UnknownZone => "sql_bad_value",
            Code::Overflow => "sql_overflow",
            Code::TooComplex => "sql_too_complex",
            Code::TooMuchWork => "sql_too_much_work",
            Code::TooManyRows => "sql_too_many_rows",
        }
    }
}

/// Why a statement has no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct SqlError {
    /// Stable, for programs.
    pub code: Code,
    /// For people, with the value.
    pub message: String,
    /// Where, if that is known.
    pub position: Option<Position>,
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(Position { line, column }) => write!(f, "line {line}, column {column}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

/// What most functions here answer.
pub type Result<T> = std::result::Result<T, SqlError>;

impl SqlError {
    /// One without a position.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), position: None }
    }

    /// The same at a place, unless it has one already.
    #[must_use]
    pub(crate) fn at(mut self, place: impl Into<Place>) -> Self {
        self.position = self.position.or(place.into().0);
        self
    }
}

/// A statement of which only a part is understood.
pub(crate) fn not_supported(what: impl Into<String>) -> SqlError {
    SqlError::new(Code::NotSupported, format!("{} is not supported", what.into()))
}
