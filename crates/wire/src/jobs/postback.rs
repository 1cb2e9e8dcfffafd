//! Addresses of partners with places for what is known of a conversion: `https://partner.example/cv?click={click_id}`.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use thiserror::Error;

use crate::api::EventStory;

/// What can stand between braces.
pub const MACROS: [&str; 16] = [
    "id",
    "conversion_id",
    "click_id",
    "impression_id",
    "advertiser",
    "campaign",
    "ad",
    "service",
    "placement",
    "label",
    "country",
    "device",
    "value",
    "value_micros",
    "at",
    "timestamp",
];

/// The longest template, in bytes.
const MAX_BYTES: usize = 2_048;
/// What stays as it is in a value; everything else would change the address around it.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a text is not a template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TemplateError {
    /// A brace that is not closed, or a name that nobody knows.
    #[error("{{{0}}} is none of {known}", known = MACROS.join(", "))]
    Macro(String),
    /// What is sent to whom would be up to whoever sends events.
    #[error("a macro stands in the host or before it")]
    Host,
    /// Longer than servers take addresses.
    #[error("{0} bytes, at most {MAX_BYTES} are allowed")]
    TooLong(usize),
}

/// A template that can be filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Text, and the macro after it.
    parts: Vec<(String, &'static str)>,
    rest: String,
}

impl Template {
    /// Reads a template; whether it is an address is seen when it is filled.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.len() > MAX_BYTES {
            return Err(TemplateError::TooLong(text.len()));
        }
        let host_end = text
            .find("://")
            .map(|at| at + 3)
            .and_then(|from| text[from..].find(['/', '?', '#', '\\']).map(|length| from + length));
        if text.find('{').is_some_and(|first| host_end.is_none_or(|end| first < end)) {
            return Err(TemplateError::Host);
        }
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) =
                after.split_once('}').ok_or_else(|| TemplateError::Macro(after.to_owned()))?;
            let known = MACROS.into_iter().find(|known| *known == name);
            parts.push((before.to_owned(), known.ok_or_else(|| TemplateError::Macro(name.to_owned()))?));
            rest = after;
        }
        Ok(Self { parts, rest: rest.to_owned() })
    }

    /// The address of one conversion; what is not known is empty.
    pub fn fill(&self, values: &BTreeMap<&'static str, String>) -> String {
        let mut text = String::new();
        for (before, name) in &self.parts {
            text.push_str(before);
            let value = values.get(name).map_or("", String::as_str);
            text.extend(utf8_percent_encode(value, KEPT));
        }
        text + &self.rest
    }
}

/// What is known of a conversion, by macro. Its id is the same whenever it is sent.
pub fn values(story: &EventStory) -> BTreeMap<&'static str, String> {
    let field = |name: &str| {
        let text =
            |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        story.event.fields.get(name).map(text).unwrap_or_default()
    };
    let cell = |name: &str| story.cell.get(name).cloned().unwrap_or_default();
    let micros = field("value_micros").parse::<u64>().unwrap_or(0);
    let advertiser = cell("advertiser");
    let seconds = adtally_core::time::parse_rfc3339(&story.event.at).map_or(0, |ms| ms / 1_000);
    BTreeMap::from([
        ("id", format!("{advertiser}/{}", story.event.id)),
        ("conversion_id", story.event.id.clone()),
        ("click_id", story.click.clone().unwrap_or_default()),
        ("impression_id", story.impression.clone().unwrap_or_default()),
        ("campaign", cell("campaign")),
        ("ad", cell("ad")),
        ("service", cell("service")),
        ("placement", cell("placement")),
        ("label", cell("label")),
        ("country", cell("country")),
        ("device", cell("device")),
        ("value", format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)),
        ("value_micros", micros.to_string()),
        ("at", story.event.at.clone()),
        ("timestamp", seconds.to_string()),
        ("advertiser", advertiser),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates() {
        fn check(template: &str, expected: Result<&str, TemplateError>) {
            let values = BTreeMap::from([("click_id", "c&1 é".to_owned()), ("value", "1.250000".to_owned())]);
            let filled = Template::parse(template).map(|template| template.fill(&values));
            assert_eq!(filled, expected.map(str::to_owned), "{template}");
        }
        let unknown = |name: &str| Err(TemplateError::Macro(name.to_owned()));
        check("https://a.example/cv", Ok("https://a.example/cv"));
        check(
            "https://a.example/{click_id}?v={value}&x=1",
            Ok("https://a.example/c%261%20%C3%A9?v=1.250000&x=1"),
        );
        check("https://a.example?c={click_id}{label}", Ok("https://a.example?c=c%261%20%C3%A9"));
        check("https://a.example/{clickid}", unknown("clickid"));
        check("https://a.example/{click_id", unknown("click_id"));
        check("https://a.example/{}", unknown(""));
        check("https://{service}.example/", Err(TemplateError::Host));
        check("https://a.example{label}", Err(TemplateError::Host));
        check("{label}", Err(TemplateError::Host));
        check(
            &format!("https://a.example/{}", "x".repeat(MAX_BYTES)),
            Err(TemplateError::TooLong(18 + MAX_BYTES)),
        );
    }
}
