//! Exports and their deliveries.

use crate::history::bill::BillRow;

/// How an export delivers.
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportKind {
    /// Whether it keeps every delivery in a folder of its own.
    pub keeps: bool,
    /// Whether it ever writes manifests.
    pub has_manifests: bool,
    /// Whether its manifests say an execution id.
    pub has_ids: bool,
    /// Whether its files are CSV.
    pub is_csv: bool,
    /// Whose bill it is, by place.
    pub payer: u8,
}

/// One delivery of one month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Which delivery of the history it is: its execution id follows from it.
    pub number: u32,
    /// Which export, by number.
    pub export: u8,
    /// Which month, from October 2026.
    pub month: u8,
    /// The rows of each file.
    pub chunks: Vec<Vec<BillRow>>,
    /// How many seconds pass between two files.
    pub gap: u8,
    pub flaw: Option<Flaw>,
}

/// What is wrong with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Its writer stops after so many files: the manifest never comes.
    Halts(u8),
    /// There is no manifest.
    NoManifest,
    /// This file, by place, is damaged.
    Damaged(u8),
}

impl Delivery {
    /// Every row.
    pub fn rows(&self) -> impl Iterator<Item = &BillRow> {
        self.chunks.iter().flatten()
    }
}
