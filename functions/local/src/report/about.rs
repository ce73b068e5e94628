//! What a report is of: the months, the basis, and what it leaves out; and whether its names select anything.

use std::collections::{BTreeMap, BTreeSet};

use spend_core::bill::category::Category;
use spend_core::calendar::period::BillingPeriod;
use spend_core::facts::dimension::Dimension;
use spend_core::facts::fact::{Fact, FactField};
use spend_core::facts::fact_set::FactSet;
use spend_core::facts::folding::Folded;
use spend_core::facts::matcher::Matcher;
use spend_core::facts::net_cost::StandIn;
use spend_core::facts::selection;
use spend_core::money::currencies::largest_first;
use spend_core::money::decimal::{Decimal, SumOutOfRange};
use spend_core::text;
use spend_ledger::config::in_force;
use spend_ledger::state::committed;
use spend_ledger::state::keys::Statement;
use spend_ledger::state::period::PeriodState;
use spend_ledger::store::directory::DirectoryStore;

use crate::cli::Report;
use crate::error::CommandError;

/// What people must know to read a report.
pub(super) struct About<'a> {
    options: &'a Report,
    months: BTreeSet<BillingPeriod>,
    unverified: BTreeSet<BillingPeriod>,
    /// How many groups are one row.
    pub(super) folded: usize,
    /// How many callers the facts do not keep apart.
    callers: Folded,
    /// By category and currency, of the categories that are not asked for.
    left_out: BTreeMap<Category, BTreeMap<String, Decimal>>,
    stand_in: StandIn,
}

impl<'a> About<'a> {
    pub(super) fn of(options: &'a Report) -> Self {
        let (months, unverified, left_out) = (BTreeSet::new(), BTreeSet::new(), BTreeMap::new());
        let (callers, stand_in) = (Folded::default(), StandIn::default());
        Self { options, months, unverified, folded: 0, callers, left_out, stand_in }
    }

    /// Adds a month of an export.
    pub(super) fn add(&mut self, statement: &Statement, state: &PeriodState) {
        self.months.insert(statement.period);
        self.callers = self.callers.and(state.folded);
        if state.current().is_some_and(|delivery| delivery.unverified) {
            self.unverified.insert(statement.period);
        }
    }

    /// Counts what the facts have of categories that are not asked for, and what has no net cost.
    pub(super) fn count<'f>(&mut self, facts: impl Iterator<Item = Fact<'f>> + Clone) -> Result<(), SumOutOfRange> {
        let options = self.options;
        let is_asked = |fact: &Fact<'_>| options.category.is_empty() || is_in(options, *fact);
        self.stand_in = StandIn::of(options.basis, facts.clone().filter(is_asked))?;
        for fact in facts.filter(|fact| !is_asked(fact)) {
            let category = fact.get(FactField::Category).parse().unwrap_or(Category::Other);
            let sums = self.left_out.entry(category).or_default();
            let sum = sums.entry(fact.get(FactField::Currency).to_owned()).or_default();
            let cost = self.options.basis.cost(fact);
            *sum = sum.checked_add(cost).ok_or(SumOutOfRange)?;
        }
        Ok(())
    }

    /// A line for each thing.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{}, {} cost, {}", self.when(), self.options.basis.as_str(), self.what())];
        let left_out = self.left_out.iter().map(|(category, sums)| {
            let sums: Vec<_> =
                largest_first(sums).into_iter().map(|(currency, sum)| text::money(currency, sum)).collect();
            format!("{category} {}", sums.join(" and "))
        });
        let left_out: Vec<_> = left_out.collect();
        if !left_out.is_empty() {
            lines.push(format!("left out by --category: {}", left_out.join(", ")));
        }
        if self.folded > 0 {
            lines.push(format!("(other) is {} groups, folded by --top", self.folded));
        }
        lines.extend(self.shown_callers().sentences());
        lines.extend(self.stand_in.sentence());
        if !self.unverified.is_empty() {
            let months: Vec<_> = self.unverified.iter().map(ToString::to_string).collect();
            lines.push(format!("{} taken as found: nothing says that its files are all", months.join(", ")));
        }
        lines
    }

    /// What of the folded callers can stand in a row.
    fn shown_callers(&self) -> Folded {
        let matched = self.options.matches.iter().map(Matcher::dimension);
        let named: Vec<_> = self.options.by.iter().chain(matched).collect();
        let shows = |field| named.contains(&&Dimension::Field(field));
        let has_tags = named.iter().any(|dimension| matches!(dimension, Dimension::Tag(_)));
        let Folded { identities, sessions, tag_sets } = self.callers;
        Folded {
            identities: if shows(FactField::Identity) || shows(FactField::Principal) { identities } else { 0 },
            sessions: if shows(FactField::Principal) { sessions } else { 0 },
            tag_sets: if has_tags || shows(FactField::Owner) { tag_sets } else { 0 },
        }
    }

    /// The months, and whether rows add them together.
    fn when(&self) -> String {
        let months: Vec<_> = self.months.iter().map(ToString::to_string).collect();
        let mut when = match (months.as_slice(), months.first(), months.last()) {
            ([one], ..) => one.clone(),
            ([one, other], ..) => format!("{one} and {other}"),
            (all, Some(first), Some(last)) => format!("{} months from {first} to {last}", all.len()),
            _ => "no month".to_owned(),
        };
        if months.len() > 1 && !self.options.by.contains(&Dimension::Day) {
            when.push_str(" added together (--period YYYY-MM is one of them)");
        }
        match (self.options.from, self.options.to) {
            (Some(from), Some(to)) if from == to => format!("usage of {from}"),
            (Some(from), Some(to)) => format!("usage of {from} to {to}"),
            (Some(from), None) => format!("usage since {from}, {when}"),
            (None, Some(to)) => format!("usage up to {to}, {when}"),
            (None, None) => when,
        }
    }

    fn what(&self) -> String {
        let categories: Vec<_> = self.options.category.iter().map(ToString::to_string).collect();
        let of = if categories.is_empty() { "all categories".to_owned() } else { categories.join(" and ") };
        let matches: Vec<_> =
            self.options.matches.iter().map(|matcher| text::clean(&matcher.to_string()).into_owned()).collect();
        if matches.is_empty() { of } else { format!("{of}, {}", matches.join(" and ")) }
    }
}

/// Whether a fact is of a category that is asked for by name.
pub(super) fn is_in(options: &Report, fact: Fact<'_>) -> bool {
    let category = fact.get(FactField::Category);
    options.category.iter().any(|wanted| wanted.as_str() == category)
}

/// Refuses names that select nothing: tags that no line has and nobody configured, and globs that nothing matches.
///
/// # Errors
///
/// [`CommandError::NothingFound`] with what may have been meant.
pub(super) async fn check_names(
    store: &DirectoryStore,
    options: &Report,
    facts: &FactSet<'_>,
) -> Result<(), CommandError> {
    if let (Some(from), Some(to)) = (options.from, options.to)
        && from > to
    {
        return Err(CommandError::NothingFound(format!("--from {from} is after --to {to}")));
    }
    for dimension in &options.by {
        let Dimension::Tag(key) = dimension else { continue };
        let known = selection::tags(facts.iter());
        if known.contains(key.as_str()) || is_configured(store, key).await? || is_elsewhere(store, key).await? {
            continue;
        }
        let keep = if key.starts_with("resourceTags/") {
            "; tags of resources are kept from the next delivery on if `keep` of [tags] in the configuration lists them"
        } else {
            ""
        };
        return Err(CommandError::NothingFound(format!("{}{keep}", selection::unknown_tag(key, &known))));
    }
    match options.matches.iter().find_map(|matcher| selection::unmatched(matcher, facts.iter())) {
        Some(why) => Err(CommandError::NothingFound(why)),
        None => Ok(()),
    }
}

/// Whether the configuration in force asks for the tag: then it is one, whether or not somebody has it yet.
async fn is_configured(store: &DirectoryStore, key: &str) -> Result<bool, CommandError> {
    let config = in_force::read(store).await?.unwrap_or_default();
    let named = config.required_tags.iter().chain(&config.keep_tags).chain(config.allowed_tags.keys());
    Ok(named.chain([&config.cost_center_tag]).any(|named| named == key))
}

/// Whether any month has the tag.
async fn is_elsewhere(store: &DirectoryStore, key: &str) -> Result<bool, CommandError> {
    for statement in committed::statements(store).await? {
        if let Some((state, _)) = committed::state(store, &statement).await?
            && selection::tags(state.facts.rows()).contains(key)
        {
            return Ok(true);
        }
    }
    Ok(false)
}
