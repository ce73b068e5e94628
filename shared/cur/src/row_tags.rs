//! The tags of a row, from each source in its turn.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use spend_core::line::{Interner, ScanCounts, Tags};

use crate::columns::{COST_CATEGORY, RESOURCE_TAGS, TAGS};
use crate::tag_sources::{Keys, TagSources, names_meet};
use crate::text::{Maps, Memo, Texts};

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
    sets: HashSet<Arc<Tags>>,
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
            sets: HashSet::new(),
            keys: Memo::default(),
            values: Memo::default(),
            resource_tags: Memos::default(),
            cost_category: Memos::default(),
            flat: sources.flat().map(|_| Memo::default()).collect(),
        }
    }

    /// The tags of a row that a reduction keeps; the others are noted in `counts`. Where a map has a key twice, the last
    /// counts; empty is not there.
    pub(crate) fn read(
        &mut self,
        columns: &TagColumns<'_>,
        row: usize,
        interner: &mut Interner,
        counts: &mut ScanCounts,
    ) -> Arc<Tags> {
        let mut tags = Tags::new();
        if let Some(maps) = columns.tags {
            for entry in maps.entries(row) {
                let keep = |key: &str| {
                    let is_kept = self.sources.keeps(key);
                    if !is_kept {
                        counts.note_unkept_tag(key);
                    }
                    is_kept.then(|| interner.intern(key))
                };
                let Some(key) = self.keys.get(maps.keys, entry, keep).flatten() else { continue };
                match self.values.get(maps.values, entry, |text| interner.intern(text)) {
                    Some(value) if !value.is_empty() => tags.insert(key, value),
                    _ => tags.remove(&key),
                };
            }
        }
        let sources = self.sources;
        let by_name = [
            (
                columns.resource_tags,
                &mut self.resource_tags,
                TagSources::of_resource_tag as fn(&TagSources, &str) -> Keys,
            ),
            (columns.cost_category, &mut self.cost_category, TagSources::of_cost_category),
        ];
        for (maps, memos, keys_of) in by_name {
            let Some(maps) = maps else { continue };
            // What is there is not replaced, so the last comes first.
            for entry in maps.entries(row).rev() {
                let Some(keys) = memos.keys.get(maps.keys, entry, |key| keys_of(sources, key)) else { continue };
                let value = memos.values.get(maps.values, entry, |text| interner.intern(text));
                add_absent(&mut tags, &keys, value);
            }
        }
        for ((texts, keys), memo) in columns.flat.iter().zip(sources.flat_keys()).zip(&mut self.flat) {
            let value = texts.and_then(|texts| memo.get(texts, row, |text| interner.intern(text)));
            add_absent(&mut tags, keys, value);
        }
        if let Some(shared) = self.sets.get(&tags) {
            return Arc::clone(shared);
        }
        let shared = Arc::new(tags);
        self.sets.insert(Arc::clone(&shared));
        shared
    }
}

/// Gives a value to `keys`, unless an earlier source has told that tag under its own spelling.
fn add_absent(tags: &mut Tags, keys: &Keys, value: Option<Arc<str>>) {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return };
    if tags.keys().any(|known| keys.iter().any(|key| names_meet(known, key))) {
        return;
    }
    tags.extend(keys.iter().map(|key| (Arc::clone(key), Arc::clone(&value))));
}
