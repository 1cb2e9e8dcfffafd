//! `/v1/billing/kafka`: how far ledgers are in their topic. The platform's business, as brokers are.

use adtally_core::access::Owner;
use adtally_wire::billing::kafka::{KafkaAnswer, KafkaResume};
use adtally_wire::billing::object::{KAFKA, RESUME, Resume};
use adtally_wire::catalog::read;
use worker::Response;

use super::advertiser;
use crate::auth::authenticate;
use crate::call::{Call, MAX_JSON_BYTES, json};
use crate::problem::Fault;

/// `GET`: how far one is; a ledger that has something to deliver begins.
pub(in crate::routes) async fn show(call: &Call) -> Result<Response, Fault> {
    authenticate(call).await?.reads_of(&Owner::Platform)?;
    let advertiser = advertiser(call).await?;
    call.known_only(&["advertiser"])?;
    let answer: KafkaAnswer = call.bindings.ledgers.ask(&advertiser, KAFKA, &()).await?;
    json(200, &answer)
}

/// `POST .../resume`: goes on after a stop.
///
/// Repeating it changes nothing: a ledger that is not stopped is left as it is.
pub(in crate::routes) async fn resume(call: &mut Call) -> Result<Response, Fault> {
    authenticate(call).await?.changes_of(&Owner::Platform)?;
    let advertiser = advertiser(call).await?;
    call.known_only(&["advertiser"])?;
    let body = call.body(MAX_JSON_BYTES).await?;
    let wanted = if body.is_empty() { KafkaResume { unknown: None } } else { read(&body)? };
    let now: KafkaAnswer = call.bindings.ledgers.ask(&advertiser, KAFKA, &()).await?;
    if now.topic.is_none() {
        return Err(Fault::refused(409, "kafka_off", "nothing is configured to go to Kafka"));
    }
    let is_unknown = now.trouble.is_some_and(|trouble| trouble.code == "outcome_unknown");
    let sends_again = match wanted.unknown.as_deref() {
        None if is_unknown => {
            let detail = "nobody knows whether the batch is in the topic: look, then say again or skip";
            return Err(Fault::refused(422, "missing_unknown", detail));
        }
        None | Some("again") => true,
        Some("skip") => false,
        Some(other) => {
            let detail = format!("unknown {other:?} is neither again nor skip");
            return Err(Fault::refused(422, "invalid_unknown", detail));
        }
    };
    let answer: KafkaAnswer = call.bindings.ledgers.ask(&advertiser, RESUME, &Resume { sends_again }).await?;
    json(200, &answer)
}
