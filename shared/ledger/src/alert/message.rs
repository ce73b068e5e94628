//! The two messages of an alert.

use std::collections::BTreeMap;

use spend_core::text::Text;

use crate::outputs::{Message, Topic};

/// What one alert sends: the text to people, and the event to machines under the same subject.
pub(crate) fn messages(text: Text, event: String, attributes: &BTreeMap<String, String>) -> [Message; 2] {
    let Text { subject, body } = text;
    let of = |topic, body| Message { topic, subject: subject.clone(), body, attributes: attributes.clone() };
    [of(Topic::Alerts, body), of(Topic::Events, event)]
}
