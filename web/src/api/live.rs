//! The live channel: a WebSocket that says when the figures of a scope have changed.

use adtally_core::cell::Scope;
use adtally_wire::api::LiveMessage;
use futures::StreamExt as _;
use futures::future::AbortHandle;
use gloo::events::EventListener;
use gloo::timers::callback::Timeout;
use gloo::timers::future::TimeoutFuture;
use gloo_net::websocket::Message;
use gloo_net::websocket::futures::WebSocket;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::backoff;
use super::client::from_json;
use super::throttle::{Decision, Throttle};
use crate::clock;
use crate::state::bench::Heard;
use crate::state::params::Params;

/// How the channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveState {
    /// Nobody follows anything.
    Off,
    /// It is being opened for the first time.
    Connecting,
    /// It is open.
    Live,
    /// It was lost and is opened again after a while.
    Waiting,
}

impl LiveState {
    /// For the page's markup.
    pub fn name(self) -> &'static str {
        match self {
            LiveState::Off => "off",
            LiveState::Connecting => "connecting",
            LiveState::Live => "live",
            LiveState::Waiting => "waiting",
        }
    }
}

impl LiveState {
    /// The state of that name.
    pub fn named(name: &str) -> LiveState {
        let all = [LiveState::Connecting, LiveState::Live, LiveState::Waiting];
        all.into_iter().find(|state| state.name() == name).unwrap_or(LiveState::Off)
    }
}

/// The live channel of the page, in the context of every page.
#[derive(Clone, Copy)]
pub struct Live {
    /// How the channel is.
    pub state: RwSignal<LiveState>,
    /// Counts up when reports should be asked for again: at most once a second, and not while nobody looks.
    pub tick: RwSignal<u32>,
    /// The newest message.
    pub newest: RwSignal<Option<LiveMessage>>,
    throttle: StoredValue<Throttle>,
    missed: StoredValue<bool>,
}

impl Live {
    /// Follows `scope`, and whatever it becomes; `None` follows nothing.
    pub fn follow(scope: impl Fn() -> Option<Scope> + Send + Sync + 'static) -> Live {
        let live = Live::off();
        let scope = Memo::new(move |_| scope());
        Effect::new(move |_| {
            live.newest.set(None);
            let Some(scope) = scope.get() else { return live.state.set(LiveState::Off) };
            let (stay_connected, handle) = futures::future::abortable(live.stay_connected(scope));
            spawn_local(async move {
                // Aborted or not, there is nothing left to do.
                let _ = stay_connected.await;
            });
            on_cleanup(move || AbortHandle::abort(&handle));
        });
        live.refresh_when_seen_again();
        live
    }

    /// Follows nothing: of a page that is told what somebody else's channel said.
    pub fn off() -> Live {
        Live {
            state: RwSignal::new(LiveState::Off),
            tick: RwSignal::new(0),
            newest: RwSignal::new(None),
            throttle: StoredValue::new(Throttle::default()),
            missed: StoredValue::new(false),
        }
    }

    /// Takes what was heard.
    pub fn hear(self, heard: Heard) {
        let state = LiveState::named(&heard.state);
        if self.state.get_untracked() != state {
            self.state.set(state);
        }
        if self.newest.with_untracked(|known| *known != heard.newest) {
            self.newest.set(heard.newest);
        }
        if self.tick.get_untracked() != heard.tick {
            self.tick.set(heard.tick);
        }
    }

    /// What it says, for a page that has no channel itself.
    pub fn heard(self) -> Heard {
        Heard { state: self.state.get().name().to_string(), tick: self.tick.get(), newest: self.newest.get() }
    }

    async fn stay_connected(self, scope: Scope) {
        let address = address(&scope);
        self.state.set(LiveState::Connecting);
        let mut attempt = 0;
        loop {
            if let Ok(mut socket) = WebSocket::open(&address) {
                while let Some(Ok(message)) = socket.next().await {
                    attempt = 0;
                    self.state.set(LiveState::Live);
                    self.received(message);
                }
            }
            self.state.set(LiveState::Waiting);
            TimeoutFuture::new(backoff::wait_ms(attempt, js_sys::Math::random())).await;
            attempt = attempt.saturating_add(1);
        }
    }

    fn received(self, message: Message) {
        let Message::Text(text) = message else { return };
        let Ok(message) = from_json::<LiveMessage>(&text) else { return };
        let known = self
            .newest
            .with_untracked(|newest| newest.as_ref().is_some_and(|old| old.version == message.version));
        if known {
            return;
        }
        self.newest.set(Some(message));
        let decision = self.throttle.try_update_value(|throttle| throttle.news(clock::now_ms()));
        match decision {
            Some(Decision::Now) => self.refresh(),
            Some(Decision::After(wait)) => {
                let later = move || {
                    self.throttle.try_update_value(|throttle| throttle.due(clock::now_ms()));
                    self.refresh();
                };
                Timeout::new(u32::try_from(wait).unwrap_or(u32::MAX), later).forget();
            }
            Some(Decision::Covered) | None => {}
        }
    }

    fn refresh(self) {
        if document().hidden() {
            self.missed.set_value(true);
        } else {
            self.tick.update(|count| *count = count.wrapping_add(1));
        }
    }

    fn refresh_when_seen_again(self) {
        let listener = EventListener::new(&document(), "visibilitychange", move |_| {
            if !document().hidden() && self.missed.try_get_value() == Some(true) {
                self.missed.set_value(false);
                self.refresh();
            }
        });
        let listener = StoredValue::new_local(Some(listener));
        on_cleanup(move || drop(listener.try_update_value(Option::take)));
    }
}

/// The absolute address: not every browser takes a relative one.
fn address(scope: &Scope) -> String {
    let location = window().location();
    let secure = location.protocol().is_ok_and(|protocol| protocol == "https:");
    let host = location.host().unwrap_or_default();
    let mut params = Params::default();
    params.push("scope", scope);
    params.after(&format!("{}://{host}/v1/live", if secure { "wss" } else { "ws" }))
}
