//! Cells that are here, and those that have to be fetched.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use adtally_core::cell::Scope;
use adtally_core::report::Query;
use adtally_core::segment::{Merger, Segment};
use adtally_core::time::ServerTime;
use adtally_sql::FactScan;

use crate::answer::Trouble;

/// The problem of a question for more cells than the server sends.
const TOO_MANY: &str = "too_many_cells";
/// The most segments that are kept: those of a notebook with many statements.
const MAX_KEPT: usize = 64;

/// What comes from an address of this site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The version of the data that they were made of.
    pub version: String,
}

/// Where cells and tables come from.
pub trait Fetch {
    /// What is at an address of this site; with a body, what it answers to that.
    fn fetch(&self, address: &str, body: Option<String>) -> impl Future<Output = Result<Fetched, Trouble>>;
}

/// Cells of a data version.
#[derive(Debug, Clone)]
struct Kept {
    cells: Segment,
    version: String,
}

/// The cells of a scope that are here.
#[derive(Debug)]
pub struct Shelf {
    scope: Scope,
    /// All cells of all times that the scope itself keeps, without users.
    whole: Option<Kept>,
    /// There are too many for that.
    is_crowded: bool,
    /// By the address that they came from.
    parts: BTreeMap<String, Kept>,
    /// How many bytes were fetched.
    pub bytes: u64,
}

/// Cells for a scan, and where they are from.
pub(crate) struct Found {
    pub(crate) cells: Segment,
    pub(crate) version: String,
    pub(crate) origin: String,
}

impl Shelf {
    /// With nothing on it.
    pub fn new(scope: Scope) -> Shelf {
        Shelf { scope, whole: None, is_crowded: false, parts: BTreeMap::new(), bytes: 0 }
    }

    /// Puts cells on it, beside those that are there: when the last ones are, they are all of the scope.
    pub fn hold(&mut self, cells: Segment, version: String) {
        let mut all = Merger::default();
        all.add(cells);
        self.whole.take().into_iter().for_each(|kept| all.add(kept.cells));
        self.whole = Some(Kept { cells: all.finish(), version });
    }

    /// How many cells are here.
    pub fn cells(&self) -> usize {
        self.whole.iter().chain(self.parts.values()).map(|kept| kept.cells.len()).sum()
    }

    /// The cells that a scan needs, as the server would add them up.
    pub(crate) async fn cells_of(
        &mut self,
        scan: &FactScan,
        now: ServerTime,
        fetch: &impl Fetch,
    ) -> Result<Found, Trouble> {
        let parameters = scan.parameters();
        let query =
            Query::parse(&parameters, "UTC", now).map_err(|error| Trouble::Damaged(error.to_string()))?;
        let plan = query.plan();
        if self.covers(scan) {
            self.fill(fetch).await?;
            if let Some(Kept { cells, version }) = &self.whole {
                let origin = format!("in this browser: {} cells that are here", cells.len());
                return Ok(Found { cells: plan.reduce(cells), version: version.clone(), origin });
            }
        }
        let address = address(&self.scope, &parameters);
        let is_new = !self.parts.contains_key(&address);
        if is_new && self.parts.len() >= MAX_KEPT {
            self.parts.clear();
        }
        let kept = match self.parts.entry(address) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(place) => {
                let fetched = fetch.fetch(place.key(), None).await?;
                self.bytes += fetched.bytes.len() as u64;
                place.insert(Kept::read(fetched)?)
            }
        };
        let verb = if is_new { "fetched now" } else { "fetched before" };
        let origin = format!("in this browser: {} cells, {verb}", kept.cells.len());
        Ok(Found { cells: plan.reduce(&kept.cells), version: kept.version.clone(), origin })
    }

    /// Whether the scope's own cells are fine enough for a scan: users are not among them, and the platform's are
    /// coarse.
    fn covers(&self, scan: &FactScan) -> bool {
        let own = self.scope.dimensions();
        let mut needed = scan.keep.iter().copied().chain(scan.filters.iter().map(|filter| filter.dimension));
        let is_fine = scan.whole.is_none() || self.scope != Scope::Platform;
        !scan.users && is_fine && needed.all(|dimension| own.contains(&dimension))
    }

    /// Fetches all cells of the scope, once, if the server sends as many.
    async fn fill(&mut self, fetch: &impl Fetch) -> Result<(), Trouble> {
        if self.whole.is_some() || self.is_crowded {
            return Ok(());
        }
        let all = [("from", "2010-01-01"), ("to", "9999-12-31"), ("tz", "UTC"), ("metrics", "impressions")];
        let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
        match fetch.fetch(&address(&self.scope, &all), None).await {
            Ok(fetched) => {
                self.bytes += fetched.bytes.len() as u64;
                self.whole = Some(Kept::read(fetched)?);
                Ok(())
            }
            Err(Trouble::Refused { code, .. }) if code == TOO_MANY => {
                self.is_crowded = true;
                Ok(())
            }
            Err(trouble) => Err(trouble),
        }
    }
}

impl Kept {
    fn read(fetched: Fetched) -> Result<Kept, Trouble> {
        let cells = Segment::decode(&fetched.bytes).map_err(|error| Trouble::Damaged(error.to_string()))?;
        Ok(Kept { cells, version: fetched.version })
    }
}

/// Where the server has the cells of these parameters.
fn address(scope: &Scope, parameters: &[(String, String)]) -> String {
    let mut address = format!("/v1/segments?scope={}", encoded(&scope.to_string()));
    for (name, value) in parameters {
        address.push_str(&format!("&{name}={}", encoded(value)));
    }
    address
}

/// A text as a part of an address.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
