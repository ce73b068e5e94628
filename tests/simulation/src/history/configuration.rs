//! What the owner configures.

use std::fmt::Write as _;

use crate::history::bill::PAYERS;
use crate::history::words::{EXPORTS, MONTHS};

/// A configuration, as far as histories vary it.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The budget of a month for everybody together, in USD.
    pub budget: u32,
    /// The budget of a week for each identity, in USD, if there is one.
    pub weekly: Option<u32>,
    /// Whether credits count as spend.
    pub credits: bool,
    /// How many members of a dimension have a series at first.
    pub top: u8,
    /// Whether there are rules that compare with the past, too.
    pub compares: bool,
    /// What becomes of what is crossed already when a rule is new: `send` or `summary`.
    pub first_run: &'static str,
    /// How many alerts an evaluation sends singly.
    pub singly: u8,
    /// A payer, and the export that all of its months are counted from, by their numbers; else the first that delivers.
    pub chosen: Option<(u8, u8)>,
    /// The only export that counts, if not all do.
    pub only: Option<u8>,
    /// An export that delivers no more, as the owner says.
    pub retired: Option<u8>,
    /// Whether the bucket is a copy.
    pub copied: bool,
    /// Whether the file cannot be read.
    pub broken: bool,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            budget: 1000,
            weekly: None,
            credits: false,
            top: 3,
            compares: true,
            first_run: "send",
            singly: 20,
            chosen: None,
            only: None,
            retired: None,
            copied: false,
            broken: false,
        }
    }
}

/// The thresholds of the month's budget.
pub const THRESHOLDS: [u32; 3] = [50, 80, 100];

/// By how much an identity's day must be above the week before it: in USD and in percent of it. Both must be exceeded.
pub const JUMP: (u32, u32) = (20, 20);

impl Configuration {
    /// The file.
    pub fn text(&self) -> String {
        let counts = if self.credits { r#"["usage", "discount", "credit"]"# } else { r#"["usage", "discount"]"# };
        let mut text = format!(
            "[cost]\ncount = {counts}\n[tags]\nrequired = [\"iamPrincipal/team\"]\n[metrics]\ntop = {}\ncap = {}\n\
             [alerts]\nfirst_run = \"{}\"\nmax_per_run = {}\n[[budget]]\nname = \"all\"\namount = \"{}\"\nthresholds = {THRESHOLDS:?}\n\
             severity = \"page\"\n",
            self.top,
            u32::from(self.top) * 2 + 2,
            self.first_run,
            self.singly,
            self.budget,
        );
        if let Some(weekly) = self.weekly {
            let _ = write!(
                text,
                "[[budget]]\nname = \"each\"\neach = \"identity\"\nwindow = \"week\"\namount = \"{weekly}\"\n\
                 thresholds = [100]\n"
            );
            if self.compares {
                text.push_str("forecast = [150]\n");
            }
        }
        if self.compares {
            let (amount, percent) = JUMP;
            let _ = write!(
                text,
                "[[delta]]\nname = \"jumps\"\neach = \"identity\"\nagainst = \"trailing\"\nrise_percent = {percent}\n\
                 rise_amount = \"{amount}\"\n[[anomaly]]\nname = \"odd\"\neach = \"identity\"\nminimum = \"20\"\nnew_above = \"30\"\n",
            );
        }
        text.push_str("[export]\n");
        if self.copied {
            text.push_str("copied = true\n");
        }
        if let Some((payer, export)) = self.chosen {
            let (payer, export) = (PAYERS[usize::from(payer)], EXPORTS[usize::from(export)]);
            let claims = MONTHS.map(|month| format!("\"{payer}/{month}\" = \"{export}\""));
            let _ = writeln!(text, "claims = {{ {} }}", claims.join(", "));
        }
        for (key, export) in [("count", self.only), ("retired", self.retired)] {
            if let Some(export) = export {
                let _ = writeln!(text, "{key} = [\"{}\"]", EXPORTS[usize::from(export)]);
            }
        }
        if self.broken {
            text.push_str("[[budget\n");
        }
        text
    }

    /// Whether what an export delivers counts.
    pub fn has_export(&self, export: u8) -> bool {
        self.only.is_none_or(|only| only == export)
    }

    /// The categories that are spend.
    pub fn counts(&self, category: &str) -> bool {
        matches!(category, "usage" | "discount") || self.credits && category == "credit"
    }
}
