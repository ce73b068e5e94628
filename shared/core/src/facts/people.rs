//! Roles of people: those that a person's spend came through, and those whose sessions are only named like people. The
//! latter are one identity, unless the configuration says that somebody who can be trusted sets the names: see
//! [`KeepSessions`](crate::bill::principal::KeepSessions).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::bill::principal::{IdentityKind, role_of, session_like_a_person};
use crate::facts::dimension::Dimension;
use crate::facts::fact::{Fact, FactField};
use crate::facts::folding;
use crate::facts::grouping::{distinct, spend_by};
use crate::facts::spend::CostPolicy;
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::text::{self, columns};

/// The roles that a person's spend came through, as `NAME@ACCOUNT`, the most spend first. Whoever may enter one of them
/// under the person's name spends as the person: so they are named wherever a person is told of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles(Vec<String>);

impl Roles {
    /// The roles of the sessions of one identity. Callers of a kind that is no person have none: their name says what they
    /// are.
    pub fn of<'a>(
        kind: IdentityKind,
        sessions: impl Iterator<Item = (&'a str, Decimal)>,
    ) -> Result<Self, SumOutOfRange> {
        let mut spends: BTreeMap<String, Decimal> = BTreeMap::new();
        for (principal, spent) in sessions.filter(|_| kind.is_person()) {
            if let Some(role) = role_of(principal) {
                let sum = spends.entry(role).or_default();
                *sum = sum.checked_add(spent).ok_or(SumOutOfRange)?;
            }
        }
        let mut roles: Vec<_> = spends.into_iter().collect();
        roles.sort_by_key(|(_, spent)| Reverse(*spent));
        Ok(Self(roles.into_iter().map(|(role, _)| role).collect()))
    }

    /// The roles of each person in `facts`, by identity.
    pub fn of_people<'a>(
        facts: impl Iterator<Item = Fact<'a>>,
        policy: &CostPolicy,
    ) -> Result<BTreeMap<&'a str, Self>, SumOutOfRange> {
        let by = [FactField::Identity, FactField::IdentityKind, FactField::Principal].map(Dimension::Field);
        let sessions = spend_by(facts, policy, &by)?;
        let mut people: BTreeMap<(&str, IdentityKind), Vec<(&str, Decimal)>> = BTreeMap::new();
        for (fact, spent) in sessions {
            let kind = IdentityKind::of(fact.get(FactField::IdentityKind));
            if kind.is_person() {
                let sessions = people.entry((fact.get(FactField::Identity), kind)).or_default();
                sessions.push((fact.get(FactField::Principal), spent));
            }
        }
        let of = |((identity, kind), sessions): ((&'a str, _), Vec<_>)| {
            Ok((identity, Self::of(kind, sessions.into_iter())?))
        };
        people.into_iter().map(of).collect()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As many as have room in `width` columns, the first in any case, and how many more there are.
    pub fn within(&self, width: usize) -> String {
        let text_of = |named: usize| {
            let names: Vec<_> = self.iter().take(named).map(|role| text::name(role, LONGEST)).collect();
            let more = match self.0.len().saturating_sub(named) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{}{more}", names.join(", "))
        };
        let fitting = (1..=self.0.len()).rev().map(text_of).find(|text| columns(text) <= width);
        fitting.unwrap_or_else(|| text_of(1))
    }

    /// All of them, the most spend first.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// The longest name: IAM names have at most 64 characters, and behind them stands the account.
/// Source: IAM user guide, "IAM and AWS STS quotas".
const LONGEST: usize = 64 + 1 + 12;

/// The most columns of a role's name: IAM lets it have 64 characters.
const ROLE: usize = 80;

/// A role, and how many of its sessions look like people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeopleRole {
    /// The role's name.
    pub role: String,
    /// How many sessions are named like people, all accounts together.
    pub sessions: usize,
    /// Whether there can be further ones: of a role with very many facts keep the largest apart.
    pub can_be_more: bool,
}

impl PeopleRole {
    /// What was found, without the cure.
    pub fn what(&self) -> String {
        match (self.sessions, self.can_be_more) {
            (1, false) => format!("{}: 1 session looks like a person", text::name(&self.role, ROLE)),
            (sessions, false) => format!("{}: {sessions} sessions look like people", text::name(&self.role, ROLE)),
            (sessions, true) => {
                format!("{}: {sessions} or more sessions look like people", text::name(&self.role, ROLE))
            }
        }
    }
}

/// With the cure, in one line.
impl fmt::Display for PeopleRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let them = if self.sessions == 1 && !self.can_be_more { "it" } else { "them" };
        write!(formatter, "{}; if your identity provider sets {them}, add the role to keep_sessions", self.what())
    }
}

/// The roles of `principals` with such sessions, the most sessions first.
pub fn find<'a>(principals: impl Iterator<Item = &'a str>) -> Vec<PeopleRole> {
    let mut roles: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut folded: BTreeSet<&str> = BTreeSet::new();
    for principal in principals {
        folded.extend(folding::role_of_other_session(principal));
        if let Some((role, session)) = session_like_a_person(principal) {
            roles.entry(role).or_default().insert(session.to_lowercase());
        }
    }
    let of_role = |(role, sessions): (&str, BTreeSet<String>)| PeopleRole {
        role: role.to_owned(),
        sessions: sessions.len(),
        can_be_more: folded.contains(role),
    };
    let mut found: Vec<_> = roles.into_iter().map(of_role).collect();
    found.sort_by_key(|role| Reverse(role.sessions));
    found
}

/// The same of facts: roles whose sessions are kept apart are none of them.
pub fn of_facts<'a>(facts: impl Iterator<Item = Fact<'a>>) -> Vec<PeopleRole> {
    let is_role = |fact: &Fact<'_>| fact.get(FactField::IdentityKind) == IdentityKind::Role.as_str();
    let principals: BTreeSet<&str> = distinct(facts.filter(is_role), FactField::Principal).into_iter().collect();
    find(principals.into_iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{FactRow, fact, table};

    #[test]
    fn a_persons_roles_are_named_by_what_was_spent_through_them() {
        let of = |account: &str, role: &str, cost: &str| {
            let arn = format!("arn:aws:sts::{account}:assumed-role/{role}/dana@example.com");
            let fields =
                [("principal", arn.as_str()), ("identity", "dana@example.com"), ("identity_kind", "federated")];
            fact("2026-11-01", cost, &fields)
        };
        let mut facts = vec![
            of("111122223333", "Okta", "1"),
            of("444455556666", "Okta", "2"),
            of("111122223333", "Okta", "2"),
            fact(
                "2026-11-01",
                "9",
                &[("principal", &role("Any")), ("identity", "role/Any@1"), ("identity_kind", "role")],
            ),
        ];
        let told = |facts: &[FactRow]| {
            let facts = table(facts);
            let people = Roles::of_people(facts.rows(), &CostPolicy::default()).unwrap();
            people.into_iter().map(|(identity, roles)| format!("{identity}: {}", roles.within(70))).collect::<Vec<_>>()
        };
        assert_eq!(told(&facts), ["dana@example.com: Okta@111122223333, Okta@444455556666"]);
        facts.extend(["A", "B", "C"].map(|role| of("111122223333", role, "0.5")));
        assert_eq!(told(&facts), ["dana@example.com: Okta@111122223333, Okta@444455556666, A@111122223333 and 2 more"]);
    }

    fn role(name: &str) -> String {
        format!("arn:aws:sts::111122223333:assumed-role/{name}/x")
    }

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
            of("444455556666", "Many", "cyd@example.com", "role"),
            of("444455556666", "Many", "(other)", "role"),
        ];
        let told: Vec<_> = of_facts(table(&facts).rows()).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "Okta: 2 sessions look like people; if your identity provider sets them, add the role to keep_sessions",
                "Many: 1 or more sessions look like people; if your identity provider sets them, add the role to keep_sessions",
                "One: 1 session looks like a person; if your identity provider sets it, add the role to keep_sessions",
            ]
        );
    }
}
