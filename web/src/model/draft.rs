//! A notebook while somebody works in it.

use adtally_wire::notebook::{CellKind, CellView, Notebook, NotebookBody, NotebookCell, NotebookInfo};

/// A notebook as it is on the page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// What it is called; empty while it has no name.
    pub name: String,
    /// Where it is kept; `None` while it is not.
    pub kept: Option<NotebookInfo>,
    /// Its cells, each with a number that stays with it.
    pub cells: Vec<(u32, NotebookCell)>,
    next: u32,
}

/// What a new notebook asks first.
pub const FIRST: &str = "SELECT campaign, SUM(impressions) AS impressions, SUM(clicks) AS clicks\nFROM ad_stats\nGROUP BY campaign\nORDER BY clicks DESC\nLIMIT 20";

impl Draft {
    /// One with a first statement.
    pub fn fresh() -> Draft {
        let cell = NotebookCell { kind: CellKind::Sql, text: FIRST.to_string(), view: CellView::Table };
        Draft::of_cells(vec![cell])
    }

    /// One with these cells.
    pub fn of_cells(cells: Vec<NotebookCell>) -> Draft {
        let next = u32::try_from(cells.len()).unwrap_or(u32::MAX);
        Draft { cells: (0..).zip(cells).collect(), next, ..Draft::default() }
    }

    /// One that is kept.
    pub fn of_notebook(notebook: Notebook) -> Draft {
        let name = notebook.info.name.clone();
        Draft { name, kept: Some(notebook.info), ..Draft::of_cells(notebook.cells) }
    }

    /// Adds a cell after the one of this number, or at the end.
    pub fn add(&mut self, kind: CellKind, after: Option<u32>) -> u32 {
        let number = self.next;
        self.next += 1;
        let place = self.place(after).map_or(self.cells.len(), |place| place + 1);
        let cell = NotebookCell { kind, text: String::new(), view: CellView::Table };
        self.cells.insert(place, (number, cell));
        number
    }

    /// Takes a cell away.
    pub fn remove(&mut self, number: u32) {
        self.cells.retain(|(known, _)| *known != number);
    }

    /// Moves a cell up or down by one.
    pub fn shift(&mut self, number: u32, down: bool) {
        let Some(place) = self.place(Some(number)) else { return };
        let other = if down { place + 1 } else { place.wrapping_sub(1) };
        if other < self.cells.len() {
            self.cells.swap(place, other);
        }
    }

    /// The cell of a number.
    pub fn cell(&self, number: u32) -> Option<&NotebookCell> {
        self.cells.iter().find(|(known, _)| *known == number).map(|(_, cell)| cell)
    }

    /// Changes a cell.
    pub fn change(&mut self, number: u32, change: impl FnOnce(&mut NotebookCell)) {
        if let Some((_, cell)) = self.cells.iter_mut().find(|(known, _)| *known == number) {
            change(cell);
        }
    }

    /// Its cells alone.
    pub fn plain(&self) -> Vec<NotebookCell> {
        self.cells.iter().map(|(_, cell)| cell.clone()).collect()
    }

    /// What is sent to be kept.
    pub fn body(&self, name: &str) -> NotebookBody {
        let name = if self.name.trim().is_empty() { name.to_string() } else { self.name.clone() };
        NotebookBody { name, cells: self.plain(), revision: self.kept.as_ref().map(|kept| kept.revision) }
    }

    fn place(&self, number: Option<u32>) -> Option<usize> {
        let number = number?;
        self.cells.iter().position(|(known, _)| *known == number)
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn cells_come_move_and_go() {
        let mut draft = Draft::fresh();
        let text = draft.add(CellKind::Text, Some(0));
        let last = draft.add(CellKind::Sql, None);
        draft.change(text, |cell| cell.text = "why".to_string());
        let order = |draft: &Draft| draft.cells.iter().map(|(number, _)| *number).collect::<Vec<_>>();
        assert_eq!(order(&draft), [0, text, last]);
        draft.shift(last, false);
        draft.shift(0, false);
        draft.shift(text, true);
        assert_eq!(order(&draft), [0, last, text]);
        draft.remove(0);
        assert_eq!(draft.add(CellKind::Sql, Some(last)), 3);
        assert_eq!(order(&draft), [last, 3, text]);
        assert_eq!(draft.cell(text).map(|cell| cell.text.as_str()), Some("why"));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_is_kept() {
        let info = NotebookInfo {
            id: "n".to_string(),
            scope: "platform".to_string(),
            name: "Mine".to_string(),
            revision: 4,
            changed: String::new(),
        };
        let draft = Draft::of_notebook(Notebook { info, cells: Draft::fresh().plain() });
        let body = draft.body("Untitled");
        assert_eq!((body.name.as_str(), body.revision, body.cells.len()), ("Mine", Some(4), 1));
        assert_eq!(Draft::fresh().body("Untitled").name, "Untitled");
    }
}
