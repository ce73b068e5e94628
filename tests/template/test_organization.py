"""The stack in an account with rules of its own: boundaries, tags, keys, ledgers that exist, quotas, partitions."""

import json
import unittest

from resource_types import schema, tag_property
from stack import EXISTING, Stack, as_list, source

FOREIGN = EXISTING | {"ExportBucketAccount": "444455556666"}
KEY = "arn:aws:kms:us-east-1:999988887777:key/central"
BOUNDARY = "arn:aws:iam::111122223333:policy/boundary"
KEPT = {"LedgerBucketName": "ledger-of-before", "KeyArn": KEY}
MAILED = Stack({f"{topic}Email": "one@example.com" for topic in ("Alerts", "Digest", "Operations")})


def forward(**parameters):
    return Stack({"ExportBucketName": "exports"} | parameters, file="forward.yaml")


class Roles(unittest.TestCase):
    def test_every_role_has_the_permissions_boundary_that_is_asked_for(self):
        for given, expected in (({}, None), ({"PermissionsBoundaryArn": BOUNDARY}, BOUNDARY)):
            for stack in (Stack(given), Stack(FOREIGN | given), forward(**given)):
                roles = stack.of_type("AWS::IAM::Role")
                self.assertTrue(roles)
                found = {key: role.get("PermissionsBoundary") for key, role in roles.items()}
                self.assertEqual(found, dict.fromkeys(roles, expected))


class Tags(unittest.TestCase):
    def test_everything_that_can_be_tagged_has_the_tag_of_its_stack(self):
        for stack in (MAILED, Stack(FOREIGN), forward()):
            for key, resource in stack.resources.items():
                where = tag_property(resource["Type"])
                if where is None:
                    continue
                tags = resource["Properties"].get(where, [])
                self.assertIn({"Key": "bedrock-ledger:stack", "Value": "ledger-stack"}, tags, (key, resource["Type"]))

    def test_what_cannot_be_tagged_is_known(self):
        kinds = {resource["Type"] for stack in (MAILED, Stack(FOREIGN)) for resource in stack.resources.values()}
        self.assertEqual(
            {kind for kind in kinds if tag_property(kind) is None},
            {
                "AWS::Athena::NamedQuery",
                "AWS::Events::EventBusPolicy",
                "AWS::Glue::Database",
                "AWS::Glue::Table",
                "AWS::Lambda::EventInvokeConfig",
                "AWS::Logs::MetricFilter",
                "AWS::S3::BucketPolicy",
                # Its group has the tags.
                "AWS::Scheduler::Schedule",
                "AWS::SNS::Subscription",
                "AWS::SNS::TopicPolicy",
                "AWS::SQS::QueuePolicy",
            },
        )

    def test_every_schedule_is_in_the_tagged_group(self):
        groups = {found["GroupName"] for found in Stack().of_type("AWS::Scheduler::Schedule").values()}
        self.assertEqual(groups, {"Schedules"})


class KeyOfYourOwn(unittest.TestCase):
    def test_it_stands_wherever_the_stack_s_own_would(self):
        own, given = Stack(EXISTING), Stack(EXISTING | {"KeyArn": KEY})
        self.assertEqual(given.of_type("AWS::KMS::Key"), {})
        without = {key: found for key, found in own.resources.items() if key != "Key"}
        expected = json.dumps(without).replace(json.dumps(own.arn("Key"))[1:-1], KEY)
        self.assertEqual(json.dumps(given.resources), expected)
        self.assertEqual(given.outputs()["KeyArn"], KEY)


class LedgerThatExists(unittest.TestCase):
    def test_it_stands_wherever_the_stack_s_own_would(self):
        own, given = Stack(EXISTING | {"KeyArn": KEY}), Stack(EXISTING | KEPT)
        self.assertEqual(given.of_type("AWS::S3::Bucket") | given.of_type("AWS::S3::BucketPolicy"), {})
        bucket = ("LedgerBucket", "LedgerBucketPolicy")
        without = {key: found for key, found in own.resources.items() if key not in bucket}
        expected = json.dumps(without).replace(own.name("LedgerBucket"), "ledger-of-before")
        self.assertEqual(json.dumps(given.resources), expected)
        self.assertEqual(given.outputs()["LedgerBucketName"], "ledger-of-before")

    def test_it_comes_with_its_key(self):
        rule = source()["Rules"]["ALedgerComesWithItsKey"]
        self.assertEqual(rule["RuleCondition"], {"Fn::Not": [{"Fn::Equals": [{"Ref": "LedgerBucketName"}, ""]}]})
        asked = [found["Assert"] for found in rule["Assertions"]]
        self.assertEqual(asked, [{"Fn::Not": [{"Fn::Equals": [{"Ref": "KeyArn"}, ""]}]}])

    def test_a_bucket_of_that_name_in_another_account_is_neither_read_nor_written(self):
        stack = Stack(EXISTING | KEPT)
        guarded = 0
        for role in stack.of_type("AWS::IAM::Role").values():
            for statement in (found for policy in role["Policies"] for found in policy["PolicyDocument"]["Statement"]):
                if any("ledger-of-before" in resource for resource in as_list(statement["Resource"])):
                    guarded += 1
                    self.assertEqual(statement["Condition"], {"StringEquals": {"aws:ResourceAccount": "111122223333"}})
        self.assertEqual(guarded, 12)


class Limits(unittest.TestCase):
    # The longest name of a stack whose names all fit, as docs/deploy.md says.
    LONGEST = 64

    def test_every_name_fits_with_the_longest_name_of_a_stack(self):
        given = FOREIGN | {"ExportVersion": "9999"}
        checked = set()
        for parameters in ({"ExportVersion": "9999"}, given):
            stack = Stack(parameters, name="s" * self.LONGEST)
            for key, resource in stack.resources.items():
                for where, limits, value in texts(schema(resource["Type"]), resource.get("Properties", {})):
                    checked.add(where)
                    self.assertLessEqual(len(value), limits["maxLength"], (key, where))
        self.assertLessEqual({"StatementId", "Export/Name", "Name", "EventBusName"}, checked)

    def test_a_new_account_s_quota_is_left_alone(self):
        # AWS gives new accounts ten concurrent executions, and raises them with use.
        mappings = Stack(EXISTING).of_type("AWS::Lambda::EventSourceMapping").values()
        self.assertEqual(sum(int(found["ScalingConfig"]["MaximumConcurrency"]) for found in mappings), 8)
        more = Stack(EXISTING | {"IngestConcurrency": 200}).of_type("AWS::Lambda::EventSourceMapping")
        self.assertEqual(max(found["ScalingConfig"]["MaximumConcurrency"] for found in more.values()), 200)


def texts(about, properties, path=""):
    """Strings in the properties with a limit of their length. Lists and maps by patterns are left out."""
    for name, value in properties.items() if isinstance(properties, dict) else ():
        limits = about.get("properties", {}).get(name, {})
        where = f"{path}/{name}".strip("/")
        if isinstance(value, str) and "maxLength" in limits:
            yield where, limits, value
        elif "$ref" in limits:
            definition = about["definitions"][limits["$ref"].rsplit("/", 1)[-1]]
            yield from texts({"definitions": about["definitions"]} | definition, value, where)


class Exports(unittest.TestCase):
    def test_a_version_gives_the_export_another_name(self):
        def name(**parameters):
            return Stack(parameters).properties("Export")["Export"]["Name"]

        self.assertEqual(name(), "ledger-stack")
        self.assertEqual(name(ExportVersion="2"), "ledger-stack-v2")
        pattern = source()["Parameters"]["ExportVersion"]["AllowedPattern"]
        self.assertNotRegex("v2", pattern)
        self.assertNotRegex("0", pattern)


class Outputs(unittest.TestCase):
    def test_the_dashboard_s_link_leads_to_the_console_of_the_partition(self):
        for partition, host in (
            ("aws", "us-east-1.console.aws.amazon.com"),
            ("aws-cn", "us-east-1.console.amazonaws.cn"),
            ("aws-us-gov", "us-east-1.console.amazonaws-us-gov.com"),
        ):
            url = Stack(EXISTING, partition=partition).outputs()["DashboardUrl"]
            self.assertTrue(url.startswith(f"https://{host}/cloudwatch/home?region="), url)

    def test_policies_of_other_accounts_can_name_the_role_that_reads_the_export(self):
        self.assertEqual(Stack(FOREIGN).outputs()["IngestRoleArn"], Stack(FOREIGN).arn("IngestRole"))


if __name__ == "__main__":
    unittest.main()
