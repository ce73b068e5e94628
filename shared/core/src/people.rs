//! Roles whose sessions are named like people. They are one identity, unless the configuration says that somebody who
//! can be trusted sets the names: see [`KeepSessions`](crate::principal::KeepSessions).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::fact::{Fact, FactField};
use crate::principal::{IdentityKind, session_like_a_person};
use crate::text;

/// The most columns of a role's name: IAM lets it have 64 characters.
const ROLE: usize = 80;

/// A role, and how many of its sessions look like people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeopleRole {
    /// The role's name.
    pub role: String,
    /// How many sessions are named like people, all accounts together.
    pub sessions: usize,
}

impl PeopleRole {
    /// What was found, without the cure.
    #[must_use]
    pub fn what(&self) -> String {
        match self.sessions {
            1 => format!("{}: 1 session looks like a person", text::name(&self.role, ROLE)),
            sessions => format!("{}: {sessions} sessions look like people", text::name(&self.role, ROLE)),
        }
    }
}

/// With the cure, in one line.
impl fmt::Display for PeopleRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let them = if self.sessions == 1 { "it" } else { "them" };
        write!(formatter, "{}; if your identity provider sets {them}, add the role to keep_sessions", self.what())
    }
}

/// The roles of `principals` with such sessions, the most sessions first.
#[must_use]
pub fn find<'a>(principals: impl Iterator<Item = &'a str>) -> Vec<PeopleRole> {
    let mut roles: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (role, session) in principals.filter_map(session_like_a_person) {
        roles.entry(role).or_default().insert(session.to_lowercase());
    }
    let found =
        roles.into_iter().map(|(role, sessions)| PeopleRole { role: role.to_owned(), sessions: sessions.len() });
    let mut found: Vec<_> = found.collect();
    found.sort_by_key(|role| Reverse(role.sessions));
    found
}

/// The same of facts: roles whose sessions are kept apart are none of them.
#[must_use]
pub fn of_facts<'a>(facts: impl Iterator<Item = &'a Fact>) -> Vec<PeopleRole> {
    let is_role = |fact: &&Fact| fact.key.get(FactField::IdentityKind) == IdentityKind::Role.as_str();
    find(facts.filter(is_role).map(|fact| fact.key.get(FactField::Principal)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::fact;

    #[test]
    fn roles_are_told_by_how_many_of_their_sessions_look_like_people() {
        let of = |account: &str, role: &str, session: &str, kind: &str| {
            let arn = format!("arn:aws:sts::{account}:assumed-role/{role}/{session}");
            fact("2026-11-01", "1", &[("principal", &arn), ("identity_kind", kind)])
        };
        let facts = [
            of("111122223333", "One", "ana@example.com", "role"),
            of("111122223333", "Okta", "ana@example.com", "role"),
            of("444455556666", "Okta", "Ana@Example.com", "role"),
            of("444455556666", "Okta", "bo@example.com", "role"),
            of("444455556666", "Okta", "i-0abc", "role"),
            of("444455556666", "Kept", "bo@example.com", "federated"),
            of("444455556666", "AWSReservedSSO_Dev_0123456789abcdef", "bo@example.com", "sso"),
        ];
        let told: Vec<_> = of_facts(facts.iter()).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "Okta: 2 sessions look like people; if your identity provider sets them, add the role to keep_sessions",
                "One: 1 session looks like a person; if your identity provider sets it, add the role to keep_sessions",
            ]
        );
    }
}
