//! What is to be read of a chunk, by the names of its columns alone: the same for every format.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use spend_core::bill::bedrock_line::Rule;
use spend_core::bill::line::{KeptTags, LineField};

use crate::columns::names::{COST_CATEGORY, PRODUCT, REQUIRED, RESOURCE_TAGS, TAGS, rule_column, wanted};
use crate::columns::other_tables;
use crate::columns::schema::{self, Kind};
use crate::columns::tag_sources::TagSources;
use crate::error::CurError;

/// The keys of the `product` map that are read, the fields that they fill, and the columns that a query lays them
/// flat to; a name is overridden by one before it.
pub(crate) const PRODUCT_KEYS: [(&str, &str, LineField); 6] = [
    ("product_name", "product_product_name", LineField::ProductName),
    ("servicename", "product_servicename", LineField::ProductName),
    ("provider", "product_provider", LineField::Provider),
    ("model", "product_model", LineField::Model),
    ("inference_type", "product_inference_type", LineField::InferenceType),
    ("feature", "product_feature", LineField::Feature),
];

/// What is to be read of a chunk.
pub(crate) struct Plan {
    /// The columns to read, with what they hold.
    pub(crate) columns: BTreeMap<String, Kind>,
    /// The columns that tell Bedrock rows, each with its rule.
    pub(crate) telling: Vec<(Rule, &'static str)>,
    /// Columns that were looked for and are not there.
    pub(crate) missing: BTreeSet<String>,
    /// Where tags come from.
    pub(crate) tags: TagSources,
}

impl Plan {
    /// Plans for a chunk with these columns, unless they are another table's.
    pub(crate) fn of(name: &str, roots: &HashSet<&str>, kept: &KeptTags) -> Result<Self, CurError> {
        other_tables::check(name, roots)?;
        let tags = TagSources::of(roots, kept);
        let mut columns = BTreeMap::new();
        let mut missing = BTreeSet::new();
        let flat_product = PRODUCT_KEYS.into_iter().map(|(_, column, _)| column);
        let flat_product: Vec<_> =
            flat_product.filter(|column| !roots.contains(PRODUCT) && roots.contains(column)).collect();
        for column in wanted() {
            if roots.contains(column) {
                columns.insert(column.to_owned(), schema::column(column).map_or(Kind::Text, |column| column.kind));
            } else if (column != PRODUCT || flat_product.is_empty()) && (column != TAGS || !tags.has_flat_tags()) {
                missing.insert(column.to_owned());
            }
        }
        let maps = [(RESOURCE_TAGS, tags.reads_resource_tags()), (COST_CATEGORY, true)];
        for (column, _) in maps.into_iter().filter(|(column, is_read)| *is_read && roots.contains(column)) {
            columns.insert(column.to_owned(), Kind::TextMap);
        }
        columns.extend(flat_product.iter().map(|column| ((*column).to_owned(), Kind::Text)));
        columns.extend(tags.flat().map(|column| (column.to_owned(), Kind::Text)));

        let rules = Rule::ALL.into_iter().map(|rule| (rule, rule_column(rule)));
        let mut telling: Vec<_> = rules.filter(|(_, column)| roots.contains(column)).collect();
        let names = PRODUCT_KEYS.into_iter().filter(|(.., field)| *field == LineField::ProductName);
        let names = names.map(|(_, column, _)| column).filter(|column| flat_product.contains(column));
        telling.extend(names.map(|column| (Rule::ProductName, column)));
        Ok(Self { columns, telling, missing, tags })
    }

    /// Refuses a chunk that lacks columns without which no cost can be counted.
    pub(crate) fn require(&self, name: &str) -> Result<(), CurError> {
        let columns: Vec<_> = REQUIRED.into_iter().filter(|column| !self.columns.contains_key(*column)).collect();
        if columns.is_empty() { Ok(()) } else { Err(CurError::MissingColumn { file: name.to_owned(), columns }) }
    }

    /// Whether a column is one of those that tell.
    pub(crate) fn tells(&self, column: &str) -> bool {
        self.telling.iter().any(|(_, telling)| *telling == column)
    }
}
