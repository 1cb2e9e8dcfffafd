//! Access rules: who may read, change and collect what.
//!
//! Every rule answers "no" before anything is looked up, so that a refusal says nothing about what exists.

use thiserror::Error;

use crate::cell::Scope;
use crate::event::Event;
use crate::key::Key;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Reads and changes everything in its scope.
    Admin,
    /// Reads everything in its scope.
    Analyst,
    /// A write key: collects events, reads nothing.
    Write,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 3] = [Role::Admin, Role::Analyst, Role::Write];

    /// The name in API bodies.
    pub fn name(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Analyst => "analyst",
            Role::Write => "write",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// What a token entitles its bearer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What it is for.
    pub role: Role,
    /// Whose data it is about.
    pub scope: Scope,
}

/// Whose a thing is: who must be in scope to see or change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owner {
    /// The operators of the platform.
    Platform,
    /// One advertiser: itself, its campaigns, ads and events.
    Advertiser(Key),
    /// One publisher service: itself and its placements.
    Service(Key),
}

/// A side of the market, on which things are owned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Advertisers own campaigns, ads and events.
    Advertiser,
    /// Services own placements.
    Service,
}

/// Whose things a scope sees on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Owners {
    /// Everybody's.
    All,
    /// One owner's.
    One(Key),
    /// Nobody's.
    Nobody,
}

impl Owners {
    /// The owner that a caller means who named one or none; `None` stands for any.
    pub fn meant(self, named: Option<Key>) -> Result<Option<Key>, Denied> {
        match (self, named) {
            (Owners::All, named) => Ok(named),
            (Owners::One(own), None) => Ok(Some(own)),
            (Owners::One(own), Some(named)) if own == named => Ok(Some(own)),
            (Owners::One(_), Some(_)) | (Owners::Nobody, _) => Err(Denied::Scope),
        }
    }
}

/// Why a bearer may not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Denied {
    /// No token of this role may do it.
    #[error("a token of this role may not do this")]
    Role,
    /// It lies outside of the token's scope, whether it exists or not.
    #[error("outside of the token's scope")]
    Scope,
}

impl Scope {
    /// Whether what belongs to `owner` lies inside this scope.
    pub fn covers(&self, owner: &Owner) -> bool {
        match (self, owner) {
            (Scope::Platform, _) => true,
            (Scope::Advertiser(mine), Owner::Advertiser(theirs)) => mine == theirs,
            (Scope::Service(mine), Owner::Service(theirs)) => mine == theirs,
            _ => false,
        }
    }

    /// Whose things of `side` this scope sees.
    pub fn owners(&self, side: Side) -> Owners {
        match (self, side) {
            (Scope::Platform, _) => Owners::All,
            (Scope::Advertiser(key), Side::Advertiser) | (Scope::Service(key), Side::Service) => {
                Owners::One(key.clone())
            }
            (Scope::Advertiser(_), Side::Service) | (Scope::Service(_), Side::Advertiser) => Owners::Nobody,
        }
    }

    /// Who must be in scope to see this scope's reports.
    pub fn owner(&self) -> Owner {
        match self {
            Scope::Platform => Owner::Platform,
            Scope::Advertiser(key) => Owner::Advertiser(key.clone()),
            Scope::Service(key) => Owner::Service(key.clone()),
        }
    }
}

impl Grant {
    /// May the bearer read anything at all?
    pub fn reads(&self) -> Result<(), Denied> {
        match self.role {
            Role::Admin | Role::Analyst => Ok(()),
            Role::Write => Err(Denied::Role),
        }
    }

    /// May the bearer read what belongs to `owner`?
    pub fn reads_of(&self, owner: &Owner) -> Result<(), Denied> {
        self.reads()?;
        if self.scope.covers(owner) { Ok(()) } else { Err(Denied::Scope) }
    }

    /// May the bearer change anything at all?
    pub fn changes(&self) -> Result<(), Denied> {
        match self.role {
            Role::Admin => Ok(()),
            Role::Analyst | Role::Write => Err(Denied::Role),
        }
    }

    /// May the bearer change what belongs to `owner`?
    pub fn changes_of(&self, owner: &Owner) -> Result<(), Denied> {
        self.changes()?;
        if self.scope.covers(owner) { Ok(()) } else { Err(Denied::Scope) }
    }

    /// May the bearer send events at all?
    pub fn collects(&self) -> Result<(), Denied> {
        match self.role {
            Role::Write => Ok(()),
            Role::Admin | Role::Analyst => Err(Denied::Role),
        }
    }

    /// May the bearer send this event?
    ///
    /// A service's write key must name its service even where the event could inherit it: the parent that it
    /// would inherit from may be another service's.
    pub fn sends(&self, event: &Event) -> Result<(), Denied> {
        self.collects()?;
        let inside = match &self.scope {
            Scope::Platform => true,
            Scope::Advertiser(key) => &event.advertiser == key,
            Scope::Service(key) => &event.dims.service == key,
        };
        if inside { Ok(()) } else { Err(Denied::Scope) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    fn grant(role: Role, scope: &str) -> Grant {
        Grant { role, scope: Scope::parse(scope).unwrap() }
    }

    #[test]
    fn roles_by_name() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.name()), Some(role));
        }
        assert_eq!(Role::parse("root"), None);
    }

    #[test]
    fn reading_and_changing() {
        use Denied::{Role as R, Scope as S};
        fn check(
            role: Role,
            scope: &str,
            owner: Owner,
            reads: Result<(), Denied>,
            changes: Result<(), Denied>,
        ) {
            let grant = grant(role, scope);
            assert_eq!(grant.reads_of(&owner), reads, "{role:?} {scope} reads {owner:?}");
            assert_eq!(grant.changes_of(&owner), changes, "{role:?} {scope} changes {owner:?}");
        }
        let acme = || Owner::Advertiser(key("acme"));
        let globex = || Owner::Advertiser(key("globex"));
        let news = || Owner::Service(key("news"));
        for owner in [Owner::Platform, acme(), news()] {
            check(Role::Admin, "platform", owner.clone(), Ok(()), Ok(()));
            check(Role::Analyst, "platform", owner.clone(), Ok(()), Err(R));
            check(Role::Write, "platform", owner, Err(R), Err(R));
        }
        check(Role::Admin, "advertiser:acme", acme(), Ok(()), Ok(()));
        check(Role::Admin, "advertiser:acme", globex(), Err(S), Err(S));
        check(Role::Admin, "advertiser:acme", news(), Err(S), Err(S));
        check(Role::Admin, "advertiser:acme", Owner::Platform, Err(S), Err(S));
        check(Role::Analyst, "advertiser:acme", globex(), Err(S), Err(R));
        check(Role::Admin, "service:news", news(), Ok(()), Ok(()));
        check(Role::Admin, "service:acme", acme(), Err(S), Err(S));
        check(Role::Write, "service:news", news(), Err(R), Err(R));
    }

    #[test]
    fn owners() {
        fn check(scope: &str, side: Side, named: Option<&str>, expected: Result<Option<&str>, Denied>) {
            let owners = Scope::parse(scope).unwrap().owners(side);
            let meant = owners.meant(named.map(key));
            assert_eq!(meant, expected.map(|owner| owner.map(key)), "{scope} {side:?} {named:?}");
        }
        check("platform", Side::Advertiser, None, Ok(None));
        check("platform", Side::Service, Some("news"), Ok(Some("news")));
        check("advertiser:acme", Side::Advertiser, None, Ok(Some("acme")));
        check("advertiser:acme", Side::Advertiser, Some("acme"), Ok(Some("acme")));
        check("advertiser:acme", Side::Advertiser, Some("globex"), Err(Denied::Scope));
        check("advertiser:acme", Side::Service, None, Err(Denied::Scope));
        check("service:news", Side::Service, None, Ok(Some("news")));
        check("service:news", Side::Advertiser, Some("news"), Err(Denied::Scope));
    }

    #[test]
    fn sending() {
        use crate::event::{Dims, EventRef, Kind, Screening};
        use crate::key::EventId;
        use crate::time::EventTime;
        let event = |advertiser: &str, service: &str| Event {
            event: EventRef { kind: Kind::Click, id: EventId::parse("c1").unwrap() },
            at: EventTime(0),
            advertiser: key(advertiser),
            dims: Dims { service: key(service), ..Dims::default() },
            label: Key::empty(),
            user: None,
            impression: None,
            click: None,
            cost_micros: None,
            value_micros: 0,
            screening: Screening::Clean,
            extras: None,
        };
        let check = |role, scope, advertiser, service, expected| {
            assert_eq!(grant(role, scope).sends(&event(advertiser, service)), expected, "{role:?} {scope}");
        };
        check(Role::Write, "platform", "acme", "news", Ok(()));
        check(Role::Write, "advertiser:acme", "acme", "news", Ok(()));
        check(Role::Write, "advertiser:acme", "globex", "news", Err(Denied::Scope));
        check(Role::Write, "service:news", "acme", "news", Ok(()));
        check(Role::Write, "service:news", "acme", "", Err(Denied::Scope));
        check(Role::Admin, "platform", "acme", "news", Err(Denied::Role));
    }
}
