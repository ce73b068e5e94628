//! What an alert says to the person who is woken by it: how much against what, who, since when, whether it may still
//! be going on, how to look closer and how to stop it. This file has the body of an alert; the others:
//!
//! - `advice`: how to find a caller's requests and how to stop them;
//! - `headline`: the subject and the first two sentences;
//! - `lines`: blocks of lines, dropped by rank where 25 lines are too few;
//! - `parts`: lines that alerts, summaries and resolved alerts share;
//! - `resolved`: an alert that is no longer true;
//! - `summary`: several alerts in one message;
//! - `trial`: the test message.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::calendar::data_status::DataStatus;
use crate::calendar::period::{DayState, SETTLED_AFTER};
use crate::calendar::window::{WindowKind, end_of};
use crate::digest::wording::MAY_CHANGE;
use crate::facts::dimension::Dimension;
use crate::facts::fact::FactField;
use crate::facts::folding::Folded;
use crate::facts::spend::{CostPolicy, counted};
use crate::forecast::{FEWEST_DAYS, Forecast, Outlook};
use crate::messages::alert::parts::{NAME, command, data_lines, id, owner, words};
use crate::money::currencies::largest_first;
use crate::money::decimal::Decimal;
use crate::rules::driver::Driver;
use crate::rules::finding::{Detail, Measurement};
use crate::text::lines::{LABEL, body, signed};
use crate::text::{
    NONE, OTHER, Text, WIDTH, columns, day, days, is_unsafe, money, name, share, shorten, used, without_links,
};

mod advice;
mod headline;
mod lines;
pub mod parts;
pub mod resolved;
pub mod summary;
pub mod trial;

use crate::text::lines::{label, labelled};
use lines::{Block, fit};

/// Something that a rule found.
#[derive(Clone, Copy, Debug)]
pub struct Alert<'a> {
    /// What was measured.
    pub measurement: &'a Measurement,
    /// The names of the levels that this message tells of, lowest first.
    pub fired: &'a [String],
    /// How far the data can be trusted.
    pub data: DataStatus,
    /// When the newest delivery of that data was made.
    pub known_since: Option<DateTime<Utc>>,
    /// How many callers the facts of the window's months do not keep apart.
    pub folded: Folded,
    /// What counts as spend.
    pub policy: &'a CostPolicy,
    /// The alert's id.
    pub alert_id: &'a str,
    /// The time of the evaluation.
    pub now: DateTime<Utc>,
}

impl Alert<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let measured = self.measurement;
        let mut blocks = vec![Block::kept(headline::lines(measured, self.fired)), Block::blank()];
        if let (Some(member), Some(each)) = (&measured.member, &measured.each) {
            let each = shorten(&each.to_string(), NAME);
            blocks.push(Block::kept(labelled("Who", &format!("{} ({each})", name(member, NAME)))));
        }
        // Who spent it is what whoever is woken asks first.
        blocks.push(Block::kept(driver_lines(measured)));
        blocks.push(Block::kept(self.folded()));
        blocks.push(Block::dropped(6, peak_lines(measured)));
        blocks.push(Block::blank());
        let scope = if measured.scope.is_empty() { "all Bedrock spend" } else { &measured.scope };
        blocks.push(Block::dropped(7, labelled("Scope", &shorten(scope, 2 * NAME))));
        blocks.push(Block::kept(labelled("Owner", &whom_to_call(measured))));
        blocks.push(Block::dropped(2, outlook(measured, self.now)));
        blocks.push(Block::dropped(5, self.counted()));
        blocks.push(Block::kept(data_lines(&self.data, self.known_since, self.now)));
        blocks.push(Block::kept(still_on(measured, &self.data, self.now)));
        blocks.push(Block::kept(restated(measured)));
        blocks.push(Block::dropped(1, self.provisional()));
        blocks.push(Block::dropped(4, not_added(measured)));
        blocks.push(Block::blank());
        if let Some(driver) = &measured.driver {
            blocks.push(Block::kept(labelled("See it now", &advice::live(driver))));
            blocks.push(Block::kept(labelled("", &advice::cloudtrail(driver))));
        }
        blocks.push(Block::kept(reproduce(measured, self.policy)));
        match (&measured.detail, &measured.driver) {
            // Calls without a tag are no reason to stop anybody.
            (Detail::Hygiene { lack, spelt, .. }, driver) => {
                let mend = advice::mend(lack, spelt.as_deref(), driver.as_ref());
                blocks.push(Block::kept(labelled("Mend it", &mend)));
            }
            (_, Some(driver)) => blocks.push(Block::kept(labelled("Stop it", &advice::stop(driver)))),
            (_, None) => {}
        }
        blocks.push(Block::kept(measured.runbook.as_deref().map(runbook).into_iter().collect()));
        blocks.push(Block::kept(labelled("Alert id", &id(self.alert_id))));
        Text { subject: headline::subject(measured), body: body(&fit(blocks)) }
    }

    /// What [`OTHER`] stands for, where it is told of.
    fn folded(&self) -> Vec<String> {
        let (measured, folded) = (self.measurement, self.folded);
        let is_other =
            |each: &Dimension| measured.each.as_ref() == Some(each) && measured.member.as_deref() == Some(OTHER);
        let identity = Dimension::Field(FactField::Identity);
        let is_of_identities =
            is_other(&identity) || measured.driver.as_ref().is_some_and(|driver| driver.identity == OTHER);
        let is_of_tags = measured.member.as_deref() == Some(OTHER) && !is_other(&identity);
        let told = Folded {
            identities: if is_of_identities { folded.identities } else { 0 },
            sessions: 0,
            tag_sets: if is_of_tags { folded.tag_sets } else { 0 },
        };
        told.sentences().iter().flat_map(|sentence| labelled("Note", sentence)).collect()
    }

    fn counted(&self) -> Vec<String> {
        let mut spent_on =
            self.measurement.days.iter().map(|(day, _)| *day).filter(|day| is_covered(self.measurement, *day));
        let first = spent_on.next();
        let range = match (first, spent_on.next_back().or(first)) {
            (Some(first), Some(last)) if first == last => format!("{}, UTC day; ", day(first)),
            (Some(first), Some(last)) => format!("{}, UTC days; ", days(first, last)),
            _ => String::new(),
        };
        labelled("Counted", &format!("{range}{}", counted(self.policy)))
    }

    fn provisional(&self) -> Vec<String> {
        let measured = self.measurement;
        let last = measured.last_day();
        let is_over = match measured.window.kind() {
            WindowKind::Day => end_of(last) + SETTLED_AFTER <= self.now,
            WindowKind::Month | WindowKind::Week => end_of(last) <= self.now,
        };
        // Of what is over is said already that AWS may correct it.
        if is_over {
            return Vec::new();
        }
        let is_provisional = |day: NaiveDate| is_covered(measured, day) && self.data.is_provisional(day);
        let provisional: Vec<_> = measured.days.iter().filter(|(day, _)| is_provisional(*day)).copied().collect();
        let (Some((first, _)), Some((last, _))) = (provisional.first(), provisional.last()) else {
            return Vec::new();
        };
        let sum = provisional.iter().try_fold(Decimal::ZERO, |sum, (_, spent)| sum.checked_add(*spent));
        let amount = sum.map_or_else(String::new, |sum| format!(" ({})", money(&measured.currency, sum)));
        labelled("Provisional", &format!("{}{amount} {MAY_CHANGE}", days(*first, *last)))
    }
}

/// Whether the number is also of a day.
fn is_covered(measured: &Measurement, day: NaiveDate) -> bool {
    (measured.covered.0..=measured.covered.1).contains(&day)
}

/// Where a budget is heading. A day is over before anything could be said of it.
fn outlook(measured: &Measurement, now: DateTime<Utc>) -> Vec<String> {
    let (Detail::Budget(Some(outlook)) | Detail::Forecast(outlook)) = &measured.detail else { return Vec::new() };
    if measured.window.kind() == WindowKind::Day || measured.window.end() <= now {
        return Vec::new();
    }
    let text = match outlook {
        Outlook::Forecast(forecast) => format!(
            "{} by {} ({}){}",
            money(&measured.currency, forecast.expected),
            day(measured.window.last_day()),
            used(forecast.expected, measured.amount),
            likely(&measured.currency, forecast),
        ),
        Outlook::TooEarly { settled_days } => {
            let days = if *settled_days == 1 { "day is" } else { "days are" };
            format!("too early to say: {settled_days} {days} settled, a forecast needs {FEWEST_DAYS}")
        }
        Outlook::Over => return Vec::new(),
    };
    labelled("Heading for", &text)
}

/// `, probably $2,951 to $3,391`, in whole units where that says it; nothing where both ends are as good as the same.
fn likely(currency: &str, forecast: &Forecast) -> String {
    let (low, high) = (forecast.low, forecast.high);
    let is_narrow = high.units().saturating_sub(low.units()) <= forecast.expected.units().saturating_abs() / 50;
    if is_narrow {
        return String::new();
    }
    let whole = |amount: Decimal| {
        let text = money(currency, amount.round_to(0));
        text.strip_suffix(".00").map(str::to_owned).unwrap_or(text)
    };
    let is_large = low >= Decimal::from_integer(20);
    let of = |amount| if is_large { whole(amount) } else { money(currency, amount) };
    format!(", probably {} to {}", of(low), of(high))
}

/// Whom to call for what was measured. A value that only the bill has calls nobody: that is said, with the value.
fn whom_to_call(measured: &Measurement) -> String {
    let Some(value) = &measured.unlisted_owner else {
        return owner(measured.owner.as_deref(), measured.is_owner_of_spend);
    };
    let (value, whom) = (name(value, 40), measured.owner.as_deref().map(|owner| name(owner, 40)));
    let why = format!("the bill names {value}, which the configuration does not list");
    match whom {
        Some(owner) if measured.is_owner_of_spend => format!("{owner}: owns the spend; {why}"),
        Some(owner) => format!("{owner}: the fallback owner; {why}"),
        None => format!("not known: {why}; [tags.allowed] lists who may be called"),
    }
}

/// Whether it may still be going on: of a day the later days of the bill tell.
fn still_on(measured: &Measurement, data: &DataStatus, now: DateTime<Utc>) -> Vec<String> {
    if let Some(text) = later_days(measured, data) {
        return labelled("Still on?", &text);
    }
    let window = measured.window;
    let text = match (data.closed, window.end() <= now, window.kind()) {
        (true, ..) => "no: the month is closed",
        (false, true, WindowKind::Month) => "no: the month is over; AWS may correct it",
        (false, true, WindowKind::Week) => "no: the week is over; AWS may correct it",
        _ => "not known: later usage is not in the bill yet",
    };
    labelled("Still on?", text)
}

/// How many days are named one by one.
const DAYS_NAMED: usize = 3;

/// What the bill has of the days after the one that is told of; `None` if it has no such day.
fn later_days(measured: &Measurement, data: &DataStatus) -> Option<String> {
    let (told, as_of) = (measured.only_day()?, data.as_of?);
    let is_of_a_day = measured.day.is_some() || measured.window.kind() == WindowKind::Day;
    // At midnight the bill speaks of the day before.
    let newest = (as_of - TimeDelta::nanoseconds(1)).date_naive();
    let later: Vec<_> = told.iter_days().skip(1).take_while(|later| is_of_a_day && *later <= newest).collect();
    let (first, last) = (*later.first()?, *later.last()?);
    let spent_on = |on: NaiveDate| {
        let found = measured.later.iter().find(|(day, _)| *day == on);
        found.map_or(Decimal::ZERO, |(_, spent)| *spent)
    };
    let spent = || later.iter().map(|day| spent_on(*day));
    let money = |amount| money(&measured.currency, amount);
    let amounts = if spent().all(Decimal::is_zero) {
        format!("no spend on {} so far", days(first, last))
    } else if later.len() <= DAYS_NAMED {
        let named: Vec<_> = later.iter().map(|on| format!("{} on {}", money(spent_on(*on)), day(*on))).collect();
        named.join(", ")
    } else {
        let (lowest, highest) = (spent().min().unwrap_or_default(), spent().max().unwrap_or_default());
        let span = days(first, last);
        if lowest == highest {
            format!("{} a day on {span}", money(highest))
        } else {
            format!("{} to {} a day on {span}, {} on the last", money(lowest), money(highest), money(spent_on(last)))
        }
    };
    let first_open = later.iter().find(|day| DayState::of(**day, as_of) == DayState::Provisional);
    let open = match first_open {
        None => String::new(),
        Some(open) if *open != first => format!("; {} may still rise", days(*open, last)),
        Some(_) => "; this may still rise".to_owned(),
    };
    Some(format!("{amounts}{open}"))
}

/// What the delivery changed of a day that had settled.
fn restated(measured: &Measurement) -> Vec<String> {
    let Some(restated) = measured.restated else { return Vec::new() };
    let text = if let Some(from) = restated.from {
        let verb = if from <= measured.spent { "raised" } else { "lowered" };
        format!("this delivery {verb} the day from {}", money(&measured.currency, from))
    } else {
        let by = signed(&measured.currency, restated.by);
        format!("this delivery changed all Bedrock spend of the day by {by}")
    };
    labelled("Restated", &text)
}

fn driver_lines(measured: &Measurement) -> Vec<String> {
    let money = |amount| money(&measured.currency, amount);
    let mut lines = Vec::new();
    if let Some(Driver { identity, identity_kind, roles, spent, model, model_spent, token, rise, .. }) =
        &measured.driver
    {
        let who = match identity.as_str() {
            NONE => "nobody: the bill names no caller".to_owned(),
            identity => format!("{} ({identity_kind})", name(identity, NAME)),
        };
        lines.extend(labelled("Driver", &who));
        if !roles.is_empty() {
            lines.extend(labelled("", &format!("through {}", roles.within(2 * NAME))));
        }
        let part = share(*spent, measured.spent);
        let on_model = format!("{} of it on {}, {}", money(*model_spent), name(model, 24), name(token, 24));
        lines.extend(labelled("", &format!("{} ({part}); {on_model}", money(*spent))));
        if let Some(rise) = rise {
            let when = days(rise.since, rise.until);
            // An anomaly has said what is usual: another such value beside it, of other days, would only be asked about.
            let more = match measured.detail {
                Detail::Anomaly { .. } => "more than twice its spend on the days before".to_owned(),
                _ => format!("{} more than its usual {} a day", money(rise.by), money(rise.usual)),
            };
            lines.extend(labelled("", &format!("{when}: {more}")));
        }
    }
    lines
}

fn peak_lines(measured: &Measurement) -> Vec<String> {
    let money = |amount| money(&measured.currency, amount);
    // Of one day it is that day.
    let Some(peak) = measured.peak().filter(|_| measured.only_day().is_none()) else { return Vec::new() };
    let others = peak.others_median.map_or_else(
        || "the only day with spend".to_owned(),
        |median| format!("the median of the other days is {}", money(median)),
    );
    labelled("Peak day", &format!("{}: {}; {others}", day(peak.day), money(peak.spent)))
}

/// The spend in other currencies that the rule matched.
fn not_added(measured: &Measurement) -> Vec<String> {
    let sums = largest_first(&measured.other_currencies).into_iter().map(|(currency, sum)| money(currency, sum));
    let sums: Vec<_> = sums.collect();
    if sums.is_empty() {
        return sums;
    }
    labelled("Not added", &format!("{}: currencies are never converted", shorten(&sums.join(", "), NAME)))
}

/// The one command whose total is the number that is told: the same lines of the same days, by whom and when. Where a
/// name is nothing to paste, it is all lines of those days.
fn reproduce(measured: &Measurement, policy: &CostPolicy) -> Vec<String> {
    let (first, last) = measured.covered;
    let by = if first == last { "identity,model" } else { "identity,day" };
    let mut words = words(by, policy);
    words.push(format!("--from {first} --to {last}"));
    let selects: Option<Vec<_>> = measured.selects.iter().map(|select| quoted(select)).collect();
    words.extend(selects.into_iter().flatten().map(|select| format!("--match {select}")));
    command(words)
}

/// A text as a shell takes it for itself; nothing where it is nothing to paste. What would be a link is spelt so that it
/// is one for the shell alone: `evil'.'example`.
fn quoted(text: &str) -> Option<String> {
    /// With its option and the continuation it stands alone on a line.
    const LONGEST: usize = WIDTH - LABEL - 14;
    if text.contains('\'') || text.contains(is_unsafe) {
        return None;
    }
    let quoted = if is_plain(text) { text.to_owned() } else { format!("'{text}'") };
    let is_link = without_links(text) != text;
    let quoted = if is_link { quoted.replace('.', "'.'").replace("://", "':'//") } else { quoted };
    (columns(&quoted) <= LONGEST).then_some(quoted)
}

/// Whether a shell reads nothing into a text but itself.
fn is_plain(text: &str) -> bool {
    !text.starts_with('-') && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./:@,-+=".contains(&byte))
}

/// A runbook stands alone on its line where it would not fit: a broken link is no link.
fn runbook(runbook: &str) -> String {
    let runbook = crate::text::clean(runbook);
    if LABEL + columns(&runbook) <= WIDTH { format!("{}{runbook}", label("Runbook")) } else { runbook.into_owned() }
}

#[cfg(test)]
mod tests;
