//! The Lambda function `aggregate`: the step aggregate and metrics on AWS.

fn main() {}
