//! Parts of histories that are written by hand.

use crate::history::bill::{BillRow, COST_PLACES};
use crate::history::configuration::Configuration;
use crate::history::delivery::{Delivery, ExportKind};
use crate::history::step::{Actor, Does, Round, Step};
use crate::history::{History, Setup};

/// A history that begins on a day of a month, from October 2026, at six in the morning. Its exports overwrite, with a
/// manifest, and are of payers of their own.
pub fn from(month: u8, day: u32, exports: u8, steps: Vec<Step>) -> History {
    let kind = |payer| ExportKind { keeps: false, has_manifests: true, has_ids: true, is_csv: false, payer };
    let before = [0, 31, 61][usize::from(month)];
    let begins = (before + day - 1) * 24 + 6;
    let setup = Setup {
        begins,
        exports: (0..exports).map(kind).collect(),
        lost: 0,
        doubled: 0,
        late: 0,
        page: 1000,
        copied: None,
    };
    History { seed: 0, setup, steps }
}

/// Budgets of a month and of a week.
pub fn budgets(month: u32, week: u32) -> Step {
    let weekly = Some(week);
    Step::Configure(Configuration { budget: month, weekly, ..Configuration::default() })
}

/// A delivery, file by file.
pub fn delivers(number: u32, export: u8, month: u8, chunks: Vec<Vec<BillRow>>) -> Step {
    alone(Does::Deliver(Delivery { number, export, month, chunks, gap: 1, flaw: None }))
}

/// Somebody who is at work alone.
pub fn alone(does: Does) -> Step {
    Step::Round(Round { pace: 0, actors: vec![Actor { does, clock: 0, hurried: None, troubles: Vec::new() }] })
}

/// Usage of a day by a caller, in dollars and a little.
pub fn usage(day: u8, caller: u8, dollars: i64) -> BillRow {
    let cost = dollars * 10_i64.pow(COST_PLACES) + 5;
    BillRow { day, caller, used: 0, line: 0, account: 0, team: caller % 3, currency: 0, cost, invoiced: false }
}
