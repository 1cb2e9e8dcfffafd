//! Fields: how a value of an event is made from a row.

use std::collections::BTreeMap;

use adtally_core::time::EventTime;
use serde::Deserialize;

use super::decimal::{Decimal, Point, Rounding};
use super::row::Row;
use super::template::{Template, TemplateError};
use super::timestamp::{TimeError, TimeFormat, TimeFormatError, parse_span};

/// A field as written in a map: a template, a number, or a table of options.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a template such as \"{column}\", a number, or a table with `from`")]
pub(crate) enum FieldText {
    Template(String),
    Number(i64),
    Options(FieldOptions),
}

/// The long form of a field.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldOptions {
    /// The template whose text is then looked up or converted.
    from: String,
    /// Text fields: replaces whole values.
    map: Option<BTreeMap<String, String>>,
    /// Text fields: the value of what `map` does not list; absent: it stays as it is.
    otherwise: Option<String>,
    /// Times: `auto`, `rfc3339`, `epoch_s`, ... or strftime notation.
    format: Option<String>,
    /// Times: the zone of texts without an offset.
    tz: Option<String>,
    /// Times: added after reading.
    plus: Option<String>,
    /// Amounts: what to multiply by.
    scale: Option<Scale>,
    /// Amounts: `,` where that is the decimal sign.
    decimal: Option<char>,
}

/// TOML has whole numbers and floats; a text is exact.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Scale {
    Whole(i64),
    Float(f64),
    Text(String),
}

/// Why a field of a map is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum FieldError {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error(transparent)]
    Time(#[from] TimeFormatError),
    #[error("`plus = \"{0}\"` is no span such as 5s, -250ms, 3m, 2h or 1d")]
    Span(String),
    #[error("`scale = {0}` is no number")]
    Scale(String),
    #[error("`decimal` is `.` or `,`, not `{0}`")]
    Decimal(char),
    #[error("`{option}` has no meaning for a {field}")]
    Needless { option: &'static str, field: &'static str },
}

/// Why a row has no value for a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValueError {
    #[error(transparent)]
    Time(#[from] TimeError),
    #[error("`{0}` is out of range once `plus` is added")]
    TimeRange(String),
    #[error("`{0}` is not a number that fits")]
    Number(String),
}

/// A dimension, id, user, label or property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextField {
    template: Template,
    map: BTreeMap<String, String>,
    otherwise: Option<String>,
}

/// The time of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TimeField {
    template: Template,
    format: TimeFormat,
    plus_ms: i64,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AmountField {
    template: Template,
    point: Point,
    scale: Decimal,
}

impl FieldText {
    fn into_options(self) -> FieldOptions {
        let from = match self {
            FieldText::Options(options) => return options,
            FieldText::Template(template) => template,
            FieldText::Number(number) => number.to_string(),
        };
        FieldOptions {
            from,
            map: None,
            otherwise: None,
            format: None,
            tz: None,
            plus: None,
            scale: None,
            decimal: None,
        }
    }
}

impl FieldOptions {
    fn refuse(&self, field: &'static str, options: &[&'static str]) -> Result<(), FieldError> {
        let given = [
            ("map", self.map.is_some()),
            ("otherwise", self.otherwise.is_some()),
            ("format", self.format.is_some()),
            ("tz", self.tz.is_some()),
            ("plus", self.plus.is_some()),
            ("scale", self.scale.is_some()),
            ("decimal", self.decimal.is_some()),
        ];
        match given.into_iter().find(|(option, given)| *given && options.contains(option)) {
            Some((option, _)) => Err(FieldError::Needless { option, field }),
            None => Ok(()),
        }
    }
}

impl TextField {
    /// Compiles the field of a map.
    pub(crate) fn compile(text: FieldText) -> Result<Self, FieldError> {
        let options = text.into_options();
        options.refuse("text", &["format", "tz", "plus", "scale", "decimal"])?;
        Ok(Self {
            template: Template::parse(&options.from)?,
            map: options.map.unwrap_or_default(),
            otherwise: options.otherwise,
        })
    }

    /// The text, where it is the same in every row.
    pub(crate) fn constant(&self) -> Option<&str> {
        self.template.as_constant().filter(|_| self.map.is_empty() && self.otherwise.is_none())
    }

    /// What the row gives.
    pub(crate) fn value(&self, row: &Row<'_>) -> String {
        let text = self.template.render(row);
        match (self.map.get(&text), &self.otherwise) {
            (Some(mapped), _) => mapped.clone(),
            (None, Some(otherwise)) => otherwise.clone(),
            (None, None) => text,
        }
    }

    /// The columns that it reads.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.template.columns()
    }
}

impl TimeField {
    /// Compiles the field of a map.
    pub(crate) fn compile(text: FieldText) -> Result<Self, FieldError> {
        let options = text.into_options();
        options.refuse("time", &["map", "otherwise", "scale", "decimal"])?;
        let plus_ms = match &options.plus {
            None => 0,
            Some(span) => parse_span(span).ok_or_else(|| FieldError::Span(span.clone()))?,
        };
        let format = TimeFormat::parse(options.format.as_deref().unwrap_or("auto"), options.tz.as_deref())?;
        Ok(Self { template: Template::parse(&options.from)?, format, plus_ms })
    }

    /// What the row gives. An empty text is an error: else the server would take the time of arrival.
    pub(crate) fn value(&self, row: &Row<'_>) -> Result<EventTime, ValueError> {
        let text = self.template.render(row);
        let at = self.format.read(&text)?.checked_add(self.plus_ms);
        at.map(EventTime).ok_or(ValueError::TimeRange(text))
    }

    /// The columns that it reads.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.template.columns()
    }
}

impl AmountField {
    /// Compiles the field of a map.
    pub(crate) fn compile(text: FieldText) -> Result<Self, FieldError> {
        let options = text.into_options();
        options.refuse("amount", &["map", "otherwise", "format", "tz", "plus"])?;
        let point = match options.decimal {
            None | Some('.') => Point::Dot,
            Some(',') => Point::Comma,
            Some(other) => return Err(FieldError::Decimal(other)),
        };
        let scale = match &options.scale {
            None => Decimal::ONE,
            Some(scale) => scale.number()?,
        };
        Ok(Self { template: Template::parse(&options.from)?, point, scale })
    }

    /// What the row gives; `None` for an empty text.
    pub(crate) fn value(&self, row: &Row<'_>) -> Result<Option<i64>, ValueError> {
        let text = self.template.render(row);
        if text.is_empty() {
            return Ok(None);
        }
        let number = Decimal::parse(&text, self.point);
        let amount = number.and_then(|number| number.scaled(self.scale, Rounding::Nearest));
        amount.map(Some).ok_or(ValueError::Number(text))
    }

    /// The columns that it reads.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &str> {
        self.template.columns()
    }
}

impl Scale {
    fn number(&self) -> Result<Decimal, FieldError> {
        // The shortest text that reads back as the float is what its author wrote.
        let text = match self {
            Scale::Whole(number) => number.to_string(),
            Scale::Float(number) => number.to_string(),
            Scale::Text(text) => text.clone(),
        };
        Decimal::parse(&text, Point::Dot).ok_or(FieldError::Scale(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::map::row::sample;

    const CELLS: [(&str, &str); 5] =
        [("type", "imp"), ("ts", "1532271600"), ("price", "12,34"), ("none", ""), ("bad", "x")];

    fn field(toml: &str) -> FieldText {
        #[derive(Deserialize)]
        struct Line {
            field: FieldText,
        }
        toml::from_str::<Line>(&format!("field = {toml}")).unwrap().field
    }

    #[test]
    fn texts() {
        #[track_caller]
        fn check(toml: &str, expected: &str) {
            let field = TextField::compile(field(toml)).unwrap();
            assert_eq!(sample(&CELLS, |row| field.value(row)), expected);
        }
        check("'{type}'", "imp");
        check("12", "12");
        check("{ from = '{type}', map = { imp = 'impression' } }", "impression");
        check("{ from = '{none}', map = { imp = 'impression' } }", "");
        check("{ from = '{none}', map = { imp = 'impression' }, otherwise = 'other' }", "other");
    }

    #[test]
    fn times() {
        #[track_caller]
        fn check(toml: &str, expected: Result<i64, ()>) {
            let field = TimeField::compile(field(toml)).unwrap();
            let value = sample(&CELLS, |row| field.value(row));
            assert_eq!(value.map(|at| at.0).map_err(drop), expected);
        }
        check("1532271600000", Ok(1_532_271_600_000));
        check("{ from = '{ts}', format = 'epoch_s', plus = '5s' }", Ok(1_532_271_605_000));
        check("'{none}'", Err(()));
        check("'{bad}'", Err(()));
        check("{ from = '9223372036854775807', plus = '1ms' }", Err(()));
    }

    #[test]
    fn amounts() {
        #[track_caller]
        fn check(toml: &str, expected: Result<Option<i64>, ()>) {
            let field = AmountField::compile(field(toml)).unwrap();
            assert_eq!(sample(&CELLS, |row| field.value(row)).map_err(drop), expected);
        }
        check("500", Ok(Some(500)));
        check("{ from = '{price}', decimal = ',', scale = 1000000 }", Ok(Some(12_340_000)));
        check("{ from = '{price}', decimal = ',', scale = 0.001 }", Ok(Some(0)));
        check("{ from = '{price}', decimal = ',', scale = '1e3' }", Ok(Some(12_340)));
        check("'{none}'", Ok(None));
        check("'{bad}'", Err(()));
    }

    #[test]
    fn options_that_do_not_fit() {
        #[track_caller]
        fn check<T: std::fmt::Debug>(compiled: Result<T, FieldError>, expected: FieldError) {
            assert_eq!(compiled.unwrap_err(), expected);
        }
        check(
            TextField::compile(field("{ from = '', scale = 2 }")),
            FieldError::Needless { option: "scale", field: "text" },
        );
        check(
            TimeField::compile(field("{ from = '', otherwise = '' }")),
            FieldError::Needless { option: "otherwise", field: "time" },
        );
        check(
            AmountField::compile(field("{ from = '', plus = '1s' }")),
            FieldError::Needless { option: "plus", field: "amount" },
        );
        check(TimeField::compile(field("{ from = '', plus = 'soon' }")), FieldError::Span("soon".into()));
        check(AmountField::compile(field("{ from = '', decimal = ';' }")), FieldError::Decimal(';'));
        check(AmountField::compile(field("{ from = '', scale = 'x' }")), FieldError::Scale("x".into()));
    }
}
