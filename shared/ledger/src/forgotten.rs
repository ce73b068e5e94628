//! People whose names a ledger holds no more: `config/forgotten.json` says which names are replaced and by which alias,
//! without holding the names.
//!
//! The bill goes on naming whoever calls Amazon Bedrock. So the names of every line are held against this list where a file
//! is reduced, where reductions become facts, and where a number is followed down to the bill. A name is known by its
//! SHA-256 behind a salt of the ledger: reading the list tells nobody, and testing a guess takes the list.
//!
//! - `name`: a person's name as the bill has it, and where it stands in a text;
//! - `rewrite`: an object of the ledger with an alias in the place of a name.

pub mod name;
pub mod rewrite;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use spend_core::bill::line::{LineField, LineKey, LineTable};
use spend_core::facts::fact::{FactField, FactTable};
use spend_core::money::decimal::SumOutOfRange;
use spend_core::table::renamed::renamed;
use spend_core::table::tags::Tags;

use crate::forgotten::name::Name;
use crate::state::document::{Document, DocumentError, decode};
use crate::state::history::Moved;
use crate::state::keys::{FORGOTTEN, hash};
use crate::store::{ETag, Store, StoreError};

/// How much of a name's hash an alias has.
const ALIAS_DIGITS: usize = 8;

/// Fields of bill lines that can name a person; of tags all values can.
const LINE_FIELDS: [LineField; 1] = [LineField::Principal];

/// Fields of facts that can: what is derived of the principal and of tags.
const FACT_FIELDS: [FactField; 4] =
    [FactField::Principal, FactField::Identity, FactField::Owner, FactField::CostCenter];

/// Which names are replaced, and by what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// Random, in hexadecimal; made with the first name, and kept.
    salt: String,
    /// The aliases, by the hash of the name in lower case behind the salt.
    names: BTreeMap<String, String>,
}

impl Document for Forgotten {
    const FORMAT: &'static str = "forgotten";
    const VERSION: u32 = 1;
}

/// Reads the list, and which version of it that is. Without one nobody is forgotten.
///
/// # Errors
///
/// The store's; a list that cannot be read is an error, because names would come back without it.
pub async fn read<S: Store, E: From<StoreError> + From<DocumentError>>(
    store: &S,
) -> Result<(Forgotten, Option<ETag>), E> {
    match store.get(FORGOTTEN).await? {
        None => Ok((Forgotten::default(), None)),
        Some((bytes, etag)) => Ok((decode(FORGOTTEN, &bytes)?, Some(etag))),
    }
}

impl Forgotten {
    /// An empty list. `salt` is random: the hashes of two ledgers must not be comparable.
    pub fn salted(salt: String) -> Self {
        Self { salt, names: BTreeMap::new() }
    }

    /// Whether there is no name to replace.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    fn hash(&self, name: &str) -> String {
        hash(&[&self.salt, &name.to_ascii_lowercase()])
    }

    /// What stands for a name.
    pub fn alias(&self, name: &str) -> Option<&str> {
        self.names.get(&self.hash(name)).map(String::as_str)
    }

    /// Whether an alias stands for somebody.
    pub fn has_alias(&self, alias: &str) -> bool {
        self.names.values().any(|known| known == alias)
    }

    /// The alias that a name has if nobody chooses one. An e-mail address keeps its domain: what rules say of a domain goes
    /// on being about the same spend.
    pub fn usual_alias(&self, name: &Name) -> String {
        let digits: String = self.hash(name.as_str()).chars().take(ALIAS_DIGITS).collect();
        match name.domain() {
            Some(domain) => format!("forgotten-{digits}@{domain}"),
            None => format!("forgotten-{digits}"),
        }
    }

    /// Lets `alias` stand for a name; whoever was called by the name as an alias is called by the new one.
    pub fn add(&mut self, name: &Name, alias: &str) {
        for known in self.names.values_mut().filter(|known| known.as_str() == name.as_str()) {
            alias.clone_into(known);
        }
        self.names.insert(self.hash(name.as_str()), alias.to_owned());
    }

    /// The text with aliases in the place of names; none if it has none of them. Names are found as a whole text, as a part
    /// of an ARN, and as a word, whatever their case.
    pub fn renamed(&self, text: &str) -> Option<String> {
        if self.names.is_empty() || text.is_empty() {
            return None;
        }
        if let Some(alias) = self.alias(text) {
            return Some(alias.to_owned());
        }
        let mut renamed = String::with_capacity(text.len());
        let mut last = 0;
        for (start, token) in name::tokens(text) {
            if start >= last
                && let Some(alias) = self.alias(token)
            {
                renamed.push_str(text.get(last..start).unwrap_or_default());
                renamed.push_str(alias);
                last = start + token.len();
            }
        }
        renamed.push_str(text.get(last..).unwrap_or_default());
        (last > 0).then_some(renamed)
    }

    /// A bill line's key with aliases; none if it names nobody of the list.
    pub fn line(&self, key: &LineKey) -> Option<LineKey> {
        Renaming::by(self).line(key)
    }

    /// Bill lines with aliases; lines that have become one are summed.
    pub fn lines(&self, lines: LineTable) -> Result<LineTable, SumOutOfRange> {
        let mut renaming = Renaming::by(self);
        let mut tags = Renaming::by(self);
        let text = |field, text: &Arc<str>| if LINE_FIELDS.contains(&field) { renaming.text(text) } else { None };
        renamed(lines, text, |set| tags.tags(set))
    }

    /// Facts with aliases; facts that have become one are summed.
    pub fn facts(&self, facts: FactTable) -> Result<FactTable, SumOutOfRange> {
        let mut renaming = Renaming::by(self);
        let mut tags = Renaming::by(self);
        let text = |field, text: &Arc<str>| if FACT_FIELDS.contains(&field) { renaming.text(text) } else { None };
        renamed(facts, text, |set| tags.tags(set))
    }

    /// What a commit moved, with aliases: what moved from a name to its alias has not moved.
    pub fn moved(&self, rows: Vec<Moved>) -> Result<Vec<Moved>, SumOutOfRange> {
        let renamed = |row: &Moved| row.identity.as_deref().and_then(|identity| self.renamed(identity));
        if !rows.iter().any(|row| renamed(row).is_some()) {
            return Ok(rows);
        }
        let mut merged: BTreeMap<_, Moved> = BTreeMap::new();
        for row in rows {
            let row = Moved { identity: renamed(&row).or_else(|| row.identity.clone()), ..row };
            let key = (row.day, row.identity.clone(), row.category.clone(), row.currency.clone());
            match merged.get_mut(&key) {
                None => drop(merged.insert(key, row)),
                Some(known) => {
                    known.before = known.before.checked_add(row.before).ok_or(SumOutOfRange)?;
                    known.after = known.after.checked_add(row.after).ok_or(SumOutOfRange)?;
                }
            }
        }
        Ok(merged.into_values().filter(|row| row.before != row.after).collect())
    }
}

/// Replaces texts, each once: a bill repeats few in very many rows.
struct Renaming<'a> {
    by: &'a Forgotten,
    known: HashMap<Arc<str>, Option<Arc<str>>>,
}

impl<'a> Renaming<'a> {
    fn by(by: &'a Forgotten) -> Self {
        Self { by, known: HashMap::new() }
    }

    fn text(&mut self, text: &Arc<str>) -> Option<Arc<str>> {
        if let Some(known) = self.known.get(text) {
            return known.clone();
        }
        let renamed: Option<Arc<str>> = self.by.renamed(text).map(Arc::from);
        self.known.insert(Arc::clone(text), renamed.clone());
        renamed
    }

    fn texts<'t>(&mut self, texts: impl Iterator<Item = &'t mut Arc<str>>) -> bool {
        let mut is_changed = false;
        for text in texts {
            if let Some(renamed) = self.text(text) {
                (*text, is_changed) = (renamed, true);
            }
        }
        is_changed
    }

    fn tags(&mut self, tags: &Arc<Tags>) -> Option<Arc<Tags>> {
        if !tags.values().any(|value| self.text(value).is_some()) {
            return None;
        }
        let mut tags = Tags::clone(tags);
        self.texts(tags.values_mut());
        Some(Arc::new(tags))
    }

    fn line(&mut self, key: &LineKey) -> Option<LineKey> {
        let mut fields = key.fields.clone();
        let places = LINE_FIELDS.map(|field| field as usize);
        let named = fields.iter_mut().enumerate().filter(|(place, _)| places.contains(place)).map(|(_, text)| text);
        let is_changed = self.texts(named);
        let tags = self.tags(&key.tags);
        (is_changed || tags.is_some()).then(|| LineKey {
            usage_date: key.usage_date,
            fields,
            tags: tags.unwrap_or_else(|| Arc::clone(&key.tags)),
        })
    }
}

#[cfg(test)]
mod tests;
