"""What the command line makes of the same files, by the same configuration, at the same time."""

import collections
import io
import json
import math
import shutil
import subprocess

import clock
import pyarrow.parquet


class CommandLine:
    """An export, by default a copy on a disk, and its ledger."""

    def __init__(self, binary, folder, export=None, environment=None):
        self.binary, self.export, self.ledger = binary, export or folder / "export", folder / "ledger"
        self.environment = environment
        self.files = folder / "files"
        self._told = 0

    def run(self, now, config=None):
        arguments = ["run", "--export", self.export, "--ledger", self.ledger, "--now", clock.rfc3339(now)]
        if config:
            arguments += ["--config", config]
        self.command(*arguments)

    def command(self, *arguments):
        return self.attempt(*arguments, check=True).stdout

    def attempt(self, *arguments, check=False):
        """The same, where it may fail."""
        command = [self.binary, *arguments]
        return subprocess.run(command, check=check, capture_output=True, text=True, env=self.environment)

    def report(self, ledger):
        keys = "day,identity,model,owner,category"
        return self.command("report", "--ledger", ledger, "--by", keys, "--format", "csv").splitlines()

    def chargeback(self, ledger, period, now):
        """The chargeback files of a month, by name."""
        shutil.rmtree(self.files, ignore_errors=True)
        options = ["--period", period, "--out", self.files, "--now", clock.rfc3339(now)]
        self.command("chargeback", "--ledger", ledger, *options)
        return {path.name: path.read_bytes() for path in self.files.iterdir()}

    def lines(self, name):
        path = self.ledger / "out" / name
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def messages(self):
        """What was sent since it was last asked, in the form that a stack tells it."""
        lines = self.lines("messages.jsonl")
        new, self._told = lines[self._told :], len(lines)
        found = [(each["topic"], each["subject"], each["body"], each["attributes"]) for each in new]
        return sorted(found, key=lambda message: (message[0], message[1], message[2]))

    def data(self):
        """What was put, in the form that CloudWatch keeps it."""
        for line in self.lines("metrics.jsonl"):
            dimensions = tuple(sorted(line["dimensions"].items()))
            yield line["namespace"], line["name"], dimensions, clock.parse(line["timestamp"]), line["value"], line["unit"]

    def facts(self):
        root = self.ledger / "facts"
        return {
            path.relative_to(self.ledger).as_posix(): rows(path.read_bytes()) for path in root.rglob("facts.parquet")
        }


def rows(parquet):
    """What a facts file says: its rows in one order, and what its footer says of where they come from."""
    table = pyarrow.parquet.read_table(io.BytesIO(parquet))
    own = {name: value for name, value in (table.schema.metadata or {}).items() if not name.startswith(b"ARROW")}
    return own, sorted(map(repr, table.to_pylist()))


def as_read(data, sums):
    """The data as whoever reads CloudWatch sees them. Metrics in `sums` are differences, read by their sum per day; the
    others are gauges, read by their maximum: that one is put twice with the same value changes nothing."""
    found = collections.defaultdict(list)
    for _, name, dimensions, timestamp, value, unit in data:
        found[name, dimensions, timestamp.isoformat(), unit].append(value)
    read = {}
    for series, values in found.items():
        value = math.fsum(values) if series[0] in sums else max(values)
        read[series] = round(float(value), 9)
    return read
