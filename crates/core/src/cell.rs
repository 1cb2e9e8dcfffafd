//! Cells: what figures are counted by, and which of it each report scope may see.

use std::collections::BTreeMap;

use crate::key::Key;
use crate::measure::{Measure, Measures};
use crate::sketch::Sketch;
use crate::time::Hour;

/// A property by which cells are told apart, besides the hour.
///
/// The order is that of the segment encoding: append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Who pays.
    Advertiser,
    /// The campaign of the ad.
    Campaign,
    /// What was shown.
    Ad,
    /// The publisher service that showed it.
    Service,
    /// The place in the service.
    Placement,
    /// ISO 3166-1 alpha-2 country of the user.
    Country,
    /// Device class of the user.
    Device,
    /// Conversion name: purchase, install, ...
    Label,
}

impl Dimension {
    /// How many dimensions there are.
    pub const COUNT: usize = 8;

    /// Every dimension, in the order of the enum.
    pub const ALL: [Dimension; Self::COUNT] = [
        Dimension::Advertiser,
        Dimension::Campaign,
        Dimension::Ad,
        Dimension::Service,
        Dimension::Placement,
        Dimension::Country,
        Dimension::Device,
        Dimension::Label,
    ];

    /// The name in API queries and answers.
    pub fn name(self) -> &'static str {
        match self {
            Dimension::Advertiser => "advertiser",
            Dimension::Campaign => "campaign",
            Dimension::Ad => "ad",
            Dimension::Service => "service",
            Dimension::Placement => "placement",
            Dimension::Country => "country",
            Dimension::Device => "device",
            Dimension::Label => "label",
        }
    }
}

/// The coordinates of a cell; an unknown dimension is the empty key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellKey {
    /// The hour of the event.
    pub hour: Hour,
    /// One value per [`Dimension`], in its order.
    pub dims: [Key; Dimension::COUNT],
}

impl CellKey {
    /// A cell in which every dimension is unknown.
    pub fn at(hour: Hour) -> Self {
        Self { hour, dims: Default::default() }
    }

    /// The value of one dimension.
    pub fn dim(&self, dimension: Dimension) -> &Key {
        &self.dims[dimension as usize]
    }

    /// Sets the value of one dimension.
    pub fn set(&mut self, dimension: Dimension, value: Key) {
        self.dims[dimension as usize] = value;
    }
}

/// What a cell holds: summable measures and the sketch of the users who saw a valid impression.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// The summable figures.
    pub measures: Measures,
    /// Add-only: a retraction leaves it as it is, the batch rebuilds it.
    pub users: Sketch,
}

impl Tally {
    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Tally) {
        self.measures.merge(&other.measures);
        self.users.merge(&other.users);
    }
}

/// A set of cells in key order.
pub type Cells = BTreeMap<CellKey, Tally>;

/// Whose report a set of cells belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The operators of the platform.
    Platform,
    /// One advertiser, by key.
    Advertiser(Key),
    /// One publisher service, by key.
    Service(Key),
}

/// What the platform scope keeps itself; finer questions fan out to the advertisers.
pub const PLATFORM_DIMENSIONS: [Dimension; 5] =
    [Dimension::Advertiser, Dimension::Campaign, Dimension::Service, Dimension::Country, Dimension::Device];

/// What a publisher may see: where its placements earned and for whom, not which campaign, ad or goal.
pub const SERVICE_DIMENSIONS: [Dimension; 5] =
    [Dimension::Advertiser, Dimension::Service, Dimension::Placement, Dimension::Country, Dimension::Device];

impl Scope {
    /// Reads `platform`, `advertiser:<key>` or `service:<key>`.
    pub fn parse(text: &str) -> Option<Scope> {
        let named = |key: &str| Key::parse(key).ok().filter(|key| !key.is_empty());
        match text.split_once(':') {
            None if text == "platform" => Some(Scope::Platform),
            Some(("advertiser", key)) => named(key).map(Scope::Advertiser),
            Some(("service", key)) => named(key).map(Scope::Service),
            _ => None,
        }
    }

    /// The dimensions that this scope's cells keep.
    pub fn dimensions(&self) -> &'static [Dimension] {
        match self {
            Scope::Platform => &PLATFORM_DIMENSIONS,
            Scope::Advertiser(_) => &Dimension::ALL,
            Scope::Service(_) => &SERVICE_DIMENSIONS,
        }
    }

    /// Whether this scope may see `measure`: what a conversion was worth is the advertiser's secret.
    pub fn sees(&self, measure: Measure) -> bool {
        !matches!((self, measure), (Scope::Service(_), Measure::ValueMicros))
    }

    /// The cell of this scope that `key` is counted in.
    pub fn project(&self, key: &CellKey) -> CellKey {
        let mut projected = CellKey::at(key.hour);
        for dimension in self.dimensions() {
            projected.set(*dimension, key.dim(*dimension).clone());
        }
        projected
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Scope::Platform => f.write_str("platform"),
            Scope::Advertiser(key) => write!(f, "advertiser:{key}"),
            Scope::Service(key) => write!(f, "service:{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_in_the_order_of_the_enum() {
        for (index, dimension) in Dimension::ALL.into_iter().enumerate() {
            assert_eq!(dimension as usize, index, "{}", dimension.name());
        }
    }

    #[test]
    fn scopes_by_name() {
        for text in ["platform", "advertiser:acme", "service:news:kr"] {
            assert_eq!(Scope::parse(text).map(|scope| scope.to_string()).as_deref(), Some(text));
        }
        for text in ["", "platform:x", "advertiser", "advertiser:", "campaign:x"] {
            assert_eq!(Scope::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_publisher_sees_neither_campaign_nor_value() {
        let key = |text| Key::parse(text).unwrap();
        let mut cell = CellKey::at(Hour(7));
        for dimension in Dimension::ALL {
            cell.set(dimension, key(dimension.name()));
        }
        let scope = Scope::Service(key("service"));
        let seen = scope.project(&cell);
        assert_eq!(seen.hour, Hour(7));
        assert_eq!(seen.dim(Dimension::Placement), &key("placement"));
        for hidden in [Dimension::Campaign, Dimension::Ad, Dimension::Label] {
            assert!(seen.dim(hidden).is_empty(), "{}", hidden.name());
        }
        assert!(!scope.sees(Measure::ValueMicros));
        assert!(Scope::Platform.sees(Measure::ValueMicros));
    }
}
