//! What a rule found of one member in one window.

use std::collections::BTreeMap;
use std::fmt;

use chrono::NaiveDate;

use crate::calendar::window::Window;
use crate::facts::dimension::Dimension;
use crate::facts::fact::FactField;
use crate::facts::matcher::Matcher;
use crate::facts::restated::Restated;
use crate::facts::spend::{Basis, CostPolicy};
use crate::forecast::Outlook;
use crate::money::decimal::{Decimal, SumOutOfRange, median};
use crate::named;
use crate::rules::driver::Driver;
use crate::rules::rule::{Kind, Severity};
use crate::text::{NONE, or_none};

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
    pub detail: Detail,
    /// What can be crossed, lowest first.
    pub levels: Vec<Level>,
    /// The last day that the verdicts rest on; `None` where they rest on settled days alone. That something is *not*
    /// crossed is known only once this day has settled.
    pub through: Option<NaiveDate>,
    pub severity: Severity,
    /// Whom to call, filled in.
    pub owner: Option<String>,
    /// Whether that is who owns the spend, because the bill says nothing of what the rule's owner is made of.
    pub is_owner_of_spend: bool,
    /// The value of the bill that would have been filled into the rule's owner and is none that the configuration lists:
    /// then somebody else is called, or nobody.
    pub unlisted_owner: Option<String>,
    pub runbook: Option<String>,
    /// What was spent on each day with spend of the window, in order; where a day is told of, of the week before too.
    pub days: Vec<(NaiveDate, Decimal)>,
    /// Where a day is told of: what was spent on each later day with spend, in order.
    pub later: Vec<(NaiveDate, Decimal)>,
    /// Where a day is told of: what the delivery in force restated of it, if that is known.
    pub restated: Option<DayRestated>,
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

/// What the rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Spend against a limit, and where it is heading; that is not worked out where nothing is crossed and nobody asked.
    Budget(Option<Outlook>),
    /// Where spend is heading, against a limit.
    Forecast(Outlook),
    /// Spend against an earlier one.
    Delta {
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
    pub day: NaiveDate,
    pub spent: Decimal,
    /// The median of all other days from the first to the last with spend, those without any being zero; `None` if
    /// there is no other day.
    pub others_median: Option<Decimal>,
}

impl Measurement {
    pub fn kind(&self) -> Kind {
        self.detail.kind()
    }

    /// The levels that are crossed, lowest first.
    pub fn crossed(&self) -> impl DoubleEndedIterator<Item = &Level> {
        self.levels.iter().filter(|level| level.verdict == Verdict::Crossed)
    }

    /// The last day that is told of.
    pub fn last_day(&self) -> NaiveDate {
        self.day.unwrap_or_else(|| self.window.last_day())
    }

    /// The day that the spend is of, where it is of one.
    pub fn only_day(&self) -> Option<NaiveDate> {
        let (first, last) = self.covered;
        (first == last).then_some(first)
    }

    /// The most expensive day; of equal ones the latest.
    pub fn peak(&self) -> Option<Peak> {
        let (day, spent) = self.days.iter().copied().max_by_key(|(day, spent)| (*spent, *day))?;
        let (first, last) = (self.days.first()?.0, self.days.last()?.0);
        let by_day: BTreeMap<_, _> = self.days.iter().copied().collect();
        let other_days = first.iter_days().take_while(|other| *other <= last).filter(|other| *other != day);
        let others = other_days.map(|other| by_day.get(&other).copied().unwrap_or_default()).collect();
        Some(Peak { day, spent, others_median: median(others) })
    }
}

named! {
    /// In which way a day is unlike its past.
    pub enum Shape {
        /// There is no past: the member is new.
        New = "new",
        /// More than its past explains.
        Spike = "spike",
        /// Many times what is usual.
        Runaway = "runaway",
    }
}

named! {
    /// What spend is compared with.
    #[derive(Default)]
    pub enum Against is "a time before" {
        /// A day with the same weekday of the week before.
        #[default]
        Weekday = "weekday",
        /// A day with the mean of the seven days before it.
        Trailing = "trailing",
        /// The month to date with as many days of the month before.
        Month = "month",
    }
}

/// What spend can lack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lack {
    /// A tag, by its key as the bill has it.
    Tag(String),
    Principal,
}

impl Lack {
    /// As in the configuration: `principal` or `tag:NAME`.
    pub fn key(&self) -> String {
        match self {
            Self::Tag(name) => format!("tag:{name}"),
            Self::Principal => "principal".to_owned(),
        }
    }

    pub(crate) fn matcher(&self) -> Matcher {
        let dimension = match self {
            Self::Tag(name) => Dimension::Tag(name.clone()),
            Self::Principal => Dimension::Field(FactField::Principal),
        };
        Matcher::new(dimension, NONE)
    }
}

/// For people: `the tag iamPrincipal/team`, `a principal`.
impl fmt::Display for Lack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(name) => write!(formatter, "the tag {name}"),
            Self::Principal => formatter.pad("a principal"),
        }
    }
}

/// What a delivery restated of the day that a rule tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRestated {
    /// What the rule's spend of the day was before, where the history can tell: it knows days and callers, and no tags.
    pub from: Option<Decimal>,
    /// By how much all spend of the day moved in the rule's currency, whoever's it is.
    pub by: Decimal,
}

impl DayRestated {
    /// What `restated` says of the day of a measurement; `None` where it is of more than a day, where the day did not
    /// move, or at net cost, which the history does not keep.
    pub fn of(
        measured: &Measurement,
        restated: &[Restated],
        policy: &CostPolicy,
    ) -> Result<Option<Self>, SumOutOfRange> {
        let Some(day) = measured.only_day().filter(|_| policy.basis == Basis::Unblended) else { return Ok(None) };
        let (mut by, mut of_member) = (Decimal::ZERO, Decimal::ZERO);
        for moved in restated.iter().filter(|moved| moved.day == day && moved.currency == measured.currency) {
            if policy.count.contains(&moved.category) {
                let change = moved.change()?;
                by = by.checked_add(change).ok_or(SumOutOfRange)?;
                if measured.member.as_deref() == Some(or_none(&moved.identity)) {
                    of_member = of_member.checked_add(change).ok_or(SumOutOfRange)?;
                }
            }
        }
        let change = match &measured.each {
            _ if !measured.scope.is_empty() => None,
            None => Some(by),
            Some(Dimension::Field(FactField::Identity)) => Some(of_member),
            Some(_) => None,
        };
        if change.unwrap_or(by).is_zero() {
            return Ok(None);
        }
        let from = change.map(|change| measured.spent.checked_sub(change).ok_or(SumOutOfRange)).transpose()?;
        Ok(Some(Self { from, by }))
    }
}

#[cfg(test)]
mod tests;
