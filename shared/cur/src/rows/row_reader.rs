//! The second look at rows: what the Bedrock ones among them say.

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, PrimitiveArray, RecordBatch};
use arrow::datatypes::{
    DataType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use chrono::{DateTime, NaiveTime, Utc};
use spend_core::bill::bedrock_line::RuleSet;
use spend_core::bill::category::Category;
use spend_core::bill::line::limits::{self, TooLong};
use spend_core::bill::line::{LineField, ScanCounts};
use spend_core::bill::line_coder::{LineCoder, LineCodes};
use spend_core::calendar::period::BillingPeriod;
use spend_core::money::decimal::{Decimal, SumOutOfRange};
use spend_core::table::measures::Measures;

use crate::columns::names::{
    CURRENCY, INVOICE_ID, LIST_COST, NET_UNBLENDED_COST, PERIOD_START, PRODUCT, UNBLENDED_COST, USAGE_AMOUNT,
    USAGE_END, USAGE_START, field_column,
};
use crate::columns::plan::{PRODUCT_KEYS, Plan};
use crate::error::{CurError, Place, shown};
use crate::rows::receiver::{CodedRow, Receiver};
use crate::rows::refused::{Refused, check_entries};
use crate::rows::row_tags::{TagColumns, TagReader};
use crate::rows::texts::{Maps, Memo, Texts, unexpected_type};

/// The fields that have a column of their own.
const COLUMN_FIELDS: [LineField; 14] = [
    LineField::PayerAccountId,
    LineField::AccountId,
    LineField::Principal,
    LineField::BillType,
    LineField::BillingEntity,
    LineField::LineItemType,
    LineField::ProductCode,
    LineField::ServiceCode,
    LineField::UsageType,
    LineField::Operation,
    LineField::Resource,
    LineField::Region,
    LineField::PricingUnit,
    LineField::Currency,
];

/// Reads the Bedrock rows of a chunk, and counts.
pub(crate) struct RowReader<'a> {
    name: &'a str,
    period: BillingPeriod,
    plan: &'a Plan,
    /// What the scan of the chunk found.
    pub(crate) counts: ScanCounts,
    /// How much memory reading may use.
    memory: u64,
    /// What reading holds in memory besides what is kept.
    pub(crate) held: u64,
    /// How much memory is used by what was kept of the rows so far.
    kept: u64,
    /// How many Bedrock rows were read.
    rows_read: u64,
    texts: [Memo<u32>; COLUMN_FIELDS.len()],
    product_keys: Memo<Option<usize>>,
    product_values: [Memo<u32>; PRODUCT_KEYS.len()],
    flat_product: [Memo<u32>; PRODUCT_KEYS.len()],
    /// The last type of a line item with the last type of a bill, as codes, and whether they are usage.
    last_usage: Option<(u32, u32, bool)>,
    tags: TagReader<'a>,
}

/// A batch's columns, taken apart.
struct Columns<'a> {
    texts: [Option<Texts<'a>>; COLUMN_FIELDS.len()],
    product: Option<Maps<'a>>,
    flat_product: [Option<Texts<'a>>; PRODUCT_KEYS.len()],
    tags: TagColumns<'a>,
    invoice_id: Option<Texts<'a>>,
    unblended_cost: Option<&'a Float64Array>,
    net_unblended_cost: Option<&'a Float64Array>,
    list_cost: Option<&'a Float64Array>,
    usage_amount: Option<&'a Float64Array>,
    usage_start: Option<Times<'a>>,
    usage_end: Option<Times<'a>>,
    period_start: Option<Times<'a>>,
}

impl<'a> Columns<'a> {
    /// The columns of a batch, or what is wrong with one.
    fn of(batch: &'a RecordBatch, plan: &Plan) -> Result<Self, String> {
        let number = |name| {
            let column = batch.column_by_name(name);
            let typed = |array: &'a ArrayRef| array.as_primitive_opt().ok_or_else(|| unexpected_type(array, name));
            column.map(typed).transpose()
        };
        let time = |name| {
            let typed = |array: &'a ArrayRef| Times::of(array).ok_or_else(|| unexpected_type(array, name));
            batch.column_by_name(name).map(typed).transpose()
        };
        let mut texts = [None; COLUMN_FIELDS.len()];
        for (field, texts) in COLUMN_FIELDS.into_iter().zip(&mut texts) {
            *texts = Texts::of(batch, field_column(field))?;
        }
        let mut flat_product = [None; PRODUCT_KEYS.len()];
        for ((_, column, _), texts) in PRODUCT_KEYS.into_iter().zip(&mut flat_product) {
            *texts = Texts::of(batch, column)?;
        }
        Ok(Self {
            texts,
            product: Maps::of(batch, PRODUCT)?,
            flat_product,
            tags: TagColumns::of(batch, &plan.tags)?,
            invoice_id: Texts::of(batch, INVOICE_ID)?,
            unblended_cost: number(UNBLENDED_COST)?,
            net_unblended_cost: number(NET_UNBLENDED_COST)?,
            list_cost: number(LIST_COST)?,
            usage_amount: number(USAGE_AMOUNT)?,
            usage_start: time(USAGE_START)?,
            usage_end: time(USAGE_END)?,
            period_start: time(PERIOD_START)?,
        })
    }
}

/// A Bedrock row of a batch: where it is in the file, and the rules that it satisfies.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub(crate) place: Place,
    pub(crate) rules: RuleSet,
}

impl<'a> RowReader<'a> {
    pub(crate) fn new(name: &'a str, period: BillingPeriod, plan: &'a Plan, memory: u64) -> Self {
        Self {
            name,
            period,
            plan,
            counts: ScanCounts { missing_columns: plan.missing.clone(), ..ScanCounts::default() },
            kept: 0,
            memory,
            held: 0,
            rows_read: 0,
            texts: Default::default(),
            product_keys: Memo::default(),
            product_values: Default::default(),
            flat_product: Default::default(),
            last_usage: None,
            tags: TagReader::new(&plan.tags),
        }
    }

    /// How much memory is used by what was kept of the rows so far and by reading.
    pub(crate) fn bytes(&self) -> u64 {
        self.kept.saturating_add(self.held)
    }

    /// Hands the rows of a batch to `receiver`; `found` says where they are and why.
    pub(crate) fn read(
        &mut self,
        batch: &RecordBatch,
        row_group: Option<usize>,
        found: &mut impl Iterator<Item = Found>,
        receiver: &mut impl Receiver,
    ) -> Result<(), CurError> {
        let corrupt = |reason| CurError::corrupt(self.name, row_group, reason);
        let columns = Columns::of(batch, self.plan).map_err(corrupt)?;
        for row in 0..batch.num_rows() {
            let found_row =
                found.next().ok_or_else(|| corrupt("its columns have different numbers of rows".to_owned()))?;
            let coded = self.row(&columns, row, found_row, receiver.coder())?;
            let too_much = |error| At { file: self.name, place: found_row.place }.too_much(error);
            let taken = receiver.take(coded).map_err(too_much)?;
            self.kept = taken.saturating_add(receiver.coder().bytes()).saturating_add(self.tags.bytes());
            if self.bytes() > self.memory {
                return Err(CurError::TooMuch {
                    file: self.name.to_owned(),
                    place: found_row.place,
                    rows: self.rows_read,
                    bytes: self.kept,
                    held: self.held,
                    memory: self.memory,
                });
            }
            self.rows_read += 1;
        }
        Ok(())
    }

    fn row(
        &mut self,
        columns: &Columns<'_>,
        row: usize,
        found: Found,
        coder: &mut LineCoder,
    ) -> Result<CodedRow, CurError> {
        let place = found.place;
        let at = At { file: self.name, place };
        let started = at.time(columns.usage_start.as_ref(), row, USAGE_START)?;
        let started = started.ok_or_else(|| at.bad(USAGE_START, "is empty".to_owned()))?;
        if let Some(start) = at.time(columns.period_start.as_ref(), row, PERIOD_START)? {
            let named = BillingPeriod::of(start.date_naive());
            if named != self.period {
                let (file, period) = (self.name.to_owned(), self.period);
                return Err(CurError::WrongPeriod { file, place, found: named, period });
            }
        }
        let codes = LineCodes {
            day: coder.day(started.date_naive()),
            fields: self.fields(columns, row, coder).map_err(|refused| at.refused(refused))?,
            tags: self.tags.read(&columns.tags, row, coder, &mut self.counts).map_err(|refused| at.refused(refused))?,
        };
        // A row without a net cost counts its unblended cost as net, and is counted as such a row.
        let cost = at.number(columns.unblended_cost, row, UNBLENDED_COST)?;
        let net = at.number(columns.net_unblended_cost, row, NET_UNBLENDED_COST)?;
        let unblended_cost = cost.unwrap_or(Decimal::ZERO);
        let measures = Measures {
            usage_amount: at.number(columns.usage_amount, row, USAGE_AMOUNT)?.unwrap_or(Decimal::ZERO),
            tokens: None,
            unblended_cost,
            net_unblended_cost: net.unwrap_or(unblended_cost),
            list_cost: at.number(columns.list_cost, row, LIST_COST)?,
            line_items: 1,
            lines_without_net: u64::from(net.is_none()),
        };
        let has_cost = !measures.unblended_cost.is_zero() || !measures.net_unblended_cost.is_zero();
        if has_cost && codes.get(LineField::Currency) == 0 {
            return Err(at.bad(CURRENCY, "is empty, but the row has a cost".to_owned()));
        }
        let is_usage = self.is_usage(&codes, coder);
        let counts = &mut self.counts;
        counts.rows_without_cost += u64::from(cost.is_none());
        if is_usage {
            let has_invoice = columns.invoice_id.is_some_and(|ids| ids.get(row).is_some_and(|id| !id.is_empty()));
            counts.usage_rows_without_invoice += u64::from(!unblended_cost.is_zero() && !has_invoice);
            // Usage without an end ends with its day at the latest.
            let ended = at.time(columns.usage_end.as_ref(), row, USAGE_END)?.or_else(|| end_of_day(started));
            counts.latest_usage_end = counts.latest_usage_end.max(ended);
        }
        Ok(CodedRow { row: place.row, usage_start: started, codes, measures, rules: found.rules })
    }

    fn is_usage(&mut self, codes: &LineCodes, coder: &LineCoder) -> bool {
        let (item, bill) = (codes.get(LineField::LineItemType), codes.get(LineField::BillType));
        match self.last_usage {
            Some((last_item, last_bill, is_usage)) if last_item == item && last_bill == bill => is_usage,
            _ => {
                let texts = (coder.get(LineField::LineItemType, item), coder.get(LineField::BillType, bill));
                let is_usage = Category::of(texts.0, texts.1) == Category::Usage;
                self.last_usage = Some((item, bill, is_usage));
                is_usage
            }
        }
    }

    fn fields(
        &mut self,
        columns: &Columns<'_>,
        row: usize,
        coder: &mut LineCoder,
    ) -> Result<[u32; LineField::ALL.len()], Refused> {
        let mut codes = LineCodes::default();
        for ((field, texts), memo) in COLUMN_FIELDS.into_iter().zip(&columns.texts).zip(&mut self.texts) {
            let Some(texts) = texts else { continue };
            let found = memo.try_get(*texts, row, |text| {
                code(coder, field, if field == LineField::Resource { resource(text) } else { text })
            });
            if let Some(code) = found.map_err(Refused::of(field_column(field)))? {
                codes.set(field, code);
            }
        }
        // Backwards: a name is overridden by one before it.
        for ((.., field), code) in PRODUCT_KEYS.into_iter().zip(self.product(columns, row, coder)?).rev() {
            if code != EMPTY {
                codes.set(field, code);
            }
        }
        Ok(codes.fields)
    }

    /// The values of [`PRODUCT_KEYS`], of the map or of the columns that stand in for it. Where a map has a key twice,
    /// the last counts.
    fn product(
        &mut self,
        columns: &Columns<'_>,
        row: usize,
        coder: &mut LineCoder,
    ) -> Result<[u32; PRODUCT_KEYS.len()], Refused> {
        let mut found = [EMPTY; PRODUCT_KEYS.len()];
        if let Some(maps) = columns.product {
            check_entries(PRODUCT, &maps.entries(row))?;
            for entry in maps.entries(row) {
                let position = |key: &str| PRODUCT_KEYS.into_iter().position(|(name, ..)| name == key);
                let Some(key) = self.product_keys.get(maps.keys, entry, position).flatten() else { continue };
                let values = (found.get_mut(key), self.product_values.get_mut(key), PRODUCT_KEYS.get(key));
                let (Some(slot), Some(memo), Some((.., field))) = values else { continue };
                let value = memo.try_get(maps.values, entry, |text| code(coder, *field, text));
                *slot = value.map_err(Refused::of(PRODUCT))?.unwrap_or(EMPTY);
            }
        }
        let flat = PRODUCT_KEYS.into_iter().zip(columns.flat_product).zip(&mut self.flat_product);
        for (slot, (((_, column, field), texts), memo)) in found.iter_mut().zip(flat) {
            let Some(texts) = texts else { continue };
            let value = memo.try_get(texts, row, |text| code(coder, field, text));
            *slot = value.map_err(Refused::of(column))?.unwrap_or(EMPTY);
        }
        Ok(found)
    }
}

/// The code of an empty text.
const EMPTY: u32 = 0;

/// The code of a text, unless it is too long.
fn code(coder: &mut LineCoder, field: LineField, text: &str) -> Result<u32, TooLong> {
    limits::check_text(text)?;
    Ok(coder.text(field, text))
}

/// What a Bedrock resource id says, see [`LineField::Resource`].
///
/// Ids of models and profiles may have `:` and `/` in them.
/// Source: Amazon Bedrock, "Actions, resources, and condition keys" of the Service Authorization Reference.
fn resource(id: &str) -> &str {
    let named = match id.strip_prefix("arn:") {
        Some(rest) => {
            let mut parts = rest.splitn(5, ':');
            // The partition, then the service; after it the region and the account.
            let is_bedrock = parts.nth(1).is_some_and(|service| service.starts_with("bedrock"));
            parts.nth(2).filter(|_| is_bedrock).unwrap_or_default()
        }
        None => id,
    };
    match named.split_once('/') {
        Some(("foundation-model" | "inference-profile", model)) if !model.is_empty() => named,
        Some((kind, _)) if named.len() < id.len() => kind,
        _ => "",
    }
}

fn end_of_day(time: DateTime<Utc>) -> Option<DateTime<Utc>> {
    time.date_naive().succ_opt().map(|next| next.and_time(NaiveTime::MIN).and_utc())
}

/// Where a value stands, for errors.
struct At<'a> {
    file: &'a str,
    place: Place,
}

impl At<'_> {
    fn too_much(&self, error: SumOutOfRange) -> CurError {
        self.bad(UNBLENDED_COST, format!("is too much: {error}"))
    }

    fn refused(&self, Refused { column, reason }: Refused) -> CurError {
        CurError::Overlong { file: self.file.to_owned(), place: self.place, column: shown(&column), reason }
    }

    fn bad(&self, column: &str, reason: String) -> CurError {
        CurError::BadValue { file: self.file.to_owned(), place: self.place, column: column.to_owned(), reason }
    }

    fn number(
        &self,
        numbers: Option<&Float64Array>,
        row: usize,
        column: &'static str,
    ) -> Result<Option<Decimal>, CurError> {
        let value = numbers.filter(|numbers| numbers.is_valid(row)).map(|numbers| numbers.value(row));
        value.map(Decimal::from_f64).transpose().map_err(|error| self.bad(column, format!("cannot be added: {error}")))
    }

    fn time(
        &self,
        times: Option<&Times<'_>>,
        row: usize,
        column: &'static str,
    ) -> Result<Option<DateTime<Utc>>, CurError> {
        let Some(seconds) = times.and_then(|times| times.seconds(row)) else { return Ok(None) };
        let time = DateTime::from_timestamp(seconds, 0);
        time.map(Some).ok_or_else(|| self.bad(column, format!("is {seconds} seconds after 1970, which is no date")))
    }
}

/// A column of times. CUR's intervals begin and end on whole hours: parts of a second are cut off.
enum Times<'a> {
    Seconds(&'a PrimitiveArray<TimestampSecondType>),
    Millis(&'a PrimitiveArray<TimestampMillisecondType>),
    Micros(&'a PrimitiveArray<TimestampMicrosecondType>),
    Nanos(&'a PrimitiveArray<TimestampNanosecondType>),
}

impl<'a> Times<'a> {
    fn of(array: &'a dyn Array) -> Option<Self> {
        match array.data_type() {
            DataType::Timestamp(TimeUnit::Second, _) => array.as_primitive_opt().map(Self::Seconds),
            DataType::Timestamp(TimeUnit::Millisecond, _) => array.as_primitive_opt().map(Self::Millis),
            DataType::Timestamp(TimeUnit::Microsecond, _) => array.as_primitive_opt().map(Self::Micros),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => array.as_primitive_opt().map(Self::Nanos),
            _ => None,
        }
    }

    /// Seconds since 1970, or `None` if there is no time.
    fn seconds(&self, row: usize) -> Option<i64> {
        match self {
            Self::Seconds(array) => array.is_valid(row).then(|| array.value(row)),
            Self::Millis(array) => array.is_valid(row).then(|| array.value(row).div_euclid(1_000)),
            Self::Micros(array) => array.is_valid(row).then(|| array.value(row).div_euclid(1_000_000)),
            Self::Nanos(array) => array.is_valid(row).then(|| array.value(row).div_euclid(1_000_000_000)),
        }
    }
}
