"""What drives the functions: rules, queues, schedules."""

import json
import re
import unittest

import keys
from event_pattern import matches
from stack import EXISTING, FUNCTIONS, ROOT, Stack, as_list

STACK = Stack(EXISTING)
SAMPLES = ROOT / "infra" / "events"


def created(bucket, key):
    event = json.loads((SAMPLES / "eventbridge-object-created.json").read_text())
    event["detail"]["bucket"]["name"], event["detail"]["object"]["key"] = bucket, key
    event["resources"] = [f"arn:aws:s3:::{bucket}"]
    return event


def pattern(function, stack=STACK):
    return stack.properties(f"{function.capitalize()}Rule")["EventPattern"]


class Rules(unittest.TestCase):
    def test_each_function_is_driven_by_the_keys_meant_for_it_and_no_other(self):
        written = {key for found in keys.WRITTEN_BY.values() for key in found} | set(keys.BY_PEOPLE)
        for function, wanted in keys.DRIVEN_BY.items():
            found = {key for key in written if matches(pattern(function), created("ledgerbucket", key))}
            self.assertEqual(found, wanted, function)

    def test_no_function_is_driven_by_what_it_writes_itself(self):
        for function, written in keys.WRITTEN_BY.items():
            if f"{function.capitalize()}Rule" not in STACK.resources:
                continue
            own = [key for key in written if matches(pattern(function), created("ledgerbucket", key))]
            self.assertEqual(own, keys.OWN_INPUT.get(function, []), function)

    def test_no_function_is_driven_by_another_bucket(self):
        for function, wanted in keys.DRIVEN_BY.items():
            for key in wanted:
                self.assertFalse(matches(pattern(function), created("elsewhere", key)))

    def test_no_function_is_driven_by_what_another_account_says_of_a_bucket_of_that_name(self):
        for function, wanted in keys.DRIVEN_BY.items():
            for key in wanted:
                event = created("ledgerbucket", key) | {"account": "999988887777"}
                self.assertFalse(matches(pattern(function), event), function)
        for key in keys.EXPORT_KEYS:
            honest = created("exports", f"finance/cur2/{key}")
            self.assertTrue(matches(pattern("ingest"), honest))
            self.assertFalse(matches(pattern("ingest"), honest | {"account": "999988887777"}))
            self.assertFalse(matches(pattern("ingest"), honest | {"resources": ["arn:aws:s3:::elsewhere"]}))

    def test_events_of_another_account_come_over_a_bus_of_their_own_from_that_account_alone(self):
        foreign = Stack(EXISTING | {"ExportBucketAccount": "444455556666"})
        rules = foreign.of_type("AWS::Events::Rule")
        self.assertEqual(
            {key: rule.get("EventBusName") for key, rule in rules.items()},
            {"IngestRule": "ForwardedBus", "AggregateRule": None, "AlertRule": None},
        )
        (policy,) = foreign.of_type("AWS::Events::EventBusPolicy").values()
        self.assertEqual(policy["EventBusName"], "ForwardedBus")
        statement = policy["Statement"]
        self.assertEqual(statement["Principal"], {"AWS": "arn:aws:iam::444455556666:root"})
        self.assertEqual(statement["Resource"], foreign.arn("ForwardedBus"))
        self.assertEqual(
            statement["Condition"], {"StringEquals": {"events:source": "aws.s3", "events:detail-type": "Object Created"}}
        )
        for key in keys.EXPORT_KEYS:
            event = created("exports", f"finance/cur2/{key}")
            self.assertTrue(matches(pattern("ingest", foreign), event | {"account": "444455556666"}))
            self.assertFalse(matches(pattern("ingest", foreign), event), "this account has no such bucket")
        self.assertEqual(STACK.of_type("AWS::Events::EventBus") | STACK.of_type("AWS::Events::EventBusPolicy"), {})

    def test_ingest_is_driven_by_exports_below_the_prefix(self):
        for parameters, bucket, prefix in (
            ({}, "exportbucket", "cur2/"),
            ({"ExportBucketName": "exports"}, "exports", ""),
            ({"ExportBucketName": "exports"}, "exports", "any/where/"),
            (EXISTING, "exports", "finance/cur2/"),
        ):
            ingest = pattern("ingest", Stack(parameters))
            for key in keys.EXPORT_KEYS:
                self.assertTrue(matches(ingest, created(bucket, prefix + key)), prefix + key)
            self.assertFalse(matches(ingest, created(bucket, "aws-programmatic-access-test-object")))
        for key in keys.EXPORT_KEYS:
            self.assertFalse(matches(pattern("ingest"), created("exports", f"finance/cur2-old/{key}")))
            self.assertFalse(matches(pattern("ingest"), created("exports", key)))
            self.assertFalse(matches(pattern("ingest"), created("ledgerbucket", f"finance/cur2/{key}")))

    def test_what_is_forwarded_is_what_ingest_is_driven_by(self):
        forward = Stack({"ExportBucketName": "exports"}, file="forward.yaml").properties("Rule")["EventPattern"]
        for key in keys.EXPORT_KEYS:
            self.assertTrue(matches(forward, created("exports", f"finance/cur2/{key}")))
        self.assertFalse(matches(forward, created("exports", "aws-programmatic-access-test-object")))

    def test_the_matcher_itself_can_say_no(self):
        self.assertFalse(matches({"source": ["aws.s3"]}, {"source": "aws.sqs"}))
        self.assertFalse(matches({"a": {"b": [{"wildcard": "x/*.json"}]}}, {"a": {"b": "x/y.json.zst"}}))
        self.assertFalse(matches({"a": {"b": [{"prefix": "x/"}]}}, {"a": {"b": "y/x/"}}))


class Queues(unittest.TestCase):
    def setUp(self):
        self.queues = STACK.of_type("AWS::SQS::Queue")
        self.mappings = STACK.of_type("AWS::Lambda::EventSourceMapping")

    def test_every_rule_sends_to_a_queue_that_admits_it(self):
        rules = STACK.of_type("AWS::Events::Rule")
        self.assertEqual(len(rules), 3)
        admitted = set()
        for policy in STACK.of_type("AWS::SQS::QueuePolicy").values():
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Effect"] == "Deny":
                    continue
                self.assertEqual(statement["Principal"], {"Service": "events.amazonaws.com"})
                admitted.add((statement["Resource"], statement["Condition"]["ArnEquals"]["aws:SourceArn"]))
        for key, rule in rules.items():
            for target in rule["Targets"]:
                self.assertIn((target["Arn"], STACK.arn(key)), admitted)
                self.assertIn((target["DeadLetterConfig"]["Arn"], STACK.arn(key)), admitted)

    def test_every_queue_refuses_what_is_not_tls(self):
        for stack in (STACK, Stack({"ExportBucketName": "exports"}, file="forward.yaml")):
            refusing = set()
            for policy in stack.of_type("AWS::SQS::QueuePolicy").values():
                (queue,) = policy["Queues"]
                denied = {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "sqs:*",
                    "Resource": queue,
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
                self.assertIn(denied, policy["PolicyDocument"]["Statement"])
                # A second policy on a queue would replace the first.
                self.assertNotIn(queue, refusing)
                refusing.add(queue)
            self.assertEqual(refusing, {stack.arn(key) for key in stack.of_type("AWS::SQS::Queue")})

    def test_every_queue_is_encrypted_and_every_source_queue_has_dead_letters(self):
        sources = {mapping["EventSourceArn"] for mapping in self.mappings.values()}
        for key, queue in self.queues.items():
            self.assertTrue(queue["SqsManagedSseEnabled"], key)
            if key.endswith("DeadLetters"):
                self.assertEqual(queue["MessageRetentionPeriod"], 14 * 86400, key)
            else:
                self.assertIn(STACK.arn(key), sources)
                self.assertEqual(queue["RedrivePolicy"]["deadLetterTargetArn"], STACK.arn(key.replace("Queue", "DeadLetters")))
                self.assertGreaterEqual(queue["RedrivePolicy"]["maxReceiveCount"], 3)
                self.assertEqual(queue["RedriveAllowPolicy"], {"redrivePermission": "denyAll"})

    def test_a_message_is_hidden_six_times_as_long_as_its_function_may_run(self):
        self.assertEqual(len(self.mappings), 3)
        for mapping in self.mappings.values():
            queue = self.queues[mapping["EventSourceArn"].split(":")[-1]]
            timeout = STACK.properties(mapping["FunctionName"])["Timeout"]
            self.assertGreaterEqual(queue["VisibilityTimeout"], 6 * timeout)

    def test_a_claim_on_a_message_outlives_its_sender_and_not_the_wait_for_the_next(self):
        source = (ROOT / "shared" / "ledger" / "src" / "outputs" / "outbox.rs").read_text()
        lease = 60 * int(re.search(r"INVOCATION: Self = Self::For\(TimeDelta::minutes\((\d+)\)\)", source).group(1))
        for function in ("Alert", "Digest"):
            self.assertGreaterEqual(lease, 2 * STACK.properties(function)["Timeout"], function)
        self.assertLess(lease, STACK.properties("AlertQueue")["VisibilityTimeout"])

    def test_a_failed_message_is_redelivered_alone(self):
        for mapping in self.mappings.values():
            self.assertEqual(mapping["FunctionResponseTypes"], ["ReportBatchItemFailures"])


class Schedules(unittest.TestCase):
    def test_every_function_sweeps_and_digest_is_asked_every_morning(self):
        found = set()
        for schedule in STACK.of_type("AWS::Scheduler::Schedule").values():
            target = schedule["Target"]
            found.add((target["Arn"], schedule["ScheduleExpression"], json.loads(target["Input"])["detail-type"]))
            self.assertEqual(target["RoleArn"], STACK.arn("SchedulerRole"))
            self.assertEqual(target["DeadLetterConfig"], {"Arn": STACK.arn("ScheduleDeadLetters")})
            self.assertIn(json.loads(target["Input"]), [self.sample("sweep"), self.sample("digest")])
        sweeps = {(STACK.arn(function.capitalize()), "rate(15 minutes)", "sweep") for function in FUNCTIONS}
        self.assertEqual(found, sweeps | {(STACK.arn("Digest"), "cron(0 8 * * ? *)", "digest")})

    def test_the_digest_is_asked_for_in_the_time_zone_of_its_readers(self):
        stack = Stack({"DigestTimeZone": "Europe/Berlin"})
        zones = [found.get("ScheduleExpressionTimezone") for found in stack.of_type("AWS::Scheduler::Schedule").values()]
        self.assertEqual([zone for zone in zones if zone], ["Europe/Berlin"])

    def test_an_invocation_that_fails_is_kept(self):
        configurations = STACK.of_type("AWS::Lambda::EventInvokeConfig")
        self.assertEqual({found["FunctionName"] for found in configurations.values()}, set(map(str.capitalize, FUNCTIONS)))
        for found in configurations.values():
            queue = STACK.arn(found["FunctionName"] + "DeadLetters")
            self.assertEqual(found["DestinationConfig"]["OnFailure"]["Destination"], queue)
            self.assertLessEqual(found["MaximumRetryAttempts"], 2)

    @staticmethod
    def sample(name):
        return json.loads((SAMPLES / f"{name}.json").read_text())


class Samples(unittest.TestCase):
    def test_samples_of_events_are_what_the_rules_match(self):
        for name, function in (
            ("eventbridge-in-sqs", "ingest"),
            ("delivery-ready-in-sqs", "aggregate"),
            ("configuration-changed-in-sqs", "aggregate"),
            ("period-committed-in-sqs", "alert"),
            ("operations-note-in-sqs", "alert"),
        ):
            for record in json.loads((SAMPLES / f"{name}.json").read_text())["Records"]:
                event = json.loads(record["body"])
                # The stack that created its own export.
                bucket = "exportbucket" if function == "ingest" else "ledgerbucket"
                key = event["detail"]["object"]["key"]
                self.assertTrue(matches(pattern(function, Stack()), created(bucket, key)), (name, key))


if __name__ == "__main__":
    unittest.main()
