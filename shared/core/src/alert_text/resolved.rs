//! That what was told is true no more.

use chrono::{DateTime, Utc};

use super::{NAME, body, data_lines, headline, labelled, owner, subject};
use crate::data_status::DataStatus;
use crate::decimal::Decimal;
use crate::rule::Kind;
use crate::text::{SUBJECT_LENGTH, Text, ascii, columns, money, shorten, wrap};
use crate::window::Window;

/// Why something is true no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// AWS restated what was spent.
    Restated,
    /// The spend went another way than it was heading, or was given an owner.
    Receded,
    /// The rule, its amount or its threshold is not configured any more.
    Changed,
    /// The window has been over for a while. Machines alone are told.
    Over,
}

impl Why {
    /// The name in events.
    #[must_use]
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
    /// The rule.
    pub rule: &'a str,
    /// Its member.
    pub member: Option<&'a str>,
    /// What kind of message told of it.
    pub kind: Kind,
    /// The window that it told of.
    pub window: Window,
    /// The currency of the amounts.
    pub currency: &'a str,
    /// What is spent now; `None` if it is not known any more.
    pub spent: Option<Decimal>,
    /// The amount that it was compared with.
    pub amount: Decimal,
    /// The names of the levels that are not crossed any more, lowest first.
    pub undone: &'a [String],
    /// The highest level that is still crossed.
    pub still: Option<&'a str>,
    /// Why.
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
    #[must_use]
    pub fn text(&self) -> Text {
        let lost = match self.kind {
            Kind::Budget | Kind::Forecast | Kind::Delta | Kind::Hygiene => {
                format!("not past {}", headline::percents(self.undone))
            }
            Kind::Anomaly | Kind::Test => format!("no {}", self.undone.join(" and no ")),
        };
        let rule = shorten(self.rule, 40);
        let now = self.spent.map_or_else(
            || "It is".to_owned(),
            |spent| format!("{} of {} now: it is", money(self.currency, spent), money(self.currency, self.amount)),
        );
        let mut lines = wrap("", &format!("{now} {lost} any more, in {}.", self.window.long()));
        let why = match self.why {
            Why::Restated => "AWS restated the bill",
            Why::Receded => "the spend did not go on as it was",
            Why::Changed => "the rule was changed",
            Why::Over => "the window is over",
        };
        let still = match self.still {
            Some(level) if self.kind != Kind::Anomaly => format!("; it is still past {level}%"),
            Some(level) => format!("; it is still a {level}"),
            None => "; nothing is left of it".to_owned(),
        };
        lines.extend(wrap("", &format!("{} {rule}: {why}{still}.", capital(self.kind))));
        lines.extend(wrap("", "If it is crossed again, that is a new alert."));
        lines.push(String::new());
        if let Some(member) = self.member {
            lines.extend(labelled("Who", &shorten(member, NAME)));
        }
        lines.extend(labelled("Owner", &owner(self.owner).replace(": call them first", "")));
        lines.extend(labelled("Told at", &crate::text::instant(self.told_at)));
        lines.extend(data_lines(&self.data, self.known_since, self.now));
        lines.extend(labelled("Alert id", &shorten(self.alert_id, 2 * NAME)));
        Text { subject: self.subject(), body: body(&lines) }
    }

    fn subject(&self) -> String {
        let spent = self.spent.map_or_else(|| "Nothing".to_owned(), |spent| money(self.currency, spent));
        let word = if self.still.is_some() { "less than told" } else { "resolved" };
        let start = format!("{spent} of {}, {word}: ", money(self.currency, self.amount));
        let end = format!("{} {}, {}", self.kind, shorten(self.rule, 24), self.window.short());
        let room = SUBJECT_LENGTH.saturating_sub(columns(&start) + columns(&end) + 2);
        let member = self.member.map(|member| format!("{}, ", shorten(&ascii(&headline::no_arn(member)), room)));
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
