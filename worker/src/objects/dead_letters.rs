//! The DeadLetters object, of which there is one: messages that could not be processed, for somebody to look at.
//!
//! - It owns their texts, the last error of each, and how often each has died.
//! - Everything may be repeated: a letter is known by its id, and removing one that is gone changes nothing.
//! - It relies on nobody.

use std::cell::OnceCell;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;

use adtally_core::backup::PartKind;
use adtally_wire::billing::object::{LETTERS, PARK, REPLAYED, Replayed};
use adtally_wire::object::USAGE;
use worker::{DurableObject, Env, Method, Request, Response, Result, State, durable_object};

use super::refuse;
use super::vault::{Plain, Vault};
use crate::storage::dead_letters::{LetterStore, VERSION};
use crate::storage::sql::Database;
use crate::usage;

/// See the module.
#[durable_object]
pub struct DeadLetters {
    state: AssertUnwindSafe<Rc<State>>,
    /// Opened by the first call: its tables are looked after once an instance.
    store: AssertUnwindSafe<OnceCell<LetterStore>>,
    vault: AssertUnwindSafe<Vault>,
}

impl DurableObject for DeadLetters {
    fn new(state: State, _env: Env) -> Self {
        let state = Rc::new(state);
        let vault = AssertUnwindSafe(Vault::new(state.clone(), PartKind::DeadLetters, VERSION));
        Self { state: AssertUnwindSafe(state), store: AssertUnwindSafe(OnceCell::new()), vault }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        usage::called();
        if let Some(answer) = self.vault.intercept(&mut request, &Plain(restored)).await? {
            return Ok(answer);
        }
        match (request.method(), request.path().as_str()) {
            (Method::Post, PARK) => {
                self.store()?.park(&request.json().await?)?;
                Response::empty()
            }
            (Method::Post, LETTERS) => Response::from_json(&self.store()?.list(&request.json().await?)?),
            (Method::Post, REPLAYED) => {
                let Replayed { done } = request.json().await?;
                self.store()?.remove(&done)?;
                Response::empty()
            }
            (Method::Get, USAGE) => usage::answer(),
            _ => refuse(404, None, "no such call"),
        }
    }
}

impl DeadLetters {
    fn store(&self) -> Result<LetterStore> {
        if let Some(store) = self.store.get() {
            return Ok(store.clone());
        }
        let store = LetterStore::open(Database::new(self.state.0.clone()))?;
        Ok(self.store.get_or_init(|| store).clone())
    }
}

fn restored(database: Database) -> Result<()> {
    LetterStore::open(database).map(drop)
}
