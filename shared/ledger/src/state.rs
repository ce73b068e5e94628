//! What is stored of a bill, and how it is read back: documents with a version each, changed by conditional writes alone.
//!
//! - `keys`: where each object lies; `objects`: what lies at a key, and the cure of each kind if it is damaged;
//! - `document`: JSON with its format in front, plain or compressed; `tabular`: one with a table beside it, by column;
//!   `contexts`: what zstd decompresses with;
//! - `delivery`, `reduction`: a delivery before it is applied, and its files reduced; `commit`: a delivery that was
//!   applied, and which is the newer; `period`: a month's state, the only commit; `history`: what a commit moved; `claim`:
//!   which export a month is counted from;
//! - `columns`: the columns of earlier versions, which were JSON;
//! - `committed`: reading states; `book`: the three newest months, which reactions read; `basis`: what a plan was made
//!   from, and what is older; `backfill`: how far the first sweep has come; `restated`: which changes are restatements;
//! - `retention`: for how long a bucket keeps what nobody needs for ever.

pub mod backfill;
pub mod basis;
pub mod book;
pub mod claim;
pub mod columns;
pub mod commit;
pub mod committed;
mod contexts;
pub mod delivery;
pub mod document;
pub mod history;
pub mod keys;
pub mod objects;
pub mod period;
pub mod reduction;
pub mod restated;
pub mod retention;
pub mod tabular;
