//! Parquet: what a file claims is checked against limits before a library decodes it, then it is read as rows.
//!
//! From the ground up:
//!
//! - `unfit`: why a part of a file is not decoded; `thrift` reads Parquet's headers; `guard` turns a panic of the decoder
//!   into an error;
//! - `footer_bounds` and `page_header` read what a footer and a page claim; `levels` and `delta_lengths`: how many entries
//!   and how long texts a page holds;
//! - `pages` takes the pages of a column chunk apart; `page_sizes`: what they come to in memory;
//! - `footer` checks and decodes the footer; `columns` finds the columns and their types; `page_bounds`: how much memory a
//!   row group takes;
//! - `direct` reads the pages that nearly all files have; `by_page` reads a row group with it, `by_library` with the library;
//! - `rows` reads a whole file, `metering` a metering file.

pub(crate) mod by_library;
pub(crate) mod by_page;
pub(crate) mod columns;
pub(crate) mod delta_lengths;
pub(crate) mod direct;
pub(crate) mod footer;
pub(crate) mod footer_bounds;
pub(crate) mod guard;
pub(crate) mod levels;
pub mod metering;
pub(crate) mod page_bounds;
pub(crate) mod page_header;
pub mod page_sizes;
pub mod pages;
pub(crate) mod rows;
pub(crate) mod thrift;
pub(crate) mod unfit;
