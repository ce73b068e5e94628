"""Bedrock Ledger as a stack of a CDK app. docs/deploy-without-sam.md says how to make packaged.yaml."""

import aws_cdk as cdk
from aws_cdk.cloudformation_include import CfnInclude

app = cdk.App()
# The account and the region of the export's bucket.
stack = cdk.Stack(app, "bedrock-ledger", env=cdk.Environment(account="111122223333", region="us-east-1"))

# Parameters that are left out have the template's defaults. docs/deploy.md describes them all.
ledger = CfnInclude(
    stack,
    "Template",
    template_file="packaged.yaml",
    parameters={
        "ExportBucketName": "acme-billing",
        "ExportPrefix": "cur2",
        "AlertsEmail": "oncall@example.com",
        "DigestEmail": "finance@example.com",
        "OperationsEmail": "platform@example.com",
        "DigestTimeZone": "Europe/Berlin",
        # A key and a permissions boundary of your organization:
        # "KeyArn": "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        # "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/workloads",
    },
)
cdk.Tags.of(stack).add("CostCenter", "4711")

app.synth()
