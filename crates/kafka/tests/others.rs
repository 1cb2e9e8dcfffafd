//! The same bytes as another implementation of the protocol, both ways.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use adtally_kafka::{
    Address, Broken, Broker, Login, Mechanism, Metadata, Partition, Record, RecordBatch, Session, Told,
};
use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, BrokerId, InitProducerIdRequest, InitProducerIdResponse,
    MetadataRequest, MetadataResponse, ProduceRequest, ProduceResponse, ProducerId, RequestHeader,
    ResponseHeader, SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest,
    SaslHandshakeResponse, TopicName,
};
use kafka_protocol::protocol::{Decodable, Encodable, StrBytes};
use kafka_protocol::records::RecordBatchDecoder;

/// A broker that reads and writes with the other implementation.
struct Peer {
    correlation: i32,
}

impl Peer {
    /// Reads a request of this kind, all of it.
    fn read<T: Decodable>(&mut self, bytes: &[u8], key: i16, version: i16) -> T {
        let mut bytes = Bytes::copy_from_slice(bytes);
        let length = i32::from_be_bytes(bytes.split_to(4).as_ref().try_into().unwrap());
        assert_eq!(usize::try_from(length).unwrap(), bytes.len());
        let header = RequestHeader::decode(&mut bytes, 1).unwrap();
        assert_eq!((header.request_api_key, header.request_api_version), (key, version));
        assert_eq!(header.client_id.unwrap().as_str(), "adtally");
        self.correlation = header.correlation_id;
        let request = T::decode(&mut bytes, version).unwrap();
        assert!(bytes.is_empty(), "{} bytes are left", bytes.len());
        request
    }

    fn write<T: Encodable>(&self, answer: &T, version: i16) -> Vec<u8> {
        let mut body = BytesMut::new();
        ResponseHeader::default().with_correlation_id(self.correlation).encode(&mut body, 0).unwrap();
        answer.encode(&mut body, version).unwrap();
        let mut frame = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
        frame.extend(body);
        frame
    }
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn topic() -> TopicName {
    TopicName(text("billing"))
}

fn versions() -> ApiVersionsResponse {
    let known = [(0, 3, 11), (3, 0, 12), (17, 0, 1), (18, 0, 4), (22, 0, 5), (36, 0, 2)];
    let known = known.map(|(key, min, max)| {
        ApiVersion::default().with_api_key(key).with_min_version(min).with_max_version(max)
    });
    ApiVersionsResponse::default().with_api_keys(known.to_vec())
}

/// A session that is ready, and its broker.
fn ready() -> (Session, Peer) {
    let (mut session, mut peer) = (Session::new(None), Peer { correlation: 0 });
    let _: ApiVersionsRequest = peer.read(&session.output(), 18, 0);
    assert_eq!(session.input(&peer.write(&versions(), 0)), Ok(Some(Told::Ready)));
    (session, peer)
}

#[test]
fn what_is_asked_about_the_cluster() {
    let (mut session, mut peer) = ready();
    session.ask_metadata("billing");
    let asked: MetadataRequest = peer.read(&session.output(), 3, 4);
    let topics: Vec<String> =
        asked.topics.unwrap().into_iter().map(|topic| topic.name.unwrap().to_string()).collect();
    assert_eq!((topics, asked.allow_auto_topic_creation), (vec!["billing".to_owned()], false));
    let partition = |id, leader| {
        MetadataResponsePartition::default()
            .with_partition_index(id)
            .with_leader_id(BrokerId(leader))
            .with_replica_nodes(vec![BrokerId(1), BrokerId(2)])
            .with_isr_nodes(vec![BrokerId(1)])
    };
    let answer = MetadataResponse::default()
        .with_cluster_id(Some(text("c1")))
        .with_brokers(vec![
            MetadataResponseBroker::default()
                .with_node_id(BrokerId(1))
                .with_host(text("one"))
                .with_port(9092),
            MetadataResponseBroker::default()
                .with_node_id(BrokerId(2))
                .with_host(text("two"))
                .with_port(65_535)
                .with_rack(Some(text("r"))),
        ])
        .with_topics(vec![
            MetadataResponseTopic::default()
                .with_name(Some(topic()))
                .with_partitions(vec![partition(1, 2), partition(0, 1).with_error_code(5)]),
        ]);
    let address = |host: &str, port| Address { host: host.to_owned(), port };
    let expected = Metadata {
        cluster: Some("c1".to_owned()),
        brokers: vec![
            Broker { id: 1, address: address("one", 9092) },
            Broker { id: 2, address: address("two", 65_535) },
        ],
        error: 0,
        partitions: vec![Partition { id: 0, error: 5, leader: 1 }, Partition { id: 1, error: 0, leader: 2 }],
    };
    assert_eq!(expected.leader(1), Some(&address("two", 65_535)));
    assert_eq!(session.input(&peer.write(&answer, 4)), Ok(Some(Told::Metadata(expected))));
}

#[test]
fn a_producer_and_its_batch() {
    let (mut session, mut peer) = ready();
    session.ask_producer();
    let asked: InitProducerIdRequest = peer.read(&session.output(), 22, 0);
    assert_eq!(asked.transactional_id, None);
    let answer = InitProducerIdResponse::default().with_producer_id(ProducerId(77)).with_producer_epoch(3);
    let told = Told::Producer { error: 0, id: 77, epoch: 3 };
    assert_eq!(session.input(&peer.write(&answer, 0)), Ok(Some(told)));

    let record = |n: usize| Record {
        key: format!("k{n}").into_bytes(),
        value: vec![b'v'; n],
        headers: vec![("id", n.to_string().into_bytes())],
    };
    let records: Vec<Record> = [0, 1, 70, 20_000].map(record).to_vec();
    let batch = RecordBatch {
        producer_id: 77,
        producer_epoch: 3,
        base_sequence: 41,
        timestamp_ms: 1_532_271_600_123,
        records: records.clone(),
    };
    session.produce("billing", 6, &batch);
    let asked: ProduceRequest = peer.read(&session.output(), 0, 3);
    assert_eq!((asked.acks, asked.transactional_id), (-1, None));
    let data = &asked.topic_data[0];
    assert_eq!((asked.topic_data.len(), &data.name, data.partition_data[0].index), (1, &topic(), 6));
    // This checks the checksum, too.
    let mut bytes = data.partition_data[0].records.clone().unwrap();
    let read = RecordBatchDecoder::decode(&mut bytes).unwrap().records;
    assert_eq!(read.len(), records.len());
    for (place, (read, sent)) in read.iter().zip(&records).enumerate() {
        assert_eq!((read.producer_id, read.producer_epoch, read.timestamp), (77, 3, 1_532_271_600_123));
        assert_eq!((read.sequence, read.offset), (41 + place as i32, place as i64));
        assert_eq!(read.key.as_deref(), Some(sent.key.as_slice()));
        assert_eq!(read.value.as_deref(), Some(sent.value.as_slice()));
        let headers: Vec<_> =
            read.headers.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        assert_eq!(headers, [("id", Some(Bytes::from(sent.headers[0].1.clone())))]);
        assert!(!read.transactional && !read.control);
    }
    let answer = ProduceResponse::default().with_responses(vec![
        TopicProduceResponse::default().with_name(topic()).with_partition_responses(vec![
            PartitionProduceResponse::default().with_index(6).with_error_code(45).with_base_offset(-1),
        ]),
    ]);
    let told = Told::Produced { error: 45, offset: -1 };
    // Byte by byte.
    let bytes = peer.write(&answer, 3);
    for byte in &bytes[..bytes.len() - 1] {
        assert_eq!(session.input(&[*byte]), Ok(None));
    }
    assert_eq!(session.input(&bytes[bytes.len() - 1..]), Ok(Some(told)));
    assert_eq!(session.input(&bytes), Err(Broken::Unasked));
}

fn login(mechanism: Mechanism) -> Login {
    Login { mechanism, username: "user".to_owned(), password: "pencil".to_owned() }
}

/// Goes up to the first token.
fn shaken(login: &Login) -> (Session, Peer, Vec<u8>) {
    let mut session = Session::new(Some((login, "rOprNGfwEbeRWgbNEkqO")));
    let mut peer = Peer { correlation: 0 };
    let _: ApiVersionsRequest = peer.read(&session.output(), 18, 0);
    assert_eq!(session.input(&peer.write(&versions(), 0)), Ok(None));
    let asked: SaslHandshakeRequest = peer.read(&session.output(), 17, 1);
    assert_eq!(asked.mechanism.as_str(), login.mechanism.name());
    assert_eq!(session.input(&peer.write(&SaslHandshakeResponse::default(), 1)), Ok(None));
    let token: SaslAuthenticateRequest = peer.read(&session.output(), 36, 0);
    (session, peer, token.auth_bytes.to_vec())
}

fn token(token: &'static str) -> SaslAuthenticateResponse {
    SaslAuthenticateResponse::default().with_auth_bytes(Bytes::from_static(token.as_bytes()))
}

#[test]
fn logging_in() {
    let (mut session, peer, sent) = shaken(&login(Mechanism::Plain));
    assert_eq!(sent, b"\0user\0pencil");
    assert_eq!(session.input(&peer.write(&token(""), 0)), Ok(Some(Told::Ready)));

    let (mut session, peer, _) = shaken(&login(Mechanism::Plain));
    let refused = token("").with_error_code(58).with_error_message(Some(text("wrong\n")));
    let broken = session.input(&peer.write(&refused, 0)).unwrap_err();
    assert_eq!((broken.code(), broken.is_final()), ("authentication_failed", true));
    assert_eq!(broken.to_string(), "not logged in: wrong");

    // The example of RFC 7677, and a broker that does not know the password.
    for (last, is_right) in [("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", true), ("v=AAAA", false)] {
        let (mut session, mut peer, sent) = shaken(&login(Mechanism::ScramSha256));
        assert_eq!(sent, b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let challenge =
            token("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        assert_eq!(session.input(&peer.write(&challenge, 0)), Ok(None));
        let proof: SaslAuthenticateRequest = peer.read(&session.output(), 36, 0);
        assert!(proof.auth_bytes.ends_with(b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
        let told = session.input(&peer.write(&token(last), 0));
        assert_eq!(told == Ok(Some(Told::Ready)), is_right, "{told:?}");
    }
}

#[test]
fn brokers_that_are_of_no_use() {
    let check = |known: Vec<ApiVersion>, login: Option<&Login>, expected: &str| {
        let mut session = Session::new(login.map(|login| (login, "nonce")));
        session.output();
        let peer = Peer { correlation: 1 };
        let answer = ApiVersionsResponse::default().with_api_keys(known);
        assert_eq!(session.input(&peer.write(&answer, 0)).unwrap_err().to_string(), expected);
    };
    let without = |key: i16| versions().api_keys.into_iter().filter(|api| api.api_key != key).collect();
    check(without(22), None, "the broker does not know InitProducerId in version 0");
    check(
        without(36),
        Some(&login(Mechanism::Plain)),
        "the broker does not know SaslAuthenticate in version 0",
    );
    let mut session = Session::new(None);
    session.output();
    assert_eq!(session.input(b"HTTP/1.1 400 Bad Request").unwrap_err().code(), "bad_answer");
}
