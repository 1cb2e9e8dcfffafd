//! Child processes: each in its own process group, all of them stopped when this program is.
//!
//! A group, because tools start tools: wrangler starts workerd, cargo starts rustc.
//! Ctrl-C reaches only this program (the children are not in the terminal's foreground group), and it passes
//! the signal on, so that the order of stopping is ours.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use nix::errno::Errno;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::clock::Stopwatch;

/// How long a group gets to end by itself: workerd flushes its databases in well under a second.
const GRACE: Duration = Duration::from_secs(5);

static RUNNING: Mutex<Groups> =
    Mutex::new(Groups { pids: BTreeSet::new(), private_files: Vec::new(), stopping: false });

struct Groups {
    pids: BTreeSet<i32>,
    /// Removed when a signal ends us.
    private_files: Vec<PathBuf>,
    /// Nothing may be started any more, and no failure be reported: it is our own doing.
    stopping: bool,
}

fn running() -> MutexGuard<'static, Groups> {
    // The set is never left half changed, so a panic elsewhere does not spoil it.
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on SIGINT, SIGTERM and SIGHUP first stop all children, then this program.
pub(crate) fn stop_children_on_signals() {
    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM, SIGHUP]) else {
        return eprintln!("warning: signals cannot be caught here: child processes may outlive this one");
    };
    std::thread::spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        let groups = {
            let mut running = running();
            running.stopping = true;
            running.pids.clone()
        };
        if !groups.is_empty() {
            eprintln!("\nstopping ...");
        }
        stop_groups(&groups, || signals.pending().next().is_some());
        remove_private_files();
        std::process::exit(128 + signal);
    });
}

/// Marks a file that must not stay when a signal ends this program.
pub(crate) fn remove_when_stopped(file: PathBuf) {
    running().private_files.push(file);
}

/// Removes what was marked: for the ordinary end of the program.
pub(crate) fn remove_private_files() {
    for file in running().private_files.drain(..) {
        let _ = std::fs::remove_file(file);
    }
}

/// Ends all of `groups`, hard after the grace period or as soon as `hurry` says so.
fn stop_groups(groups: &BTreeSet<i32>, mut hurry: impl FnMut() -> bool) {
    let watch = Stopwatch::start();
    let mut left: Vec<Pid> = groups.iter().copied().map(Pid::from_raw).collect();
    left.retain(|&group| killpg(group, Signal::SIGTERM).is_ok());
    loop {
        left.retain(|&group| group_exists(group));
        if left.is_empty() {
            return;
        }
        if watch.elapsed() > GRACE || hurry() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    for &group in &left {
        let _ = killpg(group, Signal::SIGKILL);
    }
    while left.iter().any(|&group| group_exists(group)) && watch.elapsed() < 2 * GRACE {
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether a process of the group lives. Collects our own ended children, which would count as living.
fn group_exists(group: Pid) -> bool {
    while let Ok(status) = waitpid(Pid::from_raw(-group.as_raw()), Some(WaitPidFlag::WNOHANG)) {
        if status == WaitStatus::StillAlive {
            break;
        }
    }
    killpg(group, None) != Err(Errno::ESRCH)
}

/// Starts `command` in a group of its own; `None` as input, so that nothing waits for an answer.
fn spawn(command: &mut Command) -> Result<Child> {
    let mut running = running();
    if running.stopping {
        drop(running);
        wait_for_the_end();
    }
    let child = command
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start `{}`", command.get_program().display()))?;
    running.pids.insert(group_of(&child).as_raw());
    Ok(child)
}

fn group_of(child: &Child) -> Pid {
    // A pid of the kernel always fits: they end at 2^22.
    Pid::from_raw(child.id().cast_signed())
}

fn wait(child: &mut Child) -> Result<ExitStatus> {
    let status = child.wait();
    ended(group_of(child));
    status.context("cannot wait for a child process")
}

/// Forgets an ended group, unless we are stopping: then the thread that stops us owns all that follows.
fn ended(group: Pid) {
    let mut running = running();
    if running.stopping {
        drop(running);
        wait_for_the_end();
    }
    running.pids.remove(&group.as_raw());
}

fn wait_for_the_end() -> ! {
    loop {
        std::thread::park();
    }
}

/// Runs `command` to its end, its output being ours; an error unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = wait(&mut spawn(command)?)?;
    if !status.success() {
        bail!("`{}` failed: {status}", line_of(command));
    }
    Ok(())
}

/// The output of a short query, trimmed; an error, with what it said, unless it succeeds.
pub(crate) fn query(command: &mut Command) -> Result<String> {
    let child = spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let group = group_of(&child);
    let output = child.wait_with_output();
    ended(group);
    let output = output.with_context(|| format!("cannot read from `{}`", line_of(command)))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", line_of(command), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs `command` to its end, shows its output as it comes, and returns it for counting.
pub(crate) fn tee(command: &mut Command) -> Result<(ExitStatus, String)> {
    let (reader, writer) = std::io::pipe().context("cannot open a pipe")?;
    let spawned = spawn(command.stdout(writer.try_clone()?).stderr(writer));
    // The command keeps its end of the pipe: without this the reader would never see the end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = spawned?;
    let mut text = String::new();
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).context("cannot read the output")? > 0 {
        // Our own output may be closed (`| head`); the command still runs to its end.
        let _ = std::io::stdout().write_all(&line);
        text.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    Ok((wait(&mut child)?, text))
}

fn line_of(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// A process that runs beside us until it is stopped, or dropped; it also ends when we are killed.
pub(crate) struct Daemon {
    child: Child,
    /// Ends the group when this end of its input closes without a word, which is what SIGKILL does to us.
    guard: Option<(Child, ChildStdin)>,
    over: Option<ExitStatus>,
}

impl Daemon {
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = spawn(command)?;
        let guard = guard(&child);
        if guard.is_none() {
            eprintln!("warning: no `sh` here: child processes outlive this one if it is killed hard");
        }
        Ok(Self { child, guard, over: None })
    }

    /// How it ended, if it did.
    pub(crate) fn poll(&mut self) -> Result<Option<ExitStatus>> {
        if self.over.is_none() {
            self.over = self.child.try_wait().context("cannot look after a child process")?;
            if self.over.is_some() {
                // What it started may still run.
                self.stop();
            }
        }
        Ok(self.over)
    }

    fn stop(&mut self) {
        let group = group_of(&self.child);
        stop_groups(&BTreeSet::from([group.as_raw()]), || false);
        ended(group);
        if let Some((mut guard, mut input)) = self.guard.take() {
            let _ = input.write_all(b"done\n");
            drop(input);
            let _ = guard.wait();
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.over.is_none() {
            self.stop();
        }
    }
}

const GUARD: &str = r#"
read -r _ && exit
kill -s TERM -- "-$0"
for _ in 1 2 3 4 5; do
    kill -s 0 -- "-$0" || exit
    sleep 1
done
kill -s KILL -- "-$0"
"#;

fn guard(child: &Child) -> Option<(Child, ChildStdin)> {
    let mut guard = Command::new("sh")
        .args(["-c", GUARD])
        .arg(child.id().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .ok()?;
    let input = guard.stdin.take()?;
    Some((guard, input))
}
