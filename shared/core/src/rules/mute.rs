//! Mutes: what is not to be sent for a while, and why.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use wildmatch::WildMatch;

use crate::bill::principal;
use crate::facts::dimension::Dimension;
use crate::facts::fact::FactField;

/// What is not to be sent for a while. It is known all the same, and told when the mute ends if it is still true.
#[derive(Clone, Debug, PartialEq)]
pub struct Mute {
    pub rule: String,
    /// Which of its members: a glob over the whole name. `*` is all, also where there are no members. A glob that is
    /// written like a person's name is about people alone.
    pub member: String,
    /// The first day (UTC) on which messages are sent again.
    pub until: NaiveDate,
    /// Why, for people.
    pub reason: String,
}

impl Mute {
    /// Whether it withholds messages at `now`.
    pub fn is_in_force(&self, now: DateTime<Utc>) -> bool {
        now < self.end()
    }

    /// From when on messages are sent again.
    pub fn end(&self) -> DateTime<Utc> {
        self.until.and_time(NaiveTime::MIN).and_utc()
    }

    /// Whether it is about a member of a rule; `each` is what the rule's members are.
    pub fn matches(&self, rule: &str, each: Option<&Dimension>, member: Option<&str>) -> bool {
        let is_named = |name: &str| {
            let is_kind = each != Some(&Dimension::Field(FactField::Identity))
                || !is_about_people(&self.member)
                || principal::is_person(name);
            is_kind && WildMatch::new(&self.member).matches(name)
        };
        self.rule == rule && (self.member == "*" || member.is_some_and(is_named))
    }
}

/// Whether a glob over identities is written like a person's name. Names of other kinds begin with what they are, and
/// end with an account; whoever may name a session or a user could else choose one that a mute of people catches.
fn is_about_people(glob: &str) -> bool {
    let account = glob.rsplit_once('@').map(|(_, account)| account);
    let ends_with_account =
        account.is_some_and(|account| account.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b'?')));
    principal::is_person(glob) && !ends_with_account
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mute_ends_with_the_first_instant_of_its_day() {
        let until = "2026-12-01".parse().unwrap();
        let mute = Mute { rule: "search".to_owned(), member: "d*".to_owned(), until, reason: "load test".to_owned() };
        assert!(mute.is_in_force("2026-11-30T23:59:59Z".parse().unwrap()));
        assert!(!mute.is_in_force("2026-12-01T00:00:00Z".parse().unwrap()));
        assert!(mute.matches("search", None, Some("dana")) && !mute.matches("search", None, Some("erin")));
        assert!(!mute.matches("other", None, Some("dana")) && !mute.matches("search", None, None));
        assert!(Mute { member: "*".to_owned(), ..mute }.matches("search", None, None));
    }

    #[test]
    fn a_mute_of_people_is_of_nobody_who_calls_himself_so() {
        let identity = Dimension::Field(FactField::Identity);
        let mutes = |glob: &str, member: &str| {
            let until = "2026-12-01".parse().unwrap();
            let mute = Mute { rule: "r".to_owned(), member: glob.to_owned(), until, reason: String::new() };
            mute.matches("r", Some(&identity), Some(member))
        };
        let dana = "dana@example.com";
        let others = ["user/dana@example.com@111122223333", "federated/dana@example.com@111122223333", "unknown/dana"];
        for glob in [dana, "dana*", "*dana*", "?ana@*.com"] {
            assert!(mutes(glob, dana), "{glob}");
            assert!(others.iter().all(|other| !mutes(glob, other)), "{glob}");
        }
        let role = "role/app@111122223333";
        for glob in [role, "role/*", "*@111122223333", "*@1111*", "*/app@*", "*"] {
            assert!(mutes(glob, role), "{glob}");
        }
        assert!(mutes("*", dana) && !mutes("role/*", dana));
        let team = Dimension::Tag("iamPrincipal/team".to_owned());
        let until = "2026-12-01".parse().unwrap();
        let mute = Mute { rule: "r".to_owned(), member: "*search*".to_owned(), until, reason: String::new() };
        assert!(mute.matches("r", Some(&team), Some("ml/search")));
    }
}
