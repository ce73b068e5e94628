//! The Lambda function `digest`: the step digest on AWS.

fn main() {}
