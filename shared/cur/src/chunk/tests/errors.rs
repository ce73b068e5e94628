//! What is refused, and what the refusal says.

use std::sync::atomic::{AtomicUsize, Ordering};

use spend_core::errors::class::Class;
use spend_core::errors::fault::Fault as _;

use super::*;
use crate::columns::names::{CURRENCY, NET_UNBLENDED_COST, PERIOD_START, UNBLENDED_COST, USAGE_START};

fn error(rows: &[Row], shape: &FileShape) -> (String, &'static str) {
    let error = reduce(file(rows, shape)).unwrap_err();
    assert_eq!(error.class(), Class::Operator);
    (error.to_string(), error.kind())
}

fn said(message: &str) -> String {
    format!("{NAME}: {message}")
}

fn alice() -> Row {
    call(3, "arn:aws:iam::444455556666:user/alice", 1.0)
}

#[test]
fn missing_columns_are_named_with_the_cure() {
    let cure = "or create the export with all columns";
    assert_eq!(
        error(&[alice()], &FileShape::default().without(&[UNBLENDED_COST])),
        (
            said(&format!("column line_item_unblended_cost is missing: add it to the export's query, {cure}")),
            "export.missing_column"
        )
    );
    let two = FileShape::default().without(&[USAGE_START, CURRENCY]);
    let columns = "columns line_item_usage_start_date, line_item_currency_code are missing";
    assert_eq!(error(&[], &two).0, said(&format!("{columns}: add them to the export's query, {cure}")));
}

#[test]
fn a_footer_that_lies_about_its_length_is_an_error() {
    let whole = file(&[alice()], &FileShape::default());
    for length in [0, 1, u32::try_from(whole.len()).unwrap(), 20_000_000, 100_000_000, u32::MAX] {
        let mut bytes = whole.clone();
        let end = bytes.len();
        bytes[end - 8..end - 4].copy_from_slice(&length.to_le_bytes());
        let error = reduce(bytes).unwrap_err();
        let kind = if length > 32 << 20 { "export.bomb" } else { "export.corrupt" };
        assert_eq!(error.kind(), kind, "{length}: {error}");
        assert!(error.to_string().contains("footer"), "{error}");
    }
}

#[test]
fn a_file_that_was_cut_off_says_so() {
    let whole = file(&bill(), &FileShape::default());
    let error = reduce(whole[..whole.len() - 20].to_vec()).unwrap_err();
    let cure = "copy the file again, or wait for the next delivery to replace it";
    let reason = "it begins as Parquet and ends without a footer, so it was cut off";
    assert_eq!(error.to_string(), said(&format!("corrupt: {reason}: {cure}")));
}

#[test]
fn bad_values_of_bedrock_rows_are_errors_with_their_place() {
    let cure = "the row cannot be counted; check what wrote the file, or report the line item to AWS Support";
    for (column, value, reason) in [
        (UNBLENDED_COST, Some(Value::Number(f64::NAN)), "cannot be added: NaN is not a finite number"),
        (NET_UNBLENDED_COST, Some(Value::Number(f64::INFINITY)), "cannot be added: inf is not a finite number"),
        (
            "line_item_usage_amount",
            Some(Value::Number(f64::NEG_INFINITY)),
            "cannot be added: -inf is not a finite number",
        ),
        (
            UNBLENDED_COST,
            Some(Value::Number(1e20)),
            "cannot be added: 100000000000000000000 is outside the range of decimal(38,18)",
        ),
        (USAGE_START, None, "is empty"),
        (CURRENCY, None, "is empty, but the row has a cost"),
    ] {
        let mut bad = alice();
        match value {
            Some(value) => drop(bad.insert(column, value)),
            None => drop(bad.remove(column)),
        }
        // The same value in a row that is not Bedrock's is nobody's business.
        let mut elsewhere = other(1, 1.0);
        elsewhere.remove(USAGE_START);
        elsewhere.insert(UNBLENDED_COST, f64::NAN.into());
        let rows = [elsewhere, alice(), alice(), bad];
        let shape = FileShape { rows_per_group: 2, ..FileShape::default() };
        let message = said(&format!("row 3 (row group 1): column {column} {reason}: {cure}"));
        assert_eq!(error(&rows, &shape), (message, "export.bad_value"));
    }
}

#[test]
fn sums_beyond_38_digits_are_errors() {
    let rows: Vec<_> = (0..2)
        .map(|_| {
            let mut row = alice();
            row.insert(UNBLENDED_COST, 9e19.into());
            row
        })
        .collect();
    let (message, kind) = error(&rows, &FileShape::default());
    assert_eq!(kind, "export.bad_value");
    assert!(message.contains("a sum is outside the range of decimal(38,18)"), "{message}");
}

#[test]
fn a_row_of_another_billing_period_is_an_error() {
    let mut misplaced = alice();
    misplaced.insert(PERIOD_START, "2026-10-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap().into());
    let cure = "move the file to the folder of its own billing period";
    let place = "row 1 (row group 0)";
    let found = "bill_billing_period_start_date is 2026-10, but the folder says 2026-11";
    assert_eq!(
        error(&[other(1, 1.0), misplaced], &FileShape::default()),
        (said(&format!("{place}: {found}: {cure}")), "export.wrong_period")
    );
}

#[test]
fn a_codec_that_is_not_built_in_is_named() {
    // The footer's codec of a column is one byte: SNAPPY is 1, BROTLI 4. It stands as field 4, a 32-bit integer.
    let whole = file(&[alice()], &FileShape { columns: wanted().into_iter().collect(), ..FileShape::default() });
    let column = b"line_item_unblended_cost";
    let end = whole.len();
    let footer = end - 8 - u32::from_le_bytes(whole[end - 8..end - 4].try_into().unwrap()) as usize;
    let last = (footer..end - column.len()).rev().find(|at| whole[*at..].starts_with(column)).unwrap();
    let codec = last + column.len();
    assert_eq!(whole[codec..codec + 2], [0x15, 2], "field 4, zigzag of 1");
    let mut bytes = whole;
    bytes[codec + 1] = 8;
    let error = reduce(bytes).unwrap_err();
    assert_eq!(error.kind(), "export.unsupported_codec");
    let text = error.to_string();
    assert!(text.contains("row group 0: column line_item_unblended_cost is compressed with BROTLI"), "{text}");
}

/// A source that fails from the given read on.
struct Failing(Memory, AtomicUsize);

impl ChunkSource for Failing {
    fn size(&self) -> u64 {
        self.0.size()
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        let less = |left: usize| left.checked_sub(1);
        self.1.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).map_err(|_| "connection reset")?;
        self.0.read(range).await
    }
}

#[test]
fn a_source_that_fails_is_to_be_asked_again() {
    let rows: Vec<_> = (0..3000)
        .map(|index| call(1 + index % 28, &format!("user-{index}-{}", index * 7919), f64::from(index) * 0.7))
        .collect();
    let memory = Memory::new(file(
        &rows,
        &FileShape { compression: crate::write::Compression::None, dictionary: false, ..FileShape::default() },
    ));
    let mut reads = 0_usize;
    loop {
        let outcome =
            block_on(chunk::reduce(NAME, november(), &KeptTags::default(), Failing(memory.clone(), reads.into())));
        let Err(error) = outcome else { break };
        assert_eq!((error.kind(), error.class()), ("store.unavailable", Class::Retry));
        assert!(error.to_string().starts_with("failed to read bytes "), "{error}");
        assert!(error.to_string().ends_with(&format!(" of {NAME}: connection reset")), "{error}");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "connection reset");
        reads += 1;
    }
    assert!(reads > 2, "the file is read in several ranges: {reads}");
}

/// A source that answers less than it was asked for.
struct Short(Memory);

impl ChunkSource for Short {
    fn size(&self) -> u64 {
        self.0.size()
    }

    async fn read(&self, range: Range<u64>) -> Result<Bytes, SourceError> {
        self.0.read(range.start..range.end - 1).await
    }
}

#[test]
fn a_short_answer_is_the_sources_fault_not_the_files() {
    let error = block_on(chunk::reduce(
        NAME,
        november(),
        &KeptTags::default(),
        Short(Memory::new(file(&bill(), &FileShape::default()))),
    ));
    assert_eq!(error.unwrap_err().class(), Class::Retry);
}
