//! The command line `bedrock-ledger`.
fn main() {}
