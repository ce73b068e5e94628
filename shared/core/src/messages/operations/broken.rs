//! Files that people write and that cannot be used: the configuration, metering records.

use crate::messages::operations::parts::{NAMED, SAID, more, said};
use crate::text::lines::{LABEL, body, subject};
use crate::text::{Text, counted, pad_right, shorten, wrap};

/// A configuration that is not one.
#[derive(Clone, Debug)]
pub struct BrokenConfig<'a> {
    /// Where it lies.
    pub file: &'a str,
    /// What is wrong, a line each, with its cure.
    pub problems: &'a [String],
    /// Whether an earlier one is in force; else the defaults are.
    pub has_earlier: bool,
}

impl BrokenConfig<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let problems = counted(self.problems.len(), "problem", "problems");
        let in_force = if self.has_earlier { "The last good one stays" } else { "The defaults stay" };
        let mut lines = wrap("", &format!("{} is not valid and was not adopted. {in_force} in force.", self.file));
        lines.push(String::new());
        for problem in self.problems.iter().take(NAMED) {
            lines.extend(wrap("  ", &shorten(problem, SAID)));
        }
        lines.extend(more(self.problems.len(), "problems"));
        lines.push(String::new());
        lines.extend(wrap(
            &pad_right("What to do", LABEL),
            "correct the file and upload it again: it is adopted within a minute. An example with every key is \
             infra/ledger.toml.",
        ));
        Text {
            subject: subject(&format!("Configuration not adopted: {problems} in {}", self.file)),
            body: body(&lines),
        }
    }
}

/// A file of metering records that cannot be used.
#[derive(Clone, Debug)]
pub struct BrokenMetering<'a> {
    /// Where it lies.
    pub file: &'a str,
    /// What is wrong, a line each, with its cure.
    pub problems: &'a [String],
}

impl BrokenMetering<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let problems = counted(self.problems.len(), "problem", "problems");
        let mut lines = wrap(
            "",
            &format!(
                "No record of {} was used. The spend that they should divide stays where it was billed. The files below \
                 chargeback/ say so in their about.json.",
                self.file
            ),
        );
        lines.push(String::new());
        for problem in self.problems.iter().take(NAMED) {
            lines.extend(wrap("  ", &said(problem)));
        }
        lines.extend(more(self.problems.len(), "problems"));
        lines.push(String::new());
        lines.extend(wrap(
            &pad_right("What to do", LABEL),
            "ask those who run the gateway to correct the file and upload it again: it is used from the next morning on. \
             If the new file cannot be used either, you get another note.",
        ));
        Text { subject: subject(&format!("Metering not used: {problems} in {}", self.file)), body: body(&lines) }
    }
}
