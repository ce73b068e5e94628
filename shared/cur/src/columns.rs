//! Which columns of a file are read, whatever format it has.
//!
//! `names` has the names that are looked for, `schema` the columns of CUR 2.0 and their types, `other_tables` tells files of
//! the legacy report and of FOCUS, `tag_sources` says which columns give which tags, and `plan` puts them together for a file.

pub(crate) mod names;
pub(crate) mod other_tables;
pub(crate) mod plan;
pub mod schema;
pub(crate) mod tag_sources;
