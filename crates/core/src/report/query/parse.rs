//! From parameters to a [`Query`].

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveTime};

use super::super::error::list;
use super::super::zone::Zone;
use super::super::{Filter, Metric, QueryError};
use super::{By, DEFAULT_LIMIT, Format, MAX_LIMIT, PARAMETERS, Query, Sort, Source};
use crate::time::{HOUR_MS, Hour, ServerTime, parse_clock, parse_date, parse_instant, rfc3339};

/// Local days in a report that says neither from nor to.
const DEFAULT_DAYS: u64 = 7;
/// The first year that can be asked for; four digits are the limit at the other end.
const FIRST_YEAR: &str = "1970";

impl Query {
    /// Reads decoded query parameters, without `scope`; a parameter without a value counts as absent.
    ///
    /// Cells are hourly and belong to where their hour starts, so the hours of the query are those that start at or
    /// after `from` and before `to`.
    pub fn parse(
        params: &[(String, String)],
        default_tz: &str,
        now: ServerTime,
    ) -> Result<Query, QueryError> {
        let tz = Parameters::new(params)?.get("tz").unwrap_or(default_tz);
        let zone = Zone::named(tz).ok_or_else(|| QueryError::UnknownTz(tz.to_owned()))?;
        Query::parse_in(zone, params, now)
    }

    /// The same in a zone that is at hand, whatever `tz` says.
    pub fn parse_in(zone: Zone, params: &[(String, String)], now: ServerTime) -> Result<Query, QueryError> {
        let params = Parameters::new(params)?;
        let by = columns(params.list("by"), By::parse, QueryError::UnknownDimension)?;
        let metrics = match params.get("metrics") {
            None => Metric::DEFAULT.to_vec(),
            Some(_) => columns(params.list("metrics"), Metric::parse, QueryError::UnknownMetric)?,
        };
        let names = by.iter().map(|by| by.name()).chain(metrics.iter().map(|metric| metric.name()));
        let sort = sort(params.list("sort"), &names.collect::<Vec<_>>())?;
        let (source, as_of) = params.source()?;
        Ok(Query {
            hours: params.hours(&zone, now)?,
            zone,
            by,
            metrics,
            filters: params.filters()?,
            source,
            as_of,
            sort,
            limit: params.number("limit", DEFAULT_LIMIT, MAX_LIMIT)?,
            offset: params.number("offset", 0, u64::MAX)?,
            format: params.one_of("format", &Format::ALL, Format::name, QueryError::UnknownFormat)?,
        })
    }
}

/// The parameters that have a value, by name.
struct Parameters<'a> {
    single: BTreeMap<&'static str, &'a str>,
    filters: Vec<&'a str>,
}

impl<'a> Parameters<'a> {
    fn new(params: &'a [(String, String)]) -> Result<Self, QueryError> {
        let mut single = BTreeMap::new();
        let mut filters = Vec::new();
        for (name, value) in params {
            let known = PARAMETERS.into_iter().find(|known| known == name);
            let known = known.ok_or_else(|| QueryError::UnknownParameter(name.clone()))?;
            if value.is_empty() {
                continue;
            }
            if known == "filter" {
                filters.push(value.as_str());
            } else if single.insert(known, value.as_str()).is_some() {
                return Err(QueryError::RepeatedParameter(name.clone()));
            }
        }
        Ok(Self { single, filters })
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        self.single.get(name).copied()
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.get(name).into_iter().flat_map(|value| value.split(',')).map(str::trim)
    }

    fn number(&self, parameter: &'static str, default: u64, max: u64) -> Result<u64, QueryError> {
        let Some(value) = self.get(parameter) else { return Ok(default) };
        let number = value.parse().ok().filter(|number| *number <= max);
        number.ok_or_else(|| QueryError::BadLimit { parameter, value: value.to_owned() })
    }

    /// The named one of `all`, of which the first is the default.
    fn one_of<T: Copy>(
        &self,
        parameter: &str,
        all: &[T],
        name: impl Fn(T) -> &'static str,
        unknown: impl Fn(String) -> QueryError,
    ) -> Result<T, QueryError> {
        let wanted = self.get(parameter).unwrap_or_else(|| name(all[0]));
        let found = all.iter().copied().find(|one| name(*one) == wanted);
        found.ok_or_else(|| unknown(wanted.to_owned()))
    }

    /// Where the figures come from: a past generation is the batch's alone.
    fn source(&self) -> Result<(Source, Option<u64>), QueryError> {
        let source = self.one_of("source", &Source::ALL, Source::name, QueryError::UnknownSource)?;
        let Some(text) = self.get("as_of") else { return Ok((source, None)) };
        let digits = text.strip_prefix('g').unwrap_or(text);
        let generation = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let generation = generation.and_then(|digits| digits.parse().ok());
        let generation = generation.ok_or_else(|| QueryError::BadAsOf(text.to_owned()))?;
        match self.get("source") {
            None | Some("batch") => Ok((Source::Batch, Some(generation))),
            Some(_) => Err(QueryError::AsOfWithRealTime(source.name())),
        }
    }

    /// The filters, in an order that does not depend on that of the parameters.
    fn filters(&self) -> Result<Vec<Filter>, QueryError> {
        let filter =
            |text: &&str| Filter::parse(text).ok_or_else(|| QueryError::UnknownFilter(text.to_string()));
        let filters: BTreeSet<Filter> = self.filters.iter().map(filter).collect::<Result<_, _>>()?;
        Ok(filters.into_iter().collect())
    }

    fn time(&self, parameter: &'static str, zone: &Zone) -> Result<Option<i64>, QueryError> {
        let Some(value) = self.get(parameter) else { return Ok(None) };
        match parse_time(value, zone) {
            Some(ms) => Ok(Some(ms)),
            None => Err(QueryError::BadTime { parameter, value: value.to_owned() }),
        }
    }

    fn hours(&self, zone: &Zone, now: ServerTime) -> Result<std::ops::Range<Hour>, QueryError> {
        let to = match self.time("to", zone)? {
            Some(to) => to,
            None => zone.day_start(zone.local(now.0).date() + Days::new(1)),
        };
        let from = match self.time("from", zone)? {
            Some(from) => from,
            None => zone.day_start(zone.local(to - 1).date() - Days::new(DEFAULT_DAYS - 1)),
        };
        let first_start = |ms: i64| Hour::holding(ms + HOUR_MS - 1);
        let hours = first_start(from)..first_start(to);
        if hours.is_empty() {
            return Err(QueryError::BadRange { from: rfc3339(from), to: rfc3339(to) });
        }
        Ok(hours)
    }
}

fn columns<'a, T: PartialEq>(
    names: impl Iterator<Item = &'a str>,
    parse: impl Fn(&str) -> Option<T>,
    unknown: impl Fn(String) -> QueryError,
) -> Result<Vec<T>, QueryError> {
    let mut columns = Vec::new();
    for name in names {
        let column = parse(name).ok_or_else(|| unknown(name.to_owned()))?;
        if columns.contains(&column) {
            return Err(QueryError::DuplicateColumn(name.to_owned()));
        }
        columns.push(column);
    }
    Ok(columns)
}

fn sort<'a>(
    wanted: impl Iterator<Item = &'a str>,
    columns: &[&'static str],
) -> Result<Vec<Sort>, QueryError> {
    let mut sort: Vec<Sort> = Vec::new();
    for text in wanted {
        let (name, descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        let column = columns.iter().position(|column| *column == name).ok_or_else(|| {
            QueryError::UnknownSort { column: name.to_owned(), columns: list(columns.iter().copied()) }
        })?;
        if sort.iter().any(|earlier| earlier.column == column) {
            return Err(QueryError::DuplicateColumn(name.to_owned()));
        }
        sort.push(Sort { column, descending });
    }
    Ok(sort)
}

/// A date, a local time, RFC 3339 with an offset, or ms since 1970; in ms since 1970.
fn parse_time(text: &str, zone: &Zone) -> Option<i64> {
    if text.contains('-') && text < FIRST_YEAR {
        return None;
    }
    let local = match text.split_once('T') {
        None => parse_date(text).map(|date| date.and_time(NaiveTime::MIN)),
        Some((date, clock)) => {
            parse_date(date).zip(parse_clock(clock)).map(|(date, clock)| date.and_time(clock))
        }
    };
    local.map(|local| zone.first_instant(local)).or_else(|| parse_instant(text))
}
