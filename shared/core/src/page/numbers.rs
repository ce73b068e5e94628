//! Sums up what pictures need beside the figures of a digest.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use crate::digest::figures::{CurrencyFigures, Figures};
use crate::facts::dimension::Dimension;
use crate::facts::fact::{Fact, FactField};
use crate::facts::fact_set::FactSet;
use crate::facts::grouping::spend_by;
use crate::money::decimal::{Decimal, SumOutOfRange, add};
use crate::page::figures::{CourseDay, OwnerDay, Pictures, Trend, TrendDay};
use crate::reporting::report::{self, Row};
use crate::reporting::unit_cost;
use crate::text::OTHER;

/// How many owners have a colour of their own, the others together being one more: as many as can be told apart.
const OWNERS: usize = 7;
/// How many callers have a trend.
const TRENDS: usize = 15;
/// How many days a trend has.
const TREND_DAYS: u64 = 28;

pub(super) fn pictures(
    figures: &Figures,
    found: &CurrencyFigures,
    facts: &FactSet<'_>,
    known: &FactSet<'_>,
) -> Result<Pictures, SumOutOfRange> {
    let currency = found.totals.currency.as_str();
    let (facts, known) = (facts.in_currency(currency), known.in_currency(currency));
    let reports: [&[FactField]; 3] =
        [&[FactField::Owner], &[FactField::Model, FactField::TokenKind, FactField::Context], &[FactField::TokenKind]];
    let reports = reports.map(|fields| fields.iter().copied().map(Dimension::Field).collect());
    let mut reports = report::spend_by_each(facts.iter(), &reports, &figures.policy)?.into_iter();
    let mut next = || reports.next().unwrap_or_default();
    let (owners, mix, kinds) = (report::fold(next(), OWNERS)?, next(), next());
    let is_folded = owners.len() > OWNERS;
    let owners: Vec<_> = owners.into_iter().map(|row| (first_key(&row), row.cost)).collect();
    let course = course(figures, &known)?;
    let trend_days = trend_days(figures, &known, course.last().map(|last| last.day));
    Ok(Pictures {
        days: days(figures, &facts, &owners, is_folded)?,
        trends: trends(figures, found, &known, &trend_days)?,
        owners,
        course,
        trend_days,
        mix,
        kinds,
        cache: unit_cost::cache_use(facts.iter(), figures.policy.basis)?,
    })
}

/// What a row with one dimension is of.
pub(super) fn first_key(row: &Row) -> String {
    row.keys.first().cloned().unwrap_or_default()
}

fn days(
    figures: &Figures,
    facts: &FactSet<'_>,
    owners: &[(String, Decimal)],
    is_folded: bool,
) -> Result<Vec<OwnerDay>, SumOutOfRange> {
    // An owner may be called like all others together: only the named ones have a place of their own.
    let named = if is_folded { owners.len().saturating_sub(1) } else { owners.len() };
    let places: BTreeMap<&str, usize> =
        owners.iter().take(named).enumerate().map(|(place, (owner, _))| (owner.as_str(), place)).collect();
    let mut days: BTreeMap<NaiveDate, OwnerDay> = BTreeMap::new();
    let by = [Dimension::Day, Dimension::Field(FactField::Owner)];
    for (fact, spend) in spend_by(facts.iter(), &figures.policy, &by)? {
        let day = fact.day();
        let found = days.entry(day).or_insert_with(|| OwnerDay {
            day,
            is_provisional: figures.settling.is_provisional(day),
            spend: Decimal::ZERO,
            by_owner: vec![Decimal::ZERO; owners.len()],
        });
        add(&mut found.spend, spend)?;
        let place = places.get(fact.get(FactField::Owner)).copied().unwrap_or(named);
        if let Some(sum) = found.by_owner.get_mut(place) {
            add(sum, spend)?;
        }
    }
    Ok(days.into_values().collect())
}

fn course(figures: &Figures, known: &FactSet<'_>) -> Result<Vec<CourseDay>, SumOutOfRange> {
    let mut by_day: BTreeMap<NaiveDate, Decimal> = BTreeMap::new();
    let of_period = known.iter().filter(|fact| figures.period.contains(fact.day()));
    for (fact, spend) in spend_by(of_period, &figures.policy, &[Dimension::Day])? {
        add(by_day.entry(fact.day()).or_default(), spend)?;
    }
    let Some(last) = by_day.keys().next_back().copied() else { return Ok(Vec::new()) };
    let mut to_date = Decimal::ZERO;
    let mut course = Vec::new();
    for day in figures.period.first_day().iter_days().take_while(|day| *day <= last) {
        let spend = by_day.get(&day).copied().unwrap_or_default();
        add(&mut to_date, spend)?;
        course.push(CourseDay { day, is_provisional: figures.settling.is_provisional(day), spend, to_date });
    }
    Ok(course)
}

fn trend_days(figures: &Figures, known: &FactSet<'_>, last: Option<NaiveDate>) -> Vec<TrendDay> {
    let first_known = known.iter().map(Fact::day).min();
    let (Some(last), Some(first_known)) = (last, first_known) else { return Vec::new() };
    let first = last.checked_sub_days(Days::new(TREND_DAYS - 1)).unwrap_or(last).max(first_known);
    let days = first.iter_days().take_while(|day| *day <= last);
    days.map(|day| TrendDay { day, is_provisional: figures.settling.is_provisional(day) }).collect()
}

fn trends(
    figures: &Figures,
    found: &CurrencyFigures,
    known: &FactSet<'_>,
    days: &[TrendDay],
) -> Result<Vec<Trend>, SumOutOfRange> {
    let Some(first) = days.first() else { return Ok(Vec::new()) };
    let named = found.callers.iter().filter(|caller| !caller.identity.is_empty()).take(TRENDS);
    let mut trends: Vec<_> = named
        .map(|caller| Trend { identity: caller.identity.clone(), days: vec![Decimal::ZERO; days.len()] })
        .collect();
    let places: BTreeMap<String, usize> =
        trends.iter().enumerate().map(|(place, trend)| (trend.identity.clone(), place)).collect();
    let by = [Dimension::Field(FactField::Identity), Dimension::Day];
    for (fact, spend) in spend_by(known.iter(), &figures.policy, &by)? {
        let Some(trend) = places.get(fact.get(FactField::Identity)).and_then(|place| trends.get_mut(*place)) else {
            continue;
        };
        let index = usize::try_from((fact.day() - first.day).num_days()).ok();
        if let Some(sum) = index.and_then(|index| trend.days.get_mut(index)) {
            add(sum, spend)?;
        }
    }
    Ok(trends)
}

/// The name of all others together, for people.
pub(super) fn is_rest(owners: &[(String, Decimal)], place: usize) -> bool {
    place == OWNERS && owners.get(place).is_some_and(|(owner, _)| owner == OTHER)
}
