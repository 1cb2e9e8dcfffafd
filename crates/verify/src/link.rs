//! A day of a shard, linked from its files as the batch links it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use adtally_archive::Named;
use adtally_core::batch::{Judge, Part, Relink, Ruling, Selection};
use adtally_core::cell::Scope;
use adtally_core::link::Retention;
use adtally_core::segment::Segment;
use adtally_core::settings::Settings;
use adtally_core::time::Day;

use crate::shelf::{Fetch, Shelf, Trouble};

/// Everything that decides about links besides the events.
#[derive(Default)]
struct Rules {
    /// By revision, as far as files were opened.
    settings: BTreeMap<u64, Arc<Settings>>,
    /// Days whose users were looked at.
    judged: BTreeSet<Day>,
    /// Who has too many events of a kind.
    rulings: Vec<Ruling>,
}

/// The cells of a day of a shard, by scope, and how many events were linked.
///
/// Which files are needed is known only from the files before: it links again until none of them brings settings or
/// days that were not looked at.
pub async fn day<F: Fetch>(
    shelf: &mut Shelf<'_, F>,
    day: Day,
) -> Result<(Vec<(Scope, Segment)>, usize), Trouble> {
    let mut rules = Rules::default();
    rules.look_at(shelf, day).await?;
    loop {
        let before = (rules.settings.len(), rules.judged.len());
        let relink = select(shelf, day, &mut rules).await?;
        if (rules.settings.len(), rules.judged.len()) == before {
            let events = relink.len();
            return Ok((relink.finish(), events));
        }
    }
}

impl Rules {
    /// Takes up the settings of a day's files, and who has too many events on it.
    async fn look_at<F: Fetch>(&mut self, shelf: &mut Shelf<'_, F>, day: Day) -> Result<(), Trouble> {
        if !self.judged.insert(day) {
            return Ok(());
        }
        let files = shelf.of_day(day);
        let mut hashes = Vec::new();
        for file in files {
            let reader = shelf.open(file).await?;
            for (revision, settings) in &reader.meta().settings {
                self.settings.entry(*revision).or_insert_with(|| Arc::new(settings.clone()));
            }
            let glances = reader.glances(0..=u64::MAX).map_err(damaged)?;
            hashes.extend(glances.into_iter().map(|glance| glance.hashes));
        }
        let mut judge = Judge::new(day, hashes.len() as u64);
        hashes.iter().for_each(|hashes| judge.count(hashes));
        if judge.next_pass() {
            hashes.iter().for_each(|hashes| judge.count(hashes));
        }
        self.rulings.extend(judge.rulings());
        Ok(())
    }
}

/// The entries of the day and those that they depend on; of each day from which one comes the rules are taken up.
async fn select<F: Fetch>(shelf: &mut Shelf<'_, F>, day: Day, rules: &mut Rules) -> Result<Relink, Trouble> {
    let part = Part { day, groups: (0, u64::MAX) };
    let settings: Vec<Arc<Settings>> = rules.settings.values().cloned().collect();
    let mut selection = Selection::new(part, Retention::default(), settings.iter().map(Arc::as_ref));
    let mut entries = Vec::new();
    loop {
        for file in 0..shelf.len() {
            let span = shelf.span(file);
            let Some(look) = selection.opens(&span) else { continue };
            rules.look_at(shelf, span.day).await?;
            let reader = shelf.open(file).await?;
            let seeks = |name| selection.seeks(name);
            let glances = reader.glances_of(look, Named::Own, seeks).map_err(damaged)?;
            let wanted = glances.iter().filter(|glance| selection.wants(&span, &glance.hashes));
            let wanted: Vec<usize> = wanted.map(|glance| glance.index).collect();
            reader.each(&wanted, |_, entry| entries.push(entry)).map_err(damaged)?;
        }
        if !selection.next_round() {
            break;
        }
    }
    let mut relink =
        Relink::new(part, Retention::default(), rules.settings.clone(), rules.rulings.iter().copied());
    for entry in &entries {
        relink.add(entry).map_err(damaged)?;
    }
    Ok(relink)
}

fn damaged(error: impl std::fmt::Display) -> Trouble {
    Trouble::Damaged(error.to_string())
}
