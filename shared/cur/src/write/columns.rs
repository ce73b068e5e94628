//! Writing the cells of one column: values with their definition and repetition levels.

use chrono::{DateTime, Utc};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, DoubleType, Int64Type, Int96, Int96Type};
use parquet::errors::ParquetError;
use parquet::file::writer::SerializedRowGroupWriter;

use crate::columns::schema::Kind;
use crate::write::cells::Value;
use crate::write::error::WriteError;
use crate::write::shape::{FileShape, Timestamps};

type Group<'a> = SerializedRowGroupWriter<'a, Vec<u8>>;

/// Writes one column, which is one leaf or, for maps, two. Cells are of the column's kind: the caller has checked.
pub(super) fn write(
    group: &mut Group<'_>,
    kind: Kind,
    cells: &[Option<&Value>],
    shape: &FileShape,
) -> Result<(), WriteError> {
    match kind {
        Kind::Text => {
            let texts = cells.iter().map(|cell| match cell {
                Some(Value::Text(text)) => Some(bytes(text)),
                _ => None,
            });
            write_scalars::<ByteArrayType>(group, texts, &bytes(""), shape.required)
        }
        Kind::Number => {
            let numbers = cells.iter().map(|cell| match cell {
                Some(Value::Number(number)) => Some(*number),
                _ => None,
            });
            write_scalars::<DoubleType>(group, numbers, &0.0, shape.required)
        }
        Kind::Time => write_times(group, cells, shape),
        Kind::TextMap => {
            let maps = cells.iter().map(|cell| match cell {
                Some(Value::Map(map)) => Some(map.as_slice()),
                _ => None,
            });
            write_maps::<ByteArrayType, _>(group, maps, |text| bytes(text), shape.required)
        }
        Kind::NumberMap => {
            let maps = cells.iter().map(|cell| match cell {
                Some(Value::Numbers(map)) => Some(map.as_slice()),
                _ => None,
            });
            write_maps::<DoubleType, _>(group, maps, |number| *number, shape.required)
        }
    }
}

fn bytes(text: &str) -> ByteArray {
    ByteArray::from(text)
}

fn write_scalars<T: DataType>(
    group: &mut Group<'_>,
    cells: impl Iterator<Item = Option<T::T>>,
    absent: &T::T,
    required: bool,
) -> Result<(), WriteError> {
    let mut values = Vec::with_capacity(cells.size_hint().0);
    if required {
        values.extend(cells.map(|cell| cell.unwrap_or_else(|| absent.clone())));
        return write_leaf::<T>(group, &values, None, None);
    }
    let mut definition = Vec::with_capacity(cells.size_hint().0);
    for cell in cells {
        definition.push(i16::from(cell.is_some()));
        values.extend(cell);
    }
    write_leaf::<T>(group, &values, Some(&definition), None)
}

fn write_times(group: &mut Group<'_>, cells: &[Option<&Value>], shape: &FileShape) -> Result<(), WriteError> {
    let times = cells.iter().map(|cell| match cell {
        Some(Value::Time(time)) => Some(*time),
        _ => None,
    });
    let out_of_range = |time| WriteError::TimeOutOfRange(time, shape.timestamps);
    if shape.timestamps == Timestamps::Int96 {
        let values = times.map(|time| time.map(|time| int96(time).ok_or(out_of_range(time))).transpose());
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let epoch = int96(DateTime::UNIX_EPOCH).ok_or(out_of_range(DateTime::UNIX_EPOCH))?;
        return write_scalars::<Int96Type>(group, values.into_iter(), &epoch, shape.required);
    }
    let since_epoch = |time: DateTime<Utc>| match shape.timestamps {
        Timestamps::Int96 | Timestamps::Nanos => time.timestamp_nanos_opt().ok_or(out_of_range(time)),
        Timestamps::Micros => Ok(time.timestamp_micros()),
        Timestamps::Millis => Ok(time.timestamp_millis()),
    };
    let values = times.map(|time| time.map(since_epoch).transpose()).collect::<Result<Vec<_>, _>>()?;
    write_scalars::<Int64Type>(group, values.into_iter(), &0, shape.required)
}

/// A time as Spark and Impala store it: nanoseconds of the day in the low 8 bytes, the Julian day in the high 4.
fn int96(time: DateTime<Utc>) -> Option<Int96> {
    const JULIAN_DAY_OF_1970: i64 = 2_440_588;
    const SECONDS_OF_A_DAY: i64 = 86_400;
    let day = u32::try_from(time.timestamp().div_euclid(SECONDS_OF_A_DAY) + JULIAN_DAY_OF_1970).ok()?;
    let seconds = u64::try_from(time.timestamp().rem_euclid(SECONDS_OF_A_DAY)).ok()?;
    let nanos = seconds * 1_000_000_000 + u64::from(time.timestamp_subsec_nanos());
    let mut value = Int96::new();
    value.set_data(u32::try_from(nanos & u64::from(u32::MAX)).ok()?, u32::try_from(nanos >> 32).ok()?, day);
    Some(value)
}

/// Writes a map's leaves, keys and values. In a required group a null map is an empty one.
fn write_maps<'a, T: DataType, V: 'a>(
    group: &mut Group<'_>,
    maps: impl Iterator<Item = Option<&'a [(String, V)]>>,
    of_value: impl Fn(&V) -> T::T,
    required: bool,
) -> Result<(), WriteError> {
    // Each optional step down the path adds one to the definition level, and so does the repeated group.
    let empty_map = i16::from(!required);
    let key_there = empty_map + 1;
    let value_there = key_there + i16::from(!required);
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    let (mut key_levels, mut value_levels, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
    for map in maps {
        let entries = map.unwrap_or_default();
        if entries.is_empty() {
            let level = if map.is_some() { empty_map } else { 0 };
            key_levels.push(level);
            value_levels.push(level);
            repetition.push(0);
        }
        for (index, (key, value)) in entries.iter().enumerate() {
            keys.push(bytes(key));
            values.push(of_value(value));
            key_levels.push(key_there);
            value_levels.push(value_there);
            repetition.push(i16::from(index > 0));
        }
    }
    write_leaf::<ByteArrayType>(group, &keys, Some(&key_levels), Some(&repetition))?;
    write_leaf::<T>(group, &values, Some(&value_levels), Some(&repetition))
}

fn write_leaf<T: DataType>(
    group: &mut Group<'_>,
    values: &[T::T],
    definition: Option<&[i16]>,
    repetition: Option<&[i16]>,
) -> Result<(), WriteError> {
    let leaf = group.next_column()?;
    let mut leaf = leaf.ok_or_else(|| ParquetError::General("the schema has fewer leaves than columns".to_owned()))?;
    leaf.typed::<T>().write_batch(values, definition, repetition)?;
    Ok(leaf.close()?)
}
