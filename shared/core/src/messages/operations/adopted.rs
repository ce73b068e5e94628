//! A configuration that alerts less than the one before, and one that there is nothing to compare with.

use chrono::{DateTime, Utc};

use crate::text::lines::{LABEL, body, subject};
use crate::text::{Text, counted, instant, pad_right, shorten, without_links, wrap};

/// How many changes are named.
const CHANGES: usize = 20;
/// How many columns one of them may take.
const CHANGE: usize = 320;
/// What whoever does not know of a change does about it.
const CURE: &str = "nothing, if you know of it. If nobody does: the ledger's bucket keeps earlier versions of \
                    config/ledger.toml and of the files beside it; put the last good one back, it is in force within a \
                    minute. CloudTrail says who wrote it, where data events of the bucket are recorded.";

/// A configuration that tells less than the one before, or tells it later or more quietly.
#[derive(Clone, Copy, Debug)]
pub struct WeakerConfig<'a> {
    /// Where it lies.
    pub file: &'a str,
    /// What it tells no more, a sentence each without its end.
    pub changes: &'a [String],
    /// When it was adopted.
    pub now: DateTime<Utc>,
}

impl WeakerConfig<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let count = counted(self.changes.len(), "change", "changes");
        let when = instant(self.now);
        let intro = format!("{} was changed and is in force since {when}. This weakens or removes alerts:", self.file);
        let mut lines = wrap("", &intro);
        lines.push(String::new());
        for change in self.changes.iter().take(CHANGES) {
            lines.extend(wrap("  - ", &shorten(&without_links(change), CHANGE)));
        }
        if let Some(more) = self.changes.len().checked_sub(CHANGES).filter(|more| *more > 0) {
            lines.push(format!("  and {more} more"));
        }
        lines.push(String::new());
        lines.extend(wrap(&pad_right("What to do", LABEL), CURE));
        Text { subject: subject(&format!("Alerts weakened: {count} in {}", self.file)), body: body(&lines) }
    }
}

/// A configuration where the one before is not known, although the ledger was at work.
#[derive(Clone, Copy, Debug)]
pub struct FirstConfig<'a> {
    /// Where it lies.
    pub file: &'a str,
    /// Whether there is one in force that cannot be read.
    pub is_unreadable: bool,
    /// How many rules it has.
    pub rules: usize,
    /// How many of its mutes withhold messages.
    pub mutes: usize,
    /// When it was adopted.
    pub now: DateTime<Utc>,
}

impl FirstConfig<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let (when, file) = (instant(self.now), self.file);
        let rules = counted(self.rules, "rule", "rules");
        let mutes = match self.mutes {
            0 => String::new(),
            mutes => format!(" and {} in force", counted(mutes, "mute", "mutes")),
        };
        let before = if self.is_unreadable {
            "the one before cannot be read by this release"
        } else {
            "there was none in force before"
        };
        let mut lines =
            wrap("", &format!("{file} is in force since {when}, with {rules}{mutes}. Nothing was compared: {before}."));
        lines.push(String::new());
        lines.extend(wrap(
            &pad_right("What to do", LABEL),
            "nothing, if this is the first one that you wrote. If there was another, config/in-force.toml was removed: the \
             ledger's bucket keeps its earlier versions; compare them with what is in force.",
        ));
        Text { subject: subject(&format!("First configuration: {rules} in {file}")), body: body(&lines) }
    }
}
