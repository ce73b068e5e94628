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
        let mut lines = wrap("", &format!("{} failed, and will fail until somebody mends the cause.", capital(&doing)));
        lines.push(String::new());
        lines.extend(wrap(&pad_right("Error", LABEL), &said(self.said)));
        lines.extend(wrap(&pad_right("Kind", LABEL), self.kind));
        lines.extend(wrap(&pad_right("Since", LABEL), &format!("{} at the latest", instant(self.now))));
        lines.push(String::new());
        lines.extend(wrap(
            "",
            "Until then, numbers, metrics and alerts stay at the last good delivery. The work is tried again every 15 \
             minutes or with the next delivery. If the failure lasts, you get this note again in a week.",
        ));
        Text { subject: subject(&format!("Failed ({}): {doing}", self.kind)), body: body(&lines) }
    }
}
