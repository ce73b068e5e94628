//! How many callers facts keep apart. Whoever calls Bedrock chooses names: of sessions, of federated users, and values of
//! session tags. Each new name would be further facts, and every function that reads facts would grow with them.
//!
//! So a billing period keeps the largest apart, and the rest is [`OTHER`]. Which ones are kept follows from the rows of
//! the delivery alone: the largest by absolute cost, ties by name. Sums stay exact: folding renames callers, it drops
//! nothing.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::bill::line::{Line, LineField, LineTable};
use crate::bill::principal::{self, Identity, IdentityKind, KeepSessions};
use crate::bill::reduction::Reduction;
use crate::facts::fact::{Fact, FactField};
use crate::money::decimal::{Decimal, SumOutOfRange};
use crate::table::codes::place;
use crate::table::combinations::Combinations;
use crate::table::tags::Tags;
use crate::text::OTHER;

#[cfg(test)]
mod tests;

/// How many callers facts keep apart in a billing period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Identities. The rest together is the identity and the principal [`OTHER`].
    pub identities: usize,
    /// Sessions of a role that is one identity. The rest together is the session [`OTHER`] of that role.
    pub sessions: usize,
    /// Combinations of principal and tags of one identity. In the tags of the rest each value is [`OTHER`].
    pub tag_sets: usize,
}

/// What every delivery is derived with. Tests use smaller limits.
impl Default for Limits {
    fn default() -> Self {
        Self { identities: 50_000, sessions: 512, tag_sets: 10_000 }
    }
}

/// How much was folded in a billing period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folded {
    /// Identities that are part of [`OTHER`].
    pub identities: u64,
    /// Sessions that are part of the session [`OTHER`] of their role.
    pub sessions: u64,
    /// Combinations of principal and tags whose tags have the value [`OTHER`].
    pub tag_sets: u64,
}

impl Folded {
    /// Whether nothing was folded.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds what was folded elsewhere.
    pub fn and(self, other: Self) -> Self {
        Self {
            identities: self.identities.saturating_add(other.identities),
            sessions: self.sessions.saturating_add(other.sessions),
            tag_sets: self.tag_sets.saturating_add(other.tag_sets),
        }
    }

    /// What [`OTHER`] stands for, a sentence for each kind of name.
    pub fn sentences(&self) -> Vec<String> {
        let Limits { identities, sessions, tag_sets } = Limits::default();
        let count = |folded: u64, one: &str, several: &str| match folded {
            1 => format!("1 {one}"),
            folded => format!("{} {several}", crate::text::grouped(folded.into())),
        };
        let limit = |limit: usize| crate::text::grouped(u128::try_from(limit).unwrap_or(u128::MAX));
        let mut sentences = Vec::new();
        if self.identities > 0 {
            let folded = count(self.identities, "identity", "identities");
            let kept = limit(identities);
            sentences.push(format!("Identity {OTHER} stands for {folded} beyond the {kept} largest of a month."));
        }
        if self.sessions > 0 {
            let folded = count(self.sessions, "session", "sessions");
            let kept = limit(sessions);
            sentences.push(format!(
                "Session {OTHER} of a role stands for its sessions beyond the {kept} largest of a month: {folded} in all."
            ));
        }
        if self.tag_sets > 0 {
            let folded = count(self.tag_sets, "combination", "combinations");
            let kept = limit(tag_sets);
            sentences.push(format!(
                "Tag value {OTHER} stands for {folded} of session and tags beyond the {kept} largest of an identity and \
                 month."
            ));
        }
        sentences
    }
}

/// A principal and the tags of its lines.
type TaggedPrincipal = (Arc<str>, Arc<Tags>);

/// What facts call callers, where that is not what the bill calls them.
#[derive(Debug, Default)]
pub struct Folding {
    /// The identities that are kept apart; `None` where all are.
    identities: Option<HashSet<Arc<str>>>,
    /// By role, the principals that are kept apart; roles that are missing keep all.
    sessions: HashMap<Arc<str>, HashSet<Arc<str>>>,
    /// By identity as facts have it, the principals and tags that are kept apart; identities that are missing keep all.
    tags: HashMap<Arc<str>, HashSet<TaggedPrincipal>>,
    folded: Folded,
}

/// A caller as facts name it.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) identity: Identity,
    pub(crate) principal: Arc<str>,
    pub(crate) tags: Arc<Tags>,
}

/// What one principal of the bill has, by its tags.
struct Billed {
    identity: Identity,
    by_tags: HashMap<Arc<Tags>, Amounts>,
}

impl Folding {
    /// What is folded of a delivery. The order of reductions and lines does not matter, nor how the rows are spread over
    /// them.
    pub fn of(reductions: &[Reduction], people: &KeepSessions, limits: &Limits) -> Result<Self, SumOutOfRange> {
        let mut billed: HashMap<Arc<str>, Billed> = HashMap::new();
        for lines in reductions.iter().map(|reduction| &reduction.lines) {
            for (line, amount) in by_caller(lines)? {
                let principal = line.text(LineField::Principal);
                let found = billed
                    .entry(Arc::clone(&principal))
                    .or_insert_with(|| Billed { identity: Identity::of(&principal, people), by_tags: HashMap::new() });
                let amounts = found.by_tags.entry(line.shared_tags()).or_default();
                amounts.add(&line.text(LineField::Currency), amount)?;
            }
        }
        let mut folding = Self::default();
        folding.fold_identities(&billed, limits)?;
        folding.fold_sessions(&billed, limits)?;
        folding.fold_tags(&billed, limits)?;
        Ok(folding)
    }

    /// What was folded when `facts` were derived: whoever is named in them was kept. So a single line of the bill finds
    /// the fact that it is part of, also where the facts are of a release that folded otherwise.
    pub fn in_facts<'a>(facts: impl Iterator<Item = Fact<'a>> + Clone) -> Self {
        let mut folding = Self::default();
        for fact in facts.clone() {
            let identity = || fact.text(FactField::Identity);
            if is_other(fact) {
                folding.identities = Some(HashSet::new());
            }
            if is_other_session(fact) {
                folding.sessions.entry(identity()).or_default();
            }
            if fact.tags().values().any(|value| **value == *OTHER) {
                folding.tags.entry(identity()).or_default();
            }
        }
        for fact in facts {
            let (identity, principal) = (fact.text(FactField::Identity), fact.text(FactField::Principal));
            if let Some(kept) = folding.sessions.get_mut(&identity) {
                kept.insert(Arc::clone(&principal));
            }
            if let Some(kept) = folding.tags.get_mut(&identity) {
                kept.insert((principal, fact.shared_tags()));
            }
            if let Some(kept) = &mut folding.identities {
                kept.insert(identity);
            }
        }
        folding
    }

    pub fn folded(&self) -> Folded {
        self.folded
    }

    /// The caller of a line as facts name it.
    pub(crate) fn caller(&self, principal: &Arc<str>, identity: Identity, tags: &Arc<Tags>) -> Named {
        let (identity, principal) = self.named(principal, identity);
        let kept = self.tags.get(identity.name.as_str()).filter(|_| are_chosen(tags));
        let is_kept = kept.is_none_or(|kept| kept.contains(&(Arc::clone(&principal), Arc::clone(tags))));
        let tags = if is_kept { Arc::clone(tags) } else { Arc::new(other_tags(tags)) };
        Named { identity, principal, tags }
    }

    /// What facts call an identity and its principal.
    fn named(&self, principal: &Arc<str>, identity: Identity) -> (Identity, Arc<str>) {
        if identity.kind == IdentityKind::None {
            return (identity, Arc::clone(principal));
        }
        if self.identities.as_ref().is_some_and(|kept| !kept.contains(identity.name.as_str())) {
            return (Identity { name: OTHER.to_owned(), kind: IdentityKind::Other }, Arc::from(OTHER));
        }
        let is_kept = self.sessions.get(identity.name.as_str()).is_none_or(|kept| kept.contains(principal));
        let other = if is_kept { None } else { principal::with_other_session(principal) };
        (identity, other.map_or_else(|| Arc::clone(principal), Arc::from))
    }

    fn fold_identities(&mut self, billed: &HashMap<Arc<str>, Billed>, limits: &Limits) -> Result<(), SumOutOfRange> {
        let mut sums: HashMap<&str, Amounts> = HashMap::new();
        for found in billed.values() {
            sums.entry(&found.identity.name).or_default().add_all(found.by_tags.values())?;
        }
        self.folded.identities = beyond(sums.len(), limits.identities);
        let kept = largest(sums, limits.identities);
        self.identities = kept.map(|kept| kept.into_iter().map(Arc::from).collect());
        Ok(())
    }

    fn fold_sessions(&mut self, billed: &HashMap<Arc<str>, Billed>, limits: &Limits) -> Result<(), SumOutOfRange> {
        let mut roles: HashMap<&str, HashMap<&Arc<str>, Amounts>> = HashMap::new();
        for (principal, found) in billed {
            let identity = &found.identity;
            let is_kept = self.identities.as_ref().is_none_or(|kept| kept.contains(identity.name.as_str()));
            if is_kept && identity.kind == IdentityKind::Role && principal::with_other_session(principal).is_some() {
                let amounts = roles.entry(&identity.name).or_default().entry(principal).or_default();
                amounts.add_all(found.by_tags.values())?;
            }
        }
        for (role, sums) in roles {
            let folded = beyond(sums.len(), limits.sessions);
            if let Some(kept) = largest(sums, limits.sessions) {
                self.folded.sessions = self.folded.sessions.saturating_add(folded);
                // What has no session is no session that could be folded: it is kept whatever it costs.
                self.sessions.insert(Arc::from(role), kept.into_iter().cloned().collect());
            }
        }
        Ok(())
    }

    fn fold_tags(&mut self, billed: &HashMap<Arc<str>, Billed>, limits: &Limits) -> Result<(), SumOutOfRange> {
        let mut counts: HashMap<String, usize> = HashMap::new();
        for (principal, found) in billed {
            let (identity, _) = self.named(principal, found.identity.clone());
            let count = counts.entry(identity.name).or_default();
            *count = count.saturating_add(found.by_tags.keys().filter(|tags| are_chosen(tags)).count());
        }
        counts.retain(|_, count| *count > limits.tag_sets);
        if counts.is_empty() {
            return Ok(());
        }
        let mut sums: HashMap<String, HashMap<TaggedPrincipal, Amounts>> = HashMap::new();
        for (principal, found) in billed {
            let (identity, principal) = self.named(principal, found.identity.clone());
            if !counts.contains_key(&identity.name) {
                continue;
            }
            let sums = sums.entry(identity.name).or_default();
            for (tags, amounts) in found.by_tags.iter().filter(|(tags, _)| are_chosen(tags)) {
                let sum = sums.entry((Arc::clone(&principal), Arc::clone(tags))).or_default();
                sum.add_all(std::iter::once(amounts))?;
            }
        }
        for (identity, sums) in sums {
            let folded = beyond(sums.len(), limits.tag_sets);
            if let Some(kept) = largest(sums, limits.tag_sets) {
                self.folded.tag_sets = self.folded.tag_sets.saturating_add(folded);
                self.tags.insert(Arc::from(identity), kept);
            }
        }
        Ok(())
    }
}

/// What callers have in a table, by principal, tags and currency: a line of each, and its amount.
fn by_caller(lines: &LineTable) -> Result<Vec<(Line<'_>, Decimal)>, SumOutOfRange> {
    let mut callers = Combinations::new(3);
    let mut found: Vec<(Line<'_>, Decimal)> = Vec::new();
    for line in lines {
        let parts = [line.code(LineField::Principal), line.tags_code(), line.code(LineField::Currency)];
        let (caller, is_new) = callers.of(&parts);
        if is_new {
            found.push((line, Decimal::ZERO));
        }
        if let Some((_, amount)) = found.get_mut(place(caller)) {
            *amount = amount.checked_add(line.unblended_cost()).ok_or(SumOutOfRange)?;
        }
    }
    found.retain(|(line, _)| !line.get(LineField::Principal).is_empty());
    Ok(found)
}

/// Whether a fact is of the identities that were folded.
pub fn is_other(fact: Fact<'_>) -> bool {
    fact.get(FactField::Identity) == OTHER
}

/// Whether a fact is of the folded sessions of a role.
pub fn is_other_session(fact: Fact<'_>) -> bool {
    role_of_other_session(fact.get(FactField::Principal)).is_some()
}

/// The name of the role whose folded sessions a principal is.
pub fn role_of_other_session(principal: &str) -> Option<&str> {
    principal::role_and_session(principal).filter(|(_, session)| *session == OTHER).map(|(role, _)| role)
}

/// The prefixes of tags whose values nobody who calls can choose: they follow from the account, or from rules of the
/// payer.
const NOT_THE_CALLERS: [&str; 2] = ["accountTag/", "costCategory/"];

fn is_chosen(key: &str) -> bool {
    !NOT_THE_CALLERS.iter().any(|prefix| key.starts_with(prefix))
}

/// Whether a caller can have chosen one of the values.
fn are_chosen(tags: &Tags) -> bool {
    tags.keys().any(|key| is_chosen(key))
}

/// Tags without what a caller has chosen. Which keys there are is decided by whoever activates them for the bill.
fn other_tags(tags: &Tags) -> Tags {
    let other: Arc<str> = Arc::from(OTHER);
    let value = |(key, value): (&Arc<str>, &Arc<str>)| {
        (Arc::clone(key), Arc::clone(if is_chosen(key) { &other } else { value }))
    };
    tags.iter().map(value).collect()
}

/// By how much `count` is beyond a limit.
fn beyond(count: usize, most: usize) -> u64 {
    u64::try_from(count.saturating_sub(most)).unwrap_or(u64::MAX)
}

/// The `most` largest, ties by their names; `None` where that is all.
fn largest<K: Ord + Hash>(sums: HashMap<K, Amounts>, most: usize) -> Option<HashSet<K>> {
    if sums.len() <= most {
        return None;
    }
    let mut ranked: Vec<_> = sums.into_iter().map(|(name, amounts)| (Reverse(amounts.size()), name)).collect();
    ranked.sort_unstable();
    Some(ranked.into_iter().take(most).map(|(_, name)| name).collect())
}

/// Sums by currency: nearly always one. Exact, so that it does not matter how rows are spread over chunks.
#[derive(Clone, Debug, Default)]
struct Amounts(Vec<(Arc<str>, Decimal)>);

impl Amounts {
    fn add(&mut self, currency: &Arc<str>, amount: Decimal) -> Result<(), SumOutOfRange> {
        if let Some((_, sum)) = self.0.iter_mut().find(|(known, _)| known == currency) {
            *sum = sum.checked_add(amount).ok_or(SumOutOfRange)?;
        } else {
            self.0.reserve_exact(1);
            self.0.push((Arc::clone(currency), amount));
        }
        Ok(())
    }

    fn add_all<'a>(&mut self, others: impl Iterator<Item = &'a Self>) -> Result<(), SumOutOfRange> {
        for (currency, amount) in others.flat_map(|other| &other.0) {
            self.add(currency, *amount)?;
        }
        Ok(())
    }

    /// How large it is beside others, whatever the currency: an order needs no conversion, and nothing is added up.
    fn size(&self) -> Decimal {
        self.0.iter().map(|(_, sum)| sum.abs()).max().unwrap_or_default()
    }
}
