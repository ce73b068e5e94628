//! The facts file: the ledger's rows as Parquet, for Athena, `DuckDB` and everybody else.
//!
//! Written column by column, without Arrow: its writer brings what turns any array into columns, a fifth of the function
//! that writes these.

use std::iter;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{
    ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int32Type, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::SerializedFileReader;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use spend_core::facts::fact::{Fact, FactField, FactTable};
use spend_core::money::decimal::Decimal;
use spend_core::table::tags::Tags;
use spend_ledger::build;
use spend_ledger::state::period::PeriodState;

/// How costs and tokens are written: `decimal(38,18)`, a number of 128 bits.
const DECIMAL: &str = "FIXED_LEN_BYTE_ARRAY (16)";
const DECIMAL_DIGITS: &str = "(DECIMAL(38,18))";

/// Rows of a group, which is what readers share work by.
const GROUP: usize = 1 << 20;
/// Rows that are handed to the writer at once.
const BATCH: usize = 1 << 12;

/// The file's own metadata: the format of the columns, and whose rows these are.
const FORMAT_KEY: &str = "bedrock-ledger.format";
/// The format of the columns, with its version.
pub const FORMAT: &str = "facts/2";
const DELIVERY_KEY: &str = "bedrock-ledger.delivery_id";
const REVISION_KEY: &str = "bedrock-ledger.revision";
const DERIVATION_KEY: &str = "bedrock-ledger.derivation";

/// Fields whose absence is null in the file; in the others it is the empty string.
const NULLABLE: [FactField; 2] = [FactField::Principal, FactField::UnattributedReason];

/// Whose rows a facts file holds. It does not depend on the deliveries before: what they were shows in the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactsOf {
    pub delivery_id: String,
    /// How often it was derived again, see [`spend_ledger::state::commit::AppliedDelivery::revision`].
    pub revision: u64,
    /// What of the configuration they were derived with, see [`PeriodState::derivation`].
    pub derivation: String,
}

impl FactsOf {
    /// What the facts in `state` are of.
    pub fn state(state: &PeriodState) -> Option<Self> {
        let current = state.current()?;
        let (delivery_id, derivation) = (current.delivery_id.clone(), state.derivation.clone());
        Some(Self { delivery_id, revision: current.revision, derivation })
    }
}

/// The facts as a Parquet file. Within one build equal facts give equal bytes where `of` is equal.
///
/// # Errors
///
/// What the Parquet writer says.
pub fn write(facts: &FactTable, of: &FactsOf) -> Result<Bytes, ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by(build::as_creator())
        .set_key_value_metadata(Some(vec![
            KeyValue::new(FORMAT_KEY.to_owned(), FORMAT.to_owned()),
            KeyValue::new(DELIVERY_KEY.to_owned(), of.delivery_id.clone()),
            KeyValue::new(REVISION_KEY.to_owned(), of.revision.to_string()),
            KeyValue::new(DERIVATION_KEY.to_owned(), of.derivation.clone()),
        ]))
        .build();
    let schema = Arc::new(parse_message_type(&schema())?);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    for first in (0..facts.len()).step_by(GROUP) {
        let rows = first..facts.len().min(first + GROUP);
        let mut columns = Columns { group: writer.next_row_group()?, facts, rows };
        columns.required::<Int32Type>(|fact| fact.day().to_epoch_days())?;
        for field in FactField::ALL {
            if NULLABLE.contains(&field) {
                columns
                    .optional::<ByteArrayType>(|fact| Some(fact.get(field)).filter(|it| !it.is_empty()).map(text))?;
            } else {
                columns.required::<ByteArrayType>(|fact| text(fact.get(field)))?;
            }
        }
        columns.tags()?;
        columns.required::<DoubleType>(|fact| fact.usage_amount().to_f64())?;
        columns.optional::<FixedLenByteArrayType>(|fact| fact.tokens().map(decimal))?;
        columns.required::<FixedLenByteArrayType>(|fact| decimal(fact.unblended_cost()))?;
        columns.required::<FixedLenByteArrayType>(|fact| decimal(fact.net_unblended_cost()))?;
        columns.optional::<FixedLenByteArrayType>(|fact| fact.list_cost().map(decimal))?;
        columns.required::<Int64Type>(|fact| count(fact.line_items()))?;
        columns.required::<Int64Type>(|fact| count(fact.lines_without_net()))?;
        columns.group.close()?;
    }
    Ok(Bytes::from(writer.into_inner()?))
}

/// The columns, in their order, as the Parquet specification writes them.
fn schema() -> String {
    let field = |field: FactField| {
        let repetition = if NULLABLE.contains(&field) { "OPTIONAL" } else { "REQUIRED" };
        format!("{repetition} BYTE_ARRAY {} (STRING);\n", field.as_str())
    };
    let fields: String = FactField::ALL.into_iter().map(field).collect();
    // The parts of a map have these names (LogicalTypes.md, "Maps"): there are readers that ask.
    format!(
        "message facts {{
            REQUIRED INT32 usage_date (DATE);
            {fields}
            REQUIRED GROUP tags (MAP) {{
                REPEATED GROUP key_value {{
                    REQUIRED BYTE_ARRAY key (STRING);
                    OPTIONAL BYTE_ARRAY value (STRING);
                }}
            }}
            REQUIRED DOUBLE usage_amount;
            OPTIONAL {DECIMAL} tokens {DECIMAL_DIGITS};
            REQUIRED {DECIMAL} unblended_cost {DECIMAL_DIGITS};
            REQUIRED {DECIMAL} net_unblended_cost {DECIMAL_DIGITS};
            OPTIONAL {DECIMAL} list_cost {DECIMAL_DIGITS};
            REQUIRED INT64 line_items;
            REQUIRED INT64 lines_without_net;
        }}"
    )
}

/// Writes one column after the other, in the order of the schema.
struct Columns<'a> {
    group: SerializedRowGroupWriter<'a, Vec<u8>>,
    facts: &'a FactTable,
    /// Those of the group.
    rows: Range<usize>,
}

impl<'a> Columns<'a> {
    fn next(&mut self) -> Result<SerializedColumnWriter<'_>, ParquetError> {
        let none = || ParquetError::General("there are more values than columns".to_owned());
        self.group.next_column()?.ok_or_else(none)
    }

    /// A column where each row has a value.
    fn required<T: DataType>(&mut self, value: impl Fn(Fact<'_>) -> T::T) -> Result<(), ParquetError> {
        let (facts, rows) = (self.facts, self.rows.clone());
        let mut column = self.next()?;
        for batch in batches(rows) {
            let values: Vec<_> = batch.map(|row| value(facts.row(row))).collect();
            column.typed::<T>().write_batch(&values, None, None)?;
        }
        column.close()
    }

    /// A column where a row may have none: its definition level says which.
    fn optional<T: DataType>(&mut self, value: impl Fn(Fact<'_>) -> Option<T::T>) -> Result<(), ParquetError> {
        let (facts, rows) = (self.facts, self.rows.clone());
        let mut column = self.next()?;
        for batch in batches(rows) {
            let values: Vec<_> = batch.map(|row| value(facts.row(row))).collect();
            let defined: Vec<_> = values.iter().map(|value| i16::from(value.is_some())).collect();
            let values: Vec<_> = values.into_iter().flatten().collect();
            column.typed::<T>().write_batch(&values, Some(&defined), None)?;
        }
        column.close()
    }

    /// The two columns of the map of tags.
    fn tags(&mut self) -> Result<(), ParquetError> {
        self.part_of_tags(1, Tags::keys)?;
        self.part_of_tags(2, Tags::values)
    }

    /// A row without tags stands there once, undefined; of any other, each tag after the first repeats the row. `defined`
    /// is the definition level of a part that is there: a value could be missing where its key is not.
    fn part_of_tags<P>(&mut self, defined: i16, part: impl Fn(&'a Tags) -> P) -> Result<(), ParquetError>
    where
        P: Iterator<Item = &'a Arc<str>>,
    {
        let (facts, rows) = (self.facts, self.rows.clone());
        let mut column = self.next()?;
        for batch in batches(rows) {
            let (mut values, mut definitions, mut repetitions) = (Vec::new(), Vec::new(), Vec::new());
            for fact in batch.map(|row| facts.row(row)) {
                let before = values.len();
                values.extend(part(fact.tags()).map(|part| text(part)));
                let tags = values.len() - before;
                definitions.extend(iter::repeat_n(if tags == 0 { 0 } else { defined }, tags.max(1)));
                repetitions.push(0);
                repetitions.extend(iter::repeat_n(1, tags.saturating_sub(1)));
            }
            column.typed::<ByteArrayType>().write_batch(&values, Some(&definitions), Some(&repetitions))?;
        }
        column.close()
    }
}

fn batches(rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    rows.clone().step_by(BATCH).map(move |first| first..rows.end.min(first + BATCH))
}

fn text(text: &str) -> ByteArray {
    ByteArray::from(text)
}

/// Two's complement, the highest byte first.
fn decimal(decimal: Decimal) -> FixedLenByteArray {
    FixedLenByteArray::from(decimal.units().to_be_bytes().to_vec())
}

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Whose facts a file holds, or `None` if it is no facts file of this format.
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

#[cfg(test)]
mod tests;
