//! What an evaluation finds of one rule, one member and one window.

use crate::money::decimal::median;
use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::calendar::window::Window;
use crate::facts::dimension::Dimension;
use crate::forecast::Outlook;
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::rules::anomaly::Shape;
use crate::rules::delta::Against;
use crate::rules::driver::{Driver, driver};
use crate::rules::hygiene::Lack;
use crate::rules::member_totals::{MemberTotals, Seen, add};
use crate::rules::restated::DayRestated;
use crate::rules::rule::{Filled, Kind, Rule, SEVERAL, Severity, TagValue};
use crate::text::NONE;

/// What is known of one member of a rule in one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// The rule's name.
    pub rule: String,
    /// The member, where the rule is for each of some; [`NONE`] is what has no value.
    pub member: Option<String>,
    /// What the members are, where there are members.
    pub each: Option<Dimension>,
    /// What the rule matches, for people; empty if it matches everything.
    pub scope: String,
    /// What selects its lines, as the command line takes it: `KEY=GLOB`, the member among them; all must hold.
    pub selects: Vec<String>,
    /// The currency of the amounts.
    pub currency: String,
    /// The window. Of what is told of days it is the first day of the episode.
    pub window: Window,
    /// The day that is told of, where it is one.
    pub day: Option<NaiveDate>,
    /// The exact spend that is compared, over `covered`. Days that are still filling up count.
    pub spent: Decimal,
    /// The first and the last day that it is the spend of: the window, what of it is compared, or the day.
    pub covered: (NaiveDate, NaiveDate),
    /// What it is compared with: a budget's limit, or the amount that a rise, a spike or a share must have at least.
    pub amount: Decimal,
    /// What the rule found.
    pub detail: Detail,
    /// What can be crossed, lowest first.
    pub levels: Vec<Level>,
    /// The last day that the verdicts rest on; `None` where they rest on settled days alone. That something is *not*
    /// crossed is known only once this day has settled.
    pub through: Option<NaiveDate>,
    /// How urgent it is.
    pub severity: Severity,
    /// Whom to call, filled in.
    pub owner: Option<String>,
    /// Whether that is who owns the spend, because the bill says nothing of what the rule's owner is made of.
    pub is_owner_of_spend: bool,
    /// The value of the bill that would have been filled into the rule's owner and is none that the configuration lists:
    /// then somebody else is called, or nobody.
    pub unlisted_owner: Option<String>,
    /// What to read.
    pub runbook: Option<String>,
    /// What was spent on each day with spend of the window, in order; where a day is told of, of the week before too.
    pub days: Vec<(NaiveDate, Decimal)>,
    /// Where a day is told of: what was spent on each later day with spend, in order.
    pub later: Vec<(NaiveDate, Decimal)>,
    /// Where a day is told of: what the delivery in force restated of it, if that is known.
    pub restated: Option<DayRestated>,
    /// Who is behind it.
    pub driver: Option<Driver>,
    /// What the rule matched in other currencies: not part of `spent`.
    pub other_currencies: BTreeMap<String, Decimal>,
}

/// One thing that can be crossed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// Its name in ids: a percent, or what is unlike the past.
    pub name: String,
    /// The amount that belongs to it, in ids.
    pub amount: Decimal,
    /// Whether it is crossed.
    pub verdict: Verdict,
}

/// Whether a level is crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Crossed,
    /// It is just short of it, or it cannot be known: what was said before stays.
    Undecided,
    /// It is not, by some way.
    Clear,
}

/// How far a value must fall below a level before crossing it again is news, in percent of the level.
pub const REARM_PERCENT: u32 = 95;

/// What the rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Spend against a limit, and where it is heading; that is not worked out where nothing is crossed and nobody asked.
    Budget(Option<Outlook>),
    /// Where spend is heading, against a limit.
    Forecast(Outlook),
    /// Spend against an earlier one.
    Delta {
        /// Which.
        against: Against,
        /// That spend; a mean where it is of several days.
        before: Decimal,
        /// By how much it must be exceeded, in percent.
        rise_percent: u32,
        /// Whether the member has no past at all.
        is_new: bool,
    },
    /// A day against its own past.
    Anomaly {
        /// In which way it is unlike.
        shape: Shape,
        /// What such a day usually has.
        usual: Decimal,
        /// Above which spend a day is unlike its past in this way.
        limit: Decimal,
        /// From how many days that is known.
        past_days: usize,
    },
    /// Spend that says not whose it is, as a part of all.
    Hygiene {
        /// What is missing.
        lack: Lack,
        /// All spend.
        whole: Decimal,
        /// The share that is too much, in percent.
        percent: u32,
        /// The key under which the driver has the tag that is missing, where that is probably the same tag.
        spelt: Option<String>,
    },
}

impl Detail {
    /// What kind of message tells of it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Budget(_) => Kind::Budget,
            Self::Forecast(_) => Kind::Forecast,
            Self::Delta { .. } => Kind::Delta,
            Self::Anomaly { .. } => Kind::Anomaly,
            Self::Hygiene { .. } => Kind::Hygiene,
        }
    }
}

/// The most expensive day of a measurement, and how it compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peak {
    /// The day.
    pub day: NaiveDate,
    /// Its spend.
    pub spent: Decimal,
    /// The median of all other days from the first to the last with spend, those without any being zero; `None` if
    /// there is no other day.
    pub others_median: Option<Decimal>,
}

impl Measurement {
    /// What kind of message tells of it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.detail.kind()
    }

    /// The levels that are crossed, lowest first.
    #[must_use]
    pub fn crossed(&self) -> impl DoubleEndedIterator<Item = &Level> {
        self.levels.iter().filter(|level| level.verdict == Verdict::Crossed)
    }

    /// The last day that is told of.
    #[must_use]
    pub fn last_day(&self) -> NaiveDate {
        self.day.unwrap_or_else(|| self.window.last_day())
    }

    /// The day that the spend is of, where it is of one.
    #[must_use]
    pub fn only_day(&self) -> Option<NaiveDate> {
        let (first, last) = self.covered;
        (first == last).then_some(first)
    }

    /// The most expensive day; of equal ones the latest.
    #[must_use]
    pub fn peak(&self) -> Option<Peak> {
        let (day, spent) = self.days.iter().copied().max_by_key(|(day, spent)| (*spent, *day))?;
        let (first, last) = (self.days.first()?.0, self.days.last()?.0);
        let by_day: BTreeMap<_, _> = self.days.iter().copied().collect();
        let others = first.iter_days().take_while(|other| *other <= last).filter(|other| *other != day);
        let others = others.map(|other| by_day.get(&other).copied().unwrap_or_default()).collect();
        Some(Peak { day, spent, others_median: median(others) })
    }
}

/// What [`measure`] needs to know besides the rule and its totals.
pub(crate) struct Measured {
    pub(crate) window: Window,
    pub(crate) day: Option<NaiveDate>,
    /// The days that are shown.
    pub(crate) shown: (NaiveDate, NaiveDate),
    /// The days that `spent` is of.
    pub(crate) covered: (NaiveDate, NaiveDate),
    pub(crate) spent: Decimal,
    pub(crate) amount: Decimal,
    pub(crate) detail: Detail,
    pub(crate) levels: Vec<Level>,
    pub(crate) through: Option<NaiveDate>,
}

/// A measurement with all that people want to know of it.
pub(crate) fn measure(
    rule: &Rule,
    member: Option<&str>,
    totals: &MemberTotals<'_>,
    measured: Measured,
) -> Result<Measurement, SumOutOfRange> {
    let Measured { window, day, shown, covered, spent, amount, detail, levels, through } = measured;
    let (first, last) = covered;
    let mut tags: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    let mut of_spend = Seen::Nothing;
    let mut other_currencies: BTreeMap<String, Decimal> = BTreeMap::new();
    for (_, total) in totals.within(first, last) {
        for (tag, value) in &total.tags {
            let seen = tags.entry(tag).or_insert(*value);
            *seen = seen.filter(|seen| Some(*seen) == *value);
        }
        of_spend = of_spend.and(total.owner);
        for (currency, amount) in &total.other_currencies {
            add(other_currencies.entry((*currency).to_owned()).or_default(), *amount)?;
        }
    }
    let Called { owner, is_owner_of_spend, unlisted } = owner(rule, member, of_spend, |tag| match tags.get(tag) {
        None => TagValue::None,
        Some(None) => TagValue::Several,
        Some(Some(value)) => TagValue::One((*value).to_owned()),
    });
    let mut selects: Vec<_> =
        rule.matches.iter().map(|matcher| format!("{}={}", matcher.dimension(), matcher.glob())).collect();
    selects.extend(rule.each.as_ref().zip(member).map(|(each, member)| format!("{each}={member}")));
    let days = totals.within(shown.0, shown.1).map(|(day, total)| (day, total.spent));
    // Who is behind it is worked out only where somebody will read it.
    let is_told = levels.iter().any(|level| level.verdict != Verdict::Clear);
    let after = if first == last && is_told { last.succ_opt() } else { None };
    let later = after.into_iter().flat_map(|next| totals.within(next, NaiveDate::MAX));
    let later = later.map(|(day, total)| (day, total.spent)).filter(|(_, spent)| !spent.is_zero());
    Ok(Measurement {
        rule: rule.name.clone(),
        member: member.map(str::to_owned),
        each: rule.each.clone(),
        scope: rule.scope(),
        selects,
        currency: rule.currency.clone(),
        window,
        day,
        spent,
        covered,
        amount,
        detail,
        levels,
        through,
        severity: rule.severity,
        owner,
        is_owner_of_spend,
        unlisted_owner: unlisted,
        runbook: rule.runbook.clone(),
        days: days.filter(|(_, spent)| !spent.is_zero()).collect(),
        later: later.collect(),
        restated: None,
        driver: if is_told { driver(totals, first, last)? } else { None },
        other_currencies,
    })
}

/// Whom to call, and why it is not who the rule names.
struct Called {
    owner: Option<String>,
    is_owner_of_spend: bool,
    unlisted: Option<String>,
}

fn owner(rule: &Rule, member: Option<&str>, of_spend: Seen<'_>, tag_value: impl FnMut(&str) -> TagValue) -> Called {
    let by_rule = |owner| Called { owner, is_owner_of_spend: false, unlisted: None };
    let Some(template) = &rule.owner else { return by_rule(None) };
    let names = template.names();
    let unlisted = match template.fill(rule.each.as_ref(), member, tag_value) {
        // Nobody is called "(none)-leads".
        Filled::Owner(filled) if filled.contains(NONE) => match of_spend {
            Seen::Nothing => return by_rule(Some(filled)),
            Seen::One(_) | Seen::Several => None,
        },
        Filled::Owner(filled) => return by_rule(Some(filled)),
        Filled::Unlisted(value) => Some(value),
    };
    match of_spend {
        Seen::One(owner) if names.lists_owner_of_spend(owner) => {
            Called { owner: Some(owner.to_owned()), is_owner_of_spend: true, unlisted }
        }
        Seen::Several if unlisted.is_none() => {
            Called { owner: Some(SEVERAL.to_owned()), is_owner_of_spend: true, unlisted: None }
        }
        Seen::One(owner) => Called {
            owner: names.fallback.clone(),
            is_owner_of_spend: false,
            unlisted: unlisted.or_else(|| Some(owner.to_owned())),
        },
        Seen::Several | Seen::Nothing => Called { owner: names.fallback.clone(), is_owner_of_spend: false, unlisted },
    }
}

/// `percent` of `amount`, rounded up to the next 10⁻¹⁸, or `None` where no decimal is as large.
pub(crate) fn percentage(amount: Decimal, percent: u32) -> Option<i128> {
    // The whole and the rest apart, so that only what no decimal can reach overflows.
    let (whole, rest) = (amount.units() / 100, amount.units() % 100);
    let percent = i128::from(percent);
    whole.checked_mul(percent)?.checked_add((rest * percent + 99).div_euclid(100))
}

/// Whether `spent` has reached `percent` of `amount`: exact, whatever their size.
pub(crate) fn verdict(spent: Decimal, amount: Decimal, percent: u32) -> Verdict {
    let Some(limit) = percentage(amount, percent) else { return Verdict::Clear };
    if spent.units() >= limit {
        return Verdict::Crossed;
    }
    let rearmed = (limit / 100).saturating_mul(REARM_PERCENT.into());
    if spent.units() < rearmed { Verdict::Clear } else { Verdict::Undecided }
}
