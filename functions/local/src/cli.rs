//! The commands and their options.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use clap::builder::{PathBufValueParser, RangedU64ValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use spend_core::bill::category::Category;
use spend_core::calendar::period::BillingPeriod;
use spend_core::digest::extent::DigestKind;
use spend_core::facts::dimension::{Dimension, DimensionError};
use spend_core::facts::matcher::Matcher;
use spend_core::facts::spend::Basis;
use spend_core::reporting::report::Measure;
use spend_core::text::NONE;

use crate::sample::{Format, SampleOptions};

/// What whoever has just built it does.
const FIRST_STEPS: &str = "\
To see what it does, on the bill of a made-up company:
  bedrock-ledger demo
On your own, of which a copy lies in EXPORT (aws s3 sync s3://BUCKET/ EXPORT):
  bedrock-ledger doctor --export EXPORT
  bedrock-ledger run --export EXPORT --ledger LEDGER
  bedrock-ledger report --ledger LEDGER --by identity,model";

/// Amazon Bedrock spend per IAM principal, from AWS CUR 2.0 exports, to the last digit of the bill.
#[derive(Debug, Parser)]
#[command(name = "bedrock-ledger", version, propagate_version = true, after_help = FIRST_STEPS)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Whether what goes to standard output is CSV.
    pub fn is_csv(&self) -> bool {
        let format = match &self.command {
            Command::Report(options) => options.format,
            Command::Explain(options) => options.format,
            Command::History(options) => options.format,
            Command::Backtest(options) => options.format,
            _ => return false,
        };
        format == ReportFormat::Csv
    }
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a sample export, run everything on it, and show what comes out.
    Demo(Demo),
    /// Write a sample export to try things on: October and November 2026 of a made-up company.
    Sample(Sample),
    /// Read every delivery of an export into a ledger, and tell what budgets and the digest have to tell.
    Run(Run),
    /// Totals of a ledger by any keys.
    Report(Report),
    /// Write a month's showback and chargeback as CSV files, each summing to the bill.
    Chargeback(Chargeback),
    /// What is wrong with an export or a ledger, and how to mend it.
    Doctor(Doctor),
    /// What finance would be mailed: spend, why it changed, whose it is, and that it adds up to the bill.
    Digest(Digest),
    /// Write a month as one page of HTML: who spends what on which model, against which budget, and why it changed.
    Page(Page),
    /// Which lines of the bill make up a number: whose spend of a period or a day.
    Explain(Explain),
    /// Each delivery of a ledger, and what it moved.
    History(History),
    /// The alerts that a configuration would have sent.
    Backtest(Backtest),
    /// What is wrong with a configuration, what its rules say, and whom each matches.
    Check(Check),
    /// Send a test message the way that every alert goes: here to out/messages.jsonl in the ledger.
    TestAlert(TestAlert),
    /// Derive months again, with the export not at hand, after a change of configuration or release.
    Rebuild(Rebuild),
    /// Replace a person's name by an alias in a ledger, and in what it will read of the bill.
    Forget(Forget),
    /// Decide which export a payer's month is counted from, where two deliver the same bill.
    Claim(Claim),
}

/// `demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Where the sample export and its ledger go; what an earlier demo left there is replaced.
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    pub dir: PathBuf,
}

/// `sample`.
#[derive(Debug, Args)]
pub struct Sample {
    /// Where the export goes: what the bucket holds below its root.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Equal seeds give equal bytes.
    #[arg(long, value_name = "N", default_value_t = SampleOptions::SEED)]
    pub seed: u64,
    /// How many bill rows each month has in its last delivery, at least 10; from 2,700 on the whole story finds room.
    #[arg(long, value_name = "N", default_value_t = SampleOptions::ROWS,
          value_parser = count(SampleOptions::FEWEST_ROWS, SampleOptions::MOST))]
    pub rows: usize,
    /// How many principals call Amazon Bedrock; never fewer than the story's 16, as far as there are rows for them.
    #[arg(long, value_name = "N", default_value_t = SampleOptions::PRINCIPALS, value_parser = count(0, SampleOptions::MOST))]
    pub principals: usize,
    /// Which share of the rows is Bedrock's, from 0 to 1. [default: 0.15, or more where the story needs it]
    #[arg(long, value_name = "F", value_parser = share)]
    pub bedrock_share: Option<f64>,
    /// How many times the current month is delivered, from 1 to 19: one stands in place, as in an export that overwrites;
    /// several stand in folders of their own, as in one that keeps every delivery.
    #[arg(long, value_name = "N", default_value_t = SampleOptions::DELIVERIES,
          value_parser = count(1, SampleOptions::MOST_DELIVERIES))]
    pub deliveries: usize,
    /// The format of the chunks.
    #[arg(long, value_enum, default_value_t = Format::Parquet)]
    pub format: Format,
    /// Where the metering records of the sample's gateway go, if anywhere.
    #[arg(long, value_name = "FILE")]
    pub metering: Option<PathBuf>,
}

/// `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// The export: what its bucket holds below its root, the folders of the export among it; or `s3://BUCKET[/PREFIX]`.
    #[arg(long, value_name = "DIR")]
    pub export: PathBuf,
    /// The folder of the ledger; made if it is not there.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The configuration; without one the last that was in force in this ledger, else the defaults.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The time to take for now, such as 2026-11-20T06:00:00Z, which is the sample's; without it the clock's.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

const KEYS: &str = "\
What to group by: day, account, principal, identity, owner, owner_source, cost_center, model, token, tier, routing, \
context, feature, category, usage_type, region, currency, provider or tag:NAME, such as tag:iamPrincipal/team";

const MEASURES: &str = "\
What to say of each group: cost, tokens, per_million (what a million tokens cost), list_cost, share (percent of the cost \
of all groups) or token_share";

/// `report`.
#[derive(Debug, Args)]
pub struct Report {
    /// The ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// One billing period; all of them without it.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<BillingPeriod>,
    #[arg(long, value_name = "KEY[,KEY…]", value_delimiter = ',', required = true, help = KEYS)]
    /// What to group by.
    pub by: Vec<Dimension>,
    #[arg(long, value_name = "MEASURE[,MEASURE…]", value_delimiter = ',', default_value = "cost", help = MEASURES)]
    /// What to say of each group.
    pub measure: Vec<Measure>,
    /// Only some categories: usage, discount, credit, refund, fee, tax, other; all of them without it.
    #[arg(long, value_name = "NAME[,NAME…]", value_delimiter = ',')]
    pub category: Vec<Category>,
    /// Only what has such a value, as `match` of the configuration says it: identity=dana@example.com, or
    /// tag:iamPrincipal/team=search*; may be given several times, and all must hold.
    #[arg(long = "match", value_name = "KEY=GLOB", value_parser = matcher)]
    pub matches: Vec<Matcher>,
    /// The first usage day (UTC); from the first there is without it.
    #[arg(long, value_name = "DATE")]
    pub from: Option<NaiveDate>,
    /// The last usage day (UTC); up to the last there is without it.
    #[arg(long, value_name = "DATE")]
    pub to: Option<NaiveDate>,
    /// Which cost: unblended or net-unblended.
    #[arg(long, value_name = "BASIS", default_value = "unblended")]
    pub basis: Basis,
    /// One export; all of them without it.
    #[arg(long, value_name = "ID")]
    pub export_id: Option<String>,
    /// Keep the N largest rows of each currency and fold the rest into (other).
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub format: ReportFormat,
}

/// `chargeback`. Writes `showback.csv`, `chargeback.csv`, `unit_costs.csv` and `cache.csv`.
#[derive(Debug, Args)]
pub struct Chargeback {
    /// The ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The billing period.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: BillingPeriod,
    /// Where the files go; those of an earlier run are replaced.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Metering records of shared gateways, CSV or Parquet; may be given several times. Without one those below
    /// `metering/` in the ledger.
    #[arg(long, value_name = "FILE")]
    pub metering: Vec<PathBuf>,
    /// A configuration whose splits to use; without one the last that was in force. Owners stay those of the ledger.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Which cost: unblended or net-unblended; without it the configuration's.
    #[arg(long, value_name = "BASIS")]
    pub basis: Option<Basis>,
    /// One export; all of them without it.
    #[arg(long, value_name = "ID")]
    pub export_id: Option<String>,
    /// The time to work at, instead of the clock's: it decides whether a month has closed.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

/// `digest`. Nothing is sent.
#[derive(Debug, Args)]
pub struct Digest {
    /// The ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The billing period, one of the last three; without it the one that a digest of this kind is about now.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<BillingPeriod>,
    /// Which digest: weekly, close or preliminary.
    #[arg(long, value_name = "KIND", default_value = "weekly")]
    pub kind: DigestKind,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = DigestFormat::Text)]
    pub format: DigestFormat,
    /// Write digest.txt and digest.json there and show nothing.
    #[arg(long, value_name = "DIR", conflicts_with = "format")]
    pub out: Option<PathBuf>,
    /// The time to take for now, such as 2026-11-20T06:00:00Z, which is the sample's; without it the clock's.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

/// `page`. It needs no network and no script to be read.
#[derive(Debug, Args)]
pub struct Page {
    /// The ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The billing period, one of the last three; without it the one that a digest is about now.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<BillingPeriod>,
    /// The page; its numbers go beside it, to the same name with `.json`.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The time to take for now, such as 2026-11-20T06:00:00Z, which is the sample's; without it the clock's.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

/// How a digest is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DigestFormat {
    /// The mail to finance.
    Text,
    /// The event for machines.
    Json,
}

/// `explain`. Rows are counted from 0 through the whole file; a header is no row.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("caller").required(true))]
pub struct Explain {
    /// The export that the ledger was made from, with the delivery in force.
    #[arg(long, value_name = "DIR")]
    pub export: PathBuf,
    /// The ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The billing period.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: BillingPeriod,
    /// Whose spend, as the bill names the caller; (none) for what names nobody.
    #[arg(long, value_name = "ARN", group = "caller")]
    pub principal: Option<String>,
    /// Whose spend, as reports name the caller; (none) for what names nobody.
    #[arg(long, value_name = "NAME", group = "caller")]
    pub identity: Option<String>,
    /// One usage day (UTC); all of them without it.
    #[arg(long, value_name = "DATE")]
    pub day: Option<NaiveDate>,
    /// Show every line in the table, in the order of the files, and not only the 40 largest.
    #[arg(long)]
    pub all: bool,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub format: ReportFormat,
}

/// `history`.
#[derive(Debug, Args)]
pub struct History {
    /// The ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// One billing period; all of them without it.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<BillingPeriod>,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub format: ReportFormat,
}

/// `backtest`.
#[derive(Debug, Args)]
pub struct Backtest {
    /// The ledger; nothing in it is changed.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The configuration to try.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub format: ReportFormat,
}

/// `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The configuration.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// A ledger, to say whom each rule matches.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: Option<PathBuf>,
    /// The time to take for now, such as 2026-11-20T06:00:00Z, which is the sample's; without it the clock's.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

/// `test-alert`.
#[derive(Debug, Args)]
pub struct TestAlert {
    /// The ledger, whose messages it joins.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The time to take for now, such as 2026-11-20T06:00:00Z, which is the sample's; without it the clock's.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

/// `rebuild`.
#[derive(Debug, Args)]
pub struct Rebuild {
    /// The ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// One billing period; all of them without it.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<BillingPeriod>,
    /// The configuration to derive with, which is then in force; without one the last that was.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The time to take for now, such as 2026-11-20T06:00:00Z, which is the sample's; without it the clock's.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

/// `forget`.
#[derive(Debug, Args)]
pub struct Forget {
    /// Whom: a session's, IAM user's or federated user's name, an identity as reports show it, or an ARN.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// What stands in the name's place; without it forgotten- and a part of a salted hash, and an e-mail address's domain.
    #[arg(long, value_name = "ALIAS")]
    pub alias: Option<String>,
}

/// `claim`. The other export's spend leaves the month; metrics, alerts and digests follow.
#[derive(Debug, Args)]
pub struct Claim {
    /// The ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// Whose bill it is: the payer's account id.
    #[arg(long, value_name = "ID")]
    pub payer: String,
    /// The billing period.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: BillingPeriod,
    /// The export that the month is to be counted from.
    #[arg(long, value_name = "ID")]
    pub export_id: String,
    /// The time to take for now, such as 2026-11-20T06:00:00Z, which is the sample's; without it the clock's.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

/// How a report is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For people: costs with two decimals.
    Table,
    /// With a header and exact costs.
    Csv,
    /// An array of objects, costs as strings.
    Json,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The export: what its bucket holds below its root, the folders of the export among it; or
    /// `s3://BUCKET[/PREFIX]`. Nothing is written.
    #[arg(long, value_name = "DIR", required_unless_present = "ledger")]
    pub export: Option<PathBuf>,
    /// The ledger: whether every object in it is whole, and how to mend what is not. Nothing is written.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: Option<PathBuf>,
    /// How to show it.
    #[arg(long, value_enum, default_value_t = DoctorFormat::Table)]
    pub format: DoctorFormat,
    /// The time to take for now, such as 2026-11-20T06:00:00Z, which is the sample's; without it the clock's.
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    /// For people.
    Table,
    /// An array of objects.
    Json,
}

/// A whole number from `least` to `most`.
fn count(least: usize, most: usize) -> impl TypedValueParser<Value = usize> {
    let bound = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    RangedU64ValueParser::<usize>::new().range(bound(least)..=bound(most))
}

fn matcher(text: &str) -> Result<Matcher, String> {
    let (key, glob) = text.split_once('=').ok_or("write it as KEY=GLOB, such as identity=dana@example.com")?;
    let dimension: Dimension = key.parse().map_err(|error: DimensionError| error.to_string())?;
    if glob.is_empty() {
        return Err(format!("no value is empty: write {key}={NONE} for what has none"));
    }
    Ok(Matcher::new(dimension, glob))
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("it is not between 0 and 1".to_owned()) }
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let parsed = DateTime::parse_from_rfc3339(text);
    parsed.map(|instant| instant.to_utc()).map_err(|error| format!("{error}: write it as 2026-11-20T06:00:00Z"))
}

/// A folder on this machine, with whatever name.
fn folder() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        let is_bucket = path.as_os_str().as_encoded_bytes().starts_with(b"s3://");
        if is_bucket {
            let path = path.display();
            Err(format!("a ledger is a folder: copy that of a stack, `aws s3 sync {path} ./ledger`, and name ./ledger"))
        } else {
            Ok(path)
        }
    })
}
