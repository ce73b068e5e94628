"""infra/deployer-policy.json, against what CloudFormation asks for each type of resource in the templates."""

import fnmatch
import json
import re
import shlex
import subprocess
import unittest

from resource_types import actions
from stack import ROOT, Stack, as_list, source

POLICY = json.loads((ROOT / "infra" / "deployer-policy.json").read_text())
PLACEHOLDERS = ("ACCOUNT", "DATABASE", "REGION", "STACK", "ZIPS")

# What CloudFormation may call for properties that no template here has, or that it does on behalf of the resource later.
# A type that is not listed needs everything that its schema names.
UNUSED = {
    # The workgroup's results are written by whoever queries.
    "AWS::Athena::WorkGroup": "iam:* kms:* s3:AbortMultipartUpload s3:GetObject s3:ListBucketMultipartUploads "
    "s3:ListMultipartUploadParts s3:PutObject",
    # The bus has no key of its own.
    "AWS::Events::EventBus": "kms:*",
    # Neither connections nor Lake Formation are used.
    "AWS::Glue::Database": "glue:*Connection lakeformation:*",
    "AWS::Glue::Table": "glue:GetSchemaVersion glue:PassConnection iam:PassRole lakeformation:* s3:*",
    # Policies are inline.
    "AWS::IAM::Role": "iam:AttachRolePolicy iam:DetachRolePolicy",
    # No VPC, file system, layer, signed code, reserved concurrency or key of variables.
    "AWS::Lambda::Function": "ec2:* elasticfilesystem:* kms:* lambda:AssociateRuntimeAlias lambda:GetCodeSigningConfig "
    "lambda:GetLayerVersion lambda:PassCapacityProvider lambda:PublishVersion s3files:*",
    # Events are not encrypted with a key of the mapping.
    "AWS::Lambda::EventSourceMapping": "kms:*",
    # No deliveries, indexes, data protection or resource policies.
    "AWS::Logs::LogGroup": "firehose:* logs:CreateLogDelivery logs:*IndexPolic* logs:*DataProtectionPolicy "
    "logs:*ResourcePolic* logs:PutBearerTokenAuthentication logs:PutLogGroupDeletionProtection s3:*",
    # No replication, ACL, object or table of metadata.
    "AWS::S3::Bucket": "iam:PassRole s3:*MetadataTableConfiguration s3:UpdateBucket* s3:DeleteObject s3:PutObjectAcl "
    "s3tables:*",
    # Mail needs no role, and topics have no data protection.
    "AWS::SNS::Subscription": "iam:*",
    "AWS::SNS::Topic": "iam:* sns:PutDataProtectionPolicy",
}


def is_any(action, patterns):
    return any(fnmatch.fnmatchcase(action, pattern) for pattern in patterns)


def allowed():
    return [action for statement in POLICY["Statement"] for action in as_list(statement["Action"])]


def types():
    files = ("template.yaml", "forward.yaml")
    return {found["Type"] for file in files for found in source(file)["Resources"].values()}


class DeployerPolicy(unittest.TestCase):
    def test_it_allows_what_each_type_of_resource_needs(self):
        missing = {
            (kind, action)
            for kind in types()
            for action in actions(kind)
            if not is_any(action, UNUSED.get(kind, "").split()) and not is_any(action, allowed())
        }
        self.assertEqual(missing, set())

    def test_no_exception_stands_for_a_type_or_an_action_that_is_gone(self):
        self.assertEqual(set(UNUSED) - types(), set())
        for kind, patterns in UNUSED.items():
            for pattern in patterns.split():
                self.assertTrue([action for action in actions(kind) if is_any(action, [pattern])], (kind, pattern))

    def test_it_allows_what_deploying_itself_calls(self):
        for action in (
            *("CreateChangeSet", "DescribeChangeSet", "ExecuteChangeSet", "DescribeStacks", "DescribeStackEvents"),
            *("GetTemplateSummary", "GetTemplate", "ListStackResources", "DeleteStack", "DeleteChangeSet"),
            *("CreateStack", "UpdateStack", "DescribeStackResource", "DetectStackDrift", "ValidateTemplate"),
        ):
            self.assertTrue(is_any(f"cloudformation:{action}", allowed()), action)
        (zips,) = [found for found in POLICY["Statement"] if found["Resource"] == "arn:aws:s3:::ZIPS/*"]
        # Packaging puts, CloudFormation gets, and `sam delete` deletes.
        self.assertLessEqual({"s3:PutObject", "s3:GetObject", "s3:DeleteObject"}, set(zips["Action"]))

    def test_it_is_limited_to_the_stack_by_name_or_says_why_not(self):
        # Calls that know no resource, or one whose name AWS makes.
        everywhere = [found for found in POLICY["Statement"] if found["Resource"] == "*"]
        unlimited = {found["Sid"] for found in everywhere if "Condition" not in found}
        self.assertEqual(unlimited, {"Unsubscribe", "WhatHasNoName"})
        for statement in POLICY["Statement"]:
            self.assertEqual(statement["Effect"], "Allow")
            for action in as_list(statement["Action"]):
                self.assertNotIn(action, ("*", "iam:*", "s3:*", "kms:*"), statement["Sid"])
            for resource in as_list(statement["Resource"]):
                named = ("STACK", "DATABASE", "ZIPS", "aws-sam-cli-managed-default")
                by_nature = ("ACCOUNT:catalog", "key/*", "event-source-mapping:*", "bcm-data-exports", "cur:")
                self.assertTrue(resource == "*" or any(part in resource for part in named + by_nature), resource)
        (passing,) = [found for found in POLICY["Statement"] if "iam:PassRole" in as_list(found["Action"])]
        self.assertEqual(passing["Resource"], "arn:aws:iam::ACCOUNT:role/STACK-*")
        assumed = {
            statement["Principal"]["Service"]
            for stack in (Stack(), Stack({"ExportBucketName": "exports"}, file="forward.yaml"))
            for role in stack.of_type("AWS::IAM::Role").values()
            for statement in role["AssumeRolePolicyDocument"]["Statement"]
        }
        self.assertEqual(set(passing["Condition"]["StringEquals"]["iam:PassedToService"]), assumed)

    def test_the_page_s_command_fills_in_every_name(self):
        page = (ROOT / "docs" / "deploy.md").read_text()
        (command,) = re.findall(r"^sed (-e .*?) infra/deployer-policy\.json", page, flags=re.DOTALL | re.MULTILINE)
        asked = ["sed", *shlex.split(command.replace("\\\n", " ")), str(ROOT / "infra" / "deployer-policy.json")]
        found = json.loads(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)
        self.assertEqual(len(found["Statement"]), len(POLICY["Statement"]))
        self.assertEqual([name for name in PLACEHOLDERS if name in json.dumps(found)], [])

    def test_it_fits_into_one_managed_policy_with_names_filled_in(self):
        text = json.dumps(POLICY)
        for name, value in zip(PLACEHOLDERS, ("1" * 12, "d" * 24, "ap-southeast-2", "s" * 24, "z" * 30)):
            self.assertIn(name, text)
            text = text.replace(name, value)
        # IAM counts no white space.
        self.assertLessEqual(len("".join(text.split())), 6144)

    def test_its_stack_is_named_as_the_resources_are(self):
        stack = Stack(name="STACK")
        self.assertEqual(stack.properties("Schedules")["Name"], "STACK")
        self.assertEqual(stack.properties("Dashboard")["DashboardName"], "STACK-us-east-1")
        self.assertEqual(stack.properties("WorkGroup")["Name"], "STACK")
        self.assertTrue(stack.properties("SpendFellToZeroAlarm")["AlarmName"].startswith("STACK-"))
        self.assertTrue(stack.properties("Export")["Export"]["Name"].startswith("STACK"))


if __name__ == "__main__":
    unittest.main()
