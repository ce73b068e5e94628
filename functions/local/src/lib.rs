//! The command line `bedrock-ledger`.
