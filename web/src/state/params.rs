//! The query part of a URL as ordered names and values.

use std::fmt;

/// Names and values in the order of the URL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a query with or without its leading `?`.
    pub fn parse(query: &str) -> Params {
        let pairs = query.strip_prefix('?').unwrap_or(query).split('&').filter(|pair| !pair.is_empty());
        Params(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
    }

    /// The first value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of `name`.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Adds a value at the end.
    pub fn push(&mut self, name: &str, value: impl fmt::Display) {
        self.0.push((name.to_string(), value.to_string()));
    }

    /// Adds a value unless it is the default, which the URL leaves out.
    pub fn push_unless<T: PartialEq + fmt::Display>(&mut self, name: &str, value: T, default: T) {
        if value != default {
            self.push(name, value);
        }
    }

    /// All of them, in their order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Those of other names.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Params {
        self.0.retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    /// Adds the others after its own.
    pub fn extend(&mut self, others: Params) {
        self.0.extend(others.0);
    }

    /// `path` with these parameters.
    pub fn after(&self, path: &str) -> String {
        if self.0.is_empty() { path.to_string() } else { format!("{path}?{self}") }
    }
}

impl fmt::Display for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (name, value)) in self.0.iter().enumerate() {
            let and = if index == 0 { "" } else { "&" };
            write!(f, "{and}{}={}", encode(name), encode(value))?;
        }
        Ok(())
    }
}

/// Percent-encodes what would be ambiguous; `:` and `,` stay, so that links can be read.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' | b',' | b'/' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// The inverse of [`encode`]; a `%` that is none stays as it is.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if let (Some(high), Some(low)) = (hex(*high), hex(*low)) => {
                bytes.push(high << 4 | low);
                rest = after;
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn every_value_survives_the_url() {
        for value in
            ["", "a b+c", "100%", "%41", "서울", "a&b=c#d?e", "campaign:in:a,b", "Asia/Seoul", "\u{0}\n"]
        {
            let mut params = Params::default();
            params.push("p", value);
            params.push("other", 1);
            let read = Params::parse(&params.after(""));
            assert_eq!(read, params, "{value}");
            assert_eq!(read.get("p"), Some(value));
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn reads_what_browsers_and_people_write() {
        fn check(query: &str, expected: &[&str]) {
            assert_eq!(Params::parse(query).all("a").collect::<Vec<_>>(), expected, "{query}");
        }
        check("?a=1&b=2&a=3", &["1", "3"]);
        check("a", &[""]);
        check("a=x+y%20z", &["x y z"]);
        check("a=%zz%4", &["%zz%4"]);
        check("&&", &[]);
    }
}
