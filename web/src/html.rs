//! HTML as text, for tables that have too many cells to be made element by element.

use std::fmt::{Display, Write as _};

/// HTML that grows. What is data is escaped; markup can only be written by this program.
#[derive(Debug, Default)]
pub struct Html(String);

impl Html {
    /// Adds markup of this program.
    pub fn raw(&mut self, markup: &'static str) -> &mut Html {
        self.0.push_str(markup);
        self
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) -> &mut Html {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                _ => self.0.push(c),
            }
        }
        self
    }

    /// Adds an attribute to the tag that was begun.
    pub fn attr(&mut self, name: &'static str, value: impl Display) -> &mut Html {
        self.raw(" ").raw(name).raw("=\"");
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = write!(text, "{value}");
        self.text(&text).raw("\"")
    }

    /// The text.
    pub fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn data_stays_data() {
        let mut html = Html::default();
        html.raw("<td")
            .attr("data-key", "a\"><script>'&")
            .attr("data-line", 7)
            .raw(">")
            .text("<b>&co")
            .raw("</td>");
        assert_eq!(
            html.finish(),
            "<td data-key=\"a&quot;&gt;&lt;script&gt;&#39;&amp;\" data-line=\"7\">&lt;b&gt;&amp;co</td>"
        );
    }
}
