//! What whoever operates the program reads: what was found after it was deployed, and what only a person can mend.

use std::fmt::Display;

use chrono::{DateTime, Utc};

use crate::calendar::period::BillingPeriod;
use crate::messages::alert::{body, subject};
use crate::text::{Text, instant, name, pad_right, shorten, without_links, wrap};

mod adopted;
mod claims;
mod more;
mod silent;
mod stuck;
mod unverified;

pub use adopted::{FirstConfig, WeakerConfig};
pub use claims::{NewPayer, NotCounted, Overlap, QuietClaim};
pub use more::MoreNotes;
pub use silent::{SilentRule, UnmatchedPart};
pub use stuck::{Left, Stuck};
pub use unverified::Unverified;

/// How many exports, findings, files and problems a message names.
const NAMED: usize = 12;
/// How many columns a path or an export's id may take.
const PATH: usize = 160;
/// How many columns of what an error says are shown.
const SAID: usize = 2000;
/// How many columns the labels of the first lines take.
const LABEL: usize = 12;

/// What lies in the export's bucket, told once after deployment; if that is nothing, once more when something is there.
#[derive(Clone, Debug)]
pub struct Deployed<'a> {
    /// Where was looked: the bucket, and below which prefix.
    pub place: Place<'a>,
    /// Whether it was told before that there is nothing.
    pub told_of_nothing: bool,
    /// The exports that were found, by path.
    pub exports: &'a [FoundExport],
    /// What is wrong with them, the worst first; none if they could not be read in time.
    pub findings: Option<&'a [Advice]>,
    /// How many objects are none of an export's.
    pub strangers: usize,
    /// When was looked.
    pub now: DateTime<Utc>,
}

/// Where an export is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// What the keys start with; may be empty.
    pub prefix: &'a str,
}

impl Display for Place<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// An export that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundExport {
    /// Its path in the bucket.
    pub path: String,
    /// Its oldest and its newest billing period.
    pub periods: (BillingPeriod, BillingPeriod),
    /// How many deliveries stand there.
    pub deliveries: usize,
    /// How many of them have no manifest.
    pub without_manifest: usize,
}

/// Something that is wrong, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// Whether the export cannot be used as it is.
    pub is_problem: bool,
    /// What it is about; may be empty.
    pub about: String,
    /// What was found.
    pub what: String,
    /// How to mend it.
    pub cure: String,
    /// How long the cure takes to show.
    pub takes: String,
}

impl Deployed<'_> {
    /// The message.
    #[must_use]
    pub fn text(&self) -> Text {
        let place = self.place.to_string();
        let now = instant(self.now);
        let deployed = format!("Bedrock Ledger is deployed, and reads {place} since {now}.");
        if self.exports.is_empty() {
            let mut lines = wrap("", &deployed);
            lines.push(String::new());
            lines.extend(self.nothing());
            return Text {
                subject: subject(&format!("Deployed: no CUR 2.0 export yet in {place}")),
                body: body(&lines),
            };
        }
        let (news, intro) = if self.told_of_nothing {
            let there = format!(
                "The first delivery is there: when Bedrock Ledger was deployed {place} had none, and since {now} it is \
                 read. This is the message that was announced then, and the last about the deployment."
            );
            ("First delivery", there)
        } else {
            ("Deployed", deployed)
        };
        let mut lines = wrap("", &intro);
        lines.extend([String::new(), "Found".to_owned()]);
        for export in self.exports.iter().take(NAMED) {
            lines.extend(wrap("  ", &found(export)));
        }
        lines.extend(more(self.exports.len(), "exports"));
        lines.push(String::new());
        lines.extend(self.missing());
        lines.push(String::new());
        lines.extend(next([
            "now: the deliveries above are read, which takes minutes, for years of large exports hours",
            "then: metrics, Athena tables and alerts follow by themselves; alerts of this month that were due already \
             come in one message",
            "within 8 to 24 hours: AWS delivers again, usually several times a day, and each delivery is read as it comes",
            "the first digest: by the schedule of the stack, once a month has numbers",
        ]));
        let deliveries: usize = self.exports.iter().map(|export| export.deliveries).sum();
        let exports = counted(self.exports.len(), "export", "exports");
        let problems = self.findings.unwrap_or_default().iter().filter(|finding| finding.is_problem).count();
        let state =
            if problems == 0 { String::new() } else { format!(", {}", counted(problems, "problem", "problems")) };
        let deliveries = counted(deliveries, "delivery", "deliveries");
        Text { subject: subject(&format!("{news}: {exports}, {deliveries}{state} in {place}")), body: body(&lines) }
    }

    fn nothing(&self) -> Vec<String> {
        let mut lines = vec!["Found".to_owned()];
        let strangers = match self.strangers {
            0 => "nothing: it is empty".to_owned(),
            count => format!("{}, none of a CUR 2.0 export", counted(count, "object", "objects")),
        };
        lines.extend(wrap("  ", &strangers));
        lines.extend([String::new(), "Missing".to_owned()]);
        lines.extend(wrap(
            "  ",
            "a CUR 2.0 export with the caller's identity (AWS Data Exports, table COST_AND_USAGE_REPORT, option \
             \"Include caller identity (IAM principal) allocation data\") that delivers here. If the stack has just \
             made one, nothing is missing. If there is one elsewhere, deploy with its bucket and prefix.",
        ));
        lines.push(String::new());
        lines.extend(next([
            "every 15 minutes: the bucket is looked at again",
            "within 24 hours of the export's creation: its first delivery. You get one more message when it is there, with \
             what was found and what is missing in it",
            "until then: the alarm that nothing was delivered stands, and tells you so once. On the first day nothing is to \
             be done about it; if it lasts, no export delivers here",
        ]));
        lines
    }

    fn missing(&self) -> Vec<String> {
        let mut lines = vec!["Missing, and how to mend it".to_owned()];
        let Some(findings) = self.findings else {
            lines.extend(wrap(
                "  ",
                "the files are too large to be looked through at once: to check the export, copy a month of it and run \
                 bedrock-ledger doctor --export DIR",
            ));
            return lines;
        };
        for finding in findings.iter().take(NAMED) {
            let word = if finding.is_problem { "PROBLEM" } else { "notice" };
            let about = if finding.about.is_empty() { String::new() } else { format!(" ({})", finding.about) };
            lines.extend(wrap("  ", &said(&format!("{word}{about}: {}", finding.what))));
            lines.extend(wrap("    cure:  ", &said(&finding.cure)));
            lines.extend(wrap("    takes: ", &said(&finding.takes)));
        }
        lines.extend(more(findings.len(), "findings"));
        if findings.is_empty() {
            lines.push("  nothing".to_owned());
        }
        lines
    }
}

fn found(export: &FoundExport) -> String {
    let (first, last) = export.periods;
    let periods = if first == last { first.to_string() } else { format!("{first} to {last}") };
    let deliveries = counted(export.deliveries, "delivery", "deliveries");
    let without = match export.without_manifest {
        0 => String::new(),
        count => format!(", {count} without a manifest: read as found once quiet, and marked unverified"),
    };
    format!("{}: {periods}, {deliveries}{without}", name(&export.path, PATH))
}

/// A delivery that is not whole, two hours after anything of it was written.
#[derive(Clone, Debug)]
pub struct Incomplete<'a> {
    /// The export's id.
    pub export_id: &'a str,
    /// The billing period.
    pub period: BillingPeriod,
    /// Its manifest.
    pub manifest: &'a str,
    /// When the last of its files was written.
    pub written: DateTime<Utc>,
    /// The files that are missing or belong to a later delivery.
    pub files: &'a [String],
}

impl Incomplete<'_> {
    /// The message.
    #[must_use]
    pub fn text(&self) -> Text {
        let (export, period) = (name(self.export_id, PATH), self.period);
        let files = counted(self.files.len(), "file", "files");
        let mut lines = wrap(
            "",
            &format!(
                "The delivery of {export} for {period} is not whole: its manifest lists {files} that cannot be used, \
                 because missing, or newer than the manifest, and nothing was written since {}. The last good numbers \
                 stay in force.",
                instant(self.written)
            ),
        );
        lines.push(String::new());
        lines.extend(wrap(&pad_right("Manifest", LABEL), &without_links(self.manifest)));
        for file in self.files.iter().take(NAMED) {
            lines.extend(wrap(&pad_right("File", LABEL), &without_links(file)));
        }
        lines.extend(more(self.files.len(), "files"));
        lines.push(String::new());
        lines.extend(wrap(
            &pad_right("What to do", LABEL),
            "wait for the next delivery, which mends this where AWS is just late. If the bucket is a copy or a replica, \
             see that all of data/ is copied, and set copied = true in [export] of config/ledger.toml. If a lifecycle \
             rule removes data files, let it remove the manifests too.",
        ));
        Text { subject: subject(&format!("Delivery not whole: {export} {period}, {files}")), body: body(&lines) }
    }
}

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
    #[must_use]
    pub fn text(&self) -> Text {
        let doing = without_links(self.doing);
        let mut lines = wrap("", &format!("{} failed, and will until somebody mends it.", capital(&doing)));
        lines.push(String::new());
        lines.extend(wrap(&pad_right("Error", LABEL), &said(self.said)));
        lines.extend(wrap(&pad_right("Kind", LABEL), self.kind));
        lines.extend(wrap(&pad_right("Since", LABEL), &format!("{} at the latest", instant(self.now))));
        lines.push(String::new());
        lines.extend(wrap(
            "",
            "Numbers, metrics and alerts stay at the last good delivery meanwhile. It is tried again every 15 minutes \
             or with the next delivery; you are told again in a week if it lasts.",
        ));
        Text { subject: subject(&format!("Failed ({}): {doing}", self.kind)), body: body(&lines) }
    }
}

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
    #[must_use]
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
            "mend the file and upload it again: it is adopted within a minute. An example with every key is \
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
    #[must_use]
    pub fn text(&self) -> Text {
        let problems = counted(self.problems.len(), "problem", "problems");
        let mut lines = wrap(
            "",
            &format!(
                "Nothing of {} was used. What its records should divide stays where it was billed, and the files below \
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
            "let whoever runs the gateway mend the file and upload it again: it is used from the next morning on. You are \
             told again if what is uploaded cannot be used either.",
        ));
        Text { subject: subject(&format!("Metering not used: {problems} in {}", self.file)), body: body(&lines) }
    }
}

/// What happens next and when.
fn next<const N: usize>(steps: [&str; N]) -> Vec<String> {
    let steps = steps.into_iter().flat_map(|step| wrap("  ", step));
    std::iter::once("Next".to_owned()).chain(steps).collect()
}

/// What an error or a finding says, cells and keys of others in it: no link, and not without end.
fn said(text: &str) -> String {
    shorten(&without_links(text), SAID)
}

fn more(count: usize, things: &str) -> Option<String> {
    (count > NAMED).then(|| format!("  and {} more {things}", count - NAMED))
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
