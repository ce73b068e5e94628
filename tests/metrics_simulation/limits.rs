//! What the real `CloudWatch` refuses is never put.
