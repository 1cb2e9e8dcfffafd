//! From a report table of the core to the answer of `GET /v1/reports`.

use adtally_core::report::{Query, Table, Value};
use adtally_core::time::rfc3339;

use crate::api::{ReportAnswer, ReportColumn, ReportValue};
use crate::object::ReduceHead;

/// The answer's body; `version` and `head` tell which data the table was made of.
pub fn answer(query: &Query, table: Table, version: String, head: &ReduceHead) -> ReportAnswer {
    let columns = table.columns.iter();
    ReportAnswer {
        columns: columns
            .map(|column| ReportColumn { name: column.name.to_owned(), kind: column.kind.name().to_owned() })
            .collect(),
        rows: table.rows.into_iter().map(|row| row.into_iter().map(value).collect()).collect(),
        totals: table.totals.into_iter().map(|(name, total)| (name.to_owned(), value(total))).collect(),
        row_count: table.row_count,
        version,
        generation: head.generation,
        complete_through: head.complete_through_ms.map(rfc3339),
        updated: head.updated_ms.map(rfc3339),
        link_rate: table.link_rate,
        waiting: table.waiting,
        tz: query.tz().to_owned(),
        from: rfc3339(query.hours().start.start_ms()),
        to: rfc3339(query.hours().end.start_ms()),
    }
}

fn value(value: Value) -> ReportValue {
    match value {
        Value::Count(count) => ReportValue::Count(count),
        Value::Ratio(ratio) => ReportValue::Ratio(ratio),
        Value::Text(text) => ReportValue::Text(text),
        Value::Nothing => ReportValue::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use adtally_core::cell::{CellKey, Cells, Scope};
    use adtally_core::measure::Measure;
    use adtally_core::report::run;
    use adtally_core::segment::Segment;
    use adtally_core::time::{Hour, ServerTime};

    use super::*;

    #[test]
    fn a_report_as_json() {
        let parameters =
            [("by", "day"), ("metrics", "clicks,ctr"), ("from", "2018-07-22"), ("to", "2018-07-23")];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let query = Query::parse(&parameters, "UTC", ServerTime(0)).unwrap();
        let mut cells = Cells::new();
        let noon = Hour::holding(1_532_260_800_000);
        cells.entry(CellKey::at(noon)).or_default().measures.add(Measure::Clicks, 12);
        let table = run(&query, &Segment::from_cells(cells), &Scope::Platform);
        let head = ReduceHead { version: 118, generation: 3, ..ReduceHead::default() };
        let head = ReduceHead {
            complete_through_ms: Some(1_532_271_600_000),
            updated_ms: Some(1_532_271_600_500),
            ..head
        };
        let answer = answer(&query, table, head.data_version(&Scope::Platform), &head);
        let expected = serde_json::json!({
            "columns": [
                { "name": "day", "kind": "time" },
                { "name": "clicks", "kind": "count" },
                { "name": "ctr", "kind": "ratio" },
            ],
            "rows": [["2018-07-22T00:00:00Z", 12, null]],
            "totals": { "clicks": 12, "ctr": null },
            "row_count": 1,
            "version": "platform@g3.118",
            "generation": 3,
            "complete_through": "2018-07-22T15:00:00Z",
            "updated": "2018-07-22T15:00:00.500Z",
            "link_rate": 0.0,
            "waiting": 0,
            "tz": "UTC",
            "from": "2018-07-22T00:00:00Z",
            "to": "2018-07-23T00:00:00Z",
        });
        assert_eq!(serde_json::to_value(&answer).unwrap(), expected);
    }
}
