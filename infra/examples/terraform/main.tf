# Bedrock Ledger as a CloudFormation stack that Terraform keeps. docs/deploy-without-sam.md says how to make packaged.yaml.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

# The region of the export's bucket.
provider "aws" {
  region = "us-east-1"
}

variable "zips_bucket" {
  description = "The bucket that aws cloudformation package has put the functions' zips into"
  type        = string
}

variable "packaged_template" {
  description = "The template that aws cloudformation package has written"
  type        = string
  default     = "packaged.yaml"
}

data "aws_s3_bucket" "zips" {
  bucket = var.zips_bucket
}

# The template is too large to be passed along. Its hash is in its name, so that Terraform sees a change.
resource "aws_s3_object" "template" {
  bucket = var.zips_bucket
  key    = "bedrock-ledger/${filesha256(var.packaged_template)}.yaml"
  source = var.packaged_template
}

resource "aws_cloudformation_stack" "ledger" {
  name         = "bedrock-ledger"
  template_url = "https://${data.aws_s3_bucket.zips.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  capabilities = ["CAPABILITY_IAM"]

  # Parameters that are left out have the template's defaults. docs/deploy.md describes them all.
  parameters = {
    ExportBucketName = "acme-billing"
    ExportPrefix     = "cur2"
    AlertsEmail      = "oncall@example.com"
    DigestEmail      = "finance@example.com"
    OperationsEmail  = "platform@example.com"
    DigestTimeZone   = "Europe/Berlin"
    # A key and a permissions boundary of your organization:
    # KeyArn                 = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    # PermissionsBoundaryArn = "arn:aws:iam::111122223333:policy/workloads"
  }

  tags = {
    CostCenter = "4711"
  }
}

output "ledger" {
  description = "Names and ARNs of what the stack made"
  value       = aws_cloudformation_stack.ledger.outputs
}
