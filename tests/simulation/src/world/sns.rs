//! A stand-in for SNS: four topics, each with one subscriber.

use spend_ledger::outputs::{Message, Subscribers};

/// What the real one refuses. Source: Amazon SNS API Reference, `Publish`; User Guide, "Amazon SNS message attributes".
pub fn refusal(message: &Message) -> Option<&'static str> {
    let subject = &message.subject;
    let is_line = subject.chars().all(|char| char == ' ' || char.is_ascii_graphic());
    if subject.is_empty() || subject.len() >= 100 || !is_line || subject.starts_with(' ') {
        return Some("its subject is no line of ASCII");
    }
    if message.body.is_empty() || message.body.len() > 262_144 {
        return Some("its body is empty or too long");
    }
    let is_empty = |(name, value): (&String, &String)| name.is_empty() || value.is_empty();
    (message.attributes.len() > 10 || message.attributes.iter().any(is_empty)).then_some("its attributes")
}

/// How many read each topic.
pub fn subscribers() -> Subscribers {
    Subscribers { confirmed: 1, pending: 0 }
}
