//! `cargo xtask restore`: a backup goes back into a deployment, part by part.
//!
//! ```text
//! check -> begin all -> load all -> end all -> finish
//! ```
//!
//! Every step may be repeated: what was stopped is started again with the same words.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::args::RestoreOptions;

/// Where the token is looked for: arguments can be read by everybody on this machine.
const TOKEN: &str = "ADTALLY_TOKEN";
/// How often a step is asked again that is not done, without any progress.
const TRIES: u32 = 100;
/// How long in between.
const BREAK: Duration = Duration::from_millis(200);
/// How long a step may take, in seconds.
const STEP_S: &str = "300";

pub(crate) fn run(options: &RestoreOptions) -> Result<()> {
    let token =
        std::env::var(TOKEN).with_context(|| format!("{TOKEN} is not set: an admin's, of the platform"))?;
    let Some(url) = &options.url else { bail!("say where: --url https://...") };
    let target = Target { url: url.trim_end_matches('/').to_owned(), token };
    let Some(backup) = &options.backup else { return list(&target) };
    let about = target.ask("GET", &format!("/v1/backups/{backup}"), None)?;
    let parts = about["contents"].as_array().context("the backup has no contents")?.clone();
    println!("restore: {backup} of {}: {} parts, {} bytes", about["at"], parts.len(), about["bytes"]);
    let restore =
        Restore { target, path: format!("/v1/backups/{backup}/restore"), overwrite: options.overwrite };
    let returned = restore.until_done("check", 0)?;
    println!("restore: {returned} files of the archive had to be brought back");
    for step in ["begin", "load", "end"] {
        let mut count = 0;
        for (part, about) in parts.iter().enumerate() {
            let named = || format!("{step} {} {}", about["kind"], about["name"]);
            count += restore.until_done(step, part).with_context(named)?;
        }
        println!("restore: {step}: {} parts, {count} {}", parts.len(), counted(step));
    }
    restore.until_done("finish", 0)?;
    println!("restore: done");
    Ok(())
}

/// What a step counts.
fn counted(step: &str) -> &'static str {
    match step {
        "begin" => "later files of the archive put aside",
        "load" => "pages",
        _ => "more",
    }
}

/// What there is to restore.
fn list(target: &Target) -> Result<()> {
    let about = target.ask("GET", "/v1/backups", None)?;
    for backup in about["backups"].as_array().context("there is no list")? {
        let text = |name: &str| backup[name].as_str().unwrap_or_default().to_owned();
        let state = if backup["complete"] == true { "complete" } else { "not complete" };
        println!("{} {} {} bytes, {state}", text("id"), text("at"), backup["bytes"]);
    }
    eprintln!("restore: say which with --backup ID");
    Ok(())
}

/// A deployment, by an admin of it.
struct Target {
    url: String,
    token: String,
}

impl Target {
    /// The JSON of an answer; what is refused is an error with its code.
    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        self.try_ask(method, path, body)?.with_context(|| format!("{path}: not now, try again"))
    }

    /// The same; `None` where it is to be asked again.
    fn try_ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Option<Value>> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", STEP_S, "--config", "-", "--request", method]);
        curl.args(["--write-out", "\n%{http_code}"]);
        if let Some(body) = body {
            curl.args(["--header", "Content-Type: application/json", "--data", &body.to_string()]);
        }
        curl.arg(format!("{}{path}", self.url));
        let mut child =
            curl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().context("there is no curl")?;
        let header = format!("header = \"Authorization: Bearer {}\"\n", self.token);
        child.stdin.take().context("no standard input")?.write_all(header.as_bytes())?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("{path}: no answer");
        }
        answer(path, &String::from_utf8_lossy(&output.stdout))
    }
}

/// Reads a body with its status behind it; `None` where it is to be asked again.
fn answer(path: &str, text: &str) -> Result<Option<Value>> {
    let (body, status) = text.rsplit_once('\n').with_context(|| format!("{path}: no status"))?;
    let json = serde_json::from_str(body);
    match (status.trim(), json) {
        ("200" | "202", Ok(json)) => Ok(Some(json)),
        ("503", _) => Ok(None),
        (status, Ok(problem)) => {
            let problem: Value = problem;
            let of = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
            bail!("{path} answered {status} {}: {}", of("code"), of("detail"))
        }
        (status, Err(_)) => bail!("{path} answered {status}: {body}"),
    }
}

/// A restore that is under way.
struct Restore {
    target: Target,
    path: String,
    overwrite: bool,
}

impl Restore {
    /// Asks for a step until it is done; what it counted.
    fn until_done(&self, step: &str, part: usize) -> Result<u64> {
        let (mut page, mut count, mut tries) = (0, 0, 0);
        while tries < TRIES {
            let wanted = json!({ "step": step, "part": part, "page": page, "overwrite": self.overwrite });
            let Some(answer) = self.target.try_ask("POST", &self.path, Some(&wanted))? else {
                tries += 1;
                std::thread::sleep(BREAK);
                continue;
            };
            let did = answer["count"].as_u64().unwrap_or(0);
            count += did;
            if answer["done"] == true {
                return Ok(count);
            }
            page = answer["next"].as_u64().unwrap_or(page);
            if did == 0 {
                tries += 1;
                std::thread::sleep(BREAK);
            }
        }
        bail!("{step} of part {part} does not come to an end")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        fn check(text: &str, expected: std::result::Result<&str, &str>) {
            let found =
                answer("/x", text).map(|json| json.map_or("again".to_owned(), |json| json.to_string()));
            let found = found.map_err(|error| error.to_string());
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text:?}");
        }
        check("{\"done\":true}\n200", Ok("{\"done\":true}"));
        check("{\"run\":\"backup-1\"}\n202", Ok("{\"run\":\"backup-1\"}"));
        check("{\"code\":\"storage_unavailable\"}\n503", Ok("again"));
        check(
            "{\"code\":\"not_empty\",\"detail\":\"linker acme/0: it is not empty\"}\n409",
            Err("/x answered 409 not_empty: linker acme/0: it is not empty"),
        );
        check("oops\n502", Err("/x answered 502: oops"));
        check("", Err("/x: no status"));
    }
}
