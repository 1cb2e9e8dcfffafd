use std::collections::BTreeSet;
use std::path::Path;

use super::*;

#[test]
fn the_table() {
    let names: BTreeSet<&str> = REGISTRY.iter().map(|about| about.name).collect();
    assert_eq!(names.len(), REGISTRY.len(), "names are told once");
    for (index, about) in REGISTRY.iter().enumerate() {
        assert_eq!(about.figure as usize, index, "{}", about.name);
        assert_eq!(about.figure.about(), about);
        assert_eq!(Figure::parse(about.name), Some(about.figure));
        assert_eq!(about.name.ends_with("_total"), matches!(about.kind, Kind::Counter(_)), "{}", about.name);
        assert!(about.name.starts_with("adtally_") && about.help.ends_with('.'), "{}", about.name);
        let in_parts = matches!(
            about.kind,
            Kind::Counter(Unit::Milli) | Kind::Gauge(Unit::Milli, _) | Kind::Histogram(..)
        );
        assert_eq!(about.name.ends_with("_seconds"), in_parts, "{}", about.name);
    }
}

#[test]
fn text() {
    let mut counts = Counts::default();
    counts.add(Figure::Accepted, "pixel", 2);
    counts.add(Figure::Accepted, "events", 40);
    counts.add(Figure::Accepted, "vast", 0);
    counts.set(Figure::OutboxAge, "", 1_050);
    counts.set(Figure::Build, "1\"\\\n", 1);
    for ms in [5, 6, 70_000] {
        counts.observe(Figure::AckTime, ms);
    }
    let expected = r#"
# HELP adtally_events_accepted_total Events that were stored for the first time and acknowledged.
# TYPE adtally_events_accepted_total counter
adtally_events_accepted_total{door="events"} 40
adtally_events_accepted_total{door="pixel"} 2
# HELP adtally_ack_seconds Time from a collecting request to its acknowledgement.
# TYPE adtally_ack_seconds histogram
adtally_ack_seconds_bucket{le="0.005"} 1
adtally_ack_seconds_bucket{le="0.01"} 2
adtally_ack_seconds_bucket{le="0.025"} 2
adtally_ack_seconds_bucket{le="0.05"} 2
adtally_ack_seconds_bucket{le="0.1"} 2
adtally_ack_seconds_bucket{le="0.25"} 2
adtally_ack_seconds_bucket{le="0.5"} 2
adtally_ack_seconds_bucket{le="1"} 2
adtally_ack_seconds_bucket{le="2.5"} 2
adtally_ack_seconds_bucket{le="5"} 2
adtally_ack_seconds_bucket{le="+Inf"} 3
adtally_ack_seconds_sum 70.011
adtally_ack_seconds_count 3
# HELP adtally_outbox_age_seconds Age of the oldest delta that is not confirmed.
# TYPE adtally_outbox_age_seconds gauge
adtally_outbox_age_seconds 1.05
# HELP adtally_build_info 1, by version.
# TYPE adtally_build_info gauge
adtally_build_info{version="1\"\\\n"} 1
"#;
    assert_eq!(format!("\n{}", prometheus(&counts)), expected);
}

#[test]
fn sources_are_one() {
    let of = |accepted, age, parcels| {
        let mut counts = Counts::default();
        counts.add(Figure::Accepted, "events", accepted);
        counts.set(Figure::OutboxAge, "", age);
        counts.set(Figure::OutboxParcels, "", parcels);
        counts.observe(Figure::ReportLag, age);
        counts
    };
    let mut all = Counts::default();
    all.merge(&of(1, 20, 4));
    all.merge(&of(2, 10, 3));
    let sums = (
        all.get(Figure::Accepted, "events"),
        all.get(Figure::OutboxAge, ""),
        all.get(Figure::OutboxParcels, ""),
    );
    assert_eq!(sums, (3, 20, 7));
    assert_eq!(all.get(Figure::ReportLag, "sum"), 30);
    assert_eq!(all.get(Figure::ReportLag, "00"), 2);
}

#[test]
fn cost() {
    let mut counts = Counts::default();
    counts.add(Figure::Requests, "2xx", 900_000);
    counts.add(Figure::Requests, "4xx", 100_000);
    counts.add(Figure::RowsWritten, "", 30_000);
    counts.add(Figure::AlarmsSet, "", 10_000);
    counts.add_cost();
    let text = prometheus(&counts);
    assert!(text.contains("adtally_cost_dollars_total{part=\"requests\"} 0.3\n"), "{text}");
    assert!(text.contains("adtally_cost_dollars_total{part=\"rows\"} 0.04\n"), "{text}");
    assert!(!text.contains("part=\"queues\""), "{text}");
}

#[test]
fn what_is_broken_now() {
    let names = |age_ms, letters| {
        let mut counts = Counts::default();
        counts.set(Figure::OutboxAge, "", age_ms);
        counts.set(Figure::DeadLetters, "", letters);
        broken(&counts).into_iter().map(|rule| rule.name).collect::<Vec<_>>()
    };
    assert!(names(120_000, 0).is_empty());
    assert_eq!(names(120_001, 0), ["AdtallyOutboxStuck"]);
    assert_eq!(names(500_000, 1), ["AdtallyOutboxStuck", "AdtallyDeadLetters"]);
    for rule in &RULES {
        if let Condition::Above(_, bound) = rule.condition {
            assert!(bound.parse::<i64>().is_ok(), "{}: {bound} is judged here too", rule.name);
        }
    }
}

/// The files in `ops` are what the table makes; `ADTALLY_WRITE=1` writes them.
#[test]
fn files_are_made_of_the_table() {
    for (name, text) in [("alerts.yml", alert_rules()), ("dashboard.json", grafana())] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../ops").join(name);
        if std::env::var_os("ADTALLY_WRITE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            kept == text,
            "{name} is not what the table says: ADTALLY_WRITE=1 cargo test -p adtally-core telemetry"
        );
    }
}

#[test]
fn the_runbook_knows_every_alert() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/runbook.md");
    let runbook = std::fs::read_to_string(path).unwrap();
    for rule in &RULES {
        assert!(
            runbook.contains(&format!("\n## {}\n", rule.name)),
            "{} is not in docs/runbook.md",
            rule.name
        );
    }
}
