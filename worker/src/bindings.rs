//! Everything that the platform hands to this worker: each external name once, read in one place.

use std::cell::RefCell;
use std::rc::Rc;

use adtally_core::key::UserSalt;
use adtally_wire::jobs::webhook::WebhookKey;
use adtally_wire::link::LinkKeys;
use adtally_wire::session::SessionKey;
use adtally_wire::token::TokenHash;
use worker::{Bucket, D1Database, Env, Fetcher, ObjectNamespace};

use crate::jobs::Jobs;
use crate::ledgers::Ledgers;
use crate::problem::Fault;
use crate::quarantine::Quarantines;
use crate::reporters::Reports;
use crate::tasks::webhook_key;

/// Durable Object namespace: one Linker per advertiser and shard.
pub(crate) const LINKER: &str = "LINKER";
/// Durable Object namespace: one Report per scope.
pub(crate) const REPORT: &str = "REPORT";
/// Durable Object namespace: one Ledger per advertiser.
pub(crate) const LEDGER: &str = "LEDGER";
/// Durable Object namespace: the one DeadLetters object.
pub(crate) const DEAD_LETTERS: &str = "DEAD_LETTERS";
/// Durable Object namespace: the one Jobs object.
pub(crate) const JOBS: &str = "JOBS";
/// Queue: tasks that are to be done.
pub(crate) const TASKS: &str = "TASKS";
/// Durable Object namespace: one Quarantine per owner of rejected events.
pub(crate) const QUARANTINE: &str = "QUARANTINE";
/// Durable Object namespace: the one Telemetry object.
pub(crate) const TELEMETRY: &str = "TELEMETRY";
/// Queue: billing entries on their way from Linkers to ledgers.
pub(crate) const BILLING: &str = "BILLING";
/// D1 database: the catalog and the tokens.
pub(crate) const CATALOG: &str = "CATALOG";
/// R2 bucket: the archive of raw events, what the batch makes of it, and exports.
pub(crate) const STORE: &str = "STORE";
/// Static assets: the dashboard.
pub(crate) const ASSETS: &str = "ASSETS";
/// Variable: `allowed` where webhooks may go to private networks, as at home.
pub(crate) const PRIVATE_WEBHOOKS: &str = "PRIVATE_WEBHOOKS";
/// Variable: for how many days events are kept; 0 or absent: for ever.
pub(crate) const RAW_DAYS: &str = "RAW_DAYS";
/// Variable: `all` where requests are logged, and what became of them.
pub(crate) const LOG: &str = "LOG";
/// Variable: what this deployment is called where errors are shown.
pub(crate) const ENVIRONMENT: &str = "ENVIRONMENT";
/// Secret, optional: where errors are sent, a client key of Sentry: `https://key@host/project`.
pub(crate) const SENTRY_DSN: &str = "SENTRY_DSN";
/// Variable: brokers that billing goes to, `host:port,host:port`; empty: none.
pub(crate) const KAFKA_BROKERS: &str = "KAFKA_BROKERS";
/// Variable: the topic that billing goes to.
pub(crate) const KAFKA_TOPIC: &str = "KAFKA_TOPIC";
/// Variable: `plaintext`, `ssl`, `sasl_plaintext` or `sasl_ssl`.
pub(crate) const KAFKA_SECURITY: &str = "KAFKA_SECURITY";
/// Variable: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`.
pub(crate) const KAFKA_MECHANISM: &str = "KAFKA_MECHANISM";
/// Secret, optional: who logs in to the brokers.
pub(crate) const KAFKA_USERNAME: &str = "KAFKA_USERNAME";
/// Secret, optional: with what.
pub(crate) const KAFKA_PASSWORD: &str = "KAFKA_PASSWORD";
/// Secret: the token of the platform's operators.
pub(crate) const ADMIN_TOKEN: &str = "ADMIN_TOKEN";
/// Secret: the write key that may send events of every advertiser.
pub(crate) const WRITE_KEY: &str = "WRITE_KEY";
/// Secret: what user keys are hashed with.
pub(crate) const ID_SALT: &str = "ID_SALT";
/// Secret, optional: the keys that sign click links, `id:secret,id:secret`; the first signs.
pub(crate) const LINK_KEYS: &str = "LINK_KEYS";

/// Typed handles to the bindings, read once per isolate.
pub(crate) struct Bindings {
    /// Linker objects.
    pub(crate) linkers: ObjectNamespace,
    /// Report objects.
    pub(crate) reports: ObjectNamespace,
    /// Ledger objects and dead letters.
    pub(crate) ledgers: Ledgers,
    /// The Jobs object.
    pub(crate) jobs: Jobs,
    /// What webhooks are signed with.
    pub(crate) webhook_key: WebhookKey,
    /// Not every runtime has it.
    bucket: Option<Bucket>,
    /// Rejected events.
    pub(crate) quarantines: Quarantines,
    /// Catalog and tokens.
    pub(crate) catalog: D1Database,
    /// The dashboard.
    pub(crate) assets: Fetcher,
    /// What the secrets are used for.
    pub(crate) secrets: Secrets,
}

/// The deployment's secrets, each in the only form in which it is needed.
pub(crate) struct Secrets {
    /// Of the operators' token.
    pub(crate) admin: TokenHash,
    /// Of the platform's write key.
    pub(crate) write: TokenHash,
    /// Seals the cookies of browsers.
    pub(crate) session: SessionKey,
    /// Hashes user keys.
    pub(crate) salt: UserSalt,
    /// Where those are that few requests need.
    env: Env,
}

thread_local! {
    static READ: RefCell<Option<Rc<Bindings>>> = RefCell::default();
}

impl Bindings {
    /// Those of this isolate, of which each has one environment: looking at all of it, and making keys of secrets, would be
    /// a good part of what a request costs.
    pub(crate) fn of(env: &Env) -> Result<Rc<Self>, Fault> {
        if let Some(known) = READ.with_borrow(Clone::clone) {
            return Ok(known);
        }
        let read = Rc::new(Self::read(env)?);
        READ.set(Some(read.clone()));
        Ok(read)
    }

    /// Reads every binding; one that is missing is a fault of the deployment.
    fn read(env: &Env) -> Result<Self, Fault> {
        Ok(Self {
            linkers: env.durable_object(LINKER).map_err(|_| Fault::Misconfigured(LINKER))?,
            reports: env.durable_object(REPORT).map_err(|_| Fault::Misconfigured(REPORT))?,
            ledgers: Ledgers::read(env)?,
            quarantines: Quarantines::read(env)?,
            jobs: Jobs::read(env)?,
            webhook_key: webhook_key(env)?,
            bucket: env.bucket(STORE).ok(),
            catalog: Self::catalog_of(env)?,
            assets: env.assets(ASSETS).map_err(|_| Fault::Misconfigured(ASSETS))?,
            secrets: Secrets::read(env)?,
        })
    }

    /// The catalog alone.
    pub(crate) fn catalog_of(env: &Env) -> Result<D1Database, Fault> {
        env.d1(CATALOG).map_err(|_| Fault::Misconfigured(CATALOG))
    }

    /// Where cells are.
    pub(crate) fn cells(&self) -> Reports<'_> {
        Reports { namespace: &self.reports, bucket: self.bucket.as_ref() }
    }

    /// Where bindings are read that few requests need.
    pub(crate) fn env(&self) -> &Env {
        &self.secrets.env
    }

    /// The archive of raw events.
    pub(crate) fn store(&self) -> Result<&Bucket, Fault> {
        self.bucket.as_ref().ok_or(Fault::Misconfigured(STORE))
    }
}

impl Secrets {
    /// The keys of click links.
    pub(crate) fn links(&self) -> Result<LinkKeys, Fault> {
        let configured = self.env.secret(LINK_KEYS).ok().map(|keys| keys.to_string());
        let keys = LinkKeys::read(configured.as_deref(), &secret(&self.env, ID_SALT)?);
        keys.ok_or(Fault::Misconfigured(LINK_KEYS))
    }

    /// What user keys are hashed with, as it was set.
    pub(crate) fn salt_text(&self) -> Result<String, Fault> {
        secret(&self.env, ID_SALT)
    }

    fn read(env: &Env) -> Result<Self, Fault> {
        let admin = secret(env, ADMIN_TOKEN)?;
        let salt = secret(env, ID_SALT)?;
        Ok(Self {
            admin: TokenHash::of(&admin),
            write: TokenHash::of(&secret(env, WRITE_KEY)?),
            session: SessionKey::derive(&admin, &salt),
            salt: UserSalt::new(salt.as_bytes()),
            env: env.clone(),
        })
    }
}

/// An empty secret would let everybody in who sends an empty token.
fn secret(env: &Env, name: &'static str) -> Result<String, Fault> {
    let text = env.secret(name).map_err(|_| Fault::Misconfigured(name))?.to_string();
    if text.is_empty() { Err(Fault::Misconfigured(name)) } else { Ok(text) }
}
