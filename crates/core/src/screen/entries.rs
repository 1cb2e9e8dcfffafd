//! The entries of a list: one a line, `#` begins a comment, `@default` stands for the built-in ones.

use std::fmt;
use std::net::IpAddr;

use thiserror::Error;

use super::ListName;

/// The most bytes of a list: every isolate holds it, and a row of the catalog has to.
pub const MAX_LIST_BYTES: usize = 512 * 1024;
/// The most entries of a list, built-in ones that it includes apart.
pub const MAX_ENTRIES: usize = 10_000;
/// The longest entry, in characters.
pub const MAX_ENTRY_CHARS: usize = 100;
/// The shortest fragment: a shorter one would be found in nearly every user agent or name.
pub const MIN_FRAGMENT_CHARS: usize = 3;
/// How many faults of a list are told.
const MAX_FAULTS: usize = 10;
/// The line that stands for the built-in list.
const DEFAULT: &str = "@default";

/// Why a text is not a list.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ListError {
    /// More than [`MAX_LIST_BYTES`].
    #[error("the list has more than {MAX_LIST_BYTES} bytes")]
    TooLarge,
    /// Not UTF-8, with the line, from 1.
    #[error("line {0}: is not UTF-8")]
    NotText(usize),
    /// More than [`MAX_ENTRIES`].
    #[error("the list has {0} entries, at most {MAX_ENTRIES} are allowed")]
    TooManyEntries(usize),
    /// Nothing in it: to judge by nothing has to be meant, and a lost body is not.
    #[error("the list has no entries")]
    Empty,
    /// Lines that are no entries.
    #[error("{0}")]
    Entries(EntryFaults),
}

/// The first few lines that are no entries, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryFaults {
    /// By line, from 1.
    shown: Vec<(usize, EntryFault)>,
    all: usize,
}

/// Why a line is not an entry.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EntryFault {
    /// Shorter than [`MIN_FRAGMENT_CHARS`].
    #[error("{0:?} is shorter than {MIN_FRAGMENT_CHARS} characters and would be found nearly everywhere")]
    TooShort(String),
    /// Longer than [`MAX_ENTRY_CHARS`].
    #[error("the entry has {0} characters, at most {MAX_ENTRY_CHARS} are allowed")]
    TooLong(usize),
    /// A control character.
    #[error("the entry contains a control character")]
    Control,
    /// Looks like an address or a range, and is not.
    #[error("{0:?} is not an address or a range such as 203.0.113.0/24")]
    Range(String),
    /// A range that begins inside of itself.
    #[error("{0:?} has bits behind its prefix")]
    HostBits(String),
    /// `AS` and something that is no number of 32 bits.
    #[error("{0:?} is not the number of a network such as AS64500")]
    Asn(String),
    /// A directive that is not known.
    #[error("{0:?} is not known, {DEFAULT} is")]
    Directive(String),
}

impl fmt::Display for EntryFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (line, fault)) in self.shown.iter().enumerate() {
            write!(f, "{}line {line}: {fault}", if position > 0 { "; " } else { "" })?;
        }
        match self.all - self.shown.len() {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

/// What a list says.
#[derive(Debug, Default)]
pub(super) struct Entries {
    /// Lower-case.
    pub(super) fragments: Vec<String>,
    /// Numbers of networks.
    pub(super) asns: Vec<u32>,
    /// First and last address of each range.
    pub(super) ranges: Vec<(IpAddr, IpAddr)>,
}

impl Entries {
    pub(super) fn count(&self) -> usize {
        self.fragments.len() + self.asns.len() + self.ranges.len()
    }

    fn take(&mut self, list: ListName, entry: &str) -> Result<(), EntryFault> {
        let chars = entry.chars().count();
        if chars > MAX_ENTRY_CHARS {
            return Err(EntryFault::TooLong(chars));
        }
        if entry.chars().any(char::is_control) {
            return Err(EntryFault::Control);
        }
        if list == ListName::Datacenters {
            if let Some(asn) = asn(entry) {
                self.asns.push(asn?);
                return Ok(());
            }
            if is_addresses(entry) {
                self.ranges.push(range(entry)?);
                return Ok(());
            }
        }
        if chars < MIN_FRAGMENT_CHARS {
            return Err(EntryFault::TooShort(entry.to_owned()));
        }
        self.fragments.push(entry.to_ascii_lowercase());
        Ok(())
    }
}

/// The text of a list as it was sent.
pub(super) fn text(bytes: &[u8]) -> Result<&str, ListError> {
    str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        ListError::NotText(1 + before.iter().filter(|byte| **byte == b'\n').count())
    })
}

/// Reads a list; `None` stands for the built-in one.
pub(super) fn read(text: Option<&str>, list: ListName) -> Result<Entries, ListError> {
    let text = text.unwrap_or(list.built_in());
    if text.len() > MAX_LIST_BYTES {
        return Err(ListError::TooLarge);
    }
    let (mut entries, mut faults, mut includes) = (Entries::default(), Vec::new(), false);
    for (number, line) in text.lines().enumerate() {
        let entry = without_comment(line);
        let taken = match entry {
            "" => Ok(()),
            DEFAULT => {
                includes = true;
                Ok(())
            }
            _ if entry.starts_with('@') => Err(EntryFault::Directive(entry.to_owned())),
            _ => entries.take(list, entry),
        };
        faults.extend(taken.err().map(|fault| (number + 1, fault)));
    }
    let all = faults.len();
    faults.truncate(MAX_FAULTS);
    match entries.count() {
        _ if all > 0 => return Err(ListError::Entries(EntryFaults { shown: faults, all })),
        0 if !includes => return Err(ListError::Empty),
        count if count > MAX_ENTRIES => return Err(ListError::TooManyEntries(count)),
        _ => {}
    }
    if includes {
        for entry in list.built_in().lines().map(without_comment).filter(|entry| !entry.is_empty()) {
            // The built-in lists are valid, their tests say so.
            let _ = entries.take(list, entry);
        }
    }
    Ok(entries)
}

/// A comment begins at the start of the line or behind white space: an entry may contain the sign.
fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| line[..*at].chars().next_back().is_none_or(char::is_whitespace);
    let end = line.match_indices('#').find(begins).map_or(line.len(), |(at, _)| at);
    line[..end].trim()
}

/// `AS64500`; `None` if the entry is something else.
fn asn(entry: &str) -> Option<Result<u32, EntryFault>> {
    let (prefix, number) = entry.split_at_checked(2)?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (prefix.eq_ignore_ascii_case("as") && is_number)
        .then(|| number.parse().map_err(|_| EntryFault::Asn(entry.to_owned())))
}

/// Whether the entry can only be meant as an address or a range.
fn is_addresses(entry: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':' | b'/');
    let begins = entry.split('/').next().is_some_and(|address| address.parse::<IpAddr>().is_ok());
    begins || (entry.bytes().all(is_part) && entry.contains(['.', ':', '/']))
}

fn range(entry: &str) -> Result<(IpAddr, IpAddr), EntryFault> {
    let wrong = || EntryFault::Range(entry.to_owned());
    let (address, prefix) = match entry.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (entry, None),
    };
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let bits: u32 = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => bits,
        Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
            prefix.parse().ok().filter(|prefix| *prefix <= bits).ok_or_else(wrong)?
        }
        Some(_) => return Err(wrong()),
    };
    let (first, host) = match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), (1_u128 << (bits - prefix)) - 1),
        IpAddr::V6(v6) => (v6.to_bits(), u128::MAX.checked_shr(prefix).unwrap_or(0)),
    };
    if first & host != 0 {
        return Err(EntryFault::HostBits(entry.to_owned()));
    }
    let last = match address {
        IpAddr::V4(_) => IpAddr::V4(((first | host) as u32).into()),
        IpAddr::V6(_) => IpAddr::V6((first | host).into()),
    };
    Ok((address, last))
}
