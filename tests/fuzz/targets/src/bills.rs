//! Bills that are made up: written as Parquet in a shape that the input chooses and as CSV, and read back.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use spend_cur::columns::schema::{COLUMNS, Kind};
use spend_cur::write::{Compression, FileShape, PageVersion, Row, Timestamps, Value, csv_gz, parquet};

use crate::chunks::{File, read};

/// The most rows of a bill, so that inputs are quick.
const MOST_ROWS: usize = 64;

/// Texts that mean something on a bill, and some that do not.
const TEXTS: [&str; 24] = [
    "",
    "AmazonBedrock",
    "AmazonEC2",
    "4a524th30q694o538qndh9ucht",
    "Amazon Bedrock",
    "Claude Sonnet 4 (Amazon Bedrock Edition)",
    "USE1-Claude4Sonnet-input-tokens",
    "USE1-MP:USE1_InputTokenCount-Units",
    "InvokeModelInference",
    "Usage",
    "Credit",
    "Tax",
    "Anniversary",
    "Purchase",
    "USD",
    "EUR",
    "444455556666",
    "arn:aws:iam::444455556666:user/alice",
    "arn:aws:sts::444455556666:assumed-role/app/alice@example.com",
    "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-6-v1:0",
    "us-east-1",
    "\u{feff}\"quoted\", and \r\n broken",
    "日本\u{202e}語",
    "i-0abc",
];

/// Keys of maps.
const KEYS: [&str; 10] = [
    "iamPrincipal/team",
    "userAttribute/department",
    "accountTag/env",
    "costCategory/unit",
    "resourceTags/team",
    "product_name",
    "servicename",
    "provider",
    "model",
    "",
];

/// Amounts: those that a double has exactly, those that it has not, and those that are too much.
const NUMBERS: [f64; 12] =
    [0.0, -0.0, 0.1, 0.000_000_000_1, -3.3, 1e-12, 1e-19, 12_345.678_9, 1e15, 1e20, f64::INFINITY, f64::NAN];

/// What is left of an input.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().map_or((0, self.0), |(first, rest)| (*first, rest));
        self.0 = rest;
        first
    }

    fn of<T: Copy>(&mut self, known: &[T]) -> Option<T> {
        let at = usize::from(self.byte()).checked_rem(known.len())?;
        known.get(at).copied()
    }

    fn text(&mut self) -> String {
        match self.byte() {
            // A text of the input's own.
            length @ 200.. => {
                let length = usize::from(length - 200).min(self.0.len());
                let (text, rest) = self.0.split_at_checked(length).unwrap_or_default();
                self.0 = rest;
                String::from_utf8_lossy(text).into_owned()
            }
            at => TEXTS.get(usize::from(at) % TEXTS.len()).copied().unwrap_or_default().to_owned(),
        }
    }

    fn number(&mut self) -> f64 {
        match self.byte() {
            at @ ..64 => NUMBERS.get(usize::from(at) % NUMBERS.len()).copied().unwrap_or(0.0),
            digits => f64::from(digits) * f64::from(self.byte()) / 10_f64.powi(i32::from(self.byte() % 14)),
        }
    }

    fn time(&mut self) -> DateTime<Utc> {
        // 2026-11-01, and at most a day beyond the month.
        let hours = i64::from(self.byte()) * 3;
        DateTime::from_timestamp(1_793_491_200 + hours.min(31 * 24) * 3600, 0).unwrap_or_default()
    }

    fn cell(&mut self, kind: Kind) -> Value {
        match kind {
            Kind::Text => Value::Text(self.text()),
            Kind::Number => Value::Number(self.number()),
            Kind::Time => Value::Time(self.time()),
            Kind::TextMap => {
                let entries =
                    (0..self.byte() % 5).map(|_| (self.of(&KEYS).unwrap_or_default().to_owned(), self.text()));
                // A text of CSV is an object of JSON, where each key stands once.
                Value::Map(entries.collect::<BTreeMap<_, _>>().into_iter().collect())
            }
            Kind::NumberMap => Value::Numbers(vec![("discount".to_owned(), self.number())]),
        }
    }

    fn row(&mut self, columns: &[&'static str]) -> Row {
        let mut row = Row::from([
            (
                "bill_billing_period_start_date",
                Value::Time(DateTime::from_timestamp(1_793_491_200, 0).unwrap_or_default()),
            ),
            ("line_item_currency_code", Value::Text("USD".to_owned())),
            ("line_item_line_item_type", Value::Text("Usage".to_owned())),
            ("line_item_product_code", Value::Text("AmazonBedrock".to_owned())),
            ("line_item_usage_start_date", Value::Time(self.time())),
            ("line_item_usage_account_id", Value::Text("444455556666".to_owned())),
            ("line_item_unblended_cost", Value::Number(self.number())),
        ]);
        for _ in 0..self.byte() % 12 {
            let Some(column) = self.of(columns) else { continue };
            let Some(kind) = COLUMNS.iter().find(|known| known.name == column).map(|known| known.kind) else {
                continue;
            };
            if column == "bill_billing_period_start_date" {
                continue;
            }
            if self.byte() < 32 {
                row.remove(column);
            } else {
                row.insert(column, self.cell(kind));
            }
        }
        row
    }

    fn shape(&mut self) -> FileShape {
        let timestamps = [Timestamps::Int96, Timestamps::Millis, Timestamps::Micros, Timestamps::Nanos];
        let compressions = [Compression::None, Compression::Snappy, Compression::Gzip, Compression::Zstd];
        FileShape {
            timestamps: self.of(&timestamps).unwrap_or(Timestamps::Int96),
            required: false,
            page_version: self.of(&[PageVersion::V1, PageVersion::V2]).unwrap_or(PageVersion::V1),
            dictionary: !self.byte().is_multiple_of(4),
            compression: self.of(&compressions).unwrap_or(Compression::Snappy),
            rows_per_group: self.of(&[3, 20, 1_000]).unwrap_or(1_000),
            rows_per_page: self.of(&[0, 1, 7]).unwrap_or(0),
            dictionary_bytes: self.of(&[0, 1, 40]).unwrap_or(0),
            ..FileShape::default()
        }
    }
}

/// A bill: both files are read as the same lines, or both are refused.
pub fn bill(input: &[u8]) {
    let mut choices = Choices(input);
    let mut shape = choices.shape();
    // What is read of a bill, so that choices are not spent on what nobody looks at.
    let wanted = [
        "bill_bill_type",
        "bill_billing_period_start_date",
        "bill_invoice_id",
        "bill_invoicing_entity",
        "bill_payer_account_id",
        "cost_category",
        "discount",
        "line_item_currency_code",
        "line_item_iam_principal",
        "line_item_line_item_description",
        "line_item_line_item_type",
        "line_item_net_unblended_cost",
        "line_item_operation",
        "line_item_product_code",
        "line_item_resource_id",
        "line_item_unblended_cost",
        "line_item_usage_account_id",
        "line_item_usage_account_name",
        "line_item_usage_amount",
        "line_item_usage_end_date",
        "line_item_usage_start_date",
        "line_item_usage_type",
        "pricing_public_on_demand_cost",
        "pricing_unit",
        "product",
        "product_product_family",
        "product_region_code",
        "product_servicecode",
        "resource_tags",
        "tags",
    ];
    shape.columns = COLUMNS.iter().map(|column| column.name).filter(|name| wanted.contains(name)).collect();
    let mut rows = Vec::new();
    while !choices.0.is_empty() && rows.len() < MOST_ROWS {
        rows.push(choices.row(&shape.columns));
    }
    let (Ok(columns), Ok(text)) = (parquet(&rows, &shape), csv_gz(&rows, &shape)) else { return };
    let from_columns = read("bill-00001.snappy.parquet", &File(columns.into()));
    let from_text = read("bill-00001.csv.gz", &File(text.into()));
    match (from_columns, from_text) {
        (Ok(columns), Ok(text)) => assert_eq!(columns, text, "one bill in two formats is two"),
        (Err(_), Err(_)) => {}
        (Ok(_), Err(error)) => panic!("as text alone it is refused: {error}"),
        (Err(error), Ok(_)) => panic!("as columns alone it is refused: {error}"),
    }
}
