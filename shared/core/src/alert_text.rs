//! What an alert says to the person who is woken by it: how much against what, who, since when, whether it may still
//! be going on, how to look closer and how to stop it.

use chrono::{DateTime, Utc};

use crate::budget::{Driver, Measurement};
use crate::data_status::DataStatus;
use crate::decimal::Decimal;
use crate::dimension::Dimension;
use crate::period::BillingPeriod;
use crate::spend::{Basis, CostPolicy};
use crate::text::{
    SUBJECT_LENGTH, Text, WIDTH, ascii, columns, day, days, instant, money, month, pad_left, pad_right, share,
    short_month, shorten, used, wrap,
};

mod advice;

/// The most lines of an alert's body.
pub const BODY_LINES: usize = 25;

/// How many columns the labels on the left take.
const LABEL: usize = 12;
/// How many columns a name may take before it is cut.
const NAME: usize = 54;

/// A budget that has crossed thresholds.
#[derive(Clone, Copy, Debug)]
pub struct BudgetAlert<'a> {
    /// What was measured.
    pub measurement: &'a Measurement,
    /// The thresholds that this message tells of, in percent, ascending.
    pub fired: &'a [u32],
    /// How far the data can be trusted.
    pub data: DataStatus,
    /// What counts as spend.
    pub policy: &'a CostPolicy,
    /// The alert's id.
    pub alert_id: &'a str,
    /// The time of the evaluation.
    pub now: DateTime<Utc>,
}

/// The budgets that were past a threshold when their rules were first evaluated, told in one message.
#[derive(Clone, Copy, Debug)]
pub struct FirstRunAlert<'a> {
    /// What was measured, each past a threshold.
    pub measurements: &'a [Measurement],
    /// The month.
    pub window: BillingPeriod,
    /// How far the data can be trusted.
    pub data: DataStatus,
    /// What counts as spend.
    pub policy: &'a CostPolicy,
    /// The alert's id.
    pub alert_id: &'a str,
    /// The time of the evaluation.
    pub now: DateTime<Utc>,
}

impl BudgetAlert<'_> {
    /// The message.
    #[must_use]
    pub fn text(&self) -> Text {
        let measured = self.measurement;
        let mut blocks = vec![Block::kept(self.headline()), Block::blank()];
        if let (Some(member), Some(each)) = (&measured.member, &measured.each) {
            let each = shorten(&each.to_string(), NAME);
            blocks.push(Block::kept(labelled("Who", &format!("{} ({each})", shorten(member, NAME)))));
        }
        let scope = if measured.scope.is_empty() { "all Bedrock spend" } else { &measured.scope };
        blocks.push(Block::dropped(4, labelled("Scope", &shorten(scope, 2 * NAME))));
        blocks.push(Block::kept(labelled("Owner", &owner(measured))));
        blocks.push(Block::dropped(3, self.counted()));
        blocks.push(Block::kept(data_lines(&self.data, measured.window, self.now)));
        blocks.push(Block::dropped(1, self.provisional()));
        blocks.push(Block::dropped(2, not_added(measured)));
        blocks.push(Block::blank());
        blocks.push(Block::kept(driver_lines(measured)));
        blocks.push(Block::dropped(2, peak_lines(measured)));
        blocks.push(Block::blank());
        blocks.push(Block::kept(look_closer(measured.window, measured.each.as_ref(), self.policy)));
        if let Some(driver) = &measured.driver {
            blocks.push(Block::kept(labelled("", &advice::cloudtrail(driver))));
            blocks.push(Block::kept(labelled("Stop it", &advice::stop(driver))));
        }
        blocks.push(Block::kept(measured.runbook.as_deref().map(runbook).into_iter().collect()));
        blocks.push(Block::kept(labelled("Alert id", &shorten(self.alert_id, 2 * NAME))));
        Text { subject: self.subject(), body: body(&fit(blocks)) }
    }

    fn subject(&self) -> String {
        let measured = self.measurement;
        let start = format!("{}: ", amounts(measured));
        let end = format!("budget {}, {}", shorten(&measured.rule, 24), short_month(measured.window));
        let room = SUBJECT_LENGTH.saturating_sub(columns(&start) + columns(&end) + 2);
        let member = measured.member.as_deref().map(|member| format!("{}, ", shorten(&ascii(member), room)));
        subject(&format!("{start}{}{end}", member.unwrap_or_default()))
    }

    fn headline(&self) -> Vec<String> {
        let measured = self.measurement;
        let mut lines = wrap("", &format!("{} spent in {}.", amounts(measured), month(measured.window)));
        let left = measured.amount.checked_sub(measured.spent);
        let left = left.map_or_else(String::new, |left| {
            let verb = if left.is_negative() { "over by" } else { "left:" };
            format!("; {verb} {}", money(&measured.currency, left.abs()))
        });
        let fired = percents(self.fired);
        let rule = shorten(&measured.rule, 40);
        lines.extend(wrap("", &format!("Budget {rule} crossed {fired}{left}. Severity: {}.", measured.severity)));
        lines
    }

    fn counted(&self) -> Vec<String> {
        let range = match (self.measurement.days.first(), self.measurement.days.last()) {
            (Some((first, _)), Some((last, _))) => format!("{}, UTC days; ", days(*first, *last)),
            _ => String::new(),
        };
        labelled("Counted", &format!("{range}{}", counted(self.policy)))
    }

    fn provisional(&self) -> Vec<String> {
        let provisional = self.measurement.days.iter().filter(|(day, _)| self.data.is_provisional(*day));
        let provisional: Vec<_> = provisional.copied().collect();
        let (Some((first, _)), Some((last, _))) = (provisional.first(), provisional.last()) else {
            return Vec::new();
        };
        let sum = provisional.iter().try_fold(Decimal::ZERO, |sum, (_, spent)| sum.checked_add(*spent));
        let sum = sum.map_or_else(String::new, |sum| format!(" ({})", money(&self.measurement.currency, sum)));
        labelled("Provisional", &format!("{}{sum} may still change, as a rule upwards", days(*first, *last)))
    }
}

impl FirstRunAlert<'_> {
    /// How many budgets are named one by one.
    const NAMED: usize = 100;

    /// The message. The budgets are listed as they come; the subject names the first.
    #[must_use]
    pub fn text(&self) -> Text {
        let count = self.measurements.len();
        let past = if count == 1 { "1 budget is".to_owned() } else { format!("{count} budgets are") };
        let mut lines =
            wrap("", &format!("First evaluation: {past} past a threshold in {} already.", month(self.window)));
        lines.extend(wrap("", "From now on every threshold that is crossed sends a message of its own, once."));
        lines.push(String::new());
        for measured in self.measurements.iter().take(Self::NAMED) {
            let used = pad_left(&used(measured.spent, measured.amount), 6);
            let spent = money(&measured.currency, measured.spent);
            let of = format!("{spent} of {}", money(&measured.currency, measured.amount));
            let name = match &measured.member {
                Some(member) => format!("{}: {}", shorten(&measured.rule, 24), shorten(member, NAME)),
                None => shorten(&measured.rule, NAME),
            };
            let amounts = format!("{used}  {}  ", pad_right(&of, 26));
            if columns(&amounts) <= WIDTH / 2 {
                lines.extend(wrap(&amounts, &name));
            } else {
                lines.extend(wrap("", &amounts));
                lines.extend(wrap(&label(""), &name));
            }
        }
        if count > Self::NAMED {
            lines.push(format!("        and {} more", count - Self::NAMED));
        }
        lines.push(String::new());
        lines.extend(labelled("Counted", &counted(self.policy)));
        lines.extend(data_lines(&self.data, self.window, self.now));
        lines.extend(look_closer(self.window, None, self.policy));
        lines.extend(labelled("Alert id", &shorten(self.alert_id, 2 * NAME)));
        Text { subject: self.subject(), body: body(&lines) }
    }

    fn subject(&self) -> String {
        let first = self.measurements.first().map_or_else(String::new, amounts);
        let more = match self.measurements.len() {
            0 | 1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        subject(&format!("{first}{more}: budgets at first evaluation, {}", short_month(self.window)))
    }
}

/// Lines that belong together, and how soon they go where there is no room for all.
struct Block {
    /// What is highest is dropped first; zero is never dropped.
    rank: u8,
    lines: Vec<String>,
}

impl Block {
    fn kept(lines: Vec<String>) -> Self {
        Self { rank: 0, lines }
    }

    fn dropped(rank: u8, lines: Vec<String>) -> Self {
        Self { rank, lines }
    }

    fn blank() -> Self {
        Self { rank: u8::MAX, lines: vec![String::new()] }
    }
}

/// The lines of `blocks`, without as many blocks as are needed to keep within [`BODY_LINES`].
fn fit(mut blocks: Vec<Block>) -> Vec<String> {
    while blocks.iter().map(|block| block.lines.len()).sum::<usize>() > BODY_LINES {
        let Some(rank) = blocks.iter().map(|block| block.rank).max().filter(|rank| *rank > 0) else { break };
        // Blank lines go together: one that is left over looks like a mistake.
        blocks.retain(|block| block.rank < rank);
    }
    blocks.into_iter().flat_map(|block| block.lines).collect()
}

/// `$2,431.20 of $2,400.00 (101%)`.
fn amounts(measured: &Measurement) -> String {
    let money = |amount| money(&measured.currency, amount);
    format!("{} of {} ({})", money(measured.spent), money(measured.amount), used(measured.spent, measured.amount))
}

/// `50%, 80% and 100%`.
fn percents(percents: &[u32]) -> String {
    let texts: Vec<_> = percents.iter().map(|percent| format!("{percent}%")).collect();
    match texts.split_last() {
        Some((last, [])) => last.clone(),
        // Only what is highest matters where somebody lists very many.
        Some((last, others)) if others.len() > 5 => format!("{} thresholds up to {last}", texts.len()),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => "no threshold".to_owned(),
    }
}

/// What counts as spend: `usage + discount, unblended`.
pub(crate) fn counted(policy: &CostPolicy) -> String {
    let categories: Vec<_> = policy.count.iter().map(|category| category.as_str()).collect();
    format!("{}, {}", categories.join(" + "), policy.basis.as_str())
}

fn owner(measured: &Measurement) -> String {
    match &measured.owner {
        Some(owner) => format!("{}: call them first", shorten(owner, 48)),
        None => "the budget names none".to_owned(),
    }
}

fn data_lines(data: &DataStatus, window: BillingPeriod, now: DateTime<Utc>) -> Vec<String> {
    let as_of = data.as_of.map_or_else(|| "not known".to_owned(), instant);
    let since = if data.closed {
        "the month is closed"
    } else if window.end() <= now {
        "the month is over; AWS may correct it"
    } else {
        "later use is missing, it may still go on"
    };
    let mut lines = labelled("Data as of", &format!("{as_of}; {since}"));
    if data.unverified {
        lines.extend(labelled("Unverified", "the bill was taken as found: nothing says that it is complete"));
    }
    lines
}

fn driver_lines(measured: &Measurement) -> Vec<String> {
    let money = |amount| money(&measured.currency, amount);
    let mut lines = Vec::new();
    if let Some(driver) = &measured.driver {
        let Driver { identity, identity_kind, spent, model, model_spent, .. } = driver;
        lines.extend(labelled("Driver", &format!("{} ({identity_kind})", shorten(identity, NAME))));
        let part = share(*spent, measured.spent);
        let on_model = format!("{} of it on {}", money(*model_spent), shorten(model, 24));
        lines.extend(labelled("", &format!("{}, {part} of the spend; {on_model}", money(*spent))));
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

/// The spend in other currencies that the budget matched.
fn not_added(measured: &Measurement) -> Vec<String> {
    let sums = measured.other_currencies.iter().map(|(currency, sum)| money(currency, *sum));
    let sums: Vec<_> = sums.collect();
    if sums.is_empty() {
        return sums;
    }
    labelled("Not added", &format!("{}: currencies are never converted", shorten(&sums.join(", "), NAME)))
}

/// The command that shows where the spend comes from, on two lines that can be pasted together.
fn look_closer(window: BillingPeriod, each: Option<&Dimension>, policy: &CostPolicy) -> Vec<String> {
    let first = format!("{}bedrock-ledger report --ledger DIR --period {window} --top 20 \\", label("Look closer"));
    let by = each.map_or_else(|| "identity".to_owned(), Dimension::to_string);
    let by = match by.as_str() {
        "identity" => "identity,model,day".to_owned(),
        "model" => "model,identity,day".to_owned(),
        _ => format!("{by},identity,model"),
    };
    let basis = match policy.basis {
        Basis::Unblended => String::new(),
        Basis::NetUnblended => format!(" --basis {}", policy.basis.as_str()),
    };
    let second = |by: &str| format!("{}  --category usage{basis} --by {by}", label(""));
    let is_plain = by.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_./:@,-".contains(&byte));
    let specific = second(&by);
    let fits = is_plain && columns(&specific) <= WIDTH;
    vec![first, if fits { specific } else { second("identity,model,day") }]
}

/// A runbook stands alone on its line where it would not fit: a broken link is no link.
fn runbook(runbook: &str) -> String {
    let runbook = crate::text::clean(runbook);
    if LABEL + columns(&runbook) <= WIDTH { format!("{}{runbook}", label("Runbook")) } else { runbook.into_owned() }
}

fn label(text: &str) -> String {
    pad_right(text, LABEL)
}

fn labelled(name: &str, text: &str) -> Vec<String> {
    wrap(&label(name), text)
}

/// A subject is one line of ASCII and not too long, whatever is in it.
pub(crate) fn subject(text: &str) -> String {
    shorten(&ascii(text), SUBJECT_LENGTH)
}

pub(crate) fn body(lines: &[String]) -> String {
    let mut body = lines.join("\n");
    body.push('\n');
    body
}

#[cfg(test)]
mod tests;
