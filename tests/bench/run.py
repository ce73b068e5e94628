"""How fast the ledger is, beside DuckDB and beside what reading the bytes alone takes.

Usage: run.py BINARY [--quick] [--rounds N] [--only NAME,…] [--before BINARY] [--reading BINARY]

BINARY is a release build of the command line; the bench `reading` is the one that Cargo has built. Programs take turns
in rounds, each as a process of its own; what is printed are medians, and a ratio is the median of the ratios of each
round. --before measures another build of the command line in the same rounds. docs/speed.md says what each figure is.

What was measured is kept in target/bench/results.json too.
"""

import argparse
import datetime
import json
import pathlib
import platform
import shutil
import subprocess
import sys

import cost
from processes import MEBIBYTE, Rounds, run

HERE = pathlib.Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "target"
WORK = TARGET / "bench"
PERIOD, NOW = "2026-11", "2026-11-30T06:00:00Z"
SETS = {
    "sparse": "4M rows in 4 files, 1 % Bedrock",
    "one": "1M rows, 1 % Bedrock",
    "none": "1M rows, no Bedrock",
    "dense": "1M rows, 60 % Bedrock",
    "csv": "500k rows as csv.gz, 1 % Bedrock",
}
QUICK = {name: text.replace("4M", "200k").replace("1M", "200k").replace("500k", "200k") for name, text in SETS.items()}


def table(title, head, rows):
    """A table that is read as text and as Markdown."""
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    aligned = [[line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])] for line in lines]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    print(f"\n{title}\n")
    for line in [aligned[0], rule, *aligned[1:]]:
        print(f"| {' | '.join(line)} |", flush=True)


def seconds(value):
    return f"{value:.3f}" if abs(value) < 1 else f"{value:.2f}"


def mib(value):
    return f"{value / MEBIBYTE:.0f}"


def times(value):
    return f"{value:.2f}x" if abs(value) < 10 else f"{value:.1f}x"


def built(package, bench):
    """Where Cargo has put a bench, which bears a hash in its name."""
    command = ["cargo", "bench", "--locked", "--package", package, "--bench", bench, "--no-run", "--message-format", "json"]
    said = subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    found = [json.loads(line).get("executable") for line in said.splitlines()]
    return pathlib.Path(next(path for path in found if path))


class Bench:
    def __init__(self, arguments, exports):
        self.binaries = {"ours": arguments.binary.resolve()}
        if arguments.before:
            self.binaries["before"] = arguments.before.resolve()
        self.reading = (arguments.reading or built("spend-cur", "reading")).resolve()
        self.rounds = arguments.rounds or (3 if arguments.quick else 5)
        self.sets = QUICK if arguments.quick else SETS
        self.only = arguments.only
        self.exports = exports
        self.results = {}
        # What reading a chunk of a million rows took, and what a run of the dense bill took after reading.
        self.chunk = self.after_reading = None

    def files(self, name):
        return sorted(map(str, (self.exports / name).glob("*/data/*/*")))

    def wanted(self, *names):
        return [name for name in names if not self.only or name in self.only]

    def ledger(self, name, who):
        return WORK / "ledgers" / f"{name}-{who}"

    def command(self, who, verb, name, *more):
        return [self.binaries[who], verb, "--ledger", self.ledger(name, who), *more]

    def run_from_nothing(self, who, name):
        """Makes the command of a run, and takes its ledger away."""
        shutil.rmtree(self.ledger(name, who), ignore_errors=True)
        return self.run_again(who, name)

    def run_again(self, who, name):
        return self.command(who, "run", name, "--export", self.exports / name, "--now", NOW)

    def keep(self, title, rounds):
        self.results[title] = {
            name: [{"cpu": took.cpu, "wall": took.wall, "peak": took.peak, **took.said} for took in all_took]
            for name, all_took in rounds.took.items()
        }
        self.save()

    def save(self):
        results = {"machine": machine(), "rounds": self.rounds, "measured": self.results}
        (WORK / "results.json").write_text(json.dumps(results, indent=1))

    def against_duckdb(self):
        """Reading and running beside DuckDB's query, and beside the bytes alone."""
        duck = [sys.executable, HERE / "duck.py"]
        columns = run([*duck, "columns"]).said["columns"]
        speeds, clocks, reads = [], [], []
        for name in self.wanted(*self.sets):
            files = self.files(name)
            programs = {
                "reading": [self.reading, "read", PERIOD, *files],
                "duckdb": [*duck, "tags", *files],
                "duckdb start": [*duck, "nothing"],
                "floor": [self.reading, "floor", ",".join(columns), *files],
                "duckdb plain": [*duck, "plain", *files],
                "floor of all": [self.reading, "floor", "read", *files],
                "start": [self.reading, "nothing"],
            }
            for who in self.binaries:
                programs |= {f"run {who}": lambda who=who, name=name: self.run_from_nothing(who, name)}
            print(f"{name}: {len(programs)} programs in turn", file=sys.stderr)
            rounds = Rounds(programs, self.rounds)
            self.keep(name, rounds)
            found, theirs = rounds.said("reading"), rounds.said("duckdb")
            if found["bedrock_rows"] != theirs["bedrock_rows"]:
                raise SystemExit(f"{name}: {found} is not what DuckDB found: {theirs}")
            works = [(f"run from nothing{'' if who == 'ours' else ', ' + who}", f"run {who}") for who in self.binaries]
            for work, program in [*works, ("reading alone", "reading")]:
                beside = [f"{work}: {self.sets[name]}", seconds(rounds.median(program, "cpu"))]
                for other in ["duckdb", "duckdb plain"]:
                    beside.append(seconds(rounds.median(other, "cpu", "duckdb start")))
                    beside.append(times(rounds.ratio(other, program, "cpu", "duckdb start")))
                for other in ["floor", "floor of all"]:
                    beside.append(seconds(rounds.median(other, "cpu")))
                    beside.append(times(rounds.ratio(program, other, "cpu")))
                speeds.append(beside)
                clocks.append([
                    beside[0], seconds(rounds.median(program, "wall")), seconds(rounds.median("duckdb", "wall", "duckdb start")),
                    times(rounds.ratio("duckdb", program, "wall", "duckdb start")),
                    mib(rounds.median(program, "peak")), mib(rounds.median("duckdb", "peak")),
                    times(rounds.ratio(program, "duckdb", "peak")),
                ])
            size = sum(pathlib.Path(file).stat().st_size for file in files)
            if name == "one":
                self.chunk = {"cpu": rounds.median("reading", "cpu"), "bytes": found["bytes"], "requests": found["requests"],
                              "query": rounds.said("floor")["bytes"], "size": size}
            if name == "dense":
                self.after_reading = rounds.median("run ours", "cpu", "reading")
            floor, whole = rounds.said("floor")["bytes"], rounds.said("floor of all")["bytes"]
            reads.append([
                self.sets[name], f"{size / 1e6:.1f}", f"{found['bytes'] / 1e6:.1f}", f"{100 * found['bytes'] / size:.1f} %",
                str(found["requests"]), f"{100 * floor / size:.1f} %", f"{100 * whole / size:.1f} %",
                f"{found['bedrock_rows']:,}", f"{found['lines']:,}",
                f"{rounds.median('reading', 'peak', 'start') / MEBIBYTE:.1f}", f"{rounds.median('start', 'peak') / MEBIBYTE:.1f}",
            ])
        if speeds:
            table("Processor time beside DuckDB's group-by, and beside reading and decompressing columns alone (floor)",
                  ["work", "CPU s", "DuckDB s", "we are", "without tags s", "we are", "floor of its columns s", "we take",
                   "floor of ours s", "we take"], speeds)
            table("Time on the clock and memory, beside DuckDB's group-by with tags",
                  ["work", "wall s", "DuckDB s", "we are", "peak MiB", "DuckDB MiB", "we take"], clocks)
            table("What is read", ["file", "MB", "MB read", "share", "requests", "query's columns", "ledger's columns",
                                   "Bedrock rows", "lines", "peak above start, MiB", "start, MiB"], reads)

    def on_a_ledger(self):
        """What is asked of a ledger that is there."""
        for name in self.wanted("dense"):
            for who in self.binaries:
                run(self.run_from_nothing(who, name))
            works = {
                "run again, nothing new": lambda who: self.run_again(who, name),
                "report --by identity": lambda who: self.command(who, "report", name, "--by", "identity"),
                "digest": lambda who: self.command(who, "digest", name, "--now", NOW),
                "page": lambda who: self.command(who, "page", name, "--out", WORK / f"page-{who}.html", "--now", NOW),
            }
            rows = []
            for work, command in works.items():
                rounds = Rounds({who: command(who) for who in self.binaries}, self.rounds)
                self.keep(f"{work}, {name}", rounds)
                row = [work]
                for who in self.binaries:
                    row += [*(seconds(rounds.median(who, what)) for what in ["cpu", "wall"]), mib(rounds.median(who, "peak"))]
                if len(self.binaries) > 1:
                    row += [times(rounds.ratio("before", "ours", "cpu")), times(rounds.ratio("ours", "before", "peak"))]
                rows.append(row)
            head = ["work", "CPU s", "wall s", "peak MiB"]
            if len(self.binaries) > 1:
                head += ["before: CPU s", "wall s", "peak MiB", "times as fast, CPU", "memory, of before's"]
            table(f"On the ledger of {self.sets[name]}: {self.facts(name):,} facts", head, rows)

    def facts(self, name):
        [file] = self.ledger(name, "ours").glob("facts/*/*/facts.parquet")
        rows = "pyarrow.parquet.read_metadata(sys.argv[1]).num_rows"
        code = f"import json, sys, pyarrow.parquet; print(json.dumps({{'facts': {rows}}}))"
        return run([sys.executable, "-c", code, file]).said["facts"]

    def cost_at_scale(self):
        """What deliveries cost on Lambda, if the bills that this needs were measured in their full size."""
        if self.chunk and self.after_reading and self.sets is SETS:
            rows = cost.rows(self.chunk, self.after_reading / self.facts("dense"), self.chunk["query"], self.chunk["size"])
            table("Cost of a delivery at list prices, worked out (docs/cost-at-scale.md)", cost.HEAD, rows)

    def starts_and_zips(self):
        """What `make size` measured last."""
        measured = TARGET / "release" / "size.json"
        if not measured.exists():
            print("\nStarts and zips: `make size` measures them, and then they stand here.")
            return
        at = datetime.datetime.fromtimestamp(measured.stat().st_mtime, datetime.UTC)
        sizes = json.loads(measured.read_text())
        self.results["starts and zips"] = sizes
        self.save()
        rows = [[name, f"{of['start']:.1f}", times(of["ratio"]), f"{of['memory']:.1f}", f"{of['zip']:.2f}", of["of"]]
                for name, of in sizes.items()]
        table(f"Starts and zips, as `make size` found them at {at:%Y-%m-%d %H:%M} UTC",
              ["function", "start ms", "of the empty one's", "memory MB", "zip MB", "zip of"], rows)


def machine():
    name = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                 if line.startswith("model name")), platform.processor())
    return f"{name}, {platform.machine()}, {platform.system()} {platform.release()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--only", type=lambda text: text.split(","))
    parser.add_argument("--before", type=pathlib.Path)
    parser.add_argument("--reading", type=pathlib.Path)
    arguments = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    exports = subprocess.run([sys.executable, HERE / "export.py", WORK, *(["--quick"] if arguments.quick else [])],
                             check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    bench = Bench(arguments, pathlib.Path(exports))
    print(f"{machine()}\n"
          f"{bench.rounds} rounds, programs in turn; medians. DuckDB's times are without its start and Python's, which a process that\n"
          "asks nothing took in the same round; its memory is with them. Ours are of whole processes. 'We are 2x': twice as fast;\n"
          "'we take 2x': twice as much.", flush=True)
    bench.against_duckdb()
    bench.on_a_ledger()
    bench.cost_at_scale()
    bench.starts_and_zips()


if __name__ == "__main__":
    main()
