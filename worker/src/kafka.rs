//! A connection to Kafka: moves the bytes that `adtally_kafka` wants moved.

use std::future::Future;
use std::time::Duration;

use adtally_kafka::{
    Address, Broken, Metadata, RecordBatch, Session, Settings, SettingsError, SettingsText, Told,
};
use futures_util::future::{Either, select};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use worker::{Delay, Env, SecureTransport, Socket};

use crate::bindings::{
    KAFKA_BROKERS, KAFKA_MECHANISM, KAFKA_PASSWORD, KAFKA_SECURITY, KAFKA_TOPIC, KAFKA_USERNAME,
};
use crate::clock;

/// How long a broker may take to answer; it waits 20 s for its replicas.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a connection may take to be closed.
const CLOSING: Duration = Duration::from_secs(1);
/// What is read at once.
const CHUNK_BYTES: usize = 16_384;
/// Random bytes of a login's nonce.
const NONCE_BYTES: usize = 18;

/// Why nothing was sent, or nobody knows whether.
#[derive(Debug)]
pub(crate) struct Failure {
    /// For machines.
    pub(crate) code: &'static str,
    /// For people.
    pub(crate) detail: String,
    /// Whether it would be the same each time.
    pub(crate) is_final: bool,
}

/// A connection that is logged in.
pub(crate) struct Connection {
    address: Address,
    socket: Socket,
    session: Session,
}

/// What the deployment says; `None`: nothing goes to Kafka.
pub(crate) fn settings(env: &Env) -> Result<Option<Settings>, SettingsError> {
    let var = |name| env.var(name).map(|text| text.to_string()).unwrap_or_default();
    let secret = |name| env.secret(name).map(|text| text.to_string()).unwrap_or_default();
    Settings::read(&SettingsText {
        brokers: var(KAFKA_BROKERS),
        topic: var(KAFKA_TOPIC),
        security: var(KAFKA_SECURITY),
        mechanism: var(KAFKA_MECHANISM),
        username: secret(KAFKA_USERNAME),
        password: secret(KAFKA_PASSWORD),
    })
}

impl Failure {
    /// Something that may be better the next time.
    pub(crate) fn passing(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), is_final: false }
    }

    /// Something that somebody has to look at.
    pub(crate) fn last(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), is_final: true }
    }
}

impl Connection {
    /// Connects and logs in.
    pub(crate) async fn open(settings: &Settings, address: &Address) -> Result<Self, Failure> {
        let transport = if settings.uses_tls { SecureTransport::On } else { SecureTransport::Off };
        let socket = Socket::builder().secure_transport(transport).connect(&address.host, address.port);
        let socket = socket.map_err(|error| not_connected(address, &error))?;
        let nonce = clock::random::<NONCE_BYTES>()
            .map_err(|fault| Failure::passing("no_nonce", fault.to_string()))?;
        let nonce: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
        let session = Session::new(settings.login.as_ref().map(|login| (login, nonce.as_str())));
        let mut connection = Self { address: address.clone(), socket, session };
        let opened = async {
            connection.socket.opened().await.map(drop).map_err(|error| not_connected(address, &error))
        };
        in_time(address, opened).await?;
        match connection.exchange().await? {
            Told::Ready => Ok(connection),
            _ => Err(connection.unasked()),
        }
    }

    /// Where it leads.
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// About the cluster and a topic.
    pub(crate) async fn metadata(&mut self, topic: &str) -> Result<Metadata, Failure> {
        self.session.ask_metadata(topic);
        match self.exchange().await? {
            Told::Metadata(metadata) => Ok(metadata),
            _ => Err(self.unasked()),
        }
    }

    /// A number for a producer: error, id, epoch.
    pub(crate) async fn producer(&mut self) -> Result<(i16, i64, i16), Failure> {
        self.session.ask_producer();
        match self.exchange().await? {
            Told::Producer { error, id, epoch } => Ok((error, id, epoch)),
            _ => Err(self.unasked()),
        }
    }

    /// Sends a batch: error, and offset of its first record.
    pub(crate) async fn produce(
        &mut self,
        topic: &str,
        partition: i32,
        batch: &RecordBatch,
    ) -> Result<(i16, i64), Failure> {
        self.session.produce(topic, partition, batch);
        match self.exchange().await? {
            Told::Produced { error, offset } => Ok((error, offset)),
            _ => Err(self.unasked()),
        }
    }

    /// Ends it.
    pub(crate) async fn close(mut self) {
        let closing = Box::pin(self.socket.close());
        // Whether the broker hears it does not matter.
        drop(select(closing, Delay::from(CLOSING)).await);
    }

    async fn exchange(&mut self) -> Result<Told, Failure> {
        let Self { address, socket, session } = self;
        in_time(address, converse(address, socket, session)).await
    }

    fn unasked(&self) -> Failure {
        Failure::passing("bad_answer", format!("{} answered something else", self.address))
    }
}

/// Sends what is to be sent and reads until it is answered.
async fn converse(address: &Address, socket: &mut Socket, session: &mut Session) -> Result<Told, Failure> {
    let lost = |error: std::io::Error| Failure::passing("connection_lost", format!("{address}: {error}"));
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let output = session.output();
        if !output.is_empty() {
            socket.write_all(&output).await.map_err(lost)?;
            socket.flush().await.map_err(lost)?;
        }
        let read = socket.read(&mut chunk).await.map_err(lost)?;
        if read == 0 {
            return Err(Failure::passing("connection_lost", format!("{address} closed the connection")));
        }
        let told = session.input(&chunk[..read]).map_err(|broken: Broken| Failure {
            code: broken.code(),
            detail: format!("{address}: {broken}"),
            is_final: broken.is_final(),
        })?;
        if let Some(told) = told {
            return Ok(told);
        }
    }
}

async fn in_time<T>(
    address: &Address,
    asked: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match select(Box::pin(asked), Delay::from(PATIENCE)).await {
        Either::Left((answer, _)) => answer,
        Either::Right(_) => {
            Err(Failure::passing("no_answer", format!("{address} did not answer within {PATIENCE:?}")))
        }
    }
}

fn not_connected(address: &Address, error: &worker::Error) -> Failure {
    Failure::passing("not_connected", format!("{address}: {error}"))
}
