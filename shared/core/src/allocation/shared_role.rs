//! Roles, users and keys that several parties probably stand behind, found from the bill alone. Their spend has one
//! name and many causes: nobody can be asked about it, and nobody's budget holds it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::allocation::tag_contract::{Spend, add};
use crate::bill::principal::IdentityKind;
use crate::facts::dimension::Dimension;
use crate::facts::fact::{Fact, FactField};
use crate::facts::folding::Limits;
use crate::facts::grouping::spend_by;
use crate::facts::owner::OwnerSource;
use crate::facts::spend::CostPolicy;
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::text::{share, words};

/// From how many sessions on an identity has many.
pub const MANY_SESSIONS: usize = 20;
/// From which part of what all callers spent on an identity's share is large, in percent.
pub const LARGE_SHARE_PERCENT: i64 = 10;
/// From how many models on they are mixed, if they are not of several makers anyway.
pub const MIXED_MODELS: usize = 3;
/// How many signs a finding needs; a generic name or the lack of an owner must be among them.
pub const SIGNS: usize = 3;

/// Words of names that stand between callers and models.
const GATEWAY_WORDS: [&str; 7] = ["broker", "gateway", "gw", "hub", "litellm", "proxy", "router"];
/// Other words of names that say nothing of who is behind them.
const GENERIC_WORDS: [&str; 16] = [
    "admin",
    "administrator",
    "app",
    "application",
    "backend",
    "bedrock",
    "common",
    "default",
    "general",
    "generic",
    "genai",
    "llm",
    "notebook",
    "poweruser",
    "sandbox",
    "shared",
];

/// Why an identity is taken for shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A word of its name.
    GenericName(String),
    /// Its spend has no owner tag and no rule owns it.
    NoOwner,
    /// How many principals (sessions) the bill has of it.
    ManySessions(usize),
    /// The models that it calls, sorted.
    MixedModels(Vec<String>),
    /// Its spend and that of all callers, in one currency.
    LargeShare {
        currency: String,
        spend: Decimal,
        /// That of all callers.
        of: Decimal,
    },
}

/// In words.
impl fmt::Display for Sign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GenericName(word) => write!(formatter, "its name says \"{word}\""),
            Self::NoOwner => formatter.write_str("no tag and no rule names an owner"),
            // Of a role with more, facts keep the largest apart: the rest is one.
            Self::ManySessions(sessions) if *sessions > Limits::default().sessions => {
                write!(formatter, "more than {} sessions", Limits::default().sessions)
            }
            Self::ManySessions(sessions) => write!(formatter, "{sessions} sessions"),
            Self::MixedModels(models) => write!(formatter, "{} models", models.len()),
            Self::LargeShare { spend, of, .. } => write!(formatter, "{} of what callers spent", share(*spend, *of)),
        }
    }
}

/// What it probably is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SharedKind {
    /// It passes on calls of others.
    Gateway,
    /// Several parties use it.
    Role,
}

/// An identity that several parties probably stand behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedRole {
    pub identity: String,
    /// What it probably is.
    pub kind: SharedKind,
    pub spend: Spend,
    /// Why it is taken for shared.
    pub signs: Vec<Sign>,
}

impl SharedRole {
    /// What to do about it, in a sentence without the end.
    pub fn cure(&self) -> &'static str {
        match self.kind {
            SharedKind::Gateway => {
                "let it assume a role per tenant, or write metering records and split it by file with [[split]]"
            }
            SharedKind::Role => {
                "give each party a role of its own, or, if its sessions are people, list it in [identity] keep_sessions"
            }
        }
    }
}

/// What a bill shows of one identity.
#[derive(Default)]
struct Traits<'a> {
    sessions: BTreeSet<&'a str>,
    models: BTreeSet<&'a str>,
    providers: BTreeSet<&'a str>,
    spend: Spend,
    claimed: bool,
}

/// Finds shared identities in a bill, the most expensive first. `is_split` says of which identities that is known
/// already, because their spend is split.
pub fn find<'a>(
    facts: impl IntoIterator<Item = Fact<'a>>,
    policy: &CostPolicy,
    is_split: impl Fn(Fact<'_>) -> bool,
) -> Result<Vec<SharedRole>, SumOutOfRange> {
    let kinds = [IdentityKind::Role, IdentityKind::User, IdentityKind::ApiKey].map(IdentityKind::as_str);
    let mut all = Spend::new();
    let mut identities: BTreeMap<&str, Traits<'a>> = BTreeMap::new();
    let by = [
        FactField::Currency,
        FactField::Identity,
        FactField::IdentityKind,
        FactField::Principal,
        FactField::Model,
        FactField::Provider,
        FactField::OwnerSource,
    ];
    for (fact, spent) in spend_by(facts.into_iter(), policy, &by.map(Dimension::Field))? {
        let get = |field| fact.get(field);
        let currency = get(FactField::Currency);
        if get(FactField::Identity).is_empty() {
            continue;
        }
        add(&mut all, currency, spent)?;
        if !kinds.contains(&get(FactField::IdentityKind)) || is_split(fact) {
            continue;
        }
        let found = identities.entry(get(FactField::Identity)).or_default();
        add(&mut found.spend, currency, spent)?;
        found.sessions.insert(get(FactField::Principal));
        found.models.extend(Some(get(FactField::Model)).filter(|model| !model.is_empty()));
        found.providers.extend(Some(get(FactField::Provider)).filter(|provider| !provider.is_empty()));
        found.claimed |= OwnerSource::is_claimed(get(FactField::OwnerSource));
    }
    let mut shared: Vec<_> = identities.iter().filter_map(|(name, traits)| traits.judge(name, &all)).collect();
    let largest = |found: &SharedRole| found.spend.values().max().copied();
    shared.sort_by(|left, right| largest(right).cmp(&largest(left)).then_with(|| left.identity.cmp(&right.identity)));
    Ok(shared)
}

impl Traits<'_> {
    fn judge(&self, identity: &str, all: &Spend) -> Option<SharedRole> {
        // `role/NAME@ACCOUNT`, `user/PATH/NAME@ACCOUNT`: the kind and the account are no words of the name.
        let name_and_account = identity.split_once('/').map_or(identity, |(_, rest)| rest);
        let name = name_and_account.rsplit_once('@').map_or(name_and_account, |(name, _)| name);
        let words: Vec<_> = words::split(name).into_iter().map(|word| word.text.to_lowercase()).collect();
        let word_of = |known: &[&str]| words.iter().find(|word| known.contains(&word.as_str())).cloned();
        let gateway = word_of(&GATEWAY_WORDS);
        let kind = if gateway.is_some() { SharedKind::Gateway } else { SharedKind::Role };
        let generic = gateway.or_else(|| word_of(&GENERIC_WORDS)).map(Sign::GenericName);
        let no_owner = (!self.claimed).then_some(Sign::NoOwner);
        if generic.is_none() && no_owner.is_none() {
            return None;
        }
        let sessions = self.sessions.len();
        let many = (sessions >= MANY_SESSIONS).then_some(Sign::ManySessions(sessions));
        let is_mixed = self.models.len() >= MIXED_MODELS || self.providers.len() > 1;
        let models = || Sign::MixedModels(self.models.iter().map(|model| (*model).to_owned()).collect());
        let mixed = is_mixed.then(models);
        let large = self.spend.iter().find_map(|(currency, spend)| {
            let of = *all.get(currency)?;
            let is_large = spend.checked_mul(100)? >= of.checked_mul(LARGE_SHARE_PERCENT)? && *spend > Decimal::ZERO;
            is_large.then(|| Sign::LargeShare { currency: currency.clone(), spend: *spend, of })
        });
        let signs: Vec<_> = [generic, no_owner, many, mixed, large].into_iter().flatten().collect();
        let (identity, spend) = (identity.to_owned(), self.spend.clone());
        (signs.len() >= SIGNS).then_some(SharedRole { identity, kind, spend, signs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::{FactRow, decimal, fact, table};

    fn call(identity: &'static str, cost: &str, session: &str, model: &str, source: &str) -> FactRow {
        let provider = if model.starts_with("gpt") { "openai" } else { "anthropic" };
        let fields = [
            ("identity", identity),
            ("identity_kind", "role"),
            ("principal", session),
            ("model", model),
            ("provider", provider),
            ("owner_source", source),
        ];
        fact("2026-11-17", cost, &fields)
    }

    fn bill() -> Vec<FactRow> {
        let mut facts = Vec::new();
        for session in 0..25 {
            let session = format!("s{session}");
            facts.push(call("role/ai-gateway@1", "1", &session, "haiku", "tag"));
            // Agents have a session for each piece of work, and nothing else that is odd.
            facts.push(call("role/agent-exec@1", "1", &session, "haiku", "tag"));
            facts.push(call("role/risk-copilot@1", "2", &session, "haiku", "tag"));
        }
        facts.push(call("role/ai-gateway@1", "1", "s0", "gpt-oss", "tag"));
        facts.push(call("role/risk-copilot@1", "1", "s0", "gpt-oss", "tag"));
        facts.push(call("role/notebook-exec@1", "1", "n", "opus", "account"));
        facts.push(call("role/notebook-exec@1", "1", "n", "gpt-oss", "account"));
        facts.push(call("role/plain@1", "1", "p", "opus", "account"));
        facts
    }

    #[test]
    fn a_gateway_and_a_shared_notebook_are_found_and_busy_services_are_not() {
        let found = find(&table(&bill()), &CostPolicy::default(), |_| false).unwrap();
        let told: Vec<_> = found
            .iter()
            .map(|role| {
                let signs: Vec<_> = role.signs.iter().map(ToString::to_string).collect();
                (role.identity.as_str(), role.kind, signs.join("; "))
            })
            .collect();
        let gateway = "its name says \"gateway\"; 25 sessions; 2 models; 24.8% of what callers spent".to_owned();
        let notebook = "its name says \"notebook\"; no tag and no rule names an owner; 2 models".to_owned();
        assert_eq!(
            told,
            [("role/ai-gateway@1", SharedKind::Gateway, gateway), ("role/notebook-exec@1", SharedKind::Role, notebook)]
        );
        assert_eq!(found[0].spend["USD"], decimal("26"));
    }

    #[test]
    fn what_is_split_is_known_already() {
        let is_split = |fact: Fact<'_>| fact.get(FactField::Identity).contains("gateway");
        let found = find(&table(&bill()), &CostPolicy::default(), is_split).unwrap();
        let names: Vec<_> = found.iter().map(|role| role.identity.as_str()).collect();
        assert_eq!(names, ["role/notebook-exec@1"]);
    }
}
