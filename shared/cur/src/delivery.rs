//! A delivery: the layout of keys below an export, and its manifest.

pub mod layout;
pub mod manifest;
