//! The tags of a row, from each source in its turn.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use spend_core::bill::line::ScanCounts;
use spend_core::table::tags::Tags;

use crate::columns::names::{COST_CATEGORY, RESOURCE_TAGS, TAGS};
use crate::columns::tag_sources::{Keys, TagSources, names_meet, normal_name};
use crate::rows::kept_texts::{KeptTexts, Refused, check_entries};
use crate::rows::texts::{Maps, Memo, Texts};

/// A batch's columns with tags.
pub(crate) struct TagColumns<'a> {
    tags: Option<Maps<'a>>,
    resource_tags: Option<Maps<'a>>,
    cost_category: Option<Maps<'a>>,
    flat: Vec<Option<Texts<'a>>>,
}

impl<'a> TagColumns<'a> {
    /// The columns of a batch, or what is wrong with one.
    pub(crate) fn of(batch: &'a RecordBatch, sources: &TagSources) -> Result<Self, String> {
        Ok(Self {
            tags: Maps::of(batch, TAGS)?,
            resource_tags: Maps::of(batch, RESOURCE_TAGS)?,
            cost_category: Maps::of(batch, COST_CATEGORY)?,
            flat: sources.flat().map(|column| Texts::of(batch, column)).collect::<Result<_, _>>()?,
        })
    }
}

/// What was found for the keys and values of a map whose keys are not whole.
#[derive(Default)]
struct Memos {
    keys: Memo<Keys>,
    values: Memo<Arc<str>>,
}

/// Reads the tags of rows; equal sets are shared.
pub(crate) struct TagReader<'a> {
    sources: &'a TagSources,
    keys: Memo<Option<Arc<str>>>,
    values: Memo<Arc<str>>,
    resource_tags: Memos,
    cost_category: Memos,
    flat: Vec<Memo<Arc<str>>>,
}

impl<'a> TagReader<'a> {
    pub(crate) fn new(sources: &'a TagSources) -> Self {
        Self {
            sources,
            keys: Memo::default(),
            values: Memo::default(),
            resource_tags: Memos::default(),
            cost_category: Memos::default(),
            flat: sources.flat().map(|_| Memo::default()).collect(),
        }
    }

    /// The tags of a row that a reduction keeps; the others are noted in `counts`. Where a map has a key twice, the last
    /// counts; empty is not there. Or what of the row is too long.
    pub(crate) fn read(
        &mut self,
        columns: &TagColumns<'_>,
        row: usize,
        kept: &mut KeptTexts,
        counts: &mut ScanCounts,
    ) -> Result<Arc<Tags>, Refused> {
        let mut tags = Tags::new();
        if let Some(maps) = columns.tags {
            check_entries(TAGS, &maps.entries(row))?;
            for entry in maps.entries(row) {
                let keep = |key: &str| {
                    if self.sources.keeps(key) {
                        return kept.tag(key).map(Some);
                    }
                    counts.note_unkept_tag(key);
                    Ok(None)
                };
                let key = self.keys.try_get(maps.keys, entry, keep).map_err(Refused::of(TAGS))?;
                let Some(key) = key.flatten() else { continue };
                let value = self.values.try_get(maps.values, entry, |text| kept.tag(text));
                match value.map_err(Refused::of(TAGS))? {
                    Some(value) if !value.is_empty() => tags.insert(key, value),
                    _ => tags.remove(&key),
                };
            }
        }
        let sources = self.sources;
        let by_name = [
            (
                RESOURCE_TAGS,
                columns.resource_tags,
                &mut self.resource_tags,
                TagSources::of_resource_tag as fn(&TagSources, &str) -> Keys,
            ),
            (COST_CATEGORY, columns.cost_category, &mut self.cost_category, TagSources::of_cost_category),
        ];
        let mut told = Told::default();
        for (column, maps, memos, keys_of) in by_name {
            let Some(maps) = maps else { continue };
            check_entries(column, &maps.entries(row))?;
            // What is there is not replaced, so the last comes first.
            for entry in maps.entries(row).rev() {
                let keys = memos.keys.try_get(maps.keys, entry, |key| {
                    keys_of(sources, key).iter().map(|key| kept.tag(key)).collect::<Result<Keys, _>>()
                });
                let Some(keys) = keys.map_err(Refused::of(column))?.filter(|keys| !keys.is_empty()) else { continue };
                let value = memos.values.try_get(maps.values, entry, |text| kept.tag(text));
                told.add_absent(&mut tags, &keys, value.map_err(Refused::of(column))?);
            }
        }
        let flat = sources.flat().zip(&columns.flat).zip(sources.flat_keys()).zip(&mut self.flat);
        for (((column, texts), keys), memo) in flat {
            let Some(texts) = texts else { continue };
            let value = memo.try_get(*texts, row, |text| kept.tag(text)).map_err(Refused::of(column))?;
            told.add_absent(&mut tags, keys, value);
        }
        Ok(kept.set(tags))
    }
}

/// The tags that a row has so far, as they are where case and punctuation are normalised away: kept where they are many,
/// because comparing each with each other would take seconds for one row.
#[derive(Default)]
struct Told {
    names: Option<HashSet<String>>,
}

impl Told {
    /// Up to how many tags are compared one by one.
    const FEW: usize = 16;

    /// Gives a value to `keys`, unless an earlier source has told that tag under its own spelling.
    fn add_absent(&mut self, tags: &mut Tags, keys: &Keys, value: Option<Arc<str>>) {
        let Some(value) = value.filter(|value| !value.is_empty()) else { return };
        if tags.len() > Self::FEW {
            let names = self.names.get_or_insert_with(|| tags.keys().map(|known| normal_name(known)).collect());
            let own: Vec<_> = keys.iter().map(|key| normal_name(key)).collect();
            if own.iter().any(|name| names.contains(name)) {
                return;
            }
            names.extend(own);
        } else if tags.keys().any(|known| keys.iter().any(|key| names_meet(known, key))) {
            return;
        }
        tags.extend(keys.iter().map(|key| (Arc::clone(key), Arc::clone(&value))));
    }
}
