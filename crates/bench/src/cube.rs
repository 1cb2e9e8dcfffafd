//! Queries on a cube of cells, as the report API answers them.

use adtally_core::cell::{CellKey, Cells, Dimension, Scope};
use adtally_core::key::Key;
use adtally_core::measure::Measure;
use adtally_core::report::{Query, Table, Value, run};
use adtally_core::segment::{Merger, Segment};
use adtally_core::time::{Day, Hour, ServerTime, rfc3339};

use crate::body::ADVERTISER;
use crate::job::Answer;
use crate::record::{CellRecord, Names};

/// The queries by name; each is a set of parameters of the report API, without its range.
pub const QUERIES: [(&str, &[(&str, &str)]); 4] = [
    (
        "q1",
        &[
            ("by", "campaign"),
            ("metrics", "impressions,clicks,conversions,cost_micros,value_micros"),
            ("filter", "service:eq:ios_app"),
            ("filter", "country:in:US,GB,DE"),
            ("limit", "100000"),
        ],
    ),
    (
        "q2",
        &[
            ("by", "ad"),
            ("metrics", "cost_micros,impressions,clicks"),
            ("sort", "-cost_micros"),
            ("limit", "20"),
        ],
    ),
    (
        "q3",
        &[
            ("by", "hour"),
            ("metrics", "impressions,clicks,conversions,cost_micros"),
            ("filter", "campaign:eq:1010"),
            ("limit", "100000"),
        ],
    ),
    ("q4", &[("by", "country,device"), ("metrics", "impressions,clicks,cost_micros"), ("limit", "100000")]),
];

/// A cube in memory.
pub struct Cube {
    names: Names,
    scope: Scope,
    cells: Cells,
    segment: Segment,
}

impl Cube {
    /// An empty cube.
    pub fn new(names: Names) -> Self {
        let scope = Scope::Advertiser(Key::parse(ADVERTISER).unwrap_or_default());
        Self { names, scope, cells: Cells::new(), segment: Segment::default() }
    }

    /// Takes in records.
    pub fn load(&mut self, chunk: &[u8]) {
        let key = |text: &str| Key::parse(text).unwrap_or_default();
        let name = |of: &[String], place: u8| key(of.get(usize::from(place)).map_or("", String::as_str));
        for record in CellRecord::all(chunk) {
            let mut cell = CellKey::at(Hour(record.hour));
            for (dimension, value) in [
                (Dimension::Advertiser, key(ADVERTISER)),
                (Dimension::Campaign, key(&record.campaign.to_string())),
                (Dimension::Ad, key(&record.ad.to_string())),
                (Dimension::Service, name(&self.names.services, record.service)),
                (Dimension::Placement, name(&self.names.placements, record.placement)),
                (Dimension::Country, name(&self.names.countries, record.country)),
                (Dimension::Device, name(&self.names.devices, record.device)),
            ] {
                cell.set(dimension, value);
            }
            let measures = &mut self.cells.entry(cell).or_default().measures;
            measures.add(Measure::Impressions, record.impressions);
            measures.add(Measure::Clicks, record.clicks);
            measures.add(Measure::Conversions, record.conversions);
            measures.add(Measure::CostMicros, record.cost);
            measures.add(Measure::ValueMicros, record.value);
        }
    }

    /// Makes what production has in memory: the segment, read from its bytes.
    pub fn finish(&mut self) {
        let bytes = Segment::from_cells(std::mem::take(&mut self.cells)).encode();
        #[expect(clippy::expect_used, reason = "the bytes were encoded in the line above")]
        let segment = Segment::decode(&bytes).expect("a segment");
        self.segment = segment;
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.segment.len()
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.segment.is_empty()
    }

    /// The cells by day, since 1970.
    pub fn days(&self) -> Vec<(i32, Segment)> {
        let mut days: Vec<(i32, Merger)> = Vec::new();
        for (hour, cells) in self.segment.clone().split_by_hour() {
            let day = Day::of(hour).0;
            if days.last().is_none_or(|(last, _)| *last != day) {
                days.push((day, Merger::default()));
            }
            days.last_mut().into_iter().for_each(|(_, cells_of_day)| cells_of_day.add(cells.clone()));
        }
        days.into_iter().map(|(day, cells)| (day, cells.finish())).collect()
    }

    /// Answers a query of [`QUERIES`]; `None` where the number is none of them.
    pub fn query(&self, number: usize) -> Option<Table> {
        let (_, parameters) = QUERIES.get(number)?;
        let hours = self.segment.hours()?;
        let range = [
            ("from".to_owned(), rfc3339(hours.start().start_ms())),
            ("to".to_owned(), rfc3339(Hour(hours.end().0 + 1).start_ms())),
        ];
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let parameters: Vec<(String, String)> = parameters.chain(range).collect();
        let query = Query::parse(&parameters, "UTC", ServerTime(0)).ok()?;
        Some(run(&query, &self.segment, &self.scope))
    }
}

/// The number of rows and the sum of every column of figures.
pub fn figures(table: &Table) -> Answer {
    let sums = table.columns.iter().enumerate().map(|(index, column)| {
        let count = |row: &Vec<Value>| match row.get(index) {
            Some(Value::Count(count)) => *count,
            _ => 0,
        };
        (column.name, table.rows.iter().map(count).sum())
    });
    sums.filter(|(_, sum)| *sum != 0).chain([("rows", table.rows.len() as i64)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;

    #[test]
    fn every_query_has_an_answer() {
        let mut cube = Cube::new(generate::names());
        let mut chunk = Vec::new();
        generate::cube(5_000).for_each(|cell| cell.write(&mut chunk));
        cube.load(&chunk);
        cube.finish();
        for (number, (name, _)) in QUERIES.iter().enumerate() {
            let table = cube.query(number).unwrap();
            let figures = figures(&table);
            if *name != "q1" && *name != "q3" {
                assert!(figures["rows"] > 0 && figures["impressions"] > 0, "{name}: {figures:?}");
            }
        }
        assert!(cube.query(QUERIES.len()).is_none());
    }
}
