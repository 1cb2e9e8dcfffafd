//! Which tables and columns a caller sees.
//!
//! A statement is planned by this alone: what a scope must not see has no name here.

use adtally_core::access::{Owners, Side};
use adtally_core::cell::{Dimension, Scope};
use adtally_core::measure::Measure;
use chrono_tz::Tz;

use crate::error::{Code, Result, SqlError};
use crate::value::time::{Unit, to_local};
use crate::value::{Type, Value};

/// The name that BI tools see as the catalog.
pub const CATALOG: &str = "adtally";
/// The name that they see as the schema.
pub const SCHEMA: &str = "ads";
/// The schema of the tables that tell what there is.
pub const INFORMATION: &str = "information_schema";

/// A table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// `ad_stats`: a row per cell.
    AdStats,
    /// `advertisers`
    Advertisers,
    /// `campaigns`
    Campaigns,
    /// `ads`
    Ads,
    /// `services`
    Services,
    /// `placements`
    Placements,
    /// `information_schema.schemata`
    Schemata,
    /// `information_schema.tables`
    Tables,
    /// `information_schema.columns`
    Columns,
    /// `information_schema.views`, which has no rows.
    Views,
    /// `system.jdbc.catalogs`, where drivers of Trino look.
    Catalogs,
    /// `system.metadata.table_comments`, where they look too; it has no rows.
    Comments,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub ty: Type,
}

/// Where a column of `ad_stats` comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FactColumn {
    /// When the unit began, by the wall clock.
    Time(Unit),
    Dimension(Dimension),
    Measure(Measure),
    /// The users who were reached.
    Users,
}

/// Whose words a statement uses, where they mean different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dialect {
    /// Calcite's, and so Kylin's and ODBC's: the first day of a week is Sunday.
    #[default]
    Calcite,
    /// Trino's: days of a week are those of ISO 8601, from Monday.
    Trino,
}

/// What a caller sees, and when.
#[derive(Debug, Clone)]
pub struct Catalog {
    /// Whose cells.
    pub scope: Scope,
    /// The zone of the wall clock.
    pub zone: Tz,
    /// The server's clock, in ms since 1970.
    pub now_ms: i64,
    /// Whose words statements use.
    pub dialect: Dialect,
}

impl FactColumn {
    pub(crate) fn column(self) -> Column {
        match self {
            FactColumn::Time(unit) => match unit {
                Unit::Day => Column { name: "day", ty: Type::Date },
                Unit::Week => Column { name: "week", ty: Type::Date },
                Unit::Month => Column { name: "month", ty: Type::Date },
                _ => Column { name: "hour", ty: Type::Timestamp },
            },
            FactColumn::Dimension(dimension) => Column { name: dimension.name(), ty: Type::Text },
            FactColumn::Measure(measure) => Column { name: measure.name(), ty: Type::Integer },
            FactColumn::Users => Column { name: "user_key", ty: Type::Users },
        }
    }
}

impl Table {
    const ALL: [Table; 12] = [
        Table::AdStats,
        Table::Advertisers,
        Table::Campaigns,
        Table::Ads,
        Table::Services,
        Table::Placements,
        Table::Schemata,
        Table::Tables,
        Table::Columns,
        Table::Views,
        Table::Catalogs,
        Table::Comments,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Table::AdStats => "ad_stats",
            Table::Advertisers => "advertisers",
            Table::Campaigns => "campaigns",
            Table::Ads => "ads",
            Table::Services => "services",
            Table::Placements => "placements",
            Table::Schemata => "schemata",
            Table::Tables => "tables",
            Table::Columns => "columns",
            Table::Views => "views",
            Table::Catalogs => "catalogs",
            Table::Comments => "table_comments",
        }
    }

    /// The schema that it is in.
    pub fn schema(self) -> &'static str {
        match self {
            Table::Schemata | Table::Tables | Table::Columns | Table::Views => INFORMATION,
            Table::Catalogs => "jdbc",
            Table::Comments => "metadata",
            _ => SCHEMA,
        }
    }
}

impl Catalog {
    /// The tables that the scope sees.
    pub fn tables(&self) -> impl Iterator<Item = Table> {
        let sees = |side| self.scope.owners(side) != Owners::Nobody;
        let (advertiser, service) = (sees(Side::Advertiser), sees(Side::Service));
        Table::ALL.into_iter().filter(move |table| match table {
            Table::Advertisers | Table::Campaigns | Table::Ads => advertiser,
            Table::Services | Table::Placements => service,
            _ => true,
        })
    }

    /// The columns of `ad_stats`: the platform sees every dimension, although its own cells are coarse.
    pub(crate) fn facts(&self) -> Vec<FactColumn> {
        let dimensions = match &self.scope {
            Scope::Platform => &Dimension::ALL,
            scope => scope.dimensions(),
        };
        let times = [Unit::Hour, Unit::Day, Unit::Week, Unit::Month].map(FactColumn::Time);
        let measures = Measure::ALL.into_iter().filter(|measure| self.scope.sees(*measure));
        let columns = times.into_iter().chain(dimensions.iter().copied().map(FactColumn::Dimension));
        columns.chain(measures.map(FactColumn::Measure)).chain([FactColumn::Users]).collect()
    }

    /// The columns of a table.
    pub fn columns(&self, table: Table) -> Vec<Column> {
        let text = |name| Column { name, ty: Type::Text };
        let number = |name| Column { name, ty: Type::Integer };
        match table {
            Table::AdStats => self.facts().into_iter().map(FactColumn::column).collect(),
            Table::Advertisers => vec![text("advertiser"), text("name"), text("currency"), text("timezone")],
            Table::Campaigns => vec![
                text("advertiser"),
                text("campaign"),
                text("name"),
                text("price_model"),
                number("price_micros"),
                text("start_time"),
                text("end_time"),
                number("budget_micros"),
            ],
            Table::Ads => vec![text("advertiser"), text("ad"), text("name"), text("campaign")],
            Table::Services => vec![text("service"), text("name")],
            Table::Placements => vec![text("service"), text("placement"), text("name")],
            Table::Schemata => vec![text("catalog_name"), text("schema_name")],
            Table::Tables => {
                vec![text("table_catalog"), text("table_schema"), text("table_name"), text("table_type")]
            }
            Table::Columns => vec![
                text("table_catalog"),
                text("table_schema"),
                text("table_name"),
                text("column_name"),
                number("ordinal_position"),
                text("column_default"),
                text("is_nullable"),
                text("data_type"),
                text("comment"),
            ],
            Table::Views => vec![text("table_schema"), text("table_name"), text("view_definition")],
            Table::Catalogs => vec![text("table_cat")],
            Table::Comments => {
                vec![text("catalog_name"), text("schema_name"), text("table_name"), text("comment")]
            }
        }
    }

    /// The table of a name, given as catalog, schema and name, of which only the last is needed.
    pub(crate) fn find(&self, parts: &[&str]) -> Result<Table> {
        let is = |given: &str, known: &str| given.eq_ignore_ascii_case(known);
        let found = self.tables().find(|table| match parts {
            [name] => table.schema() == SCHEMA && is(name, table.name()),
            [schema, name] => {
                (is(schema, table.schema()) || self.is_alias(schema, *table)) && is(name, table.name())
            }
            [catalog, schema, name] => {
                (is(catalog, CATALOG) || (is(catalog, "system") && table.schema() != SCHEMA))
                    && (is(schema, table.schema()) || self.is_alias(schema, *table))
                    && is(name, table.name())
            }
            _ => false,
        });
        found.ok_or_else(|| {
            let known: Vec<&str> =
                self.tables().filter(|table| table.schema() == SCHEMA).map(Table::name).collect();
            let text = format!("there is no table {:?}, there are {}", parts.join("."), known.join(", "));
            SqlError::new(Code::UnknownTable, text)
        })
    }

    /// The tables that tools are told of.
    fn shown_tables(&self) -> impl Iterator<Item = Table> {
        self.tables().filter(|table| [SCHEMA, INFORMATION].contains(&table.schema()))
    }

    /// Tools of Kylin call every schema DEFAULT.
    fn is_alias(&self, schema: &str, table: Table) -> bool {
        table.schema() == SCHEMA && schema.eq_ignore_ascii_case("default")
    }

    /// The rows of a table of `information_schema`; none for others.
    pub(crate) fn information(&self, table: Table) -> Vec<Vec<Value>> {
        let text = |text: &str| Value::text(text);
        match table {
            Table::Schemata => [SCHEMA, INFORMATION].map(|schema| vec![text(CATALOG), text(schema)]).to_vec(),
            Table::Tables => {
                let row = |table: Table| {
                    vec![text(CATALOG), text(table.schema()), text(table.name()), text("BASE TABLE")]
                };
                self.shown_tables().map(row).collect()
            }
            Table::Columns => {
                let rows = self.shown_tables().flat_map(|table| {
                    (1..).zip(self.columns(table)).map(move |(place, column)| {
                        let place = Value::Integer(place);
                        vec![
                            text(CATALOG),
                            text(table.schema()),
                            text(table.name()),
                            text(column.name),
                            place,
                            Value::Null,
                            text("YES"),
                            text(&shown_type(column.ty)),
                            Value::Null,
                        ]
                    })
                });
                rows.collect()
            }
            Table::Catalogs => vec![vec![text(CATALOG)]],
            _ => Vec::new(),
        }
    }
}

/// Whether a table has this name, whoever sees it.
pub fn is_table(name: &str) -> bool {
    Table::ALL.iter().any(|table| table.name().eq_ignore_ascii_case(name))
}

/// A type as tools know it: users are told as the text that they can only be counted as.
pub fn shown_type(ty: Type) -> String {
    match ty {
        Type::Decimal(scale) => format!("decimal(38,{scale})"),
        Type::Timestamp => "timestamp(3)".to_owned(),
        Type::Users | Type::Interval => "varchar".to_owned(),
        other => other.name().to_owned(),
    }
}

impl Catalog {
    /// What the wall clock shows at an instant, in ms since 1970.
    pub(crate) fn local(&self, ms: i64) -> i64 {
        to_local(self.zone, ms)
    }

    /// The unit that a word means: the same word is Sunday's 1 for some and Monday's for others.
    pub(crate) fn meant(&self, unit: Unit) -> Unit {
        match (unit, self.dialect) {
            (Unit::DayOfWeek, Dialect::Trino) => Unit::IsoDayOfWeek,
            (unit, _) => unit,
        }
    }
}
