"""The stack as a whole: names, encryption, what is kept, and what is alarmed."""

import json
import re
import unittest

from alarm import states
from policy import grants
from stack import EXISTING, REGION, ROOT, Stack, as_list, source

CREATES, EXISTS = Stack(), Stack(EXISTING)


def texts(node):
    if isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield node


class Names(unittest.TestCase):
    # Names of metrics, policies within a role and texts for people are no names of resources; a bus and a group that are
    # referred to have their names where they are created.
    NOT_PHYSICAL = {"DatabaseName", "DisplayName", "EventBusName", "FunctionName", "GroupName", "LogGroupName", "MetricName"}

    def names(self, stack):
        for key, resource in stack.resources.items():
            properties = resource.get("Properties", {})
            inner = [value for part, value in properties.items() if part in ("Export", "DatabaseInput")]
            for name, value in [item for found in (properties, *inner) for item in found.items()]:
                # Saved queries are told apart by their work group, tables by their database.
                is_label = resource["Type"] == "AWS::Athena::NamedQuery" and name == "Name"
                if name.endswith("Name") and name not in self.NOT_PHYSICAL and not is_label:
                    yield key, name, value

    def test_two_stacks_have_no_name_in_common(self):
        foreign = EXISTING | {"ExportBucketAccount": "444455556666"}
        for parameters in ({}, foreign):
            one = {found for found in self.names(Stack(parameters, name="one"))}
            other = {found for found in self.names(Stack(parameters, name="another"))}
            self.assertEqual(one & other, set())
            self.assertTrue(one, "the work group needs a name")

    def test_two_stacks_have_two_metric_namespaces(self):
        for stack, namespace in (
            (Stack(name="one"), "BedrockLedger/one"),
            (Stack({"MetricsNamespace": "Mine"}), "Mine"),
        ):
            self.assertEqual(
                stack.properties("Aggregate")["Environment"]["Variables"]["METRICS_NAMESPACE"], namespace
            )
            self.assertEqual(stack.properties("NoSpend")["Namespace"], namespace)
            # A name that is a reserved word, in any case, must be in quotes. AWS's list of them grows.
            query = stack.properties("NoDeliveryAlarm")["Metrics"][0]["Expression"]
            self.assertEqual(query, f'SELECT MAX(DeliveryAgeHours) FROM SCHEMA("{namespace}", "Export")')
            self.assertIn(namespace, stack.properties("Dashboard")["DashboardBody"])


class Parameters(unittest.TestCase):
    def test_every_parameter_has_a_default_a_description_and_a_group(self):
        template = source()
        groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
        grouped = [name for group in groups for name in group["Parameters"]]
        self.assertEqual(sorted(grouped), sorted(template["Parameters"]))
        for name, parameter in template["Parameters"].items():
            self.assertIn("Default", parameter, name)
            self.assertTrue(parameter["Description"], name)

    def test_a_prefix_cannot_smuggle_a_wildcard_into_a_policy(self):
        pattern = source()["Parameters"]["ExportPrefix"]["AllowedPattern"]
        for prefix in ("", "cur2", "finance/cur2", "/cur2"):
            self.assertRegex(prefix, pattern)
        for prefix in ("*", "cur?", "cur2/", "${x}", "a\\b"):
            self.assertNotRegex(prefix, pattern)

    def test_what_counts_reaches_the_functions_that_read_and_that_count(self):
        stack = Stack(EXISTING | {"CountedExports": "cur--0a1b2c3d,b", "CountedPayers": "111122223333"})
        variables = {name: stack.properties(name)["Environment"]["Variables"] for name in ("Ingest", "Aggregate")}
        self.assertEqual({found["COUNTED_EXPORTS"] for found in variables.values()}, {"cur--0a1b2c3d,b"})
        self.assertEqual(variables["Aggregate"]["COUNTED_PAYERS"], "111122223333")
        for name, bad in (("CountedExports", ["a,", "a/b", "*"]), ("CountedPayers", ["1", "111122223333 444455556666"])):
            for value in bad:
                self.assertNotRegex(value, source()["Parameters"][name]["AllowedPattern"])

    def test_an_export_is_created_only_where_it_can_be(self):
        assertions = source()["Rules"]["ExportsAreCreatedInOneRegion"]["Assertions"]
        self.assertIn({"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}, [found["Assert"] for found in assertions])
        self.assertEqual(len(CREATES.of_type("AWS::BCMDataExports::Export")), 1)
        self.assertEqual(len(EXISTS.of_type("AWS::BCMDataExports::Export")), 0)
        self.assertEqual(list(EXISTS.of_type("AWS::S3::Bucket")), ["LedgerBucket"])


class Buckets(unittest.TestCase):
    def test_every_bucket_is_versioned_encrypted_private_and_kept(self):
        for key in CREATES.of_type("AWS::S3::Bucket"):
            bucket = CREATES.resources[key]
            properties = bucket["Properties"]
            self.assertEqual(bucket["DeletionPolicy"], "RetainExceptOnCreate")
            self.assertEqual(bucket["UpdateReplacePolicy"], "Retain")
            self.assertEqual(properties["VersioningConfiguration"], {"Status": "Enabled"})
            self.assertTrue(properties["BucketEncryption"])
            self.assertEqual(set(properties["PublicAccessBlockConfiguration"].values()), {True})
            self.assertEqual(len(properties["PublicAccessBlockConfiguration"]), 4)
            self.assertEqual(
                properties["NotificationConfiguration"], {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
            )

    def test_every_bucket_refuses_what_is_not_tls(self):
        policies = {policy["Bucket"]: policy for policy in CREATES.of_type("AWS::S3::BucketPolicy").values()}
        for key in CREATES.of_type("AWS::S3::Bucket"):
            statements = policies[CREATES.name(key)]["PolicyDocument"]["Statement"]
            arn = CREATES.arn(key)
            self.assertIn(
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [arn, f"{arn}/*"],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                },
                statements,
            )

    def test_what_was_told_and_what_was_counted_never_expires(self):
        rules = EXISTS.properties("LedgerBucket")["LifecycleConfiguration"]["Rules"]
        expiring = {rule["Prefix"] for rule in rules if "ExpirationInDays" in rule or "ExpirationDate" in rule}
        text = (ROOT / "shared/ledger/src/state/retention.rs").read_text()
        keys = (ROOT / "shared/ledger/src/state/keys.rs").read_text()
        days = int(re.search(r"KEPT_DAYS: i64 = (\d+);", text)[1])
        names = re.search(r"EXPIRING: \[&str; \d\] = \[(.*?)\];", text)[1].split(", ")
        prefixes = {
            name.strip('"') if name.startswith('"') else re.search(rf'{name}: &str = "(.*?)";', keys)[1] for name in names
        }
        self.assertEqual(expiring, {"athena-results/"} | prefixes)
        for rule in rules:
            if rule.get("Prefix") in prefixes:
                self.assertEqual(rule["ExpirationInDays"], days, rule["Id"])
        everywhere = [rule for rule in rules if "Prefix" not in rule]
        self.assertEqual(len(everywhere), 1)
        self.assertIn("NoncurrentVersionExpiration", everywhere[0])
        self.assertIn("AbortIncompleteMultipartUpload", everywhere[0])

    def test_no_delete_marker_stays_for_ever(self):
        for key, bucket in CREATES.of_type("AWS::S3::Bucket").items():
            rules = bucket["LifecycleConfiguration"]["Rules"]
            # S3 refuses both in one rule, and days remove the markers of their own prefix.
            marking = [rule for rule in rules if rule.get("ExpiredObjectDeleteMarker")]
            self.assertEqual([rule.get("Prefix") for rule in marking], [None], key)
            self.assertNotIn("ExpirationInDays", marking[0], key)

    def test_the_key_and_the_policy_of_what_is_kept_are_kept(self):
        for key in ("Key", "LedgerBucketPolicy"):
            self.assertEqual(EXISTS.resources[key]["DeletionPolicy"], "RetainExceptOnCreate", key)
            self.assertEqual(EXISTS.resources[key]["UpdateReplacePolicy"], "Retain", key)


class Topics(unittest.TestCase):
    def test_every_topic_is_encrypted_with_our_key(self):
        topics = EXISTS.of_type("AWS::SNS::Topic")
        self.assertEqual(set(topics), {"AlertsTopic", "EventsTopic", "DigestTopic", "OperationsTopic"})
        for topic in topics.values():
            self.assertEqual(topic["KmsMasterKeyId"], EXISTS.arn("Key"))

    def test_the_key_admits_services_for_this_account_alone(self):
        statements = EXISTS.properties("Key")["KeyPolicy"]["Statement"]
        found = {one["Principal"]["Service"]: one for one in statements if "Service" in one["Principal"]}
        self.assertEqual(set(found), {"cloudwatch.amazonaws.com", "logs.us-east-1.amazonaws.com"})
        alarms, logs = found["cloudwatch.amazonaws.com"], found["logs.us-east-1.amazonaws.com"]
        self.assertEqual(set(alarms["Action"]), {"kms:Decrypt", "kms:GenerateDataKey*"})
        self.assertEqual(alarms["Condition"], {"StringEquals": {"aws:SourceAccount": "111122223333"}})
        of_this_stack = "arn:aws:logs:us-east-1:111122223333:log-group:ledger-stack-*"
        self.assertEqual(logs["Condition"], {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": of_this_stack}})

    def test_every_topic_refuses_what_is_not_tls_and_no_topic_has_two_policies(self):
        refusing = set()
        for policy in EXISTS.of_type("AWS::SNS::TopicPolicy").values():
            (topic,) = policy["Topics"]
            denied = {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sns:Publish",
                "Resource": topic,
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
            self.assertIn(denied, policy["PolicyDocument"]["Statement"])
            self.assertNotIn(topic, refusing)
            refusing.add(topic)
        self.assertEqual(refusing, {EXISTS.arn(key) for key in EXISTS.of_type("AWS::SNS::Topic")})

    def test_no_resource_policy_admits_a_service_without_saying_for_whom(self):
        foreign = Stack(EXISTING | {"ExportBucketAccount": "444455556666"})
        for stack in (CREATES, EXISTS, foreign, Stack({"ExportBucketName": "exports"}, file="forward.yaml")):
            for kind in ("S3::BucketPolicy", "SNS::TopicPolicy", "SQS::QueuePolicy", "KMS::Key"):
                for key, found in stack.of_type(f"AWS::{kind}").items():
                    for statement in found.get("PolicyDocument", found.get("KeyPolicy"))["Statement"]:
                        if statement["Effect"] == "Allow" and "Service" in statement["Principal"]:
                            self.assertTrue(statement.get("Condition"), f"{key}: {statement['Sid']}")

    def test_logs_are_encrypted_with_the_key_of_the_stack(self):
        groups = EXISTS.of_type("AWS::Logs::LogGroup")
        self.assertEqual(len(groups), 4)
        for key, group in groups.items():
            self.assertEqual(group["KmsKeyId"], EXISTS.arn("Key"), key)

    def test_the_topic_of_operations_admits_the_alarms_of_this_account(self):
        policy = EXISTS.properties("OperationsTopicPolicy")
        self.assertEqual(policy["Topics"], [EXISTS.arn("OperationsTopic")])
        (statement,) = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
        self.assertEqual(statement["Principal"], {"Service": "cloudwatch.amazonaws.com"})
        self.assertEqual(statement["Resource"], EXISTS.arn("OperationsTopic"))
        self.assertEqual(statement["Condition"], {"StringEquals": {"aws:SourceAccount": "111122223333"}})

    def test_mail_is_subscribed_only_where_an_address_is_given(self):
        self.assertEqual(EXISTS.of_type("AWS::SNS::Subscription"), {})
        one = Stack({"DigestEmail": "finance@example.com"}).of_type("AWS::SNS::Subscription")
        self.assertEqual([(found["TopicArn"], found["Endpoint"]) for found in one.values()],
                         [(EXISTS.arn("DigestTopic"), "finance@example.com")])


class Alarms(unittest.TestCase):
    def alarms(self):
        return EXISTS.of_type("AWS::CloudWatch::Alarm") | EXISTS.of_type("AWS::CloudWatch::CompositeAlarm")

    def test_every_alarm_that_stands_for_itself_tells_operations(self):
        for key, alarm in self.alarms().items():
            expected = [] if key == "NoSpend" else [EXISTS.arn("OperationsTopic")]
            self.assertEqual(alarm.get("AlarmActions", []), expected, key)

    def test_every_dead_letter_queue_is_alarmed(self):
        alarmed = {
            dimension["Value"]
            for alarm in EXISTS.of_type("AWS::CloudWatch::Alarm").values()
            if alarm.get("MetricName") == "ApproximateNumberOfMessagesVisible"
            for dimension in alarm["Dimensions"]
        }
        self.assertEqual(alarmed, {key for key in EXISTS.of_type("AWS::SQS::Queue") if key.endswith("DeadLetters")})

    def test_the_errors_of_every_function_are_alarmed(self):
        alarmed = {
            dimension["Value"]
            for alarm in EXISTS.of_type("AWS::CloudWatch::Alarm").values()
            if alarm.get("Namespace") == "AWS/Lambda"
            for dimension in alarm["Dimensions"]
        }
        self.assertEqual(alarmed, set(EXISTS.of_type("AWS::Lambda::Function")))

    def test_silence_is_alarmed_as_loudly_as_a_number(self):
        delivery, spend = EXISTS.properties("NoDeliveryAlarm"), EXISTS.properties("NoSpend")
        self.assertEqual((delivery["Threshold"], delivery["TreatMissingData"]), (36, "breaching"))
        self.assertEqual((spend["Threshold"], spend["TreatMissingData"]), (0, "breaching"))
        self.assertEqual(spend["MetricName"], "RecentSpend")
        self.assertEqual(
            EXISTS.properties("SpendFellToZeroAlarm")["AlarmRule"], 'ALARM("NoSpend") AND OK("NoDeliveryAlarm")'
        )

    def test_zero_spend_alarms_on_the_second_day_and_only_where_zeros_are_put(self):
        spend = EXISTS.properties("NoSpend")
        days = [7.0] * 5
        self.assertEqual(states(spend, [*days, 0.0]), {"OK"})
        self.assertEqual(states(spend, [*days, 0.0, 0.0]), {"ALARM"})
        self.assertEqual(states(spend, [*days, 0.0, 0.0, 3.0]), {"OK"})
        # What a gauge would do that is put as zero once and then no more.
        self.assertIn("OK", states(spend, [*days, 0.0, None]))
        self.assertIn("OK", states(spend, [*days, 0.0, None, None]))
        self.assertEqual(states(spend, [None, None]), {"ALARM"}, "a currency that the bill does not have")

    def test_a_topic_that_nobody_reads_is_alarmed(self):
        alarm = EXISTS.properties("NobodyReadsAlarm")
        query = alarm["Metrics"][0]["Expression"]
        self.assertEqual(query, 'SELECT MIN(ConfirmedSubscriptions) FROM SCHEMA("BedrockLedger/ledger-stack", "Topic")')
        self.assertEqual(states(alarm, [1.0, 0.0, 0.0]), {"ALARM"})
        self.assertEqual(states(alarm, [0.0, 1.0]), {"OK"})
        self.assertEqual(states(alarm, [None, None]), {"OK"}, "nobody was ever subscribed")

    def test_each_topic_is_asked_who_reads_it_and_nobody_may_read_addresses(self):
        topics = {EXISTS.arn(key) for key in EXISTS.of_type("AWS::SNS::Topic")}
        asked = {grant.resource for grant in grants(EXISTS, "AlertRole") if grant.action == "sns:GetTopicAttributes"}
        self.assertEqual(asked, topics)
        for role in EXISTS.of_type("AWS::IAM::Role"):
            actions = {grant.action for grant in grants(EXISTS, role)} if role != "SchedulerRole" else set()
            self.assertEqual({action for action in actions if action.startswith("sns:List")}, set(), role)

    def test_who_leaves_an_address_empty_is_told_what_that_means(self):
        for name in ("AlertsEmail", "DigestEmail", "OperationsEmail"):
            text = " ".join(source()["Parameters"][name]["Description"].split())
            self.assertIn("Empty: nobody is subscribed, and", text)
            self.assertIn("nobody until somebody is", text)

    def test_the_alarm_of_a_dead_letter_queue_says_what_can_be_done_with_it(self):
        queues = EXISTS.of_type("AWS::SQS::Queue")
        # SQS redrives from queues alone that are the dead-letter queue of another queue.
        fed = {queue["RedrivePolicy"]["deadLetterTargetArn"] for queue in queues.values() if "RedrivePolicy" in queue}
        for key in queues:
            if key.endswith("DeadLetters"):
                text = " ".join(EXISTS.properties(f"{key}Alarm")["AlarmDescription"].split())
                self.assertIn(f"purge {key}", text)
                can = f"what came from {key.replace('DeadLetters', 'Queue')} can also be redriven"
                self.assertIn(can if EXISTS.arn(key) in fed else "no queue feeds it, so it cannot be redriven", text)


class Dashboard(unittest.TestCase):
    def test_it_is_json_and_finds_its_series_by_search_in_this_namespace(self):
        body = json.loads(EXISTS.properties("Dashboard")["DashboardBody"])
        expressions = [text for text in texts(body) if "MetricName" in text]
        self.assertTrue(expressions)
        for text in expressions:
            self.assertIn("SEARCH('{\"BedrockLedger/ledger-stack\",", text)
            self.assertNotIn("${", text)
        self.assertEqual({widget["properties"]["region"] for widget in body["widgets"] if "metrics" in widget["properties"]}, {REGION})


    def test_it_is_the_one_that_stands_in_a_file_of_its_own(self):
        (dashboard,) = EXISTS.template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"][:1]
        with open(ROOT / "infra" / "dashboard.json") as file:
            self.assertEqual(json.loads(dashboard), json.load(file))


class Policies(unittest.TestCase):
    def test_keys_are_used_through_the_services_that_encrypt_and_not_by_themselves(self):
        stack = Stack(EXISTING | {"ExportBucketKmsKeyArn": "arn:aws:kms:us-east-1:111122223333:key/1"})
        for key, role in stack.of_type("AWS::IAM::Role").items():
            for policy in role["Policies"]:
                for statement in policy["PolicyDocument"]["Statement"]:
                    if not "".join(as_list(statement["Action"])).startswith("kms:"):
                        continue
                    through = set(as_list(statement["Condition"]["StringLike"]["kms:ViaService"]))
                    publishes = key in ("AlertRole", "DigestRole") and statement["Sid"] == "UseTheKey"
                    expected = {"s3.us-east-1.amazonaws.com*"} | ({"sns.us-east-1.amazonaws.com*"} if publishes else set())
                    self.assertEqual(through, expected, (key, statement["Sid"]))

    def test_no_role_has_a_managed_policy(self):
        for stack in (CREATES, EXISTS, Stack(file="forward.yaml", parameters={"ExportBucketName": "exports"})):
            for role in stack.of_type("AWS::IAM::Role").values():
                self.assertNotIn("ManagedPolicyArns", role)

    def test_no_role_has_a_wildcard_resource_but_for_metrics(self):
        for stack in (CREATES, EXISTS):
            wild = {}
            for key, role in stack.of_type("AWS::IAM::Role").items():
                for policy in role["Policies"]:
                    for statement in policy["PolicyDocument"]["Statement"]:
                        self.assertNotIn("*", "".join(as_list(statement["Action"])), "no action is a wildcard")
                        for resource in as_list(statement["Resource"]):
                            # All of one bucket, or less.
                            if not re.fullmatch(r"arn:aws:[a-z0-9-]+:[^*]+(/\*)?", resource):
                                wild[statement["Action"]] = (key, resource, statement.get("Condition"))
            condition = {"StringEquals": {"cloudwatch:namespace": "BedrockLedger/ledger-stack"}}
            self.assertEqual(
                wild,
                {
                    "cloudwatch:PutMetricData": ("AggregateRole", "*", condition),
                    "cloudwatch:GetMetricData": ("AggregateRole", "*", None),
                },
            )


if __name__ == "__main__":
    unittest.main()
