//! From a request to its answer: find the route, answer it, dress the answer.

mod collect;
mod doors;
mod events;
mod rejected;
mod reports;
mod restatements;
mod segments;
mod sql;
mod trino;
mod kylin;
mod cubes;
mod live;
mod backups;
mod billing;
mod session;
mod tokens;
mod views;
mod view_exports;
mod erasures;
mod advertisers;
mod campaigns;
mod entries;
mod settings;
mod lists;
mod notebooks;
mod postbacks;
mod archive;
mod jobs;
mod operation;

use std::rc::Rc;

use adtally_core::telemetry::Figure;
use adtally_wire::object::REQUEST_ID;
use serde_json::json;
use worker::{Context, Env, Method, Request, Response, ResponseBuilder};

use crate::call::{API_HEADERS, Call, LAST_API_HEADER};
use crate::clock;
use crate::log;
use crate::problem::Fault;
use crate::route::Route;
use crate::telemetry;

/// The description of the API.
pub(crate) const OPENAPI: &str = include_str!("openapi.json");

/// Random bytes of a request id.
const REQUEST_ID_BYTES: usize = 8;

/// Answers a request; whatever goes wrong becomes a problem answer.
pub(crate) async fn answer(request: Request, env: &Env, context: &Rc<Context>) -> worker::Result<Response> {
    let (route, came) = (Route::of(&request.path()), clock::now());
    let id = request_id();
    let origin = request.headers().get("Origin").ok().flatten();
    let dress = Dress { route: route.clone(), id: &id, origin };
    let response = match dispatch(route.clone(), request, env, &id, context).await {
        Ok(response) => response,
        Err(fault) if dress.is_elastic() => doors::elastic::fault(&fault.into_refusal(&id))?,
        Err(fault) if dress.is_picture() => doors::picture_of(fault.into_refusal(&id))?,
        Err(fault) => fault.into_response(&id)?,
    };
    log::line(env, "request", || {
        let ms = clock::now().0 - came.0;
        json!({ "request": id, "route": format!("{route:?}"), "status": response.status_code(), "ms": ms })
    });
    telemetry::add(Figure::Requests, class(response.status_code()), 1);
    dress.on(response)
}

async fn dispatch(
    route: Route,
    request: Request,
    env: &Env,
    id: &str,
    context: &Rc<Context>,
) -> Result<Response, Fault> {
    let method = request.method();
    if route == Route::Unknown {
        let detail = format!("there is nothing at {}", request.path());
        return Err(Fault::refused(404, "not_found", detail));
    }
    if !route.methods().contains(&method) {
        return Err(Fault::method_not_allowed(method.as_ref(), route.allow()));
    }
    match &route {
        Route::Health => operation::health(env).await,
        Route::Metrics => operation::metrics(request, env, id, context).await,
        Route::OpenApi => openapi(),
        Route::Events | Route::Door(_) if method == Method::Options => collect::preflight(&route.allow()),
        Route::Figures => operation::figures(&Call::new(request, env, id, context)?, env).await,
        _ => answer_call(route, Call::new(request, env, id, context)?).await,
    }
}

/// Answers what needs the bindings.
async fn answer_call(route: Route, mut call: Call) -> Result<Response, Fault> {
    match (route, call.method()) {
        (Route::Page, _) => page(call).await,
        (Route::Session, _) => session::answer(&mut call).await,
        (Route::Tokens, Method::Post) => tokens::create(&mut call).await,
        (Route::Tokens, _) => tokens::list(&call).await,
        (Route::Token(id), _) => tokens::delete(&call, &id).await,
        (Route::Views, _) => views::list(&call).await,
        (Route::View(name), _) => views::one(&mut call, &name).await,
        (Route::ViewExport(name), _) => view_exports::answer(&mut call, &name).await,
        (Route::ViewExportFile(name), _) => view_exports::file(&call, &name).await,
        (Route::Erasures, _) => erasures::answer(&mut call).await,
        (Route::Backups(route), _) => backups::answer(&mut call, route).await,
        (Route::Erasure(id), _) => erasures::show(&call, &id).await,
        (Route::Advertisers, _) => advertisers::list(&call).await,
        (Route::Advertiser(key), Method::Put) => advertisers::put(&mut call, &key).await,
        (Route::Advertiser(key), _) => advertisers::get(&call, &key).await,
        (Route::Campaigns, _) => campaigns::list(&call).await,
        (Route::Campaign(key), Method::Put) => campaigns::put(&mut call, &key).await,
        (Route::Campaign(key), _) => campaigns::get(&call, &key).await,
        (Route::Entries(kind), _) => entries::list(&call, kind).await,
        (Route::Entry(kind, key), Method::Put) => entries::put(&mut call, kind, &key).await,
        (Route::Entry(kind, key), _) => entries::get(&call, kind, &key).await,
        (Route::List(list), Method::Put) => lists::put(&mut call, list).await,
        (Route::List(list), Method::Delete) => lists::delete(&call, list).await,
        (Route::List(list), _) => lists::get(&call, list).await,
        (Route::Door(door), _) => doors::answer(&door, &mut call).await,
        (Route::Events, Method::Post) => collect::events(&mut call).await,
        (Route::Events, _) => events::list(&call).await,
        (Route::Rejected, _) => rejected::list(&call).await,
        (Route::RejectedReplay, _) => rejected::replay(&mut call).await,
        (Route::Event(id), _) => events::story(&call, &id).await,
        (Route::Reports, _) => reports::get(&call).await,
        (Route::Restatements, _) => restatements::get(&call).await,
        (Route::Segments, _) => segments::get(&call).await,
        (Route::Sql, _) => sql::query(&mut call).await,
        (Route::Notebooks, _) => notebooks::all(&mut call).await,
        (Route::Notebook(id), _) => notebooks::one(&mut call, &id).await,
        (Route::Statement, _) => trino::statement(&mut call).await,
        (Route::EndedStatement, _) => trino::ended(&call).await,
        (Route::Kylin(path), _) => kylin::call(&mut call, &path).await,
        (Route::Cubes(route), _) => cubes::answer(&mut call, route).await,
        (Route::Live, _) => live::open(&call).await,
        (Route::Billing, _) => billing::totals(&call).await,
        (Route::BillingEntries, _) => billing::entries(&call).await,
        (Route::BillingOutbox, _) => billing::outbox(&call).await,
        (Route::BillingDead, _) => billing::dead(&call).await,
        (Route::BillingReplay, _) => billing::replay(&mut call).await,
        (Route::BillingKafka, _) => billing::kafka::show(&call).await,
        (Route::BillingResume, _) => billing::kafka::resume(&mut call).await,
        (Route::Archive, _) => archive::list(&call).await,
        (Route::ArchiveFile(key), _) => archive::download(&call, &key).await,
        (Route::Jobs, Method::Post) => jobs::start(&mut call).await,
        (Route::Jobs, _) => jobs::list(&call).await,
        (Route::Postback(name), _) => postbacks::show(&call, &name).await,
        (Route::PostbackReplay(name), _) => postbacks::replay(&mut call, &name).await,
        (Route::Run(run), _) => jobs::show(&call, &run).await,
        (Route::RunRetry(run), _) => jobs::retry(&mut call, &run).await,
        (Route::RunCancel(run), _) => jobs::cancel(&call, &run).await,
        (Route::RunTask(run, task), _) => jobs::task(&call, &run, &task).await,
        (Route::WebhookKey, _) => jobs::webhook_key(&call).await,
        (Route::JobDefinitions, _) => jobs::definitions(&call).await,
        (Route::JobDefinition(name), Method::Put) => jobs::define(&mut call, &name).await,
        (Route::JobDefinition(name), Method::Delete) => jobs::forget(&call, &name).await,
        (Route::JobDefinition(name), _) => jobs::definition(&call, &name).await,
        (Route::Health | Route::Figures | Route::Metrics | Route::OpenApi | Route::Unknown, _) => {
            Err(Fault::Internal("a route was answered twice".to_owned()))
        }
    }
}

fn openapi() -> Result<Response, Fault> {
    let builder = ResponseBuilder::new().with_header("Content-Type", "application/json")?;
    let builder = builder.with_header("Cache-Control", "public, max-age=300")?;
    Ok(builder.fixed(OPENAPI.as_bytes().to_vec()))
}

/// The dashboard; in production the platform answers for it before this worker is asked.
async fn page(call: Call) -> Result<Response, Fault> {
    Ok(call.bindings.assets.fetch_request(call.request).await?)
}

/// The class of a status, as it is counted.
fn class(status: u16) -> &'static str {
    match status {
        0..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

fn request_id() -> String {
    let bytes = clock::random::<REQUEST_ID_BYTES>().unwrap_or_default();
    format!("{:016x}", u64::from_be_bytes(bytes))
}

/// The headers that answers wear.
struct Dress<'a> {
    route: Route,
    id: &'a str,
    /// Of the page that asks.
    origin: Option<String>,
}

impl Dress<'_> {
    fn is_picture(&self) -> bool {
        matches!(&self.route, Route::Door(door) if door.is_picture())
    }

    fn is_elastic(&self) -> bool {
        matches!(&self.route, Route::Door(door) if door.is_elastic())
    }

    fn takes_credentials(&self) -> bool {
        matches!(&self.route, Route::Door(door) if door.takes_credentials())
    }

    fn is_for_browsers(&self) -> bool {
        match &self.route {
            Route::Events => true,
            Route::Door(door) => door.is_for_browsers(),
            _ => false,
        }
    }

    fn on(&self, response: Response) -> worker::Result<Response> {
        // Headers of answers that come from objects or assets cannot be changed in place.
        let headers = response.headers().clone();
        headers.set(REQUEST_ID, self.id)?;
        // An answer that wears the last of them wears all.
        if self.route != Route::Page && !headers.has(LAST_API_HEADER)? {
            for (name, value) in API_HEADERS {
                if !headers.has(name)? {
                    headers.set(name, value)?;
                }
            }
        }
        if self.is_elastic() {
            // Without it clients take this for something else, and stop.
            headers.set("X-Elastic-Product", "Elasticsearch")?;
        }
        match &self.origin {
            Some(origin) if self.takes_credentials() => {
                headers.set("Access-Control-Allow-Origin", origin)?;
                headers.set("Access-Control-Allow-Credentials", "true")?;
            }
            _ if self.is_for_browsers() => headers.set("Access-Control-Allow-Origin", "*")?,
            _ => {}
        }
        Ok(response.with_headers(headers))
    }
}
