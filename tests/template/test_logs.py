"""What `make e2e` looks for in the logs of the functions finds what it should, and nothing else."""

import sys
import unittest

from stack import EXISTING, ROOT, Stack

sys.path.insert(0, str(ROOT / "tests" / "e2e"))
import logs

LINE = '{"level":"%s","fields":{"message":"said","kind":"%s","outcome":"%s"}}'


class Logs(unittest.TestCase):
    def test_callers_are_found_as_the_bill_and_as_people_name_them(self):
        callers = [
            "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Dev_0a1b/dana@example.com",
            "arn:aws:iam::111122223333:user/ci/builder",
            "arn:aws-us-gov:sts::111122223333:federated-user/Bob",
            "role app of dana.o+x@example.co.uk spent",
        ]
        objects = [
            "fin/cur/data/BILLING_PERIOD=2026-11/cur-00001.snappy.parquet",
            "arn:aws:sns:us-east-1:111122223333:OperationsTopic",
            "state/export=cur--0a1b2c3d/period=2026-11.json.zst",
        ]
        self.assertEqual(logs.of_callers(callers + objects), callers)

    def test_the_template_s_filters_find_their_lines_alone(self):
        stack = Stack(EXISTING)
        lines = [LINE % each for each in (
            ("INFO", "", "written"),
            ("INFO", "", "sent"),
            ("ERROR", "publish.refused", "told"),
            ("WARN", "publish.refused", "told"),
            ("ERROR", "store.denied", "told"),
        )]
        for key, found in (("MorningsDone", lines[:1]), ("RefusedMessages", lines[2:3])):
            self.assertEqual(logs.found(stack.properties(key)["FilterPattern"], ["no JSON", *lines]), found)


if __name__ == "__main__":
    unittest.main()
