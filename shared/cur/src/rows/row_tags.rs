//! The tags of a row, from each source in its turn.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::Arc;

use arrow::array::RecordBatch;
use hashbrown::HashMap as QuickMap;
use spend_core::bill::line::ScanCounts;
use spend_core::bill::line::limits::{self, TooLong};
use spend_core::bill::line_coder::LineCoder;
use spend_core::table::tags::Tags;

use crate::columns::names::{COST_CATEGORY, RESOURCE_TAGS, TAGS};
use crate::columns::tag_sources::{Keys, TagSources, names_meet, normal_name};
use crate::rows::refused::{Refused, check_entries};
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

/// How many numbers what rows said is remembered in: 16 MiB. It is forgotten when it takes more, because a row can say the
/// same tags in many ways.
const REMEMBERED: usize = 4 << 20;

/// What a tag's key or value takes besides its bytes.
const BYTES_A_TEXT: u64 = 96;

/// The number of a value that is not there.
const ABSENT: u32 = u32::MAX;

/// What was found for the keys and values of a map.
#[derive(Default)]
struct Memos {
    /// A key's number among those that are kept, if it is.
    keys: Memo<Option<u32>>,
    values: Memo<u32>,
}

/// Reads the tags of rows.
///
/// What a row says is first put into numbers: of its keys that are kept, and of their values. Tags are made of them where
/// no row has said the same before.
pub(crate) struct TagReader<'a> {
    sources: &'a TagSources,
    tags: Memos,
    resource_tags: Memos,
    cost_category: Memos,
    flat: Vec<Memo<u32>>,
    texts: Numbered<Arc<str>>,
    keys: Numbered<Keys>,
    /// What the row says, source by source.
    said: Said,
    /// What the row before said, and the code of its tags.
    last: Option<(Said, u32)>,
    codes: QuickMap<Box<[u32]>, u32>,
    remembered: usize,
}

/// What a row says: of each map its keys and values in turn, then the values of the columns, all as numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Said {
    numbers: Vec<u32>,
    /// Where what the `tags`, `resource_tags` and `cost_category` maps say ends.
    ends: [usize; 3],
}

/// Values with a number each.
struct Numbered<T> {
    numbers: std::collections::HashMap<T, u32>,
    values: Vec<T>,
    /// How much memory the texts take.
    bytes: u64,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { numbers: std::collections::HashMap::new(), values: Vec::new(), bytes: 0 }
    }
}

impl<T: Clone + Eq + Hash> Numbered<T> {
    fn number(&mut self, value: T) -> u32 {
        let next = u32::try_from(self.values.len()).unwrap_or(ABSENT);

        *self.numbers.entry(value).or_insert_with_key(|value| {
            self.values.push(value.clone());
            next
        })
    }

    fn get(&self, number: u32) -> Option<&T> {
        self.values.get(usize::try_from(number).ok()?)
    }
}

impl Numbered<Arc<str>> {
    fn tag(&mut self, text: &str) -> Result<u32, TooLong> {
        limits::check_tag(text)?;
        if let Some(number) = self.numbers.get(text) {
            return Ok(*number);
        }
        self.bytes = self.bytes.saturating_add(BYTES_A_TEXT).saturating_add(text.len() as u64);
        Ok(self.number(Arc::from(text)))
    }
}

impl<'a> TagReader<'a> {
    pub(crate) fn new(sources: &'a TagSources) -> Self {
        Self {
            sources,
            tags: Memos::default(),
            resource_tags: Memos::default(),
            cost_category: Memos::default(),
            flat: sources.flat().map(|_| Memo::default()).collect(),
            texts: Numbered::default(),
            keys: Numbered::default(),
            said: Said::default(),
            last: None,
            codes: QuickMap::default(),
            remembered: 0,
        }
    }

    /// How much memory is used by what is kept of the rows so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.texts.bytes.saturating_add(self.remembered as u64 * 4)
    }

    /// The code of the tags of a row that a reduction keeps; the others are noted in `counts`. Where a map has a key twice,
    /// the last counts; empty is not there. Or what of the row is too long.
    pub(crate) fn read(
        &mut self,
        columns: &TagColumns<'_>,
        row: usize,
        coder: &mut LineCoder,
        counts: &mut ScanCounts,
    ) -> Result<u32, Refused> {
        self.say(columns, row, counts)?;
        if let Some((last, code)) = &self.last
            && *last == self.said
        {
            return Ok(*code);
        }
        // Where the maps end is told by what stands there: keys of the maps are numbered together with where they come from.
        let mut whole = Vec::with_capacity(self.said.numbers.len() + self.said.ends.len());
        whole.extend(self.said.ends.map(|end| u32::try_from(end).unwrap_or(ABSENT)));
        whole.extend(&self.said.numbers);
        let code = if let Some(code) = self.codes.get(whole.as_slice()) {
            *code
        } else {
            let code = coder.tags(self.make());
            self.remembered = self.remembered.saturating_add(whole.len());
            if self.remembered > REMEMBERED {
                self.codes.clear();
                self.remembered = whole.len();
            }
            self.codes.insert(whole.into_boxed_slice(), code);
            code
        };
        let (last, last_code) = self.last.get_or_insert_default();
        last.ends = self.said.ends;
        last.numbers.clone_from(&self.said.numbers);
        *last_code = code;
        Ok(code)
    }

    /// Puts what a row says into numbers.
    fn say(&mut self, columns: &TagColumns<'_>, row: usize, counts: &mut ScanCounts) -> Result<(), Refused> {
        let Self { sources, texts, keys, said, .. } = self;
        said.numbers.clear();
        if let Some(maps) = columns.tags {
            check_entries(TAGS, &maps.entries(row))?;
            let Memos { keys, values } = &mut self.tags;
            for entry in maps.entries(row) {
                let keep = |key: &str| {
                    if sources.keeps(key) {
                        return texts.tag(key).map(Some);
                    }
                    counts.note_unkept_tag(key);
                    Ok(None)
                };
                let key = keys.try_get(maps.keys, entry, keep).map_err(Refused::of(TAGS))?;
                let Some(key) = key.flatten() else { continue };
                let value = values.try_get(maps.values, entry, |text| texts.tag(text)).map_err(Refused::of(TAGS))?;
                said.numbers.extend([key, value.unwrap_or(ABSENT)]);
            }
        }
        said.ends = [said.numbers.len(); 3];
        let by_name = [
            (
                RESOURCE_TAGS,
                columns.resource_tags,
                &mut self.resource_tags,
                TagSources::of_resource_tag as fn(&TagSources, &str) -> Keys,
            ),
            (COST_CATEGORY, columns.cost_category, &mut self.cost_category, TagSources::of_cost_category),
        ];
        for ((column, maps, memos, keys_of), end) in by_name.into_iter().zip(said.ends.iter_mut().skip(1)) {
            if let Some(maps) = maps {
                check_entries(column, &maps.entries(row))?;
                // What is there is not replaced, so the last comes first.
                for entry in maps.entries(row).rev() {
                    let key = memos.keys.try_get(maps.keys, entry, |key| {
                        let found = keys_of(sources, key);
                        found.iter().try_for_each(|key| limits::check_tag(key))?;
                        Ok((!found.is_empty()).then(|| keys.number(found)))
                    });
                    let Some(key) = key.map_err(Refused::of(column))?.flatten() else { continue };
                    let value = memos.values.try_get(maps.values, entry, |text| texts.tag(text));
                    said.numbers.extend([key, value.map_err(Refused::of(column))?.unwrap_or(ABSENT)]);
                }
            }
            *end = said.numbers.len();
        }
        for ((column, found), memo) in sources.flat().zip(&columns.flat).zip(&mut self.flat) {
            let value = match found {
                Some(found) => memo.try_get(*found, row, |text| texts.tag(text)).map_err(Refused::of(column))?,
                None => None,
            };
            said.numbers.push(value.unwrap_or(ABSENT));
        }
        Ok(())
    }

    /// The tags that the row's numbers say.
    fn make(&self) -> Tags {
        let mut tags = Tags::new();
        let [tags_end, names_start, names_end] = self.said.ends;
        let text = |number: u32| self.texts.get(number).filter(|text| !text.is_empty()).map(Arc::clone);
        let pairs = |from: usize, to: usize| {
            let numbers = self.said.numbers.get(from..to).unwrap_or_default();
            numbers.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?)))
        };
        for (key, value) in pairs(0, tags_end) {
            let Some(key) = self.texts.get(key) else { continue };
            match text(value) {
                Some(value) => tags.insert(Arc::clone(key), value),
                None => tags.remove(key),
            };
        }
        let mut told = Told::default();
        for (keys, value) in pairs(tags_end, names_start).chain(pairs(names_start, names_end)) {
            let Some(keys) = self.keys.get(keys) else { continue };
            told.add_absent(&mut tags, keys, text(value));
        }
        let flat = self.said.numbers.get(names_end..).unwrap_or_default();
        for (keys, value) in self.sources.flat_keys().zip(flat) {
            told.add_absent(&mut tags, keys, text(*value));
        }
        tags
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
