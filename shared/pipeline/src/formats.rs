//! Every format that is stored or sent, in one list, but for the facts file ([`crate::period::facts_file::FORMAT`]), which is no
//! JSON.

use spend_ledger::formats::{self, Formats};

use crate::sweep::state::{SweptDeliveries, SweptReady};

/// Goes through every format: those of the ledger, and what sweeps remember.
pub fn each(formats: &mut impl Formats) {
    formats::each(formats);
    formats.format::<SweptDeliveries>();
    formats.format::<SweptReady>();
}
