//! What the rows say besides their callers: how many there are, tags, granularity, currencies, accounts.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use spend_core::bill::bedrock_line::Rule;
use spend_core::bill::line::LineField;
use spend_core::facts::net_cost::StandIn;
use spend_core::facts::tag_keys::{PRINCIPAL_TAGS, are_one_key, namesakes, spelt_alike};
use spend_core::money::decimal::SumOutOfRange;
use spend_core::text::{self, counted};

use super::reading::{Money, PeriodReading};
use crate::examination::finding::{Finding, Remedy, Subject};
use crate::examination::words::names;

/// The tags of callers that owners are known by, unless a configuration names others.
const USUAL_TAGS: [&str; 2] = ["iamPrincipal/team", "iamPrincipal/cost-center"];

/// A tag of callers that covers less of the usage money than this, in percent, leaves most of it without an owner.
const TAGGED_PERCENT: i64 = 50;

/// How many tag keys are listed.
const KEYS: usize = 8;

/// How much was read, and what made rows Bedrock's.
pub(super) fn rows(reading: &PeriodReading) -> Finding {
    let (subject, counts) = (&reading.subject, &reading.counts);
    let files = counted(reading.files_read, "file", "files");
    if counts.bedrock_rows == 0 {
        let remedy = Remedy {
            why: "no row is of Amazon Bedrock: there is nothing to attribute in this month",
            cure: "if Bedrock was used, check that the export is of the payer's account, or of the one that uses \
                   Bedrock, and that its query filters nothing out",
            takes: "24 h until the next delivery; usage reaches the bill 8 h to 24 h later",
        };
        let what = format!("{} rows in {files}, and none of Amazon Bedrock", counts.rows);
        return subject.notice("no-bedrock-rows", what, remedy);
    }
    let alone = counts.rules.iter().find(|(rule, ..)| *rule == Rule::Principal).map_or(0, |(_, _, alone)| alone);
    let what = format!("{} rows in {files}, {} of Amazon Bedrock", counts.rows, counts.bedrock_rows);
    if alone == 0 {
        return subject.ok("rows", format!("CUR 2.0: {what}"));
    }
    let remedy = Remedy {
        why: "AWS names callers for Amazon Bedrock alone, so these rows are counted; once AWS names callers for \
             other services too, they may not be Bedrock's",
        cure: "look at them: bedrock-ledger report --by usage_type,model; and write to this project",
        takes: "at once",
    };
    let what = format!("{what}; {alone} of them only because they have a caller");
    subject.notice("rows-by-principal-alone", what, remedy)
}

/// Which tag keys are active, and how much money each covers.
pub(super) fn tags(reading: &PeriodReading) -> Result<Vec<Finding>, SumOutOfRange> {
    let subject = &reading.subject;
    let whole = reading.money(|_| true)?;
    if reading.counts.missing_columns.contains("tags") || whole.is_empty() {
        return Ok(Vec::new());
    }
    let mut covered: BTreeMap<&str, Money> = BTreeMap::new();
    for line in reading.usage() {
        for tag in line.tags().keys() {
            covered.entry(tag).or_default().add(line.get(LineField::Currency), line.unblended_cost())?;
        }
    }
    let mut keys: Vec<_> = covered.iter().map(|(tag, money)| (*tag, money.part_of(&whole))).collect();
    keys.sort_by_key(|(tag, (part, _))| (std::cmp::Reverse(*part), *tag));
    let listed: Vec<_> = keys.iter().map(|(tag, (part, all))| format!("{tag} {}", text::share(*part, *all))).collect();
    let more = listed.len().saturating_sub(KEYS);
    let listed: Vec<_> = listed.into_iter().take(KEYS).collect();
    let more = if more == 0 { String::new() } else { format!(" and {more} more keys") };
    let listed = format!("{}{more}", listed.join(", "));

    let mut findings = alike(reading, &covered);
    findings.extend(wrong_kind(reading, &covered));
    let mut of_callers = covered.iter().filter(|(tag, _)| tag.starts_with(PRINCIPAL_TAGS)).peekable();
    if of_callers.peek().is_none() {
        let others = if covered.is_empty() { "no tag at all".to_owned() } else { format!("only {listed}") };
        let remedy = Remedy {
            why: "without tags of callers, owners and teams are unknown: spend is by caller and account alone",
            cure: "tag the roles and users that call Bedrock (team, cost-center), let each call once, then activate \
                   the keys in Billing, Cost allocation tags",
            takes: "24 h until a key is listed there, 24 h after activation; earlier days stay untagged",
        };
        let what = format!("no tag of callers ({PRINCIPAL_TAGS}…) is active; there is {others}");
        findings.push(subject.notice("principal-tags-missing", what, remedy));
        return Ok(findings);
    }
    let what = format!("active tags, by their share of the usage money: {listed}");
    if of_callers.any(|(_, money)| money.is_at_least(TAGGED_PERCENT, &whole)) {
        findings.push(subject.ok("tags", what));
        return Ok(findings);
    }
    let remedy = Remedy {
        why: "most of the money has no tag of its caller, so no owner and no team",
        cure: "see who spends without: bedrock-ledger report --by identity,tag:NAME; and tag those roles and users",
        takes: "24 h until new calls are billed with their tags; earlier days stay untagged",
    };
    findings.push(subject.notice("untagged-share-high", what, remedy));
    Ok(findings)
}

/// Keys that are probably one, spelt in several ways.
fn alike(reading: &PeriodReading, covered: &BTreeMap<&str, Money>) -> Vec<Finding> {
    let keys: Vec<_> = covered.keys().copied().collect();
    let finding = |group: Vec<&str>| {
        let remedy = Remedy {
            why: "they are probably one tag: budgets, owners and reports by one key miss what is under the other",
            cure: "agree on one spelling, tag the roles and users with it alone, and activate that key",
            takes: "24 h until a key is listed, 24 h after activation; what is billed keeps its keys: add an [[owner]] \
                    rule for it",
        };
        let what = format!("tag keys that differ in spelling alone: {}", names(group.into_iter()));
        reading.subject.notice("tag-keys-alike", what, remedy)
    };
    spelt_alike(&keys).into_iter().map(finding).collect()
}

/// A tag of another kind that stands where that of callers is missing.
fn wrong_kind(reading: &PeriodReading, covered: &BTreeMap<&str, Money>) -> Option<Finding> {
    let keys: BTreeSet<&str> =
        covered.keys().copied().chain(reading.counts.resource_tags.iter().map(String::as_str)).collect();
    let is_missing = |key: &&str| !keys.iter().any(|known| are_one_key(key, known));
    let may_be_activated = |key: &&str| key.starts_with("resourceTags/") || key.starts_with("accountTag/");
    let missing: Vec<_> = USUAL_TAGS
        .into_iter()
        .filter(is_missing)
        .map(|key| (key, namesakes(key, keys.iter().copied().filter(may_be_activated))))
        .filter(|(_, found)| !found.is_empty())
        .collect();
    if missing.is_empty() {
        return None;
    }
    let found: Vec<_> = missing.iter().flat_map(|(_, found)| found.iter().map(String::as_str)).collect();
    let wanted: Vec<_> = missing.iter().map(|(key, _)| *key).collect();
    let remedy = Remedy {
        why: "a key is activated for each kind of tag by itself; tags of resources and accounts say nothing of who called",
        cure: "activate the keys of the kind IAM principal in Billing, Cost allocation tags, once a tagged caller has called",
        takes: "24 h until a key is listed there, 24 h after activation; earlier days stay untagged",
    };
    let what = format!(
        "the bill has {} and not {}: probably the wrong kind of tag was activated",
        names(found.into_iter()),
        names(wanted.into_iter())
    );
    Some(reading.subject.notice("tag-kind-wrong", what, remedy))
}

/// Whether days can be told apart.
pub(super) fn granularity(reading: &PeriodReading) -> Option<Finding> {
    let days: BTreeSet<_> = reading.usage().map(spend_core::table::rows::Row::day).collect();
    let (first, latest) = (*days.first()?, reading.counts.latest_usage_end?);
    let begins = first.and_time(chrono::NaiveTime::MIN).and_utc();
    let is_first_of_month = reading.subject.period.is_some_and(|period| period.first_day() == first);
    if days.len() > 1 || !is_first_of_month || latest.signed_duration_since(begins) <= TimeDelta::days(1) {
        let last = days.last().copied().unwrap_or(first);
        let grain = if reading.is_hourly { "hourly" } else { "daily" };
        let what = format!("the export is {grain}: usage of {}", text::days(first, last));
        return Some(reading.subject.ok("granularity", what));
    }
    let remedy = Remedy {
        why: "days cannot be told apart: there is no daily spend, no alert on a jump, and no start of a change; \
             only the month's total is right",
        cure: "set the export's time granularity to hourly or daily (TIME_GRANULARITY)",
        takes: "24 h until the next delivery; months that were delivered stay monthly",
    };
    let what =
        format!("all usage is on {} and ends {}: the export is monthly", text::day(first), text::instant(latest));
    Some(reading.subject.notice("granularity-monthly", what, remedy))
}

/// Of how much there is no net cost. Only accounts with a discount have any, so that it is well without; whoever asks for
/// it must know.
pub(super) fn net_cost(reading: &PeriodReading) -> Result<Option<Finding>, SumOutOfRange> {
    let mut stand_in = StandIn::default();
    for line in reading.lines() {
        stand_in.add(line.get(LineField::Currency), &line.measures())?;
    }
    Ok(stand_in.sentence().map(|sentence| {
        let what =
            format!("{sentence} Accounts without a discount have none; it matters to the basis net-unblended alone");
        reading.subject.ok("net-cost-missing", what)
    }))
}

pub(super) fn currencies(reading: &PeriodReading) -> Finding {
    let lines = reading.lines().map(|line| line.get(LineField::Currency));
    let currencies: BTreeSet<&str> = lines.filter(|currency| !currency.is_empty()).collect();
    let listed = currencies.iter().copied().collect::<Vec<_>>().join(", ");
    if currencies.len() <= 1 {
        return reading.subject.ok("currency", format!("one currency: {}", text::or_none(&listed)));
    }
    let remedy = Remedy {
        why: "currencies are never added together: every total is there once for each, and a budget sees its own \
              currency alone",
        cure: "write a budget for each currency",
        takes: "at once",
    };
    reading.subject.notice("mixed-currencies", format!("costs are in {listed}"), remedy)
}

/// Whose export it is. Only Bedrock's rows are seen, so what they cannot prove is said as a guess.
pub(super) fn accounts(reading: &PeriodReading) -> Option<Finding> {
    let of = |field| reading.lines().map(move |line| line.get(field)).filter(|text| !text.is_empty());
    let payers: BTreeSet<&str> = of(LineField::PayerAccountId).collect();
    let accounts: BTreeSet<&str> = of(LineField::AccountId).collect();
    let payer = *payers.first()?;
    let takes = "24 h until the first delivery of a new export; AWS Support can fill in earlier months";
    let cure = "if the whole organization is wanted, create the export in the payer's account";
    if let Some(account) = reading.account.as_deref().filter(|account| !payers.contains(account)) {
        let what = format!("the export was made in account {account}, and {payer} pays: it is a member account's");
        let why = "a member account's export has its own usage alone, without the organization's other accounts and \
                   some of its discounts";
        return Some(reading.subject.notice("member-account-export", what, Remedy { why, cure, takes }));
    }
    let only = accounts.first().filter(|account| accounts.len() == 1 && !payers.contains(*account));
    if let (Some(account), None) = (only, reading.account.as_deref()) {
        let what =
            format!("every row of Bedrock is of account {account}, and {payer} pays: it may be a member's export");
        let why = "a member account's export has its own usage alone; a payer's export looks the same while one \
                   account alone uses Bedrock";
        return Some(reading.subject.notice("member-account-export", what, Remedy { why, cure, takes }));
    }
    let users = counted(accounts.len(), "account uses", "accounts use");
    Some(reading.subject.ok("accounts", format!("{users} Bedrock, and {} pays", names(payers.into_iter()))))
}

/// Exports that bill the same payer's month twice.
pub(super) fn overlaps(readings: &[PeriodReading]) -> Vec<Finding> {
    let mut exports: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for reading in readings {
        for line in reading.lines() {
            let payer = line.get(LineField::PayerAccountId);
            if let (Some(export), false) = (reading.subject.export.as_deref(), payer.is_empty()) {
                exports.entry((reading.subject.period, payer)).or_default().insert(export);
            }
        }
    }
    let overlapping = exports.into_iter().filter(|(_, exports)| exports.len() > 1);
    let finding = |((period, payer), exports): ((_, &str), BTreeSet<&str>)| {
        let remedy = Remedy {
            why: "all of them hold the same bill: the ledger counts the first that it sees, and names and leaves \
                 out the others",
            cure: "keep only one of them in this tree: the one with the callers' column and the most columns",
            takes: "at once, in a new ledger; in a ledger that has counted the month, move the claim with bedrock-ledger claim",
        };
        let what = format!("payer {payer} is in {} exports: {}", exports.len(), names(exports.into_iter()));
        Subject { export: None, period }.notice("overlapping-exports", what, remedy)
    };
    overlapping.map(finding).collect()
}
