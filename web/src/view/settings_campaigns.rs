//! Campaigns and what they pay.

use adtally_core::cell::Scope;
use adtally_wire::api::Campaign;
use gloo_net::http::Method;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use serde::Deserialize;

use super::explore::catalog;
use super::settings::{Field, Listed, Outcome, Said, saved};
use crate::api::fetch::Fetch;
use crate::api::session::Session;
use crate::browser::t;
use crate::model::catalog::Currency;
use crate::model::edits::{hours_of, ms_of};
use crate::phrase::Phrase;
use crate::state::params::{Params, encode};

/// Micros of a unit of money.
const MICROS: i64 = 1_000_000;

#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Campaigns {
    campaigns: Vec<Campaign>,
}

/// The campaigns of an advertiser, and a form that makes or changes one.
#[component]
pub fn CampaignsCard(
    /// Whose.
    advertiser: String,
    /// Whether the reader is an admin.
    may_change: Memo<bool>,
) -> impl IntoView {
    let mut params = Params::default();
    params.push("advertiser", &advertiser);
    let address = params.after("/v1/campaigns");
    let list = Fetch::<Campaigns>::new(move || Some(address.clone()), || {});
    let draft = Draft::new();
    let row = move |campaign: Campaign| {
        let scope = Scope::parse(&format!("advertiser:{}", campaign.advertiser));
        let currency = scope.map(|scope| catalog().currency(&scope));
        let code = currency.as_ref().and_then(Currency::code).unwrap_or_default();
        let price =
            campaign.price_model.as_deref().map(|model| price_text(model, campaign.price_micros, code));
        let shown = if campaign.name.is_empty() { campaign.key.clone() } else { campaign.name.clone() };
        view! {
            <tr data-testid="campaign">
                <td><button type="button" class="value link" on:click=move |_| draft.edit(campaign.clone())>{shown}</button></td>
                <td>{price}</td>
            </tr>
        }
    };
    let rows = move || list.shown.get().map(|list| list.campaigns.into_iter().map(row).collect_view());
    view! {
        <section class="card" data-testid="campaigns">
            <div class="card-head"><h2>{t(Phrase::Campaigns)}</h2></div>
            <Listed list on_retry=Callback::new(move |()| list.retry()) is_empty=|list: &Campaigns| list.campaigns.is_empty()>
                <div class="table-scroll" tabindex="0" role="region" aria-label=t(Phrase::Campaigns)>
                    <table class="report-table">
                        <thead><tr>
                            <th scope="col"><span class="head-text">{t(Phrase::Campaign)}</span></th>
                            <th scope="col"><span class="head-text">{t(Phrase::Price)}</span></th>
                        </tr></thead>
                        <tbody>{rows}</tbody>
                    </table>
                </div>
            </Listed>
            <Form advertiser draft list may_change/>
        </section>
    }
}

/// What is paid for what: `CPM 2800 KRW`; prices are small, so that no digit of them is left out.
fn price_text(model: &str, price_micros: i64, code: &str) -> String {
    let text = format!("{} {} {code}", model.to_uppercase(), hours_of(price_micros, MICROS));
    text.trim_end().to_string()
}

/// What the form says.
#[derive(Clone, Copy)]
struct Draft {
    key: RwSignal<String>,
    name: RwSignal<String>,
    price: RwSignal<String>,
    model: RwSignal<String>,
    outcome: RwSignal<Outcome>,
}

impl Draft {
    fn new() -> Draft {
        let empty = || RwSignal::new(String::new());
        let outcome = RwSignal::new(Outcome::Open);
        Draft { key: empty(), name: empty(), price: empty(), model: empty(), outcome }
    }

    /// Takes up a campaign to change it.
    fn edit(self, campaign: Campaign) {
        self.key.set(campaign.key);
        self.name.set(campaign.name);
        self.model.set(campaign.price_model.unwrap_or_default());
        self.price.set(hours_of(campaign.price_micros, MICROS));
        self.outcome.set(Outcome::Open);
    }
}

#[component]
fn Form(advertiser: String, draft: Draft, list: Fetch<Campaigns>, may_change: Memo<bool>) -> impl IntoView {
    let session = Session::expect();
    let Draft { key, name, price, model, outcome } = draft;
    let owner = advertiser;
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let before = list.shown.get_untracked().map(|list| list.campaigns).unwrap_or_default();
        let before = before.into_iter().find(|campaign| campaign.key == *key.read_untracked());
        let body = Campaign {
            key: key.get_untracked(),
            advertiser: owner.clone(),
            name: name.get_untracked(),
            price_model: Some(model.get_untracked()).filter(|model| !model.is_empty()),
            price_micros: ms_of(&price.read_untracked(), MICROS).unwrap_or_default(),
            start: before.as_ref().and_then(|before| before.start.clone()),
            end: before.as_ref().and_then(|before| before.end.clone()),
            budget_micros: before.as_ref().and_then(|before| before.budget_micros),
        };
        let mut params = Params::default();
        params.push("advertiser", &owner);
        let address = params.after(&format!("/v1/campaigns/{}", encode(&body.key).replace('/', "%2F")));
        spawn_local(async move {
            let result = session.client.send::<Campaign>(Method::PUT, &address, &body).await;
            outcome.set(saved(result));
            list.retry();
        });
    };
    let models = ["cpm", "cpc", "cpa"].map(|name| {
        view! { <option value=name selected=move || model.get() == name>{name.to_uppercase()}</option> }
    });
    view! {
        <form class="card-body" on:submit=submit>
            <div class="form">
                <Field phrase=Phrase::Key test_id="campaign-key" value=key/>
                <Field phrase=Phrase::Name test_id="campaign-name" value=name/>
                <label class="stacked">
                    <span>{t(Phrase::PriceModel)}</span>
                    <select class="select" data-testid="price-model" on:change=move |event| model.set(event_target_value(&event))>
                        <option value="" selected=move || model.read().is_empty()>{t(Phrase::OwnCost)}</option>
                        {models}
                    </select>
                </label>
                <Field phrase=Phrase::Price test_id="price" value=price/>
                <button type="submit" class="button primary" data-testid="save-campaign" disabled=move || !may_change.get()>{t(Phrase::Save)}</button>
            </div>
            <Said outcome/>
        </form>
    }
}
