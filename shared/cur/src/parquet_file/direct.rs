//! Reading the pages that nearly all files have without the library: values that are plain or codes of a dictionary, in pages
//! of either version.
//!
//! The library makes an array of every value of a batch. Here, a dictionary is looked at before anything else is read, the
//! first look at the rows makes nothing, and of the rows that it finds only what is wanted is made. What is not read here is
//! [`Odd`](odd::Odd), and the library reads it: its answers are the same, which tests of properties hold.
//!
//! From the ground up:
//!
//! - `odd`: what is not read here;
//! - `bits`: which of a page's values something is true of; `hybrid`: runs and packed bits, which levels and codes are
//!   encoded in; `values`: values as they lie one after the other; `codes`: codes in few bytes;
//! - `leaf` takes the pages of a column chunk apart; `layout`: where the columns lie;
//! - `finder`: which of a page's texts satisfy a rule; `gather` and `maps`: the values of chosen rows;
//! - `telling` and `names` are the first look, `found_rows` the rows that it finds; `batches`: what comes out of the second.

pub(crate) mod batches;
pub(crate) mod bits;
pub(crate) mod codes;
pub(crate) mod finder;
pub(crate) mod found_rows;
pub(crate) mod gather;
pub(crate) mod hybrid;
pub(crate) mod layout;
pub(crate) mod leaf;
pub(crate) mod maps;
pub(crate) mod names;
pub(crate) mod odd;
pub(crate) mod telling;
pub(crate) mod values;
