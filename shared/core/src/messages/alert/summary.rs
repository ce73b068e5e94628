//! Several alerts, or several resolved ones, in one message.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::headline;
use crate::calendar::data_status::DataStatus;
use crate::calendar::period::BillingPeriod;
use crate::facts::dimension::Dimension;
use crate::facts::fact::FactField;
use crate::facts::spend::{CostPolicy, counted};
use crate::messages::alert::parts::{NAME, command, data_lines, id, words};
use crate::rules::finding::Measurement;
use crate::text::lines::{LABEL, body, label, labelled, subject};
use crate::text::{Text, WIDTH, columns, name, shorten, wrap};

/// What sets how many messages are sent one by one.
const LIMIT: &str = "No other message about them follows. `max_per_run` in [alerts] sets the limit.";

/// Why findings are told together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SummaryReason {
    /// They were there when their rules were first evaluated.
    FirstRun,
    /// There are more than one run sends messages of.
    TooMany,
}

impl SummaryReason {
    /// The name in ids and events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstRun => "first-run",
            Self::TooMany => "too-many",
        }
    }
}

/// Findings that are told in one message.
#[derive(Clone, Copy, Debug)]
pub struct SummaryAlert<'a> {
    /// Why.
    pub reason: SummaryReason,
    /// What was measured, the worst first.
    pub measurements: &'a [&'a Measurement],
    /// How far the data can be trusted.
    pub data: DataStatus,
    /// When the newest delivery of that data was made.
    pub known_since: Option<DateTime<Utc>>,
    /// What counts as spend.
    pub policy: &'a CostPolicy,
    /// The alert's id.
    pub alert_id: &'a str,
    /// The time of the evaluation.
    pub now: DateTime<Utc>,
}

impl SummaryAlert<'_> {
    /// More findings than this are too many for one message that people read.
    pub const MOST: usize = 100;

    /// The message. All findings are listed as they come; the subject names the first.
    pub fn text(&self) -> Text {
        let count = self.measurements.len();
        let mut lines = match self.reason {
            SummaryReason::FirstRun => {
                let rules: BTreeSet<_> = self.measurements.iter().map(|measured| &measured.rule).collect();
                let of = if rules.len() == 1 { "one rule".to_owned() } else { format!("{} rules", rules.len()) };
                let findings = if count == 1 { "finding" } else { "findings" };
                let mut lines = wrap("", &format!("First evaluation of {of}, with {count} {findings}."));
                lines.extend(wrap("", "From now on, every threshold that is crossed sends one message of its own."));
                lines
            }
            SummaryReason::TooMany => {
                let mut lines =
                    wrap("", &format!("{count} more alerts than one run sends one by one. Each is listed here."));
                lines.extend(wrap("", LIMIT));
                lines
            }
        };
        lines.push(String::new());
        for measured in self.measurements {
            let amounts = format!("{}  ", headline::amounts(measured));
            let rule = format!("{} {}", measured.kind(), shorten(&measured.rule, 24));
            let name = match &measured.member {
                Some(member) => format!("{rule}: {}", name(member, NAME)),
                None => rule,
            };
            if columns(&amounts) + columns(&name) <= WIDTH {
                lines.push(format!("{amounts}{name}"));
            } else {
                lines.extend(wrap("", &amounts));
                lines.extend(wrap(&" ".repeat(LABEL), &name));
            }
            let roles = measured.driver.as_ref().map(|driver| &driver.roles).filter(|_| is_of_identity(measured));
            if let Some(roles) = roles.filter(|roles| !roles.is_empty()) {
                lines.extend(wrap(&" ".repeat(LABEL), &format!("through {}", roles.within(2 * NAME))));
            }
        }
        lines.push(String::new());
        lines.extend(labelled("Counted", &counted(self.policy)));
        lines.extend(data_lines(&self.data, self.known_since, self.now));
        let period = self
            .measurements
            .first()
            .map(|measured| BillingPeriod::of(measured.day.unwrap_or_else(|| measured.window.first_day())));
        if let Some(period) = period {
            let mut words = words("identity,model,day", self.policy);
            words.push(format!("--period {period} --top 20"));
            lines.extend(command(words));
        }
        lines.extend(labelled("Alert id", &id(self.alert_id)));
        Text { subject: self.subject(), body: body(&lines) }
    }

    fn subject(&self) -> String {
        if let (SummaryReason::FirstRun, [only]) = (self.reason, self.measurements) {
            return headline::subject_with(only, " (at first evaluation)");
        }
        let first = self.measurements.first().map_or_else(String::new, |measured| headline::amounts(measured));
        let more = match self.measurements.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        let when = self.measurements.first().map_or_else(String::new, |measured| measured.window.short());
        subject(&match self.reason {
            SummaryReason::FirstRun => format!("{first}{more}: at first evaluation, {when}"),
            SummaryReason::TooMany => format!("{first}{more}: more alerts than a run sends"),
        })
    }
}

/// Whether the member is a caller: then it is who drives its spend.
fn is_of_identity(measured: &Measurement) -> bool {
    measured.each == Some(Dimension::Field(FactField::Identity))
}

/// More findings that are true no more than one run sends messages of.
#[derive(Clone, Copy, Debug)]
pub struct ResolvedSummary<'a> {
    /// What each of their messages would have had as its subject, the most urgent first.
    pub subjects: &'a [&'a str],
    /// The message's id.
    pub alert_id: &'a str,
}

impl ResolvedSummary<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let count = self.subjects.len();
        let alerts = if count == 1 { "alert" } else { "alerts" };
        let are = if count == 1 { "is" } else { "are" };
        let mut lines = wrap("", &format!("{count} more {alerts} {are} resolved. Each is listed here."));
        lines.extend(wrap("", LIMIT));
        lines.push(String::new());
        for subject in self.subjects {
            let mut wrapped = wrap("", subject).into_iter();
            lines.extend(wrapped.next());
            lines.extend(wrapped.map(|line| format!("{}{line}", label(""))));
        }
        lines.push(String::new());
        lines.extend(labelled("Alert id", &id(self.alert_id)));
        let first = self.subjects.first().copied().unwrap_or_default();
        Text { subject: subject(&format!("{count} {alerts} resolved: {first}")), body: body(&lines) }
    }
}
