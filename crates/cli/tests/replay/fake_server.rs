//! A collect endpoint that remembers what it stored and fails on demand.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// How the server treats one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Treatment {
    /// Stores and answers 202.
    Take,
    /// Answers this status with `Retry-After: 0` and stores nothing.
    Refuse(u16),
    /// Stores and hangs up without an answer.
    StoreAndHangUp,
}

/// Events by (kind, id), with how often each was delivered.
pub(crate) type Stored = BTreeMap<(String, String), u64>;

/// A server on a free port of this machine, until the test ends.
pub(crate) struct FakeServer {
    pub(crate) url: String,
    stored: Arc<Mutex<Stored>>,
}

impl FakeServer {
    /// Starts it; `treat` gets the number of the request, from 0.
    pub(crate) fn start(treat: impl Fn(u64) -> Treatment + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stored = Arc::new(Mutex::new(Stored::new()));
        let shared = (Arc::new(treat), Arc::new(Mutex::new(0)), stored.clone());
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (treat, requests, stored) = shared.clone();
                thread::spawn(move || {
                    let next = || {
                        let mut requests = requests.lock().unwrap();
                        *requests += 1;
                        treat(*requests - 1)
                    };
                    serve(connection.unwrap(), next, &stored)
                });
            }
        });
        Self { url, stored }
    }

    /// What it has stored so far.
    pub(crate) fn stored(&self) -> Stored {
        self.stored.lock().unwrap().clone()
    }
}

/// Answers the requests of one connection; a client that is killed ends it anywhere.
fn serve(connection: TcpStream, next: impl Fn() -> Treatment, stored: &Mutex<Stored>) {
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut writer = connection;
    while let Some(body) = read_request(&mut reader) {
        let treatment = next();
        let (status, body) = match treatment {
            Treatment::Refuse(status) => {
                let detail = "the fake server was told to";
                (
                    status,
                    format!(
                        r#"{{"type":"about:blank#x","title":"x","status":{status},"detail":"{detail}","code":"x"}}"#
                    ),
                )
            }
            _ => (202, store(&body, &mut stored.lock().unwrap())),
        };
        if treatment == Treatment::StoreAndHangUp {
            return;
        }
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nretry-after: 0\r\n\r\n", body.len());
        if writer.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().to_ascii_lowercase().split_once(':') {
            Some(("content-length", value)) => length = value.trim().parse().unwrap(),
            None if line.trim().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(String::from_utf8(body).unwrap())
}

/// Rejects events whose id contains `bad`.
fn store(body: &str, stored: &mut Stored) -> String {
    let (mut accepted, mut duplicates, mut rejected) = (0, 0, Vec::new());
    for (index, line) in body.lines().enumerate() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| event[field].as_str().unwrap().to_owned();
        let id = text("id");
        if id.contains("bad") {
            rejected.push(
                serde_json::json!({"index": index, "id": id, "code": "invalid_id", "message": "is bad"}),
            );
            continue;
        }
        let count = stored.entry((text("kind"), id)).or_default();
        *count += 1;
        *(if *count == 1 { &mut accepted } else { &mut duplicates }) += 1;
    }
    serde_json::json!({"accepted": accepted, "duplicates": duplicates, "rejected": rejected}).to_string()
}
