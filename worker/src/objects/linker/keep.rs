//! Backups: what is told stays in the outboxes for a while, so that a copy of this object has what a copy of its
//! receivers, made before it, has not (BACKUP-1).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use adtally_core::backup::LEAP;
use adtally_core::billing::BatchId;
use adtally_core::time::{MINUTE_MS, ServerTime};
use adtally_wire::backup::FileRef;
use adtally_wire::backup::object::{Kept, Of, Taken};
use worker::{Delay, Response, Result};

use super::Node;
use super::memory::Memory;
use crate::clock;
use crate::objects::vault::{Own, Refusal409};
use crate::storage::linker::LinkerStore;
use crate::storage::sql::Database;
use crate::troubles::trouble;

/// How long everything is kept where nobody says that it may go: a backup that takes longer is begun again.
const KEEP_MS: i64 = 3 * MINUTE_MS;

/// For which backup what is told is kept. Never stored: an instance that ends has kept nothing, and says so.
#[derive(Default)]
pub(super) struct Keeping {
    backup: RefCell<Option<String>>,
    until: Cell<Option<ServerTime>>,
    /// Rows of the outbox of billing that are confirmed.
    rows: RefCell<Vec<BatchId>>,
}

impl Keeping {
    /// Whether it is kept now.
    pub(super) fn is_on(&self, now: ServerTime) -> bool {
        self.until.get().is_some_and(|until| now < until)
    }

    /// Notes rows that would be gone.
    pub(super) fn confirmed(&self, rows: &[BatchId]) {
        self.rows.borrow_mut().extend_from_slice(rows);
    }

    /// Whether it has been kept for a backup since that asked for it.
    fn is_for(&self, backup: &str, now: ServerTime) -> bool {
        self.is_on(now) && self.backup.borrow().as_deref() == Some(backup)
    }
}

impl Node {
    /// Keeps what is told from now on. May be repeated; another backup takes the place of the one before.
    pub(super) fn keep(self: &Rc<Self>, of: Of) -> Result<Response> {
        let scopes = self.change_memory(|memory| memory.store.archive().scopes())?;
        *self.keeping.backup.borrow_mut() = Some(of.backup);
        self.keeping.until.set(Some(ServerTime(clock::now().0 + KEEP_MS)));
        let node = self.clone();
        self.state.wait_until(async move {
            Delay::from(Duration::from_millis(KEEP_MS.unsigned_abs() + 1)).await;
            // Unless it was let go and begun again.
            if !node.keeping.is_on(clock::now())
                && let Err(error) = node.forget_kept()
            {
                trouble!("outboxes: {error}");
            }
        });
        Response::from_json(&Kept { scopes })
    }

    /// Lets go what was kept for a backup. May be repeated.
    pub(super) fn let_go(&self, of: &Of) -> Result<Response> {
        if self.keeping.backup.borrow().as_deref() == Some(of.backup.as_str()) {
            self.forget_kept()?;
        }
        Response::empty()
    }

    fn forget_kept(&self) -> Result<()> {
        self.keeping.until.set(None);
        *self.keeping.backup.borrow_mut() = None;
        self.change_memory(|memory| memory.store.delivered(memory.delivered))?;
        for row in self.keeping.rows.take() {
            self.billing_outbox()?.remove(row)?;
        }
        Ok(())
    }
}

impl Memory {
    /// The number of the last parcel whose row may be written over, as may those before it.
    pub(super) fn spare(&self) -> u64 {
        // Rows that stay until they are let go do so together: one alone may be written over.
        if self.keeping.until.get().is_some() { 0 } else { self.delivered }
    }
}

impl Own for Node {
    fn taken(&self, backup: &str) -> Result<std::result::Result<Taken, Refusal409>> {
        if !self.keeping.is_for(backup, clock::now()) {
            return Ok(Err(("not_kept", "what was told has not been kept all the time".to_owned())));
        }
        self.change_memory(|memory| {
            let archive = memory.store.archive();
            let file = |key: String, bytes| FileRef { key, bytes };
            let mut files: Vec<FileRef> =
                archive.files()?.into_iter().map(|one| file(one.key, Some(one.bytes))).collect();
            files.extend(archive.residues()?.into_iter().map(|(_, key)| file(key, None)));
            Ok(Ok(Taken { files, ..Taken::default() }))
        })
    }

    fn restored(&self, database: Database) -> Result<()> {
        let store = LinkerStore::open(database)?;
        // One that had nothing to store does not know its name, and has something to tell now.
        if let (None, Some(name)) = (store.name()?, self.state.id().name()) {
            store.set_name(&name)?;
        }
        store.leap(LEAP)
    }
}
