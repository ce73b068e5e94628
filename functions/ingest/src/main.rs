//! The Lambda function `ingest`: the step map, seal and sweep on AWS.

fn main() {}
