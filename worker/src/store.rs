//! The bucket: the archive, what the batch makes of it, exports.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use adtally_archive::{Glance, Index, Named, Reader, Written, index_key, is_rewritten};
use adtally_core::batch::Look;
use adtally_wire::batch::{ArchiveFile, Bytes};
use worker::{Bucket, Env, Error, Object, Result};

use crate::bindings::STORE;
use crate::usage;

/// Objects that the bucket removes at once.
const MAX_REMOVED: usize = 1_000;

/// The bucket.
pub(crate) struct Store(Bucket);

impl Store {
    /// The bucket of the environment.
    pub(crate) fn open(env: &Env) -> Result<Self> {
        Ok(Self(env.bucket(STORE)?))
    }

    /// A bucket at hand.
    pub(crate) fn of(bucket: &Bucket) -> Self {
        Self(bucket.clone())
    }

    /// Puts a file of the archive, and reads it back: what is there afterwards is what was meant.
    ///
    /// The bucket refuses bytes of another checksum. May be repeated: a name has one content.
    pub(crate) async fn archive(&self, file: &ArchiveFile, bytes: Vec<u8>) -> Result<()> {
        usage::put();
        self.0.put(&file.key, bytes).sha256(file.sha256).execute().await?;
        self.archived(file).await.map(drop)
    }

    /// The same of a file that is made of others, and the index of its names.
    pub(crate) async fn archive_merged(&self, written: Written) -> Result<ArchiveFile> {
        let Written { file, bytes, index } = written;
        self.archive(&file, bytes).await?;
        if let Some(index) = index {
            usage::put();
            self.0.put(index_key(&file.key), index).execute().await?;
        }
        Ok(file)
    }

    /// What of a file has to be looked at when its index has said which names are not there; `None`: nothing.
    pub(crate) async fn narrowed(
        &self,
        file: &ArchiveFile,
        look: Look,
        by: Named,
        sought: &[u64],
    ) -> Result<Option<Look>> {
        if !look.names || !is_rewritten(&file.key) {
            return Ok(Some(look));
        }
        let bytes = self.get(&index_key(&file.key)).await?.unwrap_or_default();
        match Index::of(&bytes, file) {
            Some(index) if !index.may_have_any(by, sought) => Ok(look.without_names()),
            _ => Ok(Some(look)),
        }
    }

    /// A file of the archive, if it is what was archived.
    pub(crate) async fn archived(&self, file: &ArchiveFile) -> Result<Reader> {
        let bytes = self.get(&file.key).await?.ok_or_else(|| fault(format!("{} is missing", file.key)))?;
        Reader::verified(bytes, file).map_err(|error| fault(format!("{}: {error}", file.key)))
    }

    /// What decides about links of some groups in a file of the archive, up to a row of the log: a file may go on after a
    /// cut.
    pub(crate) async fn glances(
        &self,
        file: &ArchiveFile,
        groups: RangeInclusive<u64>,
        upto: i64,
    ) -> Result<Vec<Glance>> {
        let glances = self.archived(file).await?.glances(groups);
        let mut glances = glances.map_err(|error| fault(format!("{}: {error}", file.key)))?;
        glances.retain(|glance| glance.row <= upto);
        Ok(glances)
    }

    /// Puts what a step of the batch leaves for the next; a repetition puts the same.
    pub(crate) async fn leave(&self, key: &str, value: &impl Bytes) -> Result<()> {
        usage::put();
        self.0.put(key, value.to_bytes()).execute().await.map(drop)
    }

    /// What [`Store::leave`] put.
    pub(crate) async fn left<T: Bytes>(&self, key: &str) -> Result<T> {
        let bytes = self.get(key).await?.ok_or_else(|| fault(format!("{key} is missing")))?;
        T::from_bytes(&bytes).map_err(|error| fault(format!("{key}: {error}")))
    }

    /// Removes everything under a prefix, a page of the list at a time; tells how many objects that were.
    pub(crate) async fn remove_all(&self, prefix: &str) -> Result<usize> {
        let mut removed = 0;
        loop {
            usage::put();
            let page = self.0.list().prefix(prefix).execute().await?;
            let keys: Vec<String> = page.objects().iter().map(|object| object.key()).collect();
            if keys.is_empty() {
                return Ok(removed);
            }
            removed += keys.len();
            self.remove(&keys).await?;
        }
    }

    /// Every key under a prefix, and when its object was put, in ms since 1970.
    pub(crate) async fn keys(&self, prefix: &str) -> Result<Vec<(String, i64)>> {
        let put_ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
        self.list(prefix, |object| (object.key(), put_ms(object.uploaded().as_millis()))).await
    }

    /// Every key under a prefix with its object's size.
    pub(crate) async fn sizes(&self, prefix: &str) -> Result<BTreeMap<String, u64>> {
        let sizes = self.list(prefix, |object| (object.key(), object.size())).await?;
        Ok(sizes.into_iter().collect())
    }

    /// Something of every object under a prefix.
    async fn list<T>(&self, prefix: &str, of: impl Fn(Object) -> T) -> Result<Vec<T>> {
        let (mut found, mut cursor) = (Vec::new(), None::<String>);
        loop {
            usage::put();
            let list = self.0.list().prefix(prefix);
            let page = match cursor {
                Some(cursor) => list.cursor(cursor).execute().await?,
                None => list.execute().await?,
            };
            found.extend(page.objects().into_iter().map(&of));
            cursor = page.cursor().filter(|_| page.truncated());
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }

    /// Copies an object; tells whether there is one.
    pub(crate) async fn copy(&self, from: &str, to: &str) -> Result<bool> {
        let Some(bytes) = self.get(from).await? else { return Ok(false) };
        usage::put();
        self.0.put(to, bytes).execute().await?;
        Ok(true)
    }

    /// Removes objects, those of the archive with their indexes; what is not there is no error.
    pub(crate) async fn remove(&self, keys: &[String]) -> Result<()> {
        let indexes = keys.iter().filter(|key| is_rewritten(key)).map(|key| index_key(key));
        let all: Vec<String> = keys.iter().cloned().chain(indexes).collect();
        for some in all.chunks(MAX_REMOVED) {
            self.0.delete_multiple(some.to_vec()).await?;
        }
        Ok(())
    }

    /// Puts a text where it is to lie.
    pub(crate) async fn put(&self, key: &str, text: &str) -> Result<()> {
        usage::put();
        self.0.put(key, text.to_owned()).execute().await.map(drop)
    }

    /// The bytes of an object; `None` where there is none.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        usage::got();
        let object = self.0.get(key).execute().await?;
        match object.as_ref().and_then(|object| object.body()) {
            Some(body) => body.bytes().await.map(Some),
            None => Ok(None),
        }
    }
}

fn fault(text: String) -> Error {
    Error::RustError(text)
}
