//! The state of the notebook: one that is kept on the server, or cells that stand in the address itself.

use adtally_wire::notebook::{CellKind, CellView, NotebookCell};

use super::params::Params;

/// The longest address that browsers, servers and people who send each other links all take.
pub const MAX_ADDRESS: usize = 8_000;

/// What the notebook shows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NotebookState {
    /// The notebook that is open.
    pub id: Option<String>,
    /// Cells that somebody has put into the address.
    pub cells: Vec<NotebookCell>,
    /// Statements are answered in the browser.
    pub is_here: bool,
}

impl NotebookState {
    /// Reads what of a query is the page's own.
    pub fn read(query: &str) -> NotebookState {
        let params = Params::parse(query);
        let mut state = NotebookState::default();
        for (name, value) in params.pairs() {
            let kind = match name {
                "sql" | "chart" => CellKind::Sql,
                "text" => CellKind::Text,
                "notebook" => {
                    state.id = Some(value.to_string()).filter(|id| !id.is_empty());
                    continue;
                }
                "run" => {
                    state.is_here = value == "here";
                    continue;
                }
                _ => continue,
            };
            let view = if name == "chart" { CellView::Chart } else { CellView::Table };
            state.cells.push(NotebookCell { kind, text: value.to_string(), view });
        }
        state
    }

    /// The inverse of [`NotebookState::read`].
    pub fn write(&self) -> String {
        let mut params = Params::default();
        if let Some(id) = &self.id {
            params.push("notebook", id);
        }
        if self.is_here {
            params.push("run", "here");
        }
        for cell in &self.cells {
            let name = match (cell.kind, cell.view) {
                (CellKind::Text, _) => "text",
                (CellKind::Sql, CellView::Table) => "sql",
                (CellKind::Sql, CellView::Chart) => "chart",
            };
            params.push(name, &cell.text);
        }
        params.to_string()
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn notebooks_round_trip() {
        for query in
            ["", "notebook=n1", "run=here&text=Why%3F&sql=SELECT%201%0AFROM%20x&chart=SELECT%202&text=so"]
        {
            assert_eq!(NotebookState::read(query).write(), query);
        }
        let state = NotebookState::read("notebook=&run=there&other=1");
        assert_eq!(state, NotebookState::default());
    }
}
