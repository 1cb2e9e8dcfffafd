//! `adtally replay` as a process, against a server that fails on demand.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fake_server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use fake_server::{FakeServer, Treatment};
use serde_json::Value;

const MAP: &str = "
    [every]
    id = '{id}'
    advertiser = 'acme'
    at = { from = '{t}', format = 'epoch_s' }
    [[event]]
    kind = 'impression'
    ad = '{ad}'
    [[event]]
    kind = 'click'
    when = 'click = 1'
    impression = '{id}'
";

/// A folder with a map and an input file of `rows` rows, of which every fourth has a click.
struct Scene {
    folder: PathBuf,
    rows: u64,
}

impl Scene {
    fn new(name: &str, rows: u64) -> Self {
        let folder = std::env::temp_dir().join(format!("adtally-replay-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("map.toml"), MAP).unwrap();
        let line = |row: u64| {
            format!("r{row},{},ad{},{}\n", 1_790_000_000 + row, row % 7, u64::from(row.is_multiple_of(4)))
        };
        let lines: String = (1..=rows).map(line).collect();
        fs::write(folder.join("log.csv"), format!("id,t,ad,click\n{lines}")).unwrap();
        Self { folder, rows }
    }

    fn events(&self) -> u64 {
        self.rows + self.rows / 4
    }

    fn command(&self, server: &FakeServer, extra: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adtally"));
        command.arg("replay").arg(self.folder.join("log.csv")).arg("--map").arg(self.folder.join("map.toml"));
        command
            .args(["--to", &server.url, "--json", "--batch", "10", "--state"])
            .arg(self.folder.join("state"));
        command.args(extra).env("ADTALLY_WRITE_KEY", "secret");
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn replay(&self, server: &FakeServer, extra: &[&str]) -> (i32, Value, String) {
        result(self.command(server, extra).output().unwrap())
    }

    fn checkpoints(&self) -> usize {
        fs::read_dir(self.folder.join("state")).map_or(0, Iterator::count)
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn result(output: Output) -> (i32, Value, String) {
    let text = String::from_utf8(output.stdout).unwrap();
    let summary = serde_json::from_str(&text).unwrap_or(Value::Null);
    (output.status.code().unwrap_or(-1), summary, String::from_utf8(output.stderr).unwrap())
}

#[track_caller]
fn assert_counts(summary: &Value, rows: u64, accepted: u64, duplicates: u64, rejected: u64) {
    let counts = ["rows", "accepted", "duplicates", "rejected"].map(|name| summary[name].as_u64().unwrap());
    assert_eq!(counts, [rows, accepted, duplicates, rejected]);
}

#[test]
fn replaying_twice_gives_duplicates_only() {
    let scene = Scene::new("twice", 100);
    let server = FakeServer::start(|_| Treatment::Take);
    let (status, summary, _) = scene.replay(&server, &[]);
    assert_eq!(status, 0);
    assert_counts(&summary, 100, scene.events(), 0, 0);
    let (status, summary, _) = scene.replay(&server, &["--concurrency", "1"]);
    assert_eq!(status, 0);
    assert_counts(&summary, 100, 0, scene.events(), 0);
    assert_eq!(scene.checkpoints(), 0, "a finished replay leaves nothing behind");
}

#[test]
fn every_event_arrives_through_a_server_that_fails() {
    let scene = Scene::new("faults", 400);
    let server = FakeServer::start(|request| match request % 8 {
        1 => Treatment::Refuse(503),
        4 => Treatment::Refuse(429),
        6 => Treatment::StoreAndHangUp,
        _ => Treatment::Take,
    });
    let (status, summary, notes) = scene.replay(&server, &["--concurrency", "8"]);
    assert_eq!(status, 0, "{notes}");
    assert_eq!(server.stored().len() as u64, scene.events());
    // What was stored without an answer comes back as a duplicate.
    let answered = summary["accepted"].as_u64().unwrap() + summary["duplicates"].as_u64().unwrap();
    assert_eq!(answered, scene.events());
    assert!(summary["duplicates"].as_u64().unwrap() > 0);
    assert!(notes.contains("trying again in"), "{notes}");
}

#[test]
fn a_killed_replay_continues_where_it_was() {
    let scene = Scene::new("killed", 400);
    let server = FakeServer::start(|_| Treatment::Take);
    let mut child = scene.command(&server, &["--rate", "100", "--concurrency", "2"]).spawn().unwrap();
    wait_for(&mut child, || server.stored().len() > 100 && scene.checkpoints() > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    let before = server.stored().len() as u64;
    assert!(before < scene.events());

    let (status, summary, notes) = scene.replay(&server, &["--resume"]);
    assert_eq!(status, 0, "{notes}");
    assert!(notes.contains("continuing after row"), "{notes}");
    assert!(summary["rows"].as_u64().unwrap() < 400, "rows before the checkpoint are passed over");
    assert_eq!(summary["accepted"].as_u64().unwrap(), scene.events() - before);
    assert_eq!(server.stored().len() as u64, scene.events());

    let (status, _, notes) = scene.replay(&server, &["--resume"]);
    assert_eq!(status, 2);
    assert!(notes.contains("nothing to resume"), "{notes}");
}

#[test]
fn fresh_starts_over() {
    let scene = Scene::new("fresh", 400);
    let server = FakeServer::start(|_| Treatment::Take);
    let mut child = scene.command(&server, &["--rate", "100"]).spawn().unwrap();
    wait_for(&mut child, || scene.checkpoints() > 0);
    child.kill().unwrap();
    child.wait().unwrap();
    let (status, summary, _) = scene.replay(&server, &["--fresh"]);
    assert_eq!((status, summary["rows"].as_u64()), (0, Some(400)));
}

fn wait_for(child: &mut Child, mut condition: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if condition() {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended too early");
        thread::sleep(Duration::from_millis(10));
    }
    panic!("nothing happened for 10 s");
}

#[test]
fn rejected_rows_are_named() {
    let scene = Scene::new("rejected", 20);
    let file = scene.folder.join("log.csv");
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str("bad-21,1790000000,ad1,0\nr22,noon,ad1,0\nr23,1790000000,ad1\n");
    fs::write(&file, text).unwrap();
    let server = FakeServer::start(|_| Treatment::Take);

    let (status, summary, _) = scene.replay(&server, &[]);
    assert_eq!(status, 1);
    assert_counts(&summary, 23, 25, 0, 3);
    for (code, row) in [("invalid_id", 21), ("unmapped", 22), ("bad_row", 23)] {
        assert_eq!(summary["reasons"][code]["examples"][0]["row"], row, "{code}");
    }
    let (status, _, _) = scene.replay(&server, &["--allow-rejected"]);
    assert_eq!(status, 0);
}

#[test]
fn a_wrong_key_ends_it_at_once() {
    let scene = Scene::new("key", 400);
    let server = FakeServer::start(|_| Treatment::Refuse(401));
    let (status, summary, notes) = scene.replay(&server, &[]);
    assert_eq!(status, 2);
    assert_eq!(summary, Value::Null, "there is nothing to sum up");
    assert!(notes.contains("401"), "{notes}");
    assert!(server.stored().is_empty());
}

#[test]
fn the_open_bandit_sample() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/open-bandit");
    if !folder.exists() {
        println!("SKIPPED: the Open Bandit sample is not at {}", folder.display());
        return;
    }
    let scene = Scene::new("bandit", 0);
    let out = scene.folder.join("out.ndjson");
    let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("maps/open-bandit.toml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_adtally"));
    command
        .arg("replay")
        .arg(folder.join("random_men.csv"))
        .arg("--map")
        .arg(map)
        .arg("--json")
        .arg("--out")
        .arg(&out);
    let (status, summary, notes) = result(command.output().unwrap());
    assert_eq!(
        (status, summary["rows"].as_u64(), summary["events"].as_u64()),
        (0, Some(10_000), Some(10_046)),
        "{notes}"
    );
    let text = fs::read_to_string(out).unwrap();
    let clicks = text.lines().filter(|line| line.starts_with(r#"{"kind":"click""#));
    // A naive count of the file: column 5 is `click`, and no cell is quoted.
    let csv = fs::read_to_string(folder.join("random_men.csv")).unwrap();
    assert_eq!(clicks.count(), csv.lines().filter(|line| line.split(',').nth(4) == Some("1")).count());
}
