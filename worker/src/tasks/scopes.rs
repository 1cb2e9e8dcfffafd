//! `scopes`: everything is linked; whose reports change?

use std::collections::{BTreeMap, BTreeSet};

use adtally_core::time::Day;
use adtally_wire::batch::{Publication, PublishedDay, SourceCut, part_key};

use super::cut::Summary;
use super::publish::{PublishParams, publication_key};
use super::{Context, Done, TaskError, TaskSpec};
use crate::batch::Shard;
use crate::clock;
use crate::store::Store;

/// May be repeated: what was linked is the same, and the names are.
pub(crate) async fn run(context: &Context, _params: &str) -> Result<Done, TaskError> {
    let summaries = summaries(context).await?;
    let mut scopes: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for summary in &summaries {
        let of_source = scopes.entry(summary.source.as_str()).or_default();
        of_source.extend(summary.scopes.iter().cloned());
        for (_, linked) in context.results(&format!("link:{}/", summary.source)).await? {
            of_source.extend(serde_json::from_str::<Vec<String>>(&linked)?);
        }
    }
    let all: BTreeSet<&String> = scopes.values().flatten().collect();
    let store = Store::open(&context.env)?;
    let mut spawn = Vec::with_capacity(all.len());
    let made_ms = clock::now().0;
    for scope in all {
        let of_scope = summaries.iter().filter(|summary| scopes[summary.source.as_str()].contains(scope));
        let publication = publication(context.number, made_ms, of_scope)?;
        store.leave(&publication_key(context.number, scope), &publication).await?;
        let params = PublishParams { scope: scope.clone() };
        spawn.push(TaskSpec::new(format!("publish:{scope}"), "publish", &params, vec![])?);
    }
    context.log(format!("{} shards, {} scopes", summaries.len(), spawn.len()));
    Ok(Done { result: String::new(), spawn })
}

/// What the cuts of this run left.
pub(super) async fn summaries(context: &Context) -> Result<Vec<Summary>, TaskError> {
    let cuts = context.results("cut:").await?;
    cuts.iter().map(|(_, result)| Ok(serde_json::from_str(result)?)).collect()
}

fn publication<'a>(
    generation: u64,
    made_ms: i64,
    summaries: impl Iterator<Item = &'a Summary>,
) -> Result<Publication, TaskError> {
    let (mut cuts, mut days) = (Vec::new(), Vec::new());
    for Summary { source, epoch, through_ms, days: linked, residues, .. } in summaries {
        cuts.push(SourceCut { source: source.clone(), epoch: *epoch, through_ms: *through_ms });
        let Shard { advertiser, number } = Shard::of(source)?;
        for (day, parts) in linked {
            let linked = (0..*parts).map(|part| part_key(generation, &advertiser, number, Day(*day), part));
            let stays = residues.iter().filter(|(of, _)| of == day).map(|(_, key)| key.clone());
            let parts = linked.chain(stays).collect();
            days.push(PublishedDay { source: source.clone(), day: *day, parts });
        }
    }
    Ok(Publication { generation, made_ms, cuts, days })
}
