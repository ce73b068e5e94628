//! Mutes: what is not to be sent for a while, and why.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use wildmatch::WildMatch;

/// What is not to be sent for a while. It is known all the same, and told when the mute ends if it is still true.
#[derive(Clone, Debug, PartialEq)]
pub struct Mute {
    /// The rule.
    pub rule: String,
    /// Which of its members: a glob over the whole name. `*` is all, also where there are no members.
    pub member: String,
    /// The first day (UTC) on which messages are sent again.
    pub until: NaiveDate,
    /// Why, for people.
    pub reason: String,
}

impl Mute {
    /// Whether it withholds messages at `now`.
    #[must_use]
    pub fn is_in_force(&self, now: DateTime<Utc>) -> bool {
        now < self.end()
    }

    /// From when on messages are sent again.
    #[must_use]
    pub fn end(&self) -> DateTime<Utc> {
        self.until.and_time(NaiveTime::MIN).and_utc()
    }

    /// Whether it is about a member of a rule.
    #[must_use]
    pub fn matches(&self, rule: &str, member: Option<&str>) -> bool {
        self.rule == rule
            && (self.member == "*" || member.is_some_and(|name| WildMatch::new(&self.member).matches(name)))
    }
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
        assert!(mute.matches("search", Some("dana")) && !mute.matches("search", Some("erin")));
        assert!(!mute.matches("other", Some("dana")) && !mute.matches("search", None));
        assert!(Mute { member: "*".to_owned(), ..mute }.matches("search", None));
    }
}
