//! From files in the export's bucket to a delivery whose chunks are all reduced: the steps map, seal and ready.
//!
//! Each step reads what is there and writes what is missing, so that events may come twice, late and in any order.
//!
//! - `times`: what the times of an export's files are worth.
//! - `reduce`: map, which reduces one chunk; and the reductions that were stored.
//! - `ready`: ready, which declares a delivery ready once all its chunks are reduced.
//! - `past`: what was sealed of a period before, and which files of a delivery are an earlier one's.
//! - `pin`: the seal itself: the id, the order and the files that are pinned.
//! - `seal` and `unlisted`: seal, of a delivery with a manifest and of one without.
//! - `event`: what one created object leads to.

mod event;
mod past;
mod pin;
mod ready;
mod reduce;
mod seal;
mod times;
mod unlisted;

pub use crate::ingest::event::{Ingested, object_created};
pub use crate::ingest::pin::{Seal, still_stands, take};
pub use crate::ingest::ready::complete;
pub(crate) use crate::ingest::ready::ready;
pub use crate::ingest::reduce::{Reductions, load_reduction, map, map_and};
pub use crate::ingest::seal::seal;
pub use crate::ingest::times::FileTimes;
pub(crate) use crate::ingest::unlisted::check;
pub use crate::ingest::unlisted::{Quiet, seal_unlisted};
