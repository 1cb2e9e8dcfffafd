//! Random logs over some days, and the archive that they leave behind.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use adtally_core::batch::{Accepted, Entry, Repeat, Ruling, Span};
use adtally_core::event::{Dims, Event, EventRef, Kind, Screening};
use adtally_core::key::{EventId, Key, UserKey};
use adtally_core::link::{Admission, Arrival, Fact, Linker, NoShelf, Retention, group_of};
use adtally_core::settings::{Settings, Windows};
use adtally_core::time::{DAY_MS, Day, EventTime, HOUR_MS, ServerTime};
use proptest::prelude::*;

use crate::scenario::{self, START};

/// The grain of all times: of the scenario, and of a history that takes days.
const STEP_MS: i64 = 500;
const GRAIN_MS: i64 = 5 * HOUR_MS;

/// A log: what arrived together, and what it leaves behind.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) retention: Retention,
    /// By revision.
    pub(crate) settings: Vec<Arc<Settings>>,
    pub(crate) rows: Vec<Row>,
    /// The rows after which a file is closed.
    pub(crate) closings: Vec<usize>,
    /// Each with the row after which it comes.
    pub(crate) rulings: Vec<(usize, Ruling)>,
}

/// What arrived together.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) received: ServerTime,
    pub(crate) revision: usize,
    pub(crate) events: Vec<Event>,
}

/// A file of the archive.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) span: Span,
    pub(crate) entries: Vec<Entry>,
}

impl File {
    /// The first and the last row in it.
    pub(crate) fn rows(&self) -> (i64, i64) {
        let rows = || self.entries.iter().map(Entry::row);
        (rows().min().unwrap(), rows().max().unwrap())
    }
}

/// Times of the order of those of the events, so that some matter for each other and some do not.
fn retention() -> impl Strategy<Value = Retention> {
    let short = (0..16i64, 0..6i64).prop_map(|(touches, dedupe)| Retention {
        touches_ms: touches * GRAIN_MS * 2,
        dedupe_ms: dedupe * GRAIN_MS * 2,
    });
    prop_oneof![1 => Just(Retention::default()), 3 => short]
}

/// Windows of some hours up to some days.
fn settings() -> impl Strategy<Value = Arc<Settings>> {
    let far = |ms: i64| ms / STEP_MS * GRAIN_MS;
    scenario::settings().prop_map(move |settings| {
        let windows = Windows {
            click_window_ms: far(settings.windows.click_window_ms),
            conversion_click_window_ms: far(settings.windows.conversion_click_window_ms),
            conversion_view_window_ms: far(settings.windows.conversion_view_window_ms),
            repeat_click_ms: far(settings.windows.repeat_click_ms),
            repeat_conversion_ms: far(settings.windows.repeat_conversion_ms),
            repeat_impression_ms: far(settings.windows.repeat_impression_ms),
            skew_ms: far(settings.windows.skew_ms),
        };
        Arc::new(Settings { windows, ..settings })
    })
}

/// An event some days from the start.
fn event() -> impl Strategy<Value = Event> {
    scenario::event().prop_map(|event| {
        let at = START + (event.at.0 - START) / STEP_MS * GRAIN_MS;
        Event { at: EventTime(at), ..event }
    })
}

pub(crate) fn history() -> impl Strategy<Value = History> {
    let row = (prop::collection::vec(event(), 1..5), 0..4i64, 0..2usize);
    let rows = prop::collection::vec(row, 1..16);
    let parts = (rows, prop::collection::vec(settings(), 2), retention());
    let ruling = (scenario::ruling(), 0..9i32).prop_map(|(ruling, days)| {
        let day = Day(ruling.day.0 + days);
        Ruling { day, ..ruling }
    });
    let rulings = prop::collection::vec((0..16usize, ruling), 0..6);
    let rest = (prop::collection::vec(0..16usize, 0..12), rulings);
    (parts, rest).prop_map(|((rows, settings, retention), (closings, rulings))| {
        let mut now = START;
        let row = |(events, wait, revision): (Vec<Event>, i64, usize)| {
            now += wait * GRAIN_MS;
            Row { received: ServerTime(now), revision, events }
        };
        History { retention, settings, rows: rows.into_iter().map(row).collect(), closings, rulings }
    })
}

impl History {
    /// The facts that the log up to this row amounts to, in order.
    pub(crate) fn facts(&self, rows: usize) -> Vec<Fact> {
        let mut linker = Linker::with_retention(self.retention);
        for (n, Row { received, revision, events }) in self.rows[..rows].iter().enumerate() {
            let (received, settings) = (*received, &self.settings[*revision]);
            let arrival =
                |event: &Event| Arrival { event: event.clone(), received, settings: settings.clone() };
            linker.apply(events.iter().map(arrival));
            linker.rule(0, self.ruled(n..n + 1), &NoShelf).unwrap();
        }
        let fact = |related: adtally_core::link::Related| Fact {
            sign: 1,
            at: related.event.at,
            event: related.event.event,
            body: related.fact,
        };
        let mut facts: Vec<Fact> = linker.iter().map(fact).collect();
        facts.sort();
        facts
    }

    /// The rulings that come after these rows.
    pub(crate) fn ruled(&self, rows: Range<usize>) -> Vec<Ruling> {
        self.rulings.iter().filter(|(row, _)| rows.contains(row)).map(|(_, ruling)| *ruling).collect()
    }

    /// The entries of the log, in order.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let mut linker = Linker::with_retention(self.retention);
        let mut entries = Vec::new();
        for (row, Row { received, revision, events }) in (1..).zip(&self.rows) {
            let names = events.iter().map(|event| &event.event);
            let admissions = linker.admissions(names, *received, &NoShelf).unwrap();
            let is_new = |admission: &Admission| matches!(admission, Admission::Accepted(_));
            let with = || events.iter().zip(&admissions);
            let settings = &self.settings[*revision];
            for (event, _) in with().filter(|(_, admission)| is_new(admission)) {
                let arrival =
                    Arrival { event: event.clone(), received: *received, settings: settings.clone() };
                linker.take(row, *received, [arrival], [], &NoShelf).unwrap();
                let (revision, event) = (*revision as u64, event.clone());
                entries.push(Entry::Accepted(Box::new(Accepted {
                    row,
                    received: *received,
                    revision,
                    event,
                })));
            }
            for (event, _) in with().filter(|(_, admission)| !is_new(admission)) {
                let accepted = entries.iter().rev().find_map(|entry| match entry {
                    Entry::Accepted(accepted) if accepted.event.event == event.event => Some(&accepted.event),
                    _ => None,
                });
                let accepted = accepted.unwrap();
                let (at, group) = (accepted.at, group_of(accepted));
                let event = event.event.clone();
                entries.push(Entry::Repeat(Repeat { row, received: *received, event, at, group }));
            }
        }
        entries
    }

    /// The archive of the log up to this row.
    pub(crate) fn archive(&self, rows: usize) -> Vec<File> {
        let mut files: BTreeMap<(usize, Day), Vec<Entry>> = BTreeMap::new();
        for entry in self.entries().into_iter().filter(|entry| entry.row() <= rows as i64) {
            let closed = self.closings.iter().filter(|closing| (**closing as i64) < entry.row()).count();
            files.entry((closed, entry.day())).or_default().push(entry);
        }
        let file = |((_, day), entries): ((usize, Day), Vec<Entry>)| {
            let hull = |values: Vec<u64>| (*values.iter().min().unwrap(), *values.iter().max().unwrap());
            let groups = hull(entries.iter().map(Entry::group).collect());
            let received: Vec<_> = entries.iter().map(Entry::received).collect();
            let received = (*received.iter().min().unwrap(), *received.iter().max().unwrap());
            File { span: Span { day, groups, received }, entries }
        };
        files.into_iter().map(file).collect()
    }
}

/// An impression that makes the other one a repeat, that one's click, and the conversion of that, which happens at the
/// start: the conversion's fact depends on the first, if each arrives near enough to the next.
pub(crate) fn chain(arrivals_ms: [i64; 4]) -> History {
    let retention = Retention { touches_ms: 20 * DAY_MS, dedupe_ms: 5 * DAY_MS };
    let mut settings = Settings::default();
    settings.windows.repeat_impression_ms = DAY_MS;
    let kinds = [Kind::Impression, Kind::Impression, Kind::Click, Kind::Conversion];
    let event = |n: usize| Event {
        event: EventRef { kind: kinds[n], id: EventId::parse(&format!("e{n}")).unwrap() },
        at: EventTime(START + n as i64 - [2, 2, 1, 0][n] * 23 * HOUR_MS),
        advertiser: Key::parse("acme").unwrap(),
        dims: Dims { ad: Key::parse(if n == 3 { "" } else { "a1" }).unwrap(), ..Dims::default() },
        label: Key::empty(),
        user: Some(UserKey(1)),
        impression: None,
        click: None,
        cost_micros: None,
        value_micros: 0,
        screening: Screening::Clean,
        extras: None,
    };
    let row =
        |n: usize| Row { received: ServerTime(START + arrivals_ms[n]), revision: 0, events: vec![event(n)] };
    let mut rows: Vec<Row> = (0..4).map(row).collect();
    rows.sort_by_key(|row| row.received);
    History { retention, settings: vec![Arc::new(settings)], rows, closings: vec![1, 2, 3], rulings: vec![] }
}
