"""What an EventBridge pattern matches, as far as the templates use it. Source: EventBridge user guide, "Event patterns"."""

import re

from stack import as_list


def matches(pattern, event):
    for key, wanted in pattern.items():
        if key not in event:
            return False
        if isinstance(wanted, dict):
            if not isinstance(event[key], dict) or not matches(wanted, event[key]):
                return False
        # Of a list in an event one value is enough.
        elif not any(_matches_one(one, value) for one in wanted for value in as_list(event[key])):
            return False
    return True


def _matches_one(wanted, value):
    if not isinstance(wanted, dict):
        return wanted == value
    (operator, operand), = wanted.items()
    if operator == "prefix":
        return value.startswith(operand)
    if operator == "wildcard":
        # EventBridge refuses two wildcards side by side.
        assert "**" not in operand, operand
        return re.fullmatch(".*".join(map(re.escape, operand.split("*"))), value, re.DOTALL) is not None
    raise AssertionError(f"an operator that this test does not know: {operator}")
