//! What the tests over the whole workspace share; the tests are beside this file.

pub mod bill;
pub mod bucket;
pub mod gzip;
