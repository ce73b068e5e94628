//! What lies in an export's bucket or tree.
//!
//! - `location`: what the key of a manifest or a data file says, and how copies spell it.
//! - `inventory`: a listing sorted into deliveries. `tree`: a tree on a disk as a store, wherever it was cut off.
//! - `pinned`: one version of a data file, read by range.

pub mod inventory;
pub mod location;
pub(crate) mod pinned;
pub mod tree;
