//! What CloudWatch must hold in the end: of each series and day that could be put the spend, rounded; and what it lacks of
//! others must be known.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use spend_ledger::store::Store as _;

use crate::history::bill::{BillRow, PERSON};
use crate::history::configuration::Configuration;
use crate::model::Violation;
use crate::model::amounts::{cost, day, nine_places, nine_places_of, read};
use crate::model::forgotten::Alias;
use crate::model::ledger::Counted;
use crate::world::{Happened, Place, World, ready};

/// The dimension of the tag that configurations require.
const TEAM: &str = "Tag:iamPrincipal/team";

/// That of the other tag that the defaults require.
const COST_CENTER: &str = "Tag:iamPrincipal/cost-center";

/// What a dimension shows of a row.
type Dimension = (&'static str, fn(&BillRow) -> &'static str);

/// Each dimension.
const DIMENSIONS: [Dimension; 4] =
    [("Identity", BillRow::identity), ("Model", BillRow::model), ("Account", BillRow::account), (TEAM, BillRow::team)];

/// Judges the metric `Spend` and its gauges.
pub fn judge(
    counted: &Counted,
    configuration: Option<&Configuration>,
    world: &World,
    log: &[Happened],
    alias: &Alias,
) -> Result<(), Violation> {
    if let Some(Happened::Withheld { why }) = log.iter().find(|happened| matches!(happened, Happened::Withheld { .. }))
    {
        return Err(format!("metrics were withheld although nothing was lost: {why}"));
    }
    let spend = spend(counted, configuration, &members(world, alias));
    let (found, mut shown, now) = {
        let inside = world.inside();
        (inside.cloudwatch.sums("Spend"), inside.cloudwatch.last_maxima("MonthToDateSpend"), inside.now)
    };
    // Of somebody who was forgotten nothing is put any more under the name: it holds together with the alias.
    let mut held: BTreeMap<Place, f64> = BTreeMap::new();
    for ((dimensions, day), sum) in found {
        *held.entry((undone(dimensions, alias), day)).or_default() += sum;
    }
    if alias.is_used() {
        shown.retain(|dimensions, _| dimensions.iter().all(|(_, value)| value != PERSON));
        shown = shown.into_iter().map(|(dimensions, value)| (undone(dimensions, alias), value)).collect();
    }
    let places: BTreeSet<&Place> = spend.keys().chain(held.keys()).collect();
    let mut missing: BTreeMap<String, i128> = BTreeMap::new();
    for place in places {
        // Nothing is put any more to the dimension of a tag that was taken out of the configuration.
        if configuration.is_some() && place.0.iter().any(|(name, _)| name == COST_CENTER) {
            continue;
        }
        let says = nine_places(spend.get(place).copied().unwrap_or_default());
        let holds = held.get(place).copied().map(nine_places_of).unwrap_or_default();
        if says != holds && is_open(place.1, now) {
            return Err(format!("CloudWatch holds {holds} and not {says} (in 10⁻⁹) of {place:?}"));
        }
        if let [(_, currency)] = &place.0[..] {
            *missing.entry(currency.clone()).or_default() += says - holds;
        }
    }
    known(missing, log)?;
    gauges(&spend, &shown, now)
}

/// Dimensions with the name in place of the alias.
fn undone(dimensions: Vec<(String, String)>, alias: &Alias) -> Vec<(String, String)> {
    dimensions.into_iter().map(|(name, value)| (name, alias.undone(&value).into_owned())).collect()
}

/// Whether data of a day can be put: CloudWatch takes what is no older than two weeks.
fn is_open(day: NaiveDate, now: DateTime<Utc>) -> bool {
    let midnight = day.and_hms_opt(0, 0, 0).unwrap().and_utc();
    midnight >= now - TimeDelta::days(14) + TimeDelta::minutes(30) && midnight <= now
}

/// What CloudWatch lacks in all is what the program says that it could not put.
fn known(mut missing: BTreeMap<String, i128>, log: &[Happened]) -> Result<(), Violation> {
    let said = log.iter().rev().find_map(|happened| match happened {
        Happened::Published { outside } => Some(outside),
        _ => None,
    });
    let Some(said) = said else { return Ok(()) };
    missing.retain(|_, sum| *sum != 0);
    let mut said: BTreeMap<String, i128> =
        said.iter().map(|(currency, sum)| (currency.clone(), nine_places(read(sum)))).collect();
    said.retain(|_, sum| *sum != 0);
    if said == missing {
        return Ok(());
    }
    Err(format!("CloudWatch lacks {missing:?} (in 10⁻⁹), and the program says {said:?}"))
}

/// What every series and day must sum to.
fn spend(
    counted: &Counted,
    configuration: Option<&Configuration>,
    members: &BTreeSet<Member>,
) -> BTreeMap<Place, i128> {
    let mut sums = BTreeMap::new();
    let is_spend = |row: &&BillRow| {
        let category = row.category();
        row.is_bedrock() && configuration.map_or(matches!(category, "usage" | "discount"), |with| with.counts(category))
    };
    for ((_, month), rows) in counted {
        for row in rows.iter().filter(is_spend) {
            let (day, currency) = (day(row, *month), row.currency().to_owned());
            let mut add = |further: Option<(&str, &str)>| {
                let mut dimensions = vec![("Currency".to_owned(), currency.clone())];
                dimensions.extend(further.map(|(name, value)| (name.to_owned(), value.to_owned())));
                dimensions.sort();
                *sums.entry((dimensions, day)).or_default() += cost(row);
            };
            add(None);
            // Without a configuration two tags are required, and bills have only one.
            let further: Option<Dimension> = configuration.is_none().then_some((COST_CENTER, |_| ""));
            for (name, of) in DIMENSIONS.into_iter().chain(further) {
                let (value, month) = (of(row), day.format("%Y-%m").to_string());
                let is_member = members.contains(&(month, name.to_owned(), currency.clone(), value.to_owned()));
                add(Some((
                    name,
                    if value.is_empty() {
                        "(none)"
                    } else if is_member {
                        value
                    } else {
                        "(other)"
                    },
                )));
            }
        }
    }
    sums
}

/// Month, dimension, currency and value of a member that has series.
type Member = (String, String, String, String);

/// Everybody who has series, as the program has written it down: the model knows the spend, and not who is large.
fn members(world: &World, alias: &Alias) -> BTreeSet<Member> {
    let Some((bytes, _)) = ready(world.ledger.get("metrics/series.json")).unwrap() else { return BTreeSet::new() };
    let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let mut members = BTreeSet::new();
    for (month, dimensions) in document["months"].as_object().unwrap() {
        for (dimension, currencies) in dimensions.as_object().unwrap() {
            for (currency, values) in currencies.as_object().unwrap() {
                for value in values.as_array().unwrap() {
                    let value = alias.undone(value.as_str().unwrap()).into_owned();
                    members.insert((month.clone(), dimension.clone(), currency.clone(), value));
                }
            }
        }
    }
    members
}

/// The month to date must be shown of everybody who has spent, and of nobody else anything but zero.
fn gauges(
    spend: &BTreeMap<Place, i128>,
    shown: &BTreeMap<Vec<(String, String)>, (NaiveDate, f64)>,
    now: DateTime<Utc>,
) -> Result<(), Violation> {
    let month = |day: NaiveDate| day.format("%Y-%m").to_string();
    let is_shown = |name: &String| ["Currency", "Identity", TEAM].contains(&name.as_str());
    let mut to_date: BTreeMap<&Vec<(String, String)>, i128> = BTreeMap::new();
    for ((dimensions, day), spend) in spend {
        if month(*day) == month(now.date_naive()) && dimensions.iter().all(|(name, _)| is_shown(name)) {
            *to_date.entry(dimensions).or_default() += spend;
        }
    }
    for (dimensions, says) in &to_date {
        let found = shown.get(*dimensions).filter(|(day, _)| *day == now.date_naive());
        if found.map(|(_, value)| nine_places_of(*value)) != Some(nine_places(*says)) {
            return Err(format!("MonthToDateSpend of {dimensions:?} shows {found:?} and not {says} (in 10⁻¹⁸)"));
        }
    }
    let stale = shown.iter().find(|(dimensions, (_, value))| !to_date.contains_key(dimensions) && *value != 0.0);
    stale.map_or(Ok(()), |(dimensions, value)| Err(format!("MonthToDateSpend of {dimensions:?} still shows {value:?}")))
}
