"""The run's clock: what the functions are told is now, and what S3 and CloudWatch take for now."""

import datetime


class Clock:
    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now

    @property
    def rfc3339(self):
        return rfc3339(self.now)


def rfc3339(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def instant(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def parse(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
