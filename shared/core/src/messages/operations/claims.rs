//! Which export a bill is counted from: an export that is not counted, a new payer, a counted export that went quiet.

use chrono::{DateTime, Utc};

use crate::calendar::period::BillingPeriod;
use crate::messages::operations::parts::{NAMED, more};
use crate::text::lines::{LABEL, body, subject};
use crate::text::{Text, instant, name, pad_right, wrap};

/// How many columns an export's id takes.
const NAME: usize = 128;

/// How a claim is moved: by the command line in a folder, by the configuration on AWS.
fn how(payer: &str, period: BillingPeriod, export: &str) -> String {
    if payer.is_empty() {
        return "add the column bill_payer_account_id to both exports, so that it is known whose bill each has"
            .to_owned();
    }
    let payer = name(payer, NAME);
    format!(
        "on AWS write claims = {{ \"{payer}/{period}\" = \"{export}\" }} into [export] of config/ledger.toml; for a ledger \
         in a folder run bedrock-ledger claim --ledger DIR --payer {payer} --period {period} --export-id {export}. The \
         other's spend then leaves the month, and metrics, alerts and digests follow"
    )
}

/// An export that is not counted, because another one delivers the same bill.
#[derive(Clone, Copy, Debug)]
pub struct Overlap<'a> {
    /// The export that is not counted.
    pub export_id: &'a str,
    pub period: BillingPeriod,
    /// Whose bill it is; empty where one of the exports does not say.
    pub payer: &'a str,
    /// The export that is counted.
    pub counted: &'a str,
}

impl Overlap<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let Self { period, payer, .. } = *self;
        let (export_id, counted) = (name(self.export_id, NAME), name(self.counted, NAME));
        let bill = match payer {
            "" => "the bill of a payer that is not known (add the column bill_payer_account_id to both)".to_owned(),
            payer => format!("the bill of payer {}", name(payer, NAME)),
        };
        let mut lines = wrap(
            "",
            &format!(
                "{export_id} is not counted in {period}. One bill is counted once, and {bill} is counted from {counted}."
            ),
        );
        lines.push(String::new());
        lines.extend(wrap(
            &pad_right("What to do", LABEL),
            &format!(
                "if both deliver the same bill, stop one of them in AWS Data Exports. If {counted} is not yours, find out \
                 who may write to the bucket, and name yours in count = [...] of [export] in config/ledger.toml (or in \
                 the stack's parameter CountedExports). If {export_id} replaces {counted}, it is counted from the next \
                 month on by itself, once {counted} has been quiet for two days. To count it in {period} already: {}.",
                how(payer, period, &export_id)
            ),
        ));
        Text { subject: subject(&format!("Not counted: {export_id} {period}, {counted} is")), body: body(&lines) }
    }
}

/// An export that the configuration does not count.
#[derive(Clone, Copy, Debug)]
pub struct NotCounted<'a> {
    pub export_id: &'a str,
    /// The payer that is not counted; none if the export is not.
    pub payer: Option<&'a str>,
}

impl NotCounted<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let export_id = name(self.export_id, NAME);
        let (why, key, parameter, value) = match self.payer {
            None => ("it is not among the exports that count".to_owned(), "count", "CountedExports", export_id.clone()),
            Some("") => (
                "rows of it name no payer, and only certain payers count".to_owned(),
                "payers",
                "CountedPayers",
                "the payer, and add the column bill_payer_account_id to the export".to_owned(),
            ),
            Some(payer) => (
                format!("it has the bill of payer {}, who is not among the payers that count", name(payer, NAME)),
                "payers",
                "CountedPayers",
                name(payer, NAME),
            ),
        };
        let mut lines = wrap(
            "",
            &format!(
                "{export_id} delivers and is not counted: {why}. Nothing of it is in metrics, alerts or digests. This note is \
                 sent once."
            ),
        );
        lines.push(String::new());
        lines.extend(wrap(
            &pad_right("What to do", LABEL),
            &format!(
                "nothing, if it is not yours; find out who may write to the bucket if you do not know it. To count it, add \
                 {value} to {key} of [export] in config/ledger.toml and to the stack's parameter {parameter}, where they \
                 are set."
            ),
        ));
        Text { subject: subject(&format!("Not counted: {export_id}")), body: body(&lines) }
    }
}

/// A payer who is counted for the first time, in a ledger that has counted others.
#[derive(Clone, Copy, Debug)]
pub struct NewPayer<'a> {
    pub export_id: &'a str,
    /// The payer; empty where rows name none.
    pub payer: &'a str,
    pub period: BillingPeriod,
}

impl NewPayer<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let Self { period, .. } = *self;
        let export_id = name(self.export_id, NAME);
        let payer = match self.payer {
            "" => "a payer that is not named".to_owned(),
            payer => format!("payer {}", name(payer, NAME)),
        };
        let mut lines = wrap(
            "",
            &format!(
                "The bill of {payer} is counted for the first time, in {period}, from {export_id}. Its spend is in metrics, \
                 budgets, alerts and digests beside that of the payers before."
            ),
        );
        lines.push(String::new());
        lines.extend(wrap(
            &pad_right("What to do", LABEL),
            "nothing, if the payer is yours. If not, somebody else writes to the export's bucket: name your payers in \
             payers = [...] of [export] in config/ledger.toml (or in the stack's parameter CountedPayers), which takes \
             this one out again, and find out who may write to the bucket.",
        ));
        Text { subject: subject(&format!("New payer: {payer} is counted, from {export_id}")), body: body(&lines) }
    }
}

/// An export that a bill is counted from and that has gone quiet, while another one delivers the same bill.
#[derive(Clone, Copy, Debug)]
pub struct QuietClaim<'a> {
    /// Whose bill it is; empty where one of the exports does not say.
    pub payer: &'a str,
    /// The months, in order.
    pub periods: &'a [BillingPeriod],
    /// The export that is counted.
    pub counted: &'a str,
    /// When its last delivery was ready, if it ever had one.
    pub counted_last: Option<DateTime<Utc>>,
    /// The export that delivers.
    pub export_id: &'a str,
    /// When its last delivery was ready.
    pub last: DateTime<Utc>,
}

impl QuietClaim<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let Self { payer, periods, counted_last, last, .. } = *self;
        let (export_id, counted) = (name(self.export_id, NAME), name(self.counted, NAME));
        let quiet_since = counted_last
            .map_or_else(|| "has never delivered".to_owned(), |at| format!("last delivered {}", instant(at)));
        let mut lines = wrap(
            "",
            &format!(
                "The bill of {} is counted from an export that has stopped delivering. Another export delivers this bill \
                 and is not counted. If that one replaces the first, spend is missing from metrics, alerts and digests now. \
                 You get this note every day until somebody decides.",
                if payer.is_empty() {
                    "a payer that is not named".to_owned()
                } else {
                    format!("payer {}", name(payer, NAME))
                }
            ),
        );
        lines.push(String::new());
        lines.extend(wrap(&pad_right("Counted", LABEL), &format!("{counted}, which {quiet_since}")));
        lines.extend(wrap(
            &pad_right("Not counted", LABEL),
            &format!("{export_id}, which last delivered {}", instant(last)),
        ));
        for period in periods.iter().take(NAMED) {
            lines.extend(wrap(&pad_right("Month", LABEL), &period.to_string()));
        }
        lines.extend(more(periods.len(), "months"));
        lines.push(String::new());
        if let Some(period) = periods.last() {
            lines.extend(wrap(
                &pad_right("What to do", LABEL),
                &format!(
                    "decide, for each month. To count {export_id}: {}. To keep {counted}, write the same with {counted}. If one \
                     of them is not yours, name yours in count = [...] of [export] in config/ledger.toml.",
                    how(payer, *period, &export_id)
                ),
            ));
        }
        Text {
            subject: subject(&format!("Decide: {counted} is counted and quiet, {export_id} delivers")),
            body: body(&lines),
        }
    }
}
