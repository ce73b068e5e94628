//! What whoever operates the program reads: what was found after it was deployed, and what only a person can mend.

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
pub mod unverified;

#[cfg(test)]
mod tests;
