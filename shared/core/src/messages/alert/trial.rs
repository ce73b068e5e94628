//! The test message: it tells of nothing, and shows that messages arrive.

use chrono::{DateTime, Utc};

use crate::text::lines::{body, labelled, subject};
use crate::text::{Text, instant, wrap};

/// A message that tells of nothing, to see it arrive.
#[derive(Clone, Copy, Debug)]
pub struct TestAlert<'a> {
    /// The alert's id.
    pub alert_id: &'a str,
    /// When it was asked for.
    pub now: DateTime<Utc>,
}

impl TestAlert<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let mut lines = wrap("", "This is a test of Bedrock Ledger's alerts. Nothing is wrong.");
        lines.extend(wrap(
            "",
            "It was recorded, sent and marked as sent, as every alert is. If you can read it, real alerts reach you \
             too.",
        ));
        lines.push(String::new());
        lines.extend(labelled("Asked for", &instant(self.now)));
        lines.extend(labelled("Alert id", self.alert_id));
        Text { subject: subject("TEST of Bedrock Ledger: nothing is wrong"), body: body(&lines) }
    }
}
