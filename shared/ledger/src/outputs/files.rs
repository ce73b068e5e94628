//! The ports on one machine: each line of a file is a JSON object, and every call appends its lines at once.
//!
//! Writers take turns by a lock on the file, across processes; the lines of one call are never torn apart by another's.
//! A process killed while it writes can leave a part of its last line. That part stays, because nothing published is
//! ever taken back; the next call starts on a line of its own, so that one line at most is not JSON.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::ops::RangeInclusive;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Number;
use spend_core::money::decimal::Decimal;

use crate::outputs::message::{Message, Notifier};
use crate::outputs::metric::{Datum, Metrics, Series, check_data, dimension_text};
use crate::outputs::publish_error::PublishError;
use crate::store::directory::lock;
use crate::store::private_files;

/// [`Metrics`] in the file `out/metrics.jsonl` of a ledger's folder: one line per datum.
///
/// It blocks the calling thread for as long as the disk and the other writers take.
#[derive(Clone, Debug)]
pub struct MetricsFile(PathBuf);

impl MetricsFile {
    /// The file of the ledger in the folder `ledger`. It is created by the first datum.
    pub fn in_ledger(ledger: &Path) -> Self {
        Self(ledger.join("out").join("metrics.jsonl"))
    }
}

impl Metrics for MetricsFile {
    async fn put(&self, namespace: &str, data: &[Datum]) -> Result<(), PublishError> {
        check_data(namespace, data)?;
        let what = || format!("{} metrics in {}", data.len(), self.0.display());
        append(&self.0, data.iter().map(|datum| DatumLine::of(namespace, datum)), what)
    }

    async fn daily_sums(
        &self,
        namespace: &str,
        series: &[Series],
        days: RangeInclusive<NaiveDate>,
    ) -> Result<Vec<BTreeMap<NaiveDate, f64>>, PublishError> {
        let what = format!("the metrics in {}", self.0.display());
        sums(&self.0, namespace, series, &days).map_err(|error| PublishError::NotRead { what, source: Box::new(error) })
    }
}

/// What the lines of the file sum to. A line that is not JSON was torn by a crash and was not published.
fn sums(
    path: &Path,
    namespace: &str,
    series: &[Series],
    days: &RangeInclusive<NaiveDate>,
) -> io::Result<Vec<BTreeMap<NaiveDate, f64>>> {
    let mut sums = vec![BTreeMap::new(); series.len()];
    let mut asked: HashMap<(&str, BTreeMap<String, String>), Vec<usize>> = HashMap::new();
    for (index, series) in series.iter().enumerate() {
        asked.entry((series.name.as_str(), texts(&series.dimensions))).or_default().push(index);
    }
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(sums),
        opened => opened?,
    };
    for line in BufReader::new(file).split(b'\n') {
        let line = line?;
        let Ok(line) = serde_json::from_slice::<ReadLine<'_>>(&line) else { continue };
        let day = line.timestamp.date_naive();
        if line.namespace != namespace || !days.contains(&day) {
            continue;
        }
        for index in asked.get(&(&*line.name, line.dimensions)).into_iter().flatten() {
            if let Some(sums) = sums.get_mut(*index) {
                *sums.entry(day).or_insert(0.0) += line.value;
            }
        }
    }
    Ok(sums)
}

/// The dimensions as they are written.
fn texts(dimensions: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let texts = dimensions.iter();
    texts.map(|(name, value)| (dimension_text(name).into_owned(), dimension_text(value).into_owned())).collect()
}

/// A line of the file as it is read back.
#[derive(Deserialize)]
struct ReadLine<'a> {
    #[serde(borrow)]
    namespace: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    dimensions: BTreeMap<String, String>,
    timestamp: DateTime<Utc>,
    value: f64,
}

/// [`Notifier`] in the file `out/messages.jsonl` of a ledger's folder: one line per message.
///
/// It blocks the calling thread for as long as the disk and the other writers take.
#[derive(Clone, Debug)]
pub struct MessageFile(PathBuf);

impl MessageFile {
    /// The file of the ledger in the folder `ledger`. It is created by the first message.
    pub fn in_ledger(ledger: &Path) -> Self {
        Self(ledger.join("out").join("messages.jsonl"))
    }
}

impl Notifier for MessageFile {
    async fn send(&self, message: &Message) -> Result<(), PublishError> {
        message.check()?;
        let line = MessageLine {
            topic: message.topic.as_str(),
            subject: &message.subject,
            body: &message.body,
            attributes: &message.attributes,
        };
        append(&self.0, std::iter::once(line), || format!("{} in {}", message.name(), self.0.display()))
    }
}

#[derive(Serialize)]
struct DatumLine<'a> {
    namespace: &'a str,
    name: &'a str,
    dimensions: BTreeMap<String, String>,
    timestamp: String,
    value: Option<Number>,
    unit: &'static str,
}

impl<'a> DatumLine<'a> {
    fn of(namespace: &'a str, datum: &'a Datum) -> Self {
        Self {
            namespace,
            name: &datum.name,
            dimensions: texts(&datum.dimensions),
            timestamp: datum.timestamp.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            value: number(datum.value),
            unit: datum.unit.as_str(),
        }
    }
}

#[derive(Serialize)]
struct MessageLine<'a> {
    topic: &'static str,
    subject: &'a str,
    body: &'a str,
    attributes: &'a BTreeMap<String, String>,
}

/// The shortest number that reads back as the double which CloudWatch would be given.
fn number(value: Decimal) -> Option<Number> {
    /// Up to here every whole number is a double.
    const EXACT: u64 = 1 << 53;
    match value.to_string().parse::<i64>() {
        Ok(whole) if whole.unsigned_abs() <= EXACT => Some(Number::from(whole)),
        _ => Number::from_f64(value.to_f64()),
    }
}

/// Appends a line for each of `lines` in one write.
fn append<L: Serialize>(
    path: &Path,
    lines: impl Iterator<Item = L>,
    what: impl Fn() -> String,
) -> Result<(), PublishError> {
    let not_sent = |error: io::Error| PublishError::NotSent { what: what(), source: Box::new(error) };
    let mut text = Vec::new();
    for line in lines {
        serde_json::to_writer(&mut text, &line).map_err(|error| not_sent(error.into()))?;
        text.push(b'\n');
    }
    if text.is_empty() {
        return Ok(());
    }
    let (mut file, length) = open(path).map_err(not_sent)?;
    if !ends_a_line(&file, length).map_err(not_sent)? {
        text.insert(0, b'\n');
    }
    match file.write_all(&text) {
        Ok(()) => {
            // Before the caller notes that it was published, it must outlive a loss of power.
            file.sync_data().map_err(|error| PublishError::InDoubt { what: what(), source: Box::new(error) })
        }
        // Whatever part was written is taken back, so that the call had no effect.
        Err(error) => match file.set_len(length) {
            Ok(()) => Err(not_sent(error)),
            Err(_) => Err(PublishError::InDoubt { what: what(), source: Box::new(error) }),
        },
    }
}

/// The file, locked, and its length.
fn open(path: &Path) -> io::Result<(File, u64)> {
    if let Some(folder) = path.parent() {
        private_files::create_folders(folder)?;
    }
    let file = private_files::options().read(true).append(true).create(true).open(path)?;
    lock(&file)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

fn ends_a_line(file: &File, length: u64) -> io::Result<bool> {
    let Some(last) = length.checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte == *b"\n")
}
