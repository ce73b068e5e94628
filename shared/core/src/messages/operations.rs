//! Notes to operations, a file for each cause:
//!
//! - `adopted`: a configuration that alerts less than the one before, or the first one;
//! - `broken`: a configuration or a metering file that cannot be used;
//! - `claims`: which export a bill is counted from;
//! - `deployed`: what the export's bucket holds, once after deployment;
//! - `incomplete`: a delivery with missing files;
//! - `more`: how many notes of a kind were not mailed one by one;
//! - `silent`: a rule that matches nobody;
//! - `stuck`: an object that no attempt finishes, and a backlog that does not shrink;
//! - `trouble`: a failure that only a person can mend;
//! - `unread`: topics whose messages reach nobody;
//! - `unverified`: a delivery that was counted with files that may be old.
//!
//! `parts` has the lines that they share.

pub mod adopted;
pub mod broken;
pub mod claims;
pub mod deployed;
pub mod incomplete;
pub mod more;
pub mod parts;
pub mod silent;
pub mod stuck;
pub mod trouble;
pub mod unread;
pub mod unverified;

#[cfg(test)]
mod tests;
