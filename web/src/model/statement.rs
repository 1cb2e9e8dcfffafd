//! The text of a statement: its words for colours, and where something is wrong with it.

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tint {
    /// Names, signs and blanks.
    Plain,
    /// A word of the language.
    Keyword,
    /// A text in quotes.
    Text,
    /// A number.
    Number,
    /// A remark.
    Remark,
}

impl Tint {
    /// The class of style.
    pub fn class(self) -> &'static str {
        match self {
            Tint::Plain => "",
            Tint::Keyword => "sql-keyword",
            Tint::Text => "sql-text",
            Tint::Number => "sql-number",
            Tint::Remark => "sql-remark",
        }
    }
}

/// The words that statements are made of.
pub const KEYWORDS: [&str; 62] = [
    "ALL",
    "AND",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COALESCE",
    "COUNT",
    "CROSS",
    "CUBE",
    "DATE",
    "DATE_TRUNC",
    "DESC",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "EXTRACT",
    "FALSE",
    "FLOOR",
    "FROM",
    "FULL",
    "GROUP",
    "GROUPING",
    "HAVING",
    "IN",
    "INNER",
    "INTERVAL",
    "IS",
    "JOIN",
    "LEFT",
    "LIKE",
    "LIMIT",
    "MAX",
    "MIN",
    "NOT",
    "NULL",
    "NULLIF",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "RIGHT",
    "ROLLUP",
    "SELECT",
    "SETS",
    "SUM",
    "THEN",
    "TRUE",
    "UNION",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WITH",
];

/// A statement in pieces of one tint; together they are the text.
pub fn pieces(text: &str) -> Vec<(Tint, &str)> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let (tint, length) = match first {
            '\'' => (Tint::Text, quoted(rest, '\'')),
            '"' => (Tint::Plain, quoted(rest, '"')),
            '-' if rest.starts_with("--") => (Tint::Remark, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => {
                (Tint::Remark, rest.find("*/").map_or(rest.len(), |end| end + 2))
            }
            c if c.is_ascii_digit() => (Tint::Number, run(rest, |c| c.is_ascii_digit() || c == '.')),
            c if is_word(c) => {
                let length = run(rest, is_word);
                let is_keyword = KEYWORDS.iter().any(|word| word.eq_ignore_ascii_case(&rest[..length]));
                (if is_keyword { Tint::Keyword } else { Tint::Plain }, length)
            }
            c => (Tint::Plain, c.len_utf8()),
        };
        let (piece, after) = rest.split_at(length);
        pieces.push((tint, piece));
        rest = after;
    }
    pieces
}

/// Whether a letter can be of a name.
pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn run(text: &str, is_in: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_in(c)).unwrap_or(text.len())
}

fn quoted(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

/// A place in a statement, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

/// Where an error says that it is, and what it says: `line 2, column 7: …`.
pub fn spot_of(detail: &str) -> Option<(Spot, &str)> {
    let rest = detail.strip_prefix("line ")?;
    let (line, rest) = rest.split_once(", column ")?;
    let (column, said) = rest.split_once(": ")?;
    Some((Spot { line: line.parse().ok()?, column: column.parse().ok()? }, said))
}

/// What an error says of a statement before which a line was put.
pub fn line_up(detail: &str) -> String {
    match spot_of(detail) {
        Some((Spot { line: line @ 2.., column }, said)) => {
            format!("line {}, column {column}: {said}", line - 1)
        }
        _ => detail.to_string(),
    }
}

/// The bytes of the word at a place: what is wrong, or one letter where no word stands.
pub fn marked(text: &str, spot: Spot) -> std::ops::Range<usize> {
    let before: usize = text.split_inclusive('\n').take(spot.line.saturating_sub(1)).map(str::len).sum();
    let line = text[before..].split('\n').next().unwrap_or_default();
    let within: usize = line.chars().take(spot.column.saturating_sub(1)).map(char::len_utf8).sum();
    let start = before + within;
    let rest = &line[within..];
    let length = match run(rest, is_word) {
        0 => rest.chars().next().map_or(0, char::len_utf8),
        length => length,
    };
    start..start + length
}

/// The pieces of a statement in which the bytes of `mark` are apart: with whether a piece is marked.
pub fn marked_pieces(text: &str, mark: Option<std::ops::Range<usize>>) -> Vec<(Tint, &str, bool)> {
    let mut shown = Vec::new();
    let mut at = 0;
    for (tint, piece) in pieces(text) {
        let end = at + piece.len();
        let (from, to) = match &mark {
            Some(mark) => (mark.start.clamp(at, end), mark.end.clamp(at, end)),
            None => (end, end),
        };
        let parts = [(at, from, false), (from, to, true), (to, end, false)];
        shown.extend(
            parts
                .into_iter()
                .filter(|(from, to, _)| from < to)
                .map(|(from, to, is)| (tint, &text[from..to], is)),
        );
        at = end;
    }
    shown
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn pieces_are_the_text() {
        for text in [
            "",
            "select 'it''s', 1.5 -- why\nFROM \"x y\" /* a */ w여름",
            "'open",
            "\"open",
            "/* open",
            "a\n\n-- b",
        ] {
            assert_eq!(pieces(text).iter().map(|(_, piece)| *piece).collect::<String>(), text);
        }
        let tints: Vec<(Tint, &str)> =
            pieces("sum(x)>1 --y").into_iter().filter(|(tint, _)| *tint != Tint::Plain).collect();
        assert_eq!(tints, [(Tint::Keyword, "sum"), (Tint::Number, "1"), (Tint::Remark, "--y")]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn errors_have_a_place() {
        fn check(detail: &str, text: &str, expected: Option<&str>) {
            let found = spot_of(detail).map(|(spot, _)| &text[marked(text, spot)]);
            assert_eq!(found, expected, "{detail}");
        }
        let text = "SELECT 여름, nothing\nFROM ad_stats";
        check("line 1, column 12: there is no column \"nothing\"", text, Some("nothing"));
        check("line 2, column 6: there is no table", text, Some("ad_stats"));
        check("line 1, column 10: unexpected", text, Some(","));
        check("line 9, column 9: beyond", text, Some(""));
        check("takes too long", text, None);
        check("line x, column 1: a", text, None);
        assert_eq!(line_up("line 2, column 8: no: x"), "line 1, column 8: no: x");
        assert_eq!(line_up("too long"), "too long");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_mark_cuts_pieces() {
        let shown = marked_pieces("SELECT abc", Some(8..9));
        let parts: Vec<(&str, bool)> =
            shown.into_iter().map(|(_, part, is_marked)| (part, is_marked)).collect();
        assert_eq!(parts, [("SELECT", false), (" ", false), ("a", false), ("b", true), ("c", false)]);
        assert_eq!(marked_pieces("a b", None).len(), 3);
    }
}
