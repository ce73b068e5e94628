//! What an examination finds, and how it says so.

use serde::Serialize;
use spend_core::calendar::period::BillingPeriod;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Examined {
    /// What AWS delivers into: the next delivery is awaited here.
    Bucket,
    /// A copy, which is as old as it is.
    Copy,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A run refuses it: a delivery is not published, and its numbers are missing until it is mended.
    Problem,
    /// A run takes it as it is, but something is lost or will surprise.
    Notice,
    /// Checked, and as it should be.
    Ok,
}

/// One thing that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The stable name of what was found, such as `principal-column-missing`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The export, as `[PREFIX/]EXPORT`; none where it is about the whole tree.
    pub export: Option<String>,
    /// The billing period; none where it is about all of them.
    pub period: Option<BillingPeriod>,
    /// What was found.
    pub what: String,
    /// Why it matters; empty where all is well.
    pub why: String,
    /// How to mend it; empty where all is well.
    pub cure: String,
    /// How long the cure takes to show; empty where all is well.
    pub takes: String,
    /// Whether it says that files are no chunks of a CUR 2.0 export, and never will be.
    #[serde(skip)]
    pub is_of_another_kind: bool,
}

/// Why something matters, how to mend it, and how long that takes to show.
pub(crate) struct Remedy<T> {
    pub(crate) why: T,
    pub(crate) cure: T,
    pub(crate) takes: T,
}

/// What a finding is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject {
    pub(crate) export: Option<String>,
    pub(crate) period: Option<BillingPeriod>,
}

impl Subject {
    pub(crate) fn ok(&self, id: &'static str, what: impl Into<String>) -> Finding {
        let (export, period, nothing) = (self.export.clone(), self.period, String::new);
        let (why, cure, takes) = (nothing(), nothing(), nothing());
        let (severity, what) = (Severity::Ok, what.into());
        Finding { id, severity, export, period, what, why, cure, takes, is_of_another_kind: false }
    }

    pub(crate) fn notice(
        &self,
        id: &'static str,
        what: impl Into<String>,
        remedy: Remedy<impl Into<String>>,
    ) -> Finding {
        let (why, cure, takes) = (remedy.why.into(), remedy.cure.into(), remedy.takes.into());
        Finding { severity: Severity::Notice, why, cure, takes, ..self.ok(id, what) }
    }

    pub(crate) fn problem(
        &self,
        id: &'static str,
        what: impl Into<String>,
        remedy: Remedy<impl Into<String>>,
    ) -> Finding {
        Finding { severity: Severity::Problem, ..self.notice(id, what, remedy) }
    }
}

/// That a folder has paths which no listing shows: `what` names them.
pub fn left_out(what: String) -> Finding {
    Subject::default().notice(
        "paths-left-out",
        what,
        Remedy {
            why: "deliveries that lie there are not read",
            cure: "copy them into the folder itself, or name the folder that a link points to",
            takes: "at once",
        },
    )
}

/// How far an examination is, told before each chunk is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The export, as `[PREFIX/]EXPORT`.
    pub export: String,
    pub period: BillingPeriod,
    /// Which of the delivery's chunks, from 1.
    pub chunk: usize,
    /// Of how many.
    pub chunks: usize,
    /// How many rows of the delivery were read before it.
    pub rows: u64,
}
