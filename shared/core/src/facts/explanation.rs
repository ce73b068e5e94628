//! Why a bill line is what it is in the ledger: the fact that it adds to, and what decided its owner.

use std::collections::HashMap;
use std::sync::Arc;

use crate::bill::line::{LineField, LineKey};
use crate::facts::derivation::{Derivation, unattributed};
use crate::facts::fact::{FactField, FactKey};
use crate::facts::folding::Folding;
use crate::facts::owner::OwnerBy;
use crate::facts::used::{Caller, Draft, Used};
use crate::table::field::Field as _;

/// Explains single bill lines by the rules that [`Derivation::derive`] sums them by.
pub struct Explainer<'a> {
    derivation: &'a Derivation,
    lacks_principal: bool,
    folding: Folding,
    /// By the fields that say it.
    used: HashMap<Vec<Arc<str>>, Used>,
}

impl<'a> Explainer<'a> {
    /// For lines of a delivery; `lacks_principal` says whether its export was made without the caller's identity, and
    /// `folding` which callers its facts keep apart.
    pub fn new(derivation: &'a Derivation, lacks_principal: bool, folding: Folding) -> Self {
        Self { derivation, lacks_principal, folding, used: HashMap::new() }
    }

    /// The fact that the line adds to, and what decided its owner.
    pub fn explain(&mut self, line: &LineKey) -> (FactKey, OwnerBy) {
        let usage = LineField::ALL.into_iter().filter(|field| !field.is_of_caller()).map(|field| line.text(field));
        let aliases = &self.derivation.model_aliases;
        let used = self.used.entry(usage.collect()).or_insert_with(|| Used::of(line, aliases));
        let caller = Caller::of(line, &line.tags, &self.derivation.keep_sessions, &self.folding);
        let day = line.usage_date;
        let reason = if caller.is_nobody() { unattributed(day, used, self.lacks_principal).as_str() } else { "" };
        let draft = Draft { day, used, caller: &caller, reason };
        let (owned, by) = self.derivation.owned(draft);
        let fields = FactField::ALL.map(|field| Arc::from(draft.named(field, &owned)));
        (FactKey { usage_date: day, fields, tags: Arc::clone(&caller.named.tags) }, by)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bill::line::LineTable;
    use crate::bill::reduction::Reduction;
    use crate::facts::fact::FactField;
    use crate::facts::matcher::Matcher;
    use crate::facts::owner::OwnerRule;
    use crate::money::decimal::Decimal;
    use crate::table::measures::Measures;
    use crate::table::tags::Tags;

    const BO: &str = "arn:aws:iam::444455556666:user/bo";

    fn line(fields: &[(LineField, &str)], tags: &[(&str, &str)]) -> LineKey {
        let mut texts = LineField::ALL.map(|_| Arc::<str>::default());
        for (field, text) in fields {
            texts[*field as usize] = Arc::from(*text);
        }
        let tags: Tags = tags.iter().map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect();
        LineKey { usage_date: "2026-11-17".parse().unwrap(), fields: texts, tags: Arc::new(tags) }
    }

    #[test]
    fn a_line_is_explained_by_the_fact_that_it_is_summed_into() {
        let owner_tags = vec!["iamPrincipal/team".to_owned()];
        let rule = |glob: &str, team: &str, from: Option<&str>, to: Option<&str>| OwnerRule {
            matches: vec![Matcher::new("identity".parse().unwrap(), glob)],
            team: team.to_owned(),
            cost_center: Some("CC-7".to_owned()),
            from: from.map(|day| day.parse().unwrap()),
            to: to.map(|day| day.parse().unwrap()),
        };
        let owner_rules = vec![
            rule("user/bo@*", "early", None, Some("2026-11-17")),
            rule("user/bo@*", "late", Some("2026-11-18"), None),
            rule("user/bo@*", "growth", Some("2026-11-17"), Some("2026-11-18")),
            rule("user/bo@*", "second", None, None),
        ];
        let cost_center_tag = Some("iamPrincipal/cost-center".to_owned());
        let derivation = Derivation { owner_tags, cost_center_tag, owner_rules, ..Derivation::default() };
        let account = (LineField::AccountId, "444455556666");
        let usage = [
            account,
            (LineField::Principal, "arn:aws:iam::444455556666:user/ana"),
            (LineField::LineItemType, "Usage"),
            (LineField::UsageType, "USE1-Claude4.6Sonnet-input-tokens"),
        ];
        let ruled = usage.map(|(field, text)| (field, if text.ends_with("ana") { BO } else { text }));
        let search = ("iamPrincipal/team", "search");
        let tag = || OwnerBy::Tag("iamPrincipal/team".to_owned());
        let by_rule = || OwnerBy::Rule("identity = user/bo@*, from 2026-11-17, before 2026-11-18".to_owned());
        for (line, owner, source, cost_center, by) in [
            (line(&usage, &[search]), "search", "tag", "", tag()),
            (line(&ruled, &[search]), "search", "tag", "CC-7", tag()),
            (line(&ruled, &[("iamPrincipal/cost-center", "7")]), "growth", "rule", "7", by_rule()),
            (line(&ruled, &[]), "growth", "rule", "CC-7", by_rule()),
            (line(&usage, &[("iamPrincipal/team", "")]), "account/444455556666", "account", "", OwnerBy::Account),
            (line(&[account], &[]), "account/444455556666", "account", "", OwnerBy::Account),
            (line(&[], &[("iamPrincipal/cost-center", "7")]), "", "none", "7", OwnerBy::Nobody),
        ] {
            let measures = Measures { unblended_cost: Decimal::ONE, line_items: 1, ..Measures::default() };
            let lines = LineTable::of([(line.clone(), measures)]).unwrap();
            let reduction = Reduction { lines, ..Reduction::default() };
            let facts = derivation.derive(&[reduction]).unwrap();
            let (key, owner_by) = Explainer::new(&derivation, false, Folding::default()).explain(&line);
            assert_eq!(facts.rows.row(0).key(), key);
            let found = [FactField::Owner, FactField::OwnerSource, FactField::CostCenter].map(|field| key.get(field));
            assert_eq!((found, owner_by), ([owner, source, cost_center], by));
        }
    }
}
