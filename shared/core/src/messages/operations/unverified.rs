//! A delivery that was counted although some of its files may belong to the delivery before.

use crate::calendar::period::BillingPeriod;
use crate::messages::operations::parts::{NAMED, PATH, more};
use crate::text::lines::{LABEL, body, subject};
use crate::text::{Text, counted, name, pad_right, without_links, wrap};

/// A delivery with files that an earlier delivery had already, two hours after the last change in its bucket.
#[derive(Clone, Debug)]
pub struct Unverified<'a> {
    /// The export's id.
    pub export_id: &'a str,
    pub period: BillingPeriod,
    pub manifest: &'a str,
    /// How many files it has.
    pub files: usize,
    /// Those that an earlier delivery had already.
    pub earlier: &'a [String],
}

impl Unverified<'_> {
    /// The message.
    pub fn text(&self) -> Text {
        let (export, period) = (name(self.export_id, PATH), self.period);
        let files = counted(self.files, "file", "files");
        let mut lines = wrap(
            "",
            &format!(
                "In the newest delivery of {export} for {period}, {} of {files} did not change since an earlier \
                 delivery. AWS writes every file again with each delivery. Nothing else arrived for two hours, so the \
                 delivery is counted as it is: its numbers may mix two deliveries. The month is marked unverified in \
                 every message.",
                self.earlier.len()
            ),
        );
        lines.push(String::new());
        lines.extend(wrap(&pad_right("Manifest", LABEL), &without_links(self.manifest)));
        for file in self.earlier.iter().take(NAMED) {
            lines.extend(wrap(&pad_right("Unchanged", LABEL), &without_links(file)));
        }
        lines.extend(more(self.earlier.len(), "files"));
        lines.push(String::new());
        lines.extend(wrap(
            &pad_right("What to do", LABEL),
            "if the bucket is a copy or a replica, see why these files are late (replication metrics and failures, the log \
             of the tool that copies). When they arrive, the delivery is counted again within 15 minutes; where copied = \
             true, after an hour without changes. If AWS delivers into the bucket itself, compare the month with the \
             Billing console.",
        ));
        Text { subject: subject(&format!("Delivery unverified: {export} {period}")), body: body(&lines) }
    }
}
