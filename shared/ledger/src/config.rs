//! The configuration: one TOML file, read strictly. What is misspelt, contradictory or not evaluated by this release
//! is an error with its line and its cure, because a rule that is silently inert is worse than none.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use spend_core::allocation::split::Split;
use spend_core::allocation::tag_contract::TagRule;
use spend_core::bill::category::Category;
use spend_core::bill::line::{KEPT_TAG_PREFIXES, KeptTags};
use spend_core::bill::principal::KeepSessions;
use spend_core::bill::usage::ModelAliases;
use spend_core::facts::derivation::Derivation;
use spend_core::facts::folding::Limits;
use spend_core::facts::owner::OwnerRule;
use spend_core::facts::spend::{Basis, CostPolicy};
use spend_core::money::decimal::Decimal;
use spend_core::rules::evaluation::Rules;
use spend_core::rules::mute::Mute;
use wildmatch::WildMatch;

mod anomalies;
mod budgets;
mod counting;
mod deltas;
mod digest;
mod encoding;
mod fingerprint;
mod hygiene;
pub mod in_force;
mod mutes;
mod overrides;
mod owners;
mod reader;
mod rules;
mod splits;
mod weaker;

pub use counting::Counting;
pub use digest::DigestConfig;
pub use encoding::text;
use reader::{Kind, Reader, Section};
pub(crate) use weaker::changes as weaker_changes;

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

/// Which metrics are published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsConfig {
    /// The `CloudWatch` namespace.
    pub namespace: String,
    /// How many series a dimension has at most, besides the rest.
    pub top: usize,
    /// How many series a dimension and currency ever has in a month, `(other)` and `(none)` among them: `top` and what
    /// has been among them before. At least `top` and those two.
    pub cap: usize,
    /// What all series may cost in a month, in US dollars; what would cost more is folded.
    pub max_monthly_cost: Decimal,
    /// Tags that are dimensions, as the bill names them.
    pub tags: Vec<String>,
}

impl MetricsConfig {
    /// The cap where none is named: room for as many members again as are at the top.
    pub fn default_cap(top: usize) -> usize {
        top.saturating_mul(2).saturating_add(RESTS)
    }
}

/// The series of a dimension that every dimension may have: `(other)` and `(none)`.
pub const RESTS: usize = 2;

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

/// A file that is not a configuration of this release, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    file: String,
    problems: Vec<Problem>,
}

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file beside the configuration that it is in, if it is not the configuration itself.
    pub file: Option<String>,
    /// The line, counted from 1.
    pub line: usize,
    /// Its stable kind: `config.syntax`, `config.invalid` or `config.unsupported`.
    pub kind: &'static str,
    /// What is wrong, and the cure.
    pub message: String,
}

impl ConfigError {
    /// What is wrong, by line.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The kind of the first problem.
    pub fn kind(&self) -> &'static str {
        self.problems.first().map_or(Kind::Invalid.as_str(), |problem| problem.kind)
    }
}

impl std::error::Error for ConfigError {}

/// One line for each problem: `ledger.toml:12: … [config.invalid]`.
impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Problem { file, line, kind, message }) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            let file = file.as_ref().unwrap_or(&self.file);
            write!(formatter, "{separator}{file}:{line}: {message} [{kind}]")?;
        }
        Ok(())
    }
}

/// Tables that a configuration may have and that this release does not evaluate.
const UNSUPPORTED: [&str; 1] = ["health"];

/// What a namespace may be made of.
/// Source: Amazon `CloudWatch` API reference, `PutMetricData`, parameter `Namespace`; `AWS/` is reserved.
const NAMESPACE_CHARACTERS: &[u8] = b".-_/#: ";

/// More messages of one evaluation than this nobody reads.
const MOST_MESSAGES: u32 = 1000;

/// More series of one dimension than this are nobody's to read, and each costs money.
const MOST_SERIES: usize = 500;

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
    /// Reads a configuration. `file` is how errors call it.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], with every problem of the file, except that a file which is not TOML has the first alone.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        Self::adopt(file, text, &BTreeMap::new()).map(|(config, _)| config)
    }

    /// Reads a configuration together with the files beside it that it names (see [`Config::files`]), and gives the text
    /// that is to be put in force: the same one with their contents in the place of their names, so that what is in
    /// force is one object and changes as a whole.
    ///
    /// # Errors
    ///
    /// [`ConfigError`], as of [`Config::parse`], with the problems of the files.
    pub fn adopt(file: &str, text: &str, files: &BTreeMap<String, String>) -> Result<(Self, String), ConfigError> {
        let mut reader = Reader::new(text, files);
        let config = Self::read(&mut reader);
        let in_force = reader.stood_in();
        let problems = reader.into_problems();
        if problems.is_empty() { Ok((config, in_force)) } else { Err(ConfigError { file: file.to_owned(), problems }) }
    }

    /// The names of the files beside a configuration that it wants to be read with, each once: `overrides_file` of
    /// budgets. On AWS they lie beside it in the ledger's bucket, as `config/NAME`.
    pub fn files(text: &str) -> Vec<String> {
        let document: toml::Table = text.parse().unwrap_or_default();
        let budgets = document.get("budget").and_then(toml::Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let named = budgets.iter().filter_map(|budget| budget.get("overrides_file")?.as_str());
        let mut files: Vec<_> = named.filter(|name| !name.contains(['/', '\\'])).map(str::to_owned).collect();
        files.sort_unstable();
        files.dedup();
        files
    }

    /// The mutes that withhold messages at `now`, for people to see what they are not told of.
    pub fn mutes_in_force(&self, now: DateTime<Utc>) -> impl Iterator<Item = &Mute> {
        self.mutes.iter().filter(move |mute| mute.is_in_force(now))
    }

    fn read(reader: &mut Reader<'_>) -> Self {
        let mut config = Self::default();
        let Some(document) = reader.document() else { return config };
        let mut root = Section::root(&document);
        if let Some(section) = root.section(reader, "cost") {
            config.cost = read_cost(section, reader);
        }
        if let Some(mut section) = root.section(reader, "identity") {
            config.keep_sessions = section.globs(reader, "keep_sessions").unwrap_or_default();
            section.finish(reader, &[]);
        }
        if let Some(section) = root.section(reader, "models") {
            config.model_aliases = read_models(section, reader);
        }
        if let Some(mut section) = root.section(reader, "tags") {
            config.keep_tags = section.keep_tags(reader, "keep").unwrap_or_default();
            reader.kept = config.kept_tags();
            if let Some(tags) = section.tags(reader, "required") {
                config.metrics.tags.clone_from(&tags);
                config.required_tags = tags;
            }
            if let Some(tag) = section.tag(reader, "cost_center") {
                config.cost_center_tag = tag;
            }
            config.allowed_tags = read_allowed(&mut section, reader);
            section.finish(reader, &[]);
        }
        if let Some(mut section) = root.section(reader, "export") {
            config.copied = section.flag(reader, "copied").unwrap_or_default();
            config.counting = counting::read(&mut section, reader);
            section.finish(reader, &[]);
        }
        if let Some(section) = root.section(reader, "metrics") {
            read_metrics(section, reader, &mut config.metrics);
        }
        if let Some(mut section) = root.section(reader, "alerts") {
            config.first_run = section.choice(reader, "first_run", &FIRST_RUNS).unwrap_or_default();
            if let Some(most) = rules::number(&mut section, reader, "max_per_run", 1, MOST_MESSAGES) {
                config.max_per_run = usize::try_from(most).unwrap_or(config.max_per_run);
            }
            let cure = ": name the owners that may be called, or leave the key out";
            config.owners = section.some_globs(reader, "owners", cure).unwrap_or_default();
            config.fallback_owner = owners::read_name(&mut section, reader, "fallback_owner");
            section.finish(reader, &[]);
        }
        config.owner_rules = owners::read(&mut root, reader);
        config.splits = splits::read(&mut root, reader);
        if let Some(section) = root.section(reader, "digest") {
            config.digest = digest::read(section, reader);
        }
        config.rules = rules::read(&mut root, reader);
        let names = Arc::new(owners::names(&config));
        config.rules.name_owners(&names);
        config.mutes = mutes::read(&mut root, reader);
        root.finish(reader, &UNSUPPORTED);
        config
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

    /// A text that is equal for two configurations exactly if they derive the same facts from the same bill.
    pub fn derivation_fingerprint(&self) -> String {
        fingerprint::derivation(self)
    }

    /// A text that is equal for two configurations exactly if they publish the same metrics of the same facts.
    pub fn metrics_fingerprint(&self) -> String {
        fingerprint::metrics(self)
    }

    /// The first required tag names the owner; the others, such as a cost centre, are no one to call.
    fn owner_tags(&self) -> &[String] {
        self.required_tags.get(..1).unwrap_or_default()
    }
}

const FIRST_RUNS: [(&str, FirstRun); 3] =
    [("send", FirstRun::Send), ("summary", FirstRun::Summary), ("silent", FirstRun::Silent)];

fn read_cost(mut section: Section<'_, '_>, reader: &mut Reader<'_>) -> CostPolicy {
    let known_bases = [Basis::Unblended, Basis::NetUnblended].map(|basis| (basis.as_str(), basis));
    let categories = Category::ALL.map(|category| (category.as_str(), category));
    let basis = section.choice(reader, "basis", &known_bases).unwrap_or_default();
    let mut policy = match basis {
        Basis::Unblended => CostPolicy::default(),
        // Net costs are after discounts: their lines would be taken off twice.
        Basis::NetUnblended => CostPolicy { basis, count: vec![Category::Usage] },
    };
    let cure = ": name the categories that are spend, such as [\"usage\"]";
    if let Some((span, count)) = section.choices(reader, "count", &categories, cure) {
        if basis == Basis::NetUnblended && count.contains(&Category::Discount) {
            let cure = "`count` names discount on the basis net-unblended, which is after discounts: remove discount";
            reader.invalid(&span, cure);
        }
        policy.count = count;
    }
    section.finish(reader, &[]);
    policy
}

fn read_allowed(tags: &mut Section<'_, '_>, reader: &mut Reader<'_>) -> BTreeMap<String, Vec<String>> {
    let mut allowed = BTreeMap::new();
    let Some(mut section) = tags.section(reader, "allowed") else { return allowed };
    for key in section.keys() {
        let Some(span) = section.position(&key) else { continue };
        if let Some(problem) = tag_key_problem(&key, &reader.kept) {
            reader.invalid(&span, &problem);
        }
        if let Some(globs) = section.some_globs(reader, &key, ": name the values that it may have") {
            allowed.insert(key, globs);
        }
    }
    allowed
}

fn read_models(mut section: Section<'_, '_>, reader: &mut Reader<'_>) -> ModelAliases {
    let mut aliases = ModelAliases::new();
    for name in section.keys() {
        if let Some((_, alias)) = section.text(reader, &name) {
            aliases.insert(name, alias);
        }
    }
    aliases
}

fn read_metrics(mut section: Section<'_, '_>, reader: &mut Reader<'_>, metrics: &mut MetricsConfig) {
    if let Some((span, namespace)) = section.text(reader, "namespace") {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || NAMESPACE_CHARACTERS.contains(&byte);
        let is_reserved = namespace.starts_with(':') || namespace.starts_with("AWS/");
        if namespace.len() > 255 || is_reserved || !namespace.bytes().all(is_known) {
            reader.invalid(
                &span,
                "`namespace` must have at most 255 letters, digits or characters of `.-_/#: `, and start with \
                 neither `:` nor `AWS/`",
            );
        }
        metrics.namespace = namespace;
    }
    if let Some((span, top)) = section.integer(reader, "top") {
        match usize::try_from(top) {
            Ok(series) if (1..=MOST_SERIES).contains(&series) => metrics.top = series,
            _ => reader.invalid(&span, &format!("`top` is {top}: use a number from 1 to {MOST_SERIES}")),
        }
    }
    metrics.cap = MetricsConfig::default_cap(metrics.top);
    if let Some((span, cap)) = section.integer(reader, "cap") {
        let (least, most) = (metrics.top + RESTS, MetricsConfig::default_cap(MOST_SERIES));
        match usize::try_from(cap) {
            Ok(series) if (least..=most).contains(&series) => metrics.cap = series,
            _ => reader.invalid(
                &span,
                &format!("`cap` is {cap}: use a number from {least}, which is `top` and two for the rest, to {most}"),
            ),
        }
    }
    if let Some((span, text)) = section.number_text(reader, "max_monthly_cost") {
        match text.parse::<Decimal>() {
            Ok(cost) if !cost.is_negative() => metrics.max_monthly_cost = cost,
            _ => reader.invalid(
                &span,
                &format!("`max_monthly_cost` is `{text}`: use US dollars in quotes, such as \"100.00\""),
            ),
        }
    }
    if let Some(tags) = section.tags(reader, "tags") {
        metrics.tags = tags;
    }
    section.finish(reader, &[]);
}

/// What tags of resources begin with in the `tags` map.
/// Source: AWS Data Exports user guide, "CUR 2.0 tag columns".
const RESOURCE_TAGS: &str = "resourceTags/";

fn has_name(key: &str, prefix: &str) -> bool {
    key.strip_prefix(prefix).is_some_and(|name| !name.is_empty())
}

/// What is wrong with a tag key: facts have only some, and a rule about any other would never match.
fn tag_key_problem(key: &str, kept: &KeptTags) -> Option<String> {
    let is_listed = kept.listed().any(|listed| &**listed == key);
    if is_listed || KEPT_TAG_PREFIXES.iter().any(|prefix| has_name(key, prefix)) {
        return None;
    }
    let prefixes = KEPT_TAG_PREFIXES.join(", ");
    let cure = if has_name(key, RESOURCE_TAGS) {
        "list it in `keep` of [tags]".to_owned()
    } else {
        format!("write it as the bill does, with one of {prefixes} before its name")
    };
    Some(format!("`{key}` is no tag that the ledger keeps: {cure}"))
}

/// What is wrong with a tag key that is to be kept: no bill would ever have it.
fn keep_problem(key: &str) -> Option<String> {
    let is_tag = KEPT_TAG_PREFIXES.into_iter().chain([RESOURCE_TAGS]).any(|prefix| has_name(key, prefix));
    let prefixes = KEPT_TAG_PREFIXES.join(", ");
    (!is_tag).then(|| {
        format!(
            "`{key}` is no tag: write it as the bill does, with {RESOURCE_TAGS} before its name, or one of {prefixes}"
        )
    })
}

#[cfg(test)]
mod tests;
