//! What an alert says to the person who is woken by it: how much against what, who, since when, whether it may still
//! be going on, how to look closer and how to stop it.

use chrono::{DateTime, Utc};

use crate::data_status::DataStatus;
use crate::decimal::Decimal;
use crate::driver::Driver;
use crate::forecast::{FEWEST_DAYS, Outlook};
use crate::measure::{Detail, Measurement};
use crate::rule::SEVERAL;
use crate::spend::{Basis, CostPolicy};
use crate::text::{Text, WIDTH, columns, day, days, instant, money, share, shorten, used};
use crate::window::{Window, WindowKind};

mod advice;
mod headline;
mod lines;
mod resolved;
mod summary;
mod trial;

pub use resolved::{ResolvedAlert, Why};
pub use summary::{SummaryAlert, SummaryReason};
pub use trial::TestAlert;

use lines::{Block, fit, label, labelled};
pub(crate) use lines::{body, subject};

/// The most lines of an alert's body.
pub const BODY_LINES: usize = 25;

/// How many columns the labels on the left take.
const LABEL: usize = 12;
/// How many columns a name may take before it is cut.
const NAME: usize = 54;

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
    /// What counts as spend.
    pub policy: &'a CostPolicy,
    /// The alert's id.
    pub alert_id: &'a str,
    /// The time of the evaluation.
    pub now: DateTime<Utc>,
}

impl Alert<'_> {
    /// The message.
    #[must_use]
    pub fn text(&self) -> Text {
        let measured = self.measurement;
        let mut blocks = vec![Block::kept(headline::lines(measured, self.fired)), Block::blank()];
        if let (Some(member), Some(each)) = (&measured.member, &measured.each) {
            let each = shorten(&each.to_string(), NAME);
            blocks.push(Block::kept(labelled("Who", &format!("{} ({each})", shorten(member, NAME)))));
        }
        let scope = if measured.scope.is_empty() { "all Bedrock spend" } else { &measured.scope };
        blocks.push(Block::dropped(7, labelled("Scope", &shorten(scope, 2 * NAME))));
        blocks.push(Block::kept(labelled("Owner", &owner(measured.owner.as_deref()))));
        blocks.push(Block::dropped(2, outlook(measured)));
        blocks.push(Block::dropped(5, self.counted()));
        blocks.push(Block::kept(data_lines(&self.data, self.known_since, self.now)));
        blocks.push(Block::kept(still_on(&self.data, measured.window, self.now)));
        blocks.push(Block::dropped(1, self.provisional()));
        blocks.push(Block::dropped(4, not_added(measured)));
        blocks.push(Block::blank());
        blocks.push(Block::kept(driver_lines(measured)));
        blocks.push(Block::dropped(6, peak_lines(measured)));
        blocks.push(Block::blank());
        if let Some(driver) = &measured.driver {
            blocks.push(Block::kept(labelled("See it now", &advice::live(driver))));
            blocks.push(Block::kept(labelled("", &advice::cloudtrail(driver))));
        }
        blocks.push(Block::kept(look_closer(measured, self.policy)));
        if let Some(driver) = &measured.driver {
            blocks.push(Block::kept(labelled("Stop it", &advice::stop(driver))));
        }
        blocks.push(Block::kept(measured.runbook.as_deref().map(runbook).into_iter().collect()));
        blocks.push(Block::kept(labelled("Alert id", &shorten(self.alert_id, 2 * NAME))));
        Text { subject: headline::subject(measured), body: body(&fit(blocks)) }
    }

    fn counted(&self) -> Vec<String> {
        let range = match (self.measurement.day, self.measurement.days.first(), self.measurement.days.last()) {
            (Some(one), ..) => format!("{}, UTC day; ", day(one)),
            (None, Some((first, _)), Some((last, _))) => format!("{}, UTC days; ", days(*first, *last)),
            _ => String::new(),
        };
        labelled("Counted", &format!("{range}{}", counted(self.policy)))
    }

    fn provisional(&self) -> Vec<String> {
        let measured = self.measurement;
        let is_told = |told: &chrono::NaiveDate| measured.day.is_none_or(|day| day == *told);
        let told = measured.days.iter().filter(|(day, _)| is_told(day) && self.data.is_provisional(*day));
        let provisional: Vec<_> = told.copied().collect();
        let (Some((first, _)), Some((last, _))) = (provisional.first(), provisional.last()) else {
            return Vec::new();
        };
        let sum = provisional.iter().try_fold(Decimal::ZERO, |sum, (_, spent)| sum.checked_add(*spent));
        let sum = sum.map_or_else(String::new, |sum| format!(" ({})", money(&measured.currency, sum)));
        labelled("Provisional", &format!("{}{sum} may still change, as a rule upwards", days(*first, *last)))
    }
}

/// Where a budget is heading.
fn outlook(measured: &Measurement) -> Vec<String> {
    let (Detail::Budget(outlook) | Detail::Forecast(outlook)) = &measured.detail else { return Vec::new() };
    let money = |amount| money(&measured.currency, amount);
    let text = match outlook {
        Outlook::Forecast(forecast) => format!(
            "{} by {} ({}); 4 of 5 times {} to {}",
            money(forecast.expected),
            day(measured.window.last_day()),
            used(forecast.expected, measured.amount),
            money(forecast.low),
            money(forecast.high),
        ),
        Outlook::TooEarly { settled_days } => {
            let days = if *settled_days == 1 { "day is" } else { "days are" };
            format!("too early to say: {settled_days} {days} settled, a forecast needs {FEWEST_DAYS}")
        }
        Outlook::Over => return Vec::new(),
    };
    labelled("Heading for", &text)
}

/// What counts as spend: `usage + discount, unblended`.
pub(crate) fn counted(policy: &CostPolicy) -> String {
    let categories: Vec<_> = policy.count.iter().map(|category| category.as_str()).collect();
    format!("{}, {}", categories.join(" + "), policy.basis.as_str())
}

fn owner(owner: Option<&str>) -> String {
    match owner {
        // A call list that says "(several)" helps nobody.
        Some(owner) if owner.contains(SEVERAL) => format!("{}: the tags disagree", shorten(owner, 48)),
        Some(owner) => format!("{}: call them first", shorten(owner, 48)),
        None => "the rule names none".to_owned(),
    }
}

/// Up to when the bill speaks, how old that is, and since when it could be known.
fn data_lines(data: &DataStatus, known_since: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Vec<String> {
    let as_of = data.as_of.map_or_else(
        || "not known".to_owned(),
        |as_of| {
            let hours = (now - as_of).num_hours().max(0);
            let age = if hours < 72 { format!("{hours} h") } else { format!("{} days", hours / 24) };
            format!("{}, {age} old", instant(as_of))
        },
    );
    let known = known_since.map_or_else(String::new, |at| format!("; known since {}", at.format("%-d %b %H:%M")));
    let mut lines = labelled("Data as of", &format!("{as_of}{known}"));
    if data.unverified {
        lines.extend(labelled("Unverified", "the bill was taken as found: nothing says that it is complete"));
    }
    lines
}

fn still_on(data: &DataStatus, window: Window, now: DateTime<Utc>) -> Vec<String> {
    let text = match (data.closed, window.end() <= now, window.kind()) {
        (true, ..) => "no: the month is closed",
        (false, true, WindowKind::Month) => "no: the month is over; AWS may correct it",
        (false, true, WindowKind::Week) => "no: the week is over; AWS may correct it",
        _ => "it may still be going on: later use is not in the bill yet",
    };
    labelled("Still on?", text)
}

fn driver_lines(measured: &Measurement) -> Vec<String> {
    let money = |amount| money(&measured.currency, amount);
    let mut lines = Vec::new();
    if let Some(Driver { identity, identity_kind, spent, model, model_spent, token, rise, .. }) = &measured.driver {
        lines.extend(labelled("Driver", &format!("{} ({identity_kind})", shorten(identity, NAME))));
        let part = share(*spent, measured.spent);
        let on_model = format!("{} of it on {}, {token}", money(*model_spent), shorten(model, 24));
        lines.extend(labelled("", &format!("{} ({part}); {on_model}", money(*spent))));
        if let Some(rise) = rise {
            let when = days(rise.since, rise.until);
            let usual = money(rise.usual);
            lines.extend(labelled("", &format!("{when}: {} more than its usual {usual} a day", money(rise.by))));
        }
    }
    lines
}

fn peak_lines(measured: &Measurement) -> Vec<String> {
    let money = |amount| money(&measured.currency, amount);
    let Some(peak) = measured.peak() else { return Vec::new() };
    let others = peak.others_median.map_or_else(
        || "the only day with spend".to_owned(),
        |median| format!("the median of the other days is {}", money(median)),
    );
    labelled("Peak day", &format!("{}: {}; {others}", day(peak.day), money(peak.spent)))
}

/// The spend in other currencies that the rule matched.
fn not_added(measured: &Measurement) -> Vec<String> {
    let sums = measured.other_currencies.iter().map(|(currency, sum)| money(currency, *sum));
    let sums: Vec<_> = sums.collect();
    if sums.is_empty() {
        return sums;
    }
    labelled("Not added", &format!("{}: currencies are never converted", shorten(&sums.join(", "), NAME)))
}

/// The command that shows which lines of the bill make up the driver's spend, on two lines that can be pasted together;
/// where its name is nothing to paste, the totals.
fn look_closer(measured: &Measurement, policy: &CostPolicy) -> Vec<String> {
    let last = measured
        .day
        .unwrap_or_else(|| measured.days.last().map_or_else(|| measured.window.first_day(), |(day, _)| *day));
    let period = crate::period::BillingPeriod::of(last);
    let begin = label("Look closer");
    let of_driver = measured.driver.as_ref().filter(|driver| is_plain(&driver.identity)).and_then(|driver| {
        let day = measured.day.map(|day| format!(" --day {day}")).unwrap_or_default();
        let second = format!("{}  --identity {}{day}", label(""), driver.identity);
        (columns(&second) <= WIDTH).then_some(second)
    });
    if let Some(second) = of_driver {
        // The next line begins with a blank: none is needed, and there is no room for one, before the backslash.
        return vec![format!("{begin}bedrock-ledger explain --export DIR --ledger DIR --period {period}\\"), second];
    }
    let basis = match policy.basis {
        Basis::Unblended => String::new(),
        Basis::NetUnblended => format!(" --basis {}", policy.basis.as_str()),
    };
    vec![
        format!("{begin}bedrock-ledger report --ledger DIR --period {period} --top 20 \\"),
        format!("{}  --category usage{basis} --by identity,model,day", label("")),
    ]
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
