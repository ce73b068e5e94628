//! Callers: since when the bill names them, for how much of the money, and whether the names tell people apart.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use spend_core::bill::line::LineField;
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::people;
use spend_core::money::decimal::SumOutOfRange;
use spend_core::text;

use super::reading::{Money, PeriodReading};
use super::tree::ExportTree;
use crate::examination::finding::{Finding, Remedy, Subject};
use crate::examination::words::names;

/// Less of the usage money than this, in percent, is too little to hold anybody to.
const ATTRIBUTED_PERCENT: i64 = 50;

/// A role is looked at as a gateway from this share of the usage money on, in percent, with this many sessions.
const GATEWAY_PERCENT: i64 = 20;
const GATEWAY_SESSIONS: usize = 20;
/// A role that is called a gateway is looked at from this share on.
const NAMED_GATEWAY_PERCENT: i64 = 5;
const GATEWAY_NAMES: [&str; 5] = ["gateway", "proxy", "litellm", "portkey", "openwebui"];

/// How Amazon Bedrock AgentCore names sessions: one for each session of its runtime, which is no gateway's doing.
const AGENT_SESSION: &str = "BedrockAgentCore-";

/// A session name under this many roles is somebody's default, not a person.
const SHARED_ROLES: usize = 3;

/// From this share of the usage money on, generic names are spoken of, in percent.
const GENERIC_PERCENT: i64 = 5;
/// What software development kits and tools call sessions that nobody named.
const GENERIC_NAMES: [&str; 8] = [
    "botocore-session-",
    "aws-sdk-java-",
    "aws-sdk-js-session-",
    "aws-go-sdk-",
    "AWSCLI-Session",
    "AssumeRoleSession",
    "GitHubActions",
    "session",
];

/// Who is named, and since when.
pub(super) fn named(reading: &PeriodReading) -> Result<Vec<Finding>, SumOutOfRange> {
    let subject = &reading.subject;
    let is_named = |principal: &str| !principal.is_empty();
    let first_named = first_day(reading, is_named);
    let whole = reading.money(|_| true)?;
    if whole.is_empty() {
        return Ok(Vec::new());
    }
    let Some(since) = first_named else {
        let finding = if reading.counts.lacks_principal_column() { column_missing(reading) } else { empty(reading) };
        return Ok(vec![finding]);
    };
    let attributed = reading.money(|key| is_named(key.get(LineField::Principal)))?;
    let (part, all) = attributed.part_of(&whole);
    let share = text::share(part, all);
    let first = first_day(reading, |_| true).unwrap_or(since);
    let late = first.succ_opt().is_some_and(|second| since > second);
    if late {
        let what = format!(
            "callers are named since {} only, usage begins on {}; {share} of the usage money has a caller",
            text::day(since),
            text::day(first)
        );
        let remedy = Remedy {
            why: "the days before stay unattributed: AWS does not fill them in",
            cure: "nothing is to be done, if the caller identity option was switched on then",
            takes: "the next month is whole",
        };
        return Ok(vec![subject.notice("principals-began-late", what, remedy)]);
    }
    let what = format!("callers are named since {}: {share} of the usage money has one", text::day(since));
    if attributed.is_at_least(ATTRIBUTED_PERCENT, &whole) {
        return Ok(vec![subject.ok("principals", what)]);
    }
    let remedy = Remedy {
        why: "AWS names callers of model inference alone; agents, knowledge bases, guardrails, provisioned throughput \
              and customization have none",
        cure: "see what has none: bedrock-ledger report --by feature,usage_type,principal",
        takes: "at once",
    };
    Ok(vec![subject.notice("attributed-share-low", what, remedy)])
}

fn first_day(reading: &PeriodReading, is_counted: impl Fn(&str) -> bool) -> Option<NaiveDate> {
    let lines = reading.usage().filter(|line| is_counted(line.get(LineField::Principal)));
    lines.map(spend_core::table::rows::Row::day).min()
}

fn column_missing(reading: &PeriodReading) -> Finding {
    let what = "the export has no column line_item_iam_principal: no caller can be named";
    let remedy = Remedy {
        why: "every dollar of Amazon Bedrock is unattributed: no spend by person, role or team",
        cure: "switch on \"Include caller identity (IAM principal) allocation data\" \
               (INCLUDE_IAM_PRINCIPAL_DATA = TRUE) and select line_item_iam_principal and tags in the export's query; \
               if the console refuses for this export, create a new one",
        takes: "24 h until the next delivery; earlier days stay unattributed",
    };
    if reading.is_newest {
        return reading.subject.notice("principal-column-missing", what, remedy);
    }
    let remedy = Remedy { cure: "nothing is to be done for a month that was delivered before", ..remedy };
    reading.subject.notice("principal-column-missing", what, remedy)
}

fn empty(reading: &PeriodReading) -> Finding {
    let what = "the column line_item_iam_principal is there, and empty in every row of Amazon Bedrock usage";
    let remedy = Remedy {
        why: "every dollar of Amazon Bedrock is unattributed: no spend by person, role or team",
        cure: "check that INCLUDE_IAM_PRINCIPAL_DATA is TRUE (aws bcm-data-exports get-export): a query may select the \
               column while the option is off",
        takes: "24 h to 48 h until callers appear; earlier days stay unattributed",
    };
    if reading.is_newest {
        return reading.subject.notice("principals-missing", what, remedy);
    }
    let remedy = Remedy { cure: "nothing is to be done for a month that was delivered before", ..remedy };
    reading.subject.notice("principals-missing", what, remedy)
}

/// Since which month the export has the caller's column, of the months that are not read: newest first.
pub(super) fn older_periods(export: &ExportTree, older: &[(BillingPeriod, bool)]) -> Option<Finding> {
    let subject = Subject { export: Some(export.path.to_string()), period: None };
    let (oldest, _) = older.last()?;
    let Some((without, _)) = older.iter().find(|(_, has_column)| !has_column) else {
        let what = format!("files have the caller's column since {oldest}, the oldest month here");
        return Some(subject.ok("principal-column-since", what));
    };
    let remedy = Remedy {
        why: "those months have no caller: comparing with them by person, role or team is not possible",
        cure: "nothing is to be done: AWS fills in no caller that was not recorded",
        takes: "months from the next one on have callers",
    };
    let what = format!("files of {without} have no column line_item_iam_principal; later ones do");
    Some(subject.notice("principal-column-since", what, remedy))
}

/// The sessions of a role, and their money.
#[derive(Default)]
struct Role<'a> {
    sessions: BTreeSet<&'a str>,
    money: Money,
}

/// Whether session names tell people apart, in the newest period: what was before cannot be mended.
pub(super) fn sessions(reading: &PeriodReading) -> Result<Vec<Finding>, SumOutOfRange> {
    if !reading.is_newest {
        return Ok(Vec::new());
    }
    let (mut roles, mut by_name) = (BTreeMap::<&str, Role<'_>>::new(), BTreeMap::<&str, BTreeSet<&str>>::new());
    let mut generic = Money::default();
    for line in reading.usage() {
        let Some((role, session)) = session(line.get(LineField::Principal)) else { continue };
        let (currency, cost) = (line.get(LineField::Currency), line.unblended_cost());
        let found = roles.entry(role).or_default();
        found.sessions.insert(session);
        found.money.add(currency, cost)?;
        if !session.contains('@') && !role.contains("AWSReservedSSO_") {
            by_name.entry(session).or_default().insert(role);
        }
        if is_generic(session) {
            generic.add(currency, cost)?;
        }
    }
    let whole = reading.money(|_| true)?;
    let mut findings: Vec<_> = roles.iter().filter_map(|(name, role)| gateway(reading, name, role, &whole)).collect();
    findings.extend(shared(reading, &by_name));
    findings.extend(people(reading));
    if generic.is_at_least(GENERIC_PERCENT, &whole) {
        let (part, all) = generic.part_of(&whole);
        let what = format!("{} of the usage money is of sessions that only a tool has named", text::share(part, all));
        let remedy = Remedy {
            why: "names such as botocore-session-1764… are new with every process: spend stays with the role",
            cure: "set the session's name where the role is assumed (RoleSessionName; role_session_name in the AWS \
                   configuration file)",
            takes: "24 h until new calls are billed; earlier days keep their names",
        };
        findings.push(reading.subject.notice("session-names-generic", what, remedy));
    }
    if findings.is_empty() {
        findings.push(reading.subject.ok("sessions", "no role looks like a gateway, and no session name is shared"));
    }
    Ok(findings)
}

fn gateway(reading: &PeriodReading, name: &str, role: &Role<'_>, whole: &Money) -> Option<Finding> {
    let is_own = |name: &&str| name.contains('@') || name.starts_with(AGENT_SESSION);
    let is_told_apart = name.contains("AWSReservedSSO_") || role.sessions.iter().all(is_own);
    let is_busy = role.sessions.len() >= GATEWAY_SESSIONS && role.money.is_at_least(GATEWAY_PERCENT, whole);
    let lower = name.to_lowercase();
    let is_named_so = GATEWAY_NAMES.into_iter().any(|word| lower.contains(word))
        && role.money.is_at_least(NAMED_GATEWAY_PERCENT, whole);
    if is_told_apart || !(is_busy || is_named_so) {
        return None;
    }
    let (part, all) = role.money.part_of(whole);
    let what = format!(
        "{name} has {} of the usage money under {} session name{}: it may be a gateway that many share, or one service \
         with many copies",
        text::share(part, all),
        role.sessions.len(),
        if role.sessions.len() == 1 { "" } else { "s" }
    );
    let remedy = Remedy {
        why: "a gateway that calls with its own role hides who asked: its spend is one caller's",
        cure: "let it assume a role for each user, with the user as RoleSessionName and the team as a session tag (STS \
               allows 500 AssumeRole a second); if it is one service, nothing is to be done",
        takes: "24 h until new calls are billed; a new tag key takes 24 h to be listed and 24 h after activation",
    };
    Some(reading.subject.notice("gateway-suspected", what, remedy))
}

/// Roles whose sessions look like people: unless they are kept apart, such a role is one caller.
fn people(reading: &PeriodReading) -> Option<Finding> {
    let roles = people::find(reading.usage().map(|line| line.get(LineField::Principal)));
    let (first, others) = roles.split_first()?;
    let more = if others.is_empty() { String::new() } else { format!(", and {} more roles like it", others.len()) };
    let what = format!("{}{more}", first.what());
    let names = names(roles.iter().map(|role| role.role.as_str()));
    let remedy = Remedy {
        why: "a role counts as one caller with all its sessions, because anybody who may assume it can name the \
                 session freely: the spend of each person cannot be told"
            .to_owned(),
        cure: format!(
            "if your identity provider sets the names of these sessions, list the roles in keep_sessions of \
             [identity]: {names}; if they are listed, nothing is to be done"
        ),
        takes: "from the next delivery on; bedrock-ledger rebuild for what is counted".to_owned(),
    };
    Some(reading.subject.notice("sessions-look-like-people", what, remedy))
}

fn shared(reading: &PeriodReading, by_name: &BTreeMap<&str, BTreeSet<&str>>) -> Option<Finding> {
    let shared: Vec<_> = by_name.iter().filter(|(_, roles)| roles.len() >= SHARED_ROLES).collect();
    let (first, roles) = shared.iter().max_by_key(|(_, roles)| roles.len())?;
    let others = match shared.len() - 1 {
        0 => String::new(),
        others => format!("; so are {others} more"),
    };
    let what = format!(
        "the session name {first} is used under {} roles ({}){others}",
        roles.len(),
        names(roles.iter().copied())
    );
    let remedy = Remedy {
        why: "a name that many roles share is a default and tells nobody apart",
        cure: "name sessions after who or what calls (RoleSessionName)",
        takes: "24 h until new calls are billed; earlier days keep their names",
    };
    Some(reading.subject.notice("session-name-shared", what, remedy))
}

/// `ACCOUNT:assumed-role/[PATH/]ROLE` and `SESSION` of an assumed role's ARN.
fn session(principal: &str) -> Option<(&str, &str)> {
    let (_, rest) = principal.split_once(":sts::")?;
    let (_, name) = rest.split_once(":assumed-role/")?;
    let (_, session) = name.rsplit_once('/')?;
    Some((rest.strip_suffix(session)?.trim_end_matches('/'), session))
}

fn is_generic(session: &str) -> bool {
    let is_number = !session.is_empty() && session.bytes().all(|byte| byte.is_ascii_digit());
    is_number || GENERIC_NAMES.into_iter().any(|name| session.starts_with(name))
}
