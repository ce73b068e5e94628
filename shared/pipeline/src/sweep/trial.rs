//! Attempts, recorded before they begin. An attempt that does not return (the function ran out of memory or time)
//! leaves its mark, and the next sweep tries that delivery last. Without marks every sweep would die of the same file,
//! and nobody would be told.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use spend_core::messages::operations::stuck::{Left as LeftText, Stuck};
use spend_core::text::shorten;
use spend_ledger::outputs::operations::Note;

/// The pause before the third attempt; it doubles with each that follows. The second has none: it only comes last.
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(15);

/// The longest pause after an attempt that did not return: each costs a whole sweep.
const LONGEST_PAUSE: TimeDelta = TimeDelta::days(1);

/// The longest pause after an attempt that failed: that costs little, and what failed may be well again.
const LONGEST_AFTER_FAILURE: TimeDelta = TimeDelta::hours(1);

/// Longer than any invocation lives (AWS Lambda: 15 minutes): an attempt that began before has ended, whatever came of it.
const LIVES: TimeDelta = TimeDelta::minutes(15);

/// After how many attempts that did not return operations is told.
const TOLD_AFTER: u32 = 2;

/// After how many attempts that failed operations is told: two hours, by the pauses.
const TOLD_AFTER_FAILURES: u32 = 5;

/// How many characters of an error are remembered.
const SAID: usize = 600;

/// How many notes about attempts one sweep leaves; the next goes on.
pub(super) const NOTES_AT_ONCE: usize = 20;

/// How long the number of deliveries that are left must not fall before operations is told.
const STANDS_STILL: TimeDelta = TimeDelta::hours(6);

/// Attempts in a row that did not return, or failed. The one that is under way counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trial {
    /// The version of what is tried. With another version the count starts anew.
    of: String,
    /// How many.
    times: u32,
    /// When the last one began.
    at: DateTime<Utc>,
    /// The file that the last one was at, where it read one at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// What the last one failed with; none if it did not return.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    said: Option<String>,
    /// Whether operations was told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    told: bool,
}

impl Trial {
    /// An attempt begins, after those of `before`. The file that they died of stays known until another is begun.
    pub(super) fn begin(before: Option<&Self>, of: &str, now: DateTime<Utc>) -> Self {
        let before = before.filter(|before| before.of == of);
        Self {
            of: of.to_owned(),
            times: before.map_or(0, |before| before.times).saturating_add(1),
            at: now,
            file: before.and_then(|before| before.file.clone()),
            said: None,
            told: before.is_some_and(|before| before.told),
        }
    }

    /// Whether these are attempts at this version.
    pub(super) fn is_of(&self, of: &str) -> bool {
        self.of == of
    }

    /// How many.
    pub(super) fn times(&self) -> u32 {
        self.times
    }

    /// The attempt has come to this file.
    pub(super) fn at_file(&mut self, file: &str) {
        self.file = Some(file.to_owned());
    }

    /// The attempt returned, with an error.
    pub(super) fn failed(&mut self, error: &str) {
        self.said = Some(shorten(error, SAID));
    }

    /// Operations was told.
    pub(super) fn was_told(&mut self) {
        self.told = true;
    }

    /// When the next attempt may begin.
    fn due_at(&self) -> DateTime<Utc> {
        let longest = if self.said.is_some() { LONGEST_AFTER_FAILURE } else { LONGEST_PAUSE };
        let pause = match self.times {
            0 | 1 => TimeDelta::zero(),
            // The pause is far beyond the longest by then.
            times => FIRST_PAUSE * (1 << (times - 2).min(10)),
        };
        self.at + pause.min(longest)
    }

    /// Whether another attempt may begin. A mark of a clock that ran ahead is not waited for.
    pub(super) fn is_due(&self, now: DateTime<Utc>) -> bool {
        now >= self.due_at() || now < self.at - LIVES
    }

    /// Whether operations is to be told: an attempt that may still be under way has not failed.
    pub(super) fn is_to_be_told(&self, now: DateTime<Utc>) -> bool {
        let enough = if self.said.is_some() { TOLD_AFTER_FAILURES } else { TOLD_AFTER };
        !self.told && self.times >= enough && now.signed_duration_since(self.at) >= LIVES
    }

    /// What operations is told. `doing` is what was tried, in words, and `name` what it is called in the ledger or the
    /// bucket.
    pub(super) fn note(&self, doing: &str, name: &str, cure: &str, now: DateTime<Utc>) -> Note {
        let (file, said) = (self.file.as_deref(), self.said.as_deref());
        let next = self.due_at().max(now);
        let text = Stuck { doing, name, file, times: self.times, last: self.at, next, said, cure }.text();
        Note { id: format!("stuck:{name}:{}", self.of), text }
    }
}

/// How many deliveries are left after a sweep, and since when they do not become fewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Left {
    /// How many there were at the fewest.
    count: usize,
    /// Since when.
    since: DateTime<Utc>,
}

impl Left {
    /// A sweep has left `count`.
    pub(super) fn after(before: Option<&Self>, count: usize, now: DateTime<Utc>) -> Option<Self> {
        match before {
            _ if count == 0 => None,
            Some(before) if count >= before.count => Some(before.clone()),
            _ => Some(Self { count, since: now }),
        }
    }

    /// What operations is told, once a week (ISO 8601, UTC), while what is left does not become less. `doing` is what is
    /// left to do, in words, and `place` where.
    pub(super) fn note(&self, doing: &str, place: &str, left: usize, now: DateTime<Utc>) -> Option<Note> {
        if now.signed_duration_since(self.since) < STANDS_STILL {
            return None;
        }
        let week = now.iso_week();
        let text = LeftText { doing, place, left, since: self.since }.text();
        Some(Note { id: format!("left:{place}:{:04}-W{:02}", week.year(), week.week()), text })
    }
}

/// The attempt that was begun counts for nothing.
pub(crate) fn put_back(trials: &mut BTreeMap<String, Trial>, name: &str, before: Option<&Trial>) {
    match before {
        Some(before) => drop(trials.insert(name.to_owned(), before.clone())),
        None => drop(trials.remove(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-20T06:00:00Z".parse().unwrap()
    }

    fn tried(times: u32) -> Trial {
        let mut trial = Trial::begin(None, "a", now());
        for _ in 1..times {
            trial = Trial::begin(Some(&trial), "a", now());
        }
        trial
    }

    #[test]
    fn pauses_begin_after_the_second_attempt_and_double_up_to_a_day() {
        let minutes = |times| (Trial { times, ..tried(1) }.due_at() - now()).num_minutes();
        assert_eq!([1, 2, 3, 4, 8, 9, u32::MAX].map(minutes), [0, 15, 30, 60, 960, 1440, 1440]);
        let mut failed = tried(9);
        failed.failed("503");
        assert_eq!((failed.due_at() - now()).num_minutes(), 60);
    }

    #[test]
    fn another_version_begins_from_nothing() {
        let trial = Trial::begin(Some(&tried(5)), "b", now());
        assert_eq!((trial.times(), trial.is_of("b"), trial.is_due(now())), (1, true, true));
    }

    #[test]
    fn an_attempt_that_may_be_under_way_is_not_told_of() {
        let trial = tried(2);
        assert!(!trial.is_to_be_told(now() + TimeDelta::minutes(14)));
        assert!(trial.is_to_be_told(now() + TimeDelta::minutes(15)));
        assert!(!tried(1).is_to_be_told(now() + TimeDelta::days(1)));
    }

    #[test]
    fn a_mark_of_a_clock_that_ran_ahead_is_not_waited_for() {
        let mut trial = tried(9);
        trial.at = now() + TimeDelta::days(400);
        assert!(trial.is_due(now()));
    }

    #[test]
    fn what_is_left_stands_still_until_it_is_less() {
        let later = |hours| now() + TimeDelta::hours(hours);
        let left = Left::after(None, 3, now());
        let same = Left::after(left.as_ref(), 5, later(3)).unwrap();
        assert!(same.note("x", "s3://a/", 5, later(5)).is_none());
        assert!(same.note("x", "s3://a/", 5, later(6)).is_some());
        let less = Left::after(Some(&same), 2, later(6)).unwrap();
        assert!(less.note("x", "s3://a/", 2, later(7)).is_none());
        assert_eq!(Left::after(Some(&less), 0, later(7)), None);
    }
}
