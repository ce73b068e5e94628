"""What the functions weigh: starts, memory and zips of release binaries, beside a function that does nothing.

Usage: size.py BINARIES DIST

A start is the time from spawning the process to its first answer; runs of all functions are interleaved, so that
whatever else the machine does falls on all of them. Memory is the peak of the resident set (VmHWM) after that answer. The
event is one that every function passes over; S3, which `ingest` asks for the configuration first, is a server on this
machine that has nothing, without TLS. These are figures of this machine: they compare functions with each other, and say
little of a cold start on AWS.

The zips are those of DIST, which are what is deployed (`make dist`, for arm64); for a function that has none there, its
binary of this machine is zipped, which on x86-64 is a quarter larger.

What was measured is kept as size.json beside the binaries, where `make bench` finds it. Exits 1 if an aim is missed.
"""

import argparse
import io
import json
import pathlib
import platform
import re
import statistics
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import events
from deployment import Named
from runtime_api import Program, Sandbox

EMPTY = "empty-function"
RUNS = 100
MEGABYTE = 1_000_000
# The most that a start may take, by that of the empty function, and that a zip may have, in bytes.
STARTS = {"ingest": 1.5, "alert": 1.3}
ZIPS = {"ingest": 5 * MEGABYTE, "aggregate": 5 * MEGABYTE, "alert": 4 * MEGABYTE, "digest": 4 * MEGABYTE}


class Nothing(BaseHTTPRequestHandler):
    """An S3 that has no object, and answers at once."""

    protocol_version = "HTTP/1.1"
    ANSWER = b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>"

    def do_GET(self):
        self.send_response(404)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(self.ANSWER)))
        self.end_headers()
        self.wfile.write(self.ANSWER)

    def log_message(self, *arguments):
        pass


def programs(binaries):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Nothing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    own = {
        "AWS_ACCESS_KEY_ID": "size",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
    }
    found = {EMPTY: Program(EMPTY, str(binaries / EMPTY), own)}
    for name, function in Named("size", {"ExportBucketName": "exports"}).functions().items():
        found[name] = Program(name, str(binaries / name), function.variables | own, memory=function.memory)
    return found


def start(program):
    """Milliseconds from spawning to the first answer, and the peak of memory in MB."""
    sandbox = Sandbox(program)
    event = {"Records": [events.message("m", events.test_event("exports"), "arn:aws:sqs:us-east-1:111122223333:queue", 1)]}
    answer = sandbox.invoke(event)
    process = sandbox.process
    taken = (process.answered - process.started) * 1000
    if not answer.ok:
        raise SystemExit(f"{program.name}: {answer}\n" + "\n".join(sandbox.logs))
    status = pathlib.Path(f"/proc/{process.popen.pid}/status").read_text()
    sandbox.close()
    return taken, int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024 / MEGABYTE


def zipped(binary):
    """The bytes of a zip as it would be deployed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.write(binary, "bootstrap")
    return len(buffer.getvalue())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binaries", type=pathlib.Path)
    parser.add_argument("dist", type=pathlib.Path)
    arguments = parser.parse_args()
    found = programs(arguments.binaries.resolve())
    measured = {name: [] for name in found}
    for _ in range(RUNS):
        for name, program in found.items():
            measured[name].append(start(program))
    base = None
    missed = []
    kept = {}
    numbers = f"{'start ms':>10}{'min':>8}{'ratio':>8}{'memory MB':>11}{'binary MB':>11}{'zip MB':>8}"
    print(f"{'function':<16}{numbers}  {'zip of':<9}aims")
    for name, program in found.items():
        starts, memory = zip(*measured[name], strict=True)
        median = statistics.median(starts)
        base = base or median
        deployed = arguments.dist / f"{name}.zip"
        size, of = (deployed.stat().st_size, "dist") if deployed.exists() else (zipped(program.binary), platform.machine())
        ratio = median / base
        kept[name] = {"start": median, "ratio": ratio, "memory": statistics.median(memory), "zip": size / MEGABYTE, "of": of}
        aims = []
        if name in STARTS:
            aims.append((ratio <= STARTS[name], f"start within {STARTS[name]}x"))
        if name in ZIPS:
            aims.append((size <= ZIPS[name], f"zip within {ZIPS[name] / MEGABYTE:.0f} MB"))
        missed += [f"{name}: {what}" for met, what in aims if not met]
        said = ", ".join(f"{what}: {'met' if met else 'MISSED'}" for met, what in aims)
        binary = pathlib.Path(program.binary).stat().st_size / MEGABYTE
        print(
            f"{name:<16}{median:>10.1f}{min(starts):>8.1f}{ratio:>8.2f}{statistics.median(memory):>11.1f}"
            f"{binary:>11.1f}{size / MEGABYTE:>8.2f}  {of:<9}{said}"
        )
    (arguments.binaries / "size.json").write_text(json.dumps(kept, indent=1))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
