"""One delivery of very many chunks at once, on the functions' own programs behind the stand-ins: what comes out is right to
the last digit, and what it took is printed by function.

Usage: load.py BINARIES COMMAND_LINE WORKDIR [--chunks N] [--sandboxes N] [--rows N]

Every chunk is an event of its own, in no order. Nothing is killed and nothing fails, so what is tried again is what
sandboxes do to each other. Times are those of the machine and of the build that it is given.
"""

import argparse
import collections
import datetime
import decimal
import io
import json
import pathlib
import re
import subprocess
import sys
import time

import deliveries
import pyarrow
import pyarrow.parquet
import runtime_api
from aws import Aws
from checks import Checks
from clock import Clock
from command_line import CommandLine
from deployment import Deployment, make_bucket

BUCKET = "load-exports"
EXPORT = "bedrock-by-caller"
LATER = datetime.timedelta(minutes=20)
# A machine that is busy with all sandboxes at once is slow.
runtime_api.PATIENCE = 600
FUNCTIONS = ("ingest", "aggregate", "alert", "digest")


def split(sample, chunks):
    """The newest delivery of a sample as one of an export that overwrites, in so many files."""
    newest = deliveries.overwriting(deliveries.kept(sample), BUCKET)[-1]
    tables = [pyarrow.parquet.read_table(io.BytesIO(body)) for key, body in newest.files if key.endswith(".parquet")]
    rows = pyarrow.concat_tables(tables)
    [(manifest, body)] = [(key, body) for key, body in newest.files if key.endswith("Manifest.json")]
    key = next(key for key, _ in newest.files if key.endswith(".parquet"))
    files = []
    for number in range(chunks):
        first, last = rows.num_rows * number // chunks, rows.num_rows * (number + 1) // chunks
        buffer = io.BytesIO()
        pyarrow.parquet.write_table(rows.slice(first, last - first), buffer)
        files.append((re.sub(r"-\d{5}\.", f"-{number + 1:05}.", key), buffer.getvalue()))
    told = json.loads(body)
    told["dataFiles"] = [f"s3://{BUCKET}/{key}" for key, _ in files]
    return deliveries.Delivery(newest.at, (*files, (manifest, json.dumps(told).encode()))), rows.num_rows


class Measured(Deployment):
    """A stack that keeps how long each invocation took, and how much memory each process came to."""

    def __init__(self, *arguments, **options):
        self.took = collections.defaultdict(list)
        self.memory = collections.Counter()
        self.again = collections.Counter()
        self.known = set()
        super().__init__(*arguments, **options)

    def send(self, queue, body):
        """Each event once: `make e2e` sends them twice, and what comes of that is no matter of load."""
        event = (queue, json.dumps(body, sort_keys=True))
        if event not in self.known:
            self.known.add(event)
            super().send(queue, body)

    def deliver(self, name, sandbox, batch):
        self.again[name] += sum(message.receives > 0 for message in batch)
        return self.timed(name, sandbox, lambda: super(Measured, self).deliver(name, sandbox, batch))

    def invoke(self, name, event):
        return self.timed(name, self.sandboxes[name][0], lambda: super(Measured, self).invoke(name, event))

    def timed(self, name, sandbox, invocation):
        begun = time.monotonic()
        done = invocation()
        self.took[name].append(time.monotonic() - begun)
        status = pathlib.Path(f"/proc/{sandbox.process.popen.pid}/status").read_text()
        self.memory[name] = max(self.memory[name], int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) // 1024)
        return done


def table(stack, calls):
    """What each function did, as lines."""
    yield f"{'function':<11}{'runs':>7}{'again':>7}{'s in all':>10}{'s at most':>11}{'MB':>6}  requests"
    for name in FUNCTIONS:
        own = collections.Counter(
            (action.split(":")[1], status) for caller, action, _, status in calls if caller.endswith(f".{name}")
        )
        told = ", ".join(f"{count} {action}{'' if status == 200 else f' {status}'}" for (action, status), count in sorted(own.items()))
        took = stack.took[name]
        yield (
            f"{name:<11}{len(took):>7}{stack.again[name]:>7}{sum(took):>10.1f}{max(took, default=0):>11.2f}"
            f"{stack.memory[name]:>6}  {told}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("command_line", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--chunks", type=int, default=1000)
    parser.add_argument("--sandboxes", type=int, default=8)
    parser.add_argument("--rows", type=int, default=20_000)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True)
    checks = Checks()
    sample = arguments.work / "sample"
    binary = str(arguments.command_line.resolve())
    options = ["--rows", str(arguments.rows)]
    subprocess.run([binary, "sample", "--out", sample, *options], check=True, capture_output=True)
    delivery, rows = split(sample, arguments.chunks)
    clock = Clock(delivery.at - LATER)
    aws = Aws(clock)
    s3 = aws.client("s3")
    make_bucket(s3, BUCKET)
    binaries = {name: str((arguments.binaries / name).resolve()) for name in FUNCTIONS}
    sandboxes = {"ingest": arguments.sandboxes, "aggregate": 2, "alert": 2}
    stack = Measured(aws, "load", binaries, {"ExportBucketName": BUCKET}, sandboxes=sandboxes, seed=1)
    stack.restart()
    stack.schedules("sweep")
    stack.messages()
    stack.took.clear()
    aws.calls.clear()
    begun = time.monotonic()
    clock.now = delivery.at
    delivery.upload(s3, clock, BUCKET)
    clock.now = delivery.at + LATER
    stack.restart()
    # Uploading is AWS's work.
    aws.calls.clear()
    delivered = stack.pump()
    stack.settle()
    took = time.monotonic() - begun
    local = CommandLine(binary, arguments.work)
    delivery.save(local.export)
    local.run(clock.now)
    folder = arguments.work / "from-bucket"
    for key, body in stack.objects().items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    expected, found = local.report(local.ledger), local.report(folder)
    checks.equal("facts are the command line's, to the last digit", found, expected)
    sums = [sum(decimal.Decimal(line.rsplit(",", 1)[1]) for line in lines[1:]) for lines in (expected, found)]
    checks.true("there is spend to compare", sums[0] > 0 and sums[0] == sums[1], sums)
    checks.equal("there are no dead letters", stack.dead_letters, [])
    failed = [answer for _, answer in stack.answers if not answer.ok]
    checks.equal("no invocation failed", failed, [])
    ready = [key for key in stack.objects() if key.startswith("deliveries/") and key.endswith("/ready.json")]
    checks.equal("one delivery is ready", len(ready), 1)
    print(f"{arguments.chunks} chunks, {rows} rows, {delivered} events, {arguments.sandboxes} sandboxes, {took:.0f} s")
    for line in table(stack, aws.calls):
        print(line)
    stack.stop()
    return checks.summary()


if __name__ == "__main__":
    sys.exit(main())
