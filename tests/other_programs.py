"""Lets other programs check what the command line says.

Usage: other_programs.py BINARY WORKDIR [EXPECTED]

EXPECTED is a file to write: the totals of a small sample as computed here, which tests/reference_totals.rs compares
with the command line's without needing Python.

On a sample export it compares, to the last digit:
- `report` with totals that Python computes from the export's own files, by its own reading of the rules, each double
  taken in its shortest decimal form;
- the facts file, read by DuckDB and by pyarrow, with `report`.

Prints what was compared; exits 1 at the first difference.
"""

import csv
import decimal
import glob
import json
import os
import shutil
import subprocess
import sys

import duckdb
import pyarrow.parquet as parquet

BINARY, WORKDIR = sys.argv[1], sys.argv[2]
NOW = "2026-11-20T06:00:00Z"
UNIT = decimal.Decimal(1).scaleb(-18)
decimal.getcontext().prec = 60

CATEGORIES = {
    "Usage": "usage",
    "DiscountedUsage": "usage",
    "SavingsPlanCoveredUsage": "usage",
    "SavingsPlanNegation": "discount",
    "Credit": "credit",
    "Refund": "refund",
    "Tax": "tax",
    "Fee": "fee",
    "RIFee": "fee",
    "FlatRateSubscription": "fee",
}


def run(*arguments):
    return subprocess.run([BINARY, *arguments], check=True, capture_output=True, text=True).stdout


def report(ledger, *keys, category=None):
    arguments = ["report", "--ledger", ledger, "--by", ",".join(keys), "--format", "csv"]
    if category:
        arguments += ["--category", category]
    rows = list(csv.reader(run(*arguments).splitlines()))
    assert rows[0] == [*keys, "currency", "cost"], rows[0]
    return {tuple(row[:-1]): decimal.Decimal(row[-1]) for row in rows[1:]}


def money(value):
    """The shortest decimal form of a double, kept to 18 places."""
    return decimal.Decimal(repr(value)).quantize(UNIT, rounding=decimal.ROUND_HALF_EVEN)


def category(line_item_type, bill_type):
    if line_item_type in CATEGORIES:
        found = CATEGORIES[line_item_type]
    elif line_item_type.endswith("Discount"):
        found = "discount"
    elif line_item_type.startswith("SavingsPlan") and line_item_type.endswith("Fee"):
        found = "fee"
    else:
        found = "other"
    return "refund" if bill_type == "Refund" and found not in ("tax", "credit") else found


def is_bedrock(row):
    product = dict(row["product"] or [])
    resource = (row["line_item_resource_id"] or "").split(":", 3)
    return (
        row["product_product_family"] == "Amazon Bedrock"
        or (row["line_item_product_code"] or "").startswith("AmazonBedrock")
        or (row["product_servicecode"] or "").startswith("AmazonBedrock")
        or "Bedrock" in (product.get("product_name") or "")
        or "Bedrock" in (product.get("servicename") or "")
        or (row["line_item_operation"] or "").startswith("InvokeModel")
        or (len(resource) == 4 and resource[0] == "arn" and resource[2] == "bedrock")
        or bool(row["line_item_iam_principal"])
    )


COLUMNS = [
    "bill_bill_type",
    "line_item_currency_code",
    "line_item_iam_principal",
    "line_item_line_item_type",
    "line_item_operation",
    "line_item_product_code",
    "line_item_resource_id",
    "line_item_unblended_cost",
    "line_item_usage_account_id",
    "line_item_usage_start_date",
    "line_item_usage_type",
    "product",
    "product_product_family",
    "product_servicecode",
    "tags",
]

# What `report` calls a key, and where the bill has it.
KEYS = {
    "day": lambda row: str(row["line_item_usage_start_date"].date()),
    "account": lambda row: row["line_item_usage_account_id"] or "",
    "principal": lambda row: row["line_item_iam_principal"] or "",
    "usage_type": lambda row: row["line_item_usage_type"] or "",
    "tag:iamPrincipal/team": lambda row: dict(row["tags"] or []).get("iamPrincipal/team") or "",
}


def billed(tree):
    """Totals of the Bedrock rows of an export tree by category, one key and currency."""
    totals = {key: {} for key in [None, *KEYS]}
    for chunk in sorted(glob.glob(f"{tree}/**/data/**/*.parquet", recursive=True)):
        for row in parquet.read_table(chunk, columns=COLUMNS, partitioning=None).to_pylist():
            if not is_bedrock(row):
                continue
            kind = category(row["line_item_line_item_type"], row["bill_bill_type"])
            cost = money(row["line_item_unblended_cost"] or 0.0)
            for key, sums in totals.items():
                value = [] if key is None else [KEYS[key](row)]
                group = (kind, *value, row["line_item_currency_code"])
                sums[group] = sums.get(group, 0) + cost
    return totals


def same(what, left, right):
    if left != right:
        for group in sorted(set(left) | set(right)):
            if left.get(group) != right.get(group):
                print(f"{what}: {group}: {left.get(group)} is not {right.get(group)}")
        sys.exit(1)
    print(f"{what}: {len(left)} groups equal")


def check_report(tree, ledger):
    for key, expected in billed(tree).items():
        keys = ["category"] if key is None else ["category", key]
        same(f"report --by {','.join(keys)} = the bill, read by pyarrow", report(ledger, *keys), expected)


def check_facts(ledger):
    files = f"{ledger}/facts/*/*/facts.parquet"
    for keys, columns in [
        (["category", "identity"], "category, identity"),
        (["day", "model"], "cast(usage_date as varchar), model"),
        (["category", "token", "tier", "routing", "context"], "category, token_kind, tier, routing, context"),
        (["tag:iamPrincipal/team"], "coalesce(tags['iamPrincipal/team'], '')"),
        (["principal"], "coalesce(principal, '')"),
    ]:
        query = f"select {columns}, currency, sum(unblended_cost) from read_parquet('{files}') group by all"
        sums = {tuple(row[:-1]): row[-1] for row in duckdb.sql(query).fetchall()}
        same(f"facts by {','.join(keys)}, summed by duckdb, = report", sums, report(ledger, *keys))
    sums = {}
    for file in glob.glob(files):
        for row in parquet.read_table(file, partitioning=None).to_pylist():
            group = (row["owner"], row["currency"])
            sums[group] = sums.get(group, 0) + row["unblended_cost"]
    same("facts by owner, summed by pyarrow, = report", sums, report(ledger, "owner"))


def main():
    shutil.rmtree(WORKDIR, ignore_errors=True)
    os.makedirs(WORKDIR)
    ledger = f"{WORKDIR}/ledger"
    # Two samples that differ in everything stand for two deliveries of one export: the second replaces the first.
    for seed in ["1", "2"]:
        export = f"{WORKDIR}/export-{seed}"
        run("sample", "--out", export, "--rows", "3000", "--deliveries", "1", "--seed", seed)
        run("run", "--export", export, "--ledger", ledger, "--now", NOW)
        check_report(export, ledger)
    check_facts(ledger)
    metrics = [json.loads(line) for line in open(f"{ledger}/out/metrics.jsonl", encoding="utf-8")]
    assert metrics and all(isinstance(datum["value"], (int, float)) for datum in metrics)
    print(f"{len(metrics)} metric data are JSON")
    if len(sys.argv) > 3:
        write_expected(f"{WORKDIR}/export-expected", sys.argv[3])


def write_expected(export, file):
    run("sample", "--out", export, "--rows", "2700", "--deliveries", "1", "--seed", "7")
    totals = billed(export)
    del totals["principal"]
    named = {
        key or "": {"|".join(group): f"{cost.normalize():f}" for group, cost in sorted(sums.items())}
        for key, sums in totals.items()
    }
    with open(file, "w", encoding="utf-8") as out:
        json.dump(named, out, indent=1, ensure_ascii=False)
        out.write("\n")


main()
