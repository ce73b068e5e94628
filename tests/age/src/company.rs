//! A company and its bill: who calls on which day, for how much, and what AWS says of it later. All of it follows from
//! numbers, so that the same company has the same bill.

use bytes::Bytes;
use chrono::{DateTime, Datelike, Days, NaiveDate, TimeDelta, Utc, Weekday};
use spend_core::calendar::period::BillingPeriod;
use spend_cur::write::{self, FileShape, Row, Value};

/// The export's bucket.
pub const BUCKET: &str = "acme";

/// The export.
const EXPORT: &str = "bedrock";

const PAYER: &str = "111122223333";

const USAGES: [&str; 2] = ["USE1-Claude4.6Sonnet-input-tokens", "USE1-Claude4.6Sonnet-output-tokens"];

/// In so many months everybody has been replaced once by somebody of another name.
const STAYS: u64 = 50;

/// A company.
#[derive(Clone, Copy, Debug)]
pub struct Company {
    /// How many people call Bedrock at a time.
    pub identities: u64,
    /// Over how many files a month is spread.
    pub chunks: usize,
}

/// The same number for the same two, and like chance.
fn random(one: u64, other: u64) -> u64 {
    let mut x = one.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ other.wrapping_mul(0xD1B5_4A32_D192_ED03) ^ 0x1234_5678;
    for _ in 0..3 {
        x ^= x >> 33;
        x = x.wrapping_mul(0xFF51_AFD7_ED55_8CCD);
    }
    x ^ (x >> 29)
}

fn number(day: NaiveDate) -> u64 {
    u64::try_from(day.num_days_from_ce()).unwrap()
}

impl Company {
    /// Whoever sits at a desk in the month of a day.
    fn person(desk: u64, day: NaiveDate) -> u64 {
        let month = u64::try_from(day.year()).unwrap() * 12 + u64::from(day.month0());
        desk * 1000 + (month + random(desk, 7) % STAYS) / STAYS % 1000
    }

    /// What somebody spends on a day, in cents, as far as AWS knows at a time; none if nothing.
    fn cents(desk: u64, day: NaiveDate, as_of: DateTime<Utc>) -> Option<u64> {
        let person = Self::person(desk, day);
        let is_weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
        let chance = random(person, number(day));
        if chance % 100 >= if is_weekend { 8 } else { 60 } {
            return None;
        }
        let usual = 100 + random(person, 1) % 900;
        let times = if (chance / 100).is_multiple_of(200) { 12 } else { 1 };
        let whole = usual * (70 + chance / 1000 % 60) / 100 * times;
        let age = as_of.signed_duration_since(day.and_hms_opt(0, 0, 0).unwrap().and_utc());
        // Of the day that is under way a part is known; after some days AWS corrects some of it, and after weeks some more.
        let hours = u64::try_from(age.num_hours().clamp(0, 24)).unwrap();
        let known = whole * hours / 24;
        let later = u64::from(age > TimeDelta::days(5) && chance.is_multiple_of(97)) * whole / 10;
        let closed = u64::from(age > TimeDelta::days(45) && chance.is_multiple_of(89)) * whole / 20;
        (hours > 0).then_some(known + later + closed)
    }

    /// What a day of the bill says at a time, in cents.
    pub fn total(&self, day: NaiveDate, as_of: DateTime<Utc>) -> u64 {
        (0..self.identities).filter_map(|desk| Self::cents(desk, day, as_of)).sum()
    }

    /// The files of a delivery of a month, by key: the manifest is the last.
    pub fn delivery(&self, month: BillingPeriod, as_of: DateTime<Utc>) -> Vec<(String, Bytes)> {
        let is_closed = as_of >= month.end() + TimeDelta::days(6);
        let mut rows = Vec::new();
        let mut day = month.first_day();
        while month.contains(day) && day <= as_of.date_naive() {
            for desk in 0..self.identities {
                let Some(cents) = Self::cents(desk, day, as_of) else { continue };
                let parts = [cents / 3, cents - cents / 3];
                rows.extend(USAGES.iter().zip(parts).map(|(usage, part)| row(desk, day, usage, part, is_closed)));
            }
            day = day + Days::new(1);
        }
        let shape = FileShape::narrow();
        let key = |number: usize| format!("{EXPORT}/data/BILLING_PERIOD={month}/{EXPORT}-{number:05}.snappy.parquet");
        let size = rows.len().div_ceil(self.chunks).max(1);
        let chunks = if rows.is_empty() { vec![&rows[..]] } else { rows.chunks(size).collect() };
        let mut files: Vec<(String, Bytes)> = Vec::new();
        for (place, rows) in chunks.into_iter().enumerate() {
            files.push((key(place + 1), write::parquet(rows, &shape).unwrap().into()));
        }
        let keys: Vec<_> = files.iter().map(|(key, _)| key.clone()).collect();
        let arn = format!("arn:aws:bcm-data-exports:us-east-1:{PAYER}:export/{EXPORT}-0a1b");
        let id = format!("execution-{}-{}", month, as_of.format("%Y%m%dT%H%M%S"));
        let manifest = write::manifest(&arn, EXPORT, Some(&id), &[], BUCKET, &keys, month);
        files.push((format!("{EXPORT}/metadata/BILLING_PERIOD={month}/{EXPORT}-Manifest.json"), manifest.into()));
        files
    }

    /// The configuration as its owner writes it in a quarter, and the overrides beside it.
    pub fn configuration(&self, quarter: u64) -> (String, String) {
        let amount = 150 + quarter % 3 * 10;
        let text = format!(
            "[tags]\nrequired = [\"iamPrincipal/team\", \"iamPrincipal/cost-center\"]\n\
             [alerts]\nfirst_run = \"summary\"\n\
             [[budget]]\nname = \"everything\"\namount = \"{}.00\"\nforecast = [100]\n\
             [[budget]]\nname = \"people\"\neach = \"identity\"\namount = \"{amount}.00\"\nthresholds = [80, 100]\n\
             overrides_file = \"people.csv\"\n\
             [[delta]]\nname = \"team jumps\"\neach = \"tag:iamPrincipal/team\"\n\
             [[anomaly]]\nname = \"odd days\"\neach = \"identity\"\n\
             [[hygiene]]\nname = \"without a team\"\nlack = \"tag:iamPrincipal/team\"\n",
            self.identities * 60
        );
        let members = (0..self.identities / 50).map(|desk| {
            let member = desk * 50 + random(desk, quarter) % 50;
            format!("person-{}@example.com,{}.00\n", member * 1000, amount * 2)
        });
        (text, format!("member,amount\n{}", members.collect::<String>()))
    }
}

fn row(desk: u64, day: NaiveDate, usage: &str, cents: u64, is_closed: bool) -> Row {
    let person = Company::person(desk, day);
    let start = day.and_hms_opt(10, 0, 0).unwrap().and_utc();
    let cost = f64::from(u32::try_from(cents).unwrap()) / 100.0;
    let tag = |name: &str, value: String| (format!("iamPrincipal/{name}"), value);
    let tags = vec![tag("cost-center", format!("CC-{}", desk % 40)), tag("team", format!("team-{}", desk % 100))];
    let caller = format!(
        "arn:aws:sts::444455556666:assumed-role/AWSReservedSSO_Developers_0123456789abcdef/person-{person}@example.com"
    );
    let mut row = Row::from([
        ("bill_payer_account_id", PAYER.into()),
        ("bill_bill_type", "Anniversary".into()),
        ("bill_billing_entity", "AWS".into()),
        ("line_item_line_item_type", "Usage".into()),
        ("line_item_usage_account_id", "444455556666".into()),
        ("line_item_product_code", "AmazonBedrock".into()),
        ("line_item_usage_type", usage.into()),
        ("line_item_operation", "InvokeModelInference".into()),
        ("line_item_usage_start_date", Value::Time(start)),
        ("line_item_usage_end_date", Value::Time(start + TimeDelta::hours(1))),
        ("line_item_usage_amount", Value::Number(cost * 40.0)),
        ("line_item_unblended_cost", Value::Number(cost)),
        ("line_item_currency_code", "USD".into()),
        ("line_item_iam_principal", caller.into()),
        ("pricing_unit", "1K tokens".into()),
        ("tags", Value::Map(tags)),
    ]);
    if is_closed {
        row.insert("bill_invoice_id", "invoice".into());
    }
    row
}
