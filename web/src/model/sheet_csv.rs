//! A pivot as a file: RFC 4180, one line per row that is shown.

use adtally_core::report::Metric;

use super::pivot::value;
use super::sheet::{Sheet, Stands};
use crate::state::explore::ExploreState;

/// The lines of `sheet`: the keys of each row, then each metric of each column, then of all.
pub fn csv(sheet: &Sheet, state: &ExploreState) -> String {
    let mut head: Vec<String> = state.rows.iter().map(|by| by.name().to_string()).collect();
    let of = |column: &str, metric: &Metric| {
        if column.is_empty() { metric.name().to_string() } else { format!("{column} {}", metric.name()) }
    };
    let others = (sheet.other_columns > 0).then_some("others");
    if state.column.is_some() {
        let columns =
            sheet.columns.iter().map(|key| if key.is_empty() { "(none)" } else { key }).chain(others);
        head.extend(columns.flat_map(|column| state.metrics.iter().map(move |metric| of(column, metric))));
    }
    head.extend(state.metrics.iter().map(|metric| of("", metric)));
    let mut text = line(&head);
    for one in &sheet.lines {
        let mut fields = one.path.clone();
        match one.stands {
            Stands::Total => continue,
            Stands::Others(count) => fields.push(format!("({count} others)")),
            Stands::Row { .. } => {}
        }
        fields.resize(state.rows.len(), String::new());
        let columns = sheet.columns.len() + usize::from(others.is_some());
        let cells = if state.column.is_some() { &one.row.cells[..columns] } else { &[] };
        for measures in cells.iter().chain([&one.row.total]) {
            fields.extend(
                state.metrics.iter().map(|metric| {
                    value(*metric, measures).map(|value| value.to_string()).unwrap_or_default()
                }),
            );
        }
        text += &line(&fields);
    }
    text
}

fn line(fields: &[String]) -> String {
    let quoted = fields.iter().map(|field| {
        if field.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            field.clone()
        }
    });
    quoted.collect::<Vec<_>>().join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    use adtally_core::measure::{Measure, Measures};
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;
    use crate::model::pivot::Row;
    use crate::model::sheet::Line;

    #[wasm_bindgen_test(unsupported = test)]
    fn rows_and_others_with_their_columns() {
        let (state, _) = ExploreState::read("rows=campaign&cols=device&metrics=clicks,ctr");
        let clicks = |count| {
            let mut measures = Measures::ZERO;
            measures.add(Measure::Clicks, count);
            measures
        };
        let row = |key: &str| Row {
            key: key.to_string(),
            cells: vec![clicks(1), clicks(2), clicks(0)],
            total: clicks(3),
        };
        let make = |stands, path: &[&str]| Line {
            stands,
            path: path.iter().map(|key| key.to_string()).collect(),
            depth: 0,
            row: row(""),
            before: None,
            part: None,
        };
        let stands = Stands::Row { by: state.rows[0], opens: false, open: false };
        let lines = vec![make(Stands::Total, &[]), make(stands, &["a,\"b\""]), make(Stands::Others(4), &[])];
        let sheet = Sheet { columns: vec!["mobile".to_string(), String::new()], other_columns: 0, lines };
        assert_eq!(
            csv(&sheet, &state),
            "campaign,mobile clicks,mobile ctr,(none) clicks,(none) ctr,clicks,ctr\r\n\
             \"a,\"\"b\"\"\",1,,2,,3,\r\n(4 others),1,,2,,3,\r\n"
        );
    }
}
