//! Every text of the dashboard, in every language, side by side.
//!
//! A phrase that lacks a language does not compile; a test checks that the placeholders agree.

use crate::lang::Lang;

mod base;
mod explore;
mod events;
mod settings;
mod operate;
mod jobs;
mod workbench;
mod saved;

/// A text of the dashboard; `{0}`, `{1}` … stand for what [`Phrase::with`] puts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Phrase {
    en: &'static str,
    ko: &'static str,
}

/// Declares phrases: one line per text, English and then Korean.
macro_rules! phrases {
    ($($name:ident: $en:literal, $ko:literal;)*) => {
        #[allow(missing_docs, non_upper_case_globals, reason = "the English text beside each name says what it is")]
        impl Phrase {
            $(pub const $name: Phrase = Phrase { en: $en, ko: $ko };)*
        }

        /// Every phrase of this file.
        #[cfg(test)]
        pub(super) const ALL: &[Phrase] = &[$(Phrase::$name,)*];
    };
}

use phrases;

impl Phrase {
    /// The text in `lang`.
    pub fn text(self, lang: Lang) -> &'static str {
        match lang {
            Lang::En => self.en,
            Lang::Ko => self.ko,
        }
    }

    /// The text in `lang` with `{0}`, `{1}` … replaced.
    pub fn with(self, lang: Lang, values: &[&str]) -> String {
        let mut text = String::new();
        let mut rest = self.text(lang);
        while let Some(start) = rest.find('{') {
            let end = rest[start..].find('}').map_or(rest.len(), |length| start + length + 1);
            text.push_str(&rest[..start]);
            let index = rest[start..end].trim_matches(['{', '}']).parse::<usize>();
            text.push_str(index.ok().and_then(|index| values.get(index)).copied().unwrap_or_default());
            rest = &rest[end..];
        }
        text + rest
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wasm_bindgen_test::wasm_bindgen_test;

    use super::*;

    fn all() -> impl Iterator<Item = Phrase> {
        [
            base::ALL,
            explore::ALL,
            events::ALL,
            settings::ALL,
            operate::ALL,
            jobs::ALL,
            workbench::ALL,
            saved::ALL,
        ]
        .into_iter()
        .flatten()
        .copied()
    }

    fn placeholders(text: &str) -> BTreeSet<String> {
        text.split('{')
            .skip(1)
            .filter_map(|part| part.split_once('}'))
            .map(|(name, _)| name.to_string())
            .collect()
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn every_phrase_has_every_language_and_the_same_placeholders() {
        for phrase in all() {
            let english = phrase.text(Lang::En);
            for lang in Lang::ALL {
                let text = phrase.text(lang);
                assert!(!text.trim().is_empty(), "{phrase:?} {lang:?}");
                assert_eq!(placeholders(text), placeholders(english), "{phrase:?} {lang:?}");
            }
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn korean_is_korean() {
        /// Written in Latin letters in Korean reports too.
        const SAME: [Phrase; 5] = [Phrase::Cpm, Phrase::Cpc, Phrase::Cpa, Phrase::Roas, Phrase::Notebook];
        for phrase in all() {
            let text = phrase.text(Lang::Ko);
            let hangul = text.chars().any(|c| ('가'..='힣').contains(&c));
            let has_words = text.chars().any(char::is_alphabetic);
            assert!(hangul || !has_words || SAME.contains(&phrase), "{phrase:?}: {text}");
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn values_go_where_the_language_wants_them() {
        assert_eq!(Phrase::ChartOf.with(Lang::En, &["Clicks", "by day"]), "Clicks by day");
        assert_eq!(Phrase::ChartOf.with(Lang::Ko, &["클릭수", "일별"]), "일별 클릭수");
        assert_eq!(Phrase::RowsOf.with(Lang::Ko, &["1", "50", "120"]), "120행 중 1–50");
        assert_eq!(Phrase::Live.with(Lang::En, &["unused"]), "Live");
    }
}
