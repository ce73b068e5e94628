//! Text columns of a decoded batch: dictionaries whose values are looked at once each.

use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, Int32Array, RecordBatch, StringArray, StructArray};
use arrow::datatypes::Int32Type;

/// What a text was turned into, per value of a dictionary. Batches of a row group share a dictionary as long as the
/// file has one; what was found for its values is kept as long.
pub(crate) struct Memo<T> {
    dictionary: Option<ArrayRef>,
    found: Vec<Option<T>>,
}

impl<T> Default for Memo<T> {
    fn default() -> Self {
        Self { dictionary: None, found: Vec::new() }
    }
}

impl<T: Clone> Memo<T> {
    /// What `find` makes of the text at `row`; `None` if there is none.
    pub(crate) fn get(&mut self, texts: Texts<'_>, row: usize, find: impl FnOnce(&str) -> T) -> Option<T> {
        let Ok(found) = self.try_get::<Infallible>(texts, row, |text| Ok(find(text)));
        found
    }

    /// What `find` makes of the text at `row`, or why it makes nothing of it; `None` if there is none.
    pub(crate) fn try_get<E>(
        &mut self,
        texts: Texts<'_>,
        row: usize,
        find: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let Some(position) = texts.position(row) else { return Ok(None) };
        if !self.dictionary.as_ref().is_some_and(|known| Arc::ptr_eq(known, texts.dictionary)) {
            // Holding the dictionary keeps its address from being given to another.
            self.dictionary = Some(Arc::clone(texts.dictionary));
            self.found = vec![None; texts.dictionary.len()];
        }
        let Some(found) = self.found.get_mut(position) else { return Ok(None) };
        if found.is_none() {
            let Some(text) = texts.value(position) else { return Ok(None) };
            *found = Some(find(text)?);
        }
        Ok(found.clone())
    }
}

/// A column of texts.
#[derive(Clone, Copy)]
pub(crate) struct Texts<'a> {
    keys: &'a Int32Array,
    dictionary: &'a ArrayRef,
    values: Values<'a>,
}

/// The values of a dictionary. Columns without the annotation for text come as bytes, which are text all the same.
#[derive(Clone, Copy)]
enum Values<'a> {
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
}

impl<'a> Texts<'a> {
    /// The column called `name`, if the batch has it; or what is wrong with it.
    pub(crate) fn of(batch: &'a RecordBatch, name: &str) -> Result<Option<Self>, String> {
        batch.column_by_name(name).map(|array| Self::from_array(array, name)).transpose()
    }

    fn from_array(array: &'a ArrayRef, name: &str) -> Result<Self, String> {
        let unexpected = || unexpected_type(array, name);
        let texts = array.as_dictionary_opt::<Int32Type>().ok_or_else(unexpected)?;
        let (keys, dictionary) = (texts.keys(), texts.values());
        let values = match (dictionary.as_string_opt::<i32>(), dictionary.as_binary_opt::<i32>()) {
            (Some(values), _) => Values::Text(values),
            (None, Some(values)) if values.iter().flatten().all(|bytes| str::from_utf8(bytes).is_ok()) => {
                Values::Bytes(values)
            }
            (None, Some(_)) => return Err(format!("column {name} has a value that is not UTF-8")),
            (None, None) => return Err(unexpected()),
        };
        Ok(Self { keys, dictionary, values })
    }

    /// The text of `row`, if there is one.
    pub(crate) fn get(self, row: usize) -> Option<&'a str> {
        self.value(self.position(row)?)
    }

    /// Where the text of `row` is among the dictionary's values.
    fn position(self, row: usize) -> Option<usize> {
        let is_there = row < self.keys.len() && self.keys.is_valid(row);
        is_there.then(|| self.keys.values().get(row).and_then(|key| usize::try_from(*key).ok())).flatten()
    }

    fn value(self, position: usize) -> Option<&'a str> {
        let is_there = position < self.dictionary.len() && self.dictionary.is_valid(position);
        is_there.then_some(())?;
        match self.values {
            Values::Text(values) => Some(values.value(position)),
            Values::Bytes(values) => str::from_utf8(values.value(position)).ok(),
        }
    }
}

/// The library gave another type than it was asked for; were it passed over, the column would seem empty.
pub(crate) fn unexpected_type(array: &dyn Array, name: &str) -> String {
    format!("column {name} was decoded as {}", array.data_type())
}

/// A column of maps from text to text. Null and empty are the same.
#[derive(Clone, Copy)]
pub(crate) struct Maps<'a> {
    array: &'a ArrayRef,
    offsets: &'a [i32],
    /// All keys, the rows' one after the other.
    pub(crate) keys: Texts<'a>,
    /// The values to them.
    pub(crate) values: Texts<'a>,
}

impl<'a> Maps<'a> {
    /// The column called `name`, if the batch has it: a map, or a list of entries; or what is wrong with it.
    pub(crate) fn of(batch: &'a RecordBatch, name: &str) -> Result<Option<Self>, String> {
        let Some(array) = batch.column_by_name(name) else { return Ok(None) };
        let unexpected = || unexpected_type(array, name);
        let (offsets, entries) = match (array.as_map_opt(), array.as_list_opt::<i32>()) {
            (Some(map), _) => (map.offsets(), Some(map.entries())),
            (None, Some(list)) => (list.offsets(), list.values().as_struct_opt()),
            (None, None) => return Err(unexpected()),
        };
        match entries.map(StructArray::columns) {
            Some([keys, values]) => {
                let (keys, values) = (Texts::from_array(keys, name)?, Texts::from_array(values, name)?);
                Ok(Some(Self { array, offsets, keys, values }))
            }
            _ => Err(unexpected()),
        }
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
