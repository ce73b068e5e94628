"""What is checked, one line each, and how many passed."""

import difflib
import pprint


class Checks:
    def __init__(self):
        self.passed, self.failed = 0, 0

    def true(self, what, holds, detail=""):
        if holds:
            self.passed += 1
            print(f"ok      {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED  {what}", flush=True)
            for line in str(detail).splitlines()[:40]:
                print(f"        {line}", flush=True)

    def equal(self, what, found, expected):
        """Checks that two values are equal, and shows where they are not."""
        if found == expected:
            return self.true(what, True)
        lines = [pprint.pformat(value, width=160).splitlines() for value in (expected, found)]
        return self.true(what, False, "\n".join(difflib.unified_diff(*lines, "expected", "found", n=1, lineterm="")))

    def summary(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed else 0
