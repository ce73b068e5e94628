"""Each line of docs/silence.md against the template: the alarm, what it watches, when it fires, and whom it tells."""

import json
import re
import unittest

from alarm import states
from stack import ACCOUNT, EXISTING, REGION, ROOT, Stack, source

YOURS = f"arn:aws:sns:{REGION}:{ACCOUNT}:platform-alarms"
PLAIN = Stack(EXISTING)
STACK = Stack(EXISTING | {"AlarmTopicArn": YOURS})
PAGE = (ROOT / "docs" / "silence.md").read_text()
FUNCTIONS = ("Ingest", "Aggregate", "Alert", "Digest")
NAMESPACE = "BedrockLedger/ledger-stack"
HOUR = 3600
UNITS = {"minutes": 60, "hour": HOUR, "hours": HOUR, "days": 24 * HOUR}
# How often the program looks, where the times of alarms alone do not say it. `alert` asks topics who reads them so often,
# and its sweep and that of `aggregate`, which puts the metric, come up to 15 minutes later.
ASKS_EACH = 23 * HOUR
SWEEP = 15 * 60


def alarms():
    return STACK.of_type("AWS::CloudWatch::Alarm") | STACK.of_type("AWS::CloudWatch::CompositeAlarm")


def lines():
    """The lines of the page's tables: what stops, who tells, within what time, on which topics."""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 5 and cells[0] not in ("what stops", "---"):
            stops, _, tells, within, topics = cells
            yield stops, re.findall(r"`(\w+Alarm)`", tells), within, topics


def seconds(within):
    number, unit = within.split()
    return float(number) * UNITS[unit]


def watched(key):
    """What an alarm watches: the namespace, the metric, and of what."""
    alarm = alarms()[key]
    if "MetricName" in alarm:
        metric = alarm
    else:
        (metric,) = [each["MetricStat"]["Metric"] for each in alarm["Metrics"] if "MetricStat" in each]
    (of,) = [each["Value"] for each in metric.get("Dimensions", [])] or [None]
    return metric["Namespace"], metric["MetricName"], of


def period(key):
    alarm = alarms()[key]
    if "Period" in alarm:
        return alarm["Period"]
    (found,) = {each.get("Period") or each["MetricStat"]["Period"] for each in alarm["Metrics"] if "Expression" not in each or "Period" in each}
    return found


def evaluated(key):
    """How long an alarm looks back."""
    return period(key) * alarms()[key]["EvaluationPeriods"]


class Page(unittest.TestCase):
    def test_each_alarm_is_in_the_page_and_each_that_the_page_names_is_there(self):
        named = {key for _, keys, _, _ in lines() for key in keys}
        # It sends nothing by itself.
        self.assertEqual(named, set(alarms()) - {"NoSpend"})

    def test_an_alarm_fires_within_the_time_that_its_line_says(self):
        checked = set()
        for stops, keys, within, _ in lines():
            for key in keys:
                with self.subTest(stops=stops, alarm=key):
                    self.assertIn(seconds(within), self.times(key), within)
                    checked.add((key, within))
        self.assertGreater(len(checked), 20)

    def times(self, key):
        """The times after which an alarm fires, by what it watches. Dead letters of starts that Lambda gave up come when
        it gives up; those of EventBridge are counted from then."""
        if key == "SpendFellToZeroAlarm":
            return {evaluated("NoSpend")}
        looks_back = evaluated(key)
        if key == "NoDeliveryAlarm":
            # No value at all, and one that is too old.
            return {looks_back, looks_back + alarms()[key]["Threshold"] * HOUR}
        if key.endswith("QueueUnreadAlarm"):
            return {alarms()[key]["Threshold"] + looks_back}
        if key == "NobodyReadsAlarm":
            # The hour in which the last reader left still has one.
            most = ASKS_EACH + 2 * SWEEP + period(key) + looks_back
            return {-(-most // HOUR) * HOUR}
        if key.endswith("DeadLettersAlarm") and key != "ScheduleDeadLettersAlarm":
            gives_up = STACK.properties(key.replace("DeadLettersAlarm", "EventInvokeConfig"))["MaximumEventAgeInSeconds"]
            return {gives_up + looks_back}
        return {looks_back}

    def test_topics_are_asked_as_often_as_the_times_take_for_granted(self):
        code = (ROOT / "shared" / "ledger" / "src" / "outputs" / "subscriptions.rs").read_text()
        (hours,) = re.findall(r"const DAY: TimeDelta = TimeDelta::hours\((\d+)\)", code)
        self.assertEqual(int(hours) * HOUR, ASKS_EACH)

    def test_what_breaks_the_topics_of_the_stack_is_told_on_another_one(self):
        told = {stops: topics for stops, keys, _, topics in lines() if keys}
        (of_the_key,) = [topics for stops, topics in told.items() if "key is disabled" in stops]
        self.assertEqual(of_the_key, "yours")
        for stops, topics in told.items():
            self.assertIn("yours", topics, stops)

    def test_a_line_names_no_tests_or_alarms_in_vain(self):
        self.assertGreater(len([*lines()]), 20)
        for stops, keys, within, _ in lines():
            self.assertTrue(within, stops)
            if not keys:
                self.assertIn("Test", next(line for line in PAGE.splitlines() if line.startswith(f"| {stops} ")), stops)


class Alarms(unittest.TestCase):
    def test_each_tells_operations_and_the_topic_that_is_named(self):
        for stack, expected in ((PLAIN, [PLAIN.arn("OperationsTopic")]), (STACK, [STACK.arn("OperationsTopic"), YOURS])):
            for kind in ("Alarm", "CompositeAlarm"):
                for key, alarm in stack.of_type(f"AWS::CloudWatch::{kind}").items():
                    if key == "NoSpend":
                        continue
                    self.assertEqual(alarm["AlarmActions"], expected, key)
                    self.assertEqual(alarm["OKActions"], expected, key)

    def test_the_topic_that_is_named_is_an_sns_topic_or_none(self):
        pattern = source()["Parameters"]["AlarmTopicArn"]["AllowedPattern"]
        for arn in ("", YOURS, YOURS.replace("arn:aws:", "arn:aws-cn:").replace(REGION, "cn-north-1")):
            self.assertRegex(arn, pattern)
        for arn in ("platform-alarms", YOURS.replace(":sns:", ":sqs:"), f"{YOURS} ", f"{YOURS}:sub"):
            self.assertNotRegex(arn, pattern)

    def test_the_start_of_each_function_is_alarmed(self):
        for function in FUNCTIONS:
            self.assertEqual(watched(f"{function}NotStartedAlarm"), ("AWS/Lambda", "Invocations", function))

    def test_each_function_is_started_more_often_than_its_alarm_looks(self):
        swept = set()
        for schedule in STACK.of_type("AWS::Scheduler::Schedule").values():
            if schedule["ScheduleExpression"].startswith("rate("):
                function = schedule["Target"]["Arn"].rsplit(":", 1)[1]
                self.assertEqual(schedule["ScheduleExpression"], "rate(15 minutes)")
                self.assertEqual(schedule["FlexibleTimeWindow"], {"Mode": "OFF"})
                self.assertEqual(json.loads(schedule["Target"]["Input"])["detail-type"], "sweep")
                self.assertNotIn("State", schedule, "it is enabled")
                self.assertNotIn("StartDate", schedule, "it begins with the stack")
                self.assertEqual(period(f"{function}NotStartedAlarm"), SWEEP)
                swept.add(function)
        self.assertEqual(swept, set(FUNCTIONS))

    def test_an_hour_without_a_start_alarms_whatever_came_before(self):
        for function in FUNCTIONS:
            alarm = alarms()[f"{function}NotStartedAlarm"]
            # Lambda puts no zeros, and without FILL the three missing ones would not be seen beside older ones.
            self.assertEqual(states(alarm, [1.0] * 8 + [None] * 4), {"ALARM"})
            self.assertEqual(states(alarm, [1.0] * 8 + [None] * 3), {"OK"})
            self.assertEqual(states(alarm, [None] * 3 + [1.0]), {"OK"})
            without = {**alarm, "Metrics": [{"Expression": "invocations"}]}
            self.assertIn("OK", states(without, [1.0] * 8 + [None] * 4))

    def test_a_morning_without_its_work_alarms_and_a_change_of_the_clock_does_not(self):
        alarm = alarms()["DigestNotMadeAlarm"]
        self.assertEqual(states(alarm, [None] * 30 + [1.0] + [None] * 25), {"OK"})
        self.assertEqual(states(alarm, [None] * 30 + [1.0] + [None] * 26), {"ALARM"})

    def test_dead_letters_and_errors_alarm_as_the_page_says(self):
        for function in FUNCTIONS:
            self.assertEqual(watched(f"{function}ErrorsAlarm"), ("AWS/Lambda", "Errors", function))
            errors = alarms()[f"{function}ErrorsAlarm"]
            self.assertEqual(states(errors, [0.0, 3.0, 0.0]), {"OK"}, "the next sweep has mended it")
            self.assertEqual(states(errors, [0.0, 3.0, 3.0]), {"ALARM"})
            letters = f"{function}DeadLetters"
            self.assertEqual(watched(f"{letters}Alarm"), ("AWS/SQS", "ApproximateNumberOfMessagesVisible", letters))
            self.assertEqual(states(alarms()[f"{letters}Alarm"], [0.0, 1.0]), {"ALARM"})

    def test_a_queue_alarms_after_what_failures_alone_can_take_and_before_its_metrics_end(self):
        for function in FUNCTIONS[:3]:
            alarm, queue = alarms()[f"{function}QueueUnreadAlarm"], STACK.properties(f"{function}Queue")
            self.assertEqual(watched(f"{function}QueueUnreadAlarm"), ("AWS/SQS", "ApproximateAgeOfOldestMessage", f"{function}Queue"))
            # What was received three times is left out of this metric.
            self.assertGreater(alarm["Threshold"], 3 * queue["VisibilityTimeout"])
            # SQS may put no metrics of a queue that nothing has touched for six hours.
            self.assertLess(alarm["Threshold"] + evaluated(f"{function}QueueUnreadAlarm"), 6 * HOUR)
            self.assertEqual(states(alarm, [None]), {"OK"}, "a queue that is empty")

    def test_a_query_looks_back_no_longer_than_cloudwatch_does(self):
        # Source: Amazon CloudWatch User Guide, "Limits that apply to alarms based on Metrics Insights queries".
        queries = [key for key, alarm in alarms().items() if "SELECT" in str(alarm.get("Metrics"))]
        self.assertEqual(set(queries), {"NoDeliveryAlarm", "NobodyReadsAlarm"})
        for key in queries:
            self.assertLessEqual(evaluated(key), 3 * HOUR)

    def test_a_fresh_stack_is_quiet(self):
        """What nobody has put yet must not alarm: it waits, or missing data are none."""
        waiting = {}
        for key, alarm in STACK.of_type("AWS::CloudWatch::Alarm").items():
            if alarm["TreatMissingData"] == "breaching":
                waiting[key] = alarm["WarmUpConfiguration"]
            else:
                self.assertEqual(states(alarm, [None] * 3), {"OK"}, key)
        days = {"WarmUpPeriodDurationInMinutes": 2880}
        whole = {"OnlyStartEvaluatingAfterWarmUpPeriodEnds": True}
        hours = {"WarmUpPeriodDurationInMinutes": 120, **whole}
        # The first two end their wait with their first data. The others fill the time before the stack with zeros.
        expected = {"NoDeliveryAlarm": days, "NoSpend": days, "DigestNotMadeAlarm": days | whole}
        expected |= {f"{function}NotStartedAlarm": hours for function in FUNCTIONS}
        self.assertEqual(waiting, expected)
        for key in expected.keys() - {"NoDeliveryAlarm", "NoSpend"}:
            self.assertGreaterEqual(waiting[key]["WarmUpPeriodDurationInMinutes"] * 60, evaluated(key) + SWEEP, key)


class Filters(unittest.TestCase):
    def filter(self, key):
        found = STACK.properties(key)
        (transformed,) = found["MetricTransformations"]
        self.assertEqual((transformed["MetricNamespace"], transformed["MetricName"]), (NAMESPACE, key))
        self.assertNotIn("DefaultValue", transformed, "zeros would cost as a metric that is there all day")
        terms = re.findall(r'\$\.([\w.]+) = "([^"]+)"', found["FilterPattern"])
        return found["LogGroupName"], dict(terms)

    def test_an_alarm_watches_what_a_filter_puts(self):
        self.assertEqual(watched("DigestNotMadeAlarm"), (NAMESPACE, "MorningsDone", None))
        self.assertEqual(watched("MessagesRefusedAlarm"), (NAMESPACE, "RefusedMessages", None))
        self.assertEqual(states(alarms()["MessagesRefusedAlarm"], [None, 1.0]), {"ALARM"})

    def test_a_filter_reads_a_log_in_json_of_the_function_that_writes_the_line(self):
        for key, function, expected in (
            ("MorningsDone", "Digest", {"fields.outcome": "written"}),
            ("RefusedMessages", "Alert", {"level": "ERROR", "fields.kind": "publish.refused"}),
        ):
            group, terms = self.filter(key)
            self.assertEqual(terms, expected)
            self.assertEqual(STACK.properties(function)["LoggingConfig"], {"LogFormat": "JSON", "LogGroup": group})

    def test_only_the_work_of_a_morning_logs_that_it_is_written(self):
        code = (ROOT / "functions" / "digest" / "src" / "handler.rs").read_text()
        (before,) = code.split('outcome = "written"')[:-1]
        self.assertEqual(re.findall(r"fn (\w+)", before)[-1], "tell")
        self.assertEqual(re.findall(r"(Trigger::\w+) => self\.tell", code), ["Trigger::Digest"])

    def test_a_refused_message_has_the_kind_that_the_filter_reads(self):
        code = (ROOT / "shared" / "ledger" / "src" / "outputs" / "publish_error.rs").read_text()
        self.assertIn('Self::Refused { .. } => Says::Itself("publish.refused", Class::Operator)', code)
        settled = (ROOT / "shared" / "aws" / "src" / "by_class.rs").read_text().split("Class::Operator =>", 1)[1]
        self.assertIn("tracing::error!(kind = failed.kind", settled.split("#[cfg(test)]")[0])


if __name__ == "__main__":
    unittest.main()
