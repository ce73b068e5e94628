//! Notes of one kind that came too many on a day to be mails of their own.

use crate::text::lines::{LABEL, body, subject};
use crate::text::{Text, pad_right, shorten, wrap};

/// How many columns a subject takes.
const SUBJECT: usize = 100;

/// Notes of a kind that are counted alone.
#[derive(Clone, Copy, Debug)]
pub struct MoreNotes<'a> {
    /// The kind: what their ids begin with.
    pub kind: &'a str,
    /// How many.
    pub count: u64,
    /// The subjects of the first of them.
    pub subjects: &'a [String],
}

impl MoreNotes<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let Self { kind, count, subjects } = *self;
        let notes = if count == 1 { "note" } else { "notes" };
        let mut lines = wrap(
            "",
            &format!(
                "{count} more {notes} of the kind {kind} were not mailed. Only a few of a kind are mailed each day; this note \
                 counts the others, once a day."
            ),
        );
        lines.push(String::new());
        for told in subjects {
            lines.extend(wrap(&pad_right("Note", LABEL), &shorten(told, SUBJECT)));
        }
        let rest = count.saturating_sub(u64::try_from(subjects.len()).unwrap_or(u64::MAX));
        if rest > 0 {
            lines.push(format!("  and {rest} more"));
        }
        lines.push(String::new());
        lines.extend(wrap(
            &pad_right("What to do", LABEL),
            "read them below operations/notes/ in the ledger's bucket, the newest first; the logs name each, too (make \
             logs). Many notes of one kind mostly have one cause: begin with the first.",
        ));
        Text { subject: subject(&format!("And {count} more {notes} ({kind})")), body: body(&lines) }
    }
}
