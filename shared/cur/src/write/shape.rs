//! The physical shape of a file that is written.

use crate::columns::schema::COLUMNS;

/// How timestamps are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamps {
    /// `INT96`: nanoseconds of the day and the Julian day. What AWS writes.
    Int96,
    /// `INT64` milliseconds since 1970.
    Millis,
    /// `INT64` microseconds since 1970.
    Micros,
    /// `INT64` nanoseconds since 1970: the years 1677 to 2262 only.
    Nanos,
}

/// The version of data pages, and with it the fallback encodings (v1 `PLAIN`, v2 the delta encodings).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageVersion {
    /// What AWS writes.
    V1,
    /// What newer writers write.
    V2,
}

/// How pages are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// What AWS writes.
    Snappy,
    /// Gzip at its default level.
    Gzip,
    /// Zstandard at its default level.
    Zstd,
}

/// A map's key as a column of its own, as the dot operator of an export's query lays it flat: `tags.team`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flattened {
    /// The map column, which need not be selected itself.
    pub map: &'static str,
    pub key: String,
    /// What the column is called.
    pub column: String,
}

/// The physical shape of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileShape {
    /// Which columns, in this order, as the query of an export selects them. Cells of other columns are left out.
    pub columns: Vec<&'static str>,
    /// Columns of text besides them, after them.
    pub flattened: Vec<Flattened>,
    /// How timestamps are stored.
    pub timestamps: Timestamps,
    /// Whether columns are `REQUIRED`: what is null is then an empty text, 0, 1970 or an empty map.
    pub required: bool,
    /// The version of data pages.
    pub page_version: PageVersion,
    /// Whether columns have dictionaries.
    pub dictionary: bool,
    /// How pages are compressed.
    pub compression: Compression,
    /// At most this many rows in a row group; 0 means 1. A file without rows has no row group.
    pub rows_per_group: usize,
    /// At most this many rows in a page; 0 means as many as the writer likes.
    pub rows_per_page: usize,
    /// A dictionary that takes this many bytes takes no more values, and what follows is not coded; 0 means as many as the
    /// writer likes.
    pub dictionary_bytes: usize,
    /// Who the footer says wrote the file.
    pub created_by: String,
}

impl Default for FileShape {
    /// As AWS writes: all 131 columns, `INT96`, optional, v1 pages, dictionaries, snappy.
    fn default() -> Self {
        Self {
            columns: COLUMNS.iter().map(|column| column.name).collect(),
            flattened: Vec::new(),
            timestamps: Timestamps::Int96,
            required: false,
            page_version: PageVersion::V1,
            dictionary: true,
            compression: Compression::Snappy,
            rows_per_group: 1_000_000,
            rows_per_page: 0,
            dictionary_bytes: 0,
            created_by: "parquet-mr version 1.13.1 (build db4183109d5b734ec5930d870cdae161e408ddba)".to_owned(),
        }
    }
}

/// As few columns as rows of Bedrock are told by, and added up.
const NARROW: [&str; 17] = [
    "bill_payer_account_id",
    "bill_bill_type",
    "bill_billing_entity",
    "bill_invoice_id",
    "line_item_line_item_type",
    "line_item_usage_account_id",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_operation",
    "line_item_usage_start_date",
    "line_item_usage_end_date",
    "line_item_usage_amount",
    "line_item_unblended_cost",
    "line_item_currency_code",
    "line_item_iam_principal",
    "pricing_unit",
    "tags",
];

impl FileShape {
    /// As an export that selects few columns: small files, which are soon written.
    pub fn narrow() -> Self {
        Self { columns: NARROW.to_vec(), ..Self::default() }
    }

    /// The same without `columns`, as an export whose query does not select them.
    pub fn without(mut self, columns: &[&str]) -> Self {
        self.columns.retain(|column| !columns.contains(column));
        self
    }

    /// The same with the key of a map as a column of its own besides.
    pub fn with_flattened(mut self, map: &'static str, key: &str, column: &str) -> Self {
        self.flattened.push(Flattened { map, key: key.to_owned(), column: column.to_owned() });
        self
    }
}
