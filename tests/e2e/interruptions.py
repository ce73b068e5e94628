"""Kills functions in the middle of their work, at every kind of write that they make.

The first time that a function makes a kind of write it is killed and the request never arrives; the second time it is
killed and the request has its effect, but nobody is left to see the answer. What must survive that is everything.
"""

import collections
import re

from aws import LOST, OPERATOR


class Interruptions:
    def __init__(self, aws, stack):
        self.aws, self.stack = aws, stack
        self.seen = collections.Counter()

    def __enter__(self):
        self.aws.interrupt = self
        return self

    def __exit__(self, *error):
        self.aws.interrupt = lambda call: None

    def __call__(self, call):
        name = call.caller.removeprefix(f"{self.stack.name}.")
        if call.caller == OPERATOR or name == call.caller:
            return None
        self.seen[name, kind(call)] += 1
        count = self.seen[name, kind(call)]
        if count > 2:
            return None
        for sandbox in self.stack.sandboxes[name]:
            sandbox.kill()
        return LOST if count == 1 else None

    @property
    def kinds(self):
        return sorted(f"{name}: {what}" for name, what in self.seen)


def kind(call):
    """What sort of write it is: objects of the ledger by their first folder and their last name without what varies."""
    if call.service != "s3":
        return call.form.get("Action") or call.path.rsplit("/", 1)[-1]
    first, last = call.key.split("/", 1)[0], call.key.rsplit("/", 1)[-1]
    return f"{first}/{'' if re.search('[0-9]', last) else last}"
