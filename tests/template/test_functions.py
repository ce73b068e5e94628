"""The functions: their variables, and what they may do.

FUNCTIONS_DIR is where their binaries are; ACTIONS is the list of calls that the end-to-end run wrote.
"""

import json
import os
import re
import subprocess
import unittest

from samtranslator.yaml_helper import yaml_parse

from policy import Grant, grants
from stack import EXISTING, FUNCTIONS, ROOT, Stack

STACK = Stack({"ExportBucketName": "exports", "ExportBucketKmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/1"})
OPTIONAL = {"BEDROCK_LEDGER_NOW"}
# Which the SDK or the runtime reads.
NOT_OURS = {"SSL_CERT_FILE"}

# Allowed although no end-to-end run calls it, by the service that does it in our place or the occasion that is rare.
NOT_CALLED = {
    "kms:Decrypt": "S3 and SNS ask KMS with the caller's permission; the stand-ins encrypt nothing",
    "kms:GenerateDataKey": "as above",
    "sqs:ReceiveMessage": "the event source mapping asks with the function's role",
    "sqs:DeleteMessage": "as above",
    "sqs:GetQueueAttributes": "as above",
    "sqs:SendMessage": "Lambda sends what failed for good with the function's role",
    "logs:CreateLogStream": "Lambda logs with the function's role",
    "logs:PutLogEvents": "as above",
}

# Called on occasions that the end-to-end run may not have.
RARELY = {
    ("alert", "s3:PutObject", "operations/notes/*"): "a note of its own, on an error that an operator must mend",
    ("digest", "s3:PutObject", "operations/notes/*"): "as above",
}


def variables(function):
    return set(STACK.properties(function.capitalize())["Environment"]["Variables"])


class Variables(unittest.TestCase):
    def test_each_function_has_the_variables_that_it_reads(self):
        directory = os.environ["FUNCTIONS_DIR"]
        for function in FUNCTIONS:
            asked = subprocess.run([os.path.join(directory, function)], env={}, capture_output=True, text=True, timeout=60)
            self.assertNotEqual(asked.returncode, 0, f"{function} starts without any variable")
            read = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", asked.stderr)) - OPTIONAL
            self.assertEqual(variables(function) - NOT_OURS, read, function)

    def test_certificates_are_read_from_one_file(self):
        for function in FUNCTIONS:
            found = STACK.properties(function.capitalize())["Environment"]["Variables"]["SSL_CERT_FILE"]
            self.assertEqual(found, "/etc/pki/tls/certs/ca-bundle.crt")


class Shape(unittest.TestCase):
    def test_each_function_is_a_program_for_arm_that_logs_json_to_a_group_of_its_own(self):
        groups = set()
        for key, function in STACK.of_type("AWS::Lambda::Function").items():
            self.assertEqual(function["Runtime"], "provided.al2023")
            self.assertEqual(function["Architectures"], ["arm64"])
            self.assertEqual(function["LoggingConfig"]["LogFormat"], "JSON")
            self.assertNotIn("ReservedConcurrentExecutions", function, "new accounts have none to reserve")
            self.assertEqual(function["Role"], STACK.arn(f"{key}Role"))
            group = function["LoggingConfig"]["LogGroup"]
            self.assertTrue(STACK.properties(group)["RetentionInDays"])
            groups.add(group)
        self.assertEqual(len(groups), len(FUNCTIONS))

    def test_what_is_distributed_names_the_zip_of_each_function(self):
        (command,) = re.findall(r"sed -E '([^']+)' infra/template\.yaml", (ROOT / "Makefile").read_text())
        asked = ["sed", "-E", command, str(ROOT / "infra" / "template.yaml")]
        found = yaml_parse(subprocess.run(asked, capture_output=True, text=True, check=True).stdout)["Resources"]
        self.assertEqual({name: found[name.capitalize()]["Properties"]["Code"] for name in FUNCTIONS},
                         {name: f"{name}.zip" for name in FUNCTIONS})

    def test_each_function_may_log_to_its_own_group_alone(self):
        for function in FUNCTIONS:
            name = function.capitalize()
            logs = {grant.resource for grant in grants(STACK, f"{name}Role") if grant.action.startswith("logs:")}
            self.assertEqual(logs, {STACK.arn(f"{name}Logs")})

    def test_the_export_is_read_only_in_the_account_that_was_named(self):
        for parameters, owner in ((EXISTING, "111122223333"), (EXISTING | {"ExportBucketAccount": "444455556666"}, "444455556666")):
            for policy in Stack(parameters).properties("IngestRole")["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    if statement["Sid"] in ("ListTheExport", "ReadTheExport"):
                        self.assertEqual(statement["Condition"], {"StringEquals": {"aws:ResourceAccount": owner}})


class Permissions(unittest.TestCase):
    """Against the calls of the end-to-end run, with its names of buckets and topics put into the stack's."""

    @classmethod
    def setUpClass(cls):
        with open(os.environ["ACTIONS"]) as file:
            cls.calls = [(call["function"], call["action"], cls.here(call["resource"])) for call in json.load(file)]

    @staticmethod
    def here(resource):
        """The run tells buckets and topics by what they are: arn:aws:s3:::ledger/KEY, arn:aws:sns:::alerts."""
        ledger = re.fullmatch(r"arn:aws:s3:::ledger(/.*)?", resource)
        if ledger:
            return STACK.arn("LedgerBucket") + (ledger[1] or "")
        topic = re.fullmatch(r"arn:aws:sns:.*:([a-z]+)", resource)
        return STACK.arn(f"{topic[1].capitalize()}Topic") if topic else resource

    def test_every_call_is_allowed(self):
        for function, action, resource in self.calls:
            allowed = grants(STACK, f"{function.capitalize()}Role")
            self.assertTrue(any(grant.covers(action, resource) for grant in allowed), (function, action, resource))

    def test_nothing_is_allowed_that_is_never_called(self):
        never = set()
        for function in FUNCTIONS:
            allowed = grants(STACK, f"{function.capitalize()}Role")
            for grant in allowed - {grant for grant in allowed if grant.action in NOT_CALLED}:
                called = any(name == function and grant.covers(action, on) for name, action, on in self.calls)
                # Where the answer to a write was lost, what is there is read back.
                reads_back = grant.action == "s3:GetObject" and Grant("s3:PutObject", grant.resource) in allowed
                short = grant.resource.removeprefix(STACK.arn("LedgerBucket") + "/").split(":")[-1]
                if not called and not reads_back and (function, grant.action, short) not in RARELY:
                    never.add((function, grant.action, grant.resource))
        self.assertEqual(never, set())


if __name__ == "__main__":
    unittest.main()
