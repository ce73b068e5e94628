//! The message that an alert is no longer true.

use chrono::{DateTime, Utc};

use super::headline;
use crate::calendar::data_status::DataStatus;
use crate::calendar::window::{Window, WindowKind};
use crate::forecast::Outlook;
use crate::messages::alert::parts::{NAME, data_lines, id, owner};
use crate::money::decimal::Decimal;
use crate::rules::finding::{Against, Detail, Measurement, Shape, Verdict};
use crate::rules::measure::verdict;
use crate::rules::rule::Kind;
use crate::text::lines::{body, labelled, subject};
use crate::text::{SUBJECT_LENGTH, Text, ascii, columns, day, money, name, share, shorten, used, wrap};

/// Why something is true no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// AWS restated what was spent.
    Restated,
    /// The spend went another way than it was heading, went on more slowly, or was given an owner.
    Receded,
    /// The rule, its amount or its threshold is not configured any more.
    Changed,
    /// The window has been over for a while. Machines alone are told.
    Over,
}

impl Why {
    /// The name in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restated => "restated",
            Self::Receded => "receded",
            Self::Changed => "changed",
            Self::Over => "over",
        }
    }
}

/// That what was told is true no more.
#[derive(Clone, Copy, Debug)]
pub struct ResolvedAlert<'a> {
    pub rule: &'a str,
    pub member: Option<&'a str>,
    /// What kind of message told of it.
    pub kind: Kind,
    /// The window that it told of.
    pub window: Window,
    /// The currency of the amounts.
    pub currency: &'a str,
    /// What is found now; `None` if there is nothing in its place any more.
    pub measured: Option<&'a Measurement>,
    /// What was spent when it was told, where that is known.
    pub was: Option<Decimal>,
    /// The amount that it was compared with.
    pub amount: Decimal,
    /// The names of the levels that are not crossed any more, lowest first.
    pub undone: &'a [String],
    /// The highest level that is still crossed.
    pub still: Option<&'a str>,
    pub why: Why,
    /// Whom to call.
    pub owner: Option<&'a str>,
    /// When it was told.
    pub told_at: DateTime<Utc>,
    /// How far the data can be trusted.
    pub data: DataStatus,
    /// When the newest delivery of that data was made.
    pub known_since: Option<DateTime<Utc>>,
    /// The alert's id.
    pub alert_id: &'a str,
    /// The time of the evaluation.
    pub now: DateTime<Utc>,
}

impl ResolvedAlert<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let mut lines = wrap("", &self.now());
        let still = match self.still {
            Some(level) if self.kind == Kind::Anomaly => format!("; it is still a {level}"),
            Some(level) if self.kind == Kind::Forecast => format!("; it is still heading past {level}%"),
            Some(level) => format!("; it is still past {level}%"),
            None => String::new(),
        };
        let rule = format!("{} {}, {}", capital(self.kind), shorten(self.rule, 40), self.window.long());
        lines.extend(wrap("", &format!("{rule}: {}{still}.", self.because())));
        let again = match (self.kind, self.window.kind()) {
            (Kind::Delta, WindowKind::Month) => {
                "You get another alert this month only if the rise becomes twice as large."
            }
            _ => "If it is crossed again, you get a new alert.",
        };
        lines.extend(wrap("", again));
        lines.push(String::new());
        if let Some(member) = self.member {
            lines.extend(labelled("Who", &name(member, NAME)));
        }
        lines.extend(labelled("Owner", &owner(self.owner, false).replace(": call them first", "")));
        lines.extend(labelled("Alerted", &crate::text::instant(self.told_at)));
        lines.extend(data_lines(&self.data, self.known_since, self.now));
        lines.extend(labelled("Alert id", &id(self.alert_id)));
        Text { subject: self.subject(), body: body(&lines) }
    }

    /// What is true now, in one sentence.
    fn now(&self) -> String {
        let of = |amount| money(self.currency, amount);
        let when = match self.window.kind() {
            WindowKind::Day => format!("on {}", self.window.long()),
            WindowKind::Month | WindowKind::Week => format!("in {}", self.window.long()),
        };
        let Some(measured) = self.measured else {
            let was = self.was.map_or_else(String::new, |was| format!(" (was {})", of(was)));
            if self.why == Why::Changed {
                return format!("The configuration no longer has this rule or threshold{was}.");
            }
            return match (self.kind, self.member) {
                (Kind::Hygiene, _) => format!("No spend lacks it {when} any more{was}."),
                (Kind::Budget | Kind::Forecast | Kind::Delta | Kind::Anomaly | Kind::Test, Some(member)) => format!(
                    "{} has no spend {when} any more{was}; it may have moved to another name.",
                    name(member, NAME)
                ),
                (Kind::Budget | Kind::Forecast | Kind::Delta | Kind::Anomaly | Kind::Test, None) => {
                    format!("There is no spend {when} any more{was}.")
                }
            };
        };
        let spent = of(measured.spent);
        match &measured.detail {
            Detail::Budget(_) => {
                let lost = headline::percents_or(self.undone);
                format!(
                    "{spent} of {} ({}) now: no longer past {lost}.",
                    of(self.amount),
                    used(measured.spent, self.amount)
                )
            }
            Detail::Forecast(Outlook::Forecast(forecast)) => format!(
                "Heading for {} of {} ({}) by {}: no longer past {}.",
                of(forecast.expected),
                of(self.amount),
                used(forecast.expected, self.amount),
                day(self.window.last_day()),
                headline::percents_or(self.undone)
            ),
            Detail::Forecast(_) => format!(
                "{spent} of {} ({}) spent {when}: no longer heading past {}.",
                of(self.amount),
                used(measured.spent, self.amount),
                headline::percents_or(self.undone)
            ),
            Detail::Delta { against, before, rise_percent, .. } => {
                let then = match against {
                    Against::Weekday => "on the same weekday before".to_owned(),
                    Against::Trailing => "a day in the week before".to_owned(),
                    Against::Month => {
                        let month = crate::calendar::period::BillingPeriod::of(self.window.first_day()).previous();
                        format!("by the same day of {}", month.first_day().format("%B"))
                    }
                };
                let when = if *against == Against::Month { "to date".to_owned() } else { when };
                let more = measured.spent.checked_sub(*before).unwrap_or_default();
                // Both must be exceeded: what is named is the one that is not.
                let limit = match verdict(more, *before, *rise_percent) {
                    Verdict::Crossed => of(self.amount),
                    Verdict::Undecided | Verdict::Clear => format!("{rise_percent}%"),
                };
                let rise = headline::rise(measured, *before);
                format!("{spent} {when}, {} {then}{rise}: the rise is at most {limit}.", of(*before))
            }
            Detail::Anomaly { shape: Shape::New, limit, .. } => {
                format!("{spent} {when} now: not above {}, the limit for new spenders.", of(*limit))
            }
            Detail::Anomaly { .. } => match self.still {
                Some(_) => format!("{spent} {when} now: no longer a {}.", self.undone.join(" or a ")),
                None => format!("{spent} {when} now, an ordinary day."),
            },
            Detail::Hygiene { lack, whole, percent, .. } => {
                let limit = match verdict(measured.spent, *whole, *percent) {
                    Verdict::Crossed => of(self.amount),
                    Verdict::Undecided | Verdict::Clear => format!("{percent}%"),
                };
                let part = share(measured.spent, *whole);
                format!("{spent} of {} ({part}) {when} is without {lack} now: less than {limit}.", of(*whole))
            }
        }
    }

    fn because(&self) -> &'static str {
        match (self.why, self.kind) {
            (Why::Restated, _) if self.measured.is_none() => "the bill no longer has this spend",
            (Why::Restated, _) => "AWS restated the bill",
            (Why::Receded, Kind::Hygiene) => "more of the spend is attributed now",
            (Why::Receded, Kind::Delta) => "spend grew more slowly since",
            (Why::Receded, Kind::Budget | Kind::Forecast | Kind::Anomaly | Kind::Test) => {
                "spend grew more slowly than forecast"
            }
            (Why::Changed, _) => "the rule was changed",
            (Why::Over, _) => "the window is over",
        }
    }

    fn subject(&self) -> String {
        let of = |amount| money(self.currency, amount);
        let amounts = match self.measured.map(|measured| (measured, &measured.detail)) {
            None if self.why == Why::Changed => "Rule changed".to_owned(),
            None => "No spend any more".to_owned(),
            Some((measured, Detail::Budget(_) | Detail::Forecast(Outlook::TooEarly { .. } | Outlook::Over))) => {
                format!("{} of {}", of(measured.spent), of(self.amount))
            }
            Some((_, Detail::Forecast(Outlook::Forecast(forecast)))) => {
                format!("{} expected of {}", of(forecast.expected), of(self.amount))
            }
            Some((measured, Detail::Anomaly { .. })) => of(measured.spent),
            Some((measured, Detail::Delta { .. } | Detail::Hygiene { .. })) => headline::amounts(measured),
        };
        let word = match (self.still, self.why) {
            (Some(_), _) => "corrected",
            (None, Why::Receded) => "receded",
            (None, Why::Restated | Why::Changed | Why::Over) => "resolved",
        };
        let start = format!("{amounts}, {word}: ");
        let end = format!("{} {}, {}", self.kind, shorten(self.rule, 24), self.window.short());
        let room = SUBJECT_LENGTH.saturating_sub(columns(&start) + columns(&end) + 2);
        let member = self.member.map(|member| format!("{}, ", name(&ascii(&headline::no_arn(member)), room)));
        subject(&format!("{start}{}{end}", member.unwrap_or_default()))
    }
}

fn capital(kind: Kind) -> &'static str {
    match kind {
        Kind::Budget => "Budget",
        Kind::Forecast => "The forecast of budget",
        Kind::Delta => "Delta",
        Kind::Anomaly => "Anomaly",
        Kind::Hygiene => "Hygiene",
        Kind::Test => "Test",
    }
}
