//! Topics whose messages reach nobody.

use chrono::{DateTime, Utc};

use crate::text::lines::{LABEL, body, subject};
use crate::text::{Text, instant, pad_right, wrap};

/// Why a topic has no subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// It had one.
    Gone,
    /// Somebody was asked to confirm one, and did not.
    NotConfirmed,
    /// Nobody was ever subscribed.
    Never,
}

impl Lack {
    fn words(self) -> &'static str {
        match self {
            Self::Gone => "its last subscription has ended",
            Self::NotConfirmed => "nobody has confirmed the subscription",
            Self::Never => "nobody is subscribed",
        }
    }
}

/// Topics without a confirmed subscription.
#[derive(Clone, Copy, Debug)]
pub struct Unread<'a> {
    /// Their names, such as `alerts`, and why.
    pub topics: &'a [(&'a str, Lack)],
    /// When they were asked about.
    pub now: DateTime<Utc>,
}

impl Unread<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let names = self.topics.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let intro = format!(
            "Messages to these topics reach nobody (as of {}). This message goes to the stack's other topics for people \
             that somebody reads:",
            instant(self.now)
        );
        let mut lines = wrap("", &intro);
        lines.push(String::new());
        for (name, lack) in self.topics {
            lines.extend(wrap("  - ", &format!("{name}: {}", lack.words())));
        }
        lines.push(String::new());
        lines.extend(wrap(
            &pad_right("What to do", LABEL),
            "subscribe somebody (aws sns subscribe, or the stack's parameters AlertsEmail, DigestEmail and OperationsEmail), \
             and confirm with aws sns confirm-subscription --authenticate-on-unsubscribe true. Without that option \
             whoever opens the link below a mail ends the subscription, a scanner of links too. docs/operations.md has the \
             commands (Nobody reads). If nobody needs the topic, do nothing: you are told once.",
        ));
        Text { subject: subject(&format!("Nobody reads: {names}")), body: body(&lines) }
    }
}
