//! What a person has allowed: Global Privacy Control and the IAB's Transparency and Consent Framework.
//!
//! What is asked here is one thing: may an id be written to the browser, or read from it? A person who sends
//! `Sec-GPC: 1` has not allowed it. Where `gdpr=1` says that the GDPR applies, the consent string must allow purpose 1,
//! "store and/or access information on a device". What was said is kept with the event.

use serde_json::{Map, Value};

use super::base64;
use crate::intake::{Draft, MAX_PROP_VALUE_CHARS};

/// The bits in front of the consents to purposes in the core string of version 2 (IAB, "Consent string and vendor list
/// formats v2"): version, two times, CMP, its version, screen, language, vendor list, policy, two flags, special
/// features.
const PURPOSES_AT_BIT: usize = 152;
/// The version that this is about.
const VERSION: u8 = 2;

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Consent {
    gpc: bool,
    gdpr: Option<bool>,
    string: Option<String>,
}

impl Consent {
    /// Of the header `Sec-GPC` and the parameters `gdpr` and `gdpr_consent`.
    pub fn of(gpc: Option<&str>, gdpr: Option<&str>, string: Option<&str>) -> Consent {
        let gdpr = match gdpr {
            Some("1" | "true") => Some(true),
            Some("0" | "false") => Some(false),
            _ => None,
        };
        let filled = |text: &&str| !super::value::is_unfilled(text);
        Consent {
            gpc: gpc.map(str::trim) == Some("1"),
            gdpr,
            string: string.filter(filled).map(str::to_owned),
        }
    }

    /// Whether an id may be kept in the browser.
    pub fn allows_storage(&self) -> bool {
        let consents = || self.string.as_deref().is_some_and(allows_purpose_1);
        !self.gpc && (self.gdpr != Some(true) || consents())
    }

    /// Keeps what was said with the event: `gpc`, `gdpr`, `gdpr_consent` where it is short enough, and `storage`.
    pub fn note(&self, draft: &mut Draft) {
        let mut said = Map::new();
        if self.gpc {
            said.insert("gpc".to_owned(), Value::from("1"));
        }
        if let Some(gdpr) = self.gdpr {
            said.insert("gdpr".to_owned(), Value::from(if gdpr { "1" } else { "0" }));
        }
        let short = |text: &&String| text.chars().count() <= MAX_PROP_VALUE_CHARS;
        if let Some(string) = self.string.as_ref().filter(short) {
            said.insert("gdpr_consent".to_owned(), Value::from(string.as_str()));
        }
        if said.is_empty() {
            return;
        }
        said.insert(
            "storage".to_owned(),
            Value::from(if self.allows_storage() { "allowed" } else { "denied" }),
        );
        let props = draft.fields.entry("props").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(props) = props {
            props.append(&mut said);
        }
    }
}

/// Whether a consent string allows purpose 1; one that cannot be read allows nothing.
fn allows_purpose_1(string: &str) -> bool {
    let core = string.split('.').next().unwrap_or_default();
    let Some(bytes) = base64::decode(core) else { return false };
    let version = bytes.first().map(|byte| byte >> 2);
    let purposes = bytes.get(PURPOSES_AT_BIT / 8);
    version == Some(VERSION) && purposes.is_some_and(|byte| byte >> (7 - PURPOSES_AT_BIT % 8) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the examples of the IAB's reference implementation: purposes 1, 2 and 3 are allowed.
    const ALLOWED: &str = "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA";

    #[test]
    fn storage() {
        fn check(gpc: Option<&str>, gdpr: Option<&str>, string: Option<&str>, expected: bool) {
            let consent = Consent::of(gpc, gdpr, string);
            assert_eq!(consent.allows_storage(), expected, "{consent:?}");
        }
        check(None, None, None, true);
        check(Some("1"), None, None, false);
        check(Some("0"), None, None, true);
        check(None, Some("0"), None, true);
        check(None, Some("1"), None, false);
        check(None, Some("1"), Some(ALLOWED), true);
        check(Some("1"), Some("1"), Some(ALLOWED), false);
        check(None, Some("1"), Some(&ALLOWED.replace("PCAAOAAAA", "PCAAAAAAA")), false);
        check(None, Some("1"), Some("${GDPR_CONSENT_755}"), false);
        for broken in ["C", "CO", "!", "", "BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA"] {
            check(None, Some("1"), Some(broken), false);
        }
    }

    #[test]
    fn notes() {
        fn check(consent: &Consent, expected: Value) {
            let mut draft = Draft::default();
            consent.note(&mut draft);
            assert_eq!(Value::Object(draft.fields), expected);
        }
        check(&Consent::default(), serde_json::json!({}));
        check(
            &Consent::of(Some("1"), Some("1"), Some("COvFyGB")),
            serde_json::json!({"props": {"gpc": "1", "gdpr": "1", "gdpr_consent": "COvFyGB", "storage": "denied"}}),
        );
    }
}
