//! What every object does about backups: it copies its tables beside themselves, tells them by the page, and takes them
//! back (BACKUP-1).
//!
//! An object that is restored serves nobody until it is complete. Whatever an instance has in memory goes twice: before
//! the tables go that it was made of, and when the new ones are there.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;
use std::time::Duration;

use adtally_core::backup::{PartKind, Phase, Refusal, Restoring, Step, Verdict, judge};
use adtally_wire::backup::object::{
    ABOUT_BACKUPS, BEGIN, Begin, DROP, END, End, LOAD, Of, PAGE, PageOf, Refused, TAKE, Taken, WIPED,
};
use adtally_wire::backup::page::Load;
use js_sys::{Array, Function, Reflect};
use worker::wasm_bindgen::{JsCast, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Error, Method, Request, Response, Result, State};

use super::refuse;
use crate::storage::sql::Database;
use crate::storage::vault;

/// When to ask an object again that is being restored, in seconds.
const RETRY_AFTER_S: u32 = 5;
/// How long an answer has to leave before its instance goes, in ms.
const LEAVE_MS: f64 = 20.0;
/// When an object that is restored looks after what it has to do.
const WAKE: Duration = Duration::from_secs(1);

/// What an object is as a part of backups.
pub(super) struct Vault {
    state: Rc<State>,
    kind: PartKind,
    /// The version of the tables that this program makes.
    newest: u64,
    store: vault::Vault,
    /// Whether this instance began while the object was being restored.
    began_closed: OnceCell<bool>,
    /// This instance is about to go.
    is_leaving: Cell<bool>,
}

/// What is particular to a kind of object.
pub(super) trait Own {
    /// Called when the copies are made, in the same instant: what else is to be said, or why they must not be used.
    fn taken(&self, backup: &str) -> Result<std::result::Result<Taken, Refusal409>>;
    /// Opens the store, which brings older tables to the present version, and changes what must not be as it was.
    fn restored(&self, database: Database) -> Result<()>;
}

/// Of an object that has nothing else to say; what is done when it is restored.
pub(super) struct Plain(pub(super) fn(Database) -> Result<()>);

impl Own for Plain {
    fn taken(&self, _backup: &str) -> Result<std::result::Result<Taken, Refusal409>> {
        Ok(Ok(Taken::default()))
    }

    fn restored(&self, database: Database) -> Result<()> {
        (self.0)(database)
    }
}

/// A code and why.
pub(super) type Refusal409 = (&'static str, String);

impl Vault {
    pub(super) fn new(state: Rc<State>, kind: PartKind, newest: usize) -> Self {
        let store = vault::Vault::new(Database::new(state.clone()));
        let (began_closed, is_leaving) = (OnceCell::new(), Cell::new(false));
        Self { state, kind, newest: newest as u64, store, began_closed, is_leaving }
    }

    /// Whether the object serves nobody.
    pub(super) fn is_closed(&self) -> Result<bool> {
        if self.is_leaving.get() {
            return Ok(true);
        }
        if let Some(began_closed) = self.began_closed.get() {
            return Ok(*began_closed);
        }
        let is_closed = self.store.restoring()?.is_some_and(|known| known.phase.is_closed());
        Ok(*self.began_closed.get_or_init(|| is_closed))
    }

    /// Answers what is about backups, and everything while the object is being restored.
    pub(super) async fn intercept(&self, request: &mut Request, own: &impl Own) -> Result<Option<Response>> {
        let (is_closed, path) = (self.is_closed()?, request.path());
        if self.is_leaving.get() {
            return refuse(503, Some(RETRY_AFTER_S), "this object begins anew").map(Some);
        }
        if request.method() == Method::Post && path.starts_with(ABOUT_BACKUPS) {
            return match path.as_str() {
                BEGIN => self.begin(request.json().await?).await.map(Some),
                LOAD => self.load(&request.bytes().await?).map(Some),
                END => self.end(&request.json().await?, own).await.map(Some),
                _ if is_closed => conflict("restoring", "the object is being restored").map(Some),
                TAKE => self.take(&request.json().await?, own).map(Some),
                PAGE => self.page(&request.json().await?).map(Some),
                DROP => self.drop_copies(&request.json().await?).map(Some),
                _ => Ok(None),
            };
        }
        match is_closed {
            true => refuse(503, Some(RETRY_AFTER_S), "this object is being restored").map(Some),
            false => Ok(None),
        }
    }

    /// May be repeated: the copies are made anew.
    fn take(&self, of: &Of, own: &impl Own) -> Result<Response> {
        let more = match own.taken(&of.backup)? {
            Ok(more) => more,
            Err((code, detail)) => return conflict(code, &detail),
        };
        let (schema, tables) = self.store.take(&of.backup)?;
        Response::from_json(&Taken { schema, tables, ..more })
    }

    fn page(&self, of: &PageOf) -> Result<Response> {
        if !self.store.has(&of.backup)? {
            return conflict("no_copy", "the object has no copy for this backup");
        }
        Response::from_bytes(self.store.page(&of.table, of.after)?.encode())
    }

    /// May be repeated. Copies of another backup stay.
    fn drop_copies(&self, of: &Of) -> Result<Response> {
        if self.store.has(&of.backup)? {
            self.store.drop_copies()?;
        }
        Response::empty()
    }

    /// May be repeated: see [`judge`].
    ///
    /// 1. That the object is closed is stored for good before its instance goes; the next one knows nothing of what was.
    /// 2. The next one drops the tables and makes those of the backup, in one transaction.
    async fn begin(&self, begin: Begin) -> Result<Response> {
        if begin.schema > self.newest {
            let (found, newest) = (begin.schema, self.newest);
            return conflict(
                "backup_version",
                &format!("its tables are of version {found}, {newest} is the last known"),
            );
        }
        let known = self.store.restoring()?;
        let is_empty = self.store.is_empty(self.kind.evidence())?;
        let step = Step::Begin { is_empty, overwrite: begin.overwrite };
        match judge(known.as_ref(), &begin.backup, step) {
            Err(refusal) => refused(&refusal),
            Ok(Verdict::Wipe) if self.began_closed.get() == Some(&true) => {
                self.store.wipe(&begin.backup, &begin.tables)?;
                Response::ok(WIPED)
            }
            Ok(Verdict::Close | Verdict::Wipe) => {
                self.store.note(&Restoring { backup: begin.backup, phase: Phase::Closing })?;
                self.leave().await?;
                Ok(Response::empty()?.with_status(202))
            }
            Ok(_) => Response::empty(),
        }
    }

    /// May be repeated: a page that is there is not taken again.
    fn load(&self, bytes: &[u8]) -> Result<Response> {
        let load = match Load::decode(bytes) {
            Ok(load) => load,
            Err(error) => return conflict("backup_damaged", &error.to_string()),
        };
        let known = self.store.restoring()?;
        match judge(known.as_ref(), &load.backup, Step::Load(load.index)) {
            Err(refusal) => return refused(&refusal),
            Ok(Verdict::Take) => self.store.load(&load.backup, load.index, &load.page)?,
            Ok(_) => {}
        }
        Response::empty()
    }

    /// May be repeated.
    ///
    /// 1. What is changed after a restore may be changed again.
    /// 2. The alarm is set before the object is open, so that nobody has to call it.
    /// 3. Whatever was in memory goes.
    async fn end(&self, end: &End, own: &impl Own) -> Result<Response> {
        let known = self.store.restoring()?;
        match judge(known.as_ref(), &end.backup, Step::End(end.pages)) {
            Err(refusal) => return refused(&refusal),
            Ok(Verdict::Finish) => {}
            Ok(_) => return Response::empty(),
        }
        if let Some((table, found)) = self.store.miscounted(&end.rows)?.first() {
            return conflict(
                "backup_damaged",
                &format!("the table {table} has {found} rows, which is wrong"),
            );
        }
        own.restored(Database::new(self.state.clone()))?;
        if matches!(self.kind, PartKind::Linker | PartKind::Ledger | PartKind::Jobs) {
            self.state.storage().set_alarm(WAKE).await?;
        }
        self.store.note(&Restoring { backup: end.backup.clone(), phase: Phase::Done })?;
        self.leave().await?;
        Response::empty()
    }

    /// Has the platform throw this instance away, once its answer is gone and everything is stored for good.
    async fn leave(&self) -> Result<()> {
        self.is_leaving.set(true);
        let stored = self.state.storage().as_raw().sync()?;
        JsFuture::from(stored).await?;
        // Not from here: it ends the script that calls it, and others wait in the same one.
        let raw: &JsValue = self.state.as_raw().as_ref();
        let abort: Function = Reflect::get(raw, &"abort".into()).map_err(Error::from)?.unchecked_into();
        let bind: Function = Reflect::get(&abort, &"bind".into()).map_err(Error::from)?.unchecked_into();
        let bound = bind.call2(&abort, raw, &"this object begins anew".into()).map_err(Error::from)?;
        let timer: Function =
            Reflect::get(&js_sys::global(), &"setTimeout".into()).map_err(Error::from)?.unchecked_into();
        let arguments = Array::of2(&bound, &JsValue::from_f64(LEAVE_MS));
        timer.apply(&JsValue::UNDEFINED, &arguments).map_err(Error::from)?;
        Ok(())
    }
}

fn refused(refusal: &Refusal) -> Result<Response> {
    conflict(refusal.code(), &refusal.to_string())
}

pub(super) fn conflict(code: &str, detail: &str) -> Result<Response> {
    let body = Refused { code: code.to_owned(), detail: detail.to_owned() };
    Ok(Response::from_json(&body)?.with_status(409))
}
