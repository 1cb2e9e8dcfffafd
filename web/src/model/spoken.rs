//! What the API calls by name, in the words of a page: outcomes, reasons, rules, and figures of facts.

use adtally_core::intake::RejectCode;
use adtally_core::measure::Measure;
use adtally_core::report::Metric;

use crate::format::{self, Width};
use crate::lang::Lang;
use crate::metric;
use crate::phrase::Phrase;

/// Why an event is invalid, or has no parent: each can be asked for.
pub const REASONS: [(&str, Phrase); 9] = [
    ("bot", Phrase::ReasonBot),
    ("datacenter", Phrase::ReasonDatacenter),
    ("repeat", Phrase::ReasonRepeat),
    ("flood", Phrase::ReasonFlood),
    ("parent_missing", Phrase::ReasonParentMissing),
    ("parent_invalid", Phrase::ReasonParentInvalid),
    ("outside_window", Phrase::ReasonOutsideWindow),
    ("no_touch", Phrase::ReasonNoTouch),
    ("no_key", Phrase::ReasonNoKey),
];

/// What an event counts as, by what rule it is linked, and what became of a touch that it could be linked to.
const OTHERS: [(&str, Phrase); 14] = [
    ("counted", Phrase::Counted),
    ("invalid", Phrase::Invalid),
    ("none", Phrase::RuleNone),
    ("named_impression", Phrase::RuleNamedImpression),
    ("named_click", Phrase::RuleNamedClick),
    ("latest_impression_of_ad", Phrase::RuleLatestImpression),
    ("latest_touch", Phrase::RuleLatestTouch),
    ("chosen", Phrase::Chosen),
    ("not_the_latest", Phrase::NotTheLatest),
    ("click_beats_view", Phrase::ClickBeatsView),
    ("not_the_first_of_its_name", Phrase::NotTheFirst),
    ("other_ad", Phrase::OtherAd),
    ("other_campaign", Phrase::OtherCampaign),
    ("not_kept", Phrase::NotKept),
];

/// A name in words; one that is not known, as of a newer server, as it is.
pub fn spoken(name: &str, lang: Lang) -> String {
    let found = REASONS.iter().chain(&OTHERS).find(|(known, _)| *known == name);
    found.map_or_else(|| name.replace('_', " "), |(_, phrase)| phrase.text(lang).to_string())
}

/// Why an event was rejected, in words; a code that is not known, as of a newer server, as it is.
pub fn rejected(code: &str, lang: Lang) -> String {
    let phrase = match RejectCode::parse(code) {
        None => return code.replace('_', " "),
        Some(RejectCode::BadJson) => Phrase::RejectBadJson,
        Some(RejectCode::NotAnObject) => Phrase::RejectNotAnObject,
        Some(RejectCode::WrongType) => Phrase::RejectWrongType,
        Some(RejectCode::MissingKind) => Phrase::RejectMissingKind,
        Some(RejectCode::UnknownKind) => Phrase::RejectUnknownKind,
        Some(RejectCode::MissingAdvertiser) => Phrase::RejectMissingAdvertiser,
        Some(RejectCode::MissingAd) => Phrase::RejectMissingAd,
        Some(RejectCode::InvalidId) => Phrase::RejectInvalidId,
        Some(RejectCode::InvalidKey) => Phrase::RejectInvalidKey,
        Some(RejectCode::InvalidAt) => Phrase::RejectInvalidAt,
        Some(RejectCode::AtTooOld) => Phrase::RejectAtTooOld,
        Some(RejectCode::AtInFuture) => Phrase::RejectAtInFuture,
        Some(RejectCode::NegativeAmount) => Phrase::RejectNegativeAmount,
        Some(RejectCode::AmountTooLarge) => Phrase::RejectAmountTooLarge,
        Some(RejectCode::TooManyProps) => Phrase::RejectTooManyProps,
        Some(RejectCode::PropTooLong) => Phrase::RejectPropTooLong,
        Some(RejectCode::EventTooLarge) => Phrase::RejectEventTooLarge,
        Some(RejectCode::NotAnAdEvent) => Phrase::RejectNotAnAdEvent,
        Some(RejectCode::BadMessage) => Phrase::RejectBadMessage,
        Some(RejectCode::ForeignScope) => Phrase::RejectForeignScope,
        Some(RejectCode::NotStored) => Phrase::RejectNotStored,
    };
    phrase.text(lang).to_string()
}

/// A figure that a fact adds, with its name; money is of `currency`.
pub fn figure(name: &str, figure: i64, currency: Option<&str>, lang: Lang) -> String {
    let measure = Measure::ALL.into_iter().find(|measure| measure.name() == name);
    match measure.map(Metric::Measure) {
        Some(metric) => {
            let text = format::figure(lang, metric, Some(figure as f64), currency, Width::Full);
            format!("{} {text}", metric::phrase(metric).text(lang))
        }
        None => format!("{name} {figure}"),
    }
}

#[cfg(test)]
mod tests {
    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    #[wasm_bindgen_test(unsupported = test)]
    fn every_name_has_words() {
        for name in adtally_core::link::Filter::outcomes() {
            assert_ne!(spoken(name, Lang::Ko), name.replace('_', " "), "{name}");
        }
        let said = |name| (spoken(name, Lang::En), spoken(name, Lang::Ko));
        assert_eq!(
            said("latest_touch"),
            ("the user's latest touch".to_string(), "사용자의 최근 접점".to_string())
        );
        assert_eq!(said("of_tomorrow"), ("of tomorrow".to_string(), "of tomorrow".to_string()));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn every_reason_of_rejection_has_words() {
        let mut said = RejectCode::ALL.map(|code| rejected(code.name(), Lang::En)).to_vec();
        said.sort();
        said.dedup();
        assert_eq!(said.len(), RejectCode::ALL.len(), "each has its own");
        assert_eq!(rejected("missing_ad", Lang::Ko), "광고 없음");
        assert_eq!(rejected("of_tomorrow", Lang::Ko), "of tomorrow");
    }

    #[wasm_bindgen_test]
    fn figures_of_facts_are_written_as_elsewhere() {
        fn check(name: &str, value: i64, expected: &str) {
            assert_eq!(figure(name, value, Some("KRW"), Lang::Ko), expected);
        }
        check("value_micros", 9_687_000_000, "전환 가치 ₩9,687");
        check("clicks", 1, "클릭수 1");
        check("of_tomorrow", 2, "of_tomorrow 2");
    }
}
