//! The subject of an alert, and the sentences that it begins with: the money, and which rule was crossed.

use crate::calendar::window::WindowKind;
use crate::forecast::Outlook;
use crate::money::decimal::Decimal;
use crate::rules::finding::{Against, Detail, Lack, Measurement, Shape};
use crate::rules::rule::Kind;
use crate::text::{self, SUBJECT_LENGTH, ascii, columns, day, money, name, share, shorten, used, wrap};

/// The money and the rule, as they stand in a subject.
pub(super) fn subject(measured: &Measurement) -> String {
    subject_with(measured, "")
}

/// The same with a remark behind it.
pub(super) fn subject_with(measured: &Measurement, remark: &str) -> String {
    let start = format!("{}: ", amounts(measured));
    let what = match measured.kind() {
        Kind::Forecast => "budget",
        kind => kind.as_str(),
    };
    let when = measured.day.map_or_else(|| measured.window.short(), day);
    let end = format!("{what} {}, {when}{remark}", shorten(&measured.rule, 24));
    let room = SUBJECT_LENGTH.saturating_sub(columns(&start) + columns(&end) + 2);
    let member = measured.member.as_deref().map(|member| format!("{}, ", name(&ascii(&no_arn(member)), room)));
    text::lines::subject(&format!("{start}{}{end}", member.unwrap_or_default()))
}

/// A caller's ARN as it may stand in a subject: account numbers of people are not for notification lists on phones.
pub(super) fn no_arn(member: &str) -> String {
    if member.starts_with("arn:") {
        member.rsplit([':', '/']).next().unwrap_or(member).to_owned()
    } else {
        member.to_owned()
    }
}

/// `$2,431.20 of $2,400.00 (101%)`, and what is like it for other rules.
pub(super) fn amounts(measured: &Measurement) -> String {
    let of = |amount| money(&measured.currency, amount);
    let spent = of(measured.spent);
    match &measured.detail {
        Detail::Budget(_) => format!("{spent} of {} ({})", of(measured.amount), used(measured.spent, measured.amount)),
        Detail::Forecast(Outlook::Forecast(forecast)) => format!(
            "{} expected of {} ({})",
            of(forecast.expected),
            of(measured.amount),
            used(forecast.expected, measured.amount)
        ),
        Detail::Forecast(_) => format!("{spent} of {}, heading on", of(measured.amount)),
        Detail::Delta { is_new: true, .. } => format!("{spent} after nothing (new)"),
        Detail::Delta { before, .. } => format!("{spent} after {}{}", of(*before), rise(measured, *before)),
        Detail::Anomaly { shape: Shape::New, .. } => format!("{spent} by a new spender"),
        Detail::Anomaly { usual, .. } => format!("{spent}, usually {}{}", of(*usual), times(measured, *usual)),
        Detail::Hygiene { whole, lack, .. } => {
            let without = match lack {
                Lack::Tag(_) => "unowned",
                Lack::Principal => "without a caller",
            };
            format!("{spent} of {} ({}) {without}", of(*whole), share(measured.spent, *whole))
        }
    }
}

/// What happened, in one or two sentences.
pub(super) fn lines(measured: &Measurement, fired: &[String]) -> Vec<String> {
    let of = |amount| money(&measured.currency, amount);
    let rule = shorten(&measured.rule, 40);
    let window = measured.window.long();
    let when = measured.day.map_or_else(|| window.clone(), |day| day.format("%-d %b %Y").to_string());
    let (spent, amount) = (of(measured.spent), of(measured.amount));
    let severity = format!("Severity: {}.", measured.severity);
    let on = if measured.window.kind() == WindowKind::Day { "on" } else { "in" };
    let [first, second] = match &measured.detail {
        Detail::Budget(_) => {
            let left = measured.amount.checked_sub(measured.spent).map_or_else(String::new, |left| {
                let verb = if left.is_negative() { "over by" } else { "left:" };
                format!("; {verb} {}", of(left.abs()))
            });
            [
                format!("{} spent {on} {window}.", amounts(measured)),
                format!("Budget {rule} crossed {}{left}. {severity}", percents(fired)),
            ]
        }
        Detail::Forecast(_) => [
            format!("{} in {window}; {spent} spent so far.", amounts(measured)),
            format!("Budget {rule} is heading past {}. {severity}", percents(fired)),
        ],
        Detail::Delta { against, before, rise_percent, is_new } => {
            let than = match against {
                Against::Weekday => "on the same weekday before",
                Against::Trailing => "a day in the week before",
                Against::Month => "by the same day of the month before",
            };
            let past = if *is_new {
                "; there is no earlier spend to compare with".to_owned()
            } else {
                format!("; {} {than}", of(*before))
            };
            let upto = if *against == Against::Month { "to date in" } else { "on" };
            [
                format!("{spent} spent {upto} {when}{past}."),
                format!("Delta {rule} alerts on a rise of more than {rise_percent}% and {amount}. {severity}"),
            ]
        }
        Detail::Anomaly { shape: Shape::New, limit, .. } => [
            format!("{spent} spent up to {when} by a new spender: there is no spend before."),
            format!("Anomaly {rule} alerts on new spenders above {}. {severity}", of(*limit)),
        ],
        Detail::Anomaly { shape, usual, limit, past_days } => {
            let what = if *shape == Shape::Runaway { "A runaway day" } else { "A spike" };
            [
                format!("{spent} spent on {when}; usual for such a day: {}{}.", of(*usual), times(measured, *usual)),
                format!("{what}: above {}, the limit of anomaly {rule} from {past_days} days. {severity}", of(*limit)),
            ]
        }
        Detail::Hygiene { lack, whole, percent, .. } => [
            format!("{spent} of {} ({}) in {window} is without {lack}.", of(*whole), share(measured.spent, *whole)),
            format!("Hygiene {rule} alerts from {percent}% and {amount} on. {severity}"),
        ],
    };
    let mut text = wrap("", &first);
    text.extend(wrap("", &second));
    text
}

/// ` (+350%)`, or nothing where nothing was before.
pub(super) fn rise(measured: &Measurement, before: Decimal) -> String {
    let more = measured.spent.checked_sub(before);
    let percent = more.and_then(|more| more.percent_of(before)).map(|percent| percent.round_to(0));
    let sign = if percent.is_some_and(Decimal::is_negative) { "" } else { "+" };
    percent.map_or_else(String::new, |percent| format!(" ({sign}{percent}%)"))
}

/// ` (18 times)`, or nothing where a usual day has nothing.
fn times(measured: &Measurement, usual: Decimal) -> String {
    let times = measured.spent.percent_of(usual).map(|percent| percent.units() / Decimal::from_integer(100).units());
    times.filter(|times| *times > 1).map_or_else(String::new, |times| format!(" ({times} times)"))
}

/// `50%, 80% and 100%`.
pub(super) fn percents(percents: &[String]) -> String {
    listed(percents, "and")
}

/// `50%, 80% or 100%`.
pub(super) fn percents_or(percents: &[String]) -> String {
    listed(percents, "or")
}

fn listed(percents: &[String], word: &str) -> String {
    let texts: Vec<_> = percents.iter().map(|percent| format!("{percent}%")).collect();
    match texts.split_last() {
        Some((last, [])) => last.clone(),
        // Only what is highest matters where somebody lists very many.
        Some((last, others)) if others.len() > 5 => format!("{} thresholds up to {last}", texts.len()),
        Some((last, others)) => format!("{} {word} {last}", others.join(", ")),
        None => "no threshold".to_owned(),
    }
}
