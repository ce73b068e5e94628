"""Writes the exports that are measured, once: trees as AWS delivers them, below target/bench.

Usage: export.py DIR [--quick]

Prints the folder in which they are: its name says what made them.
"""

import hashlib
import json
import os
import pathlib
import shutil
import sys
import time
from dataclasses import dataclass

import duckdb
import pyarrow
import pyarrow.parquet as parquet

import bill

SEED = 19
NAME = "bench"
MILLION = 1_000_000


@dataclass(frozen=True)
class Export:
    """One export: how many files of how many rows, which share of them is Bedrock's, and who calls."""

    files: int
    rows: int
    share: float
    callers: int
    csv: bool = False


# What a quick run has, too, as far as small files can show it.
FULL = {
    "sparse": Export(4, MILLION, 0.01, 120),
    "one": Export(1, MILLION, 0.01, 120),
    "none": Export(1, MILLION, 0.0, 0),
    "dense": Export(1, MILLION, 0.6, 2_000),
    "csv": Export(1, MILLION // 2, 0.01, 120, csv=True),
}
QUICK = {name: Export(e.files, 200_000 // e.files, e.share, e.callers // 5, e.csv) for name, e in FULL.items()}


def key(exports):
    """Names what would be written: by the code, the versions of what writes, and the sizes."""
    code = [pathlib.Path(__file__).read_bytes(), pathlib.Path(bill.__file__).read_bytes(), bill.SCHEMA.read_bytes()]
    text = f"{duckdb.__version__} {pyarrow.__version__} {exports}"
    return hashlib.sha256(b"".join([*code, text.encode()])).hexdigest()[:12]


def write_parquet(table, path):
    """As the writer of live exports does: parquet-mr 1.13.1 through Spark, v1 pages of at most 20,000 rows,
    dictionaries up to a megabyte and plain values from there on, INT96, one row group."""
    parquet.write_table(
        table, path, row_group_size=len(table), version="1.0", compression="snappy", data_page_version="1.0",
        use_deprecated_int96_timestamps=True, store_schema=False, dictionary_pagesize_limit=2**20, data_page_size=2**20,
        max_rows_per_page=20_000,
    )


def write_csv(connection, table, path):
    """As live exports are: maps as JSON objects, times with milliseconds, nothing where there is none."""
    connection.register("rows", table)
    cells = []
    for name, kind in bill.COLUMNS.items():
        if pyarrow.types.is_map(kind):
            cells.append(f"coalesce(to_json({name})::VARCHAR, '{{}}') AS {name}")
        elif pyarrow.types.is_timestamp(kind):
            cells.append(f"strftime({name}, '%Y-%m-%dT%H:%M:%S.000Z') AS {name}")
        else:
            cells.append(name)
    connection.sql(f"SELECT {', '.join(cells)} FROM rows").write_csv(str(path), header=True, compression="gzip")
    connection.unregister("rows")


def manifest(keys):
    kinds = {"string": "string", "double": "double", "timestamp[ns]": "timestamp"}
    columns = [{"name": name, "type": kinds.get(str(kind), "map<string,string>")} for name, kind in bill.COLUMNS.items()]
    return json.dumps({
        "executionId": "00000000-0000-4000-8000-000000000019",
        "exportArn": f"arn:aws:bcm-data-exports:us-east-1:{bill.PAYER}:export/{NAME}",
        "exportName": NAME,
        "columns": columns,
        "dataFiles": [f"s3://bench-exports/{key}" for key in keys],
        "billingPeriod": bill.PERIOD,
    }, indent=2)


def write(connection, export, root, written):
    """A tree with one delivery. Its files are as old as the delivery, because the ledger goes by it."""
    lists = bill.Lists(export.callers)
    delivered = 1_796_000_400  # 2026-11-30T01:00:00Z
    keys = []
    for number in range(export.files):
        ending = "csv.gz" if export.csv else "snappy.parquet"
        keys.append(f"{NAME}/data/BILLING_PERIOD={bill.PERIOD}/{NAME}-{number + 1:05}.{ending}")
        path = root / keys[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = (number, export.rows, export.share, export.callers, export.csv)
        if rows in written:
            os.link(written[rows], path)
            continue
        table = bill.table(connection, number * export.rows, export.rows, export.share, SEED, lists)
        write_csv(connection, table, path) if export.csv else write_parquet(table, path)
        del table
        os.utime(path, (delivered, delivered))
        written[rows] = path
    path = root / NAME / "metadata" / f"BILLING_PERIOD={bill.PERIOD}" / f"{NAME}-Manifest.json"
    path.parent.mkdir(parents=True)
    path.write_text(manifest(keys))
    os.utime(path, (delivered + 300, delivered + 300))


def main():
    exports = QUICK if "--quick" in sys.argv else FULL
    below = pathlib.Path(sys.argv[1]) / f"exports-{key(exports)}"
    connection = duckdb.connect()
    # One thread, so that rows come in the order of their numbers.
    connection.execute("SET threads = 1; SET enable_progress_bar = false")
    written = {}
    for name, export in exports.items():
        if (below / name).exists():
            continue
        began = time.monotonic()
        making = below / f"{name}.making"
        shutil.rmtree(making, ignore_errors=True)
        write(connection, export, making, written)
        making.rename(below / name)
        written = {rows: pathlib.Path(str(path).replace(".making", "")) for rows, path in written.items()}
        size = sum(path.stat().st_size for path in (below / name).glob("*/data/*/*"))
        rows = export.files * export.rows
        print(f"{name}: {rows:,} rows, {size / 1e6:.1f} MB, {size / rows:.0f} bytes a row, {time.monotonic() - began:.0f} s",
              file=sys.stderr)
    print(below)


if __name__ == "__main__":
    main()
