//! Where to send, and as whom.

use std::fmt;

use thiserror::Error;

/// The most brokers to begin with.
const MAX_BROKERS: usize = 16;
/// The longest name of a topic, which Kafka fixes.
const MAX_TOPIC_CHARS: usize = 249;

/// The texts of a deployment's variables and secrets; an empty one is absent.
#[derive(Debug, Clone, Default)]
pub struct SettingsText {
    /// `host:port,host:port`.
    pub brokers: String,
    /// The topic.
    pub topic: String,
    /// `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
    pub security: String,
    /// `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.
    pub mechanism: String,
    /// Who logs in.
    pub username: String,
    /// With what.
    pub password: String,
}

/// Where to send, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whom to ask first; any of them knows the others.
    pub brokers: Vec<Address>,
    /// The topic.
    pub topic: String,
    /// Whether connections are encrypted.
    pub uses_tls: bool,
    /// Who logs in, if anybody has to.
    pub login: Option<Login>,
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// A name or an address.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Who logs in, and how.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// How.
    pub mechanism: Mechanism,
    /// Who.
    pub username: String,
    /// Never shown.
    pub password: String,
}

/// How the password is shown to the broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// As it is (RFC 4616).
    Plain,
    /// By a proof that does not tell it (RFC 7677).
    ScramSha256,
    /// The same with a longer hash.
    ScramSha512,
}

/// Why texts are no settings; each is the operator's to repair.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SettingsError {
    /// Not `host:port`.
    #[error("{0:?} is not host:port")]
    Broker(String),
    /// More than are of use.
    #[error("{0} brokers, at most {MAX_BROKERS} are asked")]
    TooManyBrokers(usize),
    /// Absent, or not a name that Kafka takes.
    #[error("{0:?} is not the name of a topic")]
    Topic(String),
    /// No such security.
    #[error("security {0:?} is none of plaintext, ssl, sasl_plaintext, sasl_ssl")]
    Security(String),
    /// No such mechanism.
    #[error("mechanism {0:?} is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512")]
    Mechanism(String),
    /// A login without name or password.
    #[error("security {0} needs a user name and a password")]
    Login(String),
}

impl Settings {
    /// Reads the texts; `None` where there are no brokers, which is how it is switched off.
    pub fn read(text: &SettingsText) -> Result<Option<Self>, SettingsError> {
        let named = || text.brokers.split(',').map(str::trim).filter(|broker| !broker.is_empty());
        let brokers = named().map(Address::parse).collect::<Result<Vec<_>, _>>()?;
        if brokers.is_empty() {
            return Ok(None);
        }
        if brokers.len() > MAX_BROKERS {
            return Err(SettingsError::TooManyBrokers(brokers.len()));
        }
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let topic = text.topic.trim();
        if topic.is_empty()
            || topic.len() > MAX_TOPIC_CHARS
            || [".", ".."].contains(&topic)
            || !topic.chars().all(is_plain)
        {
            return Err(SettingsError::Topic(topic.to_owned()));
        }
        let security = text.security.trim().to_ascii_lowercase();
        let (uses_tls, logs_in) = match security.as_str() {
            "" | "plaintext" => (false, false),
            "ssl" => (true, false),
            "sasl_plaintext" => (false, true),
            "sasl_ssl" => (true, true),
            _ => return Err(SettingsError::Security(security)),
        };
        let login = if logs_in { Some(Login::read(text, &security)?) } else { None };
        Ok(Some(Self { brokers, topic: topic.to_owned(), uses_tls, login }))
    }

    /// Changes with any of the settings: what an operator repairs is tried again. Of the password only whether it changed.
    pub fn fingerprint(&self) -> u32 {
        crc32c::crc32c(format!("{self:?}{:?}", self.login.as_ref().map(|login| &login.password)).as_bytes())
    }
}

impl Login {
    fn read(text: &SettingsText, security: &str) -> Result<Self, SettingsError> {
        let mechanism = match text.mechanism.trim().to_ascii_uppercase().as_str() {
            "" | "PLAIN" => Mechanism::Plain,
            "SCRAM-SHA-256" => Mechanism::ScramSha256,
            "SCRAM-SHA-512" => Mechanism::ScramSha512,
            other => return Err(SettingsError::Mechanism(other.to_owned())),
        };
        if text.username.is_empty() || text.password.is_empty() {
            return Err(SettingsError::Login(security.to_owned()));
        }
        Ok(Self { mechanism, username: text.username.clone(), password: text.password.clone() })
    }
}

impl Mechanism {
    /// As brokers call it.
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::ScramSha256 => "SCRAM-SHA-256",
            Mechanism::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}

impl Address {
    /// Reads `host:port`; an address of IPv6 stands in brackets.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let wrong = || SettingsError::Broker(text.to_owned());
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        let is_bracketed = host.starts_with('[') && host.ends_with(']');
        let has_space = host.contains(char::is_whitespace) || host.contains('/');
        if host.is_empty() || port == 0 || has_space || (host.contains(':') && !is_bracketed) {
            return Err(wrong());
        }
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Without the password.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("mechanism", &self.mechanism).field("username", &self.username).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(brokers: &str, topic: &str, security: &str, mechanism: &str, login: &str) -> SettingsText {
        let (username, password) = login.split_once('/').unwrap_or((login, ""));
        SettingsText {
            brokers: brokers.to_owned(),
            topic: topic.to_owned(),
            security: security.to_owned(),
            mechanism: mechanism.to_owned(),
            username: username.to_owned(),
            password: password.to_owned(),
        }
    }

    #[test]
    fn settings() {
        fn check(text: SettingsText, expected: &str) {
            let shown = match Settings::read(&text) {
                Ok(None) => "off".to_owned(),
                Ok(Some(settings)) => {
                    let brokers: Vec<String> = settings.brokers.iter().map(Address::to_string).collect();
                    let login =
                        settings.login.map(|login| format!("{} {}", login.mechanism.name(), login.username));
                    format!("{} {} {} {login:?}", brokers.join("+"), settings.topic, settings.uses_tls)
                }
                Err(error) => error.to_string(),
            };
            assert_eq!(shown, expected);
        }
        check(SettingsText::default(), "off");
        check(text("", "billing", "what", "", ""), "off");
        check(text("a:9092, b:9093,", "billing", "", "", ""), "a:9092+b:9093 billing false None");
        check(text("[::1]:9092", "b.i_l-l", "SSL", "", ""), "[::1]:9092 b.i_l-l true None");
        check(text("a:1", "b", "sasl_ssl", "", "me/pw"), "a:1 b true Some(\"PLAIN me\")");
        check(
            text("a:1", "b", "sasl_plaintext", "scram-sha-256", "me/pw"),
            "a:1 b false Some(\"SCRAM-SHA-256 me\")",
        );
        check(text("a", "b", "", "", ""), "\"a\" is not host:port");
        check(text("a:0", "b", "", "", ""), "\"a:0\" is not host:port");
        check(text("::1:9092", "b", "", "", ""), "\"::1:9092\" is not host:port");
        check(text("http://a:80", "b", "", "", ""), "\"http://a:80\" is not host:port");
        check(text("a:1", "", "", "", ""), "\"\" is not the name of a topic");
        check(text("a:1", "x y", "", "", ""), "\"x y\" is not the name of a topic");
        check(
            text("a:1", "b", "tls", "", ""),
            "security \"tls\" is none of plaintext, ssl, sasl_plaintext, sasl_ssl",
        );
        check(
            text("a:1", "b", "sasl_ssl", "GSSAPI", "me/pw"),
            "mechanism \"GSSAPI\" is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512",
        );
        check(text("a:1", "b", "sasl_ssl", "", "me"), "security sasl_ssl needs a user name and a password");
    }

    #[test]
    fn a_password_is_not_shown_but_makes_a_difference() {
        let read = |login| Settings::read(&text("a:1", "b", "sasl_ssl", "", login)).unwrap().unwrap();
        let (one, other) = (read("me/first"), read("me/second"));
        assert!(!format!("{one:?}").contains("first"));
        assert_ne!(one.fingerprint(), other.fingerprint());
        assert_eq!(one.fingerprint(), read("me/first").fingerprint());
    }
}
