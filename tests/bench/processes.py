"""Runs programs as whole processes, and says what each took.

Only the standard library: a child counts the memory of the program that started it until it has become its own, and so no
peak can be seen that is smaller than this program's.
"""

import json
import os
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass, field

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Took:
    """What a process took: seconds of processors (user and system), seconds on the clock, the most memory in bytes, and
    what it said in JSON, if it did."""

    cpu: float
    wall: float
    peak: int
    said: dict = field(default_factory=dict)


def run(command):
    """Runs a command until it ends, which must be well."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        began = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read()
        if process.returncode:
            errors.seek(0)
            raise SystemExit(f"{' '.join(map(str, command))}\nended with {process.returncode}:\n{errors.read().decode()}")
    said = json.loads(said) if said.startswith(b"{") and said.count(b"\n") == 1 else {}
    # Linux counts kilobytes.
    return Took(usage.ru_utime + usage.ru_stime, wall, said.get("peak") or usage.ru_maxrss * 1024, said)


class Rounds:
    """Programs that take turns: each once in every round, so that whatever else the machine does falls on all of them."""

    def __init__(self, programs, rounds):
        """Programs are commands, or functions that make one and are called before the clock runs."""
        self.took = {name: [] for name in programs}
        # Once before, so that files are in memory.
        for number in range(rounds + 1):
            for name, program in programs.items():
                took = run(program() if callable(program) else program)
                if number:
                    self.took[name].append(took)

    def said(self, name):
        return self.took[name][-1].said

    def median(self, name, what, without=None):
        """The median of what a program took; without what another took in the same round."""
        return statistics.median(self.each(name, what, without))

    def each(self, name, what, without=None):
        values = [getattr(took, what) for took in self.took[name]]
        if without:
            values = [value - getattr(took, what) for value, took in zip(values, self.took[without], strict=True)]
        return values

    def ratio(self, name, by, what, without=None, by_without=None):
        """The median of the ratios of each round."""
        pairs = zip(self.each(name, what, without), self.each(by, what, by_without), strict=True)
        return statistics.median(value / max(base, 1e-9) for value, base in pairs)
