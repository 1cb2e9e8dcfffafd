//! Request bodies made of records, and what production makes of such a body.

use std::fmt::Write as _;
use std::sync::Arc;

use adtally_core::intake::{Context, Intake, Media, read_body};
use adtally_core::key::UserSalt;
use adtally_core::link::Arrival;
use adtally_core::screen::Lists;
use adtally_core::settings::{Settings, Windows};
use adtally_core::time::ServerTime;

use crate::record::{EventRecord, Names};

/// The advertiser of all events.
pub const ADVERTISER: &str = "acme";

/// The revision of the only settings that there are.
pub const REVISION: u64 = 1;

/// The settings of all runs: the defaults, but for repeats, which other engines do not know.
pub fn settings() -> Arc<Settings> {
    let windows = Windows { repeat_click_ms: 0, ..Windows::default() };
    Arc::new(Settings { windows, ..Settings::default() })
}

/// A request body in NDJSON with the time at which each of its events arrived.
#[derive(Debug, Default)]
pub struct Body {
    /// The NDJSON.
    pub text: String,
    /// By line.
    pub received: Vec<ServerTime>,
}

impl Body {
    /// Makes the body of a chunk of records, in place of what it was.
    pub fn fill(&mut self, chunk: &[u8], names: &Names) {
        self.text.clear();
        self.received.clear();
        for record in EventRecord::all(chunk) {
            self.received.push(ServerTime(record.received));
            line(&record, names, &mut self.text);
        }
    }

    /// Reads the body as the worker does.
    pub fn read(&self, salt: &UserSalt) -> Intake {
        let now = self.received.last().copied().unwrap_or(ServerTime(0));
        let context = Context { now, nonce: 7, salt, lists: Lists::built_in(), visitor: None };
        #[expect(clippy::expect_used, reason = "a chunk is never empty, and its text is what `line` writes")]
        read_body(self.text.as_bytes(), Media::Ndjson, &context).expect("a body of events")
    }

    /// The events of [`Body::read`] as they reach the linker.
    pub fn arrivals(&self, intake: Intake, settings: &Arc<Settings>) -> Vec<Arrival> {
        let arrival = |(index, event): (usize, _)| Arrival {
            event,
            received: self.received[index],
            settings: settings.clone(),
        };
        intake.events.into_iter().map(arrival).collect()
    }
}

fn line(record: &EventRecord, names: &Names, text: &mut String) {
    let EventRecord { id, user, at, campaign, ad, cost, value, .. } = record;
    let name = |of: &'_ [String], place: u8| of.get(usize::from(place)).cloned().unwrap_or_default();
    let kind = record.kind().name();
    let service = name(&names.services, record.service);
    let placement = name(&names.placements, record.placement);
    let country = name(&names.countries, record.country);
    let device = name(&names.devices, record.device);
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "{{\"id\":\"{id:016x}\",\"at\":{at},\"kind\":\"{kind}\",\"advertiser\":\"{ADVERTISER}\",\
         \"service\":\"{service}\",\"campaign\":\"{campaign}\",\"ad\":\"{ad}\",\"placement\":\"{placement}\",\
         \"user\":\"{user:016x}\",\"country\":\"{country}\",\"device\":\"{device}\"",
    );
    for (field, reference) in [("impression", record.impression), ("click", record.click)] {
        if reference != 0 {
            let _ = write!(text, ",\"{field}\":\"{reference:016x}\"");
        }
    }
    let _ = writeln!(text, ",\"cost_micros\":{cost},\"value_micros\":{value}}}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;

    #[test]
    fn every_record_is_a_valid_event() {
        let names = generate::names();
        let mut chunk = Vec::new();
        generate::Events::new(2_000).for_each(|record| record.write(&mut chunk));
        let mut body = Body::default();
        body.fill(&chunk, &names);
        let intake = body.read(&UserSalt::new(b"salt"));
        assert_eq!((intake.events.len(), intake.rejected.len()), (body.received.len(), 0));
        assert!(intake.events.len() >= 2_000);
    }
}
