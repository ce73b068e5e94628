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
use spend_ledger::build;

use crate::sample::{Format, SampleOptions};

/// What to type first.
const FIRST_STEPS: &str = "\
To see everything on the bill of a made-up company:
  bedrock-ledger demo
To use your own bill, copy the export to a folder (aws s3 sync s3://BUCKET/ EXPORT), then:
  bedrock-ledger doctor --export EXPORT
  bedrock-ledger run --export EXPORT --ledger LEDGER
  bedrock-ledger report --ledger LEDGER --by identity,model";

/// Amazon Bedrock spend per IAM principal, from AWS CUR 2.0 exports, to the last digit of the bill.
#[derive(Debug, Parser)]
#[command(name = "bedrock-ledger", version = build::name(), propagate_version = true, after_help = FIRST_STEPS)]
pub struct Cli {
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

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a sample export, run everything on it, and show what comes out: budgets, alerts and a page.
    Demo(Demo),
    /// Write a sample export to try things on: October and November 2026 of a made-up company.
    Sample(Sample),
    /// Read every delivery of an export into a ledger, then publish metrics, alerts and the digest into it.
    Run(Run),
    /// Print totals of a ledger by any keys, such as identity and model.
    Report(Report),
    /// Write a month's showback and chargeback as CSV files; each of the two sums to the bill.
    Chargeback(Chargeback),
    /// Print what is wrong with an export or a ledger, and how to mend it.
    Doctor(Doctor),
    /// Print the mail that finance would get: spend, why it changed, who spent it, and how it adds up to the bill.
    Digest(Digest),
    /// Write a month as one page of HTML: spend by caller and model, budgets, and why spend changed.
    Page(Page),
    /// Print the bill lines behind a number: one caller's spend of a month or a day.
    Explain(Explain),
    /// Print each delivery of a ledger, and the amounts that it changed.
    History(History),
    /// Print the alerts that a configuration would have sent for the months of a ledger.
    Backtest(Backtest),
    /// Print what is wrong with a configuration, each rule as a sentence, and whom each rule matches.
    Check(Check),
    /// Send one alert that is marked as a test, in the same way as every alert: into out/messages.jsonl of the ledger.
    TestAlert(TestAlert),
    /// Derive months of a ledger again, without the export, after a change of configuration or release.
    Rebuild(Rebuild),
    /// Replace a person's name by an alias in a ledger, and in every bill line that the ledger reads later.
    Forget(Forget),
    /// Decide which export a payer's month is counted from, where two exports deliver the same bill.
    Claim(Claim),
}

#[derive(Debug, Args)]
pub struct Demo {
    /// The folder for the sample export, its ledger and its page; what an earlier demo left there is replaced.
    #[arg(long, value_name = "DIR", default_value = ".demo")]
    pub dir: PathBuf,
}

#[derive(Debug, Args)]
pub struct Sample {
    /// The folder for the export: what the bucket would hold below its root.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The seed of everything that is random: equal seeds give equal bytes.
    #[arg(long, value_name = "N", default_value_t = SampleOptions::SEED)]
    pub seed: u64,
    /// How many bill rows each month has in its last delivery, at least 10; from 2,700 on the whole story fits.
    #[arg(long, value_name = "N", default_value_t = SampleOptions::ROWS,
          value_parser = count(SampleOptions::FEWEST_ROWS, SampleOptions::MOST))]
    pub rows: usize,
    /// How many principals call Amazon Bedrock; never fewer than the story's 16, as far as there are rows for them.
    #[arg(long, value_name = "N", default_value_t = SampleOptions::PRINCIPALS, value_parser = count(0, SampleOptions::MOST))]
    pub principals: usize,
    /// The share of the rows that is Bedrock's, from 0 to 1. [default: 0.15, or more where the story needs it]
    #[arg(long, value_name = "F", value_parser = share)]
    pub bedrock_share: Option<f64>,
    /// How many times the current month is delivered, from 1 to 19: 1 overwrites in place; 2 or more keep a folder for
    /// each delivery.
    #[arg(long, value_name = "N", default_value_t = SampleOptions::DELIVERIES,
          value_parser = count(1, SampleOptions::MOST_DELIVERIES))]
    pub deliveries: usize,
    /// The format of the data files.
    #[arg(long, value_enum, default_value_t = Format::Parquet)]
    pub format: Format,
    /// The file for the metering records of the sample's gateway. [default: none is written]
    #[arg(long, value_name = "FILE")]
    pub metering: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Run {
    /// The export: a copy of what its bucket holds below its root, or `s3://BUCKET[/PREFIX]`. Name the same folder level
    /// every time: the export's id is derived from it.
    #[arg(long, value_name = "DIR")]
    pub export: PathBuf,
    /// The folder of the ledger; it is made if it is not there.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The configuration, which is then in force. [default: the last one in force in this ledger, else the defaults]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The current time, such as 2026-11-20T06:00:00Z, which is the sample's. [default: the clock]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

const KEYS: &str = "\
The keys to group by, such as identity,model: day, account, principal, identity, owner, owner_source, cost_center, \
model, token, tier, routing, context, feature, category, usage_type, region, currency, provider or tag:NAME \
(tag:iamPrincipal/team)";

const MEASURES: &str = "\
The columns of each group, such as cost,tokens: cost, tokens, per_million (what a million tokens cost), list_cost, share \
(percent of the cost of all groups) or token_share";

#[derive(Debug, Args)]
pub struct Report {
    /// The folder of the ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// One billing period, such as 2026-11. [default: all]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<BillingPeriod>,
    #[arg(long, value_name = "KEY[,KEY…]", value_delimiter = ',', required = true, help = KEYS)]
    /// What to group by.
    pub by: Vec<Dimension>,
    #[arg(long, value_name = "MEASURE[,MEASURE…]", value_delimiter = ',', default_value = "cost", help = MEASURES)]
    /// What to say of each group.
    pub measure: Vec<Measure>,
    /// The categories to count: usage, discount, credit, refund, fee, tax or other. [default: all]
    #[arg(long, value_name = "NAME[,NAME…]", value_delimiter = ',')]
    pub category: Vec<Category>,
    /// Count only lines with such a value, as in `match` of a rule: identity=dana@example.com, or
    /// tag:iamPrincipal/team=search*. May be given several times; all must hold.
    #[arg(long = "match", value_name = "KEY=GLOB", value_parser = matcher)]
    pub matches: Vec<Matcher>,
    /// The first usage day (UTC), such as 2026-11-01. [default: the first in the ledger]
    #[arg(long, value_name = "DATE")]
    pub from: Option<NaiveDate>,
    /// The last usage day (UTC), such as 2026-11-15. [default: the last in the ledger]
    #[arg(long, value_name = "DATE")]
    pub to: Option<NaiveDate>,
    /// The kind of cost: unblended or net-unblended.
    #[arg(long, value_name = "BASIS", default_value = "unblended")]
    pub basis: Basis,
    /// One export, by its id in the ledger. [default: all]
    #[arg(long, value_name = "ID")]
    pub export_id: Option<String>,
    /// Keep the N largest rows of each currency and fold the rest into (other).
    #[arg(long, value_name = "N")]
    pub top: Option<usize>,
    /// The output format.
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub format: ReportFormat,
}

/// `chargeback`. Writes `showback.csv`, `chargeback.csv`, `unit_costs.csv` and `cache.csv`.
#[derive(Debug, Args)]
pub struct Chargeback {
    /// The folder of the ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The billing period, such as 2026-11.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: BillingPeriod,
    /// The folder for the files; those of an earlier run are replaced.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// A file of metering records of a shared gateway, CSV or Parquet. May be given several times. [default: the files
    /// below metering/ in the ledger]
    #[arg(long, value_name = "FILE")]
    pub metering: Vec<PathBuf>,
    /// The configuration whose splits are used; owners stay those of the ledger. [default: the last one in force]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The kind of cost: unblended or net-unblended. [default: the configuration's]
    #[arg(long, value_name = "BASIS")]
    pub basis: Option<Basis>,
    /// One export, by its id in the ledger. [default: all]
    #[arg(long, value_name = "ID")]
    pub export_id: Option<String>,
    /// The current time, such as 2026-12-21T06:00:00Z: it decides whether the month has closed. [default: the clock]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

/// `digest`. Nothing is sent.
#[derive(Debug, Args)]
pub struct Digest {
    /// The folder of the ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The billing period, one of the last three. [default: the one that a digest of this kind is about now]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<BillingPeriod>,
    /// The kind of digest: weekly, close or preliminary.
    #[arg(long, value_name = "KIND", default_value = "weekly")]
    pub kind: DigestKind,
    /// The output format.
    #[arg(long, value_enum, default_value_t = DigestFormat::Text)]
    pub format: DigestFormat,
    /// The folder for digest.txt and digest.json; nothing is printed then.
    #[arg(long, value_name = "DIR", conflicts_with = "format")]
    pub out: Option<PathBuf>,
    /// The current time, such as 2026-11-20T06:00:00Z, which is the sample's. [default: the clock]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

/// `page`. It needs no network and no script to be read.
#[derive(Debug, Args)]
pub struct Page {
    /// The folder of the ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The billing period, one of the last three. [default: the one that a digest is about now]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<BillingPeriod>,
    /// The file for the page, such as november.html; its numbers go to the same name with `.json`.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The current time, such as 2026-11-20T06:00:00Z, which is the sample's. [default: the clock]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

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
    /// The folder of the ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The billing period, such as 2026-11.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: BillingPeriod,
    /// The caller whose spend is explained, as the bill names it; `(none)` selects usage without a caller.
    #[arg(long, value_name = "ARN", group = "caller")]
    pub principal: Option<String>,
    /// The caller whose spend is explained, as reports name it, such as dana@example.com; `(none)` selects usage without
    /// a caller.
    #[arg(long, value_name = "NAME", group = "caller")]
    pub identity: Option<String>,
    /// One usage day (UTC), such as 2026-11-12. [default: all]
    #[arg(long, value_name = "DATE")]
    pub day: Option<NaiveDate>,
    /// Print every line in the table, in the order of the files. [default: the 40 largest]
    #[arg(long)]
    pub all: bool,
    /// The output format.
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub format: ReportFormat,
}

#[derive(Debug, Args)]
pub struct History {
    /// The folder of the ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// One billing period, such as 2026-11. [default: all]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<BillingPeriod>,
    /// The output format.
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub format: ReportFormat,
}

#[derive(Debug, Args)]
pub struct Backtest {
    /// The folder of the ledger; nothing in it is changed.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The configuration to try.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The output format.
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub format: ReportFormat,
}

#[derive(Debug, Args)]
pub struct Check {
    /// The configuration to check.
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,
    /// The folder of a ledger: with it, the output says whom each rule matches.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: Option<PathBuf>,
    /// The current time, such as 2026-11-20T06:00:00Z, which is the sample's. [default: the clock]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

#[derive(Debug, Args)]
pub struct TestAlert {
    /// The folder of the ledger that the test alert is written into.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The current time, such as 2026-11-20T06:00:00Z, which is the sample's. [default: the clock]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

#[derive(Debug, Args)]
pub struct Rebuild {
    /// The folder of the ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// One billing period, such as 2026-11. [default: all]
    #[arg(long, value_name = "YYYY-MM")]
    pub period: Option<BillingPeriod>,
    /// The configuration to derive with, which is then in force. [default: the last one in force]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The current time, such as 2026-11-20T06:00:00Z, which is the sample's. [default: the clock]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

#[derive(Debug, Args)]
pub struct Forget {
    /// The name to replace: that of a session, an IAM user or a federated user, an identity as reports show it, or an
    /// ARN.
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The folder of the ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The text in the name's place; no caller may have this name. [default: forgotten- and a salted hash; an e-mail
    /// address keeps its domain]
    #[arg(long, value_name = "ALIAS")]
    pub alias: Option<String>,
}

/// `claim`. The other export's spend leaves the month; metrics, alerts and digests follow.
#[derive(Debug, Args)]
pub struct Claim {
    /// The folder of the ledger.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: PathBuf,
    /// The account id of the payer whose bill it is.
    #[arg(long, value_name = "ID")]
    pub payer: String,
    /// The billing period, such as 2026-11.
    #[arg(long, value_name = "YYYY-MM")]
    pub period: BillingPeriod,
    /// The export that the month is to be counted from, by its id in the ledger.
    #[arg(long, value_name = "ID")]
    pub export_id: String,
    /// The current time, such as 2026-11-20T06:00:00Z, which is the sample's. [default: the clock]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// A table for people, with costs to two decimals.
    Table,
    /// CSV with a header and exact costs.
    Csv,
    /// A JSON array of objects, with exact costs as strings.
    Json,
}

#[derive(Debug, Args)]
pub struct Doctor {
    /// The export: a copy of what its bucket holds below its root, or `s3://BUCKET[/PREFIX]`. Nothing is written.
    #[arg(long, value_name = "DIR", required_unless_present = "ledger")]
    pub export: Option<PathBuf>,
    /// The folder of a ledger: every object in it is read and compared with the others. Nothing is written.
    #[arg(long, value_name = "DIR", value_parser = folder())]
    pub ledger: Option<PathBuf>,
    /// The output format.
    #[arg(long, value_enum, default_value_t = DoctorFormat::Table)]
    pub format: DoctorFormat,
    /// The current time, such as 2026-11-20T06:00:00Z, which is the sample's. [default: the clock]
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    pub now: Option<DateTime<Utc>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DoctorFormat {
    /// Findings for people.
    Table,
    /// A JSON array of objects.
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
        return Err(format!("the value is empty: write {key}={NONE} to select what has none"));
    }
    Ok(Matcher::new(dimension, glob))
}

fn share(text: &str) -> Result<f64, String> {
    let share: f64 = text.parse().map_err(|_| "the share is not a number: write it as 0.15".to_owned())?;
    if (0.0..=1.0).contains(&share) { Ok(share) } else { Err("the share is not between 0 and 1".to_owned()) }
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
            Err(format!("a ledger is a folder: copy this one with `aws s3 sync {path} ./ledger`, and name ./ledger"))
        } else {
            Ok(path)
        }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory as _;

    use super::*;

    /// The page that people read has every command, and in its section every option and no other.
    #[test]
    fn the_page_on_the_command_line_has_every_option() {
        let page = include_str!("../../../docs/command-line.md");
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            let (_, from) =
                page.split_once(&format!("\n## {name}\n")).unwrap_or_else(|| panic!("no section on {name}"));
            let section = from.split("\n## ").next().unwrap();
            let rows = section.lines().filter_map(|line| line.strip_prefix("| `--")?.split(" | ").next());
            let told: BTreeSet<_> = rows
                .flat_map(|options| options.split("`--"))
                .map(|option| option.split([' ', '`']).next().unwrap())
                .collect();
            let options = command.get_arguments().filter_map(clap::Arg::get_long);
            let there: BTreeSet<_> = options.filter(|long| !["help", "version"].contains(long)).collect();
            assert_eq!(told, there, "{name}");
        }
    }
}
