//! Notebooks: statements and remarks that belong together, kept for everybody of a scope.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest name, in characters: a line on a page.
pub const MAX_NAME_CHARS: usize = 200;
/// The most cells of a notebook: a page of more cannot be read.
pub const MAX_CELLS: usize = 100;
/// The most bytes of all cells: a statement has 100,000 at most, and a row of the catalog two million.
pub const MAX_BYTES: usize = 400_000;
/// The most notebooks of a scope.
pub const MAX_NOTEBOOKS: u32 = 1_000;

/// What a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellKind {
    /// A statement.
    Sql,
    /// A remark.
    Text,
}

/// How the answer of a statement is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellView {
    /// As rows.
    #[default]
    Table,
    /// As bars or a line.
    Chart,
}

/// A cell of a notebook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotebookCell {
    /// What it is.
    pub kind: CellKind,
    /// The statement or the remark.
    pub text: String,
    /// How an answer is shown.
    #[serde(default)]
    pub view: CellView,
}

/// The body of `POST /v1/notebooks` and `PUT /v1/notebooks/{id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotebookBody {
    /// What it is called.
    pub name: String,
    /// Its cells, from the top.
    pub cells: Vec<NotebookCell>,
    /// Of a `PUT`: the revision that was read. Another one by now is not written over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
}

/// A notebook in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotebookInfo {
    /// Public handle.
    pub id: String,
    /// Whose: everybody who reads this scope reads it, and may change it.
    pub scope: String,
    /// What it is called.
    pub name: String,
    /// Grows with every change.
    pub revision: i64,
    /// When it was changed last, RFC 3339.
    pub changed: String,
}

/// A notebook with its cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notebook {
    /// What the list says of it.
    #[serde(flatten)]
    pub info: NotebookInfo,
    /// Its cells, from the top.
    pub cells: Vec<NotebookCell>,
}

/// The list of a scope's notebooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notebooks {
    /// The one that was changed last comes first.
    pub notebooks: Vec<NotebookInfo>,
}

/// Why a notebook is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NotebookError {
    /// It has no name, or a long one.
    #[error("name: 1 to {MAX_NAME_CHARS} characters, not {0}")]
    Name(usize),
    /// It has no cells, or too many.
    #[error("cells: 1 to {MAX_CELLS}, not {0}")]
    Cells(usize),
    /// It is too long.
    #[error("cells: at most {MAX_BYTES} bytes, not {0}")]
    Bytes(usize),
}

impl NotebookBody {
    /// The same with a name without blanks around it.
    ///
    /// # Errors
    /// What is beyond a limit.
    pub fn checked(mut self) -> Result<Self, NotebookError> {
        self.name = self.name.trim().to_owned();
        let chars = self.name.chars().count();
        if !(1..=MAX_NAME_CHARS).contains(&chars) {
            return Err(NotebookError::Name(chars));
        }
        if !(1..=MAX_CELLS).contains(&self.cells.len()) {
            return Err(NotebookError::Cells(self.cells.len()));
        }
        let bytes = self.cells.iter().map(|cell| cell.text.len()).sum();
        if bytes > MAX_BYTES {
            return Err(NotebookError::Bytes(bytes));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(text: &str) -> NotebookCell {
        NotebookCell { kind: CellKind::Sql, text: text.to_owned(), view: CellView::Table }
    }

    #[test]
    fn what_is_kept() {
        fn check(name: &str, cells: Vec<NotebookCell>, expected: Result<&str, NotebookError>) {
            let body = NotebookBody { name: name.to_owned(), cells, revision: None }.checked();
            assert_eq!(body.as_ref().map(|body| body.name.as_str()), expected.as_ref().copied());
        }
        check("  Spend by ad ", vec![cell("SELECT 1")], Ok("Spend by ad"));
        check("여".repeat(200).as_str(), vec![cell("")], Ok("여".repeat(200).as_str()));
        check(" ", vec![cell("")], Err(NotebookError::Name(0)));
        check("여".repeat(201).as_str(), vec![cell("")], Err(NotebookError::Name(201)));
        check("n", vec![], Err(NotebookError::Cells(0)));
        check("n", vec![cell(""); 101], Err(NotebookError::Cells(101)));
        check("n", vec![cell(&"x".repeat(300_000)); 2], Err(NotebookError::Bytes(600_000)));
    }

    #[test]
    fn bodies_are_read() {
        let text = r#"{"name":"n","cells":[{"kind":"text","text":"Why"},{"kind":"sql","text":"SELECT 1","view":"chart"}]}"#;
        let body: NotebookBody = serde_json::from_str(text).unwrap();
        assert_eq!((body.cells[0].kind, body.cells[0].view), (CellKind::Text, CellView::Table));
        assert_eq!(body.cells[1].view, CellView::Chart);
        assert!(serde_json::from_str::<NotebookBody>(&text.replace("text\":\"Why", "txt\":\"Why")).is_err());
    }
}
