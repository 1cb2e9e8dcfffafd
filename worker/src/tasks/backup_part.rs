//! `backup_part`: the copies that some objects made of themselves go to the bucket, page by page.

use adtally_core::backup::PartKind;
use adtally_wire::backup::object::{DROP, Of, PAGE, PageOf};
use adtally_wire::backup::page::Paged;
use adtally_wire::backup::{PageRef, Part, head_key, page_key, part_key};

use super::backup::Params;
use super::{Context, Done, TaskError};
use crate::backup::{Said, ask, kind_of, put, read, tell, write};
use crate::store::Store;

/// May be repeated: a page has one content, and a part that is written down is done.
pub(crate) async fn run(context: &Context, params: &str) -> Result<Done, TaskError> {
    let Params { backup, first, end, .. } = serde_json::from_str(params)?;
    let store = Store::open(&context.env)?;
    let (mut pages, mut bytes) = (0, 0);
    for place in first..end {
        let key = part_key(&backup, place);
        let part = match read::<Part>(&store, &key).await? {
            Some(part) => part,
            None => {
                let head = head_key(&backup, place);
                let missing = || TaskError::permanent(format!("{head} is missing"));
                let part =
                    upload(context, &backup, place, read(&store, &head).await?.ok_or_else(missing)?).await?;
                write(&context.env, &key, &part).await?;
                part
            }
        };
        pages += part.pages.len();
        bytes += part.pages.iter().map(|page| page.bytes).sum::<u64>();
        let kind = kind_of(&part)?;
        if !matches!(kind, PartKind::Progress | PartKind::Catalog) {
            ask(&context.env, (kind, &part.name), DROP, &Of { backup: backup.clone() }).await?;
        }
    }
    context.log(format!("{} parts, {pages} pages, {bytes} bytes", end - first));
    Ok(Done::default())
}

/// All pages of a part.
async fn upload(context: &Context, backup: &str, place: usize, mut part: Part) -> Result<Part, TaskError> {
    let kind = kind_of(&part)?;
    for table in part.tables.clone() {
        let (mut after, mut rows) = (0, 0);
        while rows < table.rows {
            let of = PageOf { backup: backup.to_owned(), table: table.name.clone(), after };
            let body = serde_json::to_vec(&of)?;
            let said = tell(&context.env, kind, &part.name, PAGE, &body).await?;
            let Paged { page, last } = match said {
                Said::Yes(bytes) => Paged::decode(&bytes).map_err(TaskError::permanent)?,
                Said::Again => return Err(TaskError::Retry(format!("{} is not there", part.name))),
                // Another backup has begun since.
                Said::No(refused) => return Err(TaskError::permanent(refused.detail)),
            };
            if page.rows.is_empty() {
                return Err(TaskError::permanent(format!(
                    "{}: rows of {} are missing",
                    part.name, table.name
                )));
            }
            (after, rows) = (last, rows + page.rows.len() as u64);
            let (key, bytes) = (page_key(backup, place, part.pages.len()), page.encode());
            part.pages.push(PageRef::of(key.clone(), page.rows.len(), &bytes));
            put(&context.env, &key, bytes).await?;
        }
    }
    Ok(part)
}
