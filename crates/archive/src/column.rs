//! The columns, and what an entry has in each.

use std::borrow::Cow;
use std::sync::Arc;

use adtally_core::batch::{Accepted, Entry, Hashes};
use adtally_core::event::Screening;
use parquet::basic::{ConvertedType, Encoding, LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::schema::types::{ColumnPath, Type, TypePtr};
use serde::Serializer;

use crate::ArchiveError;

/// What is in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Text,
    Number,
    /// 64 bits without meaning as a number.
    Hash,
    /// Milliseconds since 1970, UTC.
    Time,
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    /// Few values, or neighbours that are alike.
    Dictionary,
    /// Values that are all different.
    Plain,
    /// Numbers near each other.
    Delta,
}

/// A column, by its place in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Column {
    Kind,
    Id,
    Outcome,
    At,
    Received,
    Row,
    Revision,
    User,
    Campaign,
    Ad,
    Service,
    Placement,
    Country,
    Device,
    Label,
    Impression,
    Click,
    Cost,
    Value,
    Screening,
    Os,
    Browser,
    Page,
    Props,
    Group,
    Name,
    Parent,
}

/// Words of the column `outcome`.
pub(crate) const ACCEPTED: &str = "accepted";
pub(crate) const REPEAT: &str = "repeat";

/// Name, content, whether every entry has it, coding. Names avoid the reserved words of SQL.
type Line = (Column, &'static str, Content, bool, Coding);

const LINES: [Line; 27] = {
    use Coding::{Delta, Dictionary, Plain};
    use Content::{Hash, Number, Text, Time};
    [
        (Column::Kind, "kind", Text, true, Dictionary),
        (Column::Id, "id", Text, true, Plain),
        (Column::Outcome, "outcome", Text, true, Dictionary),
        (Column::At, "event_time", Time, true, Delta),
        (Column::Received, "received", Time, true, Delta),
        (Column::Row, "log_row", Number, true, Delta),
        (Column::Revision, "revision", Number, false, Dictionary),
        (Column::User, "user_hash", Hash, false, Dictionary),
        (Column::Campaign, "campaign", Text, false, Dictionary),
        (Column::Ad, "ad", Text, false, Dictionary),
        (Column::Service, "service", Text, false, Dictionary),
        (Column::Placement, "placement", Text, false, Dictionary),
        (Column::Country, "country", Text, false, Dictionary),
        (Column::Device, "device", Text, false, Dictionary),
        (Column::Label, "label", Text, false, Dictionary),
        (Column::Impression, "impression", Text, false, Plain),
        (Column::Click, "click", Text, false, Plain),
        (Column::Cost, "cost_micros", Number, false, Dictionary),
        (Column::Value, "value_micros", Number, false, Dictionary),
        (Column::Screening, "screening", Text, false, Dictionary),
        (Column::Os, "os", Text, false, Dictionary),
        (Column::Browser, "browser", Text, false, Dictionary),
        (Column::Page, "page", Text, false, Dictionary),
        (Column::Props, "props", Text, false, Dictionary),
        (Column::Group, "group_hash", Hash, true, Dictionary),
        (Column::Name, "name_hash", Hash, true, Plain),
        (Column::Parent, "parent_hash", Hash, false, Plain),
    ]
};

impl Column {
    pub(crate) const COUNT: usize = LINES.len();

    pub(crate) fn all() -> impl Iterator<Item = Column> {
        LINES.iter().map(|line| line.0)
    }

    fn line(self) -> &'static Line {
        &LINES[self as usize]
    }

    pub(crate) fn name(self) -> &'static str {
        self.line().1
    }

    pub(crate) fn content(self) -> Content {
        self.line().2
    }

    pub(crate) fn is_required(self) -> bool {
        self.line().3
    }

    /// Whether it decides about links or cells.
    pub(crate) fn is_linked_by(self) -> bool {
        let hashed = matches!(self, Column::Name | Column::Parent);
        !hashed && !matches!(self, Column::Os | Column::Browser | Column::Page | Column::Props)
    }

    pub(crate) fn path(self) -> ColumnPath {
        ColumnPath::from(self.name())
    }

    pub(crate) fn has_dictionary(self) -> bool {
        self.line().4 == Coding::Dictionary
    }

    /// What is used where there is no dictionary.
    pub(crate) fn encoding(self) -> Encoding {
        match self.line().4 {
            Coding::Delta => Encoding::DELTA_BINARY_PACKED,
            Coding::Dictionary | Coding::Plain => Encoding::PLAIN,
        }
    }

    fn of_schema(self) -> Result<TypePtr, ArchiveError> {
        let (physical, logical, converted) = match self.content() {
            Content::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String), ConvertedType::UTF8),
            Content::Number => (Physical::INT64, None, ConvertedType::NONE),
            Content::Hash => {
                let logical = LogicalType::integer(64, false);
                (Physical::INT64, Some(logical), ConvertedType::UINT_64)
            }
            Content::Time => {
                let logical = LogicalType::timestamp(true, TimeUnit::MILLIS);
                (Physical::INT64, Some(logical), ConvertedType::TIMESTAMP_MILLIS)
            }
        };
        let repetition = if self.is_required() { Repetition::REQUIRED } else { Repetition::OPTIONAL };
        let column = Type::primitive_type_builder(self.name(), physical)
            .with_repetition(repetition)
            .with_logical_type(logical)
            .with_converted_type(converted);
        Ok(Arc::new(column.build()?))
    }
}

/// The schema of every file.
pub(crate) fn schema() -> Result<TypePtr, ArchiveError> {
    let columns = Column::all().map(Column::of_schema).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Type::group_type_builder("adtally").with_fields(columns).build()?))
}

/// The name of a verdict of arrival.
pub(crate) fn screening_name(screening: Screening) -> &'static str {
    match screening {
        Screening::Clean => "clean",
        Screening::Bot => "bot",
        Screening::Datacenter => "datacenter",
    }
}

/// What an entry has in a column of texts. What is unknown is nothing, not the empty text.
pub(crate) fn text(entry: &Entry, column: Column) -> Option<Cow<'_, str>> {
    let text = match entry {
        Entry::Accepted(accepted) => return text_of(accepted, column),
        Entry::Repeat(repeat) => match column {
            Column::Kind => repeat.event.kind.name(),
            Column::Id => repeat.event.id.as_str(),
            Column::Outcome => REPEAT,
            _ => return None,
        },
    };
    Some(Cow::Borrowed(text))
}

fn text_of(accepted: &Accepted, column: Column) -> Option<Cow<'_, str>> {
    let event = &accepted.event;
    let extras = event.extras.as_deref();
    let key = match column {
        Column::Kind => return Some(Cow::Borrowed(event.kind().name())),
        Column::Id => return Some(Cow::Borrowed(event.id().as_str())),
        Column::Outcome => return Some(Cow::Borrowed(ACCEPTED)),
        Column::Screening => return Some(Cow::Borrowed(screening_name(event.screening))),
        Column::Impression => return event.impression.as_ref().map(|id| Cow::Borrowed(id.as_str())),
        Column::Click => return event.click.as_ref().map(|id| Cow::Borrowed(id.as_str())),
        Column::Props => {
            let props = &extras?.props;
            return (!props.is_empty()).then(|| Cow::Owned(props_text(props)));
        }
        Column::Page => {
            return extras
                .map(|extras| extras.page.as_str())
                .filter(|page| !page.is_empty())
                .map(Cow::Borrowed);
        }
        Column::Campaign => &event.dims.campaign,
        Column::Ad => &event.dims.ad,
        Column::Service => &event.dims.service,
        Column::Placement => &event.dims.placement,
        Column::Country => &event.dims.country,
        Column::Device => &event.dims.device,
        Column::Label => &event.label,
        Column::Os => &extras?.os,
        Column::Browser => &extras?.browser,
        _ => return None,
    };
    (!key.is_empty()).then(|| Cow::Borrowed(key.as_str()))
}

/// What an entry has in a column of numbers, hashes or times.
pub(crate) fn number(entry: &Entry, hashes: &Hashes, column: Column) -> Option<i64> {
    let accepted = match entry {
        Entry::Accepted(accepted) => Some(accepted.as_ref()),
        Entry::Repeat(_) => None,
    };
    match column {
        Column::Received => Some(entry.received().0),
        Column::Row => Some(entry.row()),
        Column::Group => Some(hashes.group as i64),
        Column::Name => Some(hashes.name as i64),
        Column::Parent => hashes.parent.map(|parent| parent as i64),
        Column::At => Some(match entry {
            Entry::Accepted(accepted) => accepted.event.at.0,
            Entry::Repeat(repeat) => repeat.at.0,
        }),
        Column::Revision => accepted.map(|accepted| accepted.revision as i64),
        Column::User => accepted.and_then(|accepted| accepted.event.user).map(|user| user.0 as i64),
        Column::Cost => accepted.and_then(|accepted| accepted.event.cost_micros),
        Column::Value => accepted.map(|accepted| accepted.event.value_micros),
        _ => None,
    }
}

/// Properties as a JSON object, in their order.
fn props_text(props: &[(String, String)]) -> String {
    let mut text = Vec::new();
    let written = serde_json::Serializer::new(&mut text).collect_map(props.iter().map(|(n, v)| (n, v)));
    // Texts into memory: nothing of it can fail.
    debug_assert!(written.is_ok());
    String::from_utf8(text).unwrap_or_default()
}
