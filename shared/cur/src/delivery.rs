//! A delivery in the export's bucket: `layout` says what an object is by its key, `manifest` which files a delivery consists of.

pub mod layout;
pub mod manifest;
