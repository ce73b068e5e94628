//! The command line `bedrock-ledger`.

pub mod sample;
