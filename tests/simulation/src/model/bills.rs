//! What each export's bucket held of a month, one version after the other.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::history::History;
use crate::history::bill::BillRow;
use crate::history::delivery::{Delivery, ExportKind, Flaw};
use crate::history::step::{Does, Step};
use crate::model::amounts::{Sums, sums};

/// An export's number and a month's.
pub type Whose = (u8, u8);

/// What a month's state may be made of: one whole delivery, or, where there are no manifests, what was in the bucket at
/// some time.
#[derive(Debug)]
pub struct Whole {
    pub rows: Rc<[BillRow]>,
    pub sums: Sums,
}

/// What became of one month of one export.
#[derive(Debug, Default)]
pub struct Bill {
    /// Oldest first.
    pub wholes: Vec<Whole>,
    /// Whether the newest of them must be what is counted in the end: nothing has been written over it since.
    pub is_sure: bool,
    /// The newest delivery, if a file of it is damaged.
    pub damaged: Option<u32>,
    /// Whether a manifest was ever written.
    has_manifest: bool,
    /// As long as there is no manifest: what each file holds, nothing if it is damaged.
    files: BTreeMap<usize, Option<Vec<BillRow>>>,
}

/// The deliveries of a history, by number.
pub fn deliveries(history: &History) -> BTreeMap<u32, &Delivery> {
    let rounds = history.steps.iter().filter_map(|step| match step {
        Step::Round(round) => Some(&round.actors),
        _ => None,
    });
    let deliveries = rounds.flatten().filter_map(|actor| match &actor.does {
        Does::Deliver(delivery) => Some((delivery.number, delivery)),
        _ => None,
    });
    deliveries.collect()
}

impl Bill {
    /// A file of a delivery is written; the delivery may be whole by it.
    pub fn delivered(&mut self, kind: &ExportKind, delivery: &Delivery, file: usize, is_whole: bool) {
        let is_damaged = |place: usize| delivery.flaw == u8::try_from(place).ok().map(Flaw::Damaged);
        let had_manifest = self.has_manifest;
        self.has_manifest |= kind.has_manifests && is_whole;
        if self.has_manifest {
            if is_whole {
                let damaged = (0..delivery.chunks.len()).any(is_damaged);
                self.damaged = damaged.then_some(delivery.number);
                if !damaged {
                    self.push(delivery.rows().cloned().collect(), delivery.month);
                }
                // Where every delivery is kept, a damaged one leaves the one before it in force.
                self.is_sure = !damaged || kind.keeps && had_manifest && self.is_sure;
            } else if !kind.keeps {
                self.is_sure = false;
            }
            return;
        }
        // Without any manifest of the month its files are taken as they are found.
        if kind.keeps && file == 0 {
            self.files.clear();
        }
        self.files.insert(file, (!is_damaged(file)).then(|| delivery.chunks[file].clone()));
        let whole: Option<Vec<_>> = self.files.values().cloned().collect();
        self.damaged = whole.is_none().then_some(delivery.number);
        self.is_sure = whole.is_some();
        if let Some(files) = whole {
            self.push(files.into_iter().flatten().collect(), delivery.month);
        }
    }

    fn push(&mut self, rows: Vec<BillRow>, month: u8) {
        let sums = sums(&rows, month);
        self.wholes.push(Whole { rows: rows.into(), sums });
    }
}
