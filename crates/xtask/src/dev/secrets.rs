//! The three secrets of a deployment, kept locally in a file that git ignores.
//!
//! A value in the environment wins for one run and is never written to that file.
//! No value is ever an argument of a process, where every user of the machine could read it.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

pub(super) const FILE: &str = ".dev.vars";

/// Signs the administrator in; authorises senders of events; makes pseudonyms of user ids.
pub(super) const ADMIN_TOKEN: &str = "ADMIN_TOKEN";
pub(super) const WRITE_KEY: &str = "WRITE_KEY";
const ID_SALT: &str = "ID_SALT";
const NAMES: [&str; 3] = [ADMIN_TOKEN, WRITE_KEY, ID_SALT];

/// 192 bits: beyond guessing, and short enough to copy by hand.
const RANDOM_BYTES: usize = 24;

pub(super) struct Secrets {
    file: PathBuf,
    in_file: BTreeMap<String, String>,
    from_environment: BTreeMap<String, String>,
}

impl Secrets {
    /// Reads the file and adds a random value for each secret that it lacks.
    pub(super) fn load_or_create(file: &Path) -> Result<Self> {
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        let mut in_file = parse(&text);
        let missing: Vec<&str> = NAMES.into_iter().filter(|name| !in_file.contains_key(*name)).collect();
        let mut addition = String::new();
        for name in &missing {
            let value = random()?;
            addition.push_str(&format!("{name}=\"{value}\"\n"));
            in_file.insert((*name).to_owned(), value);
        }
        if !missing.is_empty() {
            let separator = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            write_private(file, &format!("{text}{separator}{addition}"))?;
            eprintln!("dev: wrote random {} to {FILE}", missing.join(", "));
        }
        let from_environment = NAMES
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok().filter(|v| !v.is_empty())?)))
            .collect();
        Ok(Self { file: file.to_owned(), in_file, from_environment })
    }

    /// The value that counts for this run.
    pub(super) fn get(&self, name: &str) -> &str {
        self.from_environment.get(name).or_else(|| self.in_file.get(name)).map_or("", String::as_str)
    }

    /// Files for the runtime to read, a later one winning. `own` is for what only this run has.
    pub(super) fn files(&self, own: &Path) -> Result<Vec<PathBuf>> {
        let mut files = vec![self.file.clone()];
        if !self.from_environment.is_empty() {
            let mut text = String::new();
            for (name, value) in &self.from_environment {
                text.push_str(&format!("{name}={}\n", quoted(value).with_context(|| name.clone())?));
            }
            write_private(own, &text)?;
            files.push(own.to_owned());
        }
        Ok(files)
    }
}

/// `NAME=value` lines, the value bare or in one kind of quotes.
fn parse(text: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else { continue };
        let value = value.trim();
        let bare = ['"', '\'', '`']
            .iter()
            .find_map(|&quote| value.strip_prefix(quote)?.split_once(quote))
            .map_or_else(|| value.split(" #").next().unwrap_or(value).trim(), |(inner, _)| inner);
        if !bare.is_empty() {
            values.insert(name.trim().to_owned(), bare.to_owned());
        }
    }
    values
}

/// In the first kind of quotes that the value does not contain: there is no escaping in such files.
fn quoted(value: &str) -> Result<String> {
    if value.contains(['\n', '\r']) {
        bail!("has a line break, which a secret cannot have here");
    }
    // Inside double quotes a backslash before n or r would become a line break.
    let unfit = |quote: &char| value.contains(*quote) || (*quote == '"' && value.contains('\\'));
    match ['\'', '`', '"'].iter().find(|quote| !unfit(quote)) {
        Some(quote) => Ok(format!("{quote}{value}{quote}")),
        None => bail!("contains every kind of quote"),
    }
}

/// A secret that nobody guesses.
pub(crate) fn random() -> Result<String> {
    let mut bytes = [0_u8; RANDOM_BYTES];
    let mut source = std::fs::File::open("/dev/urandom").context("cannot open /dev/urandom")?;
    source.read_exact(&mut bytes).context("cannot read /dev/urandom")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Replaces the file in one step, readable by its owner only from the first byte on.
fn write_private(path: &Path, text: &str) -> Result<()> {
    let fresh = path.with_extension(format!("{}.tmp", std::process::id()));
    let write = || -> std::io::Result<()> {
        let _ = std::fs::remove_file(&fresh);
        let mut file = std::fs::File::options().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&fresh, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn values_with_and_without_quotes() {
        let check = |line: &str, expected: &[(&str, &str)]| {
            let expected = expected.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
            assert_eq!(parse(line), expected, "{line}");
        };
        check("A=1", &[("A", "1")]);
        check(" export A = \"x # y\" # note", &[("A", "x # y")]);
        check("A='it is' \nB=`b`\n", &[("A", "it is"), ("B", "b")]);
        check("A=bare # note", &[("A", "bare")]);
        check("# A=1\n\nno value\nB=", &[]);
    }

    #[test]
    fn what_is_quoted_is_read_back() {
        for value in ["plain", "a b", "it's", "#1", "\"'", "back\\nslash", "$HOME"] {
            let text = format!("A={}", quoted(value).unwrap());
            assert_eq!(parse(&text).get("A").map(String::as_str), Some(value), "{text}");
        }
        quoted("two\nlines").unwrap_err();
        quoted("'\"`").unwrap_err();
    }

    #[test]
    fn a_file_is_made_once_and_what_it_has_is_kept() {
        let dir = std::env::temp_dir().join(format!("adtally-secrets-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join(FILE);
        std::fs::write(&file, "WRITE_KEY=mine\nOTHER=1").unwrap();

        let first = Secrets::load_or_create(&file).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert_eq!(first.in_file["WRITE_KEY"], "mine");
        assert_eq!(first.in_file["OTHER"], "1");
        assert_eq!(first.in_file["ADMIN_TOKEN"].len(), 2 * RANDOM_BYTES);
        assert_ne!(first.in_file["ADMIN_TOKEN"], first.in_file["ID_SALT"]);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);

        Secrets::load_or_create(&file).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
        std::fs::remove_dir_all(dir).unwrap();
    }
}
