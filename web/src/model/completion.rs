//! What may follow in a statement: words of the language, tables, columns.

use std::collections::BTreeMap;

use super::outcome::{Answer, Cell};
use super::statement::{KEYWORDS, is_word};

/// The most that are offered at once.
const MAX_OFFERED: usize = 8;
/// So many letters before something is offered without being asked for.
pub const MIN_LETTERS: usize = 2;

/// The tables that can be asked, with their columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schema {
    /// By table, each column with its type.
    pub tables: BTreeMap<String, Vec<(String, String)>>,
}

/// The statement that tells of them.
pub const SCHEMA_SQL: &str = "SELECT table_name, column_name, data_type FROM information_schema.columns \
    WHERE table_schema = 'ads' ORDER BY table_name, ordinal_position";

/// What a suggestion is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// A column.
    Column,
    /// A table.
    Table,
    /// A word of the language.
    Keyword,
}

/// Something that may follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// The whole word.
    pub text: String,
    /// What it is.
    pub sort: Sort,
    /// The type of a column.
    pub note: String,
}

impl Schema {
    /// Of the answer of [`SCHEMA_SQL`].
    pub fn of(answer: &Answer) -> Schema {
        let mut schema = Schema::default();
        for row in &answer.rows {
            if let [Cell::Text(table), Cell::Text(column), Cell::Text(kind), ..] = row.as_slice() {
                schema.tables.entry(table.clone()).or_default().push((column.clone(), kind.clone()));
            }
        }
        schema
    }

    /// The columns of the tables that a statement names; of all, where it names none.
    fn columns_for(&self, text: &str) -> Vec<&(String, String)> {
        let words: Vec<&str> = text.split(|c| !is_word(c)).collect();
        let is_named = |table: &str| words.iter().any(|word| word.eq_ignore_ascii_case(table));
        let any = self.tables.keys().any(|table| is_named(table));
        let wanted = self.tables.iter().filter(|(table, _)| !any || is_named(table));
        wanted.flat_map(|(_, columns)| columns).collect()
    }
}

/// The word that ends at byte `at` of a text.
pub fn word_before(text: &str, at: usize) -> &str {
    let before = text.get(..at).unwrap_or(text);
    let start = before.char_indices().rev().take_while(|(_, c)| is_word(*c)).last();
    start.map_or("", |(start, _)| &before[start..])
}

/// What may stand in place of the word before byte `at`; columns first.
pub fn suggestions(text: &str, at: usize, schema: &Schema) -> Vec<Suggestion> {
    let word = word_before(text, at);
    let fits = |name: &str| {
        let start = name.get(..word.len());
        name.len() > word.len() && start.is_some_and(|start| start.eq_ignore_ascii_case(word))
    };
    let mut found: Vec<Suggestion> = Vec::new();
    let mut offer = |text: String, sort: Sort, note: &str| {
        if fits(&text) && found.iter().all(|known| known.text != text) {
            found.push(Suggestion { text, sort, note: note.to_string() });
        }
    };
    for (column, kind) in schema.columns_for(text) {
        offer(column.clone(), Sort::Column, kind);
    }
    for table in schema.tables.keys() {
        offer(table.clone(), Sort::Table, "");
    }
    let is_small = word.chars().next().is_some_and(char::is_lowercase);
    for keyword in KEYWORDS {
        offer(if is_small { keyword.to_lowercase() } else { keyword.to_string() }, Sort::Keyword, "");
    }
    found.truncate(MAX_OFFERED);
    found
}

/// A text with the word before byte `at` replaced, and where the caret stands then.
pub fn completed(text: &str, at: usize, word: &str) -> (String, usize) {
    let start = at - word_before(text, at).len();
    let after = text.get(at..).unwrap_or_default();
    (format!("{}{word}{after}", &text[..start]), start + word.len())
}

/// The byte of a text at which a browser's caret stands, which counts in units of UTF-16.
pub fn byte_of(text: &str, units: usize) -> usize {
    let mut left = units;
    for (place, c) in text.char_indices() {
        if left == 0 {
            return place;
        }
        left = left.saturating_sub(c.len_utf16());
    }
    text.len()
}

/// Where a browser's caret stands for a byte of a text.
pub fn units_of(text: &str, byte: usize) -> usize {
    text.get(..byte).unwrap_or(text).encode_utf16().count()
}

/// The line and the letter of a byte, both from 0: where a list of suggestions stands.
pub fn line_and_letter(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count(), line.chars().count())
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn schema() -> Schema {
        let rows = [
            ("ad_stats", "campaign", "varchar"),
            ("ad_stats", "clicks", "bigint"),
            ("campaigns", "campaign", "varchar"),
            ("campaigns", "currency", "varchar"),
        ];
        let row = |(table, column, kind): (&str, &str, &str)| {
            [table, column, kind].map(|text| Cell::Text(text.to_string())).to_vec()
        };
        Schema::of(&Answer { rows: rows.map(row).to_vec(), ..Answer::default() })
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_is_offered() {
        fn check(text: &str, expected: &[&str]) {
            let at = text.find('|').unwrap();
            let text = text.replace('|', "");
            let found: Vec<String> =
                suggestions(&text, at, &schema()).into_iter().map(|one| one.text).collect();
            assert_eq!(found, expected, "{text}");
        }
        check("SELECT cl| FROM ad_stats", &["clicks"]);
        check("SELECT cu| FROM ad_stats", &["cube"]);
        check("SELECT cu|", &["currency", "cube"]);
        check("SELECT ca|", &["campaign", "campaigns", "case", "cast"]);
        check("SEL|", &["SELECT"]);
        check("SELECT clicks|", &[]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn words_and_carets() {
        let text = "여름 a_b.cl";
        assert_eq!(word_before(text, text.len()), "cl");
        assert_eq!(word_before(text, 6), "여름");
        assert_eq!(word_before(text, 7), "");
        assert_eq!(completed("SELECT cl FROM x", 9, "clicks"), ("SELECT clicks FROM x".to_string(), 13));
        for (byte, units) in [(0, 0), (3, 1), (6, 2), (text.len(), 9)] {
            assert_eq!((byte_of(text, units), units_of(text, byte)), (byte, units));
        }
        assert_eq!(line_and_letter("ab\n여름x", 3 + 6), (1, 2));
    }
}
