//! Templates: `"{campaign}-{lower:country}"` becomes a text for each row.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::row::Row;

/// How many hexadecimal digits `{hash:…}` has: 128 bits, so that a billion users do not collide.
const HASH_HEX_CHARS: usize = 32;

/// What separates the values that `{hash:…}` joins: a character that no sane column holds, so that
/// ("ab", "c") and ("a", "bc") differ.
const HASH_SEPARATOR: char = '\u{1f}';

/// A text with places that each row fills in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value { function: Function, columns: Vec<String> },
}

/// What happens to the columns of a `{function:column,column}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Function {
    /// `{column}`: its value.
    Value,
    /// A fingerprint of all values together, for keys that are too long or too personal to send.
    Hash,
    /// The first value that is not empty.
    First,
    /// In small letters.
    Lower,
    /// In capitals.
    Upper,
    /// What may not stand in an event id becomes `-`.
    Slug,
}

const FUNCTIONS: [(&str, Function); 5] = [
    ("hash", Function::Hash),
    ("first", Function::First),
    ("lower", Function::Lower),
    ("upper", Function::Upper),
    ("slug", Function::Slug),
];

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    /// A `{` without its `}`.
    #[error("`{{` at character {0} is never closed; write `{{{{` for a brace")]
    Unclosed(usize),
    /// A `}` without its `{`.
    #[error("`}}` at character {0} was never opened; write `}}}}` for a brace")]
    Unopened(usize),
    /// `{}` or `{hash:}`.
    #[error("`{{{0}}}` names no column")]
    NoColumn(String),
    /// `{shout:name}`.
    #[error("`{0}` is no function; there are {names}", names = function_names())]
    UnknownFunction(String),
    /// `{lower:a,b}`.
    #[error("`{0}` takes one column, not {1}")]
    TooManyColumns(String, usize),
}

fn function_names() -> String {
    FUNCTIONS.map(|(name, _)| name).join(", ")
}

impl Template {
    /// Reads `{column}`, `{function:column,column}`, and `{{` and `}}` for braces.
    pub(crate) fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut chars = text.chars().enumerate().peekable();
        while let Some((at, c)) = chars.next() {
            let doubled = chars.peek().is_some_and(|(_, next)| *next == c);
            match c {
                '{' | '}' if doubled => {
                    chars.next();
                    plain.push(c);
                }
                '{' => {
                    let mut inside = String::new();
                    loop {
                        match chars.next() {
                            Some((_, '}')) => break,
                            Some((_, c)) => inside.push(c),
                            None => return Err(TemplateError::Unclosed(at + 1)),
                        }
                    }
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    pieces.push(parse_value(&inside)?);
                }
                '}' => return Err(TemplateError::Unopened(at + 1)),
                _ => plain.push(c),
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        Ok(Self(pieces))
    }

    /// Its text, where that is the same in every row.
    pub(crate) fn as_constant(&self) -> Option<&str> {
        match &self.0[..] {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The columns that it reads.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .flat_map(|piece| match piece {
                Piece::Text(_) => &[][..],
                Piece::Value { columns, .. } => columns,
            })
            .map(String::as_str)
    }

    /// Its text for `row`.
    pub(crate) fn render(&self, row: &Row<'_>) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(plain) => text.push_str(plain),
                Piece::Value { function, columns } => function.apply(columns, row, &mut text),
            }
        }
        text
    }
}

fn parse_value(inside: &str) -> Result<Piece, TemplateError> {
    let (function, columns) = match inside.split_once(':') {
        None => (Function::Value, vec![inside.trim()]),
        Some((name, columns)) => {
            let known = FUNCTIONS.iter().find(|(known, _)| *known == name.trim());
            let Some((_, function)) = known else {
                return Err(TemplateError::UnknownFunction(name.trim().to_owned()));
            };
            (*function, columns.split(',').map(str::trim).collect())
        }
    };
    if columns.iter().any(|column| column.is_empty()) {
        return Err(TemplateError::NoColumn(inside.to_owned()));
    }
    if columns.len() > 1 && !matches!(function, Function::Hash | Function::First) {
        return Err(TemplateError::TooManyColumns(inside.to_owned(), columns.len()));
    }
    Ok(Piece::Value { function, columns: columns.into_iter().map(str::to_owned).collect() })
}

impl Function {
    fn apply(self, columns: &[String], row: &Row<'_>, text: &mut String) {
        if self == Function::Hash {
            return hash(columns, row, text);
        }
        // Only `first` has several columns; for the others the first that is not empty is the only one.
        let values = columns.iter().map(|column| row.value(column));
        let value = values.into_iter().find(|value| !value.is_empty()).unwrap_or_default();
        match self {
            Function::Value | Function::First | Function::Hash => text.push_str(&value),
            Function::Lower => text.push_str(&value.to_lowercase()),
            Function::Upper => text.push_str(&value.to_uppercase()),
            Function::Slug => text.extend(value.chars().map(|c| match c {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '_' | ':' | '-' => c,
                _ => '-',
            })),
        }
    }
}

/// Nothing known about a user must not become one user whom all the unknown share: all empty stays empty.
fn hash(columns: &[String], row: &Row<'_>, text: &mut String) {
    let values: Vec<_> = columns.iter().map(|column| row.value(column)).collect();
    if values.iter().all(|value| value.is_empty()) {
        return;
    }
    let mut joined = String::new();
    for value in values {
        joined.push_str(&value);
        joined.push(HASH_SEPARATOR);
    }
    for byte in Sha256::digest(joined.as_bytes()).iter().take(HASH_HEX_CHARS / 2) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::map::row::sample;

    #[test]
    fn rendering() {
        #[track_caller]
        fn check(template: &str, expected: &str) {
            let cells = [("ad", "14"), ("name", "Été 9%"), ("a", "ab"), ("b", "c"), ("none", "")];
            assert_eq!(sample(&cells, |row| Template::parse(template).unwrap().render(row)), expected);
        }
        check("", "");
        check("shop", "shop");
        check("{ad}", "14");
        check("ad-{ad}!", "ad-14!");
        check("{{{ad}}}", "{14}");
        check("{_file_stem}-{_row}", "sample-7");
        check("{_file}", "sample.csv");
        check("{none}", "");
        check("{first:none,ad}", "14");
        check("{lower:name}|{upper:name}|{slug:name}", "été 9%|ÉTÉ 9%|-t--9-");
        check("{hash:none}", "");
        check("{hash:a,b}", "bad25e66fd6ed23bd3a4c1bc6ce4f210");
    }

    #[test]
    fn a_hash_knows_where_its_values_end() {
        let hash =
            |a, b| sample(&[("a", a), ("b", b)], |row| Template::parse("{hash:a,b}").unwrap().render(row));
        assert_ne!(hash("ab", "c"), hash("a", "bc"));
        assert_ne!(hash("", "c"), hash("c", ""));
        assert_eq!(hash("ab", "c").len(), HASH_HEX_CHARS);
    }

    #[test]
    fn errors() {
        #[track_caller]
        fn check(template: &str, expected: TemplateError) {
            assert_eq!(Template::parse(template), Err(expected));
        }
        check("a{b", TemplateError::Unclosed(2));
        check("a}b", TemplateError::Unopened(2));
        check("{}", TemplateError::NoColumn(String::new()));
        check("{hash:a,}", TemplateError::NoColumn("hash:a,".into()));
        check("{shout:a}", TemplateError::UnknownFunction("shout".into()));
        check("{lower:a,b}", TemplateError::TooManyColumns("lower:a,b".into(), 2));
        assert_eq!(
            TemplateError::UnknownFunction("shout".into()).to_string(),
            "`shout` is no function; there are hash, first, lower, upper, slug"
        );
    }
}
