//! Which columns a reduction needs, and how a chunk has them: found by name, of the type that CUR 2.0 gives them.

pub(crate) mod other_tables;
pub(crate) mod plan;
pub mod schema;
pub(crate) mod tag_sources;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Schema, TimeUnit};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::basic::Type as PhysicalType;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use spend_core::bill::bedrock_line::Rule;
use spend_core::bill::line::{LineField, PRINCIPAL_COLUMN};

use crate::columns::plan::Plan;
use crate::columns::schema::Kind;
use crate::error::{CurError, shown};
use crate::parquet_file::footer;
use crate::parquet_file::guard::guarded;

pub(crate) const UNBLENDED_COST: &str = "line_item_unblended_cost";
pub(crate) const NET_UNBLENDED_COST: &str = "line_item_net_unblended_cost";
pub(crate) const LIST_COST: &str = "pricing_public_on_demand_cost";
pub(crate) const USAGE_AMOUNT: &str = "line_item_usage_amount";
pub(crate) const USAGE_START: &str = "line_item_usage_start_date";
pub(crate) const USAGE_END: &str = "line_item_usage_end_date";
pub(crate) const PERIOD_START: &str = "bill_billing_period_start_date";
pub(crate) const INVOICE_ID: &str = "bill_invoice_id";
pub(crate) const LINE_ITEM_TYPE: &str = "line_item_line_item_type";
pub(crate) const PRODUCT_CODE: &str = "line_item_product_code";
pub(crate) const CURRENCY: &str = "line_item_currency_code";
pub(crate) const PRODUCT: &str = "product";
pub(crate) const TAGS: &str = "tags";
pub(crate) const RESOURCE_TAGS: &str = "resource_tags";
pub(crate) const COST_CATEGORY: &str = "cost_category";
const SERVICE_CODE: &str = "product_servicecode";
const PRODUCT_FAMILY: &str = "product_product_family";
const OPERATION: &str = "line_item_operation";
const RESOURCE_ID: &str = "line_item_resource_id";

/// Without these no cost can be counted.
pub(crate) const REQUIRED: [&str; 5] = [UNBLENDED_COST, LINE_ITEM_TYPE, PRODUCT_CODE, USAGE_START, CURRENCY];

/// The columns that are looked for besides those of [`field_column`] and [`rule_column`].
const OTHERS: [&str; 8] =
    [UNBLENDED_COST, NET_UNBLENDED_COST, LIST_COST, USAGE_AMOUNT, USAGE_START, USAGE_END, PERIOD_START, INVOICE_ID];

/// The column that a field of a bill line is read from; of a map the column, not the key.
pub(crate) fn field_column(field: LineField) -> &'static str {
    match field {
        LineField::PayerAccountId => "bill_payer_account_id",
        LineField::AccountId => "line_item_usage_account_id",
        LineField::Principal => PRINCIPAL_COLUMN,
        LineField::BillType => "bill_bill_type",
        LineField::BillingEntity => "bill_billing_entity",
        LineField::LineItemType => LINE_ITEM_TYPE,
        LineField::ProductCode => PRODUCT_CODE,
        LineField::ServiceCode => SERVICE_CODE,
        LineField::ProductName
        | LineField::Provider
        | LineField::Model
        | LineField::InferenceType
        | LineField::Feature => PRODUCT,
        LineField::UsageType => "line_item_usage_type",
        LineField::Operation => OPERATION,
        LineField::Resource => RESOURCE_ID,
        LineField::Region => "product_region_code",
        LineField::PricingUnit => "pricing_unit",
        LineField::Currency => CURRENCY,
    }
}

/// The column that a rule looks at.
pub(crate) fn rule_column(rule: Rule) -> &'static str {
    match rule {
        Rule::ProductFamily => PRODUCT_FAMILY,
        Rule::ProductCode => PRODUCT_CODE,
        Rule::ServiceCode => SERVICE_CODE,
        Rule::ProductName => PRODUCT,
        Rule::Operation => OPERATION,
        Rule::Resource => RESOURCE_ID,
        Rule::Principal => PRINCIPAL_COLUMN,
    }
}

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
    guarded(|| ArrowReaderMetadata::try_new(Arc::clone(metadata), options)).map_err(|error| bad_schema(name, &error))
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
                return Err(twice(name, column));
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
            .map_err(|error| bad_schema(name, &error))?;
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

/// A column that is there twice: which of them counts?
pub(crate) fn twice(name: &str, column: &str) -> CurError {
    bad_schema(name, &format!("column {} is there twice", shown(column)))
}

fn bad_schema(name: &str, error: &str) -> CurError {
    CurError::Corrupt { file: name.to_owned(), row_group: None, reason: format!("its schema: {error}") }
}

/// Every column that is looked for, once.
pub(crate) fn wanted() -> BTreeSet<&'static str> {
    let fields = LineField::ALL.into_iter().map(field_column);
    let rules = Rule::ALL.into_iter().map(rule_column);
    fields.chain(rules).chain(OTHERS).chain([TAGS]).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_export_that_the_template_creates_has_the_columns_that_are_read_and_no_other() {
        let template = include_str!("../../../infra/template.yaml");
        let (_, query) = template.split_once(" SELECT\n").unwrap();
        let (columns, _) = query.split_once(" FROM COST_AND_USAGE_REPORT").unwrap();
        let columns: Vec<_> = columns.split(',').map(str::trim).collect();
        assert_eq!(columns, wanted().into_iter().collect::<Vec<_>>());
    }
}
