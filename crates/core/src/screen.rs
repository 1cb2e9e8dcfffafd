//! Invalid traffic that arrival alone betrays: robots by their user agent, data centres by the owner of the network.
//!
//! Both are known by lists: built-in ones, which an operator may replace or extend at any time. An event that comes
//! from a person's browser directly is judged by what the request tells besides; one that a server sends says itself
//! whose it is, and the server's own user agent and address mean nothing.

mod agent;
mod entries;
mod fragments;
mod networks;

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

pub(crate) use self::agent::Agent;
pub use self::entries::{
    EntryFault, ListError, MAX_ENTRIES, MAX_ENTRY_CHARS, MAX_LIST_BYTES, MIN_FRAGMENT_CHARS,
};
use self::fragments::Fragments;
use self::networks::Networks;
use crate::event::Screening;
use crate::key::Key;

/// A list that operators keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ListName {
    /// Fragments of the user agents of robots.
    Bots,
    /// Networks of data centres: `AS64500`, address ranges, fragments of their owners' names.
    Datacenters,
}

impl ListName {
    /// Every list.
    pub const ALL: [ListName; 2] = [ListName::Bots, ListName::Datacenters];

    /// The name in paths and answers.
    pub fn name(self) -> &'static str {
        match self {
            ListName::Bots => "bots",
            ListName::Datacenters => "datacenters",
        }
    }

    /// The list of that name.
    pub fn parse(name: &str) -> Option<ListName> {
        ListName::ALL.into_iter().find(|list| list.name() == name)
    }

    /// The list that holds where no operator has written one.
    pub fn built_in(self) -> &'static str {
        match self {
            ListName::Bots => include_str!("screen/bots.txt"),
            ListName::Datacenters => include_str!("screen/datacenters.txt"),
        }
    }
}

/// Both lists, ready to be asked.
#[derive(Debug)]
pub struct Lists {
    bots: Fragments,
    networks: Networks,
}

/// The texts of lists; `None` stands for the built-in one.
#[derive(Debug, Clone, Copy, Default)]
pub struct ListTexts<'a> {
    /// Of robots.
    pub bots: Option<&'a str>,
    /// Of data centres.
    pub datacenters: Option<&'a str>,
}

impl Lists {
    /// Reads both lists.
    pub fn new(texts: ListTexts<'_>) -> Result<Self, ListError> {
        let bots = entries::read(texts.bots, ListName::Bots)?;
        let networks = entries::read(texts.datacenters, ListName::Datacenters)?;
        Ok(Self { bots: Fragments::new(bots.fragments), networks: Networks::new(networks) })
    }

    /// The lists where no operator has written one.
    pub fn built_in() -> &'static Arc<Lists> {
        #[expect(
            clippy::expect_used,
            reason = "the built-in lists are part of the program and read by its tests"
        )]
        static BUILT_IN: LazyLock<Arc<Lists>> =
            LazyLock::new(|| Arc::new(Lists::new(ListTexts::default()).expect("built-in lists are valid")));
        &BUILT_IN
    }

    fn is_bot(&self, user_agent: &str) -> bool {
        self.bots.are_in(user_agent)
    }
}

/// The text of a list as it was sent and how many entries it has, or what is wrong with it.
pub fn check(list: ListName, bytes: &[u8]) -> Result<(&str, usize), ListError> {
    let text = entries::text(bytes)?;
    Ok((text, entries::read(Some(text), list)?.count()))
}

/// What sent the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The browser of the person whom they are about.
    Browser,
    /// A program that reports on others.
    Server,
}

impl Sender {
    /// A browser is what sends as `navigator.sendBeacon` does: plain text, and a key in the address since it cannot
    /// send headers.
    pub fn of(content_type: &str, has_key_in_address: bool) -> Sender {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if has_key_in_address && essence.eq_ignore_ascii_case("text/plain") {
            Sender::Browser
        } else {
            Sender::Server
        }
    }
}

/// What a browser's request tells of the person.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Visitor {
    /// The header.
    pub user_agent: Option<String>,
    /// The address.
    pub ip: Option<String>,
    /// ISO 3166-1 alpha-2, by the address.
    pub country: Option<String>,
    /// The number of the network (autonomous system).
    pub asn: Option<u32>,
    /// The owner of the network.
    pub organization: Option<String>,
}

/// The lists, with what they say of the visitor, found once for all events of a request.
#[derive(Debug)]
pub(crate) struct Judge<'a> {
    lists: &'a Lists,
    /// Whether the visitor's user agent is that of a robot.
    bot: bool,
    /// Whether the visitor's network is a data centre's.
    network: bool,
    /// Whether the visitor's address lies in a data centre.
    address: bool,
    /// The visitor's country; empty if unknown.
    pub(crate) country: Key,
    /// What the visitor's user agent tells of the device; `None` where there is no visitor.
    agent: Option<Agent>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(lists: &'a Lists, visitor: Option<&Visitor>) -> Self {
        let Some(visitor) = visitor else {
            return Self {
                lists,
                bot: false,
                network: false,
                address: false,
                country: Key::empty(),
                agent: None,
            };
        };
        // The platform's words for "somewhere".
        let is_place = |country: &&str| !matches!(*country, "XX" | "T1");
        let country =
            visitor.country.as_deref().filter(is_place).and_then(|country| Key::parse(country).ok());
        Self {
            lists,
            bot: visitor.user_agent.as_deref().is_some_and(|agent| lists.is_bot(agent)),
            network: lists.networks.has(visitor.asn, visitor.organization.as_deref()),
            address: visitor.ip.as_deref().is_some_and(|ip| lists.has_address(ip)),
            country: country.unwrap_or_default(),
            agent: Some(visitor.user_agent.as_deref().map(Agent::of).unwrap_or_default()),
        }
    }

    /// What an event's own user agent tells of the device, or the visitor's where it has none; `None` for what servers send.
    pub(crate) fn agent(&self, user_agent: Option<&str>) -> Option<Agent> {
        let agent = self.agent?;
        Some(user_agent.filter(|text| !text.is_empty()).map_or(agent, Agent::of))
    }

    /// The verdict on an event with this user agent and address of its own; the visitor's stand in for what is absent.
    #[inline]
    pub(crate) fn screen(&self, user_agent: Option<&str>, ip: Option<&str>) -> Screening {
        let said = |text: &&str| !text.is_empty();
        if user_agent.filter(said).map_or(self.bot, |agent| self.lists.is_bot(agent)) {
            Screening::Bot
        } else if self.network || ip.filter(said).map_or(self.address, |ip| self.lists.has_address(ip)) {
            Screening::Datacenter
        } else {
            Screening::Clean
        }
    }
}

impl Lists {
    /// Whether a data centre has this address; what is no address is none of theirs.
    fn has_address(&self, ip: &str) -> bool {
        ip.trim().parse::<IpAddr>().is_ok_and(|ip| self.networks.has_address(ip))
    }
}

#[cfg(test)]
mod tests;
