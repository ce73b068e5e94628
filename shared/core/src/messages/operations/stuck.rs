//! An object that no attempt finishes, and a backlog that does not shrink.

use chrono::{DateTime, Utc};

use crate::messages::operations::parts::SAID;
use crate::text::lines::{LABEL, body, capital, subject};
use crate::text::{Text, counted, instant, pad_right, shorten, wrap};

/// How many columns a name may take.
const NAME: usize = 1100;

/// Something that was tried again and again, and that no attempt has returned from, or that failed each time.
#[derive(Clone, Copy, Debug)]
pub struct Stuck<'a> {
    /// What was tried, such as `reading the delivery of cur 2026-11`.
    pub doing: &'a str,
    /// What that is called where it lies: a manifest, or a ready delivery.
    pub name: &'a str,
    /// The file that the last attempt was at, if that is known.
    pub file: Option<&'a str>,
    /// How many attempts there were.
    pub times: u32,
    /// When the last one began.
    pub last: DateTime<Utc>,
    /// When the next one may begin.
    pub next: DateTime<Utc>,
    /// What the last one failed with; none if it did not return.
    pub said: Option<&'a str>,
    /// How to mend it.
    pub cure: &'a str,
}

impl Stuck<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let Self { doing, name, file, times, last, next, said, cure } = *self;
        let (doing, short) = (shorten(doing, NAME), shorten(doing, SAID / 40));
        let what = match said {
            None => "No attempt finished: the function ran out of memory or time.",
            Some(_) => "Every attempt failed.",
        };
        let mut lines = wrap(
            "",
            &format!(
                "{} was tried {times} times. {what} Other work is done first and is not held up. The numbers concerned \
                 stay at the last good delivery.",
                capital(&doing)
            ),
        );
        lines.push(String::new());
        let mut add = |label: &str, text: &str| lines.extend(wrap(&pad_right(label, LABEL), &shorten(text, NAME)));
        add("Object", name);
        if let Some(file) = file {
            add("File", file);
        }
        if let Some(said) = said {
            add("Error", said);
        }
        add("Last try", &instant(last));
        add("Next try", &format!("from {} on, then less and less often, at least once a day", instant(next)));
        lines.push(String::new());
        lines.extend(wrap(&pad_right("What to do", LABEL), cure));
        Text { subject: subject(&format!("Stuck after {times} attempts: {short}")), body: body(&lines) }
    }
}

/// Work that is left after each sweep and does not become less.
#[derive(Clone, Copy, Debug)]
pub struct Left<'a> {
    /// What is left to do, such as `deliveries to read`.
    pub doing: &'a str,
    /// Where.
    pub place: &'a str,
    /// How many.
    pub left: usize,
    /// Since when there are not fewer.
    pub since: DateTime<Utc>,
}

impl Left<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let Self { doing, place, left, since } = *self;
        let deliveries = counted(left, "delivery", "deliveries");
        let are = if left == 1 { "is" } else { "are" };
        let mut lines = wrap(
            "",
            &format!(
                "{deliveries} of {place} {are} still {doing}, and no sweep has reduced their number since {}. The newest \
                 delivery of each export is always tried first.",
                instant(since)
            ),
        );
        lines.push(String::new());
        lines.extend(wrap(
            &pad_right("What to do", LABEL),
            "look for notes that begin with \"Stuck\", and read the logs of ingest and aggregate (make logs): each sweep \
             logs what failed, what is paused and what it had no time for. If the deliveries are real and large, give the \
             function more time or memory in infra/template.yaml. If some exports are not yours, list yours in \
             count = [...] of [export] in config/ledger.toml: others are not read.",
        ));
        Text {
            subject: subject(&format!("Backlog since {}: {deliveries} {doing}", instant(since))),
            body: body(&lines),
        }
    }
}
