//! TODO

pub mod backfill;
pub mod basis;
pub mod book;
pub mod claim;
pub mod columns;
pub mod commit;
pub mod committed;
pub mod delivery;
pub mod document;
pub mod history;
pub mod keys;
pub mod objects;
pub mod period;
pub mod reduction;
pub mod restated;
