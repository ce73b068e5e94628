//! What was gathered as the batches that rows are read from.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int32Array, ListArray, MapArray, RecordBatch, StringArray, StructArray,
    TimestampSecondArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;

use crate::parquet_file::direct::bits::Bits;
use crate::parquet_file::direct::codes::NarrowCodes;
use crate::parquet_file::direct::gather::Gathered;
use crate::parquet_file::direct::maps::GatheredMaps;
use crate::parquet_file::direct::odd::Odd;
use crate::parquet_file::direct::values::TextValues;

/// A column of the rows that were found.
pub(crate) struct FoundColumn {
    name: String,
    values: FoundValues,
}

enum FoundValues {
    Texts { codes: NarrowCodes, dictionary: ArrayRef },
    Times { codes: NarrowCodes, values: Vec<i64> },
    Numbers { values: Vec<f64>, present: Bits },
    Maps(FoundMaps),
}

struct FoundMaps {
    lengths: NarrowCodes,
    /// The first entry of the next row that is asked for.
    next: usize,
    keys: (NarrowCodes, ArrayRef),
    values: (NarrowCodes, ArrayRef),
    data_type: DataType,
}

impl FoundColumn {
    pub(crate) fn of(name: &str, gathered: Gathered) -> Result<Self, Odd> {
        let values = match gathered {
            Gathered::Texts { codes, values } => FoundValues::Texts { codes, dictionary: dictionary(values)? },
            Gathered::Times { codes, values } => FoundValues::Times { codes, values },
            Gathered::Numbers { values, present } => FoundValues::Numbers { values, present },
        };
        Ok(Self { name: name.to_owned(), values })
    }

    /// A column of maps, which the library would read as `data_type`.
    pub(crate) fn of_maps(name: &str, gathered: GatheredMaps, data_type: &DataType) -> Result<Self, Odd> {
        let GatheredMaps { lengths, keys, key_values, values, value_values } = gathered;
        let values = FoundValues::Maps(FoundMaps {
            lengths,
            next: 0,
            keys: (keys, dictionary(key_values)?),
            values: (values, dictionary(value_values)?),
            data_type: data_type.clone(),
        });
        Ok(Self { name: name.to_owned(), values })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its rows `from..to`, which follow those that were asked for before.
    fn array(&mut self, from: usize, to: usize) -> Result<ArrayRef, ArrowError> {
        Ok(match &mut self.values {
            FoundValues::Texts { codes, dictionary } => texts(codes, dictionary, from, to)?,
            FoundValues::Times { codes, values } => {
                let (keys, present) = codes.keys(from, to);
                let second = |key: &i32| usize::try_from(*key).ok().and_then(|key| values.get(key)).copied();
                let unknown = || ArrowError::ComputeError("a time is not in the dictionary".to_owned());
                let is_there = |at: usize| present.as_ref().is_none_or(|present| present.get(at) == Some(&true));
                let seconds = keys.iter().enumerate().map(|(at, key)| match second(key) {
                    Some(second) => Ok(second),
                    None if is_there(at) => Err(unknown()),
                    None => Ok(0),
                });
                let seconds: Vec<i64> = seconds.collect::<Result<_, _>>()?;
                Arc::new(TimestampSecondArray::try_new(seconds.into(), present.map(NullBuffer::from))?)
            }
            FoundValues::Numbers { values, present } => {
                let numbers = values.get(from..to).unwrap_or_default().to_vec();
                let nulls = (present.count(from..to) < to - from)
                    .then(|| NullBuffer::from((from..to).map(|row| present.get(row)).collect::<Vec<_>>()));
                Arc::new(Float64Array::try_new(numbers.into(), nulls)?)
            }
            FoundValues::Maps(found) => maps(found, from, to)?,
        })
    }
}

/// The rows `from..to` of the columns, which follow those that were asked for before.
pub(crate) fn batch(columns: &mut [FoundColumn], from: usize, to: usize) -> Result<RecordBatch, ArrowError> {
    let arrays: Vec<_> = columns.iter_mut().map(|column| column.array(from, to)).collect::<Result<_, _>>()?;
    let fields =
        columns.iter().zip(&arrays).map(|(column, array)| Field::new(&column.name, array.data_type().clone(), true));
    RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), arrays)
}

fn dictionary(values: TextValues) -> Result<ArrayRef, Odd> {
    let TextValues { bytes, mut ends, .. } = values;
    if ends.is_empty() {
        ends.push(0);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(ends));
    let texts = StringArray::try_new(offsets, Buffer::from_vec(bytes), None).map_err(|_| Odd)?;
    Ok(Arc::new(texts))
}

fn texts(codes: &NarrowCodes, dictionary: &ArrayRef, from: usize, to: usize) -> Result<ArrayRef, ArrowError> {
    let (keys, present) = codes.keys(from, to);
    let keys = Int32Array::try_new(keys.into(), present.map(NullBuffer::from))?;
    Ok(Arc::new(DictionaryArray::try_new(keys, Arc::clone(dictionary))?))
}

fn maps(found: &mut FoundMaps, from: usize, to: usize) -> Result<ArrayRef, ArrowError> {
    let too_many = || ArrowError::ComputeError("more entries than fit".to_owned());
    let FoundMaps { lengths, next, keys, values, data_type } = found;
    let mut end = 0_i32;
    let mut offsets = vec![end];
    for length in lengths.keys(from, to).0 {
        end = end.checked_add(length).ok_or_else(too_many)?;
        offsets.push(end);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    let first = *next;
    let last = first + usize::try_from(end).map_err(|_| too_many())?;
    *next = last;
    let data_type = &*data_type;
    let (DataType::Map(entries, _) | DataType::List(entries)) = data_type else { return Err(too_many()) };
    let DataType::Struct(fields) = entries.data_type() else { return Err(too_many()) };
    let columns = vec![texts(&keys.0, &keys.1, first, last)?, texts(&values.0, &values.1, first, last)?];
    let structs = StructArray::try_new(fields.clone(), columns, None)?;
    Ok(match data_type {
        DataType::Map(_, sorted) => Arc::new(MapArray::try_new(Arc::clone(entries), offsets, structs, None, *sorted)?),
        _ => Arc::new(ListArray::try_new(Arc::clone(entries), offsets, Arc::new(structs), None)?),
    })
}
