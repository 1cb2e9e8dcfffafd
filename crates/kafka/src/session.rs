//! A connection to a broker: which bytes to send, and what those that come mean.
//!
//! One request is under way at a time, so an answer that nobody asked for is an error.

use thiserror::Error;

use crate::message::{self, Api, Metadata};
use crate::octets::Malformed;
use crate::record::RecordBatch;
use crate::scram::{Hash, Proof, Scram};
use crate::settings::{Login, Mechanism};
use crate::verdict::{NONE, code_name};

/// The most bytes of an answer: the metadata of a topic with some ten thousand partitions.
const MAX_ANSWER_BYTES: usize = 1_000_000;
/// The most characters of what a broker says that are shown.
const SHOWN_CHARS: usize = 200;

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// The connection can be used.
    Ready,
    /// About the cluster and the topic.
    Metadata(Metadata),
    /// A number for a producer.
    Producer {
        /// What is the matter; 0: nothing.
        error: i16,
        /// Its id.
        id: i64,
        /// Its epoch.
        epoch: i16,
    },
    /// What became of a batch.
    Produced {
        /// What is the matter; 0: nothing.
        error: i16,
        /// Of its first record, where it was stored.
        offset: i64,
    },
}

/// Why a connection is of no use any more.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Broken {
    /// No answer as Kafka gives them.
    #[error("the broker's {api}: {why}")]
    Malformed {
        /// What was asked.
        api: &'static str,
        /// What is wrong with the answer.
        why: Malformed,
    },
    /// Longer than any answer that is asked for.
    #[error("an answer of {0} bytes, at most {MAX_ANSWER_BYTES} are read")]
    TooLong(i64),
    /// An answer that nobody asked for.
    #[error("an answer that nobody asked for")]
    Unasked,
    /// The broker is too old, or too new.
    #[error("the broker does not know {api} in version {version}")]
    Version {
        /// What it does not know.
        api: &'static str,
        /// In this version.
        version: i16,
    },
    /// The broker wants to be logged in to in another way.
    #[error("the broker does not know {wanted}, but {known:?}")]
    Mechanism {
        /// What was configured.
        wanted: &'static str,
        /// What the broker says it knows.
        known: Vec<String>,
    },
    /// Name or password are wrong, or the broker does not know the password.
    #[error("not logged in: {0}")]
    Login(String),
    /// The broker does not want to talk.
    #[error("the broker answered {api} by {}", code_name(*code))]
    Refused {
        /// What was asked.
        api: &'static str,
        /// Its code.
        code: i16,
    },
}

impl Broken {
    /// For machines.
    pub fn code(&self) -> &'static str {
        match self {
            Broken::Malformed { .. } | Broken::TooLong(_) | Broken::Unasked => "bad_answer",
            Broken::Version { .. } => "unsupported_version",
            Broken::Mechanism { .. } => "unsupported_mechanism",
            Broken::Login(_) => "authentication_failed",
            Broken::Refused { .. } => "refused",
        }
    }

    /// Whether it would be the same the next time.
    pub fn is_final(&self) -> bool {
        matches!(self, Broken::Version { .. } | Broken::Mechanism { .. } | Broken::Login(_))
    }
}

/// What is waited for.
#[derive(Debug, Clone)]
enum Waiting {
    Nothing,
    Versions,
    Handshake,
    Challenge(Scram),
    Proven(Option<Proof>),
    Metadata(String),
    Producer,
    Produced(String, i32),
}

/// How the session will log in.
#[derive(Debug, Clone)]
enum Password {
    Plain(Vec<u8>),
    Scram(Scram),
}

/// See the module.
pub struct Session {
    login: Option<(Mechanism, Password)>,
    waiting: Waiting,
    correlation: i32,
    output: Vec<u8>,
    input: Vec<u8>,
}

impl Session {
    /// Begins to talk; a login comes with a nonce: printable, without comma, new each time.
    pub fn new(login: Option<(&Login, &str)>) -> Self {
        let login = login.map(|(login, nonce)| {
            let scram = |hash| Password::Scram(Scram::new(hash, &login.username, &login.password, nonce));
            let password = match login.mechanism {
                Mechanism::Plain => {
                    Password::Plain(format!("\0{}\0{}", login.username, login.password).into_bytes())
                }
                Mechanism::ScramSha256 => scram(Hash::Sha256),
                Mechanism::ScramSha512 => scram(Hash::Sha512),
            };
            (login.mechanism, password)
        });
        let (input, output) = (Vec::new(), Vec::new());
        let mut session = Self { login, waiting: Waiting::Nothing, correlation: 0, output, input };
        session.ask(Api::Versions, &[], Waiting::Versions);
        session
    }

    /// What is to be sent, once.
    pub fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Takes bytes that came; `None`: more have to come, or what is to be sent now has to be sent first.
    pub fn input(&mut self, bytes: &[u8]) -> Result<Option<Told>, Broken> {
        self.input.extend_from_slice(bytes);
        while let Some(answer) = self.frame()? {
            if let Some(told) = self.answered(&answer)? {
                return Ok(Some(told));
            }
        }
        Ok(None)
    }

    /// Asks about the cluster and a topic.
    pub fn ask_metadata(&mut self, topic: &str) {
        self.ask(Api::Metadata, &message::metadata(topic), Waiting::Metadata(topic.to_owned()));
    }

    /// Asks for the number of a producer.
    pub fn ask_producer(&mut self) {
        self.ask(Api::InitProducerId, &message::init_producer_id(), Waiting::Producer);
    }

    /// Sends a batch, to be stored by all replicas that are in sync.
    pub fn produce(&mut self, topic: &str, partition: i32, batch: &RecordBatch) {
        let body = message::produce(topic, partition, &batch.encode());
        self.ask(Api::Produce, &body, Waiting::Produced(topic.to_owned(), partition));
    }

    fn ask(&mut self, api: Api, body: &[u8], waiting: Waiting) {
        self.correlation = self.correlation.wrapping_add(1);
        self.output.extend(api.frame(self.correlation, body));
        self.waiting = waiting;
    }

    /// The next whole answer, without its length.
    fn frame(&mut self) -> Result<Option<Vec<u8>>, Broken> {
        let Some(length) = self.input.first_chunk::<4>() else { return Ok(None) };
        let length = i32::from_be_bytes(*length);
        let size = usize::try_from(length).ok().filter(|size| *size <= MAX_ANSWER_BYTES);
        let size = size.ok_or(Broken::TooLong(i64::from(length)))?;
        if self.input.len() < 4 + size {
            return Ok(None);
        }
        let rest = self.input.split_off(4 + size);
        let frame = std::mem::replace(&mut self.input, rest);
        Ok(Some(frame[4..].to_vec()))
    }

    fn answered(&mut self, answer: &[u8]) -> Result<Option<Told>, Broken> {
        let waiting = std::mem::replace(&mut self.waiting, Waiting::Nothing);
        let Some((correlation, body)) = answer.split_first_chunk::<4>() else { return Err(Broken::Unasked) };
        if i32::from_be_bytes(*correlation) != self.correlation {
            return Err(Broken::Unasked);
        }
        let malformed = |api: Api| move |why| Broken::Malformed { api: api.name(), why };
        match waiting {
            Waiting::Nothing => Err(Broken::Unasked),
            Waiting::Versions => self.versions(body),
            Waiting::Handshake => self.shaken(body),
            Waiting::Challenge(scram) => {
                let token = authenticated(body)?;
                let answered = scram.answer(&token);
                let (proof, expected) = answered
                    .map_err(|_| Broken::Login("the broker's challenge makes no sense".to_owned()))?;
                let body = message::authenticate(proof.as_bytes());
                self.ask(Api::SaslAuthenticate, &body, Waiting::Proven(Some(expected)));
                Ok(None)
            }
            Waiting::Proven(expected) => {
                let token = authenticated(body)?;
                if expected.is_some_and(|proof| !proof.is_shown(&token)) {
                    return Err(Broken::Login("the broker does not know the password".to_owned()));
                }
                Ok(Some(Told::Ready))
            }
            Waiting::Metadata(topic) => {
                let metadata = message::read_metadata(body, &topic).map_err(malformed(Api::Metadata))?;
                Ok(Some(Told::Metadata(metadata)))
            }
            Waiting::Producer => {
                let read = message::read_init_producer_id(body).map_err(malformed(Api::InitProducerId))?;
                let (error, id, epoch) = read;
                Ok(Some(Told::Producer { error, id, epoch }))
            }
            Waiting::Produced(topic, partition) => {
                let read = message::read_produce(body, &topic, partition);
                let (error, offset) = read.map_err(malformed(Api::Produce))?;
                Ok(Some(Told::Produced { error, offset }))
            }
        }
    }

    fn versions(&mut self, body: &[u8]) -> Result<Option<Told>, Broken> {
        let read = message::read_versions(body);
        let api = Api::Versions.name();
        let (error, versions) = read.map_err(|why| Broken::Malformed { api, why })?;
        if error != NONE {
            return Err(Broken::Refused { api, code: error });
        }
        let knows = |api: &Api| {
            let is_it = |(key, min, max): &(i16, i16, i16)| {
                *key == api.key() && (*min..=*max).contains(&api.version())
            };
            versions.iter().any(is_it)
        };
        let login = self.login.as_ref().map(|_| [Api::SaslHandshake, Api::SaslAuthenticate]);
        let needed = Api::NEEDED.into_iter().chain(login.into_iter().flatten());
        if let Some(api) = needed.into_iter().find(|api| !knows(api)) {
            return Err(Broken::Version { api: api.name(), version: api.version() });
        }
        let Some((mechanism, _)) = &self.login else { return Ok(Some(Told::Ready)) };
        let body = message::handshake(mechanism.name());
        self.ask(Api::SaslHandshake, &body, Waiting::Handshake);
        Ok(None)
    }

    fn shaken(&mut self, body: &[u8]) -> Result<Option<Told>, Broken> {
        let api = Api::SaslHandshake.name();
        let (error, known) = message::read_handshake(body).map_err(|why| Broken::Malformed { api, why })?;
        let Some((mechanism, password)) = self.login.take() else { return Err(Broken::Unasked) };
        if error != NONE {
            let known = known.iter().take(8).map(|name| shown(name)).collect();
            return Err(Broken::Mechanism { wanted: mechanism.name(), known });
        }
        let (token, waiting) = match password {
            Password::Plain(token) => (token, Waiting::Proven(None)),
            Password::Scram(scram) => (scram.first().into_bytes(), Waiting::Challenge(scram)),
        };
        self.ask(Api::SaslAuthenticate, &message::authenticate(&token), waiting);
        Ok(None)
    }
}

/// The broker's part of logging in.
fn authenticated(body: &[u8]) -> Result<Vec<u8>, Broken> {
    let api = Api::SaslAuthenticate.name();
    match message::read_authenticate(body).map_err(|why| Broken::Malformed { api, why })? {
        (NONE, _, token) => Ok(token),
        (code, text, _) => {
            Err(Broken::Login(text.map_or_else(|| code_name(code).to_owned(), |text| shown(&text))))
        }
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS).collect()
}
