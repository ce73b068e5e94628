//! The bill as AWS writes it: its lines, which of them are Bedrock's, and what their fields mean.

pub mod bedrock_line;
pub mod category;
pub mod line;
pub mod model;
pub mod principal;
pub mod reduction;
pub mod unattributed;
pub mod usage;
