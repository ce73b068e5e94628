//! The ports on AWS: S3, CloudWatch and SNS, a feature each, and what the Lambda functions share.
