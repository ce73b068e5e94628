//! A rule that matches nobody, and so cannot alert.

use chrono::{DateTime, NaiveDate, Utc};

use crate::text::lines::{LABEL, body, subject};
use crate::text::{Text, instant, name, pad_right, shorten, wrap};

/// How many columns a name may take.
const NAME: usize = 64;

/// A rule that nobody has matched for two weeks.
#[derive(Clone, Copy, Debug)]
pub struct SilentRule<'a> {
    /// The rule's name.
    pub rule: &'a str,
    /// The rule in a sentence.
    pub sentence: &'a str,
    /// When it was first evaluated as it is.
    pub first_seen: DateTime<Utc>,
    /// The last day on which it matched somebody, if it ever did.
    pub matched: Option<NaiveDate>,
    /// The parts of its match that nobody matches, each by itself.
    pub unmatched: &'a [UnmatchedPart],
}

/// A part of a match that nobody matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnmatchedPart {
    /// The part: `tag:iamPrincipal/team = serach*`.
    pub part: String,
    /// Values that there are and that are like it.
    pub similar: Vec<String>,
    /// Some of the values that there are.
    pub values: Vec<String>,
}

impl SilentRule<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let rule = shorten(self.rule, NAME);
        let mut lines = wrap("", &format!("Rule {rule} has matched nobody for two weeks, so it cannot alert."));
        lines.push(String::new());
        let mut add = |label: &str, text: &str| lines.extend(wrap(&pad_right(label, LABEL), text));
        add("Rule", self.sentence);
        let since = match self.matched {
            Some(day) => format!("last on {}", day.format("%-d %b %Y")),
            None => format!("nobody since {}, when it was first evaluated", instant(self.first_seen)),
        };
        add("Matched", &since);
        if self.unmatched.is_empty() {
            add("Match", "each part of it matches somebody, but nobody matches all of them");
        }
        for UnmatchedPart { part, similar, values } in self.unmatched {
            add("Match", &format!("nobody in three months has {}", shorten(part, 2 * NAME)));
            let named = |values: &[String]| values.iter().map(|value| name(value, NAME)).collect::<Vec<_>>().join(", ");
            if !similar.is_empty() {
                add("Similar", &named(similar));
            } else if !values.is_empty() {
                add("There is", &named(values));
            }
        }
        add(
            "What to do",
            "correct the match, or take the rule out. bedrock-ledger check --config FILE --ledger DIR says whom each rule \
             matches.",
        );
        Text { subject: subject(&format!("Rule {rule} has matched nobody for two weeks")), body: body(&lines) }
    }
}
