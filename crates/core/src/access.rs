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

    /// May the bearer change what belongs to `owner`?
    pub fn changes(&self, owner: &Owner) -> Result<(), Denied> {
        match self.role {
            Role::Admin if self.scope.covers(owner) => Ok(()),
            Role::Admin => Err(Denied::Scope),
            Role::Analyst | Role::Write => Err(Denied::Role),
        }
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
            assert_eq!(grant.changes(&owner), changes, "{role:?} {scope} changes {owner:?}");
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
    fn sending() {
        use crate::event::{Dims, EventRef, Extras, Kind, Screening};
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
            extras: Extras::default(),
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
