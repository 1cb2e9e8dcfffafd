//! `finish`: every scope has the generation; the Linkers are told, and what is too old to be asked for goes. Who asked to
//! be erased is erased then, and so is what is older than it may be.

use adtally_wire::batch::{PUBLISHED, Published, generation_prefix};

use super::scopes::summaries;
use super::{CUBES_TASK, Context, Done, TaskError, TaskSpec, compact, cubes, erase, publish};
use crate::batch;
use crate::store::Store;

/// Generations whose parts are kept in object storage: reports keep the cells of as many themselves.
const KEPT_GENERATIONS: u64 = 30;

/// May be repeated: a Linker that has heard it changes nothing, and what is gone is gone.
pub(crate) async fn run(context: &Context, _params: &str) -> Result<Done, TaskError> {
    let summaries = summaries(context).await?;
    for summary in &summaries {
        let published = Published { generation: context.number, row: summary.row };
        batch::tell_linker(&context.env, &summary.source, PUBLISHED, &published).await?;
    }
    if let Some(old) = context.number.checked_sub(KEPT_GENERATIONS) {
        let removed = Store::open(&context.env)?.remove_all(&generation_prefix(old)).await?;
        context.log(format!("{removed} objects of generation {old} removed"));
    }
    context.log(format!("generation {} is published", context.number));
    // Nothing of this run reads the archive any more.
    let sources = summaries.into_iter().map(|summary| summary.source);
    let mut spawn = erase::tasks(context).await?;
    for source in sources {
        let id = format!("compact:{source}");
        let needs = erase::last_id(&spawn, &source).into_iter().collect();
        spawn.push(TaskSpec::new(id, "compact", &compact::Params { source }, needs)?);
    }
    for (_, left) in context.results("publish:").await? {
        let publish::Published { scope, has_cubes } = serde_json::from_str(&left)?;
        if has_cubes {
            let id = format!("{CUBES_TASK}:{scope}");
            let params = cubes::Params { scope, cube: String::new() };
            spawn.push(TaskSpec::new(id, CUBES_TASK, &params, vec![])?);
        }
    }
    Ok(Done { result: String::new(), spawn })
}
