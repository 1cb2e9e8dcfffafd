//! The doors other than `/v1/events`: each reads what it knows and hands on drafts of events.

mod browser;
pub(super) mod elastic;
mod postback;
mod redirect;
mod trackers;

use worker::{Method, Response, ResponseBuilder};

use crate::call::Call;
use crate::limits;
use crate::problem::{Fault, Refusal};
use crate::route::DoorRoute;

/// A transparent GIF of one pixel: what an `<img>` expects.
const GIF: [u8; 43] =
    *b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00\x21\xf9\x04\x01\x00\x00\x00\x00\
\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// Answers at a door.
pub(super) async fn answer(route: &DoorRoute, call: &mut Call) -> Result<Response, Fault> {
    if route.is_for_browsers() && call.header("Authorization").is_none() {
        limits::by_address(call)?;
    }
    match (route, call.request.method()) {
        (DoorRoute::Pixel(kind), method) => browser::pixel(call, *kind, &method).await,
        (DoorRoute::Redirect, method) => redirect::follow(call, &method).await,
        (DoorRoute::Links, _) => redirect::sign(call).await,
        (DoorRoute::Postback, Method::Post) => postback::post(call).await,
        (DoorRoute::Postback, method) => postback::get(call, &method).await,
        (DoorRoute::Vast(event), method) => trackers::vast(call, event, &method).await,
        (DoorRoute::Prebid, _) => trackers::prebid(call).await,
        (DoorRoute::CloudEvents, _) => trackers::cloud_events(call).await,
        (DoorRoute::Otlp, _) => trackers::otlp(call).await,
        (DoorRoute::Snowplow, _) => trackers::snowplow_post(call).await,
        (DoorRoute::SnowplowPixel, method) => trackers::snowplow_pixel(call, &method).await,
        (DoorRoute::Elastic(route), _) => elastic::answer(call, route).await,
    }
}

/// A picture that says by its status and a header what is wrong.
pub(super) fn picture_of(refusal: Refusal) -> worker::Result<Response> {
    let response = gif(refusal.status, Some(refusal.code))?;
    if let Some((name, value)) = &refusal.header {
        response.headers().set(name, value)?;
    }
    Ok(response)
}

/// The pixel; `code` says what is wrong, if something is.
pub(super) fn gif(status: u16, code: Option<&str>) -> worker::Result<Response> {
    let mut builder = ResponseBuilder::new()
        .with_status(status)
        .with_header("Content-Type", "image/gif")?
        .with_header("Cache-Control", "no-store, no-cache, must-revalidate, private")?;
    if let Some(code) = code {
        builder = builder.with_header("X-Adtally-Code", code)?;
    }
    Ok(builder.fixed(GIF.to_vec()))
}
