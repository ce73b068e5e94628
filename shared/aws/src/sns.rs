//! Messages over SNS: one topic for each kind of reader; and how many subscriptions a topic has.
//!
//! The SDK repeats a publication that got no answer, so that a message may come twice. It then has the same
//! `alert_id`, by which a subscriber tells; not sending it again would lose one where the answer was none because
//! nothing was sent. SNS itself delivers at least once.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use aws_config::SdkConfig;
use aws_sdk_sns::Client;
use aws_sdk_sns::error::BuildError;
use aws_sdk_sns::operation::get_topic_attributes::GetTopicAttributesError;
use aws_sdk_sns::types::MessageAttributeValue;
use spend_ledger::outputs::{Message, Notifier, PublishError, Subscribers, Subscriptions, Topic};

use crate::failure::{self, Effect, Failure};

/// [`Notifier`] over SNS. The rules for subjects, sizes and attributes are those of [`Message::check`].
#[derive(Clone, Debug)]
pub struct Sns {
    config: SdkConfig,
    /// Made for the first message: most invocations have none, and it would be a third of a start's main thread.
    client: OnceLock<Client>,
    arns: BTreeMap<Topic, String>,
}

impl Sns {
    /// Sends to the topics with these ARNs, and to no other.
    pub fn new(config: &SdkConfig, arns: impl IntoIterator<Item = (Topic, String)>) -> Self {
        Self { config: config.clone(), client: OnceLock::new(), arns: arns.into_iter().collect() }
    }
}

impl Notifier for Sns {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        message.check()?;
        let what = format!("the message {:?} to {}", message.subject, message.topic.as_str());
        let Some(arn) = self.arns.get(&message.topic) else {
            return Err(PublishError::Refused { what, reason: "this function was given no ARN of that topic".into() });
        };
        let client = self.client.get_or_init(|| Client::new(&self.config));
        let request = client.publish().topic_arn(arn).subject(&message.subject).message(&message.body);
        let attributes = message.attributes.iter().map(|(name, value)| Ok((name.clone(), attribute(value)?))).collect();
        let attributes = match attributes {
            Ok(attributes) => attributes,
            Err(error) => return Err(PublishError::NotSent { what, source: Box::<BuildError>::new(error) }),
        };
        let request = request.set_message_attributes(Some(attributes));
        let Err(error) = request.send().await else { return Ok(()) };
        let source = Box::new(Failure::of("sns:Publish", &error));
        Err(match failure::effect(&error) {
            Effect::Refused => PublishError::Refused { what, reason: source.to_string().into() },
            Effect::None => PublishError::NotSent { what, source },
            Effect::InDoubt => PublishError::InDoubt { what, source },
        })
    }
}

/// By the topic's own counts: a list of its subscriptions would have addresses in it, which nobody here needs.
///
/// Source: Amazon SNS API Reference, `GetTopicAttributes`: `SubscriptionsConfirmed`, `SubscriptionsPending`.
impl Subscriptions for Sns {
    async fn subscribers(&self, topic: Topic) -> Result<Subscribers, PublishError> {
        let what = format!("the number of subscriptions to {}", topic.as_str());
        let Some(arn) = self.arns.get(&topic) else {
            return Err(PublishError::Refused { what, reason: "this function was given no ARN of that topic".into() });
        };
        let client = self.client.get_or_init(|| Client::new(&self.config));
        let answer = match client.get_topic_attributes().topic_arn(arn).send().await {
            Ok(answer) => answer,
            // Nobody reads a topic that was deleted, and the others are told so.
            Err(error) if error.as_service_error().is_some_and(GetTopicAttributesError::is_not_found_exception) => {
                return Ok(Subscribers::default());
            }
            Err(error) => {
                let source = Box::new(Failure::of("sns:GetTopicAttributes", &error));
                return Err(match failure::effect(&error) {
                    Effect::Refused => PublishError::Refused { what, reason: source.to_string().into() },
                    Effect::None | Effect::InDoubt => PublishError::NotRead { what, source },
                });
            }
        };
        let count = |name: &str| {
            let value = answer.attributes().and_then(|attributes| attributes.get(name));
            value.and_then(|value| value.parse().ok())
        };
        if let (Some(confirmed), Some(pending)) = (count("SubscriptionsConfirmed"), count("SubscriptionsPending")) {
            Ok(Subscribers { confirmed, pending })
        } else {
            let source = "the answer has no SubscriptionsConfirmed or no SubscriptionsPending".into();
            Err(PublishError::NotRead { what, source })
        }
    }
}

/// A string, which subscriptions' filters compare.
fn attribute(value: &str) -> Result<MessageAttributeValue, BuildError> {
    MessageAttributeValue::builder().data_type("String").string_value(value).build()
}
