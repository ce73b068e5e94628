//! The facts file: the ledger's rows as Parquet, for Athena, `DuckDB` and everybody else.
//!
//! Written column by column, from the codes of the table: the Parquet crate's own writers take each value by itself, and
//! would look up again which values are equal. Without Arrow too: its writer brings what turns any array into columns, a
//! fifth of the function that writes these.
//!
//! - `hybrid`: numbers as runs and bits; `chunk`: a column's pages, and what is said of them;
//! - `coded`: columns of values that repeat; `tags`: the map; `amounts`: columns of amounts.

mod amounts;
mod chunk;
mod coded;
mod hybrid;
mod tags;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use chrono::NaiveDate;
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{FileMetaData, KeyValue, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use spend_core::facts::fact::{FactField, FactTable};
use spend_core::table::coded::Coded;
use spend_core::table::codes::Codes;
use spend_core::table::decimals::{Decimals, OptionalDecimals};
use spend_core::table::tags::Tags;
use spend_ledger::build;
use spend_ledger::state::period::PeriodState;

use crate::period::facts_file::amounts::Form;
use crate::period::facts_file::chunk::ChunkWriter;
use crate::period::facts_file::coded::{Days, Texts};

/// How costs and tokens are written: `decimal(38,18)`, a number of 128 bits.
const DECIMAL: &str = "FIXED_LEN_BYTE_ARRAY (16)";
const DECIMAL_DIGITS: &str = "(DECIMAL(38,18))";

/// Rows of a group, which is what readers share work by.
const GROUP: usize = 1 << 20;
/// Rows of a page, which is what a reader that looks for a day can leave out.
const PAGE: usize = 20_000;

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
    write_in(facts, of, GROUP, PAGE)
}

/// The same with other groups and pages.
fn write_in(facts: &FactTable, of: &FactsOf, group: usize, page: usize) -> Result<Bytes, ParquetError> {
    let properties = WriterProperties::builder()
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
    let columns = writer.schema_descr().columns().to_vec();
    let mut compressor = chunk::compressor()?;
    for rows in split(0..facts.len(), group) {
        let pages: Vec<_> = split(rows, page).collect();
        let mut group = writer.next_row_group()?;
        for (column, values) in columns.iter().zip(self::columns(facts)) {
            let (bytes, close) = values.write(ChunkWriter::new(Arc::clone(column), &mut compressor), &pages)?;
            group.append_column(&bytes, close)?;
        }
        group.close()?;
    }
    Ok(Bytes::from(writer.into_inner()?))
}

/// Parts of `rows` of `most` rows each; the last may have fewer.
fn split(rows: Range<usize>, most: usize) -> impl Iterator<Item = Range<usize>> {
    rows.clone().step_by(most).map(move |first| first..rows.end.min(first + most))
}

/// Where a column's values are.
enum Column<'a> {
    Days(&'a Coded<NaiveDate>),
    Texts { texts: &'a Coded<Arc<str>>, is_nullable: bool },
    TagKeys(&'a Coded<Arc<Tags>>),
    TagValues(&'a Coded<Arc<Tags>>),
    Amounts { form: Form, amounts: &'a Decimals },
    OptionalAmounts(&'a OptionalDecimals),
    Counts(&'a Codes),
}

/// The columns of the file, in the order of the schema.
fn columns(facts: &FactTable) -> Vec<Column<'_>> {
    let sums = facts.sums();
    let texts = |field| {
        let is_nullable = NULLABLE.contains(&field);
        facts.texts(field).map(|texts| Column::Texts { texts, is_nullable })
    };
    let exact = |amounts| Column::Amounts { form: Form::Exact, amounts };
    let mut columns = vec![Column::Days(facts.days())];
    columns.extend(FactField::ALL.into_iter().filter_map(texts));
    columns.extend([
        Column::TagKeys(facts.tags()),
        Column::TagValues(facts.tags()),
        Column::Amounts { form: Form::Double, amounts: &sums.usage_amount },
        Column::OptionalAmounts(&sums.tokens),
        exact(&sums.unblended_cost),
        exact(&sums.net_unblended_cost),
        Column::OptionalAmounts(&sums.list_cost),
        Column::Counts(&sums.line_items),
        Column::Counts(&sums.lines_without_net),
    ]);
    columns
}

impl Column<'_> {
    /// The column chunk of the rows of these pages.
    fn write(
        &self,
        chunk: ChunkWriter<'_>,
        pages: &[Range<usize>],
    ) -> Result<(Bytes, ColumnCloseResult), ParquetError> {
        match self {
            Self::Days(days) => coded::write(chunk, &Days(&days.values), &days.codes, pages),
            Self::Texts { texts, is_nullable } => {
                let coding = Texts { values: &texts.values, is_nullable: *is_nullable };
                coded::write(chunk, &coding, &texts.codes, pages)
            }
            Self::TagKeys(tags) => tags::write(chunk, tags, pages, 1, Tags::keys),
            Self::TagValues(tags) => tags::write(chunk, tags, pages, 2, Tags::values),
            Self::Amounts { form, amounts } => amounts::write(chunk, *form, amounts, None, pages),
            Self::OptionalAmounts(OptionalDecimals { decimals, present }) => {
                amounts::write(chunk, Form::Exact, decimals, Some(present), pages)
            }
            Self::Counts(counts) => coded::write_counts(chunk, counts, pages),
        }
    }
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

/// What the end of a file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    /// Whose facts the file holds.
    Facts(FactsOf),
    /// It is no facts file of this format.
    Other,
    /// So many of the last bytes are needed to tell.
    Needed(usize),
}

/// What the last bytes of a file of `size` bytes say.
pub(crate) fn tail(tail: &Bytes, size: u64) -> Tail {
    let mut reader = ParquetMetaDataReader::new();
    match reader.try_parse_sized(tail, size) {
        Err(ParquetError::NeedMoreData(needed)) => return Tail::Needed(needed),
        Err(_) => return Tail::Other,
        Ok(()) => {}
    }
    let of = reader.finish().ok().and_then(|footer| said(footer.file_metadata()));
    of.map_or(Tail::Other, Tail::Facts)
}

fn said(metadata: &FileMetaData) -> Option<FactsOf> {
    let metadata = metadata.key_value_metadata()?;
    let value = |key: &str| metadata.iter().find(|entry| entry.key == key).and_then(|entry| entry.value.clone());
    value(FORMAT_KEY).filter(|format| format == FORMAT)?;
    Some(FactsOf {
        delivery_id: value(DELIVERY_KEY)?,
        revision: value(REVISION_KEY)?.parse().ok()?,
        derivation: value(DERIVATION_KEY)?,
    })
}

/// Whose facts a file holds, or `None` if it is no facts file of this format.
pub fn facts_of(file: &Bytes) -> Option<FactsOf> {
    match tail(file, file.len() as u64) {
        Tail::Facts(of) => Some(of),
        Tail::Other | Tail::Needed(_) => None,
    }
}

#[cfg(test)]
mod tests;
