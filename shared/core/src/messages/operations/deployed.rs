//! What the bucket of the export holds: a note that is sent once after deployment.

use std::fmt::Display;

use chrono::{DateTime, Utc};

use crate::calendar::period::BillingPeriod;
use crate::messages::operations::parts::{NAMED, PATH, more, next, said};
use crate::text::lines::{body, subject};
use crate::text::{Text, counted, instant, name, wrap};

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
    pub bucket: &'a str,
    /// What the keys start with; may be empty.
    pub prefix: &'a str,
}

impl Display for Place<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "s3://{}/{}", self.bucket, self.prefix)
    }
}

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
    pub fn text(&self) -> Text {
        let place = self.place.to_string();
        let now = instant(self.now);
        let deployed = format!("Bedrock Ledger is deployed and has read {place} since {now}.");
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
                "The first delivery has arrived: {place} had none when Bedrock Ledger was deployed. It has been read since \
                 {now}. This is the message that was announced then, and the last about the deployment."
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
            "now: the deliveries above are read. This takes minutes, or hours for years of large exports",
            "then: metrics, Athena tables and alerts follow by themselves. Thresholds that this month has crossed already \
             come in one message",
            "within 8 to 24 hours: AWS delivers again, usually several times a day, and each delivery is read as it comes",
            "the first digest: on the stack's schedule, as soon as a month has numbers",
        ]));
        let count: usize = self.exports.iter().map(|export| export.deliveries).sum();
        let deliveries = counted(count, "delivery", "deliveries");
        let exports = counted(self.exports.len(), "export", "exports");
        let problems = self.findings.unwrap_or_default().iter().filter(|finding| finding.is_problem).count();
        let state =
            if problems == 0 { String::new() } else { format!(", {}", counted(problems, "problem", "problems")) };
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
            "until then: the alarm that nothing was delivered is on, and notifies you once. On the first day, ignore it. If \
             it stays on, no export delivers here",
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

pub(crate) fn found(export: &FoundExport) -> String {
    let (first, last) = export.periods;
    let periods = if first == last { first.to_string() } else { format!("{first} to {last}") };
    let deliveries = counted(export.deliveries, "delivery", "deliveries");
    let without = match export.without_manifest {
        0 => String::new(),
        count => format!(", {count} without a manifest: read as found once it is quiet, and marked unverified"),
    };
    format!("{}: {periods}, {deliveries}{without}", name(&export.path, PATH))
}
