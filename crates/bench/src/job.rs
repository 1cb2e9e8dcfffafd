//! What is measured, by name.

mod aggregate;
mod bulk;
mod linked;
mod link;
mod spilled;
mod parse;
mod whole;
mod whole_set;

use std::collections::BTreeMap;

use crate::record::Names;

/// Figures by name, to be compared with those of other engines.
pub type Answer = BTreeMap<&'static str, i64>;

/// A program that is measured.
pub trait Job {
    /// Takes the next chunk of records; not measured.
    fn prepare(&mut self, chunk: &[u8]);

    /// Does the work on that chunk; measured.
    fn step(&mut self);

    /// Does what remains at the end; measured.
    fn finish(&mut self) {}

    /// What came out; not measured.
    fn answer(&mut self) -> Answer;
}

/// Every job by name.
pub const NAMES: [&str; 8] =
    ["parse", "link", "bulk", "spilled", "aggregate", "aggregate-users", "whole", "whole-set"];

/// The job of that name, at its beginning.
pub fn by_name(name: &str, names: Names) -> Option<Box<dyn Job>> {
    Some(match name {
        "parse" => Box::new(parse::Parse::new(names)),
        "link" => Box::new(link::Link::new(names)),
        "bulk" => Box::new(bulk::Bulked::new(names)),
        "spilled" => Box::new(spilled::Spilled::new(names)),
        "aggregate" => Box::new(aggregate::Aggregate::new(names, aggregate::Users::Left)),
        "aggregate-users" => Box::new(aggregate::Aggregate::new(names, aggregate::Users::Counted)),
        "whole" => Box::new(whole::Whole::new(names)),
        "whole-set" => Box::new(whole_set::WholeSet::new(names)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;
    use crate::record::EventRecord;

    fn answer(name: &str, events: &[EventRecord], chunk: usize) -> Answer {
        let mut job = by_name(name, generate::names()).unwrap();
        for events in events.chunks(chunk) {
            let mut bytes = Vec::new();
            events.iter().for_each(|event| event.write(&mut bytes));
            job.prepare(&bytes);
            job.step();
        }
        job.finish();
        let mut answer = job.answer();
        // What is told and taken back on the way depends on the batches, its sum does not.
        for name in ["facts", "linker_bytes", "shelf_bytes"] {
            answer.remove(name);
        }
        answer
    }

    #[test]
    fn answers_do_not_depend_on_chunks_and_agree_with_each_other() {
        let events: Vec<EventRecord> = generate::Events::new(20_000).collect();
        for name in NAMES {
            assert_eq!(answer(name, &events, 10_000), answer(name, &events, 777), "{name}");
        }
        let many: Vec<EventRecord> = generate::Events::new(100_000).collect();
        assert_eq!(answer("spilled", &many, 10_000), answer("link", &many, 10_000), "spilling changes links");
        assert_eq!(
            answer("bulk", &many, 10_000),
            answer("link", &many, 10_000),
            "a set is not what a stream is"
        );
        let (linked, whole) = (answer("link", &events, 5_000), answer("whole", &events, 5_000));
        assert!(
            ["click_named", "click_by_user", "conversion_named"].iter().all(|rule| linked[rule] > 0),
            "{linked:?}"
        );
        assert!(linked["unique"] < events.len() as i64, "no duplicates: {linked:?}");
        let kinds = whole["impressions"] + whole["clicks"] + whole["conversions"];
        assert_eq!(linked["unique"], kinds, "{linked:?} {whole:?}");
        assert_eq!(answer("whole-set", &events, 5_000), whole, "a set is not what a stream is");
        assert_eq!(linked["conversion_by_view"], whole["view_through"]);
        assert_eq!(answer("aggregate", &events, 5_000)["cost_micros"], whole["cost_micros"]);
    }
}
