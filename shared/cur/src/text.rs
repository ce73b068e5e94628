//! Text columns of a decoded batch: dictionaries whose values are looked at once each.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, RecordBatch};
use arrow::datatypes::Int32Type;

/// What a text was turned into, per value of a dictionary. Batches of a row group share a dictionary as long as the
/// file has one; what was found for its values is kept as long.
pub(crate) struct Memo<T> {
    values: Option<ArrayRef>,
    found: Vec<Option<T>>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { values: None, found: Vec::new() }
    }
}

impl<T: Clone> Memo<T> {
    /// What `find` makes of the text at `row`; `None` if there is none.
    pub(crate) fn get(&mut self, texts: Texts<'_>, row: usize, find: impl FnOnce(&str) -> T) -> Option<T> {
        let position = texts.position(row)?;
        let values = texts.0.values();
        if !self.values.as_ref().is_some_and(|known| Arc::ptr_eq(known, values)) {
            // Holding the dictionary keeps its address from being given to another.
            self.values = Some(Arc::clone(values));
            self.found = vec![None; values.len()];
        }
        let found = self.found.get_mut(position)?;
        if found.is_none() {
            *found = Some(find(texts.value(position)?));
        }
        found.clone()
    }
}

/// A column of texts.
#[derive(Clone, Copy)]
pub(crate) struct Texts<'a>(&'a DictionaryArray<Int32Type>);

impl<'a> Texts<'a> {
    /// The column called `name`, if the batch has it.
    pub(crate) fn of(batch: &'a RecordBatch, name: &str) -> Option<Self> {
        Self::from_array(batch.column_by_name(name)?.as_ref())
    }

    /// The text of `row`, if there is one.
    pub(crate) fn get(self, row: usize) -> Option<&'a str> {
        self.value(self.position(row)?)
    }

    fn from_array(array: &'a dyn Array) -> Option<Self> {
        array.as_dictionary_opt::<Int32Type>().map(Self)
    }

    /// Where the text of `row` is among the dictionary's values.
    fn position(self, row: usize) -> Option<usize> {
        let keys = self.0.keys();
        let is_there = row < keys.len() && keys.is_valid(row);
        is_there.then(|| keys.values().get(row).and_then(|key| usize::try_from(*key).ok())).flatten()
    }

    fn value(self, position: usize) -> Option<&'a str> {
        let values = self.0.values().as_string_opt::<i32>()?;
        (position < values.len() && values.is_valid(position)).then(|| values.value(position))
    }
}

/// A column of maps from text to text. Null and empty are the same.
#[derive(Clone, Copy)]
pub(crate) struct Maps<'a> {
    array: &'a dyn Array,
    offsets: &'a [i32],
    /// All keys, the rows' one after the other.
    pub(crate) keys: Texts<'a>,
    /// The values to them.
    pub(crate) values: Texts<'a>,
}

impl<'a> Maps<'a> {
    /// The column called `name`, if the batch has it: a map, or a list of entries.
    pub(crate) fn of(batch: &'a RecordBatch, name: &str) -> Option<Self> {
        let array = batch.column_by_name(name)?.as_ref();
        let (offsets, entries) = match (array.as_map_opt(), array.as_list_opt::<i32>()) {
            (Some(map), _) => (map.offsets().as_ref(), map.entries()),
            (None, Some(list)) => (list.offsets().as_ref(), list.values().as_struct_opt()?),
            (None, None) => return None,
        };
        let keys = Texts::from_array(entries.columns().first()?.as_ref())?;
        let values = Texts::from_array(entries.columns().get(1)?.as_ref())?;
        Some(Self { array, offsets, keys, values })
    }

    /// Where the entries of `row` are among all.
    pub(crate) fn entries(self, row: usize) -> Range<usize> {
        let bound = |index: usize| self.offsets.get(index).and_then(|offset| usize::try_from(*offset).ok());
        match (self.array.is_null(row), bound(row), bound(row + 1)) {
            (false, Some(start), Some(end)) => start..end,
            _ => 0..0,
        }
    }
}
