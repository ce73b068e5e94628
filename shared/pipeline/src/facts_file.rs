//! The facts file: the ledger's rows as Parquet, for Athena, `DuckDB` and everybody else.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, MapBuilder, MapFieldNames, RecordBatch,
    StringArray, StringBuilder,
};
use arrow::datatypes::{Field, Schema};
use bytes::Bytes;
use chrono::NaiveDate;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use spend_core::decimal::Decimal;
use spend_core::fact::{Fact, FactField};
use spend_ledger::state::PeriodState;

/// Precision of the cost columns: `decimal(38,18)`.
const PRECISION: u8 = 38;
const SCALE: i8 = 18;

/// The file's own metadata: the format of the columns, and whose rows these are.
const FORMAT_KEY: &str = "bedrock-ledger.format";
const FORMAT: &str = "facts/1";
const DELIVERY_KEY: &str = "bedrock-ledger.delivery_id";
const REVISION_KEY: &str = "bedrock-ledger.revision";
const DERIVATION_KEY: &str = "bedrock-ledger.derivation";

/// Fields whose absence is null in the file; in the others it is the empty string.
const NULLABLE: [FactField; 2] = [FactField::Principal, FactField::UnattributedReason];

/// Whose rows a facts file holds. It does not depend on the deliveries before: what they were shows in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactsOf {
    /// The delivery.
    pub delivery_id: String,
    /// How often it was derived again, see [`spend_ledger::state::AppliedDelivery::revision`].
    pub revision: u64,
    /// What of the configuration they were derived with, see [`PeriodState::derivation`].
    pub derivation: String,
}

impl FactsOf {
    /// What the facts in `state` are of.
    #[must_use]
    pub fn state(state: &PeriodState) -> Option<Self> {
        let current = state.current()?;
        let (delivery_id, derivation) = (current.delivery_id.clone(), state.derivation.clone());
        Some(Self { delivery_id, revision: current.revision, derivation })
    }
}

/// The facts as a Parquet file. Equal facts give equal bytes where `of` is equal.
///
/// # Errors
///
/// What the Parquet writer says.
pub fn write(facts: &[Fact], of: &FactsOf) -> Result<Bytes, ParquetError> {
    let batch = batch(facts)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("bedrock-ledger".to_owned())
        .set_key_value_metadata(Some(vec![
            KeyValue::new(FORMAT_KEY.to_owned(), FORMAT.to_owned()),
            KeyValue::new(DELIVERY_KEY.to_owned(), of.delivery_id.clone()),
            KeyValue::new(REVISION_KEY.to_owned(), of.revision.to_string()),
            KeyValue::new(DERIVATION_KEY.to_owned(), of.derivation.clone()),
        ]))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(Bytes::from(bytes))
}

/// Whose facts a file holds, or `None` if it is no facts file of this format.
#[must_use]
pub fn facts_of(file: &Bytes) -> Option<FactsOf> {
    let reader = SerializedFileReader::new(file.clone()).ok()?;
    let metadata = reader.metadata().file_metadata().key_value_metadata()?;
    let value = |key: &str| metadata.iter().find(|entry| entry.key == key).and_then(|entry| entry.value.clone());
    value(FORMAT_KEY).filter(|format| format == FORMAT)?;
    Some(FactsOf {
        delivery_id: value(DELIVERY_KEY)?,
        revision: value(REVISION_KEY)?.parse().ok()?,
        derivation: value(DERIVATION_KEY)?,
    })
}

fn batch(facts: &[Fact]) -> Result<RecordBatch, ParquetError> {
    let mut columns: Vec<(&str, ArrayRef, bool)> = vec![("usage_date", Arc::new(usage_dates(facts)), false)];
    for field in FactField::ALL {
        let nullable = NULLABLE.contains(&field);
        let text = |fact: &'_ Fact| Some(fact.key.get(field).to_owned()).filter(|text| !(nullable && text.is_empty()));
        columns.push((field.name(), Arc::new(facts.iter().map(text).collect::<StringArray>()), nullable));
    }
    columns.push(("tags", tags(facts)?, false));
    let amounts = facts.iter().map(|fact| fact.measures.usage_amount.to_f64());
    columns.push(("usage_amount", Arc::new(amounts.map(Some).collect::<Float64Array>()), false));
    columns.push(("tokens", decimals(facts, |fact| fact.measures.tokens)?, true));
    columns.push(("unblended_cost", decimals(facts, |fact| Some(fact.measures.unblended_cost))?, false));
    columns.push(("net_unblended_cost", decimals(facts, |fact| Some(fact.measures.net_unblended_cost))?, false));
    columns.push(("list_cost", decimals(facts, |fact| fact.measures.list_cost)?, true));
    columns.push(("line_items", counts(facts, |fact| fact.measures.line_items), false));
    columns.push(("lines_without_net", counts(facts, |fact| fact.measures.lines_without_net), false));
    let schema: Vec<Field> =
        columns.iter().map(|(name, array, nullable)| Field::new(*name, array.data_type().clone(), *nullable)).collect();
    let arrays = columns.into_iter().map(|(_, array, _)| array).collect();
    Ok(RecordBatch::try_new(Arc::new(Schema::new(schema)), arrays)?)
}

fn usage_dates(facts: &[Fact]) -> Date32Array {
    let days = |day: NaiveDate| i32::try_from(day.signed_duration_since(NaiveDate::default()).num_days()).ok();
    facts.iter().map(|fact| days(fact.key.usage_date)).collect()
}

fn tags(facts: &[Fact]) -> Result<ArrayRef, ParquetError> {
    // As the Parquet specification names the parts of a map (LogicalTypes.md, "Maps"): there are readers that ask.
    let [entry, key, value] = ["key_value", "key", "value"].map(str::to_owned);
    let names = MapFieldNames { entry, key, value };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for fact in facts {
        for (key, value) in fact.key.tags.iter() {
            builder.keys().append_value(key);
            builder.values().append_value(value);
        }
        builder.append(true)?;
    }
    Ok(Arc::new(builder.finish()))
}

fn decimals(facts: &[Fact], value: impl Fn(&Fact) -> Option<Decimal>) -> Result<ArrayRef, ParquetError> {
    let units: Decimal128Array = facts.iter().map(|fact| value(fact).map(Decimal::units)).collect();
    Ok(Arc::new(units.with_precision_and_scale(PRECISION, SCALE)?))
}

fn counts(facts: &[Fact], value: impl Fn(&Fact) -> u64) -> ArrayRef {
    let signed = |fact| Some(i64::try_from(value(fact)).unwrap_or(i64::MAX));
    Arc::new(facts.iter().map(signed).collect::<Int64Array>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_map_of_tags_has_the_names_of_the_parquet_specification() {
        let of = FactsOf { delivery_id: "d".to_owned(), revision: 0, derivation: String::new() };
        let reader = SerializedFileReader::new(write(&[], &of).unwrap()).unwrap();
        let schema = reader.metadata().file_metadata().schema_descr();
        let paths: Vec<_> = schema.columns().iter().map(|column| column.path().string()).collect();
        let tags: Vec<_> = paths.iter().filter(|path| path.starts_with("tags")).collect();
        assert_eq!(tags, ["tags.key_value.key", "tags.key_value.value"]);
    }
}
