//! What a command has sent: remembered as it is sent, so that it can be told at the end.

use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use spend_core::text::counted;
use spend_ledger::outputs::{Message, MessageFile, Notifier, PublishError, Topic};

use crate::error::CommandError;

/// Sends into the ledger's file of messages, and remembers what went to whom.
#[derive(Debug)]
pub(crate) struct Post {
    file: MessageFile,
    path: String,
    sent: Mutex<Vec<(Topic, String)>>,
}

impl Post {
    /// That of the ledger in the folder `ledger`.
    pub(crate) fn in_ledger(ledger: &Path) -> Self {
        let path = ledger.join("out/messages.jsonl").display().to_string();
        Self { file: MessageFile::in_ledger(ledger), path, sent: Mutex::default() }
    }

    /// Tells each message to people, and how many went to machines.
    pub(crate) fn tell(&self, notes: &mut impl Write) -> Result<(), CommandError> {
        let sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.is_empty() {
            writeln!(notes, "nothing new to tell: no message was sent")?;
            return Ok(());
        }
        let (events, people): (Vec<_>, Vec<_>) = sent.iter().partition(|(topic, _)| *topic == Topic::Events);
        let (messages, events) =
            (counted(people.len(), "message", "messages"), counted(events.len(), "event", "events"));
        writeln!(notes, "sent {messages} to people and {events} to machines, to be read in {}:", self.path)?;
        for (topic, subject) in people {
            writeln!(notes, "  {}: {subject}", topic.as_str())?;
        }
        Ok(())
    }
}

impl Notifier for Post {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        self.file.send(message).await?;
        let sent = (message.topic, message.subject.clone());
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
        Ok(())
    }
}
