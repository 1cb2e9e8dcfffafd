//! Who is signed in, and what the catalog says to them.

use std::sync::Arc;

use adtally_core::access::Role;
use adtally_core::cell::Scope;
use adtally_wire::api::{Advertiser, Campaign, CatalogEntry, SessionInfo};
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Deserialize;
use wasm_bindgen::JsValue;

use super::client::{Client, read};
use super::failure::Failure;
use crate::model::catalog::Catalog;
use crate::model::entries::{Entries, list_address};

/// Who is looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// It is being asked.
    Checking,
    /// It could not be asked.
    Unknown(Failure),
    /// Nobody, and why.
    Nobody(SignedOut),
    /// Somebody with this role and scope.
    Somebody(Role, Scope),
}

/// Why nobody is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedOut {
    /// They have not signed in, or have signed out.
    Plain,
    /// Their session ended while they were here.
    Ended,
}

/// The session of this browser, in the context of every page.
#[derive(Clone, Copy)]
pub struct Session {
    /// Who is looking.
    pub who: RwSignal<Who>,
    /// Names, currencies and zones; `None` until they have been asked for.
    pub catalog: RwSignal<Option<Arc<Catalog>>>,
    /// The API.
    pub client: Client,
    lists: StoredValue<JsValue, LocalStorage>,
    /// Whose ads are called by their names: of one advertiser, because all there are may be very many.
    ads_of: StoredValue<Option<String>>,
}

/// What the API lists of the catalog, by the names that it gives the lists; one that it refuses is empty.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Lists {
    advertisers: Vec<Advertiser>,
    campaigns: Vec<Campaign>,
    services: Vec<CatalogEntry>,
    placements: Vec<CatalogEntry>,
    ads: Vec<CatalogEntry>,
}

impl Session {
    /// Not asked yet.
    pub fn new() -> Session {
        Session {
            who: RwSignal::new(Who::Checking),
            catalog: RwSignal::new(None),
            client: Client::new(),
            lists: StoredValue::new_local(JsValue::UNDEFINED),
            ads_of: StoredValue::new(None),
        }
    }

    /// The session of the page around.
    pub fn expect() -> Session {
        expect_context()
    }

    /// Asks the server who is signed in.
    pub fn check(self) {
        self.who.set(Who::Checking);
        spawn_local(async move {
            match self.client.session().await {
                Ok(info) => self.enter(&info),
                Err(failure) if failure.is_signed_out() => self.who.set(Who::Nobody(SignedOut::Plain)),
                Err(failure) => self.who.set(Who::Unknown(failure)),
            }
        });
    }

    /// Exchanges a token for a session.
    pub async fn sign_in(self, token: String) -> Result<(), Failure> {
        self.client.sign_in(token).await.map(|info| self.enter(&info))
    }

    /// Ends the session; when the server cannot be told, the person stays signed in and can try again.
    pub async fn sign_out(self) -> Result<(), Failure> {
        match self.client.sign_out().await {
            Err(failure) if !failure.is_signed_out() => Err(failure),
            _ => {
                self.leave(SignedOut::Plain);
                Ok(())
            }
        }
    }

    /// To be told of every failure: one of them means that the session has ended.
    pub fn notice(self, failure: &Failure) {
        if failure.is_signed_out() {
            self.leave(SignedOut::Ended);
        }
    }

    /// The scope of whoever is signed in.
    pub fn own_scope(self) -> Option<Scope> {
        match self.who.get() {
            Who::Somebody(_, scope) => Some(scope),
            Who::Checking | Who::Unknown(_) | Who::Nobody(_) => None,
        }
    }

    /// Nobody is signed in any more.
    pub fn leave(self, why: SignedOut) {
        self.client.forget();
        self.ads_of.set_value(None);
        self.lists.set_value(JsValue::UNDEFINED);
        self.catalog.set(None);
        self.who.set(Who::Nobody(why));
    }

    fn enter(self, info: &SessionInfo) {
        let (Some(role), Some(scope)) = (Role::parse(&info.role), Scope::parse(&info.scope)) else {
            let what = format!("role {} with scope {}", info.role, info.scope);
            return self.who.set(Who::Unknown(Failure::Unreadable(what)));
        };
        self.who.set(Who::Somebody(role, scope));
        self.load_catalog();
    }

    /// Asks for what of the catalog can be had: a page with keys instead of names is better than none.
    pub fn load_catalog(self) {
        spawn_local(async move {
            let client = self.client;
            let answers = futures::join!(
                client.value("/v1/advertisers"),
                client.value("/v1/campaigns"),
                client.value("/v1/services"),
                client.value("/v1/placements"),
            );
            self.add_lists([answers.0, answers.1, answers.2, answers.3].into_iter().flatten());
            self.load_ads().await;
        });
    }

    /// Calls the ads of an advertiser by their names, as soon as they are known.
    pub fn name_ads_of(self, advertiser: Option<String>) {
        let before = self.ads_of.get_value();
        if before == advertiser {
            return;
        }
        self.ads_of.set_value(advertiser);
        if self.catalog.with_untracked(Option::is_none) {
            // They are asked for once the rest is here: ads alone are no catalog.
            return;
        }
        if before.is_some() {
            // Ads of others may have the same keys.
            self.add_lists(js_sys::JSON::parse(r#"{"ads":[]}"#).ok());
        }
        spawn_local(self.load_ads());
    }

    async fn load_ads(self) {
        let Some(advertiser) = self.ads_of.get_value() else { return };
        let answer = self.client.value(&list_address(&Entries::Ads(advertiser.clone()))).await;
        // Somebody may be elsewhere by now.
        if self.ads_of.get_value() == Some(advertiser) {
            self.add_lists(answer.ok());
        }
    }

    /// Puts lists in the place of those of the same names.
    fn add_lists(self, lists: impl IntoIterator<Item = JsValue>) {
        let all = js_sys::Object::new();
        for list in std::iter::once(self.lists()).chain(lists) {
            js_sys::Object::assign(&all, &list.into());
        }
        self.take_lists(all.into());
    }

    /// The lists that the catalog was made of, for a page of a module of its own.
    pub fn lists(self) -> JsValue {
        self.lists.get_value()
    }

    /// Makes the catalog of lists, unless it was made of the same.
    pub fn take_lists(self, lists: JsValue) {
        if lists.is_undefined() || self.lists.with_value(|known| *known == lists) {
            return;
        }
        self.lists.set_value(lists.clone());
        let Lists { advertisers, campaigns, services, placements, ads } = read(lists).unwrap_or_default();
        let catalog = Catalog::new(advertisers, campaigns, services, placements).with_ads(ads);
        self.catalog.set(Some(Arc::new(catalog)));
    }
}

impl Default for Session {
    fn default() -> Self {
        Session::new()
    }
}
