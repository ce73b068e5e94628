//! What a configuration says: [`Config`], its defaults, and what follows from it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use spend_core::allocation::split::Split;
use spend_core::allocation::tag_contract::TagRule;
use spend_core::bill::line::KeptTags;
use spend_core::bill::principal::KeepSessions;
use spend_core::bill::usage::ModelAliases;
use spend_core::facts::derivation::Derivation;
use spend_core::facts::folding::Limits;
use spend_core::facts::owner::OwnerRule;
use spend_core::facts::spend::CostPolicy;
use spend_core::money::decimal::Decimal;
use spend_core::rules::evaluation::Rules;
use spend_core::rules::mute::Mute;
use wildmatch::WildMatch;

use crate::config::counting::Counting;
use crate::config::digest::DigestConfig;
use crate::config::metrics::MetricsConfig;

/// What the configuration says. [`Config::default`] is what an empty file says.
#[derive(Clone, Debug)]
pub struct Config {
    /// What counts as spend: `[cost]`.
    pub cost: CostPolicy,
    /// Globs of role names whose sessions are people: `[identity] keep_sessions`.
    pub keep_sessions: Vec<String>,
    /// Names for models, by canonical name or by the spelling as billed: `[models]`.
    pub model_aliases: ModelAliases,
    /// The tags that spend should have, as the bill names them: `[tags] required`. The first names owners, and
    /// finance's showback is by it.
    pub required_tags: Vec<String>,
    /// Further tags that the ledger keeps, as the bill names them: `[tags] keep`.
    pub keep_tags: Vec<String>,
    /// The tag that names the cost center, as the bill names it: `[tags] cost_center`.
    pub cost_center_tag: String,
    /// The values that tags may have, by key: `[tags.allowed]`. The bill is checked against it, and the
    /// owners of rules are filled with no others.
    pub allowed_tags: BTreeMap<String, Vec<String>>,
    /// Who owns what no tag does, the first that applies wins: `[[owner]]`.
    pub owner_rules: Vec<OwnerRule>,
    /// How chargeback divides what nobody owns, or what stands for many: `[[split]]`. Facts stay as billed.
    pub splits: Vec<Split>,
    /// Whether the export's bucket holds copies, whose times say nothing: `[export] copied`.
    pub copied: bool,
    /// Which exports and payers count: `[export] count`, `payers` and `claims`.
    pub counting: Counting,
    /// Which metrics are published: `[metrics]`.
    pub metrics: MetricsConfig,
    /// What the first evaluation does: `[alerts] first_run`.
    pub first_run: FirstRun,
    /// What finance is told, and when: `[digest]`.
    pub digest: DigestConfig,
    /// How many messages of their own one evaluation sends at most; the rest is one summary: `[alerts] max_per_run`.
    pub max_per_run: usize,
    /// Owners that may be called, as globs over the owner as it is filled in: `[alerts] owners`.
    pub owners: Vec<String>,
    /// Whom to call where an owner would be filled with a value that the configuration does not list: `[alerts]
    /// fallback_owner`.
    pub fallback_owner: Option<String>,
    /// The rules, in the order of the file: `[[budget]]`, `[[delta]]`, `[[anomaly]]` and `[[hygiene]]`.
    pub rules: Rules,
    /// What is not to be sent for a while: `[[mute]]`.
    pub mutes: Vec<Mute>,
}

/// What happens to budgets that are past a threshold in the current window when their rule is first evaluated.
/// Windows that had ended by then are never told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FirstRun {
    /// Each sends its message.
    #[default]
    Send,
    /// One message names them all.
    Summary,
    /// Nothing is sent.
    Silent,
}

/// What all series may cost in a month unless the file says otherwise, in US dollars: several times what the default
/// number of series comes to.
const MAX_MONTHLY_COST: i64 = 100;

impl Default for Config {
    fn default() -> Self {
        let required_tags = vec!["iamPrincipal/team".to_owned(), "iamPrincipal/cost-center".to_owned()];
        Self {
            cost: CostPolicy::default(),
            keep_sessions: Vec::new(),
            model_aliases: ModelAliases::new(),
            metrics: MetricsConfig {
                namespace: "BedrockLedger".to_owned(),
                top: 50,
                cap: MetricsConfig::default_cap(50),
                max_monthly_cost: Decimal::from_integer(MAX_MONTHLY_COST),
                tags: required_tags.clone(),
            },
            required_tags,
            cost_center_tag: "iamPrincipal/cost-center".to_owned(),
            allowed_tags: BTreeMap::new(),
            owner_rules: Vec::new(),
            splits: Vec::new(),
            keep_tags: Vec::new(),
            copied: false,
            counting: Counting::default(),
            first_run: FirstRun::default(),
            digest: DigestConfig::default(),
            max_per_run: 20,
            owners: Vec::new(),
            fallback_owner: None,
            rules: Rules::default(),
            mutes: Vec::new(),
        }
    }
}

impl Config {
    /// The mutes that withhold messages at `now`, for people to see what they are not told of.
    pub fn mutes_in_force(&self, now: DateTime<Utc>) -> impl Iterator<Item = &Mute> {
        self.mutes.iter().filter(move |mute| mute.is_in_force(now))
    }

    /// The tags that reductions keep: those that every bill line keeps, and those of `[tags] keep`.
    pub fn kept_tags(&self) -> KeptTags {
        KeptTags::new(self.keep_tags.iter().map(String::as_str))
    }

    /// What of the configuration facts depend on.
    pub fn derivation(&self) -> Derivation {
        Derivation {
            keep_sessions: KeepSessions::new(self.keep_sessions.iter().map(String::as_str)),
            model_aliases: self.model_aliases.clone(),
            owner_tags: self.owner_tags().to_vec(),
            cost_center_tag: Some(self.cost_center_tag.clone()),
            owner_rules: self.owner_rules.clone(),
            limits: Limits::default(),
        }
    }

    /// What is agreed on tags: the required ones in their order, then the others whose values are listed.
    pub fn tag_contract(&self) -> Vec<TagRule> {
        let others = self.allowed_tags.keys().filter(|key| !self.required_tags.contains(key));
        let rule = |key: &String| TagRule {
            key: key.clone(),
            is_required: self.required_tags.contains(key),
            allowed: self.allowed_tags.get(key).into_iter().flatten().map(|glob| WildMatch::new(glob)).collect(),
        };
        self.required_tags.iter().chain(others).map(rule).collect()
    }

    /// The first required tag names the owner; the others, such as a cost centre, are no one to call.
    pub(super) fn owner_tags(&self) -> &[String] {
        self.required_tags.get(..1).unwrap_or_default()
    }
}
