//! The bill as AWS writes it: its lines, which of them are Bedrock's, and what their fields mean.
//!
//! - `line`: bill lines: fields, measures, tags, and the limits of their texts
//! - `line_coder`: codes for their days, texts and tags
//! - `bedrock_line`: which line items are Amazon Bedrock's
//! - `reduction`: the sum of rows with equal fields to lines
//! - `category`: what kind of money a line is
//! - `principal`: who called, and the identity that spend is grouped by
//! - `unattributed`: why a line names no caller
//! - `usage`: what a usage type says: model, kind of token, tier, routing
//! - `model`: one name for a model, however the bill spells it

pub mod bedrock_line;
pub mod category;
pub mod line;
pub mod line_coder;
pub mod model;
pub mod principal;
pub mod reduction;
pub mod unattributed;
pub mod usage;
