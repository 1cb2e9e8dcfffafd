//! Cells as rows.

use std::rc::Rc;

use adtally_core::cell::Dimension;
use adtally_core::segment::Segment;
use adtally_core::time::Hour;

use super::FactScan;
use super::time::value_at;
use crate::catalog::{Catalog, FactColumn};
use crate::error::Result;
use crate::value::Value;

/// The cells of a scan, to be read row by row.
pub(crate) struct Facts<'s> {
    segment: &'s Segment,
    /// The hours, each with its first row, and the values of the columns of time.
    hours: Vec<(usize, Vec<(usize, Value)>)>,
    /// Of each column of a dimension, the values of its dictionary.
    dimensions: Vec<(usize, Dimension, Vec<Value>)>,
    measures: Vec<(usize, adtally_core::measure::Measure)>,
    users: Option<usize>,
    width: usize,
}

impl<'s> Facts<'s> {
    pub(crate) fn new(
        segment: &'s Segment,
        scan: &FactScan,
        columns: &[FactColumn],
        catalog: &Catalog,
    ) -> Self {
        let is_read = |place: &usize| scan.columns.as_ref().is_none_or(|read| read.contains(place));
        let times: Vec<_> = (0..)
            .zip(columns)
            .filter(|(place, _)| is_read(place))
            .filter_map(|(place, column)| match column {
                FactColumn::Time(unit) => Some((place, *unit)),
                _ => None,
            })
            .collect();
        let of_hour = |hour: Hour| {
            let local = catalog.local(hour.start_ms());
            times.iter().map(|(place, unit)| (*place, value_at(*unit, local))).collect()
        };
        let hours = segment.hour_starts().map(|(hour, row)| (row, of_hour(hour)));
        let dimensions = (0..).zip(columns).filter(|(place, _)| is_read(place)).filter_map(
            |(place, column)| match column {
                FactColumn::Dimension(dimension) => {
                    let values = segment.dictionary(*dimension).iter();
                    let values = values.map(|key| Value::Text(Rc::from(key.as_str()))).collect();
                    Some((place, *dimension, values))
                }
                _ => None,
            },
        );
        let measures = (0..).zip(columns).filter(|(place, _)| is_read(place)).filter_map(
            |(place, column)| match column {
                FactColumn::Measure(measure) => Some((place, *measure)),
                _ => None,
            },
        );
        Self {
            segment,
            hours: hours.collect(),
            dimensions: dimensions.collect(),
            measures: measures.collect(),
            users: columns.iter().position(|column| *column == FactColumn::Users).filter(is_read),
            width: columns.len(),
        }
    }

    /// Hands over row by row until one is refused.
    pub(crate) fn each(&self, take: &mut dyn FnMut(&[Value]) -> Result<bool>) -> Result<bool> {
        let mut row = vec![Value::Null; self.width];
        let mut users = self.segment.sketches().peekable();
        let ends = self.hours.iter().skip(1).map(|(start, _)| *start).chain([self.segment.len()]);
        for ((start, times), end) in self.hours.iter().zip(ends) {
            for (place, value) in times {
                row[*place] = value.clone();
            }
            for number in *start..end {
                for (place, dimension, values) in &self.dimensions {
                    row[*place] = values[self.segment.code(*dimension, number)].clone();
                }
                for (place, measure) in &self.measures {
                    row[*place] = Value::Integer(self.segment.figure(*measure, number));
                }
                if let Some(place) = self.users {
                    let sketch = users.next_if(|(of, _)| *of == number).map(|(_, sketch)| sketch);
                    row[place] = sketch.map_or(Value::Null, |sketch| Value::Users(Rc::new(sketch)));
                }
                if !take(&row)? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
