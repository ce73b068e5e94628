//! A delivery with missing files.

use chrono::{DateTime, Utc};

use crate::calendar::period::BillingPeriod;
use crate::messages::operations::parts::{NAMED, PATH, more};
use crate::text::lines::{LABEL, body, subject};
use crate::text::{Text, counted, instant, name, pad_right, without_links, wrap};

/// A delivery that is not whole, two hours after anything of it was written.
#[derive(Clone, Debug)]
pub struct Incomplete<'a> {
    /// The export's id.
    pub export_id: &'a str,
    pub period: BillingPeriod,
    pub manifest: &'a str,
    /// When the last of its files was written.
    pub written: DateTime<Utc>,
    /// The files that are missing or belong to a later delivery.
    pub files: &'a [String],
}

impl Incomplete<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let (export, period) = (name(self.export_id, PATH), self.period);
        let files = counted(self.files.len(), "file", "files");
        let are = if self.files.len() == 1 { "is" } else { "are" };
        let mut lines = wrap(
            "",
            &format!(
                "The delivery of {export} for {period} is incomplete: {files} of its manifest {are} missing, or newer than \
                 the manifest. Nothing was written since {}. The last good numbers stay in force.",
                instant(self.written)
            ),
        );
        lines.push(String::new());
        lines.extend(wrap(&pad_right("Manifest", LABEL), &without_links(self.manifest)));
        for file in self.files.iter().take(NAMED) {
            lines.extend(wrap(&pad_right("File", LABEL), &without_links(file)));
        }
        lines.extend(more(self.files.len(), "files"));
        lines.push(String::new());
        lines.extend(wrap(
            &pad_right("What to do", LABEL),
            "wait for the next delivery: if AWS was only late, it corrects this. If the bucket is a copy or a replica, \
             check that all of data/ is copied, and set copied = true in [export] of config/ledger.toml. If a lifecycle \
             rule removes data files, let it remove the manifests too.",
        ));
        Text { subject: subject(&format!("Delivery incomplete: {export} {period}, {files}")), body: body(&lines) }
    }
}
