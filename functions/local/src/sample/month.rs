//! A month of the bill, and what a delivery says of it.

use chrono::{DateTime, Days, NaiveDate, Utc};
use spend_core::calendar::period::BillingPeriod;
use spend_cur::write::{FileShape, Row, csv_gz, manifest, parquet};

use super::error::SampleError;
use super::filler::Filler;
use super::options::{BUCKET, EXPORT_ARN, EXPORT_NAME, EXPORT_PREFIX, Format, Mode, SampleOptions};
use super::rng::Rng;
use super::room::{self, LeftOut};
use super::rows::{self, Bill};
use super::story::{self, CLOSED_AT, Line, TODAY};

/// Data files of a delivery, unless it is big.
const CHUNKS: usize = 3;
/// The most rows of a data file: they are held in memory.
const ROWS_OF_A_CHUNK: usize = 100_000;

/// A month with everything that its last delivery says.
pub(super) struct Month {
    bill: Bill,
    seed: u64,
    /// All Bedrock usage; some of it arrives late or, in the current month, not at all yet.
    usage: Vec<Line>,
    /// What of the story there was no room for.
    left_out: Option<LeftOut>,
    filler: Filler,
    /// How many rows are not Bedrock's.
    others: usize,
}

/// One delivery of one billing period.
pub(super) struct Delivery {
    pub(super) at: DateTime<Utc>,
    /// Keys below the bucket's root with contents, in the order in which they are written: the manifest is last.
    pub(super) files: Vec<(String, Vec<u8>)>,
    /// One line for people.
    pub(super) note: String,
}

impl Month {
    /// The month that is going on.
    pub(super) fn current(options: &SampleOptions) -> Self {
        let last = story::days_before(TODAY, 1);
        Self::new(options, BillingPeriod::of(TODAY), last, story::delivered(last), false)
    }

    /// The month before: ended and invoiced.
    pub(super) fn closed(options: &SampleOptions) -> Self {
        let period = BillingPeriod::of(TODAY).previous();
        Self::new(options, period, period.last_day(), CLOSED_AT, true)
    }

    fn new(
        options: &SampleOptions,
        period: BillingPeriod,
        last_day: NaiveDate,
        last_delivery: DateTime<Utc>,
        is_invoiced: bool,
    ) -> Self {
        let bill = Bill { period, is_invoiced };
        let mut usage = story::bedrock_usage(options.seed, period, last_day, options.size());
        if options.rows < usage.len() || options.bedrock_share.is_some() {
            // What never reaches the bill takes no room.
            usage.retain(|line| line.arrives <= last_delivery);
        }
        let room::Room { usage, left_out } = room::fit(period, usage, options.most_bedrock_rows());
        let filler = Filler::new(options.seed, bill, last_day);
        let mut month = Self { bill, seed: options.seed, usage, left_out, filler, others: 0 };
        month.others = options.rows.saturating_sub(month.bedrock(last_delivery).len());
        month
    }

    /// The Bedrock lines that a delivery at `at` has.
    pub(super) fn bedrock(&self, at: DateTime<Utc>) -> Vec<Line> {
        let mut lines: Vec<Line> = self.usage.iter().filter(|line| line.arrives <= at).cloned().collect();
        lines.extend(story::adjustments(self.bill.period, &lines));
        lines
    }

    /// How many rows of the last delivery are not Bedrock's.
    #[cfg(test)]
    pub(super) fn others(&self) -> usize {
        self.others
    }

    /// What AWS delivers at `at`.
    pub(super) fn deliver(&self, at: DateTime<Utc>, mode: Mode, format: Format) -> Result<Delivery, SampleError> {
        let period = self.bill.period;
        let bedrock = self.bedrock(at);
        let others = (0..self.others).filter(|index| story::delivered(self.filler.day(*index)) <= at);
        let mut order: Vec<Pick> = (0..bedrock.len()).map(Pick::Bedrock).chain(others.map(Pick::Other)).collect();
        let mut rng =
            Rng::of(self.seed, &[6_000, at.timestamp().unsigned_abs(), period.start().timestamp().unsigned_abs()]);
        rng.shuffle(&mut order);
        let execution_id = rng.uuid();
        let partition = format!("BILLING_PERIOD={period}");
        let folder = match mode {
            Mode::Overwrite => partition.clone(),
            Mode::CreateNew => format!("{partition}/{}-{execution_id}", at.format("%Y-%m-%dT%H:%M:%S%.3fZ")),
        };
        let shape = FileShape::default();
        let mut files = Vec::new();
        let mut left = order.as_slice();
        let chunks = order.len().div_ceil(ROWS_OF_A_CHUNK).max(CHUNKS);
        for number in 1..=chunks {
            // The chunks that are left share the rows that are left.
            let (chunk, rest) = left.split_at(left.len().div_ceil(chunks + 1 - number));
            left = rest;
            let rows: Vec<Row> = chunk.iter().map(|pick| self.row(*pick, &bedrock, &mut rng)).collect();
            let (ending, bytes) = match format {
                Format::Parquet => ("snappy.parquet", parquet(&rows, &shape)?),
                Format::Csv => ("csv.gz", csv_gz(&rows, &shape)?),
            };
            let key = format!("{EXPORT_PREFIX}/{EXPORT_NAME}/data/{folder}/{EXPORT_NAME}-{number:05}.{ending}");
            files.push((key, bytes));
        }
        let keys: Vec<String> = files.iter().map(|(key, _)| key.clone()).collect();
        let manifest = manifest(EXPORT_ARN, EXPORT_NAME, Some(&execution_id), &shape.columns, BUCKET, &keys, period);
        // In create-new mode the newest manifest stands in its folder and, a second time, where it always stands.
        let mut folders = vec![folder, partition];
        folders.dedup();
        for folder in folders {
            let key = format!("{EXPORT_PREFIX}/{EXPORT_NAME}/metadata/{folder}/{EXPORT_NAME}-Manifest.json");
            files.push((key, manifest.clone()));
        }
        Ok(Delivery { at, files, note: self.note(at, order.len(), bedrock.len()) })
    }

    /// What the month lacks of the story, for people.
    pub(super) fn shortage(&self) -> Option<String> {
        let LeftOut { rows, of, callers } = self.left_out?;
        if rows == 0 {
            return Some(format!("note: {} has no row of Amazon Bedrock", self.bill.period));
        }
        let callers = match callers {
            0 => String::new(),
            1 => ", and 1 caller has none".to_owned(),
            callers => format!(", and {callers} callers have none"),
        };
        Some(format!(
            "note: {} has {rows} rows of Amazon Bedrock, and the whole story is {of}: callers have their largest lines \
             alone{callers}; more --rows or a larger --bedrock-share tell more of it",
            self.bill.period
        ))
    }

    fn row(&self, pick: Pick, bedrock: &[Line], rng: &mut Rng) -> Row {
        let mut row = match pick {
            Pick::Bedrock(index) => bedrock.get(index).map(|line| rows::row(line, self.bill)).unwrap_or_default(),
            Pick::Other(index) => self.filler.row(index),
        };
        row.insert("identity_line_item_id", rng.text(b"abcdefghijklmnopqrstuvwxyz234567", 52).into());
        row
    }

    fn note(&self, at: DateTime<Utc>, rows: usize, bedrock: usize) -> String {
        let state = if self.bill.is_invoiced {
            "invoiced".to_owned()
        } else {
            // A delivery at 6 o'clock ends with the day before.
            format!("through {}", at.date_naive().checked_sub_days(Days::new(1)).unwrap_or_default())
        };
        format!("{} {state}, {rows} rows, {bedrock} of them Amazon Bedrock's", self.bill.period)
    }
}

/// A row, by where it comes from.
#[derive(Clone, Copy)]
enum Pick {
    Bedrock(usize),
    Other(usize),
}
