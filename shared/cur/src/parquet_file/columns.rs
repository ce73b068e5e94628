//! The columns of a Parquet file: found by name, checked for their types, read as the types that rows are made of.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type as PhysicalType;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};

use crate::columns::plan::Plan;
use crate::columns::schema::Kind;
use crate::error::{CurError, shown};
use crate::parquet_file::footer;
use crate::parquet_file::guard::guarded;

/// The columns of a Parquet chunk.
pub(crate) struct ChunkColumns {
    /// For the decoder: the file's columns, those that we read in the types that we read them in.
    pub(crate) reader: ArrowReaderMetadata,
    /// Where those are among the file's.
    positions: HashMap<String, usize>,
}

/// The columns of `metadata` in the types that the decoder gives them.
pub(crate) fn infer(name: &str, metadata: &Arc<ParquetMetaData>) -> Result<ArrowReaderMetadata, CurError> {
    // Types that a writer embedded beside the Parquet schema are not looked at: one file, one meaning.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    guarded(|| ArrowReaderMetadata::try_new(Arc::clone(metadata), options))
        .map_err(|error| CurError::bad_schema(name, &error))
}

impl ChunkColumns {
    /// Finds the planned columns, of which the file has each, and checks their types.
    pub(crate) fn resolve(
        name: &str,
        metadata: &Arc<ParquetMetaData>,
        inferred: &ArrowReaderMetadata,
        plan: &Plan,
    ) -> Result<Self, CurError> {
        let fields = inferred.schema().fields();
        let physical = physical_types(metadata);
        let mut positions = HashMap::new();
        let mut read_as = fields.to_vec();
        for (column, wanted) in &plan.columns {
            let mut found =
                fields.iter().zip(&mut read_as).enumerate().filter(|(_, (field, _))| field.name() == column);
            let Some((position, (field, read_as))) = found.next() else { continue };
            if found.next().is_some() {
                return Err(CurError::twice(name, column));
            }
            // A column of nulls alone, as tools without a type for it write it.
            if *field.data_type() == DataType::Null {
                continue;
            }
            let physical = physical.get(column.as_str()).copied();
            let data_type = read_type(field.data_type(), physical, *wanted).ok_or_else(|| CurError::WrongType {
                file: name.to_owned(),
                column: shown(column),
                found: physical.map_or_else(|| shown(&field.data_type().to_string()), |physical| physical.to_string()),
                wanted: describe(*wanted),
            })?;
            *read_as = Arc::new(field.as_ref().clone().with_data_type(data_type));
            positions.insert(column.clone(), position);
        }
        let options = ArrowReaderOptions::new().with_schema(Arc::new(Schema::new(read_as)));
        let reader = guarded(|| ArrowReaderMetadata::try_new(Arc::clone(metadata), options))
            .map_err(|error| CurError::bad_schema(name, &error))?;
        let found = Self { reader, positions };
        let all = found.projection(|_| true);
        footer::check_codecs(name, metadata, |leaf| all.leaf_included(leaf))?;
        footer::check_overlap(name, metadata, |leaf| all.leaf_included(leaf))?;
        Ok(found)
    }

    /// Those of the planned columns that are `asked` for.
    pub(crate) fn projection(&self, asked: impl Fn(&str) -> bool) -> ProjectionMask {
        let positions = self.positions.iter().filter(|(column, _)| asked(column)).map(|(_, position)| *position);
        ProjectionMask::roots(self.reader.parquet_schema(), positions)
    }

    /// The planned columns, each with its place among the file's.
    pub(crate) fn positions(&self) -> impl Iterator<Item = (&str, usize)> {
        self.positions.iter().map(|(column, position)| (column.as_str(), *position))
    }

    /// How many row groups the chunk has.
    pub(crate) fn row_groups(&self) -> usize {
        self.reader.metadata().num_row_groups()
    }

    pub(crate) fn chunks_of(&self, row_group: usize) -> &[ColumnChunkMetaData] {
        self.reader.metadata().row_groups().get(row_group).map_or(&[], RowGroupMetaData::columns)
    }

    /// How many rows a row group has; the footer was checked.
    pub(crate) fn rows_of(&self, row_group: usize) -> usize {
        let group = self.reader.metadata().row_groups().get(row_group);
        group.and_then(|group| usize::try_from(group.num_rows()).ok()).unwrap_or(0)
    }
}

/// The physical types of the columns that are no groups.
fn physical_types(metadata: &ParquetMetaData) -> HashMap<&str, PhysicalType> {
    let root = metadata.file_metadata().schema_descr().root_schema();
    let primitive = root.get_fields().iter().filter(|field| field.is_primitive());
    primitive.map(|field| (field.name(), field.get_physical_type())).collect()
}

/// The type to read a column in, if it is one that `kind` may have.
fn read_type(inferred: &DataType, physical: Option<PhysicalType>, kind: Kind) -> Option<DataType> {
    match (kind, inferred) {
        (Kind::Text, DataType::Utf8 | DataType::Binary) if physical == Some(PhysicalType::BYTE_ARRAY) => {
            Some(dictionary())
        }
        (Kind::Number, DataType::Float64) => Some(DataType::Float64),
        // 96 bits of nanoseconds reach further than 64 do; in seconds they all fit.
        (Kind::Time, DataType::Timestamp(..)) if physical == Some(PhysicalType::INT96) => {
            Some(DataType::Timestamp(TimeUnit::Second, None))
        }
        (Kind::Time, DataType::Timestamp(..)) => Some(inferred.clone()),
        (Kind::TextMap, DataType::Map(entries, sorted)) => {
            Some(DataType::Map(with_data_type(entries, text_entries(entries.data_type())?), *sorted))
        }
        (Kind::TextMap, DataType::List(entries)) => {
            Some(DataType::List(with_data_type(entries, text_entries(entries.data_type())?)))
        }
        _ => None,
    }
}

/// A map's entries with both texts as dictionaries, if they are two texts.
fn text_entries(entries: &DataType) -> Option<DataType> {
    let DataType::Struct(fields) = entries else { return None };
    let is_text = |field: &FieldRef| matches!(field.data_type(), DataType::Utf8 | DataType::Binary);
    let two_texts = fields.len() == 2 && fields.iter().all(is_text);
    two_texts.then(|| DataType::Struct(fields.iter().map(|field| with_data_type(field, dictionary())).collect()))
}

fn with_data_type(field: &Field, data_type: DataType) -> FieldRef {
    Arc::new(field.clone().with_data_type(data_type))
}

/// A bill repeats few texts in very many rows: as a dictionary, each is looked at once.
fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn describe(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text (BYTE_ARRAY)",
        Kind::Number => "a double (DOUBLE)",
        Kind::Time => "a timestamp (INT96, or INT64 with a unit)",
        Kind::TextMap => "a map from text to text",
        Kind::NumberMap => "a map from text to doubles",
    }
}

/// A type as manifests spell it, else as the decoder does.
pub(crate) fn spelled(data_type: &DataType) -> String {
    let known = match data_type {
        DataType::Utf8 | DataType::Binary => Kind::Text,
        DataType::Float64 => Kind::Number,
        DataType::Timestamp(..) => Kind::Time,
        DataType::Map(entries, _) | DataType::List(entries) => match entries.data_type() {
            DataType::Struct(fields) => match fields.get(1).map(|value| value.data_type()) {
                Some(DataType::Utf8 | DataType::Binary) => Kind::TextMap,
                Some(DataType::Float64) => Kind::NumberMap,
                _ => return data_type.to_string(),
            },
            _ => return data_type.to_string(),
        },
        _ => return data_type.to_string(),
    };
    known.as_str().to_owned()
}
