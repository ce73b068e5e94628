//! Where the columns that are read lie among the leaves of a file, and how their values are stored.

use arrow::datatypes::{DataType, Schema, TimeUnit};
use parquet::basic::{Repetition, Type as PhysicalType};
use parquet::schema::types::{SchemaDescriptor, Type};

use crate::parquet_file::direct::leaf::Shape;
use crate::parquet_file::direct::values::Physical;

/// A column.
pub(crate) struct Root {
    pub(crate) name: String,
    pub(crate) stored: Stored,
}

/// How a column is stored.
pub(crate) enum Stored {
    /// One value for each row.
    Values { leaf: usize, physical: Physical },
    /// Maps, or lists of entries.
    Maps {
        key: usize,
        value: usize,
        shape: Shape,
        /// Whether an entry may lack its key.
        keys_may_lack: bool,
        /// What the library reads it as.
        data_type: DataType,
    },
}

impl Root {
    pub(crate) fn leaves(&self) -> impl Iterator<Item = usize> + use<> {
        let (first, second) = match &self.stored {
            Stored::Values { leaf, .. } => (*leaf, None),
            Stored::Maps { key, value, .. } => (*key, Some(*value)),
        };
        std::iter::once(first).chain(second)
    }
}

/// The columns at `positions` of a file, of which the library reads each as `schema` says; `None` if one of them is stored in
/// a way that is not read here.
pub(crate) fn roots<'a>(
    positions: impl Iterator<Item = (&'a str, usize)>,
    schema: &Schema,
    parquet: &SchemaDescriptor,
) -> Option<Vec<Root>> {
    let mut roots: Vec<Root> =
        positions.map(|(name, position)| root(name, position, schema, parquet)).collect::<Option<_>>()?;
    roots.sort_unstable_by_key(|root| root.leaves().next());
    Some(roots)
}

fn root(name: &str, position: usize, schema: &Schema, parquet: &SchemaDescriptor) -> Option<Root> {
    let leaves: Vec<usize> =
        (0..parquet.num_columns()).filter(|leaf| parquet.get_column_root_idx(*leaf) == position).collect();
    let data_type = schema.fields().get(position)?.data_type();
    let stored = match (leaves.as_slice(), data_type) {
        ([leaf], data_type) => {
            let column = parquet.column(*leaf);
            let physical = match (column.physical_type(), data_type) {
                (PhysicalType::BYTE_ARRAY, DataType::Dictionary(..)) => Physical::Text,
                (PhysicalType::DOUBLE, DataType::Float64) => Physical::Double,
                (PhysicalType::INT96, DataType::Timestamp(..)) => Physical::Int96,
                (PhysicalType::INT64, DataType::Timestamp(unit, _)) => Physical::Time(match unit {
                    TimeUnit::Second => 1,
                    TimeUnit::Millisecond => 1_000,
                    TimeUnit::Microsecond => 1_000_000,
                    TimeUnit::Nanosecond => 1_000_000_000,
                }),
                _ => return None,
            };
            (column.max_rep_level() == 0).then_some(Stored::Values { leaf: *leaf, physical })?
        }
        ([key, value], DataType::Map(..) | DataType::List(_)) => {
            let (keys, values) = (parquet.column(*key), parquet.column(*value));
            let is_fit = |column: &parquet::schema::types::ColumnDescriptor| {
                column.physical_type() == PhysicalType::BYTE_ARRAY && column.max_rep_level() == 1
            };
            let exists_from = exists_from(parquet.root_schema().get_fields().get(position)?)?;
            let is_map = matches!(data_type, DataType::Map(..));
            (is_fit(&keys) && is_fit(&values)).then(|| Stored::Maps {
                key: *key,
                value: *value,
                shape: Shape::Map { exists_from },
                keys_may_lack: !is_map,
                data_type: data_type.clone(),
            })?
        }
        _ => return None,
    };
    Some(Root { name: name.to_owned(), stored })
}

/// The level from which on a column of maps has an entry: that of the repeated group.
fn exists_from(root: &Type) -> Option<u32> {
    let (mut node, mut level) = (root, 0);
    loop {
        match node.get_basic_info().has_repetition().then(|| node.get_basic_info().repetition())? {
            Repetition::REPEATED => return Some(level + 1),
            Repetition::OPTIONAL => level += 1,
            Repetition::REQUIRED => {}
        }
        match node {
            Type::GroupType { fields, .. } if fields.len() == 1 => node = fields.first()?,
            _ => return None,
        }
    }
}
