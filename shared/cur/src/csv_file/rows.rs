//! Reading a chunk of gzipped text.
//!
//! Records that plainly are not Bedrock's are passed over: of them only the end is looked for, and the fields that tell. The
//! others are read, of a few thousand rows at a time, in the same two looks as Parquet: the columns that tell Bedrock rows
//! from others, then the rest of the columns for those rows alone. Memory holds one record and those rows.

use std::collections::HashSet;

use spend_core::bill::line::{KeptTags, ScanCounts};
use spend_core::calendar::period::BillingPeriod;
use spend_core::text::clean;

use crate::bytes::chunk_bytes::ChunkBytes;
use crate::bytes::describe::{ColumnInfo, Description, Format};
use crate::bytes::format::is_wrapped;
use crate::bytes::source::ChunkSource;
use crate::columns::plan::Plan;
use crate::columns::schema;
use crate::csv_file::batch::Pending;
use crate::csv_file::columns::CsvColumn;
use crate::csv_file::records::Records;
use crate::csv_file::telling::Telling;
use crate::error::CurError;
use crate::error::foreign::Foreign;
use crate::limits;
use crate::rows::receiver::Receiver;
use crate::rows::row_reader::{Found, RowReader};
use crate::rows::scan::Scan;

/// How much of a line that is no header is shown.
const SHOWN: usize = 40;

/// Hands every Bedrock row of the chunk to `receiver`.
pub(crate) async fn visit<S: ChunkSource>(
    chunk: &mut ChunkBytes<'_, S>,
    period: BillingPeriod,
    kept: &KeptTags,
    memory: u64,
    receiver: &mut impl Receiver,
) -> Result<ScanCounts, CurError> {
    visit_with(chunk, period, kept, memory, Telling::new, receiver).await
}

/// As [`visit`], passing over what `telling` says.
async fn visit_with<S: ChunkSource>(
    chunk: &mut ChunkBytes<'_, S>,
    period: BillingPeriod,
    kept: &KeptTags,
    memory: u64,
    telling: impl FnOnce(&Plan, &[CsvColumn], usize) -> Telling,
    receiver: &mut impl Receiver,
) -> Result<ScanCounts, CurError> {
    let name = chunk.name();
    let mut records = Records::new();
    // Surplus chunks of an earlier delivery are overwritten with empty ones, and may lack even the header.
    let Some((header, plan)) = header(chunk, &mut records, kept).await? else { return Ok(ScanCounts::default()) };
    plan.require(name)?;
    let columns = CsvColumn::planned(name, &header, &plan)?;
    let mut telling = telling(&plan, &columns, header.len());
    let mut reader = RowReader::new(name, period, &plan, memory);
    reader.held = limits::TEXT_BUFFERS;
    let mut pending = Pending::default();
    let mut rows = 0;
    loop {
        let is_passed = records.pass_over(chunk, &mut telling).await?;
        if !is_passed && !records.next(chunk).await? {
            break;
        }
        rows += 1;
        limits::check_rows(name, chunk.size(), rows)?;
        if is_passed {
            pending.pass_over();
        } else if records.fields() == header.len() {
            pending.push(&records, &columns);
        } else {
            let (found, line) = (records.fields(), records.line());
            let reason =
                format!("the record that begins on line {line} has {found} fields, the header {}", header.len());
            return Err(CurError::corrupt(name, None, reason));
        }
        if pending.is_full() {
            read(name, &mut pending, &columns, &plan, &mut reader, receiver)?;
            chunk.grow(reader.bytes()).await;
        }
    }
    read(name, &mut pending, &columns, &plan, &mut reader, receiver)?;
    Ok(reader.counts)
}

/// As [`visit`], every record read by `csv_core`: what passing over may not change.
#[cfg(test)]
pub(crate) async fn visit_all<S: ChunkSource>(
    chunk: &mut ChunkBytes<'_, S>,
    period: BillingPeriod,
    memory: u64,
    receiver: &mut impl Receiver,
) -> Result<ScanCounts, CurError> {
    // No record has so many fields.
    let none = |plan: &Plan, columns: &[CsvColumn], _| Telling::new(plan, columns, usize::MAX);
    visit_with(chunk, period, &KeptTags::default(), memory, none, receiver).await
}

/// Looks at the pending rows.
fn read(
    name: &str,
    pending: &mut Pending,
    columns: &[CsvColumn],
    plan: &Plan,
    reader: &mut RowReader<'_>,
    receiver: &mut impl Receiver,
) -> Result<(), CurError> {
    let corrupt = |reason| CurError::corrupt(name, None, reason);
    reader.counts.rows += pending.passed() as u64;
    let all: Vec<_> = (0..pending.rows()).collect();
    let mut scan = Scan::new(plan);
    scan.test(&pending.batch(name, columns, |column| plan.tells(column), &all)?).map_err(corrupt)?;
    scan.count_into(&mut reader.counts);
    let selected: Vec<_> = scan.selected_rows().map(|(row, _)| row).collect();
    if !selected.is_empty() {
        let batch = pending.batch(name, columns, |_| true, &selected)?;
        let mut found = scan.selected_rows().map(|(row, rules)| Found { place: pending.place(row), rules });
        reader.read(&batch, None, &mut found, receiver)?;
    }
    pending.clear();
    Ok(())
}

/// Says what the chunk is by its header alone.
pub(crate) async fn describe<S: ChunkSource>(chunk: &mut ChunkBytes<'_, S>) -> Result<Description, CurError> {
    let mut records = Records::new();
    let found = header(chunk, &mut records, &KeptTags::default()).await?;
    let columns = found.into_iter().flat_map(|(header, plan)| {
        header.into_iter().map(move |name| ColumnInfo {
            is_read: plan.columns.contains_key(&name),
            name,
            kind: "text".to_owned(),
            compressed: None,
        })
    });
    Ok(Description {
        format: Format::Csv,
        rows: None,
        columns: columns.collect(),
        size: chunk.size(),
        created_by: None,
    })
}

/// The names of the columns and what is to be read of them; `None` if there is no line at all.
async fn header<S: ChunkSource>(
    chunk: &mut ChunkBytes<'_, S>,
    records: &mut Records,
    kept: &KeptTags,
) -> Result<Option<(Vec<String>, Plan)>, CurError> {
    if !records.next(chunk).await? {
        return Ok(None);
    }
    let name = chunk.name();
    let first = records.field(0);
    if is_wrapped(first) {
        return Err(CurError::NotAChunk { file: name.to_owned(), found: Foreign::Wrapped });
    }
    let text = |index| String::from_utf8_lossy(records.field(index)).trim_start_matches('\u{feff}').to_owned();
    let header: Vec<_> = (0..records.fields()).map(text).collect();
    let roots: HashSet<&str> = header.iter().map(String::as_str).collect();
    let plan = Plan::of(name, &roots, kept)?;
    if !roots.iter().any(|column| schema::column(column).is_some()) {
        let begins = header.join(",").chars().take(SHOWN).collect::<String>();
        let begins = clean(&begins).into_owned();
        return Err(CurError::NoHeader { file: name.to_owned(), begins });
    }
    Ok(Some((header, plan)))
}
