//! Members of a budget with a limit of their own.

use std::collections::BTreeMap;

use crate::bill::principal;
use crate::facts::dimension::Dimension;
use crate::facts::fact::FactField;
use crate::money::decimal::Decimal;

/// A member of a budget with a limit of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetOverride {
    /// The member, by its exact name; a person's in any case.
    pub member: String,
    /// Its limit, in the budget's currency, above zero.
    pub amount: Decimal,
}

/// The members of a budget with a limit of their own, each once. Thousands of them are looked up for every member and
/// window, so they are found by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    listed: Vec<BudgetOverride>,
    by_name: BTreeMap<String, usize>,
}

impl Overrides {
    /// Adds one. `each` is what the budget's members are. False if the member has one already, which then stays.
    pub fn add(&mut self, own: BudgetOverride, each: Option<&Dimension>) -> bool {
        let name = compared(&own.member, each);
        if self.by_name.contains_key(&name) {
            return false;
        }
        self.by_name.insert(name, self.listed.len());
        self.listed.push(own);
        true
    }

    /// The limit of a member, by the name that facts have of it.
    pub fn amount(&self, member: &str) -> Option<Decimal> {
        let own = self.by_name.get(member).and_then(|index| self.listed.get(*index))?;
        Some(own.amount)
    }

    /// In the order in which they were written.
    pub fn iter(&self) -> impl Iterator<Item = &BudgetOverride> {
        self.listed.iter()
    }

    pub fn len(&self) -> usize {
        self.listed.len()
    }

    pub fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }
}

/// The name that facts would have of a member: people are identities in lower case, however they are written.
pub fn compared(member: &str, each: Option<&Dimension>) -> String {
    let is_identity = each == Some(&Dimension::Field(FactField::Identity));
    if is_identity && principal::is_person(member) { member.to_lowercase() } else { member.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(member: &str) -> BudgetOverride {
        BudgetOverride { member: member.to_owned(), amount: Decimal::ONE }
    }

    #[test]
    fn people_are_compared_without_case_and_all_else_with_it() {
        let identity = Dimension::Field(FactField::Identity);
        let mut people = Overrides::default();
        assert!(people.add(own("Dana@Example.com"), Some(&identity)));
        assert!(!people.add(own("dana@example.com"), Some(&identity)), "one person has one limit");
        assert!(people.add(own("role/App@444455556666"), Some(&identity)));
        assert_eq!(people.amount("dana@example.com"), Some(Decimal::ONE));
        assert_eq!(people.amount("role/App@444455556666"), Some(Decimal::ONE));
        assert_eq!(people.amount("role/app@444455556666"), None);
        let mut teams = Overrides::default();
        let team = Dimension::Tag("iamPrincipal/team".to_owned());
        assert!(teams.add(own("Search"), Some(&team)) && teams.add(own("search"), Some(&team)));
        assert_eq!((teams.len(), teams.amount("SEARCH")), (2, None));
    }
}
