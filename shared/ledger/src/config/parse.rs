//! Reading a whole configuration, section by section.

use std::collections::BTreeMap;
use std::sync::Arc;

use spend_core::bill::category::Category;
use spend_core::bill::usage::ModelAliases;
use spend_core::facts::spend::{Basis, CostPolicy};

use crate::config::problem::ConfigError;
use crate::config::reader::{Reader, Section};
use crate::config::settings::{Config, FirstRun};
use crate::config::tag_keys::tag_key_problem;
use crate::config::{counting, digest, metrics, mutes, owners, rules, splits};

/// Tables that a configuration may have and that this release does not evaluate.
pub(crate) const UNSUPPORTED: [&str; 1] = ["health"];

/// More messages of one evaluation than this nobody reads.
const MOST_MESSAGES: u32 = 1000;

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
        if !problems.is_empty() {
            return Err(ConfigError { file: file.to_owned(), problems });
        }
        // What is put in force is read by every function from then on, so it is read here first.
        if in_force != text {
            Self::parse(file, &in_force)?;
        }
        Ok((config, in_force))
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
            metrics::read(section, reader, &mut config.metrics);
        }
        if let Some(mut section) = root.section(reader, "alerts") {
            config.first_run = section.choice(reader, "first_run", &FIRST_RUNS).unwrap_or_default();
            if let Some(most) = crate::config::rule::number(&mut section, reader, "max_per_run", 1, MOST_MESSAGES) {
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
}
