//! The Lambda function `alert`: the step alert on AWS.

fn main() {}
