//! What is written out: numbers, texts, days, intervals, parameters, and names of types.

use sqlparser::ast::{
    DataType, DateTimeField, ExactNumberInfo, Expr as Ast, Interval, Spanned, TypedString, Value as AstValue,
    ValueWithSpan,
};
use sqlparser::tokenizer::Span;

use super::{Binder, Env, Typed};
use crate::error::{Code, Result, SqlError, not_supported};
use crate::eval::Answers;
use crate::expr::Expr;
use crate::value::cast::cast;
use crate::value::decimal::{Decimal, MAX_SCALE};
use crate::value::time::{Unit, interval};
use crate::value::{Type, Value};

impl Binder<'_> {
    /// A value that is written out, or a parameter.
    pub(super) fn value(&mut self, value: &ValueWithSpan) -> Result<Typed> {
        let bad = |text: String| SqlError::new(Code::BadValue, text).at(value.span);
        let value = match &value.value {
            AstValue::Number(text, _) => number(text).ok_or_else(|| bad(format!("{text} is no number")))?,
            AstValue::SingleQuotedString(text) | AstValue::NationalStringLiteral(text) => Value::text(text),
            AstValue::Boolean(truth) => Value::Boolean(*truth),
            AstValue::Null => Value::Null,
            AstValue::Placeholder(name) => {
                self.parameter(name, value.span).map_err(|error| error.at(value.span))?
            }
            _ => return Err(not_supported("this kind of value").at(value.span)),
        };
        Ok(Typed::new(Expr::Literal(value.clone()), value.ty()))
    }

    /// The value of a parameter, by where it stands: a query of `WITH` may be read several times.
    fn parameter(&mut self, name: &str, place: Span) -> Result<Value> {
        if name != "?" {
            return Err(not_supported(format!("the parameter {name}: write ?, it")));
        }
        let number = self.placeholders.iter().position(|start| *start == place.start);
        let value = number.and_then(|number| self.parameters.get(number)).cloned();
        value.ok_or_else(|| SqlError::new(Code::Parameters, "a parameter without a value"))
    }

    /// `DATE '2018-07-22'` and the like.
    pub(super) fn typed_string(&mut self, string: &TypedString) -> Result<Typed> {
        let ty = data_type(&string.data_type).map_err(|error| error.at(string.value.span))?;
        let text = match &string.value.value {
            AstValue::SingleQuotedString(text) => Value::text(text),
            _ => return Err(not_supported("this kind of value").at(string.value.span)),
        };
        // A decimal without a scale has the one that is written.
        let written = match (&text, ty) {
            (Value::Text(text), Type::Decimal(0)) => Decimal::parse(text).map(Value::Decimal),
            _ => None,
        };
        let value =
            written.map_or_else(|| cast(&text, ty), Ok).map_err(|error| error.at(string.value.span))?;
        let ty = if value.is_null() { ty } else { value.ty() };
        Ok(Typed::new(Expr::Literal(value), ty))
    }

    /// `INTERVAL '7' DAY`, `INTERVAL 7 DAY`, `INTERVAL '7 days'`.
    pub(super) fn interval(&mut self, written: &Interval) -> Result<Typed> {
        let place = written.value.span();
        let bad = || SqlError::new(Code::BadValue, "this is no interval of one unit").at(place);
        if written.last_field.is_some() {
            return Err(bad());
        }
        let typed = self.expr(&written.value, &mut Env::rows(&[]))?;
        let value = typed.expr.eval(&[], &Answers::default())?;
        let text = value.to_string();
        let (count, unit) = match &written.leading_field {
            Some(field) => (text.trim(), unit(field).ok_or_else(bad)?),
            None => {
                let (count, name) = text.trim().split_once(' ').ok_or_else(bad)?;
                (count, Unit::parse(name.trim()).ok_or_else(bad)?)
            }
        };
        let count = count.parse().map_err(|_| bad())?;
        let value = interval(unit, count).ok_or_else(bad)?;
        Ok(Typed::new(Expr::Literal(value), Type::Interval))
    }
}

/// Whole numbers are integers, those with a point decimals, those with an exponent doubles.
fn number(text: &str) -> Option<Value> {
    if let Ok(number) = text.parse() {
        return Some(Value::Integer(number));
    }
    if let Some(decimal) = Decimal::parse(text) {
        return Some(Value::Decimal(decimal));
    }
    text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Double)
}

/// A part of a date.
pub(super) fn unit(field: &DateTimeField) -> Option<Unit> {
    match field {
        DateTimeField::Week(None) => Some(Unit::Week),
        DateTimeField::Custom(name) => Unit::parse(&name.value),
        DateTimeField::Isodow => Some(Unit::IsoDayOfWeek),
        field => Unit::parse(&field.to_string()),
    }
}

/// The unit of a name in quotes.
pub(super) fn unit_named(expr: &Ast) -> Option<Unit> {
    match expr {
        Ast::Value(ValueWithSpan { value: AstValue::SingleQuotedString(name), .. }) => Unit::parse(name),
        Ast::Identifier(name) => Unit::parse(&name.value),
        _ => None,
    }
}

/// A type by its name.
pub(super) fn data_type(ty: &DataType) -> Result<Type> {
    Ok(match ty {
        DataType::Boolean | DataType::Bool => Type::Boolean,
        DataType::TinyInt(_)
        | DataType::SmallInt(_)
        | DataType::Int(_)
        | DataType::Integer(_)
        | DataType::BigInt(_)
        | DataType::Int64
        | DataType::Int8(_)
        | DataType::Int4(_)
        | DataType::Int2(_) => Type::Integer,
        DataType::Decimal(info) | DataType::Numeric(info) | DataType::Dec(info) => match info {
            ExactNumberInfo::None | ExactNumberInfo::Precision(_) => Type::Decimal(0),
            ExactNumberInfo::PrecisionAndScale(_, scale) => {
                let scale = u8::try_from(*scale).ok().filter(|scale| *scale <= MAX_SCALE);
                Type::Decimal(scale.ok_or_else(|| not_supported(format!("{ty}")))?)
            }
        },
        DataType::Float(_)
        | DataType::Real
        | DataType::Float4
        | DataType::Float8
        | DataType::Float64
        | DataType::Double(_)
        | DataType::DoublePrecision => Type::Double,
        DataType::Varchar(_)
        | DataType::Char(_)
        | DataType::Character(_)
        | DataType::CharacterVarying(_)
        | DataType::CharVarying(_)
        | DataType::Nvarchar(_)
        | DataType::Text
        | DataType::String(_) => Type::Text,
        DataType::Date => Type::Date,
        DataType::Timestamp(..) | DataType::TimestampNtz(_) | DataType::Datetime(_) => Type::Timestamp,
        other => return Err(not_supported(format!("the type {other}"))),
    })
}
