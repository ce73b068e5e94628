//! What tests of several modules need.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use wildmatch::WildMatch;

use crate::facts::fact::{FactField, FactKey, FactTable};
use crate::facts::owner_names::OwnerNames;
use crate::money::decimal::Decimal;
use crate::rules::owner_template::OwnerTemplate;
use crate::table::field::Field as _;
use crate::table::measures::Measures;

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// A fact that stands alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FactRow {
    pub(crate) key: FactKey,
    pub(crate) measures: Measures,
}

/// The table of some facts.
pub(crate) fn table<'a>(facts: impl IntoIterator<Item = &'a FactRow>) -> FactTable {
    FactTable::of(facts.into_iter().map(|fact| (fact.key.clone(), fact.measures.clone()))).unwrap()
}

/// A usage fact in USD; `fields` overwrite, keys with a slash are tags.
pub(crate) fn fact(day: &str, cost: &str, fields: &[(&str, &str)]) -> FactRow {
    let mut values: BTreeMap<&str, &str> = BTreeMap::from([("category", "usage"), ("currency", "USD")]);
    values.extend(fields.iter().copied());
    let texts = FactField::ALL.map(|field| Arc::from(values.get(field.name()).copied().unwrap_or("")));
    let tagged = values.iter().filter(|(key, _)| key.contains('/'));
    let tags = tagged.map(|(key, value)| (Arc::from(*key), Arc::from(*value))).collect();
    let key = FactKey { usage_date: day.parse().unwrap(), fields: texts, tags: Arc::new(tags) };
    let cost = decimal(cost);
    FactRow { key, measures: Measures { unblended_cost: cost, net_unblended_cost: cost, ..Measures::default() } }
}

/// An owner that may be filled with whatever the bill has.
pub(crate) fn anybody(template: &str) -> OwnerTemplate {
    let names = OwnerNames { owners: vec![WildMatch::new("*")], ..OwnerNames::default() };
    template.parse::<OwnerTemplate>().unwrap().with_names(&Arc::new(names))
}

/// Compares a text with the file `golden/NAME.txt` of a module's folder; with `UPDATE_GOLDEN` set it writes the file.
pub(crate) fn assert_golden(module: &str, name: &str, text: &str) {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module).join("golden").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{} differs: look at it, then UPDATE_GOLDEN=1 cargo test", path.display());
}
