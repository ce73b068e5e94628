//! A failure that lasts until a person mends its cause.

use chrono::{DateTime, Utc};

use crate::messages::operations::parts::said;
use crate::text::lines::{LABEL, body, capital, subject};
use crate::text::{Text, instant, pad_right, without_links, wrap};

/// Something that stopped a step and that only a person can mend.
#[derive(Clone, Debug)]
pub struct Trouble<'a> {
    /// The stable name of the kind of error.
    pub kind: &'a str,
    /// What was being done, such as `reading the delivery of cur 2026-11`.
    pub doing: &'a str,
    /// What the error says, with its cure.
    pub said: &'a str,
    /// When it happened.
    pub now: DateTime<Utc>,
}

impl Trouble<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let doing = without_links(self.doing);
        let mut lines = wrap("", &format!("{} failed, and will until somebody mends it.", capital(&doing)));
        lines.push(String::new());
        lines.extend(wrap(&pad_right("Error", LABEL), &said(self.said)));
        lines.extend(wrap(&pad_right("Kind", LABEL), self.kind));
        lines.extend(wrap(&pad_right("Since", LABEL), &format!("{} at the latest", instant(self.now))));
        lines.push(String::new());
        lines.extend(wrap(
            "",
            "Numbers, metrics and alerts stay at the last good delivery meanwhile. It is tried again every 15 minutes \
             or with the next delivery; you are told again in a week if it lasts.",
        ));
        Text { subject: subject(&format!("Failed ({}): {doing}", self.kind)), body: body(&lines) }
    }
}
