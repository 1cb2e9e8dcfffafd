//! Tables as CSV (RFC 4180).

use super::{Table, Value};

impl Table {
    /// A header and the rows, without totals; lines end with CR LF, no value is an empty field.
    ///
    /// A name that a spreadsheet would run as a formula, because it begins with `=`, `+`, `-` or `@`, gets a `'` in
    /// front: names come from outside, and whoever opens the file must not have to trust them.
    /// Numbers are never changed.
    pub fn to_csv(&self) -> String {
        let mut text = String::new();
        line(&mut text, self.columns.iter().map(|column| column.name.to_owned()));
        for row in &self.rows {
            line(&mut text, row.iter().map(field));
        }
        text
    }
}

fn line(text: &mut String, fields: impl Iterator<Item = String>) {
    for (place, field) in fields.enumerate() {
        if place > 0 {
            text.push(',');
        }
        if field.contains(['"', ',', '\r', '\n']) {
            text.push('"');
            text.push_str(&field.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(&field);
        }
    }
    text.push_str("\r\n");
}

fn field(value: &Value) -> String {
    match value {
        Value::Count(count) => count.to_string(),
        Value::Ratio(ratio) => ratio.to_string(),
        Value::Text(text) if text.starts_with(['=', '+', '-', '@']) => format!("'{text}"),
        Value::Text(text) => text.clone(),
        Value::Nothing => String::new(),
    }
}
