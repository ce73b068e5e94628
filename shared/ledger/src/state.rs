//! TODO

pub mod backfill;
pub mod basis;
pub mod book;
pub mod columns;
pub mod committed;
pub mod document;
pub mod keys;
pub mod period;
pub mod restated;
